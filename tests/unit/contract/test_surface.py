"""Where a document has its image operations."""

from __future__ import annotations

from typing import Any

import pytest

from imageproof.contract.document import Document, load
from imageproof.contract.schema_reader import SchemaReader
from imageproof.contract.surface import Surface, locate
from imageproof.errors import DocumentError, UsageError

CONTRACT = load()
POST: dict[str, Any] = {"post": {"responses": {"200": {"description": "x"}}}}
GET: dict[str, Any] = {"get": {"responses": {"200": {"description": "x"}}}}


def find(paths: Any, prefix: str | None = None, **more: Any) -> Surface:
    document = Document({"openapi": "3.1.0", "paths": paths, **more}, "x.yaml")
    return locate(CONTRACT, document, SchemaReader(document), prefix)


@pytest.mark.parametrize("prefix", ["", "/v1", "/api/v3", "/openai/deployments/{deployment}", "/v1/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_any_prefix(prefix: str, slash: str) -> None:
    found = find({f"{prefix}/images/generations{slash}": POST, f"{prefix}/models/{{id}}": GET, "/health": GET})
    assert (found.prefix, set(found.found)) == (prefix, {"createImage", "retrieveModel"})


def test_a_query_in_a_path() -> None:
    found = find({"/v1/images/generations?api-version={v}": POST})
    assert set(found.found) == {"createImage"}


def test_the_plain_path_of_two_is_meant() -> None:
    found = find({"/v1/images/generations/": POST, "/v1/images/generations": POST})
    assert found.found["createImage"].path == "/v1/images/generations"


def test_the_prefix_with_most_operations_wins_then_a_version() -> None:
    found = find({"/images/generations": POST, "/v1/images/generations": POST, "/a/images/generations": POST})
    assert (found.prefix, found.others) == ("/v1", ("", "/a"))
    more = find({"/images/generations": POST, "/images/edits": POST, "/v1/images/generations": POST})
    assert more.prefix == ""


def test_a_prefix_that_is_asked_for() -> None:
    paths = {"/images/generations": POST, "/v1/images/generations": POST}
    assert find(paths, "").prefix == find(paths, "/").prefix == ""
    with pytest.raises(UsageError, match="no image operations under '/v2'"):
        find(paths, "/v2")


@pytest.mark.parametrize(
    ("servers", "base"),
    [
        ([], "/v1"),
        ([{"url": "https://host/v1"}], "/v1/v1"),
        ([{"url": "https://{host}/{base}", "variables": {"base": {"default": "openai"}}}], "/openai/v1"),
        ([{"url": "/api"}], "/api/v1"),
        (7, "/v1"),
        (["x"], "/v1"),
        ([{"url": "http://[bad"}], "/v1"),
    ],
)
def test_the_base_is_that_of_server_and_prefix(servers: Any, base: str) -> None:
    assert find({"/v1/images/generations": POST}, servers=servers).base == base


def test_what_stands_beside_them() -> None:
    found = find({"/v1/images/generations": POST, "/v1/images/upscale": POST, "/v2/images/x": POST})
    assert list(found.extra) == ["POST /v1/images/upscale"]


def test_another_method_is_not_the_operation() -> None:
    with pytest.raises(DocumentError, match="no image operation among its 1 paths"):
        find({"/v1/images/generations": GET})


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({}, "no image operation among its 0 paths: none"),
        ({f"/p{i}": POST for i in range(3000)}, "among its 3000 paths: /p0, /p1, /p2, /p3, /p4, ..."),
        ([], "mapping of paths"),
        ({"/v1/images/generations": []}, "path item"),
        ({"/v1/images/generations": {"post": 7}}, "mapping \\(operation\\)"),
        ({"/v1/images/generations": {"$ref": "#/x"}}, "leads nowhere"),
    ],
)
def test_what_has_no_images(paths: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        find(paths)
