"""Who may import whom: reads every import statement of the three packages and of the emitted client."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "imageproof": ROOT / "generator" / "imageproof",
    "imageproof_conformance": ROOT / "tests" / "conformance" / "imageproof_conformance",
    "imageproof_reference": ROOT / "tests" / "reference" / "imageproof_reference",
}
OURS = (*SOURCES, "imageproof_client")

# module prefix -> prefixes of ours that it may import; the longest matching prefix decides.
ALLOWED: dict[str, tuple[str, ...]] = {
    "imageproof": (),
    "imageproof.errors": (),
    "imageproof.contract": ("imageproof.contract", "imageproof.errors"),
    "imageproof.api": ("imageproof.api", "imageproof.contract", "imageproof.errors"),
    "imageproof.emit": ("imageproof.emit", "imageproof.api", "imageproof.errors"),
    "imageproof.emit.render": (
        "imageproof.emit.targets",
        "imageproof.emit.render",
        "imageproof.api",
        "imageproof.errors",
    ),
    "imageproof.emit.output": ("imageproof.emit.targets", "imageproof.errors"),
    "imageproof.emit.targets": ("imageproof.emit.targets", "imageproof.api"),
    "imageproof.emit.targets.openapi": ("imageproof.emit.targets", "imageproof.contract", "imageproof.errors"),
    "imageproof.emit.targets.docs": ("imageproof.emit.targets", "imageproof.contract", "imageproof.errors"),
    "imageproof.cli": ("imageproof",),
    "imageproof.__main__": ("imageproof",),
    "imageproof_conformance": ("imageproof_conformance", "imageproof.contract", "imageproof.errors"),
    "imageproof_reference": ("imageproof_reference", "imageproof.contract", "imageproof.errors"),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in SOURCES.items():
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            yield ".".join((package, *(part for part in parts if part != "__init__"))), file


def imports(module: str, file: Path) -> Iterator[tuple[str, int]]:
    """(module of ours, line) of every import, those inside functions and under TYPE_CHECKING included."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, *([base] if base else [])])
            found = [
                (f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base, node.lineno)
                for alias in node.names
            ]
        else:
            continue
        yield from ((name, line) for name, line in found if name.split(".")[0] in OURS)


def _is_module(name: str) -> bool:
    folder = SOURCES.get(name.split(".")[0])
    if folder is None:
        return False
    path = folder.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def breaches(module: str, file: Path) -> list[str]:
    rule = max((prefix for prefix in ALLOWED if _within(module, prefix)), key=len)
    allowed = ALLOWED[rule]
    version = "imageproof"  # `from imageproof import __version__` knows nothing of anybody
    return [
        f"{file.relative_to(ROOT)}:{line}: {module} may not import {name}"
        for name, line in imports(module, file)
        if name != version and not any(_within(name, prefix) for prefix in allowed)
    ]


def test_arrows() -> None:
    found = [breach for module, file in modules() for breach in breaches(module, file)]
    assert found == [], "\n".join(found)


def test_every_room_is_there() -> None:
    names = {module for module, _ in modules()}
    assert {"imageproof.contract.families", "imageproof.api.ir", "imageproof.emit.render", "imageproof.cli"} <= names


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("imageproof.contract.probe", "from imageproof.api import ir"),
        ("imageproof.emit.targets.python", "from imageproof.contract.document import load"),
        ("imageproof.cli.probe", "import imageproof_conformance.run"),
        ("imageproof_conformance.probe", "def f():\n    from imageproof_reference import app"),
        ("imageproof_reference.probe", "from imageproof.contract import families\nimport imageproof_client"),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "probe.py"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert len(breaches(module, file)) == 1


def test_the_emitted_client_knows_nobody() -> None:
    files = sorted((ROOT / "generated" / "python").rglob("*.py"))
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not [name for name in names if name.split(".")[0] in SOURCES], file
