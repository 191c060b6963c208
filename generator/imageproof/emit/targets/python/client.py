"""Views of `client.py`: a class for each resource and client, a method and a constant for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imageproof.api.ir import Api, Auth, Events, Field, Operation, Reply, Resource, Type
from imageproof.api.names import assign, constant, pascal, snake, unreserved
from imageproof.emit.targets.common import calls
from imageproof.emit.targets.common.walks import (
    always_streams,
    body_fields,
    has_files,
    has_lists,
    in_both,
    known_note,
    limits,
    lists,
    operations,
    switches,
)
from imageproof.emit.targets.python.models import decoder_names, exported
from imageproof.emit.targets.python.text import called, docstring, imported, literal, renamed, section, signature, used
from imageproof.emit.targets.python.types import (
    HELPERS,
    KEYWORDS,
    MODULE_NAMES,
    RARE_HELPERS,
    Names,
    annotation,
    decoder,
    is_aliased,
    union_decoder_name,
    unshadowed,
)

# Arguments that every method has, names that its body uses, and what the module imports.
OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout", "validate", "family")
METHOD_NAMES = KEYWORDS | {"self", "given", "dict", "str", "builtins", "overload", "shown", *OPTIONS}
# Methods called like these would hide what the signatures below them mean; `list` is too good a name to lose.
SIGNATURE_NAMES = KEYWORDS | {"builtins", "float", "str", "shown", "with_raw_response", "with_streaming_response"}
CLIENT_NAMES = KEYWORDS | {"self", "azure", "base_url", "close", "copy", "with_options"}
CUSTOMARY_AUTH = Auth("Authorization", "Bearer ")  # where a document does not say how a key is sent
LONG = 120  # letters of known values that a note repeats; more are left to their alias
OMISSIBLE = " | NotGiven = NOT_GIVEN"


@dataclass(frozen=True)
class Argument:
    """One argument of a method: its name, annotation, whether it must be given, and its name on the wire."""

    name: str
    told: str
    required: bool
    wire: str
    doc: str


@dataclass(frozen=True)
class Arguments:
    """The dictionary of an operation's arguments: `fields` are whole lines. "" is the name of one that has none."""

    name: str
    doc: str
    fields: tuple[str, ...]
    told: tuple[str, ...]


@dataclass(frozen=True)
class Method:
    """A method, as whole lines: heads of its overloads, its own head, its docstring and what its body returns; `shown`
    names the dictionary of its arguments."""

    overloads: tuple[str, ...]
    head: str
    doc: str
    shown: str
    returns: str


@dataclass(frozen=True)
class Class:
    """A class of calls. `kind` is its base class."""

    name: str
    kind: str
    attribute: str
    doc: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, eq=False)
class Kind:
    """One of the two clients: its name, base classes of itself and of its resources, and how its methods begin."""

    client: str
    base: str
    resource: str
    stream: str
    define: str
    wait: str
    names: Names


def kinds(names: Names) -> tuple[Kind, Kind]:
    """The client that blocks, and the one that waits."""
    blocking = Kind("Client", "BlockingClient", "Resource", "Stream", "def", "", names)
    waiting = Kind(
        "AsyncClient", "WaitingClient", "AsyncResource", "AsyncStream", "async def", "await ", names.waiting()
    )
    return blocking, waiting


