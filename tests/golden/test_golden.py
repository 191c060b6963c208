"""Golden cases: each folder holds a `spec.yaml` of one feature, and what the generator makes of it.

`expected/` has the files that depend on the document (as `.txt`, so that no tool takes them for sources of ours);
`stderr.txt` what is said. A case that has no `expected/` must fail with status 2 and write nothing.

To accept what is rendered now: IMAGEPROOF_ACCEPT=1 pytest tests/golden
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from clients.typescript_tools import complaints

from imageproof.cli import main
from imageproof.contract.locate import CHECKOUT

HERE = Path(__file__).parent
CASES = sorted(folder.parent.name for folder in HERE.glob("*/spec.yaml"))
ACCEPT = os.environ.get("IMAGEPROOF_ACCEPT") == "1"
HINT = "to accept this: IMAGEPROOF_ACCEPT=1 pytest tests/golden"


def generated(case: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit status and what was said on stderr."""
    monkeypatch.chdir(HERE / case)
    targets = "python,typescript,openapi" if case == "families" else "python,typescript"
    result = CliRunner().invoke(
        main, ["generate", "--spec", "spec.yaml", "--target", targets, "--name", f"{case}_client", "--out", str(out)]
    )
    return result.exit_code, result.stderr


def shown(case: str, out: Path) -> dict[str, str]:
    """The files that depend on the document: the rest is the same for every one, or says nothing of it."""
    package = out / "python" / f"{case}_client"
    files = {name: package / name for name in ("client.py", "models.py", "_families.json")}
    files |= {"client.js": out / "typescript/src/client.js", "index.d.ts": out / "typescript/types/index.d.ts"}
    files |= {"strict.yaml": out / "openapi" / "strict.yaml"} if case == "families" else {}
    return {f"expected/{name}.txt": path.read_text(encoding="utf-8") for name, path in files.items() if path.exists()}


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, said = generated(case, tmp_path / "out", monkeypatch)
    found = {"stderr.txt": said} if said else {}
    found |= shown(case, tmp_path / "out")
    if ACCEPT:
        accept(HERE / case, found)
    expected = {
        str(path.relative_to(HERE / case)): path.read_text(encoding="utf-8")
        for path in sorted([*(HERE / case).glob("*.txt"), *(HERE / case).glob("expected/*.txt")])
    }
    assert status == (0 if any(name.startswith("expected/") for name in expected) else 2), said
    assert status == 0 or not (tmp_path / "out").exists()
    assert found == expected, f"{differences(expected, found)}\n{HINT}"


def accept(folder: Path, found: dict[str, str]) -> None:
    shutil.rmtree(folder / "expected", ignore_errors=True)
    (folder / "stderr.txt").unlink(missing_ok=True)
    for name, text in found.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def differences(expected: dict[str, str], found: dict[str, str]) -> str:
    lines: list[str] = []
    for name in sorted({*expected, *found}):
        stored, now = expected.get(name, "").splitlines(), found.get(name, "").splitlines()
        lines += difflib.unified_diff(stored, now, f"{name} stored", f"{name} now", lineterm="")
    return "\n".join(lines)


def test_every_emitted_client_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of each tool over all of them: mypy --strict, ruff check, ruff format."""
    good = [case for case in CASES if (HERE / case / "expected").is_dir()]
    for case in good:
        assert generated(case, tmp_path / case, monkeypatch)[0] == 0
    packages = [str(tmp_path / case / "python" / f"{case}_client") for case in good]
    settings = ["--config", str(CHECKOUT / "pyproject.toml"), "--no-cache"]
    for command in (
        ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *packages],
        ["ruff", "check", *settings, *packages],
        ["ruff", "format", "--check", *settings, *packages],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_emitted_typescript_client_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of each tool over all of them: tsc --strict, typescript-eslint."""
    good = [case for case in CASES if (HERE / case / "expected").is_dir()]
    for case in good:
        assert generated(case, tmp_path / case, monkeypatch)[0] == 0
    packages = {case: tmp_path / case / "typescript" for case in good}
    assert complaints(packages, tmp_path / "room") == ""
