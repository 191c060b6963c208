"""Two states of our own contract, and what moved from one to the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from imageproof.contract.document import Document, canonical, load, parse
from imageproof.contract.locate import spec_file, spec_files
from imageproof.contract.states import changes, state
from imageproof.contract.yaml_text import read_text
from imageproof.errors import UsageError

TEXT = read_text(spec_file("openapi.yaml"))


def edited(*edits: tuple[str, str]) -> Document:
    """The contract with some of its text replaced, each once."""
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return parse(text, "edited.yaml")


def moved(document: Document) -> dict[str, str]:
    return {one.key: one.kind for one in changes(canonical(), document)}


def test_nothing_moved() -> None:
    assert changes(canonical(), canonical()) == ()


@pytest.mark.parametrize("version", spec_files("versions"))
def test_released_versions_can_be_compared(version: str) -> None:
    released = state(version)
    assert released.data["info"]["version"] == version
    assert [one.key for one in changes(released, canonical()) if one.kind == "breaking"] == []


def test_the_present_version_is_one() -> None:
    assert state(canonical().data["info"]["version"]) is canonical()


def test_a_file_is_a_state(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(TEXT, encoding="utf-8")
    assert changes(state(str(tmp_path / "old.yaml")), canonical()) == ()
    assert changes(load(tmp_path / "old.yaml"), canonical()) == ()


def test_no_such_state() -> None:
    with pytest.raises(
        UsageError, match=r"--from 1999.01: no version of the contract, and no file; versions: .*2026\.11"
    ):
        state("1999.01")


def test_a_value_that_a_family_loses() -> None:
    old = "quality: {schema: {enum: [auto, low, medium, high, xhigh, max]}, rule: GEN-QUALITY-VALUES}"
    found = moved(edited((old, old.replace(", max]", "]"))))
    models = [key for key in found if key.startswith("createImage json:quality@gpt-image-2.")]
    assert models and {found[key] for key in models} == {"narrower"}


def test_a_model_that_comes_and_one_that_goes() -> None:
    found = moved(edited(("models: [gpt-image-1.5, chatgpt-image-latest]", "models: [gpt-image-1.5, gpt-image-9]")))
    assert found == {
        "api model:chatgpt-image-latest offered": "breaking",
        "api model:gpt-image-9 offered": "extension",
    }


def test_what_holds_for_all_is_told_once() -> None:
    found = moved(edited(("          maximum: 10\n", "          maximum: 8\n")))
    assert found == {"createImage json:n maximum": "narrower"}


@pytest.mark.parametrize(
    ("old", "new", "key", "kind"),
    [
        ("carriers: [b64_json]", "carriers: [url]", "api model:gpt-image-1 returns.carriers", "breaking"),
        ("max_edge: 3840", "max_edge: 2048", "createImage size@gpt-image-2 grid", "narrower"),
        (
            "file: {properties: {format: {enum: [png, webp, jpeg]}, bytes: {exclusiveMaximum: 52428800}}}",
            "file: {properties: {format: {enum: [png]}}}",
            "createImageEdit image@gpt-image-1 file",
            "narrower",
        ),
        (
            "response_format: {schema: false, rule: GEN-RESPONSE-FORMAT-FAMILY, either: true}",
            "response_format: {schema: false, rule: GEN-RESPONSE-FORMAT-FAMILY}",
            "createImage response_format@gpt-image-1 either",
            "narrower",
        ),
    ],
)
def test_what_a_family_says_beside_its_schemas(old: str, new: str, key: str, kind: str) -> None:
    assert moved(edited((old, new)))[key] == kind


def test_a_change_for_one_model_beside_one_for_all() -> None:
    found = changes(
        canonical(),
        edited(
            ("          maximum: 10\n", "          maximum: 9\n"),
            ("n: {schema: {maximum: 1}", "n: {schema: {maximum: 0}"),
        ),
    )
    shown = {one.key: (one.ours, one.theirs) for one in found if "json:n" in one.place}
    assert shown == {"createImage json:n maximum": ("10", "9"), "createImage json:n@dall-e-3 maximum": ("1", "0")}


def test_status_prices_and_rules_of_a_family() -> None:
    found = moved(
        edited(
            ('status: {state: scheduled, until: "2026-12-01"', 'status: {state: retired, until: "2026-12-01"'),
            ("{quality: low, size: 1024x1024, price: 0.005}", "{quality: low, size: 1024x1024, price: 0.004}"),
            (
                "message: mask and markup cannot be combined\n        when: {required: [mask, markup]}",
                "message: only one of mask and markup\n        when: {required: [mask, markup, n]}",
            ),
        )
    )
    assert found["api model:gpt-image-1-mini status"] == "breaking"
    assert found["api model:gpt-image-1-mini prices"] == "documentation"
    assert found["api model:gpt-image-2.5-flare rule:EDIT-MASK-MARKUP"] == "narrower"