def client_view(api: Api, names: Names) -> dict[str, Any]:
    """What `client.py.jinja` shows."""
    public = [*exported(api, names), *names.calls.values()]
    classes = class_names(api, public)
    attributes = resource_names(api)
    made = {
        kind: [_class(one, classes[one.name, kind.client], attributes[one.name], kind) for one in api.resources]
        for kind in kinds(names)
    }
    clients = [{"kind": kind, "classes": found, "doc": _client_doc(api, kind)} for kind, found in made.items()]
    called_as = call_names(api)
    streams = [one.reply.events for one in operations(api) if one.reply.events]
    facts = [_fact(called_as[one.id], one, names, streams) for one in operations(api)]
    texts = [text for found in made.values() for one in found for method in one.methods for text in _texts(method)]
    texts += facts
    auth = api.auth or CUSTOMARY_AUTH
    prefix = api.service.upper()
    paths = tuple(dict.fromkeys(one.path for one in operations(api) if "{" not in one.path))
    inline = tuple(dict.fromkeys(model.content.inline for model in api.models if model.content))
    service = (
        ("base_url", literal(api.base_url)),
        ("paths", _tuple(paths)),
        ("auth", _tuple((auth.header, auth.prefix))),
        ("key_variable", literal(f"{prefix}_API_KEY")),
        ("url_variable", literal(f"{prefix}_BASE_URL")),
        *([("inline", _tuple(inline))] if inline else []),
        *([("accounts", _accounts(api.brand, prefix))] if api.brand else []),
        *([("check", "check")] if api.rules else []),
    )
    return {
        "clients": clients,
        "facts": facts,
        "service": called("_SERVICE = Service", [f"{name}={value}" for name, value in service], 0),
        "brand": api.brand,
        "imports": _imports(texts, used([*public, *decoder_names(api, names)], texts), api, facts),
    }


def _accounts(brand: str, prefix: str) -> str:
    """What tells who pays, as the official SDKs of a brand have it: argument -> header, name in the environment."""
    rows = (("organization", "Organization", "ORG_ID"), ("project", "Project", "PROJECT_ID"))
    told = (
        f"{literal(name)}: {_tuple((f'{brand}-{header}', f'{prefix}_{variable}'))}" for name, header, variable in rows
    )
    return f"{{{', '.join(told)}}}"


def class_names(api: Api, public: Sequence[str]) -> dict[tuple[str, str], str]:
    """(resource, client) -> the class of the resource's calls."""
    wanted = {
        (one.name, client): (f"{prefix}{pascal(one.name)}", f"{prefix}{pascal(one.name)}Resource")
        for client, prefix in (("Client", ""), ("AsyncClient", "Async"))
        for one in api.resources
    }
    return assign(
        wanted, {*MODULE_NAMES, *public, *([api.brand, f"Async{api.brand}", f"{api.brand}Error"] if api.brand else [])}
    )


def resource_names(api: Api) -> dict[str, str]:
    """Resource name -> the client's attribute."""
    return calls.resource_names(api, _resource)


def method_names(resource: Resource) -> dict[str, str]:
    """Operation id -> the method of the resource's class."""
    return calls.method_names(resource, _call)


def call_names(api: Api) -> dict[str, str]:
    """Operation id -> resource and method, such as `images.generate`."""
    return calls.call_names(api, _resource, _call)


def _resource(name: str) -> str:
    return unreserved(snake(name), CLIENT_NAMES)


def _call(name: str) -> str:
    return unreserved(snake(name), SIGNATURE_NAMES)


def _texts(method: Method) -> Iterator[str]:
    yield from (*method.overloads, method.head, method.returns, method.shown)
    yield "overload" if method.overloads else ""


def _imports(texts: Sequence[str], public: Sequence[str], api: Api, facts: Sequence[str]) -> list[str]:
    clients = ["BlockingClient", "WaitingClient"]
    standard = [
        "import builtins" if used(["builtins"], texts) else "",
        imported("collections.abc", used(["Mapping", "Sequence"], texts)),
        imported("typing", used(["Any", "Literal", "Unpack", "overload"], texts)),
    ]
    own = [
        imported("._client", clients),
        imported("._files", used(["FileInput"], texts)),
        imported("._http", used(["Events", "Json", "Reader"], texts)),
        *renamed("_model", used(HELPERS, texts), used(["NOT_GIVEN", "NotGiven", "Off", "On"], texts)),
        imported("._raw", ["AsyncResource", "Resource", "shown"]),
        imported("._request", ["Operation", "Service", *used(["arguments"], facts)]),
        imported("._rules", ["check"]) if api.rules else "",
        *renamed("_shapes", used(RARE_HELPERS, texts), used(["Bytes", "Text"], texts)),
        imported("._stream", used(["AsyncStream", "Stream"], texts)),
        imported(".errors", ["APIError"]) if api.brand else "",
        imported(".models", sorted({*public, *used(["CallOptions"], texts)})),
    ]
    return [*filter(None, standard), *([""] if any(standard) else []), *filter(None, own)]


