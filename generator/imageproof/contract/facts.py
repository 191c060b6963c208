"""A document's image operations flattened into facts, so that two documents can be laid beside each other.

A place names where in an operation a fact stands, the same in every document:

    path, security, operation, body       the operation as a whole, and its request body
    query:NAME, header:NAME, cookie:NAME  a parameter
    json, form                            a media type of the request body, `form` for multipart/form-data
    json:n, json:images[].image_url       a member of it; a form's `image` and `image[]` are one place, `form:image`
    200, 404                              a status
    200 json, 200 stream                  a media type of an answer, `stream` for text/event-stream
    200 json:data[].url                   a member of it; `200 stream:KIND.usage` of an event
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.families import KEY, allowed_values, family_of
from imageproof.contract.narrow import Images, narrow
from imageproof.contract.pointers import join
from imageproof.contract.schemas import FILE, UNSTATED, Member, Schema, SchemaReader, either, unique
from imageproof.contract.surface import Found, Surface, surface
from imageproof.errors import Problem

MAX_FACTS = 20_000
MEDIA = {
    "application/json": "json",
    "multipart/form-data": "form",
    "text/event-stream": "stream",
    "application/x-www-form-urlencoded": "urlencoded",
}
UNNAMED = "*/*"  # a media type that the document does not tell
ERRORS = ("4", "5", "default")
PATH_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Fact:
    """What a document says of one place: aspect -> value. `parent` is the place that holds it, "" for none."""

    operation: str
    place: str
    parent: str
    pointer: str
    says: Mapping[str, Any]


Facts = Mapping[tuple[str, str], Fact]


@dataclass(frozen=True)
class Reading:
    """A document's facts by operation and place, where they were found, and what was read otherwise than written."""

    surface: Surface
    facts: Facts
    notes: tuple[Problem, ...]


def read_facts(contract: Document, document: Document, prefix: str | None = None) -> Reading:
    """All facts of a document's image operations; DocumentError where it has none, or where they cannot be read.

    A document with model families knows the values that they list.
    """
    reader = SchemaReader(document)
    found = surface(contract, document, reader, prefix)
    wildcards = {one.id: _first_media(contract, one.id) for one in contract.operations().values()}
    facts: dict[tuple[str, str], Fact] = {}
    for fact in _all(document, reader, found, wildcards):
        facts[fact.operation, fact.place] = fact
        if len(facts) > MAX_FACTS:
            raise reader.problem(fact.pointer, f"more than {MAX_FACTS} members under the image operations")
    if KEY in document.data:
        facts = {key: _knowing(document, fact) for key, fact in facts.items()}
    return Reading(found, facts, tuple(reader.notes))


def model_facts(contract: Document, document: Document, model: str, family: str | None = None) -> Facts:
    """The facts of a document with families for one model: its cells folded in, its defaults told."""
    merged: dict[tuple[str, str], Fact] = {}
    both: tuple[Images, Images] = ("one", "list")
    for images in both:
        plain = Document(narrow(document, model, images, family), document.source)
        for key, fact in read_facts(contract, plain).facts.items():
            merged[key] = _joined(merged[key], fact) if key in merged else fact
    known = family_of(document, model, family)
    for key, fact in merged.items() if known else ():
        name = fact.place.partition(":")[2]
        if known and fact.parent in ("json", "form") and name in known.defaults and "default" not in fact.says:
            merged[key] = replace(fact, says={**fact.says, "default": known.defaults[name]})
    return merged


def _joined(one: Fact, other: Fact) -> Fact:
    """A form's single file and its list are two parts of one parameter."""
    if "parts" not in other.says or one.says.get("parts") == other.says["parts"]:
        return one
    parts = (*one.says.get("parts", ()), *other.says["parts"])
    return replace(one, says={**one.says, "parts": parts, "type": one.says["type"] | other.says["type"]})


def _knowing(document: Document, fact: Fact) -> Fact:
    """A request member with the values that the document's families list for it."""
    text = fact.parent in ("json", "form") and "string" in (fact.says["type"] or ())
    listed = allowed_values(document, fact.operation, fact.place.partition(":")[2]) if text else ()
    known = unique((*fact.says.get("known", ()), *listed))
    return replace(fact, says={**fact.says, "known": known}) if listed and fact.says["values"] is None else fact


def _first_media(contract: Document, operation: str) -> str:
    body = contract.resolve(contract.operations()[operation].node.get("requestBody", {}))
    return next((MEDIA.get(name, name) for name in body.get("content", {})), "json")


def _all(document: Document, reader: SchemaReader, found: Surface, wildcards: Mapping[str, str]) -> Iterator[Fact]:
    servers = document.data.get("servers")
    yield Fact("", "servers", "", "/servers", {"described": bool(servers)})
    yield Fact("", "base", "", "/servers", {"value": found.base})
    for name, pointer in found.extra.items():
        yield Fact(name, "operation", "", pointer, {})
    for name, one in found.found.items():
        yield from _operation(document, reader, name, one, found.prefix, wildcards[name])


