"""Views of what answers are made into: the table by which values become objects that hand out their files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from imageproof.api.ir import Api, Model, Operation, Type
from imageproof.emit.targets.common.walks import carrying, reach
from imageproof.emit.targets.typescript.types import Names, is_sized


def shapes(api: Api, names: Names) -> dict[str, Any]:
    """Type name -> shape, of the models that carry files or lead to some, and of those beside them in a union."""
    _, incoming = reach(api)
    keys = set(carrying(api)) & incoming
    found = {names.models[one.key]: _shape(one, api, names, keys) for one in api.models if one.key in keys}
    for told in api.unions:
        if told.key in keys and not (told.property and told.tags):
            for model in (one for one in api.models if one.key in {choice.model for choice in told.choices}):
                row = found.setdefault(names.models[model.key], {})
                row["fields"] = [one.name for one in model.fields]
    return found


def reply_view(operation: Operation, api: Api, names: Names) -> dict[str, Any]:
    """How an operation's answer that comes at once is read."""
    reply = operation.reply
    if reply.raw:
        return {"as": "text" if reply.text else "bytes"}
    if reply.whole is None:
        return {"as": "nothing"}
    told = type_view(reply.whole, api, names, set(carrying(api)))
    flags = {"object": True} if reply.whole.kind == "model" else {}
    flags |= {"null": True} if flags and reply.whole.nullable else {}
    return {"as": "json", **({"type": told} if told else {}), **flags}


def events_view(operation: Operation, api: Api, names: Names) -> dict[str, Any]:
    """How the events of an operation are read."""
    events = operation.reply.events
    if events is None:
        return {}
    told = type_view(events.type, api, names, set(carrying(api)))
    parts = {"type": told, "member": events.property, "last": [*events.last]}
    return {name: value for name, value in parts.items() if value}


def type_view(told: Type | None, api: Api, names: Names, keys: Collection[str]) -> Any:
    """Where files are in a value, None for nowhere."""
    if told is None:
        return None
    if told.kind == "model":
        return names.models[told.model] if told.model in keys else None
    if told.kind in ("list", "map"):
        inner = type_view(told.item, api, names, keys)
        return {told.kind: inner} if inner else None
    if told.kind != "union":
        return None
    union = next((one for one in api.unions if one.key == told.union), None)
    choices = union.choices if union else told.choices
    models = [one.model for one in choices if one.kind == "model"]
    if not set(models) & set(keys):
        return None
    if union and union.property and union.tags:
        return {"tag": union.property, "of": {tag: names.models[key] for tag, key in union.tags if key in keys}}
    return {"closest": [names.models[key] for key in models]}


def _shape(model: Model, api: Api, names: Names, keys: Collection[str]) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    if model.content:
        shape |= {"inline": model.content.inline}
        shape |= {"link": model.content.link} if model.content.link else {}
        shape |= {"sized": True} if is_sized(model) else {}
    inner = {one.name: told for one in model.fields if (told := type_view(one.type, api, names, keys))}
    shape |= {"members": inner} if inner else {}
    contents: Mapping[str, Any] = {one.key: one.content for one in api.models if one.content}
    files = [one for one in model.fields if one.required and one.type.item and one.type.item.model in contents]
    return {**shape, **({"files": files[0].name} if len(files) == 1 else {})}
