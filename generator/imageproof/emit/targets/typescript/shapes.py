"""Views of what answers are made into: the table by which values become objects that hand out their files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from imageproof.api.ir import Api, Model, Operation, Type, Union
from imageproof.emit.targets.common.walks import carrying, operations, reach
from imageproof.emit.targets.typescript.types import Names, is_sized


@dataclass(frozen=True)
class Places:
    """Where files are: `keys` of the models and unions that carry or lead to some; unions and type names by key."""

    keys: Collection[str]
    unions: Mapping[str, Union]
    names: Mapping[str, str]


def places(api: Api, names: Names) -> Places:
    _, incoming = reach(api)
    return Places(set(carrying(api)) & incoming, {one.key: one for one in api.unions}, names.models)


def shapes(api: Api, found: Places) -> dict[str, Any]:
    """Type name -> shape, of the models that carry files or lead to some, and of those beside them in a union."""
    contents = {one.key for one in api.models if one.content}
    models = {one.key: one for one in api.models}
    links = {one.content.link for one in api.models if one.content and one.content.link}
    usual = links.pop() if len(links) == 1 else ""
    rows = {found.names[one.key]: _shape(one, found, contents, usual) for one in api.models if one.key in found.keys}
    for told in api.unions:
        if told.key in found.keys and not (told.property and told.tags):
            for model in (models[choice.model] for choice in told.choices if choice.kind == "model"):
                rows.setdefault(found.names[model.key], {})["fields"] = [one.name for one in model.fields]
    return rows


def reply_view(operation: Operation, found: Places) -> dict[str, Any]:
    """How an operation's answer that comes at once is read."""
    reply = operation.reply
    if reply.raw:
        return {"as": "text" if reply.text else "bytes"}
    if reply.whole is None:
        return {"as": "nothing"}
    told = type_view(reply.whole, found)
    flags = {"object": True} if reply.whole.kind == "model" else {}
    flags |= {"null": True} if flags and reply.whole.nullable else {}
    return {"as": "json", **({"type": told} if told else {}), **flags}


def events_view(operation: Operation, api: Api, found: Places) -> dict[str, Any]:
    """How the events of an operation are read. Servers send those of another call too: all that are told apart by the
    same member are known."""
    events = operation.reply.events
    if events is None:
        return {}
    told = [one.reply.events for one in operations(api) if one.reply.events]
    like = [one for one in told if events.property and one.property == events.property and one.type.union]
    view = type_view(events.type, found)
    if isinstance(view, dict) and "tag" in view:
        others = [type_view(one.type, found) for one in like]
        tags = [one["of"] for one in (view, *others) if isinstance(one, dict) and one.get("tag") == view["tag"]]
        view = {"tag": view["tag"], "of": {tag: name for of in reversed(tags) for tag, name in of.items()}}
    last = dict.fromkeys(tag for one in (events, *like) for tag in one.last) if events.last else {}
    parts = {"type": view, "member": events.property, "last": [*last]}
    return {name: value for name, value in parts.items() if value}


def type_view(told: Type | None, found: Places) -> Any:
    """Where files are in a value, None for nowhere."""
    if told is None:
        return None
    if told.kind == "model":
        return found.names[told.model] if told.model in found.keys else None
    if told.kind in ("list", "map"):
        inner = type_view(told.item, found)
        return {told.kind: inner} if inner else None
    if told.kind != "union":
        return None
    union = found.unions.get(told.union)
    models = [one.model for one in (union.choices if union else told.choices) if one.kind == "model"]
    if not set(models) & set(found.keys):
        return None
    if union and union.property and union.tags:
        return {"tag": union.property, "of": {tag: found.names[key] for tag, key in union.tags if key in found.keys}}
    return {"closest": [found.names[key] for key in models]}


def _shape(model: Model, found: Places, contents: Collection[str], usual: str) -> dict[str, Any]:
    """`usual` is the member with a file's URL that all models have who have one: servers send it elsewhere too."""
    shape: dict[str, Any] = {}
    if model.content:
        own = {one.name for one in model.fields}
        link = model.content.link or (usual if usual not in own else "")
        shape |= {"inline": model.content.inline}
        shape |= {"link": link} if link else {}
        shape |= {"sized": True} if is_sized(model) else {}
    inner = {one.name: told for one in model.fields if (told := type_view(one.type, found))}
    shape |= {"members": inner} if inner else {}
    files = [one for one in model.fields if one.required and one.type.item and one.type.item.model in contents]
    return {**shape, **({"files": files[0].name} if len(files) == 1 else {})}
