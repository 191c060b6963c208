"""Views of `client.go`: the client, a type for each resource, a method and a fact for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imageproof.api.ir import Api, Auth, Events, Model, Operation, Resource, Type
from imageproof.emit.targets.common.walks import (
    always_streams,
    files_member,
    has_files,
    has_lists,
    lists,
    operations,
)
from imageproof.emit.targets.golang.params import arguments_of
from imageproof.emit.targets.golang.text import aligned, comment, literal, texts
from imageproof.emit.targets.golang.types import (
    ZEROS,
    Names,
    answered,
    argument,
    call_names,
    method_names,
    path_names,
    resource_names,
    stream_names,
)

CUSTOMARY_AUTH = Auth("Authorization", "Bearer ")  # where a document does not say how a key is sent


@dataclass(frozen=True)
class Method:
    """A method: its comment, its head from the name on, and the lines of its body."""

    doc: list[str]
    head: str
    lines: list[str]


@dataclass(frozen=True)
class Fact:
    """A variable that tells an operation to the runtime: lines of its members."""

    name: str
    lines: list[str]


@dataclass(frozen=True)
class Named:
    """Names of operations by id: methods, methods that stream, and facts."""

    methods: Mapping[str, str]
    streams: Mapping[str, str]
    facts: Mapping[str, str]
    names: Names


def client_view(api: Api, names: Names) -> dict[str, Any]:
    """What `client.go.jinja` shows."""
    fields = resource_names(api)
    called = call_names(api)
    named = Named(method_names(api), stream_names(api), _facts_named(called), names)
    models = {model.key: model for model in api.models}
    streams = [one.reply.events for one in operations(api) if one.reply.events]
    prefix = api.service.upper()
    title = " ".join(api.title.split())
    return {
        "service": aligned(list(_service(api)), ":"),
        "client_doc": comment(
            f"Client calls {title}. Make one by NewClient; it may be used by many goroutines at once.",
            f"Key and server come from {prefix}_API_KEY and {prefix}_BASE_URL where they are not given.",
        ),
        "fields": ", ".join(["c", *(f"&{names.resources[one.name]}{{c}}" for one in api.resources)]),
        "resources": [
            {
                "name": names.resources[one.name],
                "attribute": fields[one.name],
                "doc": _resource_doc(one),
                "label": literal(f"{fields[one.name]} of "),
                "methods": [method for operation in one.operations for method in _methods(operation, named)],
            }
            for one in api.resources
        ],
        "facts": [_fact(one, called[one.id], named.facts[one.id], models, streams) for one in operations(api)],
    }


def _resource_doc(resource: Resource) -> list[str]:
    return comment(resource.doc or f"Calls of {resource.name}.")


def _service(api: Api) -> Iterator[tuple[str, str]]:
    auth = api.auth or CUSTOMARY_AUTH
    yield "baseURL", literal(api.base_url)
    paths = dict.fromkeys(one.path for one in operations(api) if "{" not in one.path)
    yield from _some("paths", texts(paths))
    yield "authHeader", literal(auth.header)
    yield "authPrefix", literal(auth.prefix)
    yield "keyVariable", literal(f"{api.service.upper()}_API_KEY")
    yield "urlVariable", literal(f"{api.service.upper()}_BASE_URL")
    yield from _some("accounts", _accounts(api.brand, api.service.upper()) if api.brand else "")
    yield from _some("inline", texts(dict.fromkeys(model.content.inline for model in api.models if model.content)))
    yield from [("check", "checkRules")] if api.rules else []


def _accounts(brand: str, prefix: str) -> str:
    """What tells who pays, as the official SDKs of a brand have it: option, header, name in the environment."""
    rows = (("organization", "Organization", "ORG_ID"), ("project", "Project", "PROJECT_ID"))
    told = (
        f"{{{literal(name)}, {literal(f'{brand}-{header}')}, {literal(f'{prefix}_{variable}')}}}"
        for name, header, variable in rows
    )
    return f"[]account{{{', '.join(told)}}}"


def _some(name: str, value: str) -> Iterator[tuple[str, str]]:
    if value:
        yield name, value


def _methods(operation: Operation, named: Named) -> Iterator[Method]:
    name, names = named.methods[operation.id], named.names
    events = operation.reply.events
    event = f"Stream[{answered(events.type, names)}]" if events else ""
    if always_streams(operation.reply):
        yield _method(operation, named, name, event, True)
        return
    yield _method(operation, named, name, _whole(operation, names), _is_pointer(operation))
    if events:
        yield _method(operation, named, named.streams[operation.id], event, True)


def _whole(operation: Operation, names: Names) -> str:
    """What an answer is that comes at once."""
    reply = operation.reply
    if reply.raw:
        return "string" if reply.text else "[]byte"
    return answered(reply.whole, names) if reply.whole else "struct{}"


def _is_pointer(operation: Operation) -> bool:
    whole = operation.reply.whole
    return not operation.reply.raw and whole is not None and whole.kind == "model"


def _method(operation: Operation, named: Named, name: str, told: str, pointer: bool) -> Method:
    names, paths = named.names, path_names(operation)
    kinds = {one.field.name: one.field for one in operation.parameters if one.place == "path"}
    given = [f"{argument_name} {argument(kinds[wire], names)}" for wire, argument_name in paths.items()]
    has_params = bool(arguments_of(operation))
    params = [f"params {names.calls[operation.id]}"] if has_params else []
    takes = ", ".join(["ctx context.Context", *given, *params, "options ...Option"])
    values = ", ".join(f"{{{literal(wire)}, {argument_name}}}" for wire, argument_name in paths.items())
    inside = ["ctx", "r.c", f"&{named.facts[operation.id]}", f"[]pathValue{{{values}}}" if values else "nil"]
    invoked = f"invoke[{told}]({', '.join([*inside, 'params' if has_params else 'nil', 'options'])})"
    doc = _doc(operation, name, told.startswith("Stream["))
    if pointer:
        return Method(doc, f"{name}({takes}) (*{told}, error)", [f"return {invoked}"])
    if told == "struct{}":
        return Method(doc, f"{name}({takes}) error", [f"_, err := {invoked}", "return err"])
    lines = [
        f"answer, err := {invoked}",
        "if err != nil || answer == nil {",
        f"\treturn {ZEROS.get(told, 'nil')}, err",
        "}",
        "return *answer, nil",
    ]
    return Method(doc, f"{name}({takes}) ({told}, error)", lines)


def _doc(operation: Operation, name: str, streams: bool) -> list[str]:
    summary = operation.summary or f"{operation.verb} {operation.path}"
    summary = summary if summary.endswith((".", "!", "?")) else f"{summary}."
    how = "As events, while they arrive: range over the stream's Events, or close it." if streams else ""
    return comment(
        f"{name}: {summary}",
        how,
        operation.doc,
        "Deprecated: by the API." if operation.deprecated else "",
    )


def _facts_named(called: Mapping[str, str]) -> dict[str, str]:
    """Operation id -> variable, of the calls' names."""
    plain = {operation: f"op{name.replace('.', '')}" for operation, name in called.items()}
    twice = len(set(plain.values())) < len(plain)
    return {operation: f"op{name.replace('.', '_')}" for operation, name in called.items()} if twice else plain


