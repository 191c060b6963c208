"""What callers are told of values that the contract does not take."""

from __future__ import annotations

from typing import Any

import pytest

from imageproof.contract.document import load
from imageproof.contract.sentences import said, said_of_file
from imageproof.contract.violations import FileFacts, Validator, violations

SCHEMAS: dict[str, tuple[Any, Any, str]] = {
    "a type": ({"type": "string"}, 5, "must be text"),
    "types": ({"type": ["integer", "null"]}, "x", "must be a whole number or null"),
    "one constant": ({"const": False}, True, "must be false"),
    "constants": ({"enum": ["a", 1, None, True]}, 2, "must be one of a, 1, null, true"),
    "one item": ({"maxItems": 1}, [1, 2], "must have at most 1 item"),
    "several items": ({"minItems": 2}, [1], "must have at least 2 items"),
    "a member": ({"required": ["a", "b", "c"]}, {"a": 1}, "needs b and c"),
    "one of two members": (
        {"properties": {"a": {}, "b": {}}, "minProperties": 1, "maxProperties": 1},
        {"a": 1, "b": 2},
        "must have exactly one of a and b",
    ),
    "members": ({"maxProperties": 1}, {"a": 1, "b": 2}, "must have at most 1 member"),
    "another member": ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "may have no members but a"),
    "nothing": (False, 1, "must be left out"),
    "a keyword without words": ({"uniqueItems": True}, [1, 1], "breaks `uniqueItems: true`"),
}


@pytest.mark.parametrize(("schema", "value", "sentence"), SCHEMAS.values(), ids=SCHEMAS)
def test_values(schema: Any, value: Any, sentence: str) -> None:
    assert {said(error) for error in Validator(schema).iter_errors(value)} == {sentence}


FACTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a format": ({"format": {"enum": ["png", "webp"]}}, {"format": "gif"}, "is gif, but must be one of png, webp"),
    "no picture": ({"format": {"const": "png"}}, {"format": ""}, "cannot be read as a picture; it must be png"),
    "no picture, whatever is asked": (
        {"alpha": {"const": True}},
        {"format": "", "alpha": False},
        "cannot be read as a picture; it must have an alpha channel",
    ),
    "alpha": ({"alpha": {"const": True}}, {"alpha": False}, "must have an alpha channel"),
    "no alpha": ({"alpha": {"const": False}}, {"alpha": True}, "must not have an alpha channel"),
    "shape": ({"square": {"const": True}}, {"square": False}, "must be square"),
    "size": ({"same_size": {"const": True}}, {"same_size": False}, "must be as large as the first image"),
    "bytes": (
        {"bytes": {"exclusiveMaximum": 50 * 2**20}},
        {"bytes": 52500758},
        "must be smaller than 50 MiB; it has 52500758 bytes",
    ),
    "odd bytes": ({"bytes": {"maximum": 7}}, {"bytes": 8}, "has a size that must be at most 7; it has 8 bytes"),
    "another fact": ({"width": {"minimum": 9}}, {"width": 8}, "has width 8, which must be at least 9"),
}


@pytest.mark.parametrize(("properties", "facts", "sentence"), FACTS.values(), ids=FACTS)
def test_files(properties: Any, facts: dict[str, Any], sentence: str) -> None:
    errors = Validator({"properties": properties}).iter_errors(facts)
    assert [said_of_file(error, facts.get("format", "png")) for error in errors] == [sentence]


def test_places_and_operations_are_told_as_callers_know_them() -> None:
    document = load()
    picture = FileFacts("png", 64, 64, 100, True, True)

    def told(model: str, media_type: str, **body: Any) -> set[str]:
        found = violations(document, model, "createImageEdit", {"prompt": "x", **body}, media_type=media_type)
        return {violation.message for violation in found}

    assert told("gpt-image-1", "application/json", images=[{"image_url": 5}]) == {"images[0].image_url must be text"}
    both = [{"image_url": "https://x/y", "file_id": "z"}]
    assert told("gpt-image-1", "application/json", images=both) == {
        "images[0] must have exactly one of image_url and file_id"
    }
    assert told("dall-e-3", "multipart/form-data", image=picture) == {"/images/edits is not offered by dall-e-3"}
