"""What the emitted examples and README show of a client beside one call: streams, files, references, errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imageproof.api.ir import Api, Field, Operation
from imageproof.api.names import words
from imageproof.emit.targets.common.sample import sample_operation, sample_value
from imageproof.emit.targets.common.walks import body_fields, has_files, operations
from imageproof.emit.targets.golang.sample import (
    Shown,
    arguments,
    call_lines,
    client_lines,
    fatal,
    loop,
    sample,
    shown_of,
)
from imageproof.emit.targets.golang.text import literal
from imageproof.emit.targets.golang.types import Names, call_names, param_names, stream_names


def examples_view(api: Api, names: Names, package: str, module: str) -> dict[str, Any]:
    """What `example_test.go.jinja` shows."""
    client = [*client_lines(package), ""]
    told = {"Example": sample(api, names, package)}
    told |= {
        {"stream": "ExampleStream"}.get(name, f"Example_{name}"): [*client, *lines]
        for name, lines in examples(api, names, package).items()
        if lines
    }
    shown = [
        {"name": name, "lines": [part for line in lines for part in line.split("\n")]} for name, lines in told.items()
    ]
    text = "\n".join(line for one in shown for line in one["lines"])
    standard = [name for name in ("context", "errors", "fmt", "log") if f"{name}." in text]
    return {"imports": [*map(literal, standard)], "own": f"{package} {literal(module)}", "examples": shown}


def examples(api: Api, names: Names, package: str) -> dict[str, list[str]]:
    """Lines that use a client, by what they are about, [] for what the document has not."""
    shown = shown_of(api, names, package)
    return {
        "stream": _stream(api, shown),
        "files": _files(api, shown),
        "references": _references(api, shown),
        "errors": _errors(api, shown),
    }


def _stream(api: Api, shown: Shown) -> list[str]:
    """Lines of the first call as events, [] where it has none."""
    operation = sample_operation(api)
    name = stream_names(api).get(operation.id)
    events = operation.reply.events
    if not name or not events:
        return []
    resource = call_names(api)[operation.id].split(".")[0]
    lines = [f"stream, err := client.{resource}.{name}({arguments(operation, shown)})", *fatal()]
    union = next((one for one in api.unions if one.key == events.type.union), None)
    carries = union and any(one.kind == "model" and shown.models[one.model].content for one in union.choices)
    if not carries or not events.last:
        return [*lines, *loop()]
    return [
        *lines,
        "for event, err := range stream.Events() {",
        "\tif err != nil {",
        "\t\tlog.Println(err) // what was finished before it is kept",
        "\t\tbreak",
        "\t}",
        "\tfmt.Println(event)",
        "}",
        "for _, event := range stream.Finished() {",
        f"\tif picture, is := event.({shown.package}.Content); is {{",
        '\t\tpath, err := picture.Save(context.Background(), ".")',
        *(f"\t\t{line}" for line in fatal()),
        "\t\tfmt.Println(path)",
        "\t}",
        "}",
    ]


def _files(api: Api, shown: Shown) -> list[str]:
    """Lines of the first call that takes a file, [] for none or where it is shown anyway."""
    for operation in operations(api):
        file = next((one for one in body_fields(operation) if has_files(one.type)), None)
        if file and operation.id != sample_operation(api).id:
            return call_lines(api, operation, shown, {file.name: ""})
    return []


def _references(api: Api, shown: Shown) -> list[str]:
    """Lines of the first call that takes references in place of files, [] for none."""
    for operation in operations(api):
        field = next(_listed(operation), None)
        if field and field.type.item:
            return call_lines(api, operation, shown, {field.name: _each_way(field.type.item.model, shown)})
    return []


def _each_way(key: str, shown: Shown) -> str:
    """A list of objects, each with one of the texts that may name what is meant."""
    model = shown.models[key]
    own = param_names(model)
    told = [
        f"{{{own[one.name]}: {shown.package}.Some({literal(_text(one, shown))})}}"
        for one in model.fields
        if one.type.kind == "string" and not one.required
    ]
    return f"[]{shown.package}.{shown.names.params[key]}{{{', '.join(told)}}}"


def _listed(operation: Operation) -> Iterator[Field]:
    """Lists of objects that only the JSON body beside a form has."""
    own = {one.name for one in operation.body.fields} if operation.body else set()
    for field in operation.reference.fields if operation.reference else ():
        if field.name not in own and field.type.item and field.type.item.kind == "model":
            yield field


def _text(field: Field, shown: Shown) -> str:
    plain = not field.type.format and not field.type.known
    return f"the {' '.join(words(field.name))}" if plain else str(sample_value(field, shown.models))


def _errors(api: Api, shown: Shown) -> list[str]:
    operation = sample_operation(api)
    reply = operation.reply
    if reply.events and not reply.switch:
        return []
    called = f"client.{call_names(api)[operation.id]}({arguments(operation, shown)})"
    nothing = not reply.raw and reply.whole is None
    return [
        f"err = {called}" if nothing else f"_, err = {called}",
        f"var busy *{shown.package}.RateLimitError",
        f"var late *{shown.package}.APITimeoutError",
        f"var failed *{shown.package}.APIError",
        "switch {",
        "case errors.As(err, &busy):",
        '\tfmt.Println("too many requests:", busy.Header.Get("Retry-After"))',
        "case errors.As(err, &late):",
        '\tfmt.Println("not in time; it may have been made, and billed")',
        "case errors.As(err, &failed):",
        "\tfmt.Println(failed.StatusCode, failed.Code, failed.Param, failed.Message, failed.RequestID)",
        "case err != nil:",
        '\tfmt.Println("not sent:", err)',
        "}",
    ]
