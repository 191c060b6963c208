"""Views of `client.py`: a class for each resource, a method for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from imageproof.api.ir import Api, Auth, Body, Field, Operation, Reply, Resource, Type
from imageproof.api.names import assign, pascal, snake, unreserved
from imageproof.emit.targets.python.models import decoder_names, exported
from imageproof.emit.targets.python.text import docstring, imported, literal, section, used
from imageproof.emit.targets.python.types import (
    KEYWORDS,
    MODULE_NAMES,
    Names,
    aliased,
    annotation,
    decoder,
    limits,
    operations,
    union_decoder_name,
    unshadowed,
)

# Arguments that every method has, names that its body uses, and what the module imports.
OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout")
IMPORTED = {"builtins", "httpx2", "joined", "os", "overload", "path_of", "raw_bytes"}
METHOD_NAMES = KEYWORDS | {"self", "told", "answer", "dict", "str", *OPTIONS, *IMPORTED}
# Methods called like these would hide what the signatures below them mean; `list` is too good a name to lose.
SIGNATURE_NAMES = KEYWORDS | {"builtins", "float", "str"}
CLIENT_NAMES = KEYWORDS | {"self", "close", "base_url"}


CUSTOMARY_AUTH = Auth("Authorization", "Bearer ")  # where a document does not say how a key is sent
CLIENT_DOC = """A client of {title}.

Use it in a `with` block, or `close()` it. It may be shared between threads. No call is ever repeated on its own.

Args:
    api_key: The key; without it the environment's {prefix}_API_KEY. "" sends none.
    base_url: Host, base or whole URL of the server; without it the environment's {prefix}_BASE_URL, or the service.
    timeout: Seconds to wait for an answer, or between two events; None waits for ever.
    default_headers: Sent with every call.
    http_client: An HTTP client of your own, for proxies and certificates; it stays open on `close()`."""


@dataclass(frozen=True)
class Argument:
    """One argument of a method: `line` as a signature has it, `key` its name on the wire as a literal."""

    name: str
    line: str
    key: str
    doc: str


@dataclass(frozen=True)
class Method:
    """A method. `overloads` are (argument lines, what it returns), () for one signature only; `verb` is the runtime's
    method that does the call; `bound` the type of an answer that a type checker cannot infer, "" for the others."""

    name: str
    positional: tuple[str, ...]
    arguments: tuple[str, ...]
    overloads: tuple[tuple[tuple[str, ...], str], ...]
    returns: str
    doc: str
    told: tuple[str, ...]
    switch: str
    verb: str
    bound: str
    call: tuple[str, ...]
    stream: tuple[str, ...]


@dataclass(frozen=True)
class Class:
    name: str
    attribute: str
    doc: str
    methods: tuple[Method, ...]


def client_view(api: Api, names: Names) -> dict[str, Any]:
    """What `client.py.jinja` shows."""
    public = exported(api, names)
    decoders = decoder_names(api, names)
    wanted = {one.name: (pascal(one.name), f"{pascal(one.name)}Resource") for one in api.resources}
    classes = assign(wanted, {*MODULE_NAMES, *public})
    attributes = resource_names(api)
    resources = [_class(one, classes[one.name], attributes[one.name], api, names) for one in api.resources]
    texts = [text for one in resources for method in one.methods for text in _texts(method)]
    prefix = api.service.upper()
    auth = api.auth or CUSTOMARY_AUTH
    return {
        "doc": docstring(CLIENT_DOC.format(title=" ".join(api.title.split()), prefix=prefix), 4),
        "resources": resources,
        "imports": _imports(texts, used([*public, *decoders], texts)),
        "base_url": literal(api.base_url),
        "paths": list(dict.fromkeys(literal(one.path) for one in operations(api) if "{" not in one.path)),
        "auth": f"({literal(auth.header)}, {literal(auth.prefix)})",
        "key_variable": f"{prefix}_API_KEY",
        "url_variable": f"{prefix}_BASE_URL",
    }


def resource_names(api: Api) -> dict[str, str]:
    """Resource name -> the client's attribute."""
    return assign({one.name: (unreserved(snake(one.name), CLIENT_NAMES),) for one in api.resources})


def method_names(resource: Resource) -> dict[str, str]:
    """Operation id -> the method of the resource's class."""
    return assign({one.id: (unreserved(snake(one.method), SIGNATURE_NAMES),) for one in resource.operations})


def _texts(method: Method) -> Iterator[str]:
    yield from (
        *method.positional,
        *method.arguments,
        method.returns,
        method.bound,
        *method.told,
        *method.call,
        *method.stream,
    )
    for arguments, returns in method.overloads:
        yield from (*arguments, returns, "overload")