def _fact(operation: Operation, called: str, name: str, models: Mapping[str, Model], streams: Sequence[Events]) -> Fact:
    told = [("name", literal(called)), ("verb", literal(operation.verb)), ("path", literal(operation.path))]
    told += [pair for pair in _facts(operation, models, streams) if pair[1]]
    return Fact(name, aligned(told, ":"))


def _facts(operation: Operation, models: Mapping[str, Model], streams: Sequence[Events]) -> Iterator[tuple[str, str]]:
    """Pairs of a member and its value; `streams` are the events of all operations."""
    reply, events = operation.reply, operation.reply.events
    yield "commas", texts(one.field.name for one in operation.parameters if lists(one.field.type) and not one.explode)
    yield from _body_facts(operation)
    plain = "text/plain" if reply.text else "*/*"
    accept = plain if reply.raw else "text/event-stream, application/json" if always_streams(reply) else ""
    yield "accept", literal(accept) if accept else ""
    yield "stream", literal(reply.switch) if events and reply.switch else ""
    yield "member", literal(events.property) if events and events.property else ""
    alike = [events, *(one for one in streams if one.property == events.property)] if events else []
    yield "last", texts(dict.fromkeys(value for one in alike for value in one.last)) if events and events.last else ""
    yield "null", "true" if reply.whole and reply.whole.nullable and not reply.raw else ""
    holder = files_member(reply.whole, models)
    yield "holder", literal(holder.name) if holder and holder.required else ""


def _body_facts(operation: Operation) -> Iterator[tuple[str, str]]:
    body, reference = operation.body, operation.reference
    if body is None:
        return
    yield "mediaType", literal(body.media_type)
    wires = {one.field.name: one.wire for one in arguments_of(operation) if not one.place}
    fields = {one.name: one for one in body.fields if one.name in wires}
    yield "files", texts(wires[name] for name, field in fields.items() if has_files(field.type))
    many = [
        (wires[name], part.many) for name, part in body.parts if name in wires and part.many not in ("", wires[name])
    ]
    yield (
        "lists",
        f"map[string]string{{{', '.join(f'{literal(one)}: {literal(all)}' for one, all in many)}}}" if many else "",
    )
    documents = [name for name, part in body.parts if part.objects == "json" and name in fields]
    yield "documents", texts(wires[name] for name in documents if _is_object(fields[name].type))
    if reference:
        yield "json", texts(one.name for one in reference.fields if one.name not in fields and has_lists(one))
        yield "jsonMediaType", literal(reference.media_type)
    if body.whole:
        yield "whole", "true"
        yield "raw", "true" if body.form == "raw" else ""


def _is_object(told: Type) -> bool:
    return told.kind in ("model", "map")
