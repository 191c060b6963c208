"""One model's plain OpenAPI document: the family's cells folded into flat schemas, with nothing left to choose."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from imageproof.contract.document import (
    METHODS,
    Document,
    parameter_name,
    property_schema,
    request_content,
    required_names,
)
from imageproof.contract.families import KEY, Cell, Family, family_of
from imageproof.contract.pointers import NAMED, references, split, target
from imageproof.contract.violations import is_file, violations

Images = Literal["one", "list"]


def narrow(
    document: Document, model: str, images: Images = "one", family: str | None = None, answers: bool = True
) -> dict[str, Any]:
    """The document as it is for one model: OpenAPI 3.1 without x- keys but `x-size-grid`.

    Request bodies are flat objects without `if`, `oneOf` or `anyOf`; `model` is required and constant; of a parameter
    with two parts, `images` keeps the single one or the list. Operations, parameters and examples that the model does
    not have are gone. A model that no family names keeps the open rules. Without `answers`, nothing is told of what is
    answered, and no example.
    """
    known = family_of(document, model, family)
    narrowed: dict[str, Any] = _without_extensions(document.data if answers else _asked(document.data))
    for path, item in document.data.get("paths", {}).items():
        if "$ref" in item:
            told = document.resolve(item)
            narrowed["paths"][path] = _without_extensions(told if answers else _asked_of_path(told))
    for operation in document.operations().values():
        item = narrowed["paths"][operation.path]
        content = request_content(document, operation.id)
        if not content:
            continue
        if known is not None and operation.id not in known.operations:
            del item[operation.method.lower()]
            continue
        item[operation.method.lower()]["requestBody"] = {
            "required": True,
            "content": _without_extensions(_content(document, operation.id, content, model, known, images, answers)),
        }
        if known is not None and not known.returns.stream:
            _without_streams(narrowed, item[operation.method.lower()])
    narrowed["paths"] = {path: item for path, item in narrowed["paths"].items() if _has_operation(item)}
    _drop_unused_components(narrowed)
    return narrowed


def _asked(data: Mapping[str, Any]) -> dict[str, Any]:
    """A document without answers and examples."""
    kept = {
        kind: entries for kind, entries in data.get("components", {}).items() if kind not in ("responses", "examples")
    }
    return {
        **data,
        **({"components": kept} if kept else {}),
        "paths": {path: _asked_of_path(item) for path, item in data.get("paths", {}).items()},
    }


def _asked_of_path(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {**value, "responses": {}} if key in METHODS else value for key, value in item.items()}


def only(data: Mapping[str, Any], operation: str) -> dict[str, Any]:
    """A document with one operation and what that needs; model families keep their cells and rules for it."""
    kept: dict[str, Any] = copy.deepcopy(dict(data))
    paths = {
        path: {key: value for key, value in item.items() if key not in METHODS or value.get("operationId") == operation}
        for path, item in kept["paths"].items()
    }
    kept["paths"] = {path: item for path, item in paths.items() if _has_operation(item)}
    for family in kept.get(KEY, ()):
        family["cells"] = {name: cells for name, cells in family.get("cells", {}).items() if name == operation}
        family["rules"] = [rule for rule in family.get("rules", ()) if operation in rule["operations"]]
    _drop_unused_components(kept)
    return kept


def _content(
    document: Document,
    operation: str,
    content: Mapping[str, Any],
    model: str,
    family: Family | None,
    images: Images,
    examples_too: bool,
) -> dict[str, Any]:
    """The media types of one request body that the family takes, each with a flat schema and the examples that fit."""
    kept: dict[str, Any] = {}
    for media_type, media in content.items():
        told = document.resolve(media.get("schema"))
        if not isinstance(told, dict) or "properties" not in told:  # nothing that a family could narrow
            kept[media_type] = copy.deepcopy(media)
            continue
        schema = _flat(document, operation, told, model, family, images)
        if schema is None:
            continue
        examples = _examples(document, operation, media_type, media, model, family, schema) if examples_too else {}
        rest = {key: value for key, value in media.items() if key not in ("schema", "example", "examples", "encoding")}
        encoding = {name: part for name, part in media.get("encoding", {}).items() if name in schema["properties"]}
        kept[media_type] = {
            **copy.deepcopy(rest),
            "schema": schema,
            **({"encoding": encoding} if encoding else {}),
            **({"examples": examples} if examples else {}),
        }
    return kept


def _flat(
    document: Document, operation: str, schema: Mapping[str, Any], model: str, family: Family | None, images: Images
) -> dict[str, Any] | None:
    """The body schema for one model; None when the family forbids what this body requires."""
    required = required_names(schema)
    choices = [name for choice in schema.get("anyOf", ()) for name in required_names(choice)]
    if choices:
        required.append(choices[0] if images == "one" else choices[-1])
    properties: dict[str, Any] = {}
    for name in schema["properties"]:
        base = property_schema(document, schema, name)
        if name in choices and name not in required:
            continue
        folded = _folded(base, _cells(family, operation, name, parameter_name(name, base)))
        if folded is not None:
            properties[name] = folded
        elif name in required:
            return None
    if "model" in properties:
        properties["model"] = {
            "type": "string",
            "const": model,
            "description": properties["model"].get("description", ""),
        }
        required = ["model", *(name for name in required if name != "model")]
    kept = {
        key: value
        for key, value in schema.items()
        if key not in ("properties", "required", "anyOf", "examples", "example")
    }
    return {**copy.deepcopy(kept), "properties": properties, "required": required}


def _cells(family: Family | None, operation: str, name: str, parameter: str) -> Iterator[Cell]:
    if family is not None:
        for one in dict.fromkeys((name, parameter)):
            cell = family.cell(operation, one)
            if cell is not None:
                yield cell


def _folded(base: Mapping[str, Any], cells: Iterator[Cell]) -> dict[str, Any] | None:
    """A property schema with its cells folded in, without composition; None when one of them forbids it."""
    folded = copy.deepcopy(dict(base))
    for cell in cells:
        if cell.schema is False:
            return None
        for keyword, value in copy.deepcopy(dict(cell.schema)).items() if not isinstance(cell.schema, bool) else ():
            folded[keyword] = TIGHTER.get(keyword, _replace)(folded.get(keyword, value), value)
    types = folded.get("type")
    if "const" in folded:  # null stays legal beside the constant, so the constant becomes a list of values
        folded["enum"] = [folded.pop("const")]
    if "enum" in folded and isinstance(types, list) and "null" in types and None not in folded["enum"]:
        folded["enum"] = [*folded["enum"], None]
    return folded


def _replace(_: Any, value: Any) -> Any:
    return value


# How two values of one keyword become one: the tighter bound wins, anything else is the cell's.
TIGHTER: dict[str, Any] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "enum": lambda own, cell: [value for value in cell if value in own],
}


def _examples(
    document: Document,
    operation: str,
    media_type: str,
    media: Mapping[str, Any],
    model: str,
    family: Family | None,
    schema: Mapping[str, Any],
) -> dict[str, Any]:
    """The examples that this model takes, told in its own name."""
    kept = {}
    for name, example in media.get("examples", {}).items():
        value = document.resolve(example).get("value")
        if not isinstance(value, dict) or not set(schema["required"]) <= {*value, "model"}:
            continue
        told = {**value, "model": model}
        files = {key for key in told if _is_file_part(schema, key)}
        asked = {key: item for key, item in told.items() if key not in files}
        unknown = set(told) - set(schema["properties"])
        breaches = violations(
            document, model, operation, asked, media_type=media_type, family=family.id if family else None
        )
        if not unknown and not [one for one in breaches if one.parameter not in files and one.pointer]:
            kept[name] = {**document.resolve(example), "value": told}
    return kept


def _is_file_part(schema: Mapping[str, Any], name: str) -> bool:
    prop = schema["properties"].get(name, {})
    return is_file(prop) or is_file(prop.get("items", {}))


def _without_streams(document: dict[str, Any], operation: dict[str, Any]) -> None:
    for response in operation.get("responses", {}).values():
        response.get("content", {}).pop("text/event-stream", None)


def _has_operation(item: Mapping[str, Any]) -> bool:
    return any(isinstance(value, dict) and "responses" in value for value in item.values())


def _without_extensions(node: Any, names: bool = False) -> Any:
    """A copy without x- keys; names (of headers, say) and the size grids stay."""
    if isinstance(node, list):
        return [_without_extensions(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_extensions(value, not names and key in NAMED)
        for key, value in node.items()
        if names or not key.startswith("x-") or key == "x-size-grid"
    }


def _drop_unused_components(document: dict[str, Any]) -> None:
    """Removes components that nothing else refers to, and what they alone referred to."""
    components = document.get("components", {})
    used: set[tuple[str, ...]] = {("securitySchemes", name) for name in components.get("securitySchemes", {})}
    waiting: list[Any] = [{key: value for key, value in document.items() if key != "components"}]
    waiting += components.get("securitySchemes", {}).values()
    while waiting:
        for _, reference in references(waiting.pop()):
            place, *named = split(target(reference))[:3]
            if place == "components" and tuple(named) not in used:
                used.add(tuple(named))
                waiting.append(components[named[0]][named[1]])
    for kind, entries in components.items():
        components[kind] = {name: one for name, one in entries.items() if (kind, name) in used}
