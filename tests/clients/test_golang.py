"""The emitted Go client: what the tools say of it, and the tests that are written in Go, in `golang/`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from click.testing import CliRunner
from clients.go_tools import EMITTED, HERE, go, gofmt

from imageproof.cli import main
from imageproof.contract.locate import CHECKOUT
from imageproof.emit.targets.golang.types import RUNTIME_NAMES

TEMPLATES = CHECKOUT / "generator/imageproof/emit/templates/go"
EXPORTED = re.compile(r"^(?:func|type|var) ([A-Z]\w*)|^\t([A-Z]\w*)\s+Validation = ", re.MULTILINE)


def test_gofmt_changes_nothing() -> None:
    assert gofmt(EMITTED) == ""
    assert gofmt(HERE) == ""


def test_go_vet_says_nothing() -> None:
    """Examples count as tests, so that they are compiled here too. What staticcheck says is a gate of `.ci/run`."""
    for module in (EMITTED, HERE):
        done = go(module, "vet", "./...")
        assert done.returncode == 0, done.stderr


def test_the_tests_in_go() -> None:
    """Races are looked for where there is a C compiler, which Go needs for it."""
    race = ["-race"] if shutil.which("gcc") or shutil.which("clang") else []
    done = go(HERE, "test", *race, ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_name_of_a_document_hides_one_of_the_runtime() -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in (*TEMPLATES.glob("runtime/*.go"), TEMPLATES / "retry.go.jinja")
    ]
    assert {one or other for text in texts for one, other in EXPORTED.findall(text)} == RUNTIME_NAMES


def test_only_the_standard_library_is_imported() -> None:
    for path in EMITTED.glob("*.go"):
        block = re.search(r"^import (?:\((.*?)^\)|(\S+)$)", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        imported = re.findall(r'"([^"]+)"', (block[1] or block[2]) if block else "")
        own = "imageproofclient" if path.name == "example_test.go" else None
        assert [one for one in imported if "." in one.split("/")[0] and one != own] == []
    assert "require" not in (EMITTED / "go.mod").read_text(encoding="utf-8")


def test_a_module_of_ones_own(tmp_path: Path) -> None:
    """Under a path of its own, which stays when the folder is written again."""
    command = ["generate", "-q", "--target", "go", "--out", str(tmp_path), "--name", "my_images"]
    assert CliRunner().invoke(main, [*command, "--go-module", "example.com/acme/images/v2"]).exit_code == 0
    assert (tmp_path / "go/go.mod").read_text(encoding="utf-8").startswith("module example.com/acme/images/v2\n")
    assert CliRunner().invoke(main, [*command, "--check"]).exit_code == 0
    done = go(tmp_path / "go", "vet", "./...")
    assert done.returncode == 0, done.stderr


def test_a_path_that_no_module_can_have(tmp_path: Path) -> None:
    for bad in ("a b", "/images", "images/", "a//b", "..", "x/.y", "ü"):
        done = CliRunner().invoke(main, ["generate", "--target", "go", "--out", str(tmp_path), "--go-module", bad])
        assert (done.exit_code, done.exception.__class__) == (2, SystemExit), done.output
        assert "--go-module" in done.output
    assert not list(tmp_path.iterdir())
