"""Views of `client.js` and `index.d.ts`: a class for each resource, a method and a constant for each operation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imageproof.api.ir import Api, Auth, Events, Field, Model, Operation, Resource, Type
from imageproof.api.names import assign, constant, unreserved
from imageproof.emit.targets.common import calls
from imageproof.emit.targets.common.walks import (
    body_fields,
    has_files,
    has_lists,
    in_both,
    lists,
    operations,
    switches,
)
from imageproof.emit.targets.typescript.shapes import Places, events_view, places, reply_view, shapes
from imageproof.emit.targets.typescript.text import camel, comment, indented, key, laid
from imageproof.emit.targets.typescript.types import Names, annotation, described, interface, member

CUSTOMARY_AUTH = Auth("Authorization", "Bearer ")  # where a document does not say how a key is sent
# What every client and every resource has; a method called `then` would make an object one that is awaited.
CLIENT_NAMES = frozenset(("baseURL", "constructor", "then", "withOptions", "toString", "valueOf"))
METHOD_NAMES = frozenset(("call", "constructor", "then", "toString", "valueOf"))
# Words that cannot name an argument, and arguments that methods have anyway.
WORDS = frozenset(
    """
    arguments await break case catch class const continue debugger default delete do else enum eval export extends false
    finally for function if implements import in instanceof interface let new null options package params private
    protected public return static super switch this throw true try typeof undefined var void while with yield
    """.split()  # noqa: SIM905  # a list of quoted words would fill a screen
)


@dataclass(frozen=True)
class Argument:
    """One argument of a call: its name, its name on the wire, its place ("body", "whole" or a parameter's), its type,
    and whether it must be given."""

    name: str
    wire: str
    place: str
    told: str
    required: bool
    field: Field


@dataclass(frozen=True)
class Method:
    """A method: its name, its declarations as whole lines, its own arguments in the module, the constant that tells its
    operation, the values of its path that it hands on, and the promise that it gives."""

    name: str
    declared: tuple[str, ...]
    path: tuple[str, ...]
    handed: str
    has_params: bool
    fact: str
    promise: str


@dataclass(frozen=True)
class Class:
    """A class of calls, and the client's attribute that is one."""

    name: str
    attribute: str
    doc: str
    methods: tuple[Method, ...]


def attribute_names(api: Api) -> dict[str, str]:
    """Resource name -> the client's attribute."""
    return calls.resource_names(api, _attribute)


def call_names(api: Api) -> dict[str, str]:
    """Operation id -> resource and method, such as `images.createVariation`."""
    return calls.call_names(api, _attribute, _method_name)


def _attribute(name: str) -> str:
    return unreserved(camel(name), CLIENT_NAMES)


def _method_name(name: str) -> str:
    return unreserved(camel(name), METHOD_NAMES)


def fact_names(api: Api) -> dict[str, str]:
    """Operation id -> the constant that tells the operation."""
    wanted = {one: constant(*call.split(".", 1)) for one, call in call_names(api).items()}
    return assign({one: (name, f"{name}_CALL") for one, name in wanted.items()}, ("SERVICE",))


def classes(api: Api, names: Names) -> list[Class]:
    attributes = attribute_names(api)
    facts = fact_names(api)
    return [_class(one, api, names, attributes[one.name], facts) for one in api.resources]


def client_view(api: Api, names: Names) -> dict[str, Any]:
    """What `client.js.jinja` shows."""
    called = call_names(api)
    auth = api.auth or CUSTOMARY_AUTH
    prefix = api.service.upper()
    constants, files = fact_names(api), places(api, names)
    models = {one.key: one for one in api.models}
    facts = [(constants[one.id], _fact(called[one.id], one, api, names, files, models)) for one in operations(api)]
    service = {
        "baseURL": api.base_url,
        "paths": list(dict.fromkeys(one.path for one in operations(api) if "{" not in one.path)),
        "auth": [auth.header, auth.prefix],
        **({"accounts": _accounts(api.brand, prefix)} if api.brand else {}),
        "keyVariable": f"{prefix}_API_KEY",
        "urlVariable": f"{prefix}_BASE_URL",
        "shapes": shapes(api, files),
    }
    starts = {name: f"  {key(name)}: " for name in service}
    return {
        "service": [f"{start}{laid(service[name], 2, len(start))}," for name, start in starts.items()],
        "facts": [f"const {name} = {laid(fact, 0, len(name) + 9)};" for name, fact in facts],
        "classes": classes(api, names),
        "checked": api.rules is not None,
        "brand": api.brand,
    }


def _accounts(brand: str, prefix: str) -> dict[str, list[str]]:
    """What tells who pays, as the official SDKs of a brand have it: option -> header, name in the environment."""
    rows = (("organization", "Organization", "ORG_ID"), ("project", "Project", "PROJECT_ID"))
    return {name: [f"{brand}-{header}", f"{prefix}_{variable}"] for name, header, variable in rows}


def parameters(api: Api, names: Names) -> Iterator[str]:
    """The types of operations' parameters, those with a switch in three."""
    called = call_names(api)
    for operation in operations(api):
        told = [one for one in arguments_of(operation, names) if one.place != "path"]
        if not told:
            continue
        name, doc = names.calls[operation.id], f"Parameters of `{called[operation.id]}`."
        forms = alternatives(api, operation)
        apart = {one for form in forms for one in form}
        rows = [_member(one) for one in told if one.field.name not in apart]
        if forms:
            yield interface(f"{name}Shared", f"What all parameters of `{called[operation.id]}` have in common.", rows)
            kinds = ([_as_file(operation, one, names) for one in told], told)
            choices = "".join(_choice(kind, form, apart) for kind, form in zip(kinds, forms, strict=True))
            yield f"{comment(doc, 0)}export type {name} = {name}Shared &\n  (\n{choices}  );"
        else:
            yield interface(name, doc, rows)
        switch = next((one for one in told if _switched(operation, one)), None)
        if switch:
            null = " | null" if switch.told.endswith("| null") else ""
            whole = member(switch.name, f"false{null}", False, True, "")
            streamed = member(switch.name, "true", True, True, "")
            if forms:
                yield f"export type {name}NonStreaming = {name} & {{ {whole.strip()[:-1]} }};"
                yield f"export type {name}Streaming = {name} & {{ {streamed.strip()[:-1]} }};"
            else:
                yield interface(f"{name}NonStreaming", "", [whole], name)
                yield interface(f"{name}Streaming", "", [streamed], name)


def _member(one: Argument) -> str:
    return member(one.name, one.told, one.required, True, described(one.field))


def _as_file(operation: Operation, one: Argument, names: Names) -> Argument:
    """A file that may be a reference too, where it may not."""
    if one.place != "body" or not has_files(one.field.type) or not in_both(operation, one.field):
        return one
    return replace(one, told=annotation(replace(one.field.type, nullable=not one.required), names, True))


def _choice(told: list[Argument], form: Mapping[str, bool], apart: Collection[str]) -> str:
    """One alternative of an intersection: what is given in it, and what is not."""
    given = [_member(replace(one, required=form[one.field.name])) for one in told if one.field.name in form]
    others = [one for one in told if one.field.name in apart and one.field.name not in form]
    rows = [*given, *(f"  {key(one.name)}?: undefined;" for one in others)]
    return f"    | {{\n{indented(rows, 6)}\n      }}\n"


def alternatives(api: Api, operation: Operation) -> list[dict[str, bool]]:
    """Files of an operation's form, and what its JSON body has in their place, by whether it must have them; [] where
    either would do without."""
    body, reference, rules = operation.body, operation.reference, api.rules
    if not body or not reference or not rules or operation.id not in rules.forms:
        return []
    fields = {wire: name for name, part in body.parts for wire in (part.one, part.many) if wire}
    groups = [{fields.get(wire, wire) for wire in group} for group in rules.forms[operation.id][0].required]
    needed = {name for group in groups if len(group) == 1 for name in group}
    form = {one.name: one.name in needed for one in body.fields if has_files(one.type) and not in_both(operation, one)}
    names = {one.name for one in body.fields}
    json = {one.name: one.required for one in reference.fields if one.name not in names and has_lists(one)}
    both = {one.name: False for one in body.fields if has_files(one.type) and in_both(operation, one)}
    return [form | both, json | both] if any(form.values()) and any(json.values()) else []


def arguments_of(operation: Operation, names: Names) -> list[Argument]:
    """All arguments of a call; those of the path in its order, of the others what is required first.

    Names are those on the wire, with the place before them where two would be the same; a path's are identifiers.
    """
    fields: list[tuple[Field, str]] = [(one.field, one.place) for one in operation.parameters]
    fields += [(one, "body") for one in body_fields(operation)]
    body = operation.body
    if body and body.whole:
        fields.append((Field("body", body.whole, body.required, "The body.", body.source), "whole"))
    path = {one.name: (unreserved(camel(one.name), WORDS),) for one, place in fields if place == "path"}
    settled = {f"path {name}": told for name, told in assign(path).items()}
    rest = {f"{place} {one.name}": one.name for one, place in fields if place != "path"}
    settled |= assign({told: (name, told.replace(" ", "_")) for told, name in rest.items()})
    parts = dict(body.parts) if body else {}
    found = []
    for field, place in fields:
        required = field.required and not (place == "body" and operation.reference and not in_both(operation, field))
        part = parts.get(field.name) if place == "body" else None
        wire = (part.one or part.many) if part else field.name
        told = annotation(_taken(operation, field, place), names, True)
        found.append(Argument(settled[f"{place} {field.name}"], wire, place, told, required, field))
    return sorted(found, key=lambda one: (one.place != "path", one.place != "path" and not one.required))


def _taken(operation: Operation, field: Field, place: str) -> Type:
    """What a caller may pass. In a form null counts as left out, so any optional field takes it."""
    told = field.type
    body = operation.body if place == "body" else None
    if body and body.form != "json" and not field.required:
        told = replace(told, nullable=True)
    if body and operation.reference:
        twin = next((one for one in operation.reference.fields if one.name == field.name), field)
        if twin.type.kind != told.kind:
            return Type(
                "union", told.nullable, choices=(replace(told, nullable=False), replace(twin.type, nullable=False))
            )
    return told


def _switched(operation: Operation, argument: Argument) -> bool:
    return argument.place == "body" and switches(operation, argument.field)


def _class(resource: Resource, api: Api, names: Names, attribute: str, facts: Mapping[str, str]) -> Class:
    methods = calls.method_names(resource, _method_name)
    made = tuple(_method(one, methods[one.id], facts[one.id], api, names) for one in resource.operations)
    doc = resource.doc or f"Operations on {resource.name}."
    return Class(names.resources[resource.name], attribute, doc, made)


def _method(operation: Operation, name: str, fact: str, api: Api, names: Names) -> Method:
    arguments = arguments_of(operation, names)
    path = [one for one in arguments if one.place == "path"]
    rest = [one for one in arguments if one.place != "path"]
    start = [f"{one.name}: {one.told}" for one in path]
    optional = "" if any(one.required for one in rest) else "?"
    params = names.calls[operation.id]

    def declared(kind: str, returned: str, optional: str = optional) -> str:
        middle = [f"params{optional}: {kind}"] if rest else []
        inner = ", ".join([*start, *middle, "options?: RequestOptions"])
        line = f"  {key(name)}({inner}): {returned};"
        if len(line) <= 120:
            return line
        rows = "".join(f"    {one},\n" for one in (*start, *middle, "options?: RequestOptions"))
        return f"  {key(name)}(\n{rows}  ): {returned};"

    whole, streamed = _returns(operation, api, names)
    listed = listing(operation, {one.key: one for one in api.models})
    if any(_switched(operation, one) for one in rest):
        heads = [
            declared(f"{params}NonStreaming", f"APIPromise<{whole}>"),
            declared(f"{params}Streaming", f"APIPromise<{streamed}>", ""),
            declared(params, f"APIPromise<{whole} | {streamed}>"),
        ]
    else:
        item = annotation(listed[1], names, False) if listed else ""
        listing_promise = f"ListPromise<{whole} & AsyncIterable<{item}>, {item}>"
        promise = listing_promise if listed else f"APIPromise<{streamed or whole}>"
        heads = [declared(params, promise)]
    doc = _doc(operation, path)
    lines = (f"{doc}{heads[0]}", *heads[1:])
    handed = f"{{ {', '.join(f'{key(one.wire)}: {one.name}' for one in path)} }}" if path else "{}"
    promise = "ListPromise<any, any>" if listed else "APIPromise<any>"
    return Method(key(name), lines, tuple(one.name for one in path), handed, bool(rest), fact, promise)


def _returns(operation: Operation, api: Api, names: Names) -> tuple[str, str]:
    """What a call gives when it answers at once, and when it streams ("" where it does not)."""
    reply = operation.reply
    raw = "string" if reply.text else "Bytes"
    told = annotation(reply.whole, names, False) if reply.whole else "void"
    plain = reply.whole is None or reply.whole.kind not in ("model", "union", "map")
    whole = raw if reply.raw else told if plain else f"WithRequestID<{told}>"
    return whole, _stream(reply.events, api, names) if reply.events else ""


def _stream(events: Events, api: Api, names: Names) -> str:
    """A stream of events; where these can be told apart, also which of them bring what is finished, and previews."""
    told = annotation(events.type, names, False)
    tags = next((one.tags for one in api.unions if one.key == events.type.union), ())
    carriers = {one.key for one in api.models if one.content}
    finished = [names.models[key] for tag, key in tags if tag in events.last]
    partial = [names.models[key] for tag, key in tags if tag not in events.last and key in carriers]
    if not finished:
        return f"Stream<{told}>"
    return f"Stream<{told}, {' | '.join(finished)}, {' | '.join(partial) or 'never'}>"


def _doc(operation: Operation, path: list[Argument]) -> str:
    summary = operation.summary or f"{operation.verb} {operation.path}"
    summary = summary if summary.endswith((".", "!", "?")) else f"{summary}."
    tags = [(f"@param {one.name}", one.field.doc) for one in path if one.field.doc]
    tags += [("@deprecated", "by the API.")] if operation.deprecated else []
    return comment("\n\n".join(part for part in (summary, operation.doc) if part), 2, *tags)


def _fact(
    call: str, operation: Operation, api: Api, names: Names, files: Places, models: Mapping[str, Model]
) -> dict[str, Any]:
    """An operation as the runtime takes it; what is empty is left out."""
    arguments = [one for one in arguments_of(operation, names) if one.place != "path"]
    commas = {one.field.name for one in operation.parameters if lists(one.field.type) and not one.explode}
    switch = next((one.name for one in arguments if _switched(operation, one)), "")
    reply = operation.reply
    streams = bool(reply.events) and not reply.switch
    listed = listing(operation, models)
    accept = ("text/plain" if reply.text else "*/*") if reply.raw else ""
    facts: dict[str, Any] = {
        "wires": {one.name: one.wire for one in arguments if one.name != one.wire and one.place != "whole"},
        "required": [one.name for one in arguments if one.required],
        "query": [one.name for one in arguments if one.place == "query"],
        "headers": [one.name for one in arguments if one.place == "header"],
        "commas": [one.name for one in arguments if one.field.name in commas and one.place in ("query", "header")],
        **_body_facts(operation, [one for one in arguments if one.place in ("body", "whole")], models),
        "accept": "text/event-stream, application/json" if streams else accept,
        "reply": reply_view(operation, files),
        "items": listed[0] if listed else "",
        "events": events_view(operation, api, files) if reply.events else {},
        "switch": switch,
    }
    told = {name: value for name, value in facts.items() if value not in ("", [], {}, False)}
    return {"name": call, "verb": operation.verb, "path": operation.path, **told, **_bare_events(operation, told)}


def _bare_events(operation: Operation, told: dict[str, Any]) -> dict[str, Any]:
    """That there are events is told even where nothing is told of them."""
    return {"events": {}} if operation.reply.events and "events" not in told else {}


def listing(operation: Operation, models: Mapping[str, Model]) -> tuple[str, Type] | None:
    """The member of an answer that lists what was asked for, with the type of an item: the only list in the answer to a
    call that reads."""
    whole = operation.reply.whole
    if operation.verb != "GET" or operation.reply.raw or whole is None or whole.kind != "model" or whole.nullable:
        return None
    found = [
        (one.name, one.type.item) for one in models[whole.model].fields if one.type.kind == "list" and one.required
    ]
    if len(found) != 1 or found[0][1] is None:
        return None
    return found[0][0], found[0][1]


def _address(told: Type, models: Mapping[str, Model]) -> str:
    """The member of a reference to a file that is its address, "" for none."""
    fields = models[told.model].fields if told.kind == "model" else ()
    return next((one.name for one in fields if one.type.kind == "string" and one.type.format in ("uri", "url")), "")


def _body_facts(operation: Operation, arguments: list[Argument], models: Mapping[str, Model]) -> dict[str, Any]:
    body, reference = operation.body, operation.reference
    if body is None:
        return {}
    wires = {one.field.name: one.wire for one in arguments}
    fields = {one.name: one for one in body.fields}
    facts: dict[str, Any] = {
        "mediaType": body.media_type,
        "files": [wires[name] for name, field in fields.items() if has_files(field.type)],
        "lists": {wires[name]: part.many for name, part in body.parts if part.many not in ("", wires[name])},
        "documents": [
            wires[name]
            for name, part in body.parts
            if part.objects == "json" and fields[name].type.kind in ("model", "map")
        ],
    }
    if reference:
        facts["json"] = [wires[one.name] for one in reference.fields if one.name not in fields and has_lists(one)]
        facts["jsonMediaType"] = reference.media_type
        facts["references"] = {
            wires[one.name]: address
            for one in reference.fields
            if one.name in fields and has_files(fields[one.name].type) and (address := _address(one.type, models))
        }
    if body.whole:
        facts |= {"whole": arguments[0].name, "raw": body.form == "raw"}
    return facts
