"""The call that an emitted README shows: which one, and with what. Values are as JSON has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from imageproof.api.ir import Api, Field, Model, Operation, Type
from imageproof.emit.targets.common.walks import has_files, listed_values, operations, required_fields

DEEPEST = 4  # objects inside one another; what is deeper is left to the reader
TEXTS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com",
    "url": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
PLAIN: dict[str, Any] = {
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "null": None,
    "list": [],
    "map": {},
    "model": {},
    "base64": "aGVsbG8=",
    "file": "path/to/file",
}


def sample_operation(api: Api) -> Operation:
    """The first operation that needs no file, else the first."""
    plain = (one for one in operations(api) if not any(has_files(field.type) for field in required_fields(one)))
    return next(plain, next(operations(api)))


def is_shown(operation: Operation, field: Field) -> bool:
    """Whether the call shows an argument: what is required, and what the document's own example has."""
    if field.required or field.name == operation.reply.switch:
        return field.required
    body = operation.body
    shown = body is not None and field in body.fields and field.name in body.shown
    return shown and not has_files(field.type) and is_value(field.example)


def sample_value(field: Field, models: Mapping[str, Model]) -> Any:
    """The value of an argument where the document gives no example that can be shown."""
    if field.type.kind in ("integer", "number") and not field.type.known:
        low = field.minimum if field.minimum is not None else 1
        return low if field.maximum is None else min(low, field.maximum)
    return _placeholder(field.type, models, 0)


def has_example(field: Field) -> bool:
    return not has_files(field.type) and is_value(field.example)


def is_value(value: Any) -> bool:
    """Whether an example can be written in a call: None counts as none."""
    if isinstance(value, list | dict):
        return all(map(is_value, value if isinstance(value, list) else value.values()))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _placeholder(told: Type, models: Mapping[str, Model], depth: int) -> Any:
    known = listed_values(told)
    if known:
        return known[0]
    if told.kind == "model" and depth < DEEPEST:
        members = (one for one in models[told.model].fields if one.required)
        return {one.name: _placeholder(one.type, models, depth + 1) for one in members}
    if told.kind == "list" and told.item and depth < DEEPEST:
        return [_placeholder(told.item, models, depth + 1)]
    if told.kind == "union":
        return _placeholder(told.choices[0], models, depth + 1)
    return PLAIN.get(told.kind, TEXTS.get(told.format, "text"))