def _imports(texts: Sequence[str], public: Sequence[str]) -> list[str]:
    standard = [
        "import builtins" if used(["builtins"], texts) else "",
        "import os",
        imported("collections.abc", ["Mapping", *used(["Sequence"], texts)]),
        imported("typing", ["Any", "Self", *used(["Literal", "overload"], texts)]),
    ]
    own = [
        imported(".", used(["_model"], texts)),
        imported("._files", used(["FileInput", "joined", "raw_bytes"], texts)),
        imported("._http", ["Http", "normal_base_url", "normal_key", *used(["path_of"], texts)]),
        imported("._model", ["NOT_GIVEN", "NotGiven"]),
        imported("._stream", used(["Stream"], texts)),
        imported(".models", public),
    ]
    return [*filter(None, standard), "", "import httpx2", "", *filter(None, own)]


def _class(resource: Resource, name: str, attribute: str, api: Api, names: Names) -> Class:
    methods = method_names(resource)
    shadows = set(methods.values())
    made = tuple(_method(one, methods[one.id], names, shadows) for one in resource.operations)
    return Class(name, attribute, docstring(resource.doc or f"Operations on {resource.name}.", 4), made)


def _method(operation: Operation, name: str, names: Names, shadows: set[str]) -> Method:
    arguments = arguments_of(operation, names, shadows)
    path = [one for field, one, place in arguments if place == "path"]
    rest = [one for field, one, place in arguments if place != "path"]
    switch = next((one for field, one, place in arguments if place == "body" and _switches(operation, field)), None)
    whole, streamed = (unshadowed(text, shadows) for text in _returns(operation, names))
    inside = unshadowed(whole, {one.name for _, one, _ in arguments} - shadows)  # as the method's body must write it
    lines = tuple(one.line for one in rest)
    overloads: list[tuple[tuple[str, ...], str]] = []
    if switch:
        at = rest.index(switch)
        omitted = switch.line.partition("bool")[2]  # what may stand there beside a truth value, and the default
        for told, returns in (
            (f"Literal[False]{omitted}", whole),
            ("Literal[True]", streamed),
            ("bool", f"{whole} | {streamed}"),
        ):
            overloads.append(((*lines[:at], f"{switch.name}: {told}", *lines[at + 1 :]), returns))
    only_events = bool(operation.reply.events) and not switch
    return Method(
        name=name,
        positional=tuple(one.line for one in path),
        arguments=lines,
        overloads=tuple(overloads),
        returns=f"{whole} | {streamed}" if switch else streamed if only_events else whole,
        doc=docstring(_doc(operation, [one for _, one, _ in arguments]), 8),
        told=tuple(_told(operation, arguments)),
        switch=switch.name if switch else "",
        verb=_verb(operation.reply),
        bound=inside if operation.reply.whole and not _is_model(operation.reply.whole) else "",
        call=() if only_events else tuple(_call(operation, names, path)),
        stream=tuple(_stream(operation, names, path)) if operation.reply.events else (),
    )


def _verb(reply: Reply) -> str:
    """The runtime's method for a call that answers at once."""
    if reply.raw:
        return "fetch_text" if reply.text else "fetch"
    return "call" if reply.whole else "send"


def _is_model(told: Type) -> bool:
    """Whether a type checker infers the answer's type from its decoder."""
    return told.kind == "model" and not told.nullable


def _switches(operation: Operation, field: Field) -> bool:
    return bool(operation.reply.switch) and field.name == operation.reply.switch


def arguments_of(operation: Operation, names: Names, shadows: set[str]) -> list[tuple[Field, Argument, str]]:
    """(field, argument, place) of all arguments; what is required stands first."""
    body = operation.body
    fields: list[tuple[Field, str]] = [(one.field, one.place) for one in operation.parameters]
    fields += [(one, "body") for one in body.fields] if body else []
    if body and body.whole:
        fields.append((Field("body", body.whole, body.required, "The body.", body.source), "whole"))
    keys = {f"{place} {one.name}": one for one, place in fields}
    reserved = METHOD_NAMES | {union_decoder_name(key, names) for key in names.unions}
    wanted = {
        key: (unreserved(snake(one.name), reserved), unreserved(snake(key), reserved)) for key, one in keys.items()
    }
    settled = assign({key: names for key, names in wanted.items() if key.startswith("path ")})
    settled |= assign({key: names for key, names in wanted.items() if key not in settled}, settled.values())
    parts = dict(body.parts) if body else {}
    found = []
    for field, place in fields:
        name = settled[f"{place} {field.name}"]
        alias = names.aliases.get((operation.id, field.name), "") if place == "body" and aliased(field) else ""
        told = unshadowed(_taken(field, names, alias, body if place == "body" else None), shadows)
        line = f"{name}: {told}" if field.required else f"{name}: {_omissible(told)} = NOT_GIVEN"
        wire = (
            parts[field.name].one or parts[field.name].many if field.name in parts and place == "body" else field.name
        )
        found.append((field, Argument(name, line, literal(wire), _note(field)), place))
    return sorted(found, key=lambda one: not one[0].required)


