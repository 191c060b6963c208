"""The generate command: where it writes, what it refuses, and that the same input gives the same bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imageproof import __version__
from imageproof.cli import main
from imageproof.contract.locate import CHECKOUT, spec_file
from imageproof.emit.output import digest, read_manifest

SMALL = """openapi: 3.1.0
info: {title: Title, version: "1"}
paths:
  /a:
    get:
      operationId: a
      responses: {"200": {description: ok, content: {application/json: {schema: {type: string}}}}}
"""


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_generated_is_a_fresh_rendering() -> None:
    """The committed files are what the generator writes now, none more and none less."""
    result = run("generate", "--check", "--quiet")
    assert result.exit_code == 0, result.output


def test_check_tells_changed_missing_and_orphaned(tmp_path: Path) -> None:
    out = tmp_path / "generated"
    shutil.copytree(CHECKOUT / "generated", out, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    check = ("generate", "--check", "-q", "--out", str(out))
    assert run(*check).exit_code == 0
    package = out / "python" / "imageproof_client"
    (package / "client.py").write_text("changed = True\n", encoding="utf-8")
    (package / "errors.py").unlink()
    (package / "old.py").write_text("", encoding="utf-8")
    before = tree(out)
    result = run(*check)
    assert result.exit_code == 1
    for line in (
        "changed: python/imageproof_client/client.py",
        "-changed = True",
        "+class Images(Resource):",
        "missing: python/imageproof_client/errors.py",
        "orphaned: python/imageproof_client/old.py",
    ):
        assert line in result.stdout
    assert tree(out) == before
    assert run("generate", "-q", "--out", str(out)).exit_code == 0
    assert (package / "old.py").exists()
    (package / "old.py").unlink()
    assert run(*check).exit_code == 0


def test_the_same_bytes_under_every_hash_seed(tmp_path: Path) -> None:
    trees = []
    for seed in ("0", "1", "4242"):
        out = tmp_path / seed
        command = [sys.executable, "-m", "imageproof", "generate", "-q", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        trees.append(tree(out))
    assert trees[0] == trees[1] == trees[2]


def test_name_and_targets_are_remembered(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert run("generate", "-q", "-t", "python", "--name", "pictures", "--out", out).exit_code == 0
    assert (tmp_path / "out/python/pictures/client.py").is_file()
    assert not (tmp_path / "out/openapi").exists()
    assert run("generate", "-q", "--check", "--out", out).exit_code == 0


def test_another_package_is_not_replaced_unasked(tmp_path: Path) -> None:
    """Neither under another name, nor by another document; the same name, or the same document edited, is fine."""
    spec, edited, other = (tmp_path / f"{name}.yaml" for name in ("spec", "edited", "other"))
    spec.write_text(SMALL, encoding="utf-8")
    edited.write_text(SMALL.replace("/a:", "/b:"), encoding="utf-8")
    other.write_text(SMALL.replace("Title", "Other"), encoding="utf-8")
    out = tmp_path / "out"
    base = ("generate", "-q", "-t", "python", "--out", str(out), "--spec")
    assert run(*base, str(spec), "--name", "mine").exit_code == 0
    before = tree(out)
    for args in ((str(spec), "--name", "yours"), (str(other),), (str(other), "--check")):
        result = run(*base, *args)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert "holds the package mine of Title" in result.stderr
        assert "another folder with --out, or type --name mine" in result.stderr
    assert tree(out) == before
    assert run(*base, str(edited)).exit_code == 0
    assert run(*base, str(other), "--name", "mine").exit_code == 0
    assert (out / "python/mine/client.py").is_file()


def test_a_folder_of_the_built_in_contract_is_not_replaced_either(tmp_path: Path) -> None:
    spec, out = tmp_path / "spec.yaml", str(tmp_path / "out")
    spec.write_text(SMALL, encoding="utf-8")
    assert run("generate", "-q", "-t", "python", "--out", out).exit_code == 0
    assert run("generate", "--spec", str(spec), "--out", out).exit_code == 2


def test_what_is_left_out_is_a_note_for_documents_of_the_user(tmp_path: Path) -> None:
    built_in = run("generate", "-t", "python", "--out", str(tmp_path / "a"))
    assert (built_in.exit_code, built_in.stderr) == (0, "")
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"{SMALL}webhooks: {{done: {{}}}}\n", encoding="utf-8")
    own = ("generate", "-t", "python", "--name", "mine", "--spec", str(spec), "--out")
    assert run(*own, str(tmp_path / "b")).stderr.startswith("note: ")
    quiet = run(*own, str(tmp_path / "c"), "-q")
    assert (
        quiet.stderr == "" and quiet.stdout.count("\n") == 1 and re.search(r"(\d+) of \1 files written", quiet.stdout)
    )


def test_a_foreign_file_stops_it(tmp_path: Path) -> None:
    mine = tmp_path / "python" / "README.md"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    result = run("generate", "-q", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert str(mine) in result.stderr
    assert tree(tmp_path) == {"python/README.md": b"mine"}


def test_a_comment_in_the_document_changes_nothing(tmp_path: Path) -> None:
    text = spec_file("openapi.yaml").read_text(encoding="utf-8")
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"# a comment\n{text}", encoding="utf-8")
    out = tmp_path / "out"
    assert run("generate", "-q", "--name", "imageproof_client", "--spec", str(spec), "--out", str(out)).exit_code == 0
    manifest, written = read_manifest(CHECKOUT / "generated"), read_manifest(out)
    assert manifest is not None and written is not None
    beside, known = manifest.beside, tree(CHECKOUT / "generated")
    committed = {name: data for name, data in known.items() if "cache" not in name and name not in beside}
    found = tree(out)
    assert found.pop("MANIFEST.json") and committed.pop("MANIFEST.json")
    assert found == committed
    assert replace(written, beside=beside) == manifest


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("-t", "rust"), "target 'rust' is not there yet; known: python, typescript, go, openapi"),
        (("--name", "not a name"), "not a name for a package"),
        (("--name", "class"), "not a name for a package"),
        (("--spec", "missing.yaml"), "missing.yaml: cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(tmp_path: Path, args: tuple[str, ...], said: str) -> None:
    result = run("generate", "--out", str(tmp_path / "out"), *args)
    assert result.exit_code == 2
    assert said in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    assert run("generate", "--out", str(tmp_path / "out")).exit_code == 2


def test_outside_a_checkout_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where an editable install knows of one: what counts is where the user stands."""
    monkeypatch.chdir(tmp_path)
    result = run("generate")
    assert result.exit_code == 2
    assert "type: imageproof generate --target python --out clients" in result.stderr