def _operation(
    document: Document, reader: SchemaReader, name: str, found: Found, prefix: str, wildcard: str
) -> Iterator[Fact]:
    node, pointer = found.node, found.pointer
    yield Fact(name, "operation", "", pointer, {"deprecated": node.get("deprecated") is True})
    yield Fact(name, "path", "", pointer, {"value": PATH_PARAMETER.sub("{}", found.path.removeprefix(prefix))})
    yield Fact(name, "security", "", *_security(document, node, pointer))
    yield from _parameters(reader, name, found)
    yield from _request(reader, name, node, pointer, wildcard)
    yield from _answers(reader, name, node, pointer)


def _security(document: Document, node: Mapping[str, Any], pointer: str) -> tuple[str, dict[str, Any]]:
    """The ways to show a key that are allowed, "none" among them where it may be left out."""
    own = "security" in node
    asked = node["security"] if own else document.data.get("security", [])
    components = document.data.get("components", {})
    told = components.get("securitySchemes") if isinstance(components, dict) else None
    schemes = told if isinstance(told, dict) else {}
    ways = []
    for choice in asked if isinstance(asked, list) else []:
        names = [name for name in choice if not name.startswith("x-")] if isinstance(choice, dict) else []
        ways.append(" and ".join(_scheme(schemes.get(name)) for name in names) or "none")
    return (pointer if own else "") + "/security", {"value": frozenset(ways or ["none"])}


def _scheme(told: Any) -> str:
    if not isinstance(told, dict):
        return "a scheme that is not defined"
    if told.get("type") == "http":
        return f"http {told.get('scheme', '')}".lower().strip()
    if told.get("type") == "apiKey":
        place = f"{told.get('in')} {told.get('name')}"
        return "http bearer" if place.lower() == "header authorization" else f"key in {place}"
    return str(told.get("type"))


def _parameters(reader: SchemaReader, name: str, found: Found) -> Iterator[Fact]:
    for holder, pointer in ((found.item, found.pointer.rpartition("/")[0]), (found.node, found.pointer)):
        told = holder.get("parameters", [])
        for index, one in enumerate(told if isinstance(told, list) else ()):
            parameter, where = reader.resolve(one, f"{pointer}/parameters/{index}")
            if not isinstance(parameter, dict) or parameter.get("in") not in ("query", "header", "cookie"):
                continue
            place = f"{parameter['in']}:{parameter.get('name')}"
            schema = reader.schema(parameter.get("schema", {}), f"{where}/schema")
            says = {**_says(schema), "required": parameter.get("required") is True}
            yield Fact(name, place, "", where, says)


def _request(reader: SchemaReader, name: str, node: Mapping[str, Any], pointer: str, wildcard: str) -> Iterator[Fact]:
    if "requestBody" not in node:
        yield Fact(name, "body", "", pointer, {"described": False})
        return
    body, where = reader.resolve(node["requestBody"], f"{pointer}/requestBody")
    content = body.get("content", {}) if isinstance(body, dict) else None
    if not isinstance(content, dict):
        raise reader.problem(where, "must be a request body, with a mapping of media types as its content")
    described = any(isinstance(one, dict) and one.get("schema") for one in content.values())
    yield Fact(name, "body", "", where, {"described": described, "required": body.get("required") is True})
    for media_type, media in content.items() if described else ():
        short = wildcard if media_type == UNNAMED else _short(media_type)
        inside = where + join("content", media_type)
        schema = reader.schema(media.get("schema", {}) if isinstance(media, dict) else {}, f"{inside}/schema")
        yield Fact(name, short, "", inside, {"named": media_type != UNNAMED, **_kind(schema), **schema.rules})
        yield from _members(name, short, ":", _form(schema) if short == "form" else schema.members)


def _answers(reader: SchemaReader, name: str, node: Mapping[str, Any], pointer: str) -> Iterator[Fact]:
    responses = node.get("responses", {})
    if not isinstance(responses, dict):
        raise reader.problem(f"{pointer}/responses", "must be a mapping of statuses")
    good = [status for status in responses if str(status)[:1] == "2"]
    if "default" in responses and not good:
        good = ["default"]
    for status, told in responses.items():
        if status in good[1:] or not (status in good or str(status).startswith(ERRORS)):
            continue
        response, where = reader.resolve(told, f"{pointer}{join('responses', status)}")
        place = "200" if status in good else str(status)
        content = response.get("content", {}) if isinstance(response, dict) else {}
        media = content if isinstance(content, dict) else {}
        described = any(isinstance(one, dict) and one.get("schema") for one in media.values())
        yield Fact(name, place, "", where, {"value": str(status), "described": described})
        for media_type, one in media.items() if described else ():
            yield from _answer(reader, name, place, media_type, one, where)


