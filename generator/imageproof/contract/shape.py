"""The shape of an OpenAPI document, as a table: enough that what reads it later may trust the types it meets.

This is not full validation (that is openapi-spec-validator's trade, and takes minutes on large documents); it is what
keeps a misshapen document from becoming a traceback. Source: OpenAPI 3.0.4 and 3.1.1, sections "Schema" by object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from imageproof.contract.pointers import follow, join, target

OPENAPI_VERSION = re.compile(r"^3\.[01](\.\d+)?$")

# object kind -> field -> what stands there: "kind", "[kind]" a list, "{kind}" a map, or a JSON type name.
SHAPES: dict[str, dict[str, str]] = {
    "Root": {"info": "Info", "servers": "[Server]", "paths": "{Path}", "components": "Components", "tags": "[object]"},
    "Info": {"title": "string", "version": "string"},
    "Server": {"url": "string", "variables": "{object}"},
    "Components": {
        "schemas": "{Schema}",
        "responses": "{Response}",
        "parameters": "{Parameter}",
        "requestBodies": "{Body}",
        "headers": "{Header}",
        "examples": "{object}",
        "securitySchemes": "{object}",
    },
    "Path": {
        "parameters": "[Parameter]",
        **dict.fromkeys(("get", "put", "post", "delete", "options", "head", "patch", "trace"), "Operation"),
    },
    "Operation": {
        "operationId": "string",
        "summary": "string",
        "description": "string",
        "tags": "[string]",
        "deprecated": "boolean",
        "parameters": "[Parameter]",
        "requestBody": "Body",
        "responses": "{Response}",
    },
    "Parameter": {"name": "string", "in": "string", "required": "boolean", "schema": "Schema", "content": "{Media}"},
    "Header": {"schema": "Schema", "content": "{Media}"},
    "Body": {"content": "{Media}", "required": "boolean"},
    "Response": {"description": "string", "headers": "{Header}", "content": "{Media}"},
    "Media": {"schema": "Schema", "examples": "{object}", "encoding": "{object}"},
    "Schema": {
        "type": "type",
        "description": "string",
        "enum": "array",
        "format": "string",
        "contentMediaType": "string",
        "contentEncoding": "string",
        "discriminator": "Discriminator",
        "x-known-values": "array",
        "required": "[string]|boolean",  # a boolean is a common slip of converters; it says nothing, and harms nobody
        "properties": "{Schema}",
        "patternProperties": "{Schema}",
        "additionalProperties": "Schema",
        "items": "Schema",
        "allOf": "[Schema]",
        "anyOf": "[Schema]",
        "oneOf": "[Schema]",
        "not": "Schema",
        "if": "Schema",
        "then": "Schema",
        "else": "Schema",
        "contentSchema": "Schema",
        "nullable": "boolean",
        "deprecated": "boolean",
    },
    "Discriminator": {"propertyName": "string", "mapping": "{string}"},
}

REQUIRED = {"Root": ("info",), "Info": ("title", "version"), "Parameter": ("name", "in"), "Body": ("content",)}
# `true` and `false` are schemas (3.1, and additionalProperties in 3.0).
BOOLEAN_TOO = {"Schema"}
TYPES = {"string": str, "boolean": bool, "object": dict, "array": list}
SCHEMA_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null", "file"}


def misshapen(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(pointer, message) of every place that has another type than the table says. Each node is entered once."""
    seen: set[tuple[int, str]] = set()
    stack: list[tuple[str, Any, str]] = [("", data, "Root")]
    while stack:
        pointer, node, kind = stack.pop()
        if isinstance(node, dict | list):
            if (id(node), kind) in seen:
                continue
            seen.add((id(node), kind))
        message = _message(node, kind)
        if message:
            yield pointer, message
        elif kind in SHAPES and isinstance(node, dict) and "$ref" in node:
            yield from _referred(data, pointer, node["$ref"], kind, stack)
        else:
            stack.extend(_children(pointer, node, kind))


def _referred(
    data: dict[str, Any], pointer: str, reference: Any, kind: str, stack: list[tuple[str, Any, str]]
) -> Iterator[tuple[str, str]]:
    """What a reference means must be of the kind that it stands for. One that leads nowhere is told elsewhere."""
    try:
        found = follow(data, target(reference))
    except (KeyError, AttributeError):
        return
    message = _message(found, kind)
    if message:
        yield pointer, f"$ref to what cannot stand here: {message}"
    else:
        stack.append((target(reference), found, kind))


def _message(node: Any, kind: str) -> str:
    """What is wrong with one node, "" for nothing."""
    kinds = kind.split("|")
    if len(kinds) > 1:
        return min((_message(node, one) for one in kinds), key=len)
    if kind == "type":
        names = node if isinstance(node, list) else [node]
        good = all(isinstance(name, str) and name in SCHEMA_TYPES for name in names)
        return "" if good else f"not a schema type: {node!r}"
    if kind.startswith("["):
        return "" if isinstance(node, list) else "must be a list"
    if kind.startswith("{"):
        return "" if isinstance(node, dict) else "must be a mapping"
    if kind in TYPES:
        return "" if isinstance(node, TYPES[kind]) else f"must be {'an' if kind[0] in 'ao' else 'a'} {kind}"
    if isinstance(node, bool) and kind in BOOLEAN_TOO:
        return ""
    if not isinstance(node, dict):
        return f"must be a mapping ({kind} object)"
    if "$ref" in node:
        return ""
    missing = [name for name in REQUIRED.get(kind, ()) if name not in node]
    return f"{kind} object without {' and '.join(missing)}" if missing else ""


def _children(pointer: str, node: Any, kind: str) -> Iterator[tuple[str, Any, str]]:
    if kind.startswith("[") and isinstance(node, list):
        inner = kind.split("|")[0][1:-1]
        yield from ((f"{pointer}/{index}", item, inner) for index, item in enumerate(node))
    elif kind.startswith("{") and isinstance(node, dict):
        inner = kind[1:-1]
        yield from ((pointer + join(key), value, inner) for key, value in node.items() if not key.startswith("x-"))
    elif kind in SHAPES and isinstance(node, dict):
        fields = SHAPES[kind]
        yield from ((pointer + join(key), value, fields[key]) for key, value in node.items() if key in fields)
