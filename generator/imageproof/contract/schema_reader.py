"""Schemas as they are meant: whatever way a document of OpenAPI 3.0 or 3.1 says it, one `Schema`.

References are followed, `allOf`, `anyOf` and `oneOf` are put together, null is a flag however it is written. Of
`format` only "binary" counts. What cannot be compared is told: see NOT_READ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.pointers import join, target
from imageproof.contract.schema import FILE, LIMITS, UNSTATED, Member, Schema, both, either
from imageproof.errors import DocumentError, Problem

MAX_SCHEMAS = 20_000  # that are read of one document; the largest known has fewer than 700
MAX_NESTED = 100  # schemas put together out of each other
RULES = ("x-rule", "x-rule-missing", "x-rule-type")  # of the contract's own schemas
JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
NOT_READ = (
    "not",
    "if",
    "multipleOf",
    "prefixItems",
    "contains",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "unevaluatedProperties",
)
BUNDLE = "bundle the document into one file first"


class SchemaReader:
    """Reads the schemas of one document, each member when it is asked for. `notes` collects what was read otherwise
    than it is written, or not read.

    Raises DocumentError for a reference that leads nowhere, for what is no schema, and for more than MAX_SCHEMAS.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.notes: list[Problem] = []
        self._is_31 = str(document.data.get("openapi", "")).startswith("3.1")
        self._read = 0
        self._open: list[str] = []  # the places that are being put together
        self._cut = 0
        self._known: dict[str, Schema] = {}  # by the place that references mean; none that was cut short

    def resolve(self, node: Any, pointer: str) -> tuple[Any, str]:
        """The node that a chain of references means, and its pointer."""
        seen: set[str] = set()
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            reference = node["$ref"]
            if not reference.startswith("#"):
                raise self.problem(pointer, f"$ref to another file is not read: {reference}", BUNDLE)
            if reference in seen:
                raise self.problem(pointer, f"$ref leads in a circle: {reference}", "let one of them be a schema")
            seen.add(reference)
            try:
                node = self.document.at(target(reference))
            except KeyError:
                hint = "define it, or mend the pointer"
                raise self.problem(pointer, f"$ref leads nowhere: {reference}", hint) from None
            pointer = target(reference)
        return node, pointer

    def problem(self, pointer: str, message: str, hint: str = "") -> DocumentError:
        return DocumentError([self.document.problem(pointer, message, hint=hint)])

    def schema(self, node: Any, pointer: str) -> Schema:
        """What the schema at a pointer means. One that is put together out of itself is any value there."""
        self._read += 1
        if self._read > MAX_SCHEMAS or len(self._open) > MAX_NESTED:
            where = f"more than {MAX_SCHEMAS} schemas, or {MAX_NESTED} put together, under the image operations"
            raise self.problem(pointer, where, "do aliases or references multiply?")
        told, place = self.resolve(node, pointer)
        if place in self._open:
            self._cut += 1
            return Schema(place)
        beside = {key: value for key, value in node.items() if key != "$ref"} if place != pointer else {}
        schema = self._known.get(place) or self._entered(told, place)
        return both(schema, self._composed(beside, pointer), place) if beside else schema

    def _entered(self, told: Any, place: str) -> Schema:
        if isinstance(told, bool):
            return Schema(place, types=None if told else frozenset())
        if not isinstance(told, dict):
            raise self.problem(place, "must be a schema, that is a mapping")
        cut = self._cut
        self._open.append(place)
        try:
            schema = self._composed(told, place)
        finally:
            self._open.pop()
        if cut == self._cut:
            self._known[place] = schema
        return schema

    def _composed(self, node: Mapping[str, Any], pointer: str) -> Schema:
        schema = self._own(node, pointer)
        for index, part in enumerate(_list(node.get("allOf"))):
            schema = both(schema, self.schema(part, pointer + join("allOf", index)), pointer)
        for keyword in ("anyOf", "oneOf"):
            choices = _list(node.get(keyword))
            if choices and all(isinstance(one, dict) and set(one) == {"required"} for one in choices):
                names = tuple(name for one in choices for name in _list(one["required"]) if isinstance(name, str))
                schema = both(schema, Schema(pointer, one_of=(names,)), pointer)
            elif choices:
                read = [self.schema(one, pointer + join(keyword, index)) for index, one in enumerate(choices)]
                schema = both(schema, either(read, pointer), pointer)
        return schema

    def _own(self, node: Mapping[str, Any], pointer: str) -> Schema:
        """What a schema says itself, but for its compositions."""
        for keyword in NOT_READ:
            if keyword in node:
                self._note(pointer, f"{keyword} is not compared")
        listed = _list(node.get("enum")) if "enum" in node else [node["const"]] if "const" in node else None
        values = None if listed is None else tuple(value for value in listed if value is not None)
        types, null = self._types(node, pointer, listed, values)
        properties = node.get("properties", {})
        if not isinstance(properties, dict):
            raise self.problem(pointer + "/properties", "must be a mapping of names to schemas")
        return Schema(
            pointer,
            types=types,
            null=null,
            values=values,
            known=tuple(_list(node.get("x-known-values"))),
            limits=_limits(node, types),
            default=node.get("default", UNSTATED),
            deprecated=node.get("deprecated") is True,
            read_only=node.get("readOnly") is True,
            write_only=node.get("writeOnly") is True,
            members={
                str(name): self._member(told, pointer + join("properties", name)) for name, told in properties.items()
            },
            closed=node.get("additionalProperties") is False,
            required=frozenset(name for name in _list(node.get("required")) if isinstance(name, str)),
            items=self._member(node["items"], pointer + "/items") if "items" in node else None,
            rules={key: node[key] for key in RULES if isinstance(node.get(key), str)},
        )

    def _member(self, node: Any, pointer: str) -> Member:
        return Member(lambda: self.schema(node, pointer), _text(node, "x-parameter"))

    def _types(
        self, node: Mapping[str, Any], pointer: str, listed: list[Any] | None, values: tuple[Any, ...] | None
    ) -> tuple[frozenset[str] | None, bool]:
        """The types, and whether null is allowed; JSON Schema's own null must be in the list of values too."""
        told = node.get("type")
        names = {str(one) for one in (told if isinstance(told, list) else [told] if told is not None else [])}
        nullable = node.get("nullable") is True
        if nullable and self._is_31:
            self._note(pointer, "nullable has no effect in OpenAPI 3.1; read as meant: null is allowed")
        takes = "null" in names or (told is None and listed is not None)
        null = nullable or (takes and (listed is None or None in listed))
        names.discard("null")
        if told is None:
            inferred = {JSON_TYPES.get(type(value), "object") for value in values or ()}
            inferred |= {FILE} if is_file(node) else {"object"} if "properties" in node else set()
            inferred |= {"array"} if "items" in node else set()
            return (frozenset(inferred) if inferred or values == () else None), null
        if "string" in names and is_file(node):
            names = (names - {"string"}) | {FILE}
        return frozenset(names), null

    def _note(self, pointer: str, message: str) -> None:
        self.notes.append(self.document.problem(pointer, message, level="warning"))


def is_file(node: Mapping[str, Any]) -> bool:
    """Whether a schema means raw bytes: a file, not text that encodes one."""
    text = {"contentEncoding", "contentSchema"} & set(node)
    return node.get("format") == "binary" or ("contentMediaType" in node and not text)


def _limits(node: Mapping[str, Any], types: frozenset[str] | None) -> dict[str, Any]:
    """Limits in one spelling: exclusive ones become inclusive where the values are whole numbers."""
    found = {name: node[name] for name in LIMITS if _fits(name, node.get(name))}
    step = 1 if types == frozenset({"integer"}) else 0
    for exclusive, name, sign in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        told = node.get(exclusive)
        if told is True and name in found:  # OpenAPI 3.0
            found[name] += sign * step
        elif isinstance(told, int | float) and not isinstance(told, bool):
            own = told + sign * step
            found[name] = (max if sign > 0 else min)(own, found.get(name, own))
    return found


def _fits(name: str, value: Any) -> bool:
    if name == "pattern":
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(node: Any, key: str) -> str:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, str) else ""
