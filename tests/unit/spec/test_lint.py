"""Linters of the field find nothing wrong with the canonical document, nor with what it is narrowed to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from imageproof.contract.document import Document, load
from imageproof.contract.families import families
from imageproof.contract.locate import spec_file
from imageproof.contract.narrow import Images, narrow

Lint = Callable[[Sequence[Path]], Sequence[Any]]

UNKNOWN = "someones-own-model"
IMAGES: tuple[Images, ...] = ("one", "list")
COMPOSITION = {"if", "then", "else", "oneOf", "anyOf", "allOf", "not"}


def narrowed(document: Document) -> dict[str, dict[str, Any]]:
    """File name -> narrowed document, for every known model and an unknown one, in both image forms."""
    models = [model for family in families(document) for model in family.models]
    return {
        f"{model}.{images}.json": narrow(document, model, images) for model in (*models, UNKNOWN) for images in IMAGES
    }


def test_linters_find_nothing_in_the_canonical_document(linter: Lint) -> None:
    assert linter([spec_file("openapi.yaml")]) == []


def test_linters_find_no_error_in_any_narrowed_document(linter: Lint, tmp_path: Path) -> None:
    paths = []
    for name, document in narrowed(load()).items():
        paths.append(tmp_path / name)
        paths[-1].write_text(json.dumps(document), encoding="utf-8")
    assert [complaint for complaint in linter(paths) if complaint.error] == []


def test_linters_can_fail(linter: Lint, tmp_path: Path) -> None:
    broken = {**load().data, "paths": {"/images/": {"get": {"responses": {}}}}}
    (tmp_path / "broken.json").write_text(json.dumps(broken), encoding="utf-8")
    complaints = linter([spec_file("openapi.yaml"), tmp_path / "broken.json"])
    assert {complaint.file for complaint in complaints if complaint.error} == {"broken.json"}


@pytest.mark.parametrize("images", IMAGES)
def test_narrowed_documents_are_openapi_with_flat_bodies(images: Images) -> None:
    for name, document in narrowed(load()).items():
        if f".{images}." not in name:
            continue
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == [], name
        for body in _bodies(document):
            assert not COMPOSITION & _keywords(body, document), name
            assert body["properties"]["model"]["const"] == name.rsplit(".", 2)[0]
            assert "model" in body["required"]


def _bodies(document: dict[str, Any]) -> list[dict[str, Any]]:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    contents = [operation["requestBody"]["content"] for operation in operations if "requestBody" in operation]
    return [media["schema"] for content in contents for media in content.values()]


def _keywords(node: Any, document: dict[str, Any]) -> set[str]:
    """All keys of a schema and of what it refers to."""
    if isinstance(node, list):
        return set().union(*(_keywords(item, document) for item in node))
    if not isinstance(node, dict):
        return set()
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        return _keywords(document["components"]["schemas"][name], document)
    return set(node).union(*(_keywords(value, document) for value in node.values()))
