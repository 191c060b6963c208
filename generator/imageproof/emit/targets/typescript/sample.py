"""The calls that the emitted README shows: they run as they stand, with all that the document requires."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from imageproof.api.ir import Api, Field, Model, Operation
from imageproof.emit.targets.common.sample import has_example, is_shown, sample_operation, sample_value
from imageproof.emit.targets.common.walks import always_streams, files_member, has_files, lists, operations
from imageproof.emit.targets.typescript.client import arguments_of
from imageproof.emit.targets.typescript.text import key, literal
from imageproof.emit.targets.typescript.types import Names

WIDTH = 100
LONGEST = 120  # characters of an example that are worth a place here


def sample(api: Api, names: Names, called: Mapping[str, str]) -> list[str]:
    """Lines of a call and of what to do with its answer. `called` has the call by operation id."""
    operation = sample_operation(api)
    models = {model.key: model for model in api.models}
    reply = operation.reply
    answered = always_streams(reply) or reply.raw or reply.whole is not None
    lines = _call(api, operation, names, called, "const answer = " if answered else "")
    if always_streams(reply):
        return [*lines, "for await (const event of answer) console.log(event);"]
    member = files_member(reply.whole, models)
    if member:
        place = f".{member.name}" if key(member.name) == member.name else f"[{literal(member.name)}]"
        return [*lines, f'console.log(await answer{place}[0]?.save("picture")); // the extension is by what came']
    lines += ["console.log(answer);"] if answered and (reply.text or not reply.raw) else []
    return [*lines, "console.log(answer.length);"] if reply.raw and not reply.text else lines


def file_sample(api: Api, names: Names, called: Mapping[str, str]) -> list[str]:
    """Lines of a call that sends a file, [] where none does."""
    for operation in operations(api):
        fields = operation.body.fields if operation.body and operation.body.form == "multipart" else ()
        found = next((one for one in fields if has_files(one.type)), None)
        if found:
            many = '["path/to/one.png", "path/to/another.png"]' if lists(found.type) else '"path/to/one.png"'
            return _call(api, operation, names, called, "const answer = ", {found.name: many})
    return []


def stream_sample(api: Api, names: Names, called: Mapping[str, str]) -> list[str]:
    """Lines of a call that asks for a stream, [] where none can be asked for."""
    for operation in operations(api):
        if operation.reply.events and operation.reply.switch:
            return _call(api, operation, names, called, "const stream = ", {operation.reply.switch: "true"})
    return []


def line_of(api: Api, names: Names, called: Mapping[str, str], options: str = "") -> str:
    """The first call on one line, with nothing but what it needs, and options of a call as they are written."""
    operation = sample_operation(api)
    models = {model.key: model for model in api.models}
    needed = [one for one in arguments_of(operation, names) if one.required]
    path = [literal(_value(one.field, models)) for one in needed if one.place == "path"]
    given = ", ".join(f"{key(one.name)}: {literal(_value(one.field, models))}" for one in needed if one.place != "path")
    has_params = any(one.place != "path" for one in arguments_of(operation, names))
    params = [f"{{ {given} }}" if given else "{}"] if given or (options and has_params) else []
    return f"{called[operation.id]}({', '.join([*path, *params, *([options] if options else [])])})"


def _call(
    api: Api,
    operation: Operation,
    names: Names,
    called: Mapping[str, str],
    start: str,
    more: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Lines of a call with what it needs, and `more` by the name of its field, as it is written."""
    models = {model.key: model for model in api.models}
    body = {one.name for one in operation.body.fields} if operation.body else set()
    all_told = [one for one in arguments_of(operation, names) if one.place != "body" or one.field.name in body]
    arguments = [one for one in all_told if one.field.name in more or is_shown(operation, one.field)]
    told = {one.name: more.get(one.field.name) or literal(_value(one.field, models)) for one in arguments}
    path = [told[one.name] for one in arguments if one.place == "path"]
    given = [f"{key(one.name)}: {told[one.name]}" for one in arguments if one.place != "path"]
    begun = f"{start}await {called[operation.id]}("
    inner = ", ".join(given)
    line = f"{begun}{', '.join([*path, *([f'{{ {inner} }}'] if given else [])])});"
    if len(line) <= WIDTH or not given:
        return [line]
    return [f"{begun}{''.join(f'{one}, ' for one in path)}{{", *(f"  {one}," for one in given), "});"]


def _value(field: Field, models: Mapping[str, Model]) -> Any:
    """The document's example, else something of the right type."""
    if has_example(field) and len(literal(field.example)) <= LONGEST:
        return field.example
    return sample_value(field, models)
