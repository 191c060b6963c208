"""Types of a description as Python annotations and decoders, under names that are settled for the whole package."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from imageproof.api.ir import Api, Field, Model, Type, Union
from imageproof.api.names import assign, pascal, snake, unreserved
from imageproof.emit.targets.common.walks import (
    aliased,
    body_fields,
    linked,
    listed_values,
    listings,
    operations,
    reach,
)
from imageproof.emit.targets.python.text import WIDTH, literal

SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "base64": "str", "null": "None"}
# What cannot be a name, and what linters refuse as one because it looks like a digit.
KEYWORDS = frozenset((*keyword.kwlist, "l", "I", "O"))
# Errors, by the names that `errors.py` of the package gives them.
ERRORS = (
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
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
# What users of the package meet beside its errors, its clients and its models, by module.
RUNTIME_NAMES = {
    "_content": ("data_url",),
    "_files": ("FileInput",),
    "_model": ("NOT_GIVEN", "NotGiven"),
    "_pictures": ("Picture", "check_mask", "make_mask"),
    "_raw": ("AsyncStreamedResponse", "RawResponse", "StreamedResponse"),
    "_retry": ("POLICY", "Retry"),
    "_stream": ("AsyncStream", "Stream"),
}
RULES_NAMES = ("RequestRuleWarning",)  # of `_rules`, where a document has model families
# What the emitted modules import or define themselves.
MODULE_NAMES = (
    KEYWORDS
    | frozenset(ERRORS)
    | frozenset(name for names in RUNTIME_NAMES.values() for name in names)
    | frozenset(RULES_NAMES)
    | frozenset(
        [
            *("Any", "ClassVar", "Literal", "Mapping", "NotRequired", "Required", "Sequence", "TypeAlias", "TypedDict"),
            *(
                "AsyncCalls",
                "AsyncClient",
                "AsyncResource",
                "BlockingClient",
                "Bytes",
                "CallOptions",
                "Calls",
                "Client",
            ),
            *("Events", "Json", "Operation", "Reader", "Resource", "Service", "Text", "Unpack", "WaitingClient"),
            *("Iterator", "Off", "On"),
            *("annotations", "arguments", "builtins", "check", "dataclass", "httpx2", "overload", "shown"),
        ]
    )
)
# What decodes values, as the emitted modules call it: no name of a document begins so.
HELPERS = ("_as_is", "_either", "_listed", "_tagged")
RARE_HELPERS = ("_closest", "_mapped")  # of `_shapes.py`, which only the documents get that need it
# What every model has.
MODEL_NAMES = frozenset(
    [
        *("extra", "request_id", "decode", "to_bytes", "save", "data_url", "picture", "to_dict", "to_json"),
        *("model_dump", "model_dump_json"),
        *("members", "nest", "holds_files"),
        *("self", "cls", "builtins"),
    ]
)
BUILTINS = frozenset(("str", "int", "float", "bool", "bytes", "list", "dict", "object", "tuple"))


@dataclass(frozen=True)
class Names:
    """Class and alias names of a package: models by key as they come in answers, `params` as they go out, unions by
    key, `aliases` of known values by (operation id, field name), `listed` those of components, `calls` the arguments of
    operations by id. `twins` are the names of models and unions in the asynchronous client, where they
    differ; `files` are the keys of models that carry files."""

    models: Mapping[str, str]
    params: Mapping[str, str]
    unions: Mapping[str, str]
    aliases: Mapping[tuple[str, str], str]
    listed: Mapping[str, str]
    calls: Mapping[str, str]
    twins: Mapping[str, str]
    files: Collection[str]

    def waiting(self) -> Names:
        """The names as the asynchronous client has them."""
        models = {key: self.twins.get(key, name) for key, name in self.models.items()}
        return replace(
            self, models=models, unions={key: self.twins.get(key, name) for key, name in self.unions.items()}
        )


def settle(api: Api) -> Names:
    """Names for everything that needs one: components keep theirs, and what is named by its place gives way."""
    outgoing, incoming = reach(api)
    told = {model.key: model for model in api.models}
    named = [model for model in api.models if model.key in incoming and not model.anonymous]
    placed = [model for model in api.models if model.key in incoming and model.anonymous]
    models = assign({one.key: (pascal(one.name), f"{pascal(one.name)}Model") for one in named}, MODULE_NAMES)
    taken = {*MODULE_NAMES, *models.values()}
    listed = assign({one: (pascal(one), f"{pascal(one)}Value") for one in listings(api)}, taken)
    taken |= set(listed.values())
    models |= assign({one.key: (pascal(one.name),) for one in placed}, taken)
    taken |= set(models.values())
    unions = assign({one.key: (pascal(one.name), f"{pascal(one.name)}Union") for one in api.unions}, taken)
    taken |= set(unions.values())
    params = assign({key: (f"{pascal(told[key].name)}Param",) for key in told if key in outgoing}, taken)
    taken |= set(params.values())
    wanted = {
        (operation.id, field.name): (
            pascal(operation.method, field.name),
            pascal(operation.resource, operation.method, field.name),
        )
        for operation in operations(api)
        for field in body_fields(operation)
        if is_aliased(field)
    }
    aliases = assign(wanted, taken)
    taken |= set(aliases.values())
    named_calls = {
        one.id: (pascal(one.method, "params"), pascal(one.resource, one.method, "params")) for one in operations(api)
    }
    calls = assign(named_calls, taken)
    taken |= set(calls.values())
    both = {**models, **unions}
    twins = assign({key: (f"Async{both[key]}",) for key in linked(api) if key in both and key in incoming}, taken)
    return Names(models, params, unions, aliases, listed, calls, twins, [one.key for one in api.models if one.content])


def is_aliased(field: Field) -> bool:
    """Whether the known values of a request's field get a name: those that do not fit beside the field's own."""
    line = f"    {snake(field.name)}: Required[Literal[{', '.join(literals(field.type))}] | float | NotGiven | None]"
    return aliased(field) and len(line) > WIDTH


def annotation(told: Type, names: Names, outgoing: bool, alias: str = "") -> str:
    """The annotation of a type: `outgoing` takes what a caller may pass, else says what an answer holds."""
    plain = alias or _plain(told, names, outgoing)
    return f"{plain} | None" if told.nullable and plain not in ("Any", "None") else plain


def _plain(told: Type, names: Names, outgoing: bool) -> str:
    if told.name in names.listed:
        return names.listed[told.name]
    if told.kind in SCALARS:
        values = literals(told)
        plain = SCALARS[told.kind]
        if not values:
            return plain
        listed = f"Literal[{', '.join(values)}]"
        return listed if told.fixed else f"{listed} | {plain}"
    if told.kind == "file":
        return "FileInput" if outgoing else "Any"
    if told.kind in ("list", "map"):
        item = annotation(told.item or Type("any"), names, outgoing)
        if told.kind == "list":
            return f"Sequence[{item}]" if outgoing else f"list[{item}]"
        return f"Mapping[str, {item}]" if outgoing else f"dict[str, {item}]"
    if told.kind == "model":
        return names.params[told.model] if outgoing else names.models[told.model]
    if told.kind == "union":
        if told.union and not outgoing:
            return names.unions[told.union]
        return " | ".join(dict.fromkeys(_plain(one, names, outgoing) for one in told.choices))
    return "Any"


def literals(told: Type) -> list[str]:
    """Known values as `Literal` takes them: texts, whole numbers and truth values."""
    return [literal(value) for value in listed_values(told)]


def decoder(told: Type | None, names: Names) -> str:
    """An expression that decodes a JSON value, "" where the value is good as it is."""
    if told is None:
        return ""
    if told.kind == "model":
        return f"{names.models[told.model]}.decode"
    if told.kind in ("list", "map"):
        inner = decoder(told.item, names)
        helper = "listed" if told.kind == "list" else "mapped"
        return f"_{helper}({inner})" if inner else ""
    if told.kind == "union":
        if told.union:
            return union_decoder_name(told.union, names)
        models = [one for one in told.choices if one.kind == "model"]
        return f"_closest({', '.join(names.models[one.model] for one in models)})" if models else ""
    return ""


def union_decoder_name(key: str, names: Names) -> str:
    return f"decode_{snake(names.unions[key])}"


def union_decoder(union: Union, names: Names) -> str:
    """The expression behind a union's own decoder."""
    models = [one for one in union.choices if one.kind == "model"]
    if union.property and union.tags:
        rows = "".join(
            f"\n        {literal(value)}: {names.models[key]}," for value, key in union.tags if key in names.models
        )
        return f"_tagged(\n    {literal(union.property)},\n    {{{rows}\n    }},\n)"
    if not models:
        return "_as_is"
    listed = [names.models[one.model] for one in models]
    line = f"_closest({', '.join(listed)})"
    if len(union_decoder_name(union.key, names)) + len(" = ") + len(line) <= WIDTH:
        return line
    return "\n".join(["_closest(", *(f"    {one}," for one in listed), ")"])


def attribute_names(model: Model) -> dict[str, str]:
    """Field name -> attribute name, for all fields of a model."""
    plain = {one.name: unreserved(snake(one.name), KEYWORDS | MODEL_NAMES) for one in model.fields}
    exact = {name: name for name, attribute in plain.items() if name == attribute}
    rest = {name: (one, f"{one}_member") for name, one in plain.items() if name not in exact}
    settled = exact | assign(rest, exact)
    return {one.name: settled[one.name] for one in model.fields}


def unshadowed(text: str, shadows: Collection[str]) -> str:
    """An annotation that still means the built-in types where a class has members called like them."""
    hidden = BUILTINS & set(shadows) & set(dir(builtins))
    if not hidden:
        return text
    pattern = re.compile(rf"(?<![\w\"'.])({'|'.join(sorted(hidden))})(?![\w\"'])")
    return pattern.sub(r"builtins.\1", text)
