"""What schemas allow, as values that can be put together: `allOf` is `both`, `anyOf` and `oneOf` are `either`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

FILE = "file"  # the type of raw bytes, which JSON Schema has no name for
LOWER = ("minimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
LIMITS = (*LOWER, *UPPER, "pattern")
TIGHTER: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(LOWER, max),
    **dict.fromkeys(UPPER, min),
    "pattern": lambda _, new: new,
}
# limit -> the types that it speaks of: it says nothing of values of another type
LIMITED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("minimum", "maximum"), frozenset({"integer", "number"})),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), frozenset({"string"})),
    **dict.fromkeys(("minItems", "maxItems"), frozenset({"array"})),
    **dict.fromkeys(("minProperties", "maxProperties"), frozenset({"object"})),
}
WITHIN = {"integer": "number", FILE: "string"}  # type -> the wider one that it is a part of
UNSTATED = object()  # in place of a default that a schema does not state; None is a default


@dataclass(frozen=True)
class Schema:
    """What a schema allows.

    types     JSON types without null, and "file" for raw bytes; None for any
    null      whether it says that null is allowed; a schema without types and values says nothing of it
    values    the only values allowed, without null; None where the list is open
    known     documented values of an open list
    limits    keyword of LIMITS -> value
    default   UNSTATED where there is none
    members   property name -> Member
    read_only, write_only  whether it stands in answers alone, or in requests alone
    closed    whether an object may have no other members
    required  names that an object must have, those that it does not describe among them
    one_of    groups of names of which an object must have one
    items     of an array, None where it does not say
    variants  constant of the discriminating member -> Schema, for a union of objects that is told apart by one
    rules     key of `schema_reader.RULES` -> requirement id
    """

    pointer: str
    types: frozenset[str] | None = None
    null: bool = False
    values: tuple[Any, ...] | None = None
    known: tuple[Any, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    default: Any = UNSTATED
    deprecated: bool = False
    read_only: bool = False
    write_only: bool = False
    members: Mapping[str, Member] = field(default_factory=dict)
    closed: bool = False
    required: frozenset[str] = frozenset()
    one_of: tuple[tuple[str, ...], ...] = ()
    items: Member | None = None
    variants: Mapping[str, Schema] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)

    @property
    def says_kind(self) -> bool:
        """Whether it says anything of the kind of value."""
        return self.types is not None or self.values is not None


@dataclass(frozen=True)
class Member:
    """One property of an object, or the items of an array; read when it is asked for, so that recursion ends where
    nobody asks on. `parameter` is its `x-parameter`, "" where it has none."""

    read: Callable[[], Schema]
    parameter: str = ""

    @cached_property
    def schema(self) -> Schema:
        return self.read()


def both(one: Schema, other: Schema, pointer: str) -> Schema:
    """What both schemas allow, as `allOf` means it: the tighter of each limit, the members of both."""
    limits = {**one.limits}
    for name, value in other.limits.items():
        limits[name] = TIGHTER[name](limits[name], value) if name in limits else value
    members = {**one.members}
    for name, member in other.members.items():
        members[name] = _both(members[name], member) if name in members else member
    return Schema(
        pointer,
        types=_meet(one.types, other.types),
        # `nullable` beside a reference or `allOf` is meant for the whole, although 3.0 does not read it so.
        null=one.null and other.null if one.says_kind and other.says_kind else one.null or other.null,
        values=_common(one.values, other.values),
        known=unique((*one.known, *other.known)),
        limits=limits,
        default=one.default if other.default is UNSTATED else other.default,
        deprecated=one.deprecated or other.deprecated,
        read_only=one.read_only or other.read_only,
        write_only=one.write_only or other.write_only,
        members=members,
        closed=one.closed or other.closed,
        required=one.required | other.required,
        one_of=(*one.one_of, *other.one_of),
        items=_both(one.items, other.items) if one.items and other.items else one.items or other.items,
        variants={
            **{name: both(variant, other, variant.pointer) for name, variant in one.variants.items()},
            **{name: both(one, variant, variant.pointer) for name, variant in other.variants.items()},
        },
        rules={**one.rules, **other.rules},
    )


def either(schemas: Sequence[Schema], pointer: str) -> Schema:
    """What any of the schemas allows, as `anyOf` means it. A union of an open and a closed list is open, and knows the
    closed one's values; a member is required where every object among them requires it."""
    real = [schema for schema in schemas if schema.types != frozenset()] or list(schemas)
    types: frozenset[str] | None = frozenset()
    for schema in real:
        types = None if types is None or schema.types is None else types | schema.types
    closed = all(schema.values is not None for schema in real)
    listed = unique(value for schema in real for value in (*(schema.values or ()), *schema.known))
    objects = [schema for schema in real if schema.types is None or "object" in schema.types]
    arrays = [schema.items for schema in real if schema.items]
    groups = {schema.one_of for schema in objects}
    return Schema(
        pointer,
        types=types,
        null=any(schema.null for schema in schemas),
        values=listed if closed else None,
        known=() if closed else listed,
        limits=_loosest(real),
        default=next((schema.default for schema in real if schema.default is not UNSTATED), UNSTATED),
        deprecated=all(schema.deprecated for schema in real),
        read_only=all(schema.read_only for schema in real),
        write_only=all(schema.write_only for schema in real),
        members={name: _any_member(name, objects) for name in dict.fromkeys(n for one in objects for n in one.members)},
        closed=bool(objects) and all(schema.closed for schema in objects),
        required=frozenset.intersection(*(schema.required for schema in objects)) if objects else frozenset(),
        one_of=groups.pop() if len(groups) == 1 else (),
        items=_any(arrays) if arrays else None,
        variants=_variants(real),
        rules={key: rule for schema in reversed(real) for key, rule in schema.rules.items()},
    )


