"""The contract on odd values and malformed rows: a problem or an answer, never a traceback."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from imageproof.contract.document import Document, load, parse, request_content, request_schema
from imageproof.contract.families import KEY, families
from imageproof.contract.locate import CHECKOUT
from imageproof.contract.narrow import narrow
from imageproof.contract.violations import FileFacts, violations
from imageproof.errors import DocumentError

ODD = [
    float("nan"),
    float("inf"),
    10**400,
    -(10**400),
    True,
    b"x",
    object(),
    set(),
    {1: 2},
    (),
    [[[]]],
    "\ud83d",
    "0x0",
]
ODD += [FileFacts("", 0, 0, 0, False, False), [FileFacts("png", 0, 0, -1, True, True), None], "999999x1", 1e308]
MALFORMED: dict[str, tuple[Any, str]] = {
    "null": (None, "not of type 'array'"),
    "false": (False, "not of type 'array'"),
    "mapping": ({}, "not of type 'array'"),
    "text": ("", "not of type 'array'"),
    "empty row": ([{}], "required property"),
}
CELLS: dict[str, tuple[Any, str]] = {
    "pattern": ({"pattern": "["}, "/schema/pattern: not a regular expression"),
    "reference": ({"$ref": "#/nowhere"}, r"/schema/\$ref: a row stands on its own"),
    "grid": ({"x-size-grid": {"multiple_of": 0}}, "/schema/x-size-grid"),
    "deep": ({"anyOf": [{"items": {"pattern": "("}}]}, "/anyOf/0/items/pattern: not a regular expression"),
}


def small() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((CHECKOUT / "tests/golden/families/spec.yaml").read_text(encoding="utf-8"))
    return data


def read(data: dict[str, Any]) -> Document:
    return parse(yaml.safe_dump(data), "x.yaml")


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-3", "gpt-image-2.6-flare", "unheard-of", None])
def test_any_value_has_an_answer(model: str | None) -> None:
    document = load()
    for operation in document.operations():
        for media_type in request_content(document, operation):
            for name in request_schema(document, operation, media_type)["properties"]:
                for value in ODD:
                    body = {"prompt": "x", name: value}
                    found = violations(document, model, operation, body, media_type=media_type)
                    assert all(one.rule and one.message for one in found), (operation, name, value)


@pytest.mark.parametrize("name", MALFORMED)
def test_families_that_are_none(name: str) -> None:
    rows, said = MALFORMED[name]
    with pytest.raises(DocumentError, match=said):
        families(read({**small(), KEY: rows}))


@pytest.mark.parametrize("name", CELLS)
def test_cells_that_no_validator_reads(name: str) -> None:
    schema, said = CELLS[name]
    data = small()
    next(iter(next(iter(data[KEY][0]["cells"].values())).values()))["schema"] = schema
    with pytest.raises(DocumentError, match=said):
        families(read(data))


@pytest.mark.parametrize(
    "schema", [None, True, {"type": "string"}, {"oneOf": [True]}, {"anyOf": [True], "required": True}]
)
def test_bodies_without_members(schema: Any) -> None:
    """A family narrows nothing there, and an unknown model is judged by the open rules alone."""
    data = small()
    data.pop(KEY)
    for item in copy.copy(data["paths"]).values():
        for operation in item.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                media.pop("schema")
                media |= {} if schema is None else {"schema": schema}
    document = read(data)
    assert narrow(document, "m")["paths"]
    for name in document.operations():
        assert violations(document, "m", name, {"a": 1}) == ()


@pytest.mark.parametrize("size", ["1024x1024\n", "auto\n", "\n1024x1024", "1024x1024\n1024x1024"])
def test_a_pattern_ends_where_the_text_ends(size: str) -> None:
    body = {"model": "gpt-image-2", "prompt": "an otter", "size": size}
    assert [one.rule for one in violations(load(), "gpt-image-2", "createImage", body)] == ["GEN-SIZE-VALUES"]
