"""Schemas of OpenAPI 3.0 and 3.1 read into types, models and unions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from imageproof.api.ir import Content, Field, Kind, Model, Scalar, Source, Type, Union
from imageproof.contract.document import Document, required_names
from imageproof.contract.pointers import join, split, target
from imageproof.errors import Problem

SCALARS: dict[str, Kind] = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
# What says something of the shape; a schema with none of these only constrains what another one shapes.
SHAPING = frozenset(
    {
        "type",
        "properties",
        "items",
        "additionalProperties",
        "enum",
        "const",
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "format",
    }
)
DEEPEST = 40  # objects read inside one another; in large documents they refer to one another in chains of hundreds
# What says nothing of the shape: a reference with these beside it is the reference.
ANNOTATIONS = frozenset(
    {"title", "description", "default", "example", "examples", "deprecated", "nullable", "readOnly", "writeOnly"}
)
# Shapes that no type below can express; a document that has them is told so.
NOT_READ = {
    "patternProperties": "members by name pattern",
    "prefixItems": "items by position",
    "$dynamicRef": "dynamic references",
    "dependentSchemas": "members that depend on others",
}
# An event whose name ends in one of these words closes a stream. OpenAPI has no word of its own for it.
LAST_WORDS = ("completed", "done", "finished")


class Schemas:
    """Reads schemas of one document, and gathers the models and unions that they need, each once.

    `models` and `unions` are in the order of first need; `problems` names what could not be expressed.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.models: dict[str, Model] = {}
        self.unions: dict[str, Union] = {}
        self.problems: list[Problem] = []
        self._begun: set[str] = set()  # objects whose members are being read, or are read
        self._open: set[str] = set()  # references that are being followed
        self._merging: set[str] = set()  # allOf that are being merged
        self._folding: set[str] = set()  # allOf that are being read as one schema
        self._depth = 0  # objects that are being read, one inside the other
        self._later: list[tuple[Mapping[str, Any], str, str]] = []  # objects that wait until fewer are open
        self._homes: dict[int, str] = {}  # id of a schema inside a merged one -> its own pointer
        self._done: dict[str, Type] = {}  # what they led to

    def source(self, pointer: str) -> Source:
        file, line = self.document.place(pointer)
        return Source(file, pointer, line)

    def warn(self, pointer: str, message: str, hint: str = "") -> None:
        problem = self.document.problem(pointer, message, hint=hint, level="warning")
        if problem not in self.problems:
            self.problems.append(problem)

    def type(self, node: Any, pointer: str, name: str) -> Type:
        """The type of the schema at a pointer. `name` is what to call it when it needs a name and has none."""
        if not isinstance(node, Mapping) or not SHAPING & set(node):
            return Type("any")
        if "$ref" in node:
            return self._referred(node, pointer, name)
        node = dict(node)
        for keyword, what in NOT_READ.items():
            if keyword in node:
                self.warn(join(*split(pointer), keyword), f"{keyword} is not emitted: {what}")
        if "allOf" in node:
            return self._composed(node, pointer, name)
        return self._shaped(node, pointer, name)

    def _composed(self, node: dict[str, Any], pointer: str, name: str) -> Type:
        """The type of an `allOf`: that of the one reference in it, where nothing beside it says more."""
        parts = [one for one in node["allOf"] if isinstance(one, Mapping) and set(one) - ANNOTATIONS]
        alone = len(parts) == 1 and "$ref" in parts[0] and not set(node) - ANNOTATIONS - {"allOf"}
        if alone and not _is_component(pointer):
            found = self._referred(parts[0], pointer, name)
            return replace(found, nullable=True) if node.get("nullable") is True else found
        if pointer in self._folding and pointer not in self.models:
            self.warn(pointer, "a schema that holds itself without an object between is emitted as any value")
            return Type("any")
        inner = pointer in self._folding
        self._folding.add(pointer)
        found = self._shaped(self._merged(node, pointer), pointer, name)
        if not inner:
            self._folding.discard(pointer)
        return found

    def _shaped(self, node: dict[str, Any], pointer: str, name: str) -> Type:
        choices = self._choices(node, pointer)
        if choices is not None:
            return self._union(node, pointer, name, choices)
        return self._plain(node, pointer, name)

    def fields(self, node: Mapping[str, Any], pointer: str, name: str) -> tuple[Field, ...]:
        """The members of an object schema, in document order."""
        required = required_names(node)
        return tuple(
            self.field(
                member, prop, self._home(prop, pointer, "properties", member), f"{name} {member}", member in required
            )
            for member, prop in node.get("properties", {}).items()
        )

    def field(self, member: str, prop: Any, pointer: str, name: str, required: bool) -> Field:
        target = self.document.resolve(prop)
        told = {**target, **prop} if isinstance(prop, Mapping) and isinstance(target, Mapping) else {}
        return Field(
            name=member,
            type=self.type(prop, pointer, name),
            required=required,
            doc=str(told.get("description", "")).strip(),
            source=self.source(pointer),
            deprecated=told.get("deprecated") is True,
            default=_kept(told.get("default")),
            minimum=_limit(told, "minimum", "exclusiveMinimum"),
            maximum=_limit(told, "maximum", "exclusiveMaximum"),
            example=next(_each(told.get("examples")), told.get("example")),
        )

    def object(self, node: Any, pointer: str) -> tuple[dict[str, Any], str]:
        """A schema with references followed and `allOf` merged, and the pointer of where it stands."""
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            pointer = _pointer(node["$ref"])
            node = self.document.at(pointer)
        node = dict(node) if isinstance(node, Mapping) else {}
        return (self._merged(node, pointer) if "allOf" in node else node), pointer

    def _referred(self, node: Mapping[str, Any], pointer: str, name: str) -> Type:
        extra = {key: value for key, value in node.items() if key in SHAPING - {"$ref"}}
        if extra:
            return self.type({"allOf": [{"$ref": node["$ref"]}], **extra}, pointer, name)
        target = _pointer(node["$ref"])
        if target in self._open and target not in self.models:
            self.warn(pointer, "a schema that holds itself without an object between is emitted as any value")
            return Type("any")
        if target not in self._done:
            self._open.add(target)
            found = self.type(self.document.at(target), target, split(target)[-1])
            self._open.discard(target)
            self._done[target] = found
        else:
            found = self._done[target]
        return replace(found, nullable=True) if node.get("nullable") is True else found

    def _merged(self, node: dict[str, Any], pointer: str) -> dict[str, Any]:
        """One schema for `allOf` and what stands beside it. Members and requirements add up; else the last one wins."""
        merged: dict[str, Any] = {}
        if pointer in self._merging:
            self.warn(pointer, "allOf that leads back to itself adds nothing")
            return merged
        self._merging.add(pointer)
        beside = {key: value for key, value in node.items() if key != "allOf"}
        parts = [(one, f"{pointer}/allOf/{index}") for index, one in enumerate(node["allOf"])]
        for told, where in [*parts, (beside, pointer)]:
            part, where = self.object(told, where)
            self._settle(part, where)
            for key, value in part.items():
                if key in ("properties", "patternProperties") and key in merged:
                    merged[key] = {**merged[key], **value}
                elif key == "required" and isinstance(value, list) and isinstance(merged.get(key), list):
                    merged[key] = [*merged[key], *(one for one in value if one not in merged[key])]
                elif key in ("anyOf", "oneOf") and key in merged and _shaping(merged[key]) and _shaping(value):
                    self.warn(pointer, f"allOf over several {key} is emitted by the last of them only")
                    merged[key] = value
                elif not (key in ("description", "title") and not value):
                    merged[key] = value
        self._merging.discard(pointer)
        return merged

    def _settle(self, part: Mapping[str, Any], where: str) -> None:
        """Remembers where the schemas in one part of an `allOf` stand: merged, they would seem to stand elsewhere."""
        children = [(prop, join("properties", member)) for member, prop in part.get("properties", {}).items()]
        children += [(part[key], f"/{key}") for key in ("items", "additionalProperties") if key in part]
        for key in ("oneOf", "anyOf"):
            children += [(one, f"/{key}/{index}") for index, one in enumerate(part.get(key, ()))]
        for child, place in children:
            if isinstance(child, Mapping):
                self._homes.setdefault(id(child), where + place)

    def _home(self, child: Any, pointer: str, *place: str | int) -> str:
        """Where a schema stands that was met at a place below a pointer."""
        return self._homes.get(id(child)) or pointer + join(*place)

    def _choices(self, node: Mapping[str, Any], pointer: str) -> list[tuple[Any, str]] | None:
        """Alternatives with their pointers; None where the schema has none that shape anything."""
        for keyword in ("oneOf", "anyOf"):
            options = node.get(keyword, [])
            if options and _shaping(options):
                return [(option, self._home(option, pointer, keyword, index)) for index, option in enumerate(options)]
        types = node.get("type")
        if isinstance(types, list) and len([one for one in types if one != "null"]) > 1:
            return [({**node, "type": one}, pointer) for one in types]
        return None

    def _union(self, node: Mapping[str, Any], pointer: str, name: str, choices: list[tuple[Any, str]]) -> Type:
        nullable = node.get("nullable") is True
        found: list[Type] = []
        for index, (option, where) in enumerate(choices):
            one = self.type(option, where, f"{name} {index + 1}" if len(choices) > 1 else name)
            nullable = nullable or one.nullable or one.kind == "null"
            one = replace(one, nullable=False)
            if one.kind != "null" and one not in found:
                found.append(one)
        if any(one.kind == "any" for one in found) or not found:
            return Type("any", nullable)
        if len(found) == 1 and found[0].name:
            return replace(found[0], nullable=nullable)
        if all(one.kind == "string" for one in found):  # a list of values beside an open string is an open list
            known = tuple(dict.fromkeys(value for one in found for value in one.known))
            return Type("string", nullable, known=known, fixed=all(one.fixed for one in found) and len(known) == 1)
        if len(found) == 1:
            return replace(found[0], nullable=nullable)
        if _is_component(pointer):
            return Type("union", nullable, union=self._named(node, pointer, tuple(found)), choices=tuple(found))
        key = self._named(node, pointer, tuple(found), name) if all(one.kind == "model" for one in found) else ""
        return Type("union", nullable, union=key, choices=tuple(found))

    def _named(self, node: Mapping[str, Any], pointer: str, choices: tuple[Type, ...], name: str = "") -> str:
        if pointer not in self.unions:
            prop, tags = self._tags(node, choices)
            doc = str(node.get("description", "")).strip()
            source = self.source(pointer)
            self.unions[pointer] = Union(pointer, name or split(pointer)[-1], choices, doc, source, prop, tags)
        return pointer

    def _tags(self, node: Mapping[str, Any], choices: tuple[Type, ...]) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The member that tells models apart, and its value for each: by `discriminator`, else by constants."""
        told = node.get("discriminator", {})
        prop = told.get("propertyName", "") if isinstance(told, Mapping) else ""
        if prop and all(one.kind == "model" for one in choices):
            mapping = told.get("mapping") or {}
            pairs = [(value, self._mapped(reference)) for value, reference in mapping.items()]
            for one in choices:
                if one.model not in [key for _, key in pairs]:
                    pairs.append((split(one.model)[-1], one.model))
            return str(prop), tuple(pairs)
        if not all(one.kind == "model" and one.model in self.models for one in choices):
            return "", ()
        constants = [
            {field.name: field.type.known[0] for field in self.models[one.model].fields if len(field.type.known) == 1}
            for one in choices
        ]
        shared = [name for name in constants[0] if all(name in one for one in constants)]
        for name in shared:
            values = [str(one[name]) for one in constants]
            if len(set(values)) == len(values):
                return name, tuple(zip(values, (one.model for one in choices), strict=True))
        return "", ()

    def _mapped(self, reference: str) -> str:
        return _pointer(reference) if reference.startswith("#") else join("components", "schemas", reference)

    def _plain(self, node: Mapping[str, Any], pointer: str, name: str) -> Type:
        kind, nullable = _kind(node)
        if kind == "object":
            return self._object(node, pointer, name, nullable)
        if kind == "array":
            held = node.get("items", {})
            item = self.type(held, self._home(held, pointer, "items"), f"{name} item")
            return Type("list", nullable, item=item)
        if kind in SCALARS:
            found = _scalar(node, SCALARS[kind], nullable)
            listed = found.known and not found.fixed and _is_component(pointer)
            return replace(found, name=split(pointer)[-1]) if listed else found
        return Type("null" if kind == "null" else "any", nullable)

    def _object(self, node: Mapping[str, Any], pointer: str, name: str, nullable: bool) -> Type:
        rest = node.get("additionalProperties")
        where = self._home(rest, pointer, "additionalProperties")
        if not node.get("properties"):
            item = self.type(rest, where, f"{name} value")
            return Type("map", nullable, item=item)
        if pointer not in self._begun:
            self._begun.add(pointer)  # before its members, which may refer back to it
            self.models[pointer] = Model(pointer, name, (), "", self.source(pointer))
            self._later.append((node, pointer, name))
            while self._later and self._depth < DEEPEST:
                self._depth += 1
                self._model(*self._later.pop())
                self._depth -= 1
        return Type("model", nullable, model=pointer)

    def _model(self, node: Mapping[str, Any], pointer: str, name: str) -> None:
        fields = self.fields(node, pointer, name)
        rest = node.get("additionalProperties")
        where = self._home(rest, pointer, "additionalProperties")
        self.models[pointer] = Model(
            key=pointer,
            name=name,
            fields=fields,
            doc=str(node.get("description", "")).strip(),
            source=self.source(pointer),
            rest=self.type(rest, where, name) if isinstance(rest, Mapping) else None,
            content=_content(fields),
            anonymous=len(split(pointer)) != 3,
            single=rest is False and len(fields) > 1 and node.get("minProperties") == node.get("maxProperties") == 1,
        )


def last_events(union: Union | None) -> tuple[str, ...]:
    """The tags after which a stream may end; () when no tag says so by its last word."""
    tags = union.tags if union else ()
    return tuple(value for value, _ in tags if value.replace("_", ".").split(".")[-1] in LAST_WORDS)


def is_file(node: Mapping[str, Any]) -> bool:
    """Whether a string schema means raw bytes rather than text."""
    return node.get("format") == "binary" or ("contentMediaType" in node and "contentEncoding" not in node)


def _is_component(pointer: str) -> bool:
    return pointer.startswith("/components/schemas/") and pointer.count("/") == 3


def _kind(node: Mapping[str, Any]) -> tuple[str, bool]:
    """The JSON type of a schema and whether null is legal beside it; "" when the schema leaves the type open."""
    types = node.get("type")
    names = [types] if isinstance(types, str) else list(types or ())
    values = node.get("enum", ())
    nullable = node.get("nullable") is True or "null" in names or None in values
    rest = [one for one in names if one != "null"]
    if rest:
        return rest[0], nullable
    if names:
        return "null", nullable
    if "const" in node:
        return _kind_of(node["const"]), nullable
    kinds = {_kind_of(value) for value in values if value is not None}
    if len(kinds) == 1:
        return kinds.pop(), nullable
    if "properties" in node or "additionalProperties" in node:
        return "object", nullable
    return "array" if "items" in node else "string" if "format" in node and is_file(node) else "", nullable


def _kind_of(value: Any) -> str:
    names = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _scalar(node: Mapping[str, Any], kind: Kind, nullable: bool) -> Type:
    form = str(node.get("format", ""))
    if (kind == "string" and node.get("contentEncoding") == "base64") or form == "byte":
        return Type("base64", nullable)
    if kind == "string" and is_file(node):
        return Type("file", nullable)
    fixed = "const" in node
    values = [node["const"]] if fixed else [*node.get("enum", ()), *node.get("x-known-values", ())]
    known: tuple[Scalar, ...] = tuple(dict.fromkeys(one for one in values if isinstance(one, str | int | float)))
    return Type(kind, nullable, known=known, fixed=fixed, format=form)


def _kept(value: Any) -> Scalar | None:
    return value if isinstance(value, str | int | float) else None


def _limit(node: Mapping[str, Any], key: str, exclusive: str) -> float | None:
    """A bound that is itself legal; in 3.0 a boolean beside it says that it is not."""
    value = node.get(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and node.get(exclusive) is not True else None


def _content(fields: tuple[Field, ...]) -> Content | None:
    inline = next((one.name for one in fields if one.type.kind == "base64"), "")
    link = next((one.name for one in fields if one.type.kind == "string" and one.type.format in ("uri", "url")), "")
    return Content(inline, link) if inline else None


def _shaping(options: Any) -> bool:
    """Whether any alternative says something of the shape, so that it is more than a constraint."""
    return any(isinstance(one, Mapping) and bool(SHAPING & set(one)) for one in _each(options))


def _each(options: Any) -> Iterator[Any]:
    yield from options if isinstance(options, list) else ()


def _pointer(reference: str) -> str:
    """The pointer of a local reference in its one spelling."""
    return join(*split(target(reference)))