def _client_doc(api: Api, kind: Kind) -> str:
    title, prefix = " ".join(api.title.split()), api.service.upper()
    calls, block = ("are awaited", "an `async with` block") if kind.wait else ("block", "a `with` block")
    told = f"A client of {title}, whose calls {calls}.\n\nKey and server come from {prefix}_API_KEY and "
    return docstring(f"{told}{prefix}_BASE_URL where they are not given. Use it in {block}, or close it.", 4)


def _class(resource: Resource, name: str, attribute: str, kind: Kind) -> Class:
    methods = method_names(resource)
    shadows = set(methods.values())
    made = tuple(_method(one, methods[one.id], attribute, kind, shadows) for one in resource.operations)
    doc = resource.doc or f"Operations on {resource.name}."
    doc = f"As {name.removeprefix('Async')}, for `await`." if kind.wait else doc
    return Class(name, kind.resource, attribute, docstring(doc, 4), made)


def _method(operation: Operation, name: str, attribute: str, kind: Kind, shadows: set[str]) -> Method:
    names = kind.names
    arguments = arguments_of(operation, names, shadows)
    path = [one for _, one, place in arguments if place == "path"]
    rest = [one for _, one, place in arguments if place != "path"]
    switch = next((one for field, one, place in arguments if place == "body" and switches(operation, field)), None)
    dictionary = names.calls[operation.id] if [one for one in rest if one is not switch] else "CallOptions"
    whole, streamed = _returns(operation, kind)
    shown_whole, shown_streamed = unshadowed(whole, shadows), unshadowed(streamed, shadows)
    start = ["self", *(f"{one.name}: {one.told}" for one in path)]

    def head(told: Sequence[str], returns: str, ending: str = "") -> str:
        return signature(f"{kind.define} {name}", [*start, *told], f" -> {returns}:{ending}", 4)

    overloads: tuple[str, ...] = ()
    only_events = bool(operation.reply.events) and not switch
    returns = shown_streamed if only_events else shown_whole
    taken = f"**given: Unpack[{dictionary}]"
    if switch:
        null = " | None" if switch.told.endswith(" | None") else ""
        off = "Off" if null else "Literal[False] | NotGiven"
        either = f"{shown_whole} | {shown_streamed}"
        kinds = ((f"{off} = NOT_GIVEN", shown_whole), ("On", shown_streamed), ("bool", either))
        overloads = tuple(head(["*", f"{switch.name}: {one}", taken], told, " ...") for one, told in kinds)
        returns, taken = either, "**given: Any"  # the overloads tell what is taken
    values = [f"{{{', '.join(f'{one.wire}: {one.name}' for one in path)}}}"] if path else []
    hidden = {one.name for one in path}
    fact = f"_{constant(attribute, name)}"
    reader = f"Events({shown_streamed}, {fact})" if only_events else _reader(operation.reply, names)
    arguments_told = [fact, "given", unshadowed(reader, hidden), *values]
    doc = (
        f"As `Client.{attribute}.{name}`, for `await`."
        if kind.wait
        else _doc(operation, [one for _, one, _ in arguments])
    )
    return Method(
        overloads=overloads,
        head=head([taken], returns),
        doc=docstring(doc, 8),
        shown=f"{dictionary}, {literal(switch.name)}" if switch else dictionary,
        returns=called(f"return {kind.wait}self._calls.call", arguments_told, 8),
    )


def _reader(reply: Reply, names: Names) -> str:
    """What reads an answer that comes at once."""
    if reply.raw:
        return "Text()" if reply.text else "Bytes()"
    if reply.whole is None:
        return "Reader[None]()"
    told = decoder(reply.whole, names) or "_as_is"
    plain = reply.whole.kind == "model" and not reply.whole.nullable
    null = ", null=True" if reply.whole.kind == "model" and reply.whole.nullable else ""
    return f"Json({told})" if plain else f"Json[{annotation(reply.whole, names, False)}]({told}{null})"