def test_version_help_and_what_is_not_there() -> None:
    assert run("--version").stdout == f"imageproof {__version__}\n"
    for command in ("generate", "serve", "conform"):
        assert re.search(rf"imageproof {command} \S", run("--help").stdout.partition("Examples:")[2])
    assert run("nonsense").exit_code == 2


def test_the_group_imports_no_command() -> None:
    code = "import sys, imageproof.cli; print([m for m in sys.modules if m.startswith(('imageproof.cli.', 'jinja2'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from imageproof import cli

    monkeypatch.setitem(cli.COMMANDS, "extra", cli.Entry("imageproof.cli:nothing", "Needs more.", "suite"))

    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="rich")

    monkeypatch.setattr("importlib.import_module", absent)
    result = run("extra")
    assert result.exit_code == 2
    assert result.stderr == "extra needs rich, which is not installed: pip install 'imageproof[suite]'\n"


def test_interruption_is_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imageproof.cli.generate.load", interrupted)
    assert run("generate", "--out", str(tmp_path)).exit_code == 130


@pytest.mark.parametrize("name", ["", "class", "a-b", "../up", "é", "_", "x_", "httpx2", "json", "typing"])
def test_names_that_no_package_can_have(tmp_path: Path, name: str) -> None:
    """Not Python's own either: a package called httpx2 would import itself."""
    result = run("generate", "-t", "python", "--name", name, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "--name my_client" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_title_without_a_latin_letter_still_gives_a_name(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SMALL.replace("Title", "画像"), encoding="utf-8")
    assert run("generate", "-t", "python", "--spec", str(spec), "--out", str(tmp_path)).exit_code == 0
    assert (tmp_path / "python" / "api_client").is_dir()


def test_a_folder_whose_name_is_too_long(tmp_path: Path) -> None:
    result = run("generate", "-q", "--out", str(tmp_path / ("a" * 300)))
    assert (result.exit_code, "choose another folder with --out" in result.stderr) == (2, True)


def test_what_is_removed_is_called_so(tmp_path: Path) -> None:
    command = ("generate", "-t", "python", "--out", str(tmp_path))
    assert run(*command).exit_code == 0
    manifest = tmp_path / "MANIFEST.json"
    data = json.loads(manifest.read_text(encoding="utf-8"))
    data["files"]["python/old.py"] = digest("old\n")
    manifest.write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "python" / "old.py").write_text("old\n", encoding="utf-8")
    result = run(*command)
    assert "  python/old.py (removed)" in result.stdout.splitlines()
    assert re.search(r" 1 of \d\d files written", result.stdout)


def test_a_chain_of_a_thousand_schemas(tmp_path: Path) -> None:
    """Large documents refer from schema to schema deeper than Python recurses."""
    links = "".join(
        f'    M{one}: {{type: object, properties: {{next: {{$ref: "#/components/schemas/M{one + 1}"}}}}}}\n'
        for one in range(1000)
    )
    spec = tmp_path / "spec.yaml"
    text = SMALL.replace("{type: string}", '{$ref: "#/components/schemas/M0"}')
    spec.write_text(f"{text}components:\n  schemas:\n{links}    M1000: {{type: string}}\n", encoding="utf-8")
    result = run("generate", "-t", "python", "--name", "c", "--spec", str(spec), "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "class M999(" in (tmp_path / "python" / "c" / "models.py").read_text(encoding="utf-8")
