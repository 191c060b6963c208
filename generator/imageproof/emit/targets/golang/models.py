"""Views of `models.go`: structs of answers, and objects that are one of several kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from imageproof.api.ir import Api, Model, Union
from imageproof.emit.targets.common.walks import operations, reach
from imageproof.emit.targets.golang.params import Member, Struct, field_doc
from imageproof.emit.targets.golang.text import comment, literal
from imageproof.emit.targets.golang.types import Names, member, member_names, tag

LINK = "url"  # what servers send in place of base64, declared or not


def models_view(api: Api, names: Names) -> dict[str, Any]:
    """What `models.go.jinja` shows."""
    _, incoming = reach(api)
    classes = [_class(model, names) for model in api.models if model.key in incoming]
    unions = [one for one in api.unions if one.key in names.unions]
    alike = _alike(api, names)
    return {
        "imports": [*(["context"] if any(one.content for one in classes) else []), "reflect", "sync"],
        "classes": classes,
        "unions": [
            {
                "name": names.unions[one.key],
                "doc": _union_doc(one, names),
                "kinds": [*_kinds([one, *alike.get(one.key, ())], names), "Unknown"],
            }
            for one in unions
        ],
        "registry": [_registered([one, *alike.get(one.key, ())], names) for one in unions],
    }


def _class(model: Model, names: Names) -> Struct:
    own = member_names(model)
    fields = []
    for one in model.fields:
        doc = field_doc(one) or comment(f"Comes as {literal(one.name)}.")
        fields.append(Member(doc, f"{own[one.name]} {member(one.type, names)} {tag(one.name)}"))
    content = ""
    if model.content:
        inline = f"m.{own[model.content.inline]}"
        link = f"m.{own[model.content.link]}" if model.content.link else f"m.stray({literal(LINK)})"
        content = f"{inline}, {link}"
    name = names.models[model.key]
    return Struct(name, comment(model.doc or f"{name} is an object of an answer."), fields, content)


def _union_doc(union: Union, names: Names) -> list[str]:
    name = names.unions[union.key]
    kinds = ", ".join(f"*[{one}]" for one in _kinds([union], names))
    return comment(
        union.doc or f"{name} is one of several objects.", f"It is one of {kinds}, or *[Unknown] for a new kind."
    )


def _alike(api: Api, names: Names) -> dict[str, list[Union]]:
    """Key of a union of events -> the other ones that are told apart by the same member: a server may take one call's
    events for another's."""
    streams = {one.reply.events.type.union for one in operations(api) if one.reply.events}
    events = [one for one in api.unions if one.key in names.unions and one.key in streams and one.property]
    return {
        one.key: [other for other in events if other.key != one.key and other.property == one.property]
        for one in events
    }


def _kinds(unions: Sequence[Union], names: Names) -> list[str]:
    return list(dict.fromkeys(names.models[one.model] for union in unions for one in union.choices))


def _registered(unions: Sequence[Union], names: Names) -> str:
    union = unions[0]
    found: dict[str, str] = {}
    for value, key in (pair for one in unions for pair in _tags(one, names)):
        found.setdefault(value, key)
    tags = ", ".join(f"{literal(value)}: {_type(names.models[key])}" for value, key in found.items())
    told = [literal(union.property) if tags else literal("")]
    told.append(f"map[string]reflect.Type{{{tags}}}" if tags else "nil")
    told.append(f"[]reflect.Type{{{', '.join(map(_type, _kinds(unions, names)))}}}")
    return f"made[{_type(names.unions[union.key])}] = union{{{', '.join(told)}}}"


def _tags(union: Union, names: Names) -> Iterator[tuple[str, str]]:
    return ((value, key) for value, key in dict(union.tags).items() if key in names.models)


def _type(name: str) -> str:
    return f"reflect.TypeFor[{name}]()"
