"""The operations and schemas of the document, so that every place of it can be linked to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageproof.contract.document import Document, Operation, property_schema, request_content, required_names
from imageproof.contract.pointers import split, target
from imageproof.emit.targets.docs.blocks import Block, Facts, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.cells import limits, types
from imageproof.emit.targets.docs.places import OPERATIONS, ROOT, component_place, schema_place
from imageproof.emit.targets.docs.text import NOTHING, Inline, anchor, code, codes, joined, mark, prose, shown, text

KINDS = {
    "responses": "Responses",
    "headers": "Headers",
    "securitySchemes": "Ways to show a key",
    "parameters": "Parameters",
    "requestBodies": "Request bodies",
    "examples": "Examples",
    "links": "Links",
    "callbacks": "Callbacks",
    "pathItems": "Path items",
}


def sheet(document: Document) -> Sheet:
    """The page of what all models share."""
    blocks = [
        Section(text("Document"), "document", (_root(document.data),)),
        *(_operation(document, one) for one in document.operations().values()),
        Section(text("Schemas"), "schemas", tuple(_schemas(document))),
        *_others(document),
    ]
    lead = text("What holds for every model: operations, the members of their bodies and answers, errors, headers.")
    return Sheet(OPERATIONS, "Operations", "Operations and schemas", lead, tuple(blocks))


def _root(data: Mapping[str, Any]) -> Table:
    """What the document says at its root."""
    security = data.get("security", [])
    told = {
        "openapi": code(data["openapi"]),
        "info": text(f"{data['info']['title']} {data['info']['version']}"),
        "servers": codes(one.get("url", "") for one in data.get("servers", ())),
        "security": codes(security if isinstance(security, list) else [security]),
        "tags": codes(one.get("name", "") for one in data.get("tags", ())),
    }
    rows = tuple(Row((code(key), told[key]), anchor("document", key)) for key in ROOT if key in data)
    return Table(text("What stands at the root"), tuple(map(text, ("Key", "Value"))), rows)


def _operation(document: Document, operation: Operation) -> Section:
    node = operation.node
    bodies = [
        joined([code(name), _reference(media.get("schema", {}))], ": ")
        for name, media in request_content(document, operation.id).items()
    ]
    facts = [
        ("Call", code(f"{operation.method} {operation.path}")),
        ("Body", joined(bodies, "; ") or text("none")),
        ("Deprecated", text("yes") if node.get("deprecated") is True else NOTHING),
    ]
    rows = []
    for status, told in node.get("responses", {}).items():
        response = document.resolve(told)
        content = [
            joined([code(name), _reference(media.get("schema", {}))], ": ")
            for name, media in response.get("content", {}).items()
        ]
        rows.append(Row((code(status), prose(str(response.get("description", ""))), joined(content, "; "))))
    heads = tuple(map(text, ("Status", "What it means", "Body")))
    blocks: list[Block] = [
        Paragraph(prose(str(node.get("description") or node.get("summary") or "No description."))),
        Facts(tuple((name, said) for name, said in facts if said)),
        Table((*code(operation.id), *text(": answers")), heads, tuple(rows)),
    ]
    return Section(code(operation.id), anchor("operation", operation.id), tuple(blocks))


def _schemas(document: Document) -> Iterator[Section]:
    for name, node in document.data.get("components", {}).get("schemas", {}).items():
        schema = node if isinstance(node, dict) else {}
        blocks: list[Block] = [Paragraph(prose(str(schema.get("description", ""))) or text("No description."))]
        rest = joined(_taken(schema), "; ")
        blocks.append(Facts((("Takes", rest),)))
        if schema.get("properties"):
            heads = tuple(map(text, ("Member", "Takes", "What it is")))
            rows = tuple(_members(document, name, schema))
            blocks.append(Table((*code(name), *text(": members")), heads, rows))
        yield Section(code(name), schema_place(name).anchor, tuple(blocks))


def _members(document: Document, name: str, schema: Mapping[str, Any]) -> Iterator[Row]:
    required = required_names(schema)
    for member, node in schema["properties"].items():
        told = property_schema(document, schema, member)
        takes = _reference(node) if isinstance(node, dict) and "$ref" in node else joined(_taken(told), "; ")
        need = mark("required", "warn") if member in required else NOTHING
        old = mark("deprecated") if told.get("deprecated") is True else NOTHING
        head = joined([code(member), need, old], " ")
        yield Row((head, takes, prose(str(told.get("description", "")))), schema_place(name, member).anchor)


def _taken(schema: Mapping[str, Any]) -> Iterator[Inline]:
    """Type, choices, limits, known values and default of a schema."""
    yield _kind(schema)
    if required_names(schema):
        yield joined([text("needs"), codes(required_names(schema))], " ")
    yield from limits({key: value for key, value in schema.items() if key not in TOLD})
    needs = [required_names(one) for one in schema.get("anyOf", ())]
    if all(needs):
        yield joined((joined([text("needs"), codes(names)], " ") for names in needs), " or ")
    if "contentSchema" in schema:
        yield joined([text("JSON text of"), _reference(schema["contentSchema"])], " ")
    if "x-known-values" in schema:
        yield joined([text("such as"), codes(schema["x-known-values"])], " ")
    if "default" in schema:
        yield joined([text("default"), code(shown(schema["default"]))], " ")


# Told by other words than those of limits, or by the table of members.
TOLD = {"properties", "items", "required", "oneOf", "anyOf", "allOf", "contentSchema", "discriminator"}
TOLD |= {"example", "examples"}


def _kind(schema: Mapping[str, Any]) -> Inline:
    """The type of a schema, or the names of those that it is composed of."""
    composed = []
    for key, word in (("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")):
        parts = [one for one in schema.get(key, ()) if isinstance(one, dict) and {"$ref", "type"} & set(one)]
        composed.append(joined(map(_reference, parts), word))
    kind = joined(composed, " and ") or text(types(schema))
    named = isinstance(schema.get("items"), dict) and types(schema) != "list of files"
    return joined([kind, _reference(schema["items"])], " of ") if named else kind


def _reference(schema: Any) -> Inline:
    """The name of a schema, as a link; the type of one that has no name."""
    if isinstance(schema, dict) and "$ref" in schema:
        tokens = split(target(schema["$ref"]))
        named = tokens[:2] == ["components", "schemas"] and len(tokens) == 3
        return code(tokens[-1] if tokens else "#", schema_place(tokens[-1]) if named else None)
    return text(types(schema) if isinstance(schema, dict) else "any type")


def _others(document: Document) -> Iterator[Section]:
    for kind, title in KINDS.items():
        entries = document.data.get("components", {}).get(kind)
        if isinstance(entries, dict) and entries:
            rows = [
                Row((code(name), _described(document, told)), _anchor(kind, name)) for name, told in entries.items()
            ]
            heads = tuple(map(text, ("Name", "What it is")))
            yield Section(text(title), anchor("kind", kind), (Table(text(title), heads, tuple(rows)),))


def _described(document: Document, node: Any) -> Inline:
    told = document.resolve(node)
    return prose(str(told.get("description", ""))) if isinstance(told, dict) else NOTHING


def _anchor(kind: str, name: str) -> str:
    return component_place(kind, name).anchor
