"""Schemas as they are meant: whatever way a document of OpenAPI 3.0 or 3.1 says it, one frozen `Schema`.

References are followed, `allOf` is folded together, `anyOf` and `oneOf` are laid over each other, null is a flag
however it is written. What is lost is only which of two alternatives a value belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.pointers import join, target
from imageproof.errors import DocumentError, Problem

MAX_SCHEMAS = 20_000  # schemas of one document's image operations; the largest known has fewer than 700
MAX_NESTED = 100  # schemas inside each other
FILE = "file"  # the type of raw bytes, which JSON Schema has no name for
RULES = ("x-rule", "x-rule-missing", "x-rule-type")  # of the contract's own schemas
LOWER = ("minimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
LIMITS = (*LOWER, *UPPER, "pattern")
TIGHTER: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(LOWER, max),
    **dict.fromkeys(UPPER, min),
    "pattern": lambda _, new: new,
}
JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
UNSTATED = object()  # in place of a default that a schema does not state; None is a default


@dataclass(frozen=True)
class Schema:
    """What a schema allows.

    types     JSON types without null, and "file" for raw bytes; None for any
    null      whether null is allowed
    values    the only values allowed, without null; None where the list is open
    known     documented values of an open list
    limits    keyword of LIMITS -> value
    default   UNSTATED where there is none
    members   property name -> Member
    items     of an array, None where it does not say
    rules     key of RULES -> requirement id
    variants  constant of the discriminating member -> Schema, for a union of objects that is told apart by one
    """

    pointer: str
    types: frozenset[str] | None = None
    null: bool = False
    values: tuple[Any, ...] | None = None
    known: tuple[Any, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    default: Any = UNSTATED
    deprecated: bool = False
    members: Mapping[str, Member] = field(default_factory=dict)
    items: Schema | None = None
    variants: Mapping[str, Schema] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Member:
    """One property of an object. `parameter` is its `x-parameter`, "" where it has none."""

    schema: Schema
    required: bool
    parameter: str = ""


class SchemaReader:
    """Reads the schemas of one document. `notes` collects what was read otherwise than it is written.

    Raises DocumentError for a reference that leads nowhere, what is no schema, and more than MAX_SCHEMAS schemas.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.notes: list[Problem] = []
        self._is_31 = str(document.data.get("openapi", "")).startswith("3.1")
        self._read = 0
        self._open: list[str] = []
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
        """What the schema at a pointer means. A schema inside itself is any value, so that recursion ends."""
        self._read += 1
        if self._read > MAX_SCHEMAS or len(self._open) > MAX_NESTED:
            where = f"more than {MAX_SCHEMAS} schemas, or {MAX_NESTED} inside each other, under the image operations"
            raise self.problem(pointer, where, "do aliases or references multiply?")
        told, place = self.resolve(node, pointer)
        if place in self._open:
            self._cut += 1
            return Schema(place)
        if isinstance(told, bool) or told == {}:
            return Schema(place, types=frozenset() if told is False else None)
        if not isinstance(told, dict):
            raise self.problem(pointer, "must be a schema, that is a mapping")
        beside = {key: value for key, value in node.items() if key != "$ref"} if place != pointer else {}
        schema = self._known.get(place) or self._entered(told, place)
        return both(schema, self._composed(beside, pointer), place) if beside else schema

    def _entered(self, told: Mapping[str, Any], place: str) -> Schema:
        """A schema read with its place marked as open, so that what is inside it may refer to it."""
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
                schema = _one_required(schema, [name for one in choices for name in _list(one["required"])])
            elif choices:
                read = [self.schema(one, pointer + join(keyword, index)) for index, one in enumerate(choices)]
                schema = both(schema, either(read, pointer), pointer)
        return schema

    def _own(self, node: Mapping[str, Any], pointer: str) -> Schema:
        """What a schema says itself, but for its compositions."""
        listed = node.get("enum", [node["const"]] if "const" in node else None)
        values = None if listed is None else tuple(value for value in _list(listed) if value is not None)
        types, null = self._types(node, pointer, values)
        properties = node.get("properties", {})
        if not isinstance(properties, dict):
            raise self.problem(pointer + "/properties", "must be a mapping of names to schemas")
        required = _list(node.get("required"))
        members = {
            str(name): Member(
                self.schema(told, pointer + join("properties", name)), name in required, _text(told, "x-parameter")
            )
            for name, told in properties.items()
        }
        return Schema(
            pointer,
            types=types,
            null=null or (listed is not None and None in _list(listed)),
            values=values,
            known=tuple(_list(node.get("x-known-values"))),
            limits=_limits(node, types),
            default=node.get("default", UNSTATED),
            deprecated=node.get("deprecated") is True,
            members=members,
            items=self.schema(node["items"], pointer + "/items") if "items" in node else None,
            rules={key: node[key] for key in RULES if isinstance(node.get(key), str)},
        )

    def _types(
        self, node: Mapping[str, Any], pointer: str, values: tuple[Any, ...] | None
    ) -> tuple[frozenset[str] | None, bool]:
        told = node.get("type")
        names = {str(one) for one in (told if isinstance(told, list) else [told] if told is not None else [])}
        null = node.get("nullable") is True or "null" in names
        if node.get("nullable") is True and self._is_31:
            message = "nullable has no effect in OpenAPI 3.1; read as meant: null is allowed"
            self.notes.append(self.document.problem(pointer, message, level="warning"))
        names.discard("null")
        if not names and told is None:
            inferred = {JSON_TYPES.get(type(value), "object") for value in values or ()}
            inferred |= {"object"} if "properties" in node else {"array"} if "items" in node else set()
            return (frozenset(inferred) if inferred else None), null
        if "string" in names and _is_file(node):
            names = (names - {"string"}) | {FILE}
        return frozenset(names), null