def _answer(reader: SchemaReader, name: str, status: str, media_type: str, media: Any, where: str) -> Iterator[Fact]:
    short = "json" if media_type == UNNAMED else _short(media_type)
    place, inside = f"{status} {short}", where + join("content", media_type)
    node, pointer = reader.resolve(media.get("schema", {}) if isinstance(media, dict) else {}, f"{inside}/schema")
    if short == "stream":
        events = _events(reader, node, pointer)
        yield Fact(name, place, status, inside, {"described": bool(events)})
        yield from _members(name, place, ":", events)
    else:
        schema = reader.schema(node, pointer)
        yield Fact(name, place, status, inside, _kind(schema))
        yield from _members(name, place, ":", schema.members)


def _events(reader: SchemaReader, node: Any, pointer: str) -> Mapping[str, Member]:
    """The kinds of events of a stream, whether the document describes its frames or the events at once."""
    frame = node.get("properties") if isinstance(node, dict) else None
    data = frame.get("data") if isinstance(frame, dict) else None
    if isinstance(data, dict) and "contentSchema" in data:
        node, pointer = data["contentSchema"], f"{pointer}/properties/data/contentSchema"
    schema = reader.schema(node, pointer)
    kind = schema.members.get("type")
    variants = dict(schema.variants)
    if not variants and kind is not None and kind.schema.values is not None and len(kind.schema.values) == 1:
        variants = {str(kind.schema.values[0]): schema}
    return {name: Member(one, True) for name, one in variants.items()}


def _short(media_type: str) -> str:
    plain = media_type.partition(";")[0].strip().lower()
    return "json" if plain.endswith("+json") else MEDIA.get(plain, plain)


def _members(operation: str, parent: str, joint: str, members: Mapping[str, Member]) -> Iterator[Fact]:
    """The facts of an object's members, and of all that is inside them."""
    for name, member in members.items():
        place = f"{parent}{joint}{name}"
        says = {**_says(member.schema), "required": member.required}
        if joint == ":" and parent == "form" and isinstance(member, Parts) and says["type"] and FILE in _kinds(member):
            says["parts"] = member.parts
        yield Fact(operation, place, parent, member.schema.pointer, says)
        yield from _inside(operation, place, member.schema)


def _inside(operation: str, place: str, schema: Schema) -> Iterator[Fact]:
    yield from _members(operation, place, ".", schema.members)
    yield from _members(operation, place, ".", {name: Member(one, True) for name, one in schema.variants.items()})
    if schema.items is not None:
        inner = f"{place}[]"
        yield Fact(operation, inner, place, schema.items.pointer, _says(schema.items))
        yield from _inside(operation, inner, schema.items)


def _kind(schema: Schema) -> dict[str, Any]:
    """The type of a whole body, and whether the document tells what is in it."""
    return {"type": schema.types, "described": bool(schema.members or schema.variants or schema.items)}


def _says(schema: Schema) -> dict[str, Any]:
    """Aspect -> value of a schema; limits and a default only where they are stated."""
    return {
        **_kind(schema),
        "null": schema.null,
        "values": schema.values,
        "known": schema.known,
        "deprecated": schema.deprecated,
        **schema.limits,
        **schema.rules,
        **({} if schema.default is UNSTATED else {"default": schema.default}),
    }


@dataclass(frozen=True)
class Parts(Member):
    """A parameter of a form, with the names of the parts that carry it."""

    parts: tuple[str, ...] = ()


def _kinds(member: Member) -> frozenset[str]:
    """The types of a value, and of the items of a list."""
    items = member.schema.items
    return (member.schema.types or frozenset()) | ((items.types or frozenset()) if items else frozenset())


def _form(schema: Schema) -> dict[str, Parts]:
    """A form's parameters: `image` and `image[]` are one, and `svg[model]` is a member of `svg`."""
    groups: dict[str, dict[str, Member]] = {}
    for name, member in schema.members.items():
        base = member.parameter or name.partition("[")[0] or name
        groups.setdefault(base, {})[name] = member
    return {base: _parameter(base, members) for base, members in groups.items()}


def _parameter(base: str, members: Mapping[str, Member]) -> Parts:
    required = any(member.required for member in members.values())
    schemas = [member.schema for name, member in members.items() if not _path(name)]
    nested = {name: member for name, member in members.items() if _path(name)}
    if nested:
        schemas.append(_nest([(_path(name), member) for name, member in nested.items()]))
    schema = schemas[0] if len(schemas) == 1 else either(schemas, schemas[0].pointer)
    return Parts(schema, required, base, tuple(members))


def _path(name: str) -> tuple[str, ...]:
    """("reasoning", "effort") of `svg[reasoning][effort]`; () of `svg` and `image[]`."""
    return tuple(one.rstrip("]") for one in name.split("[")[1:] if one != "]")


def _nest(leaves: list[tuple[tuple[str, ...], Member]]) -> Schema:
    groups: dict[str, list[tuple[tuple[str, ...], Member]]] = {}
    for path, member in leaves:
        groups.setdefault(path[0], []).append((path[1:], member))
    members = {name: inner[0][1] if not inner[0][0] else Member(_nest(inner), False) for name, inner in groups.items()}
    return Schema(leaves[0][1].schema.pointer, types=frozenset({"object"}), members=members)
