"""Views of `models.py`: the classes of answers, the dictionaries of requests, the aliases of known values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imageproof.api.ir import Api, Field, Model
from imageproof.emit.targets.python.text import alternatives, docstring, imported, joined, literal, section, used
from imageproof.emit.targets.python.types import (
    KEYWORDS,
    SCALARS,
    Names,
    aliased,
    annotation,
    attribute_names,
    decoder,
    limits,
    listings,
    literals,
    operations,
    reach,
    union_decoder,
    union_decoder_name,
    unshadowed,
)


@dataclass(frozen=True)
class Class:
    """A class of answers. `fields` are whole lines; `constants` the lines under them."""

    name: str
    bases: str
    doc: str
    fields: tuple[str, ...]
    constants: tuple[str, ...]


@dataclass(frozen=True)
class Dictionary:
    """A TypedDict: as a class with `fields`, or, where a key cannot be an attribute, as a call with `items`.
    `told` are the annotations in either."""

    name: str
    doc: str
    fields: tuple[str, ...]
    items: tuple[str, ...]
    told: tuple[str, ...]


@dataclass(frozen=True)
class Decoder:
    """How values become models: a line `target = expression`."""

    target: str
    expression: str


def models_view(api: Api, names: Names) -> dict[str, Any]:
    """What `models.py.jinja` shows."""
    outgoing, incoming = reach(api)
    classes = [_class(model, names) for model in api.models if model.key in incoming]
    dictionaries = [_dictionary(model, names) for model in api.models if model.key in outgoing]
    aliases, unions = list(_known(api, names)), list(_unions(api, names, incoming))
    decoders = [*_union_decoders(api, names, incoming), *_nested(api, names, incoming)]
    texts = [*aliases, *unions, *(line for one in classes for line in (one.bases, *one.fields, *one.constants))]
    texts += [line for one in dictionaries for line in one.told]
    texts += ["dataclass"] if classes else []
    texts += ["TypedDict"] if dictionaries else []
    texts += [one.expression for one in decoders]
    return {
        "title": api.title,
        "imports": _imports(texts),
        "aliases": aliases,
        "unions": unions,
        "classes": classes,
        "dictionaries": dictionaries,
        "decoders": decoders,
    }


def exported(api: Api, names: Names) -> list[str]:
    """The public names of `models.py`."""
    _, incoming = reach(api)
    unions = [name for key, name in names.unions.items() if key in incoming]
    aliases = [*names.aliases.values(), *names.listed.values()]
    return [*names.models.values(), *names.params.values(), *unions, *aliases]


def decoder_names(api: Api, names: Names) -> list[str]:
    """The decoders of unions, which `client.py` may need."""
    _, incoming = reach(api)
    return [one.target for one in _union_decoders(api, names, incoming)]


def _imports(texts: list[str]) -> list[str]:
    """Import lines in three groups, divided by empty lines."""
    standard = [
        "import builtins" if used(["builtins"], texts) else "",
        imported("collections.abc", used(["Mapping", "Sequence"], texts)),
        imported("dataclasses", used(["dataclass"], texts)),
        imported("typing", used(["Any", "ClassVar", "Literal", "NotRequired", "TypeAlias", "TypedDict"], texts)),
    ]
    own = [
        imported(".", used(["_content", "_model"], texts)),
        imported("._files", used(["FileInput"], texts)),
    ]
    groups = [[line for line in group if line] for group in (standard, own)]
    lines = [line for group in groups if group for line in (*group, "")]
    return lines[:-1]


def _known(api: Api, names: Names) -> Iterator[str]:
    for key, told in listings(api).items():
        yield alternatives(names.listed[key], [SCALARS[told.kind]], literals(told))
    for operation in operations(api):
        for field in operation.body.fields if operation.body else ():
            if aliased(field):
                values = [literal(value) for value in field.type.known]
                yield alternatives(names.aliases[operation.id, field.name], [SCALARS[field.type.kind]], values)


def _unions(api: Api, names: Names, incoming: set[str]) -> Iterator[str]:
    """Union aliases. They stand under the classes that they name."""
    for union in api.unions:
        if union.key in incoming:
            kinds = list(dict.fromkeys(annotation(one, names, False) for one in union.choices))
            yield joined(names.unions[union.key], kinds)


def _union_decoders(api: Api, names: Names, incoming: set[str]) -> Iterator[Decoder]:
    for union in api.unions:
        if union.key in incoming:
            yield Decoder(union_decoder_name(union.key, names), union_decoder(union, names))


def _nested(api: Api, names: Names, incoming: set[str]) -> Iterator[Decoder]:
    """The tables by which members that hold models are decoded. They stand last, since models refer to one another."""
    for model in api.models:
        if model.key not in incoming:
            continue
        attributes = attribute_names(model)
        pairs = [(attributes[one.name], decoder(one.type, names)) for one in model.fields]
        rows = [f"    {literal(attribute)}: {told}," for attribute, told in pairs if told]
        if rows:
            yield Decoder(f"{names.models[model.key]}._nested", "\n".join(["{", *rows, "}"]))


def _class(model: Model, names: Names) -> Class:
    attributes = attribute_names(model)
    shadows = set(attributes.values())
    fields = []
    for one in model.fields:
        told = unshadowed(annotation(one.type, names, False), shadows)
        if not one.required and not told.endswith("None") and told != "Any":
            told = f"{told} | None"
        fields.append(f"{attributes[one.name]}: {told}{'' if one.required else ' = None'}")
    renamed = {attribute: name for name, attribute in attributes.items() if attribute != name}
    doc = "\n\n".join(
        part
        for part in (
            model.doc or f"Members of `{model.name}`.",
            section("Attributes", ((attributes[one.name], _note(one)) for one in model.fields)),
        )
        if part
    )
    bases = "_content.Content, _model.Model" if model.content else "_model.Model"
    constants = tuple(unshadowed(line, shadows) for line in _constants(model, attributes, renamed))
    return Class(names.models[model.key], bases, docstring(doc, 4), tuple(fields), constants)


def _constants(model: Model, attributes: Mapping[str, str], renamed: Mapping[str, str]) -> Iterator[str]:
    if model.content:
        yield f"_inline: ClassVar[str] = {literal(attributes[model.content.inline])}"
        if model.content.link:
            yield f"_link: ClassVar[str] = {literal(attributes[model.content.link])}"
    if renamed:
        rows = "".join(f"\n        {literal(attribute)}: {literal(name)}," for attribute, name in renamed.items())
        yield f"_renamed: ClassVar[Mapping[str, str]] = {{{rows}\n    }}"


def _dictionary(model: Model, names: Names) -> Dictionary:
    lines = []
    plain = all(_is_attribute(one.name) for one in model.fields)
    shadows = {one.name for one in model.fields} if plain else set()
    for one in model.fields:
        told = unshadowed(annotation(one.type, names, True), shadows)
        lines.append((one.name, told if one.required else f"NotRequired[{told}]"))
    text = "\n\n".join(
        part
        for part in (
            model.doc or f"Members of `{model.name}`.",
            section("Keys", ((one.name, _note(one)) for one in model.fields)),
        )
        if part
    )
    annotations = tuple(told for _, told in lines)
    if plain:
        fields = tuple(f"{name}: {told}" for name, told in lines)
        return Dictionary(names.params[model.key], docstring(text, 4), fields, (), annotations)
    items = tuple(f"{literal(name)}: {literal(told)}" for name, told in lines)
    return Dictionary(names.params[model.key], docstring(text, 0), (), items, annotations)


def _is_attribute(key: str) -> bool:
    """Whether a key may stand in a class: no keyword, spelt as Python spells it, and not mangled."""
    spelt = key.isidentifier() and unicodedata.normalize("NFKC", key) == key and not key.startswith("__")
    return spelt and key not in KEYWORDS


def _note(field: Field) -> str:
    pieces = ["Deprecated." if field.deprecated else "", field.doc, limits(field)]
    return " ".join(piece for piece in pieces if piece)
