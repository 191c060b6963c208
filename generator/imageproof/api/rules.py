"""The rules of a document with model families, as plain JSON values that a client can carry along and check by itself.

A client answers as `contract.violations` does; `tests/clients/test_rules.py` holds both against the same vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from imageproof.api.ir import FamilyRules, FormRules, Operation, Rules
from imageproof.contract.document import Document, folded, property_schema, request_schema, required_names
from imageproof.contract.families import Cell, Family
from imageproof.contract.violations import is_file

# What a client checks; of everything else in a schema it says nothing.
KEPT = (
    *("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    *("required", "additionalProperties"),
    *("x-rule", "x-rule-missing", "x-parameter", "x-size-grid"),
)
NESTED = ("items", "not", "if", "then", "else")  # keywords that hold one schema
LISTS = ("allOf", "anyOf", "oneOf")  # keywords that hold a list of schemas
# What says nothing of a value.
TOLD = frozenset(
    [
        *("$ref", "title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
        *("format", "contentMediaType", "contentEncoding", "x-known-values", "x-rule-type", "nullable"),
    ]
)
DEEPEST = 8  # schemas inside one another; what is deeper is left to the server


def describe_rules(document: Document, resources: Mapping[str, Iterable[Operation]], known: Iterable[Family]) -> Rules:
    """The table of a document. Operations without a body of members have no row."""
    forms = {}
    for operations in resources.values():
        for operation in operations:
            bodies = [one for one in (operation.body, operation.reference) if one and one.fields]
            if bodies:
                forms[operation.id] = tuple(
                    _form(document, operation.id, one.media_type, one.form == "json") for one in bodies
                )
    return Rules(forms, tuple(_family(one, forms) for one in known))


def unchecked(rules: Rules) -> list[str]:
    """Keywords of the families' schemas that a client does not check, so that it is milder than the document."""
    found: dict[str, None] = {}
    stack: list[Any] = [
        cell[key]
        for one in rules.families
        for row in one.cells.values()
        for cell in row.values()
        for key in ("schema", "file")
        if key in cell
    ]
    stack += [
        rule[key] for one in rules.families for row in one.rules.values() for rule in row for key in ("when", "then")
    ]
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            known = {*KEPT, *NESTED, *LISTS, "properties"}
            found |= dict.fromkeys(key for key in node if key not in known and key not in TOLD)
            if isinstance(node.get("additionalProperties"), Mapping):
                found["additionalProperties as a schema"] = None
            stack += [node[key] for key in NESTED if key in node]
            stack += [one for key in LISTS for one in node.get(key, ())]
            stack += node.get("properties", {}).values()
    return list(found)


def _form(document: Document, operation: str, media_type: str, json: bool) -> FormRules:
    schema = request_schema(document, operation, media_type)
    alternatives = tuple(name for choice in schema.get("anyOf", ()) for name in required_names(choice))
    required = [*((name,) for name in required_names(schema)), *([alternatives] if alternatives else [])]
    properties = {}
    for name in schema.get("properties", {}):
        told = property_schema(document, schema, name)
        items = folded(document, told.get("items", {}))
        if is_file(told) or (isinstance(items, dict) and is_file(items)):
            told = {**{key: value for key, value in told.items() if key != "items"}, "file": True}
        properties[name] = {**_kept(document, told, 0), **({"file": True} if told.get("file") else {})}
    return FormRules(json, tuple(required), properties, str(schema.get("x-rule-type", "")))


def _family(family: Family, forms: Mapping[str, Any]) -> FamilyRules:
    offered = [operation for operation in family.operations if operation in forms]
    rules = {
        operation: tuple(
            {"id": rule.id, "when": rule.when, "then": rule.then, "message": rule.message}
            for rule in family.rules
            if rule.operation == operation
        )
        for operation in offered
    }
    cells = {
        operation: {name: _cell(cell) for name, cell in family.cells.get(operation, {}).items()}
        for operation in offered
    }
    return FamilyRules(family.id, family.models, cells, rules)


def _cell(cell: Cell) -> dict[str, Any]:
    return {"schema": cell.schema, "rule": cell.rule, **({"file": cell.file} if cell.file is not None else {})}


def _kept(document: Document, node: Any, depth: int) -> Any:
    """A schema with references followed, without what a client does not check."""
    node = folded(document, node)
    if not isinstance(node, dict) or depth > DEEPEST:
        return node if isinstance(node, bool) else {}
    kept = {key: value for key, value in node.items() if key in KEPT}
    for key in NESTED:
        if key in node:
            kept[key] = _kept(document, node[key], depth + 1)
    for key in LISTS:
        if key in node:
            kept[key] = [_kept(document, one, depth + 1) for one in node[key]]
    if "properties" in node:
        kept["properties"] = {name: _kept(document, one, depth + 1) for name, one in node["properties"].items()}
    return kept
