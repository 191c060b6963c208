"""One way of saying it at a time: what a schema means."""

from __future__ import annotations

from typing import Any

import pytest

from imageproof.contract.document import Document
from imageproof.contract.schema import UNSTATED, Schema
from imageproof.contract.schema_reader import MAX_SCHEMAS, SchemaReader
from imageproof.errors import DocumentError

INTEGER = frozenset({"integer"})
STRING = frozenset({"string"})


def read(schema: Any, version: str = "3.1.0", **schemas: Any) -> tuple[Schema, list[str]]:
    data = {"openapi": version, "components": {"schemas": {**schemas, "Probe": schema}}}
    reader = SchemaReader(Document(data, "x.yaml"))
    return reader.schema(schema, "/components/schemas/Probe"), [one.message for one in reader.notes]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["integer", "null"]},
        {"type": "integer", "nullable": True},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Whole"}]},
        {"allOf": [{"$ref": "#/components/schemas/Whole"}], "nullable": True},
        {"$ref": "#/components/schemas/Whole", "nullable": True},
    ],
)
def test_null_however_it_is_said(schema: dict[str, Any]) -> None:
    found, _ = read(schema, "3.0.3", Whole={"type": "integer"})
    assert (found.types, found.null) == (INTEGER, True)


def test_nullable_in_31_is_told() -> None:
    found, notes = read({"type": "string", "nullable": True})
    assert found.null
    assert notes == ["nullable has no effect in OpenAPI 3.1; read as meant: null is allowed"]
    assert read({"type": "string", "nullable": True}, "3.0.1")[1] == []
    assert read({"type": "string", "nullable": False})[1] == []


def test_all_of_is_both() -> None:
    found, _ = read(
        {"allOf": [{"type": ["integer", "null"], "minimum": 0, "maximum": 9}, {"type": "integer", "minimum": 2}]}
    )
    assert (found.types, found.null, found.limits) == (INTEGER, False, {"minimum": 2, "maximum": 9})


def test_open_string_with_known_values() -> None:
    found, _ = read({"anyOf": [{"type": "string"}, {"type": "string", "enum": ["a", "b"]}]})
    assert (found.types, found.values, found.known) == (STRING, None, ("a", "b"))


def test_a_union_of_closed_lists_is_closed() -> None:
    found, _ = read({"oneOf": [{"enum": ["a"]}, {"const": "b"}, {"enum": ["a", None]}]})
    assert (found.types, found.values, found.null) == (STRING, ("a", "b"), True)


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"type": "integer", "exclusiveMinimum": 0}, {"minimum": 1}),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, {"minimum": 1}),
        ({"type": "integer", "maximum": 11, "exclusiveMaximum": True}, {"maximum": 10}),
        ({"type": "integer", "maximum": 10, "exclusiveMaximum": False}, {"maximum": 10}),
        ({"type": "integer", "minimum": "0", "maximum": True}, {}),
    ],
)
def test_limits_in_one_spelling(schema: dict[str, Any], limits: dict[str, int]) -> None:
    assert read(schema)[0].limits == limits


def test_a_union_keeps_the_looser_limit() -> None:
    assert read({"anyOf": [{"maxLength": 5}, {"maxLength": 9}]})[0].limits == {"maxLength": 9}
    assert read({"anyOf": [{"maxLength": 5}, {"type": "string"}]})[0].limits == {}


def test_members_of_a_union_are_required_where_all_require_them() -> None:
    one = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]}
    other = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}
    found, _ = read({"anyOf": [one, other]})
    assert (set(found.members), set(found.required)) == ({"a", "b"}, {"a"})
    assert found.members["a"].schema.types == frozenset({"string", "integer"})


def test_a_union_that_is_told_apart() -> None:
    kinds = [
        {"properties": {"type": {"const": name}, "x": {"type": "string"}}, "required": ["type"]} for name in ("a", "b")
    ]
    found, _ = read({"oneOf": kinds})
    assert set(found.variants) == {"a", "b"} and set(found.members) == {"type", "x"}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Base", "required": ["b"]},
        {"allOf": [{"$ref": "#/components/schemas/Base"}, {"required": ["b"]}]},
        {"anyOf": [{"$ref": "#/components/schemas/Base"}], "required": ["b", "c"]},
    ],
)
def test_required_wherever_it_stands(schema: dict[str, Any]) -> None:
    base = {"properties": {"a": {}, "b": {}}, "required": ["a"]}
    assert read(schema, Base=base)[0].required >= {"a", "b"}


