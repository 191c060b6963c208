"""Views of `models.py`: the classes of answers, the dictionaries of requests, the aliases of known values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imageproof.api.ir import Api, Field, Model
from imageproof.emit.targets.common.walks import body_fields, limits, listings, operations, reach
from imageproof.emit.targets.python.text import (
    alternatives,
    called,
    docstring,
    imported,
    joined,
    literal,
    renamed,
    section,
    used,
)
from imageproof.emit.targets.python.types import (
    HELPERS,
    KEYWORDS,
    RARE_HELPERS,
    SCALARS,
    Names,
    annotation,
    attribute_names,
    decoder,
    is_aliased,
    literals,
    union_decoder,
    union_decoder_name,
    unshadowed,
)

BASES = ("_AsyncLinked", "_Content", "_Linked", "_Model", "_Sized")
FEW = 3  # members that classes may have in common without a base of theirs


@dataclass(frozen=True)
class Class:
    """A class of answers. `fields` are whole lines; `constants` the lines under them; `items` are attribute and type of
    the one list of models that it is iterated over, "" for none."""

    name: str
    bases: str
    doc: str
    fields: tuple[str, ...]
    constants: tuple[str, ...]
    items: tuple[str, str]


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
    """How values become models: a line `target = expression`, or the expression alone where it tells a model."""

    target: str
    expression: str


def models_view(api: Api, names: Names, arguments: Sequence[Any]) -> dict[str, Any]:
    """What `models.py.jinja` shows; `arguments` are the dictionaries of operations' arguments."""
    outgoing, incoming = reach(api)
    waiting = names.waiting()
    received = [model for model in api.models if model.key in incoming]
    before = _told_before(received, names)
    classes = [_class(model, names, told_as=before.get(model.key, "")) for model in received]
    classes += [_class(model, waiting, names) for model in api.models if model.key in incoming & names.twins.keys()]
    classes = _based(classes)
    dictionaries = [_dictionary(model, names) for model in api.models if model.key in outgoing]
    aliases = list(_known(api, names))
    twins = incoming & names.twins.keys()
    unions = [*_unions(api, names, incoming), *_unions(api, waiting, twins)]
    decoders = [*_union_decoders(api, names, incoming), *_union_decoders(api, waiting, twins)]
    decoders += [*_nested(api, names, incoming), *_nested(api, waiting, twins)]
    texts = [*aliases, *unions, *(line for one in classes for line in (one.bases, *one.fields, *one.constants))]
    texts += [line for one in (*dictionaries, *arguments) for line in one.told]
    texts += [one.expression for one in decoders] + ["Iterator" if any(one.items[0] for one in classes) else ""]
    return {
        "title": api.title,
        "imports": _imports(texts, used(["NotGiven"], [*texts, "NotGiven"])),
        "rules": api.rules is not None,
        "aliases": aliases,
        "unions": unions,
        "classes": classes,
        "dictionaries": dictionaries,
        "arguments": arguments,
        "decoders": decoders,
    }


def exported(api: Api, names: Names) -> list[str]:
    """The public names of `models.py`, but for those of arguments."""
    _, incoming = reach(api)
    unions = [name for key, name in names.unions.items() if key in incoming]
    twins = [name for key, name in names.twins.items() if key in incoming]
    aliases = [*names.aliases.values(), *names.listed.values()]
    return [*names.models.values(), *twins, *names.params.values(), *unions, *aliases]


def answers(api: Api, names: Names) -> list[str]:
    """The names of what answers are, which users of the package meet first."""
    _, incoming = reach(api)
    known = [*names.models.items(), *names.unions.items(), *names.twins.items()]
    return [name for key, name in known if key in incoming]


def decoder_names(api: Api, names: Names) -> list[str]:
    """The decoders of unions, which `client.py` may need."""
    _, incoming = reach(api)
    both = [(names, incoming), (names.waiting(), incoming & names.twins.keys())]
    return [one.target for own, keys in both for one in _union_decoders(api, own, keys)]


def _imports(texts: list[str], more: list[str]) -> list[str]:
    """Import lines in three groups, divided by empty lines."""
    typing = ["Any", "ClassVar", "Literal", "NotRequired", "Required", "TypeAlias"]
    standard = [
        "import builtins" if used(["builtins"], texts) else "",
        imported("collections.abc", ["Mapping", *used(["Iterator", "Sequence"], texts)]),
        imported("typing", ["Any", "TypedDict", *used(typing, [*texts, "Literal" if more is None else ""])]),
    ]
    own = [
        *renamed("_content", used([one for one in BASES if one != "_Model"], texts)),
        imported("._files", used(["FileInput"], texts)),
        *renamed("_model", used(["_Model", *HELPERS], texts), ["NotGiven"]),
        *renamed("_shapes", used(RARE_HELPERS, texts)),
    ]
    groups = [[line for line in group if line] for group in (standard, ["import httpx2"], own)]
    lines = [line for group in groups if group for line in (*group, "")]
    return lines[:-1]