def _taken(field: Field, names: Names, alias: str, body: Body | None) -> str:
    """What a caller may pass. In a form None counts as left out, so any optional field takes it."""
    told = field.type
    if body and body.form != "json" and not field.required:
        told = Type(**{**told.__dict__, "nullable": True})
    return annotation(told, names, True, alias)


def _omissible(told: str) -> str:
    if told == "None":
        return "NotGiven | None"
    return f"{told.removesuffix(' | None')} | NotGiven | None" if told.endswith(" | None") else f"{told} | NotGiven"


def _note(field: Field) -> str:
    known = ", ".join(str(value) for value in field.type.known)
    pieces = ["Deprecated." if field.deprecated else "", field.doc, f"Known: {known}." if known else "", limits(field)]
    return " ".join(piece for piece in pieces if piece)


def _returns(operation: Operation, names: Names) -> tuple[str, str]:
    """What a method returns when it answers at once, and when it streams ("" where it does not)."""
    reply = operation.reply
    raw = "str" if reply.text else "bytes"
    whole = raw if reply.raw else annotation(reply.whole, names, False) if reply.whole else "None"
    streamed = f"Stream[{annotation(reply.events.type, names, False)}]" if reply.events else ""
    return whole, streamed


def _doc(operation: Operation, arguments: list[Argument]) -> str:
    deprecated = "Deprecated by the API." if operation.deprecated else ""
    summary = operation.summary or f"{operation.verb} {operation.path}"
    summary = summary if summary.endswith((".", "!", "?")) else f"{summary}."
    parts = [summary, operation.doc, deprecated, section("Args", ((one.name, one.doc) for one in arguments))]
    return "\n\n".join(part for part in parts if part)


def _told(operation: Operation, arguments: list[tuple[Field, Argument, str]]) -> Iterator[str]:
    """Lines `"key": value,` of what a call says beside verb, path and decoder."""
    commas = {one.field.name for one in operation.parameters if _lists(one.field.type) and not one.explode}
    for place, key in (("query", "query"), ("header", "headers")):
        rows = [
            f"    {one.key}: {f'joined({one.key}, {one.name})' if field.name in commas else one.name},"
            for field, one, where in arguments
            if where == place
        ]
        if rows:
            yield "\n".join([f'"{key}": {{', *rows, "},"])
    body = operation.body
    if body is None:
        return
    yield f'"media_type": {literal(body.media_type)},'
    whole = next((one.name for _, one, place in arguments if place == "whole"), None)
    if whole is not None:
        key = "form" if body.form in ("multipart", "urlencoded") else "body"
        yield f'"{key}": {f"raw_bytes({whole})" if body.form == "raw" else whole},'
        return
    rows = [f"    {one.key}: {one.name}," for _, one, place in arguments if place == "body"]
    yield "\n".join([f'"{"body" if body.form == "json" else "form"}": {{', *rows, "},"])
    if body.form != "json":
        yield from _form(body)


def _form(body: Body) -> Iterator[str]:
    """How the parts of a form travel, where it is not the plain way."""
    fields = {one.name: one for one in body.fields}
    wires = {name: part.one or part.many for name, part in body.parts}
    files = [literal(wires[name]) for name, field in fields.items() if has_files(field.type)]
    lists = [
        f"{literal(wires[name])}: {literal(part.many)}"
        for name, part in body.parts
        if part.many not in ("", wires[name])
    ]
    documents = [
        literal(wires[name])
        for name, part in body.parts
        if part.objects == "json" and fields[name].type.kind in ("model", "map")
    ]
    for key, values, brackets in (("files", files, "[]"), ("lists", lists, "{}"), ("documents", documents, "[]")):
        if values:
            yield f'"{key}": {brackets[0]}{", ".join(values)}{brackets[1]},'


def _lists(told: Type) -> bool:
    return told.kind == "list" or any(map(_lists, told.choices))


def has_files(told: Type) -> bool:
    return told.kind == "file" or any(has_files(one) for one in (*told.choices, *([told.item] if told.item else [])))


def _call(operation: Operation, names: Names, path: list[Argument]) -> Iterator[str]:
    reply = operation.reply
    yield from _target(operation, path)
    if reply.whole and not reply.raw:
        yield f"decode={decoder(reply.whole, names) or '_model.as_is'}"
    yield "**told"


def _stream(operation: Operation, names: Names, path: list[Argument]) -> Iterator[str]:
    events = operation.reply.events
    assert events is not None  # the caller asks only where there are some
    yield from _target(operation, path)
    yield f"decode={decoder(events.type, names) or '_model.as_is'}"
    yield f"member={literal(events.property)}"
    last = "".join(f"{literal(value)}, " for value in events.last)
    yield f"last=({last.strip() if len(events.last) == 1 else last.removesuffix(', ')})"
    yield "**told"


def _target(operation: Operation, path: list[Argument]) -> Iterator[str]:
    yield literal(operation.verb)
    values = ", ".join(f"{one.key}: {one.name}" for one in path)
    yield f"path_of({literal(operation.path)}, {{{values}}})" if path else literal(operation.path)
