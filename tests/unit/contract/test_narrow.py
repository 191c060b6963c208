"""narrow(): what one model's document keeps. That each is valid and flat is held in unit/spec/test_lint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from vectors.bodies import Vector, vectors

from imageproof.contract.document import load
from imageproof.contract.families import families
from imageproof.contract.narrow import Images, narrow

DOCUMENT = load()
FORMS: tuple[tuple[Images, str, str], ...] = (("one", "image", "image[]"), ("list", "image[]", "image"))
MODELS = [model for family in families(DOCUMENT) for model in family.models]


def test_one_image_form_each() -> None:
    for images, kept, gone in FORMS:
        narrowed = narrow(DOCUMENT, "gpt-image-1", images)
        content = narrowed["paths"]["/images/edits"]["post"]["requestBody"]["content"]
        schema = content["multipart/form-data"]["schema"]
        assert kept in schema["properties"] and kept in schema["required"] and gone not in schema["properties"]


def test_operations_and_parameters_of_the_family_only() -> None:
    narrowed = narrow(DOCUMENT, "dall-e-3")
    assert sorted(narrowed["paths"]) == ["/images/generations", "/models", "/models/{model}"]
    body = narrowed["paths"]["/images/generations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "background" not in body["properties"] and body["properties"]["n"]["maximum"] == 1
    assert "text/event-stream" not in str(narrowed["paths"]["/images/generations"]["post"]["responses"])


def test_the_document_is_not_changed() -> None:
    before = repr(DOCUMENT.data)
    narrow(DOCUMENT, "dall-e-2", "list")
    assert repr(DOCUMENT.data) == before


def test_examples_are_the_models_own_and_valid() -> None:
    kept = 0
    for model in MODELS:
        for content in _contents(narrow(DOCUMENT, model)):
            for example in content.get("examples", {}).values():
                kept += 1
                assert example["value"]["model"] == model
    assert kept > len(MODELS)


CROSS = {rule.id for family in families(DOCUMENT) for rule in family.rules}
FLAT = [
    one
    for one in vectors()
    if one.operation == "createImage" and not one.beyond_schema and not (one.rules and one.rules <= CROSS)
]


@pytest.mark.parametrize("vector", FLAT, ids=lambda one: one.id)
def test_narrowed_json_bodies_agree_with_the_vectors(vector: Vector) -> None:
    """What no cross rule decides is decided by the narrowed schema alone."""
    body = narrow(DOCUMENT, vector.model)["paths"]["/images/generations"]["post"]["requestBody"]["content"]
    schema = _inlined(narrow(DOCUMENT, vector.model), body["application/json"]["schema"])
    forbidden = {name for name in vector.body if name not in schema["properties"]}
    valid = Draft202012Validator(schema).is_valid(vector.body) and not forbidden
    assert valid == (not vector.rules)


def _contents(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                yield from operation["requestBody"]["content"].values()


def _inlined(document: dict[str, Any], node: Any) -> Any:
    if isinstance(node, list):
        return [_inlined(document, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        kind, name = node["$ref"].split("/")[-2:]
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _inlined(document, {**document["components"][kind][name], **rest})
    return {key: _inlined(document, value) for key, value in node.items()}
