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
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from imageproof.contract.document import Document
from imageproof.contract.families import KEY, Family, allowed_values, families, family_of
from imageproof.contract.form import FormParameter, form_parameters
from imageproof.contract.narrow import Images, narrow
from imageproof.contract.pointers import join
from imageproof.contract.schema import UNSTATED, Member, Schema, unique
from imageproof.contract.schema_reader import SchemaReader
from imageproof.contract.surface import Located, Surface, locate
from imageproof.errors import Problem

Kind = Literal["document", "operation", "value", "body", "parameter", "media", "member", "items", "status"]
MEDIA = {
    "application/json": "json",
    "multipart/form-data": "form",
    "text/event-stream": "stream",
    "application/x-www-form-urlencoded": "urlencoded",
}
UNNAMED = "*/*"  # a media type that the document does not tell
GOOD = ("200", "201", "2XX", "2xx", "202", "203", "206", "default")  # the status of a success, the best first
PICTURE = "200 json:data[]"  # where an answer has its pictures
PATH_PARAMETER = re.compile(r"\{[^}]*\}")
DEEPEST = 50  # members inside each other, where no contract says how deep to go


@dataclass(frozen=True)
class Fact:
    """What a document says of one place: aspect -> value. `parent` is the place that holds it, "" for none; `answer`
    says that it is about what is answered, not about what is sent."""

    operation: str
    place: str
    kind: Kind
    pointer: str
    says: Mapping[str, Any]
    parent: str = ""
    answer: bool = False


Facts = Mapping[tuple[str, str], Fact]


@dataclass(frozen=True)
class Reading:
    """A document's facts by operation and place, where they were found, and what was read otherwise than written."""

    surface: Surface
    facts: Facts
    notes: tuple[Problem, ...]


@lru_cache(maxsize=32)
def contract_facts(contract: Document) -> Facts:
    """All facts of the contract itself. With model families it knows the values that they list."""
    facts = _Reading(contract, contract, None).read().facts
    return {key: knowing(contract, fact) for key, fact in facts.items()} if KEY in contract.data else facts


def read_facts(contract: Document, document: Document, prefix: str | None = None) -> Reading:
    """The facts of another document, as deep as the contract goes; DocumentError where it has no image operation, or
    where they cannot be read."""
    return _Reading(contract, document, prefix).read()


def model_facts(contract: Document, document: Document, model: str, family: str | None = None) -> Facts:
    """The facts of a document with families for one model: its cells folded in, its defaults told."""
    merged: dict[tuple[str, str], Fact] = {}
    forms: tuple[Images, Images] = ("one", "list")
    for images in forms:
        plain = Document(narrow(document, model, images, family), document.source)
        for key, fact in read_facts(contract, plain).facts.items():
            merged[key] = _joined(merged[key], fact) if key in merged else fact
    known = family_of(document, model, family)
    return {key: _of_family(fact, known) for key, fact in merged.items()} if known else merged


def _of_family(fact: Fact, family: Family) -> Fact:
    """A fact with what a family tells beside its cells: its default, and whether a picture comes in that member."""
    name = fact.place.partition(":")[2]
    if _is_parameter(fact) and name in family.defaults and "default" not in fact.says:
        return replace(fact, says={**fact.says, "default": family.defaults[name]})
    return _carrying(fact, family.returns.carriers) if fact.answer else fact


def _is_parameter(fact: Fact) -> bool:
    """Whether a fact is about a parameter of a request body, not about what is inside of one."""
    return fact.kind == "member" and not fact.answer and fact.parent in MEDIA.values()


def _joined(one: Fact, other: Fact) -> Fact:
    """A form's single file and its list are two parts of one parameter."""
    if "parts" not in other.says or one.says.get("parts") == other.says["parts"]:
        return one
    parts = (*one.says.get("parts", ()), *other.says["parts"])
    says = {**other.says, **one.says, "parts": parts, "type": one.says["type"] | other.says["type"]}
    return replace(one, says=says)


