"""The parameters of a multipart form: which parts carry each, by their names on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from imageproof.contract.schema import FILE, Member, Schema, either


@dataclass(frozen=True)
class FormParameter:
    """A parameter of a form. `parts` are the names of the parts that carry it, `files` says that they may be files,
    `content` is part -> the media types that the document's `encoding` allows for it, where it tells any."""

    schema: Schema
    required: bool
    parts: tuple[str, ...]
    files: bool
    content: Mapping[str, frozenset[str]]


def form_parameters(schema: Schema, encoding: Mapping[str, Any]) -> dict[str, FormParameter]:
    """A form's parameters by name: `image` and `image[]` are one, and `svg[model]` is a member of `svg`."""
    groups: dict[str, dict[str, Member]] = {}
    for name, member in schema.members.items():
        if not member.schema.read_only:
            groups.setdefault(_parameter(name, member), {})[name] = member
    for name in schema.required - set(schema.members):  # asked for, and not described
        groups.setdefault(name.partition("[")[0] or name, {})[name] = Member(lambda: Schema(schema.pointer))
    needed = schema.required | _of_one_parameter(schema)
    return {base: _form_parameter(members, needed, encoding) for base, members in groups.items()}


def _parameter(name: str, member: Member) -> str:
    return member.parameter or name.partition("[")[0] or name


def _of_one_parameter(schema: Schema) -> frozenset[str]:
    """Names of which one is required, where all of them carry one parameter: then that is required."""
    found: set[str] = set()
    for group in schema.one_of:
        described = [name for name in group if name in schema.members]
        if len({_parameter(name, schema.members[name]) for name in described}) == 1:
            found.update(described)
    return frozenset(found)


def _form_parameter(members: Mapping[str, Member], needed: Iterable[str], encoding: Mapping[str, Any]) -> FormParameter:
    plain = [member.schema for name, member in members.items() if not _path(name)]
    leaves = [(_path(name), member) for name, member in members.items() if _path(name)]
    schemas = [*plain, *([_nest(leaves)] if leaves else [])]
    schema = schemas[0] if len(schemas) == 1 else either(schemas, schemas[0].pointer)
    told = {name: encoding[name].get("contentType") for name in members if isinstance(encoding.get(name), dict)}
    content = {name: _media_types(text) for name, text in told.items() if isinstance(text, str)}
    required = bool(set(members) & set(needed))
    return FormParameter(schema, required, tuple(members), FILE in _kinds(schema), content)


def _media_types(told: str) -> frozenset[str]:
    return frozenset(one.strip().lower() for one in told.split(","))


def _kinds(schema: Schema) -> frozenset[str]:
    """The types of a value, and of the items of a list."""
    items = schema.items.schema.types if schema.items else None
    return (schema.types or frozenset()) | (items or frozenset())


def _path(name: str) -> tuple[str, ...]:
    """("reasoning", "effort") of `svg[reasoning][effort]`; () of `svg` and `image[]`."""
    return tuple(one.rstrip("]") for one in name.split("[")[1:] if one != "]")


def _nest(leaves: list[tuple[tuple[str, ...], Member]]) -> Schema:
    """An object out of parts that are named after its leaves."""
    groups: dict[str, list[tuple[tuple[str, ...], Member]]] = {}
    for path, member in leaves:
        groups.setdefault(path[0], []).append((path[1:], member))
    members = {name: _inner(inner) for name, inner in groups.items()}
    return Schema(leaves[0][1].schema.pointer, types=frozenset({"object"}), members=members)


def _inner(inner: list[tuple[tuple[str, ...], Member]]) -> Member:
    whole = [member.schema for path, member in inner if not path]
    deeper = [(path, member) for path, member in inner if path]
    schemas = [*whole, *([_nest(deeper)] if deeper else [])]
    schema = schemas[0] if len(schemas) == 1 else either(schemas, schemas[0].pointer)
    return Member(lambda: schema)
