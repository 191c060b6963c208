"""What the Go target makes of the golden cases: `golang/` of a case has the files that depend on the document.

To accept what is rendered now: IMAGEPROOF_ACCEPT=1 pytest tests/golden
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from clients.go_tools import go, gofmt
from golden.test_golden import CASES, HERE, HINT, differences

from imageproof.cli import main

GOOD = [case for case in CASES if (HERE / case / "expected").is_dir()]
SHOWN = ("client.go", "example_test.go", "models.go", "params.go")


def emitted(case: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(HERE / case)
    command = ["generate", "-q", "--spec", "spec.yaml", "--target", "go", "--name", f"{case}_client", "--out", str(out)]
    done = CliRunner().invoke(main, [*command, "--go-module", f"example.com/{out.name}/go"])
    assert done.exit_code == 0, done.output
    return out / "go"


@pytest.mark.parametrize("case", GOOD)
def test_case(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = emitted(case, tmp_path / case, monkeypatch)
    found = {f"{name}.txt": (folder / name).read_text(encoding="utf-8") for name in SHOWN}
    stored = HERE / case / "golang"
    if os.environ.get("IMAGEPROOF_ACCEPT") == "1":
        stored.mkdir(exist_ok=True)
        for name, text in found.items():
            (stored / name).write_text(text, encoding="utf-8")
    expected = {path.name: path.read_text(encoding="utf-8") for path in sorted(stored.glob("*.txt"))}
    assert found == expected, f"{differences(expected, found)}\n{HINT}"


def test_every_emitted_module_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As packages of one module, so that one run of each tool does for all."""
    for case in GOOD:
        (emitted(case, tmp_path / case, monkeypatch) / "go.mod").unlink()
    (tmp_path / "go.mod").write_text("module example.com\n\ngo 1.23\n", encoding="utf-8")
    assert gofmt(tmp_path) == ""
    done = go(tmp_path, "vet", "./...")
    assert done.returncode == 0, done.stderr
