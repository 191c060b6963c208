"""Reading documents: every bad one is an error with file, line and pointer, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from imageproof.contract.document import load, parse
from imageproof.errors import DocumentError

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"

BAD = {
    "empty": ("", "x.yaml: not an OpenAPI document"),
    "text": ("hello", "x.yaml:1: not an OpenAPI document"),
    "list": ("- 1\n", "x.yaml:1: not an OpenAPI document"),
    "not yaml": ("a: [1\nb: 2\n", "x.yaml:2: not YAML"),
    "two keys": ("openapi: 3.1.0\nopenapi: 3.1.0\n", "x.yaml:2: not YAML: the key 'openapi' stands twice"),
    "own alias": ("openapi: &a [*a]\n", "x.yaml:1: not YAML: an alias refers to itself"),
    "no version": ("info: {title: t, version: '1'}\npaths: {}\n", "there is no `openapi` key"),
    "number version": ("openapi: 3.1\ninfo: {}\n", "x.yaml:1: #/openapi: openapi is the number 3.1, not a text"),
    "swagger": ("swagger: '2.0'\n", "it is Swagger 2.0"),
    "future": ("openapi: 4.0.0\n", "not OpenAPI 3.0 or 3.1"),
    "no info": ("openapi: 3.1.0\npaths: {}\n", "Root object without info"),
    "paths list": (HEAD + "paths: []\n", "x.yaml:3: #/paths: must be a mapping"),
    "operation text": (HEAD + "paths:\n  /a:\n    get: hello\n", "x.yaml:5: #/paths/~1a/get: must be a mapping"),
    "type": (HEAD + "components: {schemas: {A: {type: strnig}}}\n", "not a schema type: 'strnig'"),
    "properties": (HEAD + "components:\n  schemas:\n    A:\n      properties: [a]\n", "x.yaml:6:"),
    "dangling": (
        HEAD + "paths: {}\ncomponents:\n  schemas:\n    A:\n      $ref: '#/components/schemas/B'\n",
        "x.yaml:6: #/components/schemas/A: $ref leads nowhere: #/components/schemas/B",
    ),
    "other file": (HEAD + "components: {schemas: {A: {$ref: 'b.yaml#/B'}}}\n", "$ref to another file is not read"),
    "circle": (
        HEAD + "components: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n",
        "$ref leads in a circle",
    ),
    "binary": ("\x00\x01", "not YAML"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_documents(name: str) -> None:
    text, expected = BAD[name]
    with pytest.raises(DocumentError) as caught:
        parse(text, "x.yaml")
    lines = str(caught.value).splitlines()
    assert any(expected in line for line in lines), lines
    assert all(line.startswith("x.yaml") for line in lines)


def test_all_problems_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        parse(HEAD + "paths:\n  /a: []\n  /b: {get: 7}\n  /c: {$ref: '#/nowhere'}\n", "x.yaml")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("opening", ["[", "[ ']', ", "{a: ", "- "])
def test_deep_nesting_is_an_error(opening: str) -> None:
    """libyaml would end the process."""
    with pytest.raises(DocumentError, match="levels deep"):
        parse("openapi: 3.1.0\nx-a:\n  " + opening * 100_000, "x.yaml")


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_unreadable_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        load(tmp_path / name)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"openapi: 3.1.0\ninfo: {title: \xe9}\n")
    with pytest.raises(DocumentError, match="not UTF-8"):
        load(tmp_path / "latin.yaml")


def test_json_with_tabs_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_bytes(
        b'\xef\xbb\xbf{\n\t"openapi": "3.0.3",\n\t"info": {"title": "t", "version": "1"},\n\t"paths": {}\n}'
    )
    assert load(file).data["openapi"] == "3.0.3"


def test_yaml_keeps_what_openapi_means() -> None:
    text = HEAD + "paths: {}\nx-a: {date: 2026-11-20, on: yes, 200: ok, flag: true, none: null}\n"
    assert parse(text, "x").data["x-a"] == {
        "date": "2026-11-20",
        "on": "yes",
        "200": "ok",
        "flag": True,
        "none": None,
    }


def test_lines_and_pointers_of_the_canonical_document() -> None:
    document = load()
    lines = Path(document.source).read_text(encoding="utf-8").splitlines()
    for operation in document.operations().values():
        line = document.line(operation.pointer)
        assert line is not None and lines[line - 1].strip().startswith(operation.method.lower())
        assert document.at(operation.pointer) == operation.node


def test_a_property_may_be_called_example() -> None:
    text = (
        HEAD + "components: {schemas: {A: {properties: {example: {$ref: '#/nowhere'}}, example: {$ref: '#/data'}}}}\n"
    )
    with pytest.raises(DocumentError) as caught:
        parse(text, "x")
    assert len(caught.value.problems) == 1


def test_a_percent_sign_in_a_path_is_part_of_it() -> None:
    """Only a `$ref` is a URL; a pointer that was made of a key is not decoded again."""
    document = parse(HEAD + "paths:\n  /a%20b: {get: {responses: {}}}\n  /a b: {get: {responses: {}}}\n", "x")
    for operation in document.operations().values():
        assert document.at(operation.pointer) is operation.node


def test_a_path_by_reference_has_its_operations_where_they_stand() -> None:
    text = "paths: {/a: {$ref: '#/components/pathItems/A'}}\ncomponents: {pathItems: {A: {get: {operationId: x}}}}\n"
    operation = parse(HEAD + text, "x").operations()["x"]
    assert (operation.path, operation.pointer) == ("/a", "/components/pathItems/A/get")


@pytest.mark.parametrize(
    ("name", "hint"), [("https://host/api.yaml", "curl -fLo"), ("-", "standard input"), ("gone.yaml", "check the path")]
)
def test_what_is_no_file_says_what_to_do(name: str, hint: str) -> None:
    with pytest.raises(DocumentError, match=hint):
        load(name)