def _tuple(values: Sequence[str]) -> str:
    inner = ", ".join(map(literal, values))
    return f"({inner},)" if len(values) == 1 else f"({inner})"


def dictionaries(api: Api, names: Names) -> Iterator[Arguments]:
    """The dictionaries of arguments, one for each operation that has some beside its path."""
    calls = call_names(api)
    for operation in operations(api):
        told = [
            (one.name, f"Required[{one.told}]" if one.required else one.told)
            for field, one, place in arguments_of(operation, names, set())
            if place != "path" and not (place == "body" and switches(operation, field))
        ]
        if told:
            shadows = {name for name, _ in told}
            lines = tuple(f"{name}: {unshadowed(text, shadows)}" for name, text in told)
            doc = docstring(f"Arguments of `{calls[operation.id]}`.", 4)
            yield Arguments(names.calls[operation.id], doc, lines, tuple(lines))


def arguments_of(operation: Operation, names: Names, shadows: set[str]) -> list[tuple[Field, Argument, str]]:
    """(field, argument, place) of all arguments; what is required stands first."""
    body = operation.body
    fields: list[tuple[Field, str]] = [(one.field, one.place) for one in operation.parameters]
    fields += [(one, "body") for one in body_fields(operation)]
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
        alias = names.aliases.get((operation.id, field.name), "") if place == "body" and is_aliased(field) else ""
        told = unshadowed(_taken(operation, field, names, alias, place), shadows)
        required = field.required and not (place == "body" and operation.reference and not in_both(operation, field))
        told = told if required else _omissible(told)
        part = parts.get(field.name) if place == "body" else None
        wire = (part.one or part.many) if part else field.name
        found.append((field, Argument(name, told, required, literal(wire), _note(field, alias)), place))
    return sorted(found, key=lambda one: not one[1].required)


def _taken(operation: Operation, field: Field, names: Names, alias: str, place: str) -> str:
    """What a caller may pass. In a form None counts as left out, so any optional field takes it."""
    told = field.type
    body = operation.body if place == "body" else None
    if body and body.form != "json" and not field.required:
        told = replace(told, nullable=True)
    if body and operation.reference:
        twin = next((one for one in operation.reference.fields if one.name == field.name), field)
        if twin.type.kind != told.kind:
            told = Type(
                "union", told.nullable, choices=(replace(told, nullable=False), replace(twin.type, nullable=False))
            )
    return annotation(told, names, True, alias)


def _omissible(told: str) -> str:
    if told == "None":
        return "NotGiven | None"
    return f"{told.removesuffix(' | None')} | NotGiven | None" if told.endswith(" | None") else f"{told} | NotGiven"


def _note(field: Field, alias: str) -> str:
    known = known_note(field)
    known = f"Known: see {alias}." if alias and len(known) > LONG and "(" not in known else known
    pieces = ["Deprecated." if field.deprecated else "", field.doc, known, limits(field, literal)]
    return " ".join(piece for piece in pieces if piece)


def _returns(operation: Operation, kind: Kind) -> tuple[str, str]:
    """What a method returns when it answers at once, and when it streams ("" where it does not)."""
    reply = operation.reply
    raw = "str" if reply.text else "bytes"
    whole = raw if reply.raw else annotation(reply.whole, kind.names, False) if reply.whole else "None"
    streamed = f"{kind.stream}[{annotation(reply.events.type, kind.names, False)}]" if reply.events else ""
    return whole, streamed


def _doc(operation: Operation, arguments: list[Argument]) -> str:
    deprecated = "Deprecated by the API." if operation.deprecated else ""
    summary = operation.summary or f"{operation.verb} {operation.path}"
    summary = summary if summary.endswith((".", "!", "?")) else f"{summary}."
    told = section("Args", ((one.name, one.doc) for one in arguments))
    raised = "Raises APIError and its kinds, which `errors` tells." if told else ""
    parts = [summary, " ".join(filter(None, (operation.doc, deprecated, raised))), told]
    return "\n\n".join(part for part in parts if part)