def knowing(document: Document, fact: Fact) -> Fact:
    """A parameter with the values that the document's families list for it, and a member that carries a picture for
    some family marked as such."""
    if fact.answer:
        return _carrying(fact, {carrier for family in families(document) for carrier in family.returns.carriers})
    text = _is_parameter(fact) and "string" in (fact.says["type"] or ())
    listed = allowed_values(document, fact.operation, fact.place.partition(":")[2]) if text else ()
    known = unique((*fact.says.get("known", ()), *listed))
    return replace(fact, says={**fact.says, "known": known}) if listed and fact.says["values"] is None else fact


def _carrying(fact: Fact, carriers: Collection[str]) -> Fact:
    carries = fact.parent == PICTURE and fact.place.removeprefix(f"{PICTURE}.") in carriers
    return replace(fact, says={**fact.says, "carrier": True}) if carries else fact


class _Reading:
    """One document being read."""

    def __init__(self, contract: Document, document: Document, prefix: str | None) -> None:
        self.contract = contract
        self.document = document
        self.reader = SchemaReader(document)
        self.surface = locate(contract, document, self.reader, prefix)
        self.within = None if document is contract else contract_facts(contract)

    def read(self) -> Reading:
        facts = {(fact.operation, fact.place): fact for fact in self._all()}
        return Reading(self.surface, facts, tuple(self.reader.notes))

    def _all(self) -> Iterator[Fact]:
        where = self._root("servers")
        yield Fact("", "servers", "document", where, {"described": bool(self.document.data.get("servers"))})
        yield Fact("", "base", "document", where, {"value": self.surface.base})
        for name, pointer in self.surface.extra.items():
            yield Fact(name, "operation", "operation", pointer, {})
        for name, one in self.surface.found.items():
            node, pointer = one.node, one.pointer
            says = {"deprecated": node.get("deprecated") is True, "reads": one.method == "get"}
            yield Fact(name, "operation", "operation", pointer, says)
            printed = PATH_PARAMETER.sub("{}", one.path.removeprefix(self.surface.prefix))
            yield Fact(name, "path", "value", pointer, {"value": printed})
            yield self._security(name, node, pointer)
            yield from self._parameters(name, one)
            yield from self._request(name, node, pointer)
            yield from self._answers(name, node, pointer)

    def _root(self, key: str) -> str:
        """The pointer of a key of the whole document, or that of the document where it has none."""
        return f"/{key}" if key in self.document.data else ""

    def _security(self, name: str, node: Mapping[str, Any], pointer: str) -> Fact:
        """The ways to show a key that are allowed, "none" among them where it may be left out."""
        own = "security" in node
        asked = node["security"] if own else self.document.data.get("security", [])
        where = f"{pointer}/security" if own else self._root("security")
        ways = [self._way(choice) for choice in asked if isinstance(choice, dict)] if isinstance(asked, list) else []
        return Fact(name, "security", "value", where, {"value": frozenset(ways or ["none"])})

    def _way(self, choice: Mapping[str, Any]) -> str:
        """The schemes of one security requirement, all of which are needed. A tool's own keys are no schemes."""
        components = self.document.data.get("components")
        told = components.get("securitySchemes") if isinstance(components, dict) else None
        schemes = told if isinstance(told, dict) else {}
        names = [name for name in choice if name in schemes or not name.startswith("x-")]
        where = join("components", "securitySchemes")
        ways = {_scheme(self.reader.resolve(schemes.get(one), where + join(one))[0]) for one in names}
        return " and ".join(sorted(ways)) or "none"

    def _parameters(self, name: str, found: Located) -> Iterator[Fact]:
        """Query, header and cookie parameters; one of the operation replaces the path's of that name."""
        parameters: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        for holder, pointer in ((found.item, found.item_pointer), (found.node, found.pointer)):
            told = holder.get("parameters", [])
            for index, one in enumerate(told if isinstance(told, list) else ()):
                parameter, where = self.reader.resolve(one, f"{pointer}/parameters/{index}")
                if isinstance(parameter, dict) and parameter.get("in") in ("query", "header", "cookie"):
                    named = str(parameter.get("name"))
                    key = named.lower() if parameter["in"] == "header" else named
                    parameters[parameter["in"], key] = (where, parameter)
        for (kind, _), (where, parameter) in parameters.items():
            schema = self.reader.schema(parameter.get("schema", {}), f"{where}/schema")
            says = {**_says(schema), "required": parameter.get("required") is True}
            yield Fact(name, f"{kind}:{parameter.get('name')}", "parameter", where, says)

    def _request(self, name: str, node: Mapping[str, Any], pointer: str) -> Iterator[Fact]:
        if "requestBody" not in node:
            yield Fact(name, "body", "body", pointer, {"described": False})
            return
        body, where = self.reader.resolve(node["requestBody"], f"{pointer}/requestBody")
        content = body.get("content", {}) if isinstance(body, dict) else None
        if not isinstance(content, dict):
            raise self.reader.problem(where, "must be a request body, with a mapping of media types as its content")
        described = any(isinstance(one, dict) and one.get("schema") for one in content.values())
        yield Fact(name, "body", "body", where, {"described": described, "required": body.get("required") is True})
        for media_type, media in content.items() if described else ():
            short = self._first_media(name) if media_type == UNNAMED else _short(media_type)
            inside = where + join("content", media_type)
            schema = self._schema(media, inside)
            says = {"named": media_type != UNNAMED, **_kind(schema), **schema.rules}
            yield Fact(name, short, "media", inside, says)
            if short == "form":
                yield from self._form(name, short, form_parameters(schema, _encoding(media)))
            else:
                yield from self._members(Fact(name, short, "media", "", {}), ":", schema)

    def _first_media(self, operation: str) -> str:
        """What a media type that is not told stands for: the contract's first."""
        body = self.contract.resolve(self.contract.operations()[operation].node.get("requestBody", {}))
        return next((_short(name) for name in body.get("content", {})), "json")

    def _form(self, name: str, short: str, parameters: Mapping[str, FormParameter]) -> Iterator[Fact]:
        for base, parameter in parameters.items():
            place = f"{short}:{base}"
            says = {**_says(parameter.schema), "required": parameter.required}
            if parameter.files:
                says["parts"] = parameter.parts
            if parameter.content is not None:
                says["content"] = parameter.content
            fact = Fact(name, place, "member", parameter.schema.pointer, says, short)
            yield fact
            yield from self._inside(fact, parameter.schema)

    def _answers(self, name: str, node: Mapping[str, Any], pointer: str) -> Iterator[Fact]:
        responses = node.get("responses", {})
        if not isinstance(responses, dict):
            raise self.reader.problem(f"{pointer}/responses", "must be a mapping of statuses")
        best = _success(responses)
        for status, told in responses.items():
            response, where = self.reader.resolve(told, f"{pointer}{join('responses', status)}")
            content = response.get("content", {}) if isinstance(response, dict) else {}
            media = content if isinstance(content, dict) else {}
            described = any(isinstance(one, dict) and one.get("schema") for one in media.values())
            place = "200" if status == best else str(status)
            says = {"value": str(status), "described": described}
            if not place.startswith(("2", "4", "5", "default")):
                continue
            yield Fact(name, place, "status", where, says, answer=True)
            for media_type, one in media.items() if described and (status == best or place[:1] != "2") else ():
                yield from self._answer(name, place, media_type, one, where + join("content", media_type))

    def _answer(self, name: str, status: str, media_type: str, media: Any, pointer: str) -> Iterator[Fact]:
        short = "json" if media_type == UNNAMED else _short(media_type)
        place = f"{status} {short}"
        schema = self._events(media, pointer) if short == "stream" else self._schema(media, pointer)
        fact = Fact(name, place, "media", pointer, _kind(schema), status, answer=True)
        yield fact
        if short == "stream":
            yield from self._variants(fact, ":", schema)
        else:
            yield from self._members(fact, ":", schema)

    def _schema(self, media: Any, pointer: str) -> Schema:
        return self.reader.schema(media.get("schema", {}) if isinstance(media, dict) else {}, f"{pointer}/schema")

    def _events(self, media: Any, pointer: str) -> Schema:
        """The union of a stream's events, whether the document describes its frames or the events at once."""
        told = media.get("schema", {}) if isinstance(media, dict) else {}
        node, where = self.reader.resolve(told, f"{pointer}/schema")
        frame = node.get("properties") if isinstance(node, dict) else None
        if isinstance(frame, dict) and "data" in frame:
            data, place = self.reader.resolve(frame["data"], f"{where}/properties/data")
            if isinstance(data, dict) and "contentSchema" in data:
                return self._alone(self.reader.schema(data["contentSchema"], f"{place}/contentSchema"))
        return self._alone(self.reader.schema(node, where))

    @staticmethod
    def _alone(schema: Schema) -> Schema:
        """A single event as a union of one."""
        kind = schema.members.get("type")
        values = kind.schema.values if kind is not None and not schema.variants else None
        return replace(schema, variants={str(values[0]): schema}) if values is not None and len(values) == 1 else schema

    def _members(self, parent: Fact, joint: str, schema: Schema) -> Iterator[Fact]:
        """The facts of an object's members, and of all that is inside them."""
        for name, member in schema.members.items():
            yield from self._member(parent, f"{parent.place}{joint}{name}", member, name in schema.required)

    def _member(self, parent: Fact, place: str, member: Member, required: bool) -> Iterator[Fact]:
        schema = member.schema
        if schema.types == frozenset() and not schema.null:  # `false`: not a member
            return
        says = {**_says(schema), "required": required}
        fact = Fact(parent.operation, place, "member", schema.pointer, says, parent.place, parent.answer)
        yield fact
        yield from self._inside(fact, schema)

    def _variants(self, parent: Fact, joint: str, schema: Schema) -> Iterator[Fact]:
        for name, variant in schema.variants.items():
            yield from self._member(parent, f"{parent.place}{joint}{name}", _read(variant), True)

    def _inside(self, holder: Fact, schema: Schema) -> Iterator[Fact]:
        """What is inside a member, as far as the contract goes: nothing below it could differ from anything."""
        if not self._asks(holder):
            return
        yield from self._members(holder, ".", schema)
        if schema.items is not None:
            items = schema.items.schema
            place = f"{holder.place}[]"
            fact = Fact(holder.operation, place, "items", items.pointer, _says(items), holder.place, holder.answer)
            yield fact
            yield from self._inside(fact, items)

    def _asks(self, holder: Fact) -> bool:
        if holder.place.count(".") + holder.place.count("[]") >= DEEPEST:
            return False
        if self.within is None:
            return True
        place = holder.place
        if holder.answer and not place.startswith("200"):  # every error is held against the contract's first
            place = f"{error_status(self.within, holder.operation)} {place.partition(' ')[2]}"
        return (holder.operation, place) in self.within


