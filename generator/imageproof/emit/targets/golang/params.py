"""Views of `params.go`: structs of arguments, and constants of known values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imageproof.api.ir import Api, Field, Model, Operation
from imageproof.api.names import assign
from imageproof.emit.targets.common.walks import body_fields, in_both, known_note, limits, operations, reach, switches
from imageproof.emit.targets.golang.text import aligned, comment, literal
from imageproof.emit.targets.golang.types import (
    Names,
    argument,
    call_names,
    choices_note,
    constant,
    exported,
    known_groups,
    param_names,
    tag,
)


@dataclass(frozen=True)
class Member:
    """A member of a struct: its comment, and its line."""

    doc: list[str]
    line: str


@dataclass(frozen=True)
class Struct:
    """A struct. `content` is how its file is reached, "" for one without."""

    name: str
    doc: list[str]
    fields: list[Member]
    content: str = ""


@dataclass(frozen=True)
class Argument:
    """One argument beside the path: `name` in the struct, `wire` its name on the wire, `place` "" for the body."""

    field: Field
    name: str
    wire: str
    place: str
    required: bool
    twin: Field | None = None


def params_view(api: Api, names: Names) -> dict[str, Any]:
    """What `params.go.jinja` shows."""
    outgoing, _ = reach(api)
    structs = list(_calls(api, names))
    structs += [_param(model, names) for model in api.models if model.key in outgoing]
    groups = known_groups(api)
    return {
        "structs": structs,
        "sealed": [
            {
                "name": names.sealed[key],
                "doc": comment(f"{names.sealed[key]} is a *[File], or a *[{names.params[key]}]."),
                "kinds": ["File", names.params[key]],
            }
            for key in names.sealed
        ],
        "constants": [
            {
                "what": comment(group)[0].removeprefix("// ") if comment(group) else "a member",
                "lines": aligned([(names.constants[group, value], literal(value)) for value in values], "="),
            }
            for group, values in groups.items()
        ],
    }


def arguments_of(operation: Operation) -> list[Argument]:
    """All arguments beside those of the path and the one that asks for a stream; what is required stands first."""
    body = operation.body
    told: list[tuple[Field, str]] = [(one.field, one.place) for one in operation.parameters if one.place != "path"]
    told += [(one, "") for one in body_fields(operation) if not switches(operation, one)]
    if body and body.whole:
        told.append((Field("body", body.whole, body.required, "The body.", body.source), ""))
    settled = assign(
        {(one.name, place): (exported(one.name), exported(place or "body", one.name)) for one, place in told}
    )
    parts = dict(body.parts) if body else {}
    twins = {one.name: one for one in operation.reference.fields} if operation.reference else {}
    found = []
    for field, place in told:
        part = parts.get(field.name) if not place else None
        wire = (part.one or part.many) if part else field.name
        required = field.required and not (not place and operation.reference and not in_both(operation, field))
        twin = twins.get(field.name) if not place else None
        found.append(Argument(field, settled[field.name, place], wire, place, required, twin))
    return sorted(found, key=lambda one: not one.required)


def _calls(api: Api, names: Names) -> Iterator[Struct]:
    """The structs of arguments, one for each operation that has some."""
    called = call_names(api)
    for operation in operations(api):
        told = arguments_of(operation)
        if told:
            doc = comment(f"{names.calls[operation.id]} are the arguments of {called[operation.id]}.")
            yield Struct(names.calls[operation.id], doc, [_argument(one, names) for one in told])


def _argument(one: Argument, names: Names) -> Member:
    field = one.field
    kind = argument(field if one.required == field.required else _optional(field), names, one.twin)
    differs = one.twin if one.twin and one.twin.type.kind != field.type.kind else None
    note = (
        choices_note(field.type, names, differs.type if differs else None)
        if kind == "any" or kind in names.sealed.values()
        else ""
    )
    must = " Required." if one.required else ""
    doc = field_doc(field, f"{note}{must}".strip()) or comment(f"Goes as {literal(one.wire)}.")
    return Member(
        doc, f"{one.name} {kind} {tag(one.wire, one.place, one.required, constant(field) if one.required else '')}"
    )


def _optional(field: Field) -> Field:
    return Field(field.name, field.type, False, field.doc, field.source)


def _param(model: Model, names: Names) -> Struct:
    own = param_names(model)
    members = []
    for field in model.fields:
        kind = argument(field, names)
        note = choices_note(field.type, names) if kind == "any" else ""
        doc = field_doc(field, f"{note}{' Required.' if field.required else ''}".strip())
        doc = doc or comment(f"Goes as {literal(field.name)}.")
        members.append(
            Member(doc, f"{own[field.name]} {kind} {tag(field.name, must=field.required, fixed=constant(field))}")
        )
    name = names.params[model.key]
    return Struct(name, comment(model.doc or f"{name} is an object that is sent."), members)


def field_doc(field: Field, more: str = "") -> list[str]:
    """The comment of a member."""
    pieces = [field.doc, known_note(field), limits(field, literal), more]
    deprecated = "Deprecated: by the API." if field.deprecated else ""
    return comment(" ".join(piece for piece in pieces if piece), deprecated)
