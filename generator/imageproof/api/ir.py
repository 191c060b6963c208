"""The description of an API: frozen values, without OpenAPI and without any target language.

Names are as the document writes them (wire names); each target makes its own identifiers of them by `api.names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Scalar = str | int | float | bool
Kind = Literal[
    "any", "string", "integer", "number", "boolean", "null", "base64", "file", "list", "map", "model", "union"
]


@dataclass(frozen=True)
class Source:
    """Where something stands: `file` as the user named it, JSON pointer, line from 1 (None when unknown)."""

    file: str
    pointer: str
    line: int | None = None


@dataclass(frozen=True)
class Type:
    """What a value may be.

    `model` (kind "model") and `union` (kind "union", "" for one without a name) are keys of `Api.models` and
    `Api.unions`; `item` is what a list or map holds; `choices` are the alternatives of a union. `known` lists the
    documented values of a scalar: others are legal, unless `fixed`, which says that the one known value is the only
    one. `format` is the document's, such as "uri". `name` is the component that lists the known values, "" where they
    are listed in place.
    """

    kind: Kind
    nullable: bool = False
    item: Type | None = None
    model: str = ""
    union: str = ""
    choices: tuple[Type, ...] = ()
    known: tuple[Scalar, ...] = ()
    fixed: bool = False
    format: str = ""
    name: str = ""


@dataclass(frozen=True)
class Field:
    """One member of a model or of a body. `known_by_family` pairs a model family with the values that it takes.

    `default`, `minimum`, `maximum` and `example` are None where the document gives none.
    """

    name: str
    type: Type
    required: bool
    doc: str
    source: Source
    deprecated: bool = False
    known_by_family: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()
    default: Scalar | None = None
    minimum: float | None = None
    maximum: float | None = None
    example: Any = None


@dataclass(frozen=True)
class Content:
    """A model that carries a file: `inline` is the member with its base64, `link` the member with its URL or ""."""

    inline: str
    link: str


@dataclass(frozen=True)
class Model:
    """An object with members. `name` is the component's; an object without one is named by its place and `anonymous`.

    `rest` is the type of members that have no field, None where the document does not say; `single` says that exactly
    one of the members is there.
    """

    key: str
    name: str
    fields: tuple[Field, ...]
    doc: str
    source: Source
    rest: Type | None = None
    content: Content | None = None
    anonymous: bool = False
    single: bool = False


@dataclass(frozen=True)
class Union:
    """Alternatives under a name. Unless `property` is "", its value tells them apart: `tags` are (value, model key)."""

    key: str
    name: str
    choices: tuple[Type, ...]
    doc: str
    source: Source
    property: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter outside the body. `place` is "path", "query" or "header"; a list in a query is repeated when
    `explode`, else joined by commas."""

    field: Field
    place: Literal["path", "query", "header"]
    explode: bool = True


@dataclass(frozen=True)
class Part:
    """How one body field travels in a form: under `one` for a single value, under `many` for each item of a list (""
    where a list is not taken); an object as bracketed names, or as one part of JSON."""

    one: str
    many: str
    objects: Literal["brackets", "json"] = "json"


@dataclass(frozen=True)
class Body:
    """A request body. With `form` "json", "multipart" or "urlencoded" and an object schema, `fields` are its members
    and `parts` (by field name) say how a form carries them; otherwise `whole` is the type of the body, bytes for "raw".

    `others` are the media types that are not emitted; `shown` the members that the document's first example has.
    """

    media_type: str
    form: Literal["json", "multipart", "urlencoded", "raw"]
    required: bool
    fields: tuple[Field, ...]
    whole: Type | None
    parts: tuple[tuple[str, Part], ...]
    source: Source
    others: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Events:
    """A stream of server-sent events: the type of one event, the member that tells events apart ("" for none), and the
    values of it after which a stream may end (() where the document does not tell)."""

    type: Type
    property: str
    last: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """What success answers: `whole` as JSON, None for no content; `raw` for bytes of another media type, which are
    `text` where the document says so. `events` is there where the operation can stream, `switch` names the boolean body
    field that asks for it ("" for always)."""

    whole: Type | None
    raw: bool
    events: Events | None
    switch: str
    text: bool = False


@dataclass(frozen=True)
class Operation:
    """One call: `resource` and `method` name it in a client, `verb` is the HTTP method in upper case. `reference` is
    the JSON body beside a form, where it has members that the form has not, such as files by reference."""

    id: str
    resource: str
    method: str
    verb: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    reply: Reply
    summary: str
    doc: str
    deprecated: bool
    source: Source
    reference: Body | None = None


@dataclass(frozen=True)
class Auth:
    """How the key travels: in `header`, after `prefix` (such as "Bearer ")."""

    header: str
    prefix: str


@dataclass(frozen=True)
class Resource:
    """A group of operations."""

    name: str
    doc: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class FamilyNote:
    """What a reader needs to know of a model family: its models and whether they still run."""

    id: str
    models: tuple[str, ...]
    state: str
    until: str


@dataclass(frozen=True)
class FormRules:
    """What holds of a body for every model. `required` are groups of members, one of each of which must be there;
    `properties` the schema of each member as JSON values, with `x-rule`, `x-rule-missing` and `x-parameter`, and
    `file: true` for files; `type_rule` is the requirement that a wrong type breaks. `json` says that it is no form."""

    json: bool
    required: tuple[tuple[str, ...], ...]
    properties: Mapping[str, Any]
    type_rule: str


@dataclass(frozen=True)
class FamilyRules:
    """What a model family narrows: operation id -> parameter -> {schema, rule, file?}, and the rules that span
    parameters as {id, when, then, message}, as JSON values."""

    id: str
    models: tuple[str, ...]
    cells: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, tuple[Mapping[str, Any], ...]]


@dataclass(frozen=True)
class Rules:
    """The table that requests are held against before they are sent: the forms of operations by id, the first of them
    the body and the second the JSON body beside it; and the families."""

    forms: Mapping[str, tuple[FormRules, ...]]
    families: tuple[FamilyRules, ...]


@dataclass(frozen=True)
class Api:
    """The whole. `base_url` is the first server, "" for none; `service` one word for whose API it is ("openai"),
    `brand` what the clients may be called too ("OpenAI", "" for nothing); `rules` is None without model families;
    models and unions stand in the order in which operations first need them."""

    title: str
    version: str
    doc: str
    service: str
    base_url: str
    auth: Auth | None
    resources: tuple[Resource, ...]
    models: tuple[Model, ...]
    unions: tuple[Union, ...]
    families: tuple[FamilyNote, ...]
    source: Source
    brand: str = ""
    rules: Rules | None = None