def error_status(facts: Facts, operation: str) -> str:
    """The first error status of an operation, "" where it has none: in the contract all have one envelope."""
    statuses = (one.place for one in facts.values() if one.operation == operation and one.kind == "status")
    return next((place for place in statuses if place[:1] in "45"), "")


def _read(schema: Schema) -> Member:
    return Member(lambda: schema)


def _success(responses: Mapping[str, Any]) -> str | None:
    """The status that stands for a success; `default` only where no other does."""
    good = [status for status in responses if str(status)[:1] == "2"]
    good = good or [status for status in responses if status == "default"]
    return min(good, key=lambda one: GOOD.index(one) if one in GOOD else len(GOOD), default=None)


def _scheme(told: Any) -> str:
    if not isinstance(told, dict):
        return "a scheme that is not defined"
    if told.get("type") == "http":
        return f"http {told.get('scheme', '')}".lower().strip()
    if told.get("type") == "apiKey":
        place = f"{told.get('in')} {told.get('name')}"
        return "http bearer" if place.lower() == "header authorization" else f"key in {place}"
    return "http bearer" if told.get("type") in ("oauth2", "openIdConnect") else str(told.get("type"))


def _short(media_type: str) -> str:
    plain = media_type.partition(";")[0].strip().lower()
    return MEDIA.get(plain, "json" if plain.endswith("+json") else plain)


def _encoding(media: Any) -> Mapping[str, Any]:
    told = media.get("encoding") if isinstance(media, dict) else None
    return told if isinstance(told, dict) else {}


def _kind(schema: Schema) -> dict[str, Any]:
    """The type of a value, and whether the document tells what is in it."""
    described = bool(schema.members or schema.variants or schema.items)
    return {"type": schema.types, "described": described, "closed": schema.closed}


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
