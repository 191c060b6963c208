"""Types of a description as TypeScript declares them, under names that are settled for the whole package."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from imageproof.api.ir import Api, Field, Model, Type, Union
from imageproof.api.names import assign, pascal
from imageproof.emit.targets.common.walks import known_note, listed_values, operations, reach
from imageproof.emit.targets.typescript.text import comment, indented, key, literal

SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "base64": "string",
    "null": "null",
}
# What `runtime.d.ts` declares for users, by whether it is there at run time too.
ERRORS = (
    "APIConnectionError",
    "APIConnectionTimeoutError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APIUserAbortError",
    "AuthenticationError",
    "BadRequestError",
    "ClientError",
    "ConflictError",
    "InternalServerError",
    "InvalidParameterError",
    "ModerationError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestRuleError",
    "UnprocessableEntityError",
)
VALUES = (
    "APIPromise",
    "BaseClient",
    "ListPromise",
    "POLICY",
    "Stream",
    "checkMask",
    "dataURL",
    "makeMask",
    "toFile",
)
TYPES = (
    "AzureOptions",
    "Breach",
    "Bytes",
    "CarriedFile",
    "ClientOptions",
    "DownloadOptions",
    "FamilyOption",
    "FetchOptions",
    "FileContent",
    "FileInput",
    "HeadersGiven",
    "Picture",
    "Reason",
    "RequestOptions",
    "Retry",
    "SizedFile",
    "Validate",
    "WithRequestID",
)
# What the declarations use of the language's own, and what the modules call theirs.
GLOBALS = (
    "Array",
    "AsyncIterable",
    "Omit",
    "Readonly",
    "ReadonlyArray",
    "Record",
    "Uint8Array",
    "Client",
    "Resource",
    "SERVICE",
)
TAKEN = frozenset((*ERRORS, *VALUES, *TYPES, *GLOBALS))
CARRIED = ("toBytes", "save", "dataURL", "picture")  # of every model that carries a file
SIZED = ("size", "format")  # of those that have no member called so


@dataclass(frozen=True)
class Names:
    """Type names of a package: models by key as they come in answers, `params` as they go out, unions by key, `calls`
    the parameters of operations by id, `resources` the classes of calls by resource."""

    models: Mapping[str, str]
    params: Mapping[str, str]
    unions: Mapping[str, str]
    calls: Mapping[str, str]
    resources: Mapping[str, str]


def settle(api: Api) -> Names:
    """Names for everything that needs one: components keep theirs, and what is named by its place gives way."""
    outgoing, incoming = reach(api)
    brand = (api.brand, f"{api.brand}Error") if api.brand else ()
    taken = {*TAKEN, *brand}
    named = [one for one in api.models if one.key in incoming and not one.anonymous]
    placed = [one for one in api.models if one.key in incoming and one.anonymous]
    models = assign({one.key: (pascal(one.name), f"{pascal(one.name)}Model") for one in named}, taken)
    taken |= set(models.values())
    models |= assign({one.key: (pascal(one.name), f"{pascal(one.name)}Model") for one in placed}, taken)
    taken |= set(models.values())
    unions = assign(
        {one.key: (pascal(one.name), f"{pascal(one.name)}Union") for one in api.unions if one.key in incoming}, taken
    )
    taken |= set(unions.values())
    params = assign({one.key: (f"{pascal(one.name)}Param",) for one in api.models if one.key in outgoing}, taken)
    taken |= set(params.values())
    ends = ("", "NonStreaming", "Streaming", "Shared")
    spelt = {
        one.id: (pascal(one.method, "params"), pascal(one.resource, one.method, "params")) for one in operations(api)
    }
    calls = assign(spelt, {name.removesuffix(end) for name in taken for end in ends if name.endswith(end)})
    taken |= {f"{name}{end}" for name in calls.values() for end in ends}
    wanted = {one.name: (pascal(one.name), f"{pascal(one.name)}Resource") for one in api.resources}
    return Names(models, params, unions, calls, assign(wanted, taken))


def annotation(told: Type, names: Names, outgoing: bool) -> str:
    """The type of a value: `outgoing` takes what a caller may pass, else says what an answer holds."""
    choices = list(dict.fromkeys(_alternatives(told, names, outgoing)))
    if "unknown" in choices:
        return "unknown"
    return " | ".join([*(one for one in choices if one != "null"), *(["null"] if "null" in choices else [])])


def _alternatives(told: Type, names: Names, outgoing: bool) -> Iterator[str]:
    yield from _plain(told, names, outgoing)
    if told.nullable:
        yield "null"


def _plain(told: Type, names: Names, outgoing: bool) -> Iterator[str]:
    if told.kind in SCALARS:
        values = [literal(one) for one in listed_values(told)]
        if values and told.fixed:
            yield from values
        elif values and told.kind == "string":
            yield from (*values, "(string & {})")  # others are legal, and editors still offer these
        else:
            yield SCALARS[told.kind]
    elif told.kind == "file":
        yield "FileInput" if outgoing else "unknown"
    elif told.kind in ("list", "map"):
        item = annotation(told.item or Type("any"), names, outgoing)
        if told.kind == "list":
            yield f"ReadonlyArray<{item}>" if outgoing else f"Array<{item}>"
        else:
            yield f"Readonly<Record<string, {item}>>" if outgoing else f"Record<string, {item}>"
    elif told.kind == "model":
        yield names.params[told.model] if outgoing else names.models[told.model]
    elif told.kind == "union" and told.union and not outgoing:
        yield names.unions[told.union]
    elif told.kind == "union":
        for one in told.choices:
            yield from _alternatives(one, names, outgoing)
    else:
        yield "unknown"


def member(name: str, told: str, required: bool, outgoing: bool, doc: str) -> str:
    """A line of an interface, under its comment."""
    undefined = "" if required or not outgoing or told == "unknown" else " | undefined"
    return f"{doc}  {key(name)}{'' if required else '?'}: {told}{undefined};"


def answer(model: Model, names: Names) -> str:
    """The interface of a model as it comes in answers."""
    rows = [
        member(one.name, annotation(one.type, names, False), one.required, False, described(one, known=False))
        for one in model.fields
    ]
    if model.rest is not None:
        rows.append("  [member: string]: unknown;")
    return interface(names.models[model.key], model.doc, rows, _base(model))


def param(model: Model, names: Names) -> str:
    """The interface of a model as it goes out."""
    rows = [
        member(one.name, annotation(one.type, names, True), one.required, True, described(one)) for one in model.fields
    ]
    if model.single:
        return _single(model, names)
    if model.rest is not None:
        rows.append("  readonly [member: string]: unknown;")
    return interface(names.params[model.key], model.doc, rows)


def _single(model: Model, names: Names) -> str:
    """A model of which exactly one member is there: an alternative for each."""

    def choice(given: Field) -> str:
        told = annotation(replace(given.type, nullable=False), names, True)
        others = [f"  {key(one.name)}?: undefined;" for one in model.fields if one is not given]
        rows = [f"{described(given)}  {key(given.name)}: {told};", *others]
        return f"  | {{\n{indented(rows, 4)}\n    }}"

    choices = "\n".join(map(choice, model.fields))
    return f"{comment(model.doc, 0)}export type {names.params[model.key]} =\n{choices};"


def union(told: Union, names: Names) -> str:
    """The alias of a union as it comes in answers."""
    kinds = list(dict.fromkeys(annotation(one, names, False) for one in told.choices))
    kinds = ["unknown"] if "unknown" in kinds else kinds
    return f"{comment(told.doc, 0)}export type {names.unions[told.key]} = {' | '.join(kinds)};"


def interface(name: str, doc: str, rows: list[str], base: str = "") -> str:
    extends = f" extends {base}" if base else ""
    if not rows:
        return f"{comment(doc, 0)}export type {name} = {base or 'Record<string, unknown>'};"
    return "\n".join([f"{comment(doc, 0)}export interface {name}{extends} {{", *rows, "}"])


def is_sized(model: Model) -> bool:
    """Whether no member hides the size and the format of the file itself."""
    return not {one.name for one in model.fields} & set(SIZED)


def _base(model: Model) -> str:
    if not model.content:
        return ""
    base, own = ("SizedFile", (*CARRIED, *SIZED)) if is_sized(model) else ("CarriedFile", CARRIED)
    return _without(base, [one.name for one in model.fields if one.name in own])


def _without(base: str, hidden: Collection[str]) -> str:
    return f"Omit<{base}, {' | '.join(map(literal, hidden))}>" if hidden else base


def described(field: Field, known: bool = True) -> str:
    """The comment over a member, with its `known` values where families may differ in them."""
    pieces = [field.doc, known_note(field) if known and not field.type.fixed else "", limits(field)]
    tags = [("@deprecated", "")] if field.deprecated else []
    return comment(" ".join(piece for piece in pieces if piece), 2, *tags)


def limits(field: Field) -> str:
    """What a comment says of a field's bounds and default."""
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        bounds = f"From {low} to {high}."
    else:
        bounds = f"At least {low}." if low is not None else f"At most {high}." if high is not None else ""
    told = f"Default: {literal(field.default)}." if field.default is not None else ""
    return " ".join(piece for piece in (bounds, told) if piece)
