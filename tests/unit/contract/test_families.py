"""The family table: what it says, and how a bad row is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from imageproof.contract.document import Document, load, parse
from imageproof.contract.families import Grid, allowed_values, families, family_of
from imageproof.contract.locate import spec_file
from imageproof.errors import DocumentError

DOCUMENT = load()


def test_families_fold_what_they_are_like() -> None:
    newest = family_of(DOCUMENT, "gpt-image-2.6-flare")
    assert newest is not None
    assert newest.cell("createImage", "frame_count") is None  # dropped: 2.6 has it
    inherited = newest.cell("createImage", "background")
    assert inherited is not None and inherited.rule == "GEN-BACKGROUND-VALUES"
    assert {rule.id for rule in newest.rules} >= {"GEN-TRANSPARENT-FORMAT", "EDIT-MASK-MARKUP", "GEN-GIF-ALONE"}
    assert family_of(DOCUMENT, "something-else") is None


def test_every_family_has_status_and_source() -> None:
    for family in families(DOCUMENT):
        assert family.status.source
        assert family.status.until or family.status.state == "current"
        assert family.returns.carriers
        if family.prices:
            assert family.prices.date and family.prices.source


def test_allowed_values_in_document_order() -> None:
    assert allowed_values(DOCUMENT, "createImage", "style") == ("vivid", "natural")
    assert allowed_values(DOCUMENT, "createImage", "size", model="dall-e-2") == ("1024x1024", "256x256", "512x512")
    assert "max" in allowed_values(DOCUMENT, "createImage", "quality")
    assert allowed_values(DOCUMENT, "createImage", "prompt") == ()


@pytest.mark.parametrize(
    ("size", "legal"),
    [((1024, 640), True), ((1024, 624), False), ((3840, 2160), True), ((3856, 1296), False), ((3072, 1024), True),
     ((3088, 1024), False), ((1000, 1000), False), ((2880, 2880), True), ((2896, 2880), False)],
)  # fmt: skip
def test_grid(size: tuple[int, int], legal: bool) -> None:
    family = family_of(DOCUMENT, "gpt-image-2")
    cell = family.cell("createImage", "size") if family else None
    assert cell is not None and isinstance(cell.grid, Grid)
    assert (cell.grid.breach(*size) == "") is legal
    assert (cell.grid.breach(*reversed(size)) == "") is legal


def test_every_x_key_is_in_the_vocabulary() -> None:
    defined = yaml.safe_load(spec_file("vocabulary.schema.json").read_text(encoding="utf-8"))["$defs"]
    used = list(_extensions(DOCUMENT.data))
    assert {key for key, _ in used} <= set(defined)
    for key, value in used:
        errors = list(Draft202012Validator({"$ref": f"#/$defs/{key}", "$defs": defined}).iter_errors(value))
        assert not errors, (key, errors[0].message)
    spent = {key for key, _ in used}
    assert {key for key in defined if key.startswith("x-")} == spent  # and nothing is defined that is not used


def _extensions(node: Any, names: bool = False) -> Any:
    if isinstance(node, list):
        for item in node:
            yield from _extensions(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key.startswith("x-") and not names:
                yield key, value
            yield from _extensions(value, key in ("properties", "headers"))


ROWS: dict[str, tuple[str, str]] = {
    "unknown key": (
        "[{id: a, models: [a], status: {state: current, source: s}, colour: red}]",
        "'colour' was unexpected",
    ),
    "not a list": ("{a: 1}", "is not of type 'array'"),
    "like nobody": ("[{id: a, like: b, models: [a], status: {state: current, source: s}}]", "no family 'b' above"),
}


@pytest.mark.parametrize("name", ROWS)
def test_bad_rows(name: str) -> None:
    rows, message = ROWS[name]
    head = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"
    with pytest.raises(DocumentError, match=re.escape(message)):
        families(parse(head + f"x-model-families: {rows}\n", "x.yaml"))


def test_a_cell_for_a_parameter_that_is_not_there() -> None:
    with pytest.raises(DocumentError, match="createImage has no parameter 'colour'"):
        families(
            _edited(
                "        quality: {schema: {enum: [standard]}, rule: GEN",
                "        colour: {schema: {enum: [standard]}, rule: GEN",
            )
        )


def test_a_model_in_two_families() -> None:
    with pytest.raises(DocumentError, match="model dall-e-2 stands twice"):
        families(_edited("models: [dall-e-3]", "models: [dall-e-3, dall-e-2]"))


def _edited(old: str, new: str) -> Document:
    text = Path(DOCUMENT.source).read_text(encoding="utf-8")
    assert old in text
    return parse(text.replace(old, new, 1), "edited.yaml")
