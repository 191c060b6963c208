"""Request bodies and answers: which media type is emitted, and how a form carries each field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from imageproof.api.ir import Body, Events, Field, Model, Part, Reply, Type
from imageproof.api.schemas import Schemas, last_events
from imageproof.contract.document import Operation, required_names
from imageproof.contract.pointers import join, target

Form = Literal["json", "multipart", "urlencoded", "raw"]
# Of several media types the first of these that is there is emitted: a form can carry files, JSON cannot.
PREFERRED: tuple[Form, ...] = ("multipart", "json", "urlencoded", "raw")
BRACKETED = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])+)$")
SWITCH = "stream"  # the boolean request member by which this kind of API asks for events


def describe_body(schemas: Schemas, operation: Operation, name: str) -> tuple[Body | None, Body | None]:
    """The body of an operation, None when it takes none; and the JSON body beside a form, where it has members that the
    form has not. Media types that are not emitted are told as problems."""
    told = operation.node.get("requestBody")
    if not told:
        return None, None
    pointer = f"{operation.pointer}/requestBody"
    if "$ref" in told:
        pointer = target(told["$ref"])
    node = schemas.document.resolve(told)
    content: dict[str, Any] = node["content"]
    if not content:
        return None, None
    chosen = min(content, key=lambda media_type: PREFERRED.index(_form(media_type)))
    required = node.get("required") is True

    def described(media_type: str, named: str) -> Body:
        media = content[media_type]
        made = _body(schemas, media_type, media, f"{pointer}{join('content', media_type)}", named, required)
        return _with_example(schemas, made, media)

    body = described(chosen, name)
    wanted = next((one for one in content if body.form == "multipart" and _form(one) == "json"), None)
    reference = described(wanted, f"{name} json") if wanted else None
    if reference and not (body.fields and {one.name for one in reference.fields} - {one.name for one in body.fields}):
        reference = None
    emitted = [chosen, *([reference.media_type] if reference else [])]
    others = tuple(one for one in content if one not in emitted)
    for other in others:
        message = f"{operation.id}: the {other} body is not emitted; the client sends {chosen}"
        schemas.warn(f"{pointer}{join('content', other)}", message)
    return replace(body, others=others), reference


def _with_example(schemas: Schemas, body: Body, media: Mapping[str, Any]) -> Body:
    """The body with what the first example of its media type gives for each member."""
    told = media.get("examples")
    first = next(iter(told.values()), None) if isinstance(told, Mapping) else None
    first = schemas.document.resolve(first) if isinstance(first, Mapping) else None
    example = first.get("value") if isinstance(first, Mapping) else media.get("example")
    if not isinstance(example, Mapping):
        return body
    fields = tuple(replace(one, example=example.get(one.name, one.example)) for one in body.fields)
    return replace(body, fields=fields, shown=tuple(one.name for one in fields if one.name in example))


def describe_reply(schemas: Schemas, operation: Operation, body: Body | None, name: str) -> Reply:
    """What success answers. JSON and a stream of events may stand side by side, with a body field that chooses."""
    responses: Mapping[str, Any] = operation.node.get("responses", {})
    good = sorted(status for status in responses if status.startswith("2") or status == "default")
    if not good:
        return Reply(None, False, None, "")
    for status in good[1:]:
        if status != "default":
            message = f"{operation.id}: the answer {status} is emitted as the answer {good[0]}"
            schemas.warn(f"{operation.pointer}{join('responses', status)}", message)
    pointer = f"{operation.pointer}{join('responses', good[0])}"
    if "$ref" in responses[good[0]]:
        pointer = target(responses[good[0]]["$ref"])
    content = schemas.document.resolve(responses[good[0]]).get("content", {})
    whole, raw, text, events = None, False, False, None
    for media_type, media in content.items():
        where = f"{pointer}{join('content', media_type)}/schema"
        if _bare(media_type) == "text/event-stream":
            events = _events(schemas, media.get("schema", {}), where, f"{name} event")
        elif _form(media_type) == "json" and whole is None and not raw:
            whole = schemas.type(media.get("schema", {}), where, f"{name} response")
        elif whole is None and not raw:
            raw = True
            text = _bare(media_type) == "text/plain" and schemas.type(media.get("schema"), where, name).kind == "string"
        else:
            schemas.warn(where, f"{operation.id}: the {media_type} answer is not emitted")
    switch = _switch(body) if events and (whole or raw) else ""
    if events and (whole or raw) and not switch:
        schemas.warn(pointer, f"{operation.id}: the event stream is not emitted: no boolean `{SWITCH}` asks for it")
        events = None
    return Reply(whole, raw, events, switch, text)


def _body(schemas: Schemas, media_type: str, media: Mapping[str, Any], where: str, name: str, required: bool) -> Body:
    form = _form(media_type)
    told = media.get("schema", {})
    source = schemas.source(where)
    node, pointer = schemas.object(told, f"{where}/schema")
    flat = form != "raw" and bool(node.get("properties")) and not _alternatives(node)
    if not flat:
        whole = Type("file") if form == "raw" else schemas.type(told, f"{where}/schema", f"{name} body")
        return Body(media_type, form, required, (), whole, (), source)
    if form == "json":
        return Body(media_type, form, required, schemas.fields(node, pointer, name), None, (), source)
    fields, parts = _parts(schemas, node, pointer, name)
    return Body(media_type, form, required, fields, None, parts, source)


def _alternatives(node: Mapping[str, Any]) -> bool:
    """Whether alternatives of a body bring members of their own, so that it is no flat list of members."""
    options = [one for key in ("oneOf", "anyOf") for one in node.get(key, ()) if isinstance(one, Mapping)]
    return any("properties" in one or "$ref" in one for one in options)


@dataclass
class _Group:
    """The properties of a form that are one parameter: its single part, its list part, its bracketed leaves."""

    one: Field | None = None
    many: Field | None = None
    leaves: list[tuple[tuple[str, ...], Field]] = field(default_factory=list)


def _parts(
    schemas: Schemas, node: Mapping[str, Any], pointer: str, name: str
) -> tuple[tuple[Field, ...], tuple[tuple[str, Part], ...]]:
    """Fields of a form, and how each travels. Properties that `x-parameter` calls one parameter become one field."""
    groups: dict[str, _Group] = {}
    for found in schemas.fields(node, pointer, name):
        told = schemas.document.resolve(node["properties"][found.name])
        parameter = str({**told, **node["properties"][found.name]}.get("x-parameter", ""))
        bracketed = BRACKETED.match(found.name)
        group = groups.setdefault(parameter or found.name.removesuffix("[]"), _Group())
        if parameter and bracketed and bracketed[2] != "[]":
            group.leaves.append((tuple(bracketed[2][1:-1].split("][")), found))
        elif found.type.kind == "list" and (parameter or found.name.endswith("[]")):
            group.many = found
        else:
            group.one = found
    alternatives = [set(required_names(one)) for one in node.get("anyOf", ())]
    fields, parts = [], []
    for parameter, group in groups.items():
        made, part = _grouped(schemas, parameter, group, f"{name} {parameter}", pointer)
        given = {one.name for one in (group.one, group.many) if one}
        needed = made.required or bool(alternatives and all(given & one for one in alternatives))
        fields.append(replace(made, required=needed))
        parts.append((parameter, part))
    return tuple(fields), tuple(parts)


def _grouped(schemas: Schemas, parameter: str, group: _Group, name: str, pointer: str) -> tuple[Field, Part]:
    if group.leaves:
        return _nested(schemas, parameter, group.leaves, name, pointer), Part(parameter, "", "brackets")
    one, many = group.one, group.many
    if one and many:
        both = Type("union", choices=(one.type, many.type))
        return replace(one, name=parameter, type=both), Part(one.name, many.name)
    if many:
        return replace(many, name=parameter), Part("", many.name)
    assert one is not None  # a group has at least one property, and this is the last kind
    return one, Part(one.name, one.name if _lists(one.type) else "")


def _lists(told: Type) -> bool:
    return told.kind == "list" or any(_lists(one) for one in told.choices)


def _nested(
    schemas: Schemas, parameter: str, leaves: list[tuple[tuple[str, ...], Field]], name: str, pointer: str
) -> Field:
    """One object field out of leaves such as `svg[model]` and `svg[reasoning][effort]`."""
    inner: dict[str, list[tuple[tuple[str, ...], Field]]] = {}
    for path, leaf in leaves:
        inner.setdefault(path[0], []).append((path[1:], leaf))
    fields = tuple(
        replace(deeper[0][1], name=member)
        if not deeper[0][0]
        else _nested(schemas, member, deeper, f"{name} {member}", pointer)
        for member, deeper in inner.items()
    )
    first = leaves[0][1]
    key = f"{pointer}{join('properties', first.name)}#{parameter}"
    schemas.models[key] = Model(key, name, fields, "", first.source, anonymous=True)
    doc = first.doc if len(leaves) == 1 else ""
    return Field(parameter, Type("model", model=key), any(one.required for one in fields), doc, first.source)


def _events(schemas: Schemas, node: Any, where: str, name: str) -> Events:
    """The events of a stream. The schema is of one event, or of one frame whose `data` holds it as JSON text."""
    frame, pointer = schemas.object(node, where)
    data = schemas.document.resolve(frame.get("properties", {}).get("data", {}))
    if "contentSchema" in data:
        node, where = data["contentSchema"], f"{pointer}/properties/data/contentSchema"
    told = schemas.type(node, where, name)
    union = schemas.unions.get(told.union)
    return Events(told, union.property if union else "", last_events(union))


def _switch(body: Body | None) -> str:
    fields = body.fields if body else ()
    free = (one for one in fields if one.type.kind == "boolean" and not one.type.fixed)
    return next((one.name for one in free if one.name == SWITCH), "")


def _bare(media_type: str) -> str:
    return media_type.split(";")[0].strip().lower()


def _form(media_type: str) -> Form:
    bare = _bare(media_type)
    if bare == "application/json" or bare.endswith("+json") or bare == "*/*":
        return "json"
    return {"multipart/form-data": "multipart", "application/x-www-form-urlencoded": "urlencoded"}.get(bare, "raw")  # type: ignore[return-value]  # mypy widens the values of the table to str
