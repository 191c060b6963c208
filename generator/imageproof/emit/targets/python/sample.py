"""The call that the emitted README shows: it runs as it stands, with all that the document requires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof.api.ir import Api, Field, Model
from imageproof.emit.targets.common.sample import has_example, is_shown, sample_operation, sample_value
from imageproof.emit.targets.common.walks import always_streams, files_member
from imageproof.emit.targets.python.client import arguments_of
from imageproof.emit.targets.python.text import literal
from imageproof.emit.targets.python.types import Names, attribute_names

WIDTH = 100
LONGEST = 120  # characters of an example that are worth a place here


def sample(api: Api, names: Names, called: Mapping[str, str]) -> list[str]:
    """Lines of a call and of what to do with its answer. `called` has the call by operation id."""
    operation = sample_operation(api)
    models = {model.key: model for model in api.models}
    given = []
    for field, argument, place in arguments_of(operation, names, set()):
        value = _value(field, models)
        if is_shown(operation, field):
            given.append(value if place == "path" else f"{argument.name}={value}")
    reply = operation.reply
    answered = always_streams(reply) or reply.raw or reply.whole is not None
    lines = _call(f"{'answer = ' if answered else ''}{called[operation.id]}", given)
    if always_streams(reply):
        return [*lines, "for event in answer:", "    print(event)"]
    lines += ["print(answer)"] if answered and (reply.text or not reply.raw) else []
    lines += ["print(len(answer))"] if reply.raw and not reply.text else []
    member = files_member(reply.whole, models)
    if member and reply.whole:
        attribute = attribute_names(models[reply.whole.model])[member.name]
        lines.append(f'answer.{attribute}[0].save("picture")')
    return lines


def _call(start: str, given: list[str]) -> list[str]:
    line = f"{start}({', '.join(given)})"
    if len(line) <= WIDTH:
        return [line]
    return [f"{start}(", *(f"    {one}," for one in given), ")"]


def _value(field: Field, models: Mapping[str, Model]) -> str:
    """An argument as Python writes it: the document's example, else something of the right type."""
    example = _written(field.example) if has_example(field) else ""
    return example if example and len(example) <= LONGEST else _written(sample_value(field, models))


def _written(value: Any) -> str:
    """A JSON value as Python writes it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(str(key))}: {_written(one)}' for key, one in value.items())}}}"
    return literal(value)