def test_one_of_several_is_required() -> None:
    schema = {"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    found, _ = read(schema)
    assert (found.one_of, found.required) == ((("a", "b"),), frozenset())


@pytest.mark.parametrize(
    ("one", "other", "types"),
    [
        ({"type": "number"}, {"type": "integer"}, {"integer"}),
        ({"type": "string"}, {"format": "binary"}, {"file"}),
        ({"type": ["string", "integer"]}, {"type": "string"}, {"string"}),
        ({"type": "string"}, {"type": "object"}, set()),
    ],
)
def test_types_that_meet(one: Any, other: Any, types: set[str]) -> None:
    assert {read({"allOf": pair})[0].types for pair in ([one, other], [other, one])} == {frozenset(types)}


def test_a_limit_of_one_type_holds_beside_another_type() -> None:
    found, _ = read({"anyOf": [{"type": "integer", "maximum": 10}, {"type": "string", "maxLength": 5}]})
    assert found.limits == {"maximum": 10, "maxLength": 5}


def test_an_enum_of_null_alone() -> None:
    """How some generators write a null beside an enum."""
    found, _ = read({"oneOf": [{"enum": ["a"]}, {"enum": [None]}]})
    assert (found.types, found.values, found.null) == (STRING, ("a",), True)


@pytest.mark.parametrize(
    ("schema", "null"),
    [
        ({"type": ["string", "null"], "enum": ["a"]}, False),
        ({"type": ["string", "null"], "enum": ["a", None]}, True),
        ({"type": "string", "enum": ["a", None]}, False),
        ({"type": "string", "nullable": True, "enum": ["a"]}, True),
    ],
)
def test_null_must_be_among_the_values_too(schema: dict[str, Any], null: bool) -> None:
    assert read(schema, "3.0.3")[0].null is null


@pytest.mark.parametrize("keyword", ["not", "multipleOf", "if", "dependentRequired"])
def test_what_is_not_compared_is_told(keyword: str) -> None:
    assert read({"type": "integer", keyword: {}})[1] == [f"{keyword} is not compared"]


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "string", "format": "binary"}, {"file"}),
        ({"type": "string", "contentMediaType": "image/png"}, {"file"}),
        ({"contentMediaType": "image/png"}, {"file"}),
        ({"type": "string", "contentMediaType": "image/png", "contentEncoding": "base64"}, {"string"}),
        ({"properties": {}}, {"object"}),
        ({"items": {}}, {"array"}),
        ({"enum": [1, 2]}, {"integer"}),
        ({}, None),
        (True, None),
        (False, set()),
    ],
)
def test_types(schema: Any, types: set[str] | None) -> None:
    assert read(schema)[0].types == types


def test_a_default_of_null_is_one() -> None:
    assert read({"default": None})[0].default is None
    assert read({"type": "string"})[0].default is UNSTATED


def test_recursion_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    found, _ = read({"$ref": "#/components/schemas/Node"}, Node=node)
    for _ in range(1000):
        found = found.members["next"].schema
    assert set(found.members) == {"next"}


def test_what_is_put_together_out_of_itself_ends() -> None:
    found, _ = read({"allOf": [{"$ref": "#/components/schemas/Probe"}, {"type": "string"}]})
    assert found.types == STRING


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "#/components/schemas/Nobody"}, "leads nowhere"),
        ({"$ref": "other.yaml#/X"}, "another file"),
        ({"$ref": "#/components/schemas/Probe"}, "in a circle"),
        ({"properties": []}, "mapping of names"),
        ([], "must be a schema"),
    ],
)
def test_what_cannot_be_read(schema: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        read(schema)
    assert caught.value.problems[0].pointer.startswith("/components/schemas/Probe")


def test_compositions_that_multiply() -> None:
    """Ten times the same schema inside a union, six times over: a million alternatives from a page of text."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        schema = {"anyOf": [schema] * 10}
    with pytest.raises(DocumentError, match=f"more than {MAX_SCHEMAS} schemas"):
        read(schema)


def test_members_that_multiply_are_read_when_they_are_asked_for() -> None:
    schemas: dict[str, Any] = {
        f"S{depth}": {"properties": {f"p{i}": {"$ref": f"#/components/schemas/S{depth + 1}"} for i in range(10)}}
        for depth in range(9)
    }
    found, _ = read({"$ref": "#/components/schemas/S0"}, **schemas, S9={"type": "string"})
    assert len(found.members) == 10


def test_a_chain_of_compositions() -> None:
    schemas: dict[str, Any] = {f"S{i}": {"allOf": [{"$ref": f"#/components/schemas/S{i + 1}"}]} for i in range(2000)}
    with pytest.raises(DocumentError, match="put together"):
        read({"$ref": "#/components/schemas/S0"}, **schemas, S2000={"type": "string"})


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [[]], {"$ref": 3}, True])
@pytest.mark.parametrize(
    "keyword",
    [
        "type",
        "enum",
        "required",
        "items",
        "allOf",
        "anyOf",
        "oneOf",
        "minimum",
        "pattern",
        "x-known-values",
        "x-parameter",
    ],
)
def test_junk_is_no_traceback(keyword: str, junk: Any) -> None:
    try:
        read({"type": "object", "properties": {"a": {keyword: junk}}, keyword: junk})
    except DocumentError as error:
        assert error.problems[0].pointer.startswith("/components/schemas/Probe")
