"""The call that the emitted README shows: it runs as it stands, with all that the document requires."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from imageproof.api.ir import Api, Field, Model, Operation, Type
from imageproof.emit.targets.python.client import arguments_of, has_files
from imageproof.emit.targets.python.text import literal
from imageproof.emit.targets.python.types import Names, attribute_names, literals, operations

WIDTH = 100
DEEPEST = 4  # objects inside one another; what is deeper is left to the reader
LONGEST = 120  # characters of an example that are worth a place here
TEXTS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "url": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(api: Api, names: Names, called: Mapping[str, str]) -> list[str]:
    """Lines of a call and of what to do with its answer. `called` has the call by operation id.

    It is the first operation that needs no file. The document's own example is taken where it has one.
    """
    plain = (one for one in operations(api) if not any(has_files(field.type) for field in _required(one)))
    operation = next(plain, next(operations(api)))
    models = {model.key: model for model in api.models}
    given = []
    for field, argument, place in arguments_of(operation, names, set()):
        value = _value(field, models)
        given.append(value if place == "path" else f"{argument.name}={value}") if _is_shown(operation, field) else None
    reply = operation.reply
    streams = bool(reply.events) and not reply.switch
    answered = streams or reply.raw or reply.whole is not None
    lines = _call(f"{'answer = ' if answered else ''}{called[operation.id]}", given)
    if streams:
        return [*lines, "for event in answer:", "    print(event)"]
    lines += ["print(answer)"] if answered and (reply.text or not reply.raw) else []
    lines += ["print(len(answer))"] if reply.raw and not reply.text else []
    return [*lines, *_saved(reply.whole, models)]


def _call(start: str, given: list[str]) -> list[str]:
    line = f"{start}({', '.join(given)})"
    if len(line) <= WIDTH:
        return [line]
    return [f"{start}(", *(f"    {one}," for one in given), ")"]


def _required(operation: Operation) -> Iterator[Field]:
    body = operation.body
    yield from (one.field for one in operation.parameters if one.field.required)
    yield from (one for one in (body.fields if body else ()) if one.required)
    if body and body.whole and body.required:
        yield Field("body", body.whole, True, "", body.source)


def _is_shown(operation: Operation, field: Field) -> bool:
    if field.required or field.name == operation.reply.switch:
        return field.required
    body = operation.body
    shown = body is not None and field in body.fields and field.name in body.shown
    return shown and not has_files(field.type) and bool(_example(field.example))


def _value(field: Field, models: Mapping[str, Model]) -> str:
    """An argument as Python writes it: the document's example, else something of the right type."""
    example = "" if has_files(field.type) else _example(field.example)
    if example and len(example) <= LONGEST:
        return example
    if field.type.kind in ("integer", "number") and not field.type.known:
        low = field.minimum if field.minimum is not None else 1
        return literal(low if field.maximum is None else min(low, field.maximum))
    return _placeholder(field.type, models, 0)


def _placeholder(told: Type, models: Mapping[str, Model], depth: int) -> str:
    known = literals(told)
    if known:
        return known[0]
    if told.kind == "model" and depth < DEEPEST:
        members = (
            f"{literal(one.name)}: {_placeholder(one.type, models, depth + 1)}"
            for one in models[told.model].fields
            if one.required
        )
        return f"{{{', '.join(members)}}}"
    if told.kind == "list" and told.item and depth < DEEPEST:
        return f"[{_placeholder(told.item, models, depth + 1)}]"
    if told.kind == "union":
        return _placeholder(told.choices[0], models, depth + 1)
    plain = {"integer": "1", "number": "1.0", "boolean": "True", "null": "None", "list": "[]"}
    plain |= {"map": "{}", "model": "{}", "base64": '"aGVsbG8="', "file": '"path/to/file"'}
    return plain.get(told.kind) or literal(TEXTS.get(told.format, "text"))


def _example(value: Any) -> str:
    """An example as Python writes it, "" for none and for what is no JSON."""
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return literal(value)
    if isinstance(value, list | dict):
        inner = [_example(one) for one in (value if isinstance(value, list) else value.values())]
        if not all(inner):
            return ""
        if isinstance(value, list):
            return f"[{', '.join(inner)}]"
        return f"{{{', '.join(f'{literal(str(key))}: {one}' for key, one in zip(value, inner, strict=True))}}}"
    return ""


def _saved(whole: Type | None, models: Mapping[str, Model]) -> Iterator[str]:
    """How the first file of an answer is kept, where it brings files."""
    if whole is None or whole.kind != "model":
        return
    model = models[whole.model]
    for field in model.fields:
        item = field.type.item
        if field.type.kind == "list" and item and item.kind == "model" and models[item.model].content:
            yield f'answer.{attribute_names(model)[field.name]}[0].save("picture")'
            return