def _known(api: Api, names: Names) -> Iterator[str]:
    for key, told in listings(api).items():
        yield alternatives(names.listed[key], [SCALARS[told.kind]], literals(told))
    for operation in operations(api):
        for field in body_fields(operation):
            if is_aliased(field):
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
        rows = [f"{attribute}={told}" for attribute, told in pairs if told]
        if rows:
            yield Decoder("", called(f"{names.models[model.key]}.nest", rows, 0))


def _class(model: Model, names: Names, twin_of: Names | None = None, told_as: str = "") -> Class:
    attributes = attribute_names(model)
    shadows = set(attributes.values())
    fields = []
    for one in model.fields:
        told = unshadowed(annotation(one.type, names, False), shadows)
        if not one.required and not told.endswith("None") and told != "Any":
            told = f"{told} | None"
        fields.append(f"{attributes[one.name]}: {told}{'' if one.required else ' = None'}")
    renamed = {attribute: name for name, attribute in attributes.items() if attribute != name}
    doc = model.doc or f"Members of `{model.name}`."
    doc = f"{doc} {told_as}" if told_as else f"{doc}\n\n{_attributes(model)}".strip()
    if twin_of:
        doc = f"As {twin_of.models[model.key]}, in the asynchronous client."
    bases = _bases(model, shadows, bool(twin_of))
    constants = tuple(unshadowed(line, shadows) for line in _constants(model, attributes, renamed, names))
    items = _items(model, attributes, names)
    return Class(names.models[model.key], bases, docstring(doc, 4), tuple(fields), constants, items)


def _based(classes: Sequence[Class]) -> list[Class]:
    """The classes; what several have in common stands in a base of theirs, above the first."""
    made: list[Class] = []
    left = list(classes)
    while left:
        first = left.pop(0)
        group, shared = [first], first.fields
        for other in left:
            common = tuple(field for field in shared if field in other.fields)
            if len(common) > FEW:
                group, shared = [*group, other], common
        name = f"_{_ending([one.name for one in group])}"
        if len(group) > 1 and name not in (*BASES, *(one.name for one in made)):
            doc = docstring(f"What is common to {len(group)} classes below.", 4)
            made.append(Class(name, "_Model", doc, shared, (), ("", "")))
            first, *_ = under = [_under(one, name, shared) for one in group]
            left = [under[group.index(one)] if one in group else one for one in left]
        made.append(first)
    return made


def _under(one: Class, base: str, shared: Sequence[str]) -> Class:
    """The class without what its base has. What has a base gets no other: too little is left to share."""
    own = tuple(field for field in one.fields if field not in shared)
    return replace(one, bases=base if one.bases == "_Model" else f"{base}, {one.bases}", fields=own)


def _ending(names: Sequence[str]) -> str:
    """The words with which all names end, else the first name."""
    endings = (names[0][at:] for at, letter in enumerate(names[0]) if letter.isupper())
    return next((ending for ending in endings if all(name.endswith(ending) for name in names)), names[0])


def _attributes(model: Model) -> str:
    """What a docstring says of the members of a model."""
    attributes = attribute_names(model)
    return section("Attributes", ((attributes[one.name], _note(one)) for one in model.fields))


def _told_before(models: Sequence[Model], names: Names) -> dict[str, str]:
    """Model key -> what is said in place of its members, where a model above has more than a few of the same ones."""
    first: dict[str, str] = {}
    for model in models:
        first.setdefault(_attributes(model), names.models[model.key])
    told = {model.key: (first[_attributes(model)], _attributes(model).count("\n")) for model in models}
    return {
        key: f"Attributes as those of {name}."
        for key, (name, lines) in told.items()
        if name != names.models[key] and lines > 3
    }


def _items(model: Model, attributes: Mapping[str, str], names: Names) -> tuple[str, str]:
    """The attribute that holds the one list of models, and their class; "" for none."""
    lists = [one for one in model.fields if one.required and one.type.item and one.type.item.kind == "model"]
    if len(lists) != 1 or lists[0].type.kind != "list" or not lists[0].type.item:
        return "", ""
    return attributes[lists[0].name], names.models[lists[0].type.item.model]


def _bases(model: Model, attributes: set[str], waiting: bool) -> str:
    if not model.content:
        return "_Model"
    kind = ("AsyncLinked" if waiting else "Linked") if model.content.link else "Content"
    sized = "" if attributes & {"size", "format"} else "_Sized, "
    return f"{sized}_{kind}"


def _constants(model: Model, attributes: Mapping[str, str], renamed: Mapping[str, str], names: Names) -> Iterator[str]:
    files = [one for one in model.fields if one.required and one.type.item and one.type.item.model in names.files]
    if len(files) == 1:
        yield f"_files: ClassVar[str] = {literal(attributes[files[0].name])}"
    if model.content:
        told = {"inline": attributes[model.content.inline], "link": attributes.get(model.content.link or "", "url")}
        usual = {"inline": "b64_json", "link": "url"}  # as the runtime has them
        yield from (f"_{one}: ClassVar[str] = {literal(name)}" for one, name in told.items() if name != usual[one])
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
    pieces = ["Deprecated." if field.deprecated else "", field.doc, limits(field, literal)]
    return " ".join(piece for piece in pieces if piece)
