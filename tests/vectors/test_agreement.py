"""strict.yaml, as JSON Schema, agrees with violations(); the provider's agreement is held in unit/reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from vectors.bodies import File, Vector, vectors

from imageproof.contract.document import Document, load, property_schema, request_content, request_schema
from imageproof.contract.families import allowed_values, families
from imageproof.contract.locate import CHECKOUT
from imageproof.contract.violations import FileFacts, is_file, violations

DOCUMENT = load()
EXPRESSIBLE = [vector for vector in vectors() if not vector.beyond_schema]


@cache
def strict() -> Document:
    return load(CHECKOUT / "generated" / "openapi" / "strict.yaml")


@pytest.mark.parametrize("vector", EXPRESSIBLE, ids=lambda vector: vector.id)
def test_strict(vector: Vector) -> None:
    body = {name: _as_text(value) for name, value in vector.body.items()}
    assert _strict_takes(vector.operation, vector.media_type, body) == (not vector.rules)


@cache
def _validator(operation: str, media_type: str | None) -> Draft202012Validator:
    schema = request_schema(strict(), operation, media_type)
    return Draft202012Validator({**schema, "components": strict().data["components"]})


def _strict_takes(operation: str, media_type: str | None, body: dict[str, Any]) -> bool:
    return bool(_validator(operation, media_type).is_valid(body))


def _as_text(value: Any) -> Any:
    """A file is some text to JSON Schema."""
    if isinstance(value, File | FileFacts):
        return ""
    return [_as_text(item) for item in value] if isinstance(value, list) else value


ODD: list[Any] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    3,
    16,
    17,
    101,
    "",
    "otter",
    1.5,
    [],
    {},
    {"model": "author"},
    10**400,
]
FILE = FileFacts("png", 64, 64, 100, alpha=True, transparent=True)  # what every rule on facts takes
FILES = [FILE, *[[FILE] * count for count in (0, 1, 2, 16, 17)]]
BODIES = [
    (operation, media_type)
    for operation in ("createImage", "createImageEdit", "createImageVariation")
    for media_type in request_content(DOCUMENT, operation)
]
MODELS = [model for family in families(DOCUMENT) for model in family.models]


def _pool(operation: str, schema: dict[str, Any], name: str) -> list[Any]:
    """Values of every kind for a parameter: those that some family lists, files where it is one, null, and odd ones."""
    listed = [value for value in allowed_values(DOCUMENT, operation, name) if value is not None]
    prop = property_schema(DOCUMENT, schema, name)
    items = DOCUMENT.resolve(prop.get("items", {}))
    if is_file(prop) or is_file(items):  # text in place of a file is beyond JSON Schema
        return [*FILES * 4, *(value for value in ODD if not isinstance(value, str))]
    links = [{"image_url": "https://example.com/a.png"}, {"file_id": "file-1"}, {"file_id": "f", "image_url": "g"}]
    return [*listed * 4, *links, *([one] * 2 for one in links), *ODD]


def _bodies(operation: str, media_type: str) -> st.SearchStrategy[dict[str, Any]]:
    schema = request_schema(DOCUMENT, operation, media_type)
    pools = {name: st.sampled_from(_pool(operation, schema, name)) for name in schema["properties"]}
    pools["model"] = st.sampled_from([*MODELS, "another-model"])
    if "prompt" in pools:
        pools["prompt"] = st.sampled_from(["an otter"] * 9 + [None])
    mostly = {name: pools.pop(name) for name in ("model", "prompt") if name in pools}
    return st.fixed_dictionaries(mostly, optional=pools)


@pytest.mark.parametrize(("operation", "media_type"), BODIES)
def test_strict_agrees_on_any_body(operation: str, media_type: str) -> None:
    """Not only on the vectors: nulls, files, foreign parameters and cross rules in any mixture."""

    @settings(max_examples=600, deadline=None, database=None, derandomize=True)
    @given(_bodies(operation, media_type))
    def agrees(body: dict[str, Any]) -> None:
        found = violations(DOCUMENT, body["model"], operation, body, media_type=media_type)
        taken = _strict_takes(operation, media_type, {name: _as_text(value) for name, value in body.items()})
        assert taken == (not found), found

    agrees()
