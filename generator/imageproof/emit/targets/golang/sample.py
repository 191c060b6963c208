"""The calls that the emitted README and the emitted examples show: they compile as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from imageproof.api.ir import Api, Field, Model, Operation, Type
from imageproof.emit.targets.common.sample import has_example, is_shown, sample_operation, sample_value
from imageproof.emit.targets.common.walks import always_streams, files_member
from imageproof.emit.targets.golang.params import Argument, arguments_of
from imageproof.emit.targets.golang.text import aligned, literal
from imageproof.emit.targets.golang.types import (
    Names,
    argument,
    call_names,
    given,
    member_names,
    param_names,
)

LONGEST = 120  # characters of an example that are worth a place here
PLAIN = frozenset(("string", "integer", "number", "boolean", "base64"))


@dataclass(frozen=True)
class Shown:
    """What a call shows needs: names, models by key, and the package's name."""

    names: Names
    models: Mapping[str, Model]
    package: str


def sample(api: Api, names: Names, package: str) -> list[str]:
    """Lines of a call and of what to do with its answer."""
    shown = shown_of(api, names, package)
    operation = sample_operation(api)
    return [*client_lines(package), "", *call_lines(api, operation, shown)]


def shown_of(api: Api, names: Names, package: str) -> Shown:
    """What calls show needs of a document."""
    return Shown(names, {model.key: model for model in api.models}, package)


def call_lines(
    api: Api, operation: Operation, shown: Shown, more: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Lines of one call, with `more` arguments than it must have, and of what to do with its answer."""
    reply = operation.reply
    called = f"client.{call_names(api)[operation.id]}({arguments(operation, shown, more)})"
    if always_streams(reply):
        return [f"stream, err := {called}", *fatal(), *loop()]
    if not reply.raw and reply.whole is None:
        return [f"if err := {called}; err != nil {{", "\tlog.Fatal(err)", "}"]
    lines = [f"answer, err := {called}", *fatal()]
    member = files_member(reply.whole, shown.models)
    if member and reply.whole:
        own = member_names(shown.models[reply.whole.model])[member.name]
        lines += [f'path, err := answer.{own}[0].Save(context.Background(), "picture")', *fatal()]
        return [*lines, "fmt.Println(path)"]
    return [*lines, "fmt.Println(len(answer))" if reply.raw else "fmt.Println(answer)"]


def client_lines(package: str) -> list[str]:
    """Lines that make a client."""
    return [f"client, err := {package}.NewClient()", *fatal()]


def fatal() -> list[str]:
    """Lines that end the program where the call before them failed."""
    return ["if err != nil {", "\tlog.Fatal(err)", "}"]


def loop() -> list[str]:
    """Lines that read a stream."""
    return [
        "for event, err := range stream.Events() {",
        "\tif err != nil {",
        "\t\tlog.Fatal(err)",
        "\t}",
        "\tfmt.Println(event)",
        "}",
    ]


def arguments(operation: Operation, shown: Shown, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """The arguments of a call: those that it must have, those of the document's example, and those named in `more`, as
    their texts or, where those are "", as samples."""
    told = ["context.Background()"]
    told += [
        _written(_value(one.field, shown), one.field.type, shown) for one in operation.parameters if one.place == "path"
    ]
    all_arguments = arguments_of(operation)
    if all_arguments:
        shown_too = [one for one in all_arguments if _is_shown(operation, one) or one.field.name in more]
        pairs = [(one.name, more.get(one.field.name) or _argument(one, shown)) for one in shown_too]
        start = f"{shown.package}.{shown.names.calls[operation.id]}{{"
        lines = [f"\t{line}" for line in aligned(pairs, ":")]
        told.append("\n".join([start, *lines, "}"]) if lines else f"{start}}}")
    return ", ".join(told)


def _is_shown(operation: Operation, one: Argument) -> bool:
    return one.required or (not one.place and not one.field.required and is_shown(operation, one.field))


def _argument(one: Argument, shown: Shown) -> str:
    field = (
        one.field
        if one.required == one.field.required
        else Field(one.field.name, one.field.type, False, "", one.field.source)
    )
    return _typed(argument(field, shown.names, one.twin), _value(one.field, shown), one.field.type, shown)


def _typed(kind: str, value: Any, told: Type, shown: Shown) -> str:
    """A value as an argument of this kind."""
    if value is None and kind == "any":
        return "nil"
    plain = _written(value, told, shown)
    if kind.startswith("Opt["):
        return f"{shown.package}.Some({plain})"
    return f"&{plain}" if kind.startswith("*") and told.kind == "model" else plain


def _value(field: Field, shown: Shown) -> Any:
    """The document's example, else something of the right type."""
    if has_example(field) and len(str(field.example)) <= LONGEST and _fits(field.example, field.type):
        return field.example
    return sample_value(field, shown.models)


def _fits(value: Any, told: Type) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "base64": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
    }
    if told.kind not in kinds:
        return False
    return isinstance(value, kinds[told.kind]) and isinstance(value, bool) == (told.kind == "boolean")


def _written(value: Any, told: Type, shown: Shown) -> str:
    """A JSON value as Go writes it where a value of this type is wanted."""
    if told.kind == "file":
        return f'{shown.package}.FilePath("path/to/file.png")'
    if told.kind in PLAIN:
        if told.kind == "integer":
            return str(int(value))
        if told.kind == "number":
            return repr(float(value))
        return literal(value)
    if told.kind in ("list", "map"):
        item = told.item or Type("any")
        kind = _qualified(given(told, shown.names), shown)
        if told.kind == "list":
            inner = [_inner(one, item, shown) for one in value] if isinstance(value, list) else []
        else:
            inner = []
        return f"{kind}{{{', '.join(inner)}}}"
    if told.kind == "model":
        model = shown.models[told.model]
        own = param_names(model)
        told_fields = {one.name: one for one in model.fields}
        members = [
            f"{own[name]}: {_typed(argument(told_fields[name], shown.names), one, told_fields[name].type, shown)}"
            for name, one in (value.items() if isinstance(value, dict) else ())
        ]
        return f"{shown.package}.{shown.names.params[told.model]}{{{', '.join(members)}}}"
    if told.kind == "union":
        first = told.choices[0]
        plain = _written(value, first, shown)
        return f"&{plain}" if first.kind == "model" else plain
    return _any(value)


def _inner(value: Any, told: Type, shown: Shown) -> str:
    plain = _written(value, told, shown)
    return f"{shown.package}.Some({plain})" if told.nullable and given(told, shown.names) != "any" else plain


def _any(value: Any) -> str:
    if isinstance(value, dict | list):
        return "map[string]any{}" if isinstance(value, dict) else "[]any{}"
    return literal(value)


def _qualified(kind: str, shown: Shown) -> str:
    """A type of the package as other packages write it."""
    start = len(kind) - len(kind.lstrip("[]*"))
    if kind.startswith("map[string]"):
        return f"map[string]{_qualified(kind.removeprefix('map[string]'), shown)}"
    head, rest = kind[:start], kind[start:]
    if rest.startswith("map["):
        return f"{head}{_qualified(rest, shown)}"
    if rest.startswith("Opt["):
        return f"{head}{shown.package}.Opt[{_qualified(rest[4:-1], shown)}]"
    return f"{head}{rest}" if rest[:1].islower() else f"{head}{shown.package}.{rest}"