BUNDLE = "bundle the document into one file first"


def both(one: Schema, other: Schema, pointer: str) -> Schema:
    """What both schemas allow, as `allOf` means it: the tighter of each limit, the members of both."""
    types = one.types if other.types is None else other.types if one.types is None else one.types & other.types
    values = _common(one.values, other.values)
    limits = {**one.limits}
    for name, value in other.limits.items():
        limits[name] = TIGHTER[name](limits[name], value) if name in limits else value
    members = {**one.members}
    for name, member in other.members.items():
        mine = members.get(name)
        members[name] = _both_members(mine, member) if mine else member
    return Schema(
        pointer,
        types=types,
        null=one.null or other.null if _neutral(one) or _neutral(other) else one.null and other.null,
        values=values,
        known=unique((*one.known, *other.known)),
        limits=limits,
        default=one.default if other.default is UNSTATED else other.default,
        deprecated=one.deprecated or other.deprecated,
        members=members,
        items=both(one.items, other.items, pointer) if one.items and other.items else one.items or other.items,
        variants={**one.variants, **other.variants},
        rules={**one.rules, **other.rules},
    )


def either(schemas: Sequence[Schema], pointer: str) -> Schema:
    """What any of the schemas allows, as `anyOf` means it. A union of an open and a closed list is open, and knows the
    closed one's values; a member is required where every object among them requires it."""
    null = any(schema.null for schema in schemas)
    real = [schema for schema in schemas if schema.types != frozenset()] or list(schemas)
    variants = _variants(real)
    types: frozenset[str] | None = frozenset()
    for schema in real:
        types = None if types is None or schema.types is None else types | schema.types
    closed = all(schema.values is not None for schema in real)
    listed = unique(value for schema in real for value in (*(schema.values or ()), *schema.known))
    objects = [schema for schema in real if schema.types is None or "object" in schema.types]
    arrays = [schema.items for schema in real if schema.items]
    return Schema(
        pointer,
        types=types,
        null=null,
        values=listed if closed else None,
        known=() if closed else listed,
        limits=_loosest(real),
        default=next((schema.default for schema in real if schema.default is not UNSTATED), UNSTATED),
        deprecated=all(schema.deprecated for schema in real),
        members={} if variants else _any_members(objects, pointer),
        items=either(arrays, arrays[0].pointer) if len(arrays) > 1 else next(iter(arrays), None),
        variants=variants,
        rules={key: rule for schema in reversed(real) for key, rule in schema.rules.items()},
    )