def _fact(call: str, operation: Operation, names: Names, streams: Sequence[Events]) -> str:
    """The constant that tells an operation, called so, to the runtime; `streams` are those of all operations."""
    arguments = arguments_of(operation, names, set())
    told = [literal(call), literal(operation.verb), literal(operation.path)]
    told += [f"{name}={value}" for name, value in _facts(operation, arguments, names, streams) if value]
    return called(f"_{constant(*call.split('.', 1))} = Operation", told, 0)


def _facts(
    operation: Operation, arguments: list[tuple[Field, Argument, str]], names: Names, streams: Sequence[Events]
) -> Iterator[tuple[str, str]]:
    rest = [(field, one, place) for field, one, place in arguments if place != "path"]
    renamed = {one.name: one.wire for _, one, _ in rest if literal(one.name) != one.wire}
    switch = next((one for field, one, place in rest if place == "body" and switches(operation, field)), None)
    if rest:
        dictionary = names.calls[operation.id] if len(rest) > bool(switch) else "CallOptions"
        more = [f"{literal(name)}: {wire}" for name, wire in renamed.items()]
        more += [f"{literal(switch.name)}: {switch.wire}"] if switch and switch.name not in renamed else []
        yield "arguments", f"arguments({dictionary}{''.join([', {', ', '.join(more), '}']) if more else ''})"
    yield "required", _some(literal(one.name) for _, one, _ in rest if one.required)
    yield "query", _some(literal(one.name) for _, one, place in rest if place == "query")
    yield "headers", _some(literal(one.name) for _, one, place in rest if place == "header")
    commas = {one.field.name for one in operation.parameters if lists(one.field.type) and not one.explode}
    yield "commas", _some(literal(one.name) for field, one, place in rest if place != "body" and field.name in commas)
    yield from _body_facts(operation, [(field, one) for field, one, place in rest if place in ("body", "whole")])
    events = operation.reply.events
    alike = [events, *(one for one in streams if one != events and one.property == events.property)] if events else []
    decoders = list(dict.fromkeys(filter(None, (decoder(one.type, names) for one in alike))))
    yield "events", f"_either({', '.join(decoders)})" if len(decoders) > 1 else "".join(decoders)
    yield "switch", literal(switch.name) if switch else ""
    yield "member", literal(events.property) if events and events.property else ""
    last = dict.fromkeys(value for one in alike for value in one.last)
    yield "last", _tuple(tuple(last)) if events and events.last else ""
    plain = {True: '"text/plain"', False: '"*/*"'}
    reply = operation.reply
    yield (
        "accept",
        plain[reply.text] if reply.raw else '"text/event-stream, application/json"' if always_streams(reply) else "",
    )


def _body_facts(operation: Operation, body_arguments: list[tuple[Field, Argument]]) -> Iterator[tuple[str, str]]:
    body, reference = operation.body, operation.reference
    if body is None:
        return
    yield "media_type", literal(body.media_type)
    wires = {field.name: one.wire for field, one in body_arguments}
    fields = {one.name: one for one in body.fields}
    yield "files", _some(wires[name] for name, field in fields.items() if has_files(field.type))
    lists = [
        f"{wires[name]}: {literal(part.many)}"
        for name, part in body.parts
        if literal(part.many) not in ('""', wires[name])
    ]
    yield "lists", f"{{{', '.join(lists)}}}" if lists else ""
    json_parts = [
        name for name, part in body.parts if part.objects == "json" and fields[name].type.kind in ("model", "map")
    ]
    yield "documents", _some(wires[name] for name in json_parts)
    if reference:
        yield "json", _some(wires[one.name] for one in reference.fields if one.name not in fields and has_lists(one))
        yield "json_media_type", literal(reference.media_type)
    if body.whole:
        yield "whole", body_arguments[0][1].wire
        yield "raw", "True" if body.form == "raw" else ""


def _some(values: Iterator[str]) -> str:
    told = list(values)
    return f"({', '.join(told)}{',' * (len(told) == 1)})" if told else ""
