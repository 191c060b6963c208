"""The call that the emitted README shows: it runs as it stands, with all that the document requires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof.api.ir import Api, Field, Model
from imageproof.emit.targets.common.sample import has_example, is_shown, sample_operation, sample_value
from imageproof.emit.targets.common.walks import always_streams, files_member
from imageproof.emit.targets.typescript.client import arguments_of
from imageproof.emit.targets.typescript.text import key, literal
from imageproof.emit.targets.typescript.types import Names

WIDTH = 100
LONGEST = 120  # characters of an example that are worth a place here


def sample(api: Api, names: Names, called: Mapping[str, str]) -> list[str]:
    """Lines of a call and of what to do with its answer. `called` has the call by operation id."""
    operation = sample_operation(api)
    models = {model.key: model for model in api.models}
    arguments = [one for one in arguments_of(operation, names) if is_shown(operation, one.field)]
    path = [literal(_value(one.field, models)) for one in arguments if one.place == "path"]
    given = [f"{key(one.name)}: {literal(_value(one.field, models))}" for one in arguments if one.place != "path"]
    reply = operation.reply
    answered = always_streams(reply) or reply.raw or reply.whole is not None
    start = f"{'const answer = ' if answered else ''}await {called[operation.id]}("
    inner = ", ".join(given)
    line = f"{start}{', '.join([*path, *([f'{{ {inner} }}'] if given else [])])});"
    lines = [line]
    if len(line) > WIDTH and given:
        lines = [f"{start}{''.join(f'{one}, ' for one in path)}{{", *(f"  {one}," for one in given), "});"]
    if always_streams(reply):
        return [*lines, "for await (const event of answer) console.log(event);"]
    lines += ["console.log(answer);"] if answered and (reply.text or not reply.raw) else []
    lines += ["console.log(answer.length);"] if reply.raw and not reply.text else []
    member = files_member(reply.whole, models)
    if member:
        place = f".{member.name}" if key(member.name) == member.name else f"[{literal(member.name)}]"
        lines.append(f'await answer{place}[0].save("picture");')
    return lines


def _value(field: Field, models: Mapping[str, Model]) -> Any:
    """The document's example, else something of the right type."""
    if has_example(field) and len(literal(field.example)) <= LONGEST:
        return field.example
    return sample_value(field, models)
