"""Overlays of generate: in the manifest, in --check, and in what is said of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from imageproof.cli import main
from imageproof.contract.locate import CHECKOUT, spec_file

ACME = spec_file("overlays/acme.yaml")
PRICE = """overlay: 1.0.0
info: {title: A price, version: "1"}
actions:
  - target: $.x-model-families[?@.id == 'gpt-image-2'].prices.images[?@.quality == 'low']
    update: {price: 0.5}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ACME, "acme.yaml")
    Path("price.yaml").write_text(PRICE, encoding="utf-8")
    return tmp_path


def generate(*args: str) -> Result:
    return CliRunner().invoke(main, ["generate", "-q", "-t", "openapi", "--out", "out", *args])


def manifest() -> dict[str, object]:
    found: dict[str, object] = json.loads(Path("out/MANIFEST.json").read_text(encoding="utf-8"))
    return found


def test_the_manifest_names_them_in_order_and_only_where_there_are_some(folder: Path) -> None:
    assert generate().exit_code == 0
    assert "overlays" not in manifest()
    plain = manifest()["document"]
    assert generate("--overlay", "price.yaml", "--overlay", "acme.yaml").exit_code == 0
    told = manifest()["overlays"]
    assert isinstance(told, list) and [one["name"] for one in told] == ["price.yaml", "acme.yaml"]
    assert len({one["digest"] for one in told}) == 2 and manifest()["document"] != plain
    assert "overlays" not in json.loads((CHECKOUT / "generated" / "MANIFEST.json").read_text(encoding="utf-8"))


def test_check_with_other_overlays_is_drift(folder: Path) -> None:
    assert generate("--overlay", "acme.yaml").exit_code == 0
    same = generate("--check", "--overlay", "acme.yaml")
    assert (same.exit_code, same.stdout) == (0, "out: 2 files in step\n")
    without = generate("--check")
    assert without.exit_code == 1 and "changed: openapi/strict.yaml differs" in without.stdout
    assert "out: written with --overlay acme.yaml, and checked with no overlay\n" in without.stdout
    more = generate("--check", "--overlay", "acme.yaml", "--overlay", "price.yaml")
    assert more.exit_code == 1
    assert "written with --overlay acme.yaml, and checked with --overlay acme.yaml, --overlay price.yaml" in more.stdout
    text = Path("acme.yaml").read_text(encoding="utf-8")
    Path("acme.yaml").write_text("# a comment\n" + text, encoding="utf-8")
    assert generate("--check", "--overlay", "acme.yaml").exit_code == 0
    Path("acme.yaml").write_text(text.replace("acme-draw-1-fast", "acme-draw-2"), encoding="utf-8")
    edited = generate("--check", "--overlay", "acme.yaml")
    assert edited.exit_code == 1 and "out: written before acme.yaml changed\n" in edited.stdout


def test_a_bad_overlay_writes_nothing(folder: Path) -> None:
    Path("bad.yaml").write_text(PRICE.replace("gpt-image-2", "gpt-image-99"), encoding="utf-8")
    result = generate("--overlay", "acme.yaml", "--overlay", "bad.yaml")
    assert result.exit_code == 2 and not Path("out").exists()
    assert result.stderr.startswith("bad.yaml:4: #/actions/0/target: matches nothing: $.x-model-families[?@.id ==")


def test_what_an_overlay_adds_and_no_client_can_have_is_a_note(folder: Path) -> None:
    """With the line of the overlay; what the built-in contract leaves out is not told."""
    text = """overlay: 1.0.0
info: {title: t, version: "1"}
actions:
  - target: $
    update:
      webhooks: {made: {post: {responses: {"200": {description: ok}}}}}
"""
    Path("hooks.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["generate", "-t", "python", "--out", "out", "--overlay", "hooks.yaml"])
    assert result.exit_code == 0
    assert result.stderr == "note: hooks.yaml:6: #/webhooks: webhooks are not emitted\n"
