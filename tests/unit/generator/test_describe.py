"""Documents read into descriptions: what the goldens do not show, the description itself."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import yaml

from imageproof.api.describe import describe
from imageproof.api.ir import Api, Operation, Part, Type
from imageproof.contract.document import load, parse
from imageproof.contract.locate import CHECKOUT
from imageproof.errors import Problem


def described(schema: Any = None, *, version: str = "3.1.0", **operation: Any) -> tuple[Api, list[Problem]]:
    """The description of a document with one operation, whose JSON body has the schema under `x`."""
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"x": schema or {}}}}}}
    node = {"operationId": "go", "requestBody": body, "responses": {"204": {"description": "Done."}}, **operation}
    data = {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": {"/go": {"post": node}}}
    return describe(parse(yaml.safe_dump(data), "test.yaml"))


def field_type(schema: Any, version: str = "3.1.0") -> Type:
    api, _ = described(schema, version=version)
    body = api.resources[0].operations[0].body
    assert body is not None
    return body.fields[0].type


def operation(name: str) -> Operation:
    api, _ = describe(load())
    return next(one for resource in api.resources for one in resource.operations if one.id == name)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, Type("any")),
        (True, Type("any")),
        ({"type": "string"}, Type("string")),
        ({"type": ["string", "null"]}, Type("string", nullable=True)),
        ({"type": "string", "enum": ["a", None]}, Type("string", nullable=True, known=("a",))),
        ({"enum": [1, 2]}, Type("integer", known=(1, 2))),
        ({"const": "a"}, Type("string", known=("a",), fixed=True)),
        ({"type": "string", "format": "byte"}, Type("base64")),
        ({"type": "string", "contentEncoding": "base64"}, Type("base64")),
        ({"type": "string", "format": "uri"}, Type("string", format="uri")),
        ({"type": "array", "items": {"type": "integer"}}, Type("list", item=Type("integer"))),
        ({"type": "object"}, Type("map", item=Type("any"))),
        ({"additionalProperties": {"type": "number"}}, Type("map", item=Type("number"))),
        ({"type": ["string", "integer"]}, Type("union", choices=(Type("string"), Type("integer")))),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, Type("string", nullable=True)),
        ({"anyOf": [{"enum": ["a"]}, {"type": "string"}]}, Type("string", known=("a",))),
        ({"oneOf": [{"type": "string"}, {}]}, Type("any")),
        ({"type": "object", "anyOf": [{"required": ["a"]}]}, Type("map", item=Type("any"))),
        ({"allOf": [{"type": "string"}, {"enum": ["a"]}]}, Type("string", known=("a",))),
    ],
    ids=str,
)
def test_types(schema: Any, expected: Type) -> None:
    assert field_type(schema) == expected


def test_null_in_3_0() -> None:
    assert field_type({"type": "string", "nullable": True}, "3.0.3") == Type("string", nullable=True)


def test_the_canonical_document_has_no_error() -> None:
    assert describe(load())[1] == []


def test_a_json_body_beside_a_form_is_there_for_what_the_form_cannot_say() -> None:
    edit = operation("createImageEdit")
    assert edit.reference is not None and edit.reference.media_type == "application/json"
    assert "images" in {field.name for field in edit.reference.fields}
    assert edit.body is not None and edit.body.others == ()
    assert operation("createImage").reference is None


def test_what_clients_do_not_check_is_named() -> None:
    text = (CHECKOUT / "tests/golden/families/spec.yaml").read_text(encoding="utf-8")
    assert describe(parse(text, "a"))[1] == []
    odd = text.replace("schema: {enum:", "schema: {contains: {const: 1}, enum:", 1)
    assert odd != text
    assert [one.message for one in describe(parse(odd, "a"))[1]] == ["the clients do not check contains"]


def test_rules_are_plain_values() -> None:
    rules = describe(load())[0].rules
    assert rules is not None
    size = rules.forms["createImage"][0].properties["size"]
    assert size == {"type": ["string", "null"], "x-rule": "GEN-SIZE-VALUES"}
    assert rules.forms["createImageEdit"][0].required == (("prompt",), ("image", "image[]"))
    family = next(one for one in rules.families if one.id == "gpt-image-2.6")
    assert family.cells["createImage"]["size"]["schema"]["x-size-grid"]["multiple_of"] == 16
    assert "GEN-GIF-ALONE" in [rule["id"] for rule in family.rules["createImage"]]


def test_one_parameter_under_two_part_names() -> None:
    edit = operation("createImageEdit")
    assert edit.body is not None
    parts = dict(edit.body.parts)
    assert parts["image"] == Part("image", "image[]")
    assert (parts["mask"].one, parts["mask"].many) == ("mask", "")
    image = next(field for field in edit.body.fields if field.name == "image")
    assert image.required and image.type == Type("union", choices=(Type("file"), Type("list", item=Type("file"))))
    assert parts["svg"].objects == "brackets"


def test_two_answers_and_their_switch() -> None:
    reply = operation("createImage").reply
    assert reply.switch == "stream" and reply.whole is not None and reply.events is not None
    assert (reply.events.property, reply.events.last) == ("type", ("image_generation.completed",))
    assert operation("createImageVariation").reply.events is None


def test_families_become_known_values() -> None:
    body = operation("createImage").body
    assert body is not None
    fields = {field.name: field for field in body.fields}
    assert {"auto", "low", "hd", "max"} <= set(fields["quality"].type.known)
    assert dict(fields["style"].known_by_family) == {"dall-e-3": ("vivid", "natural")}
    assert "gpt-image-1" in fields["model"].type.known
    assert not fields["size"].type.fixed


def test_an_api_is_frozen_and_has_its_places() -> None:
    api, _ = describe(load())
    with pytest.raises(FrozenInstanceError):
        api.title = "other"  # type: ignore[misc]  # that is the point
    for resource in api.resources:
        for one in resource.operations:
            assert one.source.line and one.source.pointer.startswith("/paths/")
    assert all(model.source.line for model in api.models)


def test_service_and_auth() -> None:
    api, _ = describe(load())
    assert api.service == "openai" and api.base_url == "https://api.openai.com/v1"
    assert api.auth is not None and (api.auth.header, api.auth.prefix) == ("Authorization", "Bearer ")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"callbacks": {"x": {}}}, "callbacks"),
        ({"servers": [{"url": "/"}]}, "servers"),
        ({"parameters": [{"name": "c", "in": "cookie", "schema": {}}]}, "parameter c"),
        ({"parameters": [{"name": "c", "in": "query", "content": {"application/json": {}}}]}, "parameter c"),
        (
            {"responses": {"200": {"description": "", "content": {"application/json": {}, "text/event-stream": {}}}}},
            "event stream",
        ),
        ({"responses": {"200": {"description": ""}, "201": {"description": ""}}}, "201"),
    ],
)
def test_what_is_not_emitted_is_told(told: dict[str, Any], said: str) -> None:
    _, problems = described(**told)
    assert [problem.level for problem in problems] == ["warning"]
    assert said in problems[0].message and problems[0].line and problems[0].pointer


@pytest.mark.parametrize("keyword", ["patternProperties", "prefixItems", "$dynamicRef", "dependentSchemas"])
def test_keywords_that_no_type_expresses_are_told(keyword: str) -> None:
    value: Any = {"prefixItems": [{}], "$dynamicRef": "#x"}.get(keyword, {"a": {}})
    _, problems = described({"type": "object", keyword: value})
    assert any(keyword in problem.message for problem in problems)
