"""One document read for its facts, as deep as the contract goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.fact import UNNAMED, Fact, Facts, error_status, short_name
from imageproof.contract.form import FormParameter, form_parameters
from imageproof.contract.pointers import join
from imageproof.contract.schema import UNSTATED, Member, Schema
from imageproof.contract.schema_reader import SchemaReader
from imageproof.contract.surface import Located, locate

GOOD = ("200", "201", "2XX", "2xx", "202", "203", "206", "default")  # the status of a success, the best first
PATH_PARAMETER = re.compile(r"\{[^}]*\}")
DEEPEST = 50  # members inside each other, where no contract says how deep to go


class FactReader:
    """Reads one document. `within` are the facts of the contract, None for the contract itself; of a body that is
    told apart by its model, `model` chooses the one. Without `answers`, what is answered is not read."""

    def __init__(
        self,
        contract: Document,
        document: Document,
        prefix: str | None,
        within: Facts | None,
        model: str | None = None,
        answers: bool = True,
    ) -> None:
        self.contract = contract
        self.document = document
        self.reader = SchemaReader(document)
        self.surface = locate(contract, document, self.reader, prefix)
        self.within = within
        self.model = model
        self.answers = answers
        self.errors = {name: error_status(within or {}, name) for name in self.surface.found}

    def read(self) -> Facts:
        """All facts by operation and place."""
        return {(fact.operation, fact.place): fact for fact in self._all()}

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
            if self.answers:
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
            short = self._first_media(name) if media_type == UNNAMED else short_name(media_type)
            inside = where + join("content", media_type)
            schema = self._schema(media, inside)
            schema = schema.variants.get(self.model or "", schema)  # a body for each model: the one that is asked for
            says = {"named": media_type != UNNAMED, **_kind(schema), **schema.rules}
            yield Fact(name, short, "media", inside, says)
            if short == "form":
                yield from self._form(name, short, form_parameters(schema, _encoding(media)))
            else:
                yield from self._members(Fact(name, short, "media", "", {}), ":", schema)

    def _first_media(self, operation: str) -> str:
        """What a media type that is not told stands for: the contract's first."""
        body = self.contract.resolve(self.contract.operations()[operation].node.get("requestBody", {}))
        return next((short_name(name) for name in body.get("content", {})), "json")

    def _form(self, name: str, short: str, parameters: Mapping[str, FormParameter]) -> Iterator[Fact]:
        for base, parameter in parameters.items():
            place = f"{short}:{base}"
            says = {**_says(parameter.schema), "required": parameter.required}
            if parameter.files:
                says["parts"] = parameter.parts
            if parameter.content:
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
        short = "json" if media_type == UNNAMED else short_name(media_type)
        place = f"{status} {short}"
        schema = self._events(media, pointer) if short == "stream" else self._schema(media, pointer)
        says = {**_kind(schema), "null": schema.null}
        fact = Fact(name, place, "media", pointer, says, status, answer=True)
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
        undescribed = {name: _read(Schema(schema.pointer)) for name in sorted(schema.required - set(schema.members))}
        for name, member in {**schema.members, **undescribed}.items():
            yield from self._member(parent, f"{parent.place}{joint}{name}", member, name in schema.required)

    def _member(self, parent: Fact, place: str, member: Member, required: bool) -> Iterator[Fact]:
        schema = member.schema
        forbidden = schema.types == frozenset() and not schema.null  # `false`
        if forbidden or (schema.write_only if parent.answer else schema.read_only):
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
            place = f"{self.errors[holder.operation]} {place.partition(' ')[2]}"
        return (holder.operation, place) in self.within


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