def _neutral(schema: Schema) -> bool:
    """Whether a schema says nothing of the kind of value: `nullable` beside a reference is meant for the whole."""
    return schema.types is None and schema.values is None


def _both_members(one: Member, other: Member) -> Member:
    schema = both(one.schema, other.schema, other.schema.pointer)
    return Member(schema, one.required or other.required, one.parameter or other.parameter)


def _any_members(objects: Sequence[Schema], pointer: str) -> dict[str, Member]:
    names = dict.fromkeys(name for schema in objects for name in schema.members)
    found: dict[str, Member] = {}
    for name in names:
        holders = [schema.members[name] for schema in objects if name in schema.members]
        schema = holders[0].schema if len(holders) == 1 else either([one.schema for one in holders], pointer)
        required = len(holders) == len(objects) and all(one.required for one in holders)
        found[name] = Member(replace(schema, pointer=holders[0].schema.pointer), required, holders[0].parameter)
    return found


def _variants(schemas: Sequence[Schema]) -> dict[str, Schema]:
    """The alternatives by the constant of a member that tells them apart; {} where none does."""
    if len(schemas) < 2:
        return {}
    for name in schemas[0].members:
        constants = [
            schema.members[name].schema.values if name in schema.members and schema.members[name].required else None
            for schema in schemas
        ]
        flat = [values[0] for values in constants if values is not None and len(values) == 1]
        if len(flat) == len(schemas) == len(set(map(str, flat))):
            return {str(value): schema for value, schema in zip(flat, schemas, strict=True)}
    return {}


def _one_required(schema: Schema, names: Iterable[Any]) -> Schema:
    """`anyOf: [{required: [a]}, {required: [b]}]`: each of them counts as required, where both carry one parameter."""
    chosen = [name for name in names if isinstance(name, str) and name in schema.members]
    carried = {schema.members[name].parameter or name.split("[")[0] for name in chosen}
    if len(carried) != 1:
        return schema
    members = {name: replace(one, required=one.required or name in chosen) for name, one in schema.members.items()}
    return replace(schema, members=members)


def _loosest(schemas: Sequence[Schema]) -> dict[str, Any]:
    shared = [name for name in schemas[0].limits if all(name in schema.limits for schema in schemas)] if schemas else []
    found: dict[str, Any] = {}
    for name in shared:
        values = [schema.limits[name] for schema in schemas]
        if name in LOWER:
            found[name] = min(values)
        elif name in UPPER:
            found[name] = max(values)
        elif len(set(values)) == 1:
            found[name] = values[0]
    return found


def _limits(node: Mapping[str, Any], types: frozenset[str] | None) -> dict[str, Any]:
    """Limits in one spelling: exclusive ones become inclusive where the values are whole numbers."""
    found = {name: node[name] for name in LIMITS if _fits(name, node.get(name))}
    step = 1 if types == frozenset({"integer"}) else 0
    for exclusive, name, sign in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        told = node.get(exclusive)
        if told is True and name in found:  # OpenAPI 3.0
            found[name] += sign * step
        elif isinstance(told, int | float) and not isinstance(told, bool):
            found[name] = told + sign * step
    return found


def _fits(name: str, value: Any) -> bool:
    if name == "pattern":
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def unique(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values without repeats, in order; 1, 1.0 and true are three."""
    return tuple({(type(value), repr(value)): value for value in values}.values())


def _common(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(value for value in one if value in other)


def _is_file(node: Mapping[str, Any]) -> bool:
    text = {"contentEncoding", "contentSchema"} & set(node)
    return node.get("format") == "binary" or ("contentMediaType" in node and not text)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(node: Any, key: str) -> str:
    value = node.get(key) if isinstance(node, dict) else None
    return value if isinstance(value, str) else ""