def unique(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values without repeats, in order; 1, 1.0 and true are three."""
    return tuple({(type(value), repr(value)): value for value in values}.values())


def _both(one: Member, other: Member) -> Member:
    return Member(lambda: both(one.schema, other.schema, other.schema.pointer), one.parameter or other.parameter)


def _any_member(name: str, objects: Sequence[Schema]) -> Member:
    return _any([schema.members[name] for schema in objects if name in schema.members])


def _any(members: Sequence[Member]) -> Member:
    first = members[0]
    if len(members) == 1:
        return first
    return Member(lambda: either([one.schema for one in members], first.schema.pointer), first.parameter)


def _variants(schemas: Sequence[Schema]) -> dict[str, Schema]:
    """The alternatives by the constant of a member that tells them apart; {} where none does."""
    if len(schemas) < 2:
        return {}
    for name in schemas[0].members:
        if not all(name in schema.members and name in schema.required for schema in schemas):
            continue
        constants = [schema.members[name].schema.values for schema in schemas]
        flat = [values[0] for values in constants if values is not None and len(values) == 1]
        if len(flat) == len(schemas) == len(set(map(str, flat))):
            return {str(value): schema for value, schema in zip(flat, schemas, strict=True)}
    return {}


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """The types that both allow: a whole number is a number, and a file is sent where a string stands."""
    if one is None or other is None:
        return other if one is None else one
    return frozenset(
        {name for name in one if name in other or WITHIN.get(name) in other}
        | {name for name in other if WITHIN.get(name) in one}
    )


def _common(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(value for value in one if value in other)


def _loosest(schemas: Sequence[Schema]) -> dict[str, Any]:
    """The limits that hold whichever alternative is taken; one of another type does not loosen a limit."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for schema in schemas for name in schema.limits):
        touched = [schema for schema in schemas if schema.types is None or schema.types & LIMITED[name]]
        if not all(name in schema.limits for schema in touched):
            continue
        values = [schema.limits[name] for schema in schemas if name in schema.limits]
        if name in LOWER:
            found[name] = min(values)
        elif name in UPPER:
            found[name] = max(values)
        elif len(set(values)) == 1:
            found[name] = values[0]
    return found
