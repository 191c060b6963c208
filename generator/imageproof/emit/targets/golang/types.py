"""Types of a description as Go types, under names that are settled for the whole package."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from imageproof.api.ir import Api, Field, Model, Operation, Scalar, Type, Union
from imageproof.api.names import assign, words
from imageproof.emit.targets.common import calls
from imageproof.emit.targets.common.walks import aliased, body_fields, listed_values, listings, operations, reach
from imageproof.emit.targets.golang.text import literal

INITIALISMS = frozenset(
    [
        *(
            "api",
            "ascii",
            "cpu",
            "css",
            "dns",
            "gif",
            "gpt",
            "html",
            "http",
            "https",
            "id",
            "ip",
            "jpeg",
            "json",
            "jwt",
        ),
        *("png", "ram", "sql", "ssh", "svg", "tcp", "tls", "ttl", "ui", "uid", "uri", "url", "uuid", "vm", "xml"),
    ]
)
KEYWORDS = frozenset(
    [
        *("break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go"),
        *(
            "goto",
            "if",
            "import",
            "interface",
            "map",
            "package",
            "range",
            "return",
            "select",
            "struct",
            "switch",
            "type",
        ),
        "var",
    ]
)
# What the emitted methods use by names that an argument of theirs could hide.
METHOD_NAMES = KEYWORDS | frozenset(
    [
        *("answer", "any", "bool", "byte", "c", "ctx", "err", "error", "false", "float64", "int", "int64", "invoke"),
        *("nil", "options", "params", "pathValue", "r", "string", "true"),
    ]
)
# What the runtime exports. `tests/clients/go/test_emitted.py` holds the list against its files.
RUNTIME_NAMES = frozenset(
    [
        *("APIConnectionError", "APIError", "APIResponseValidationError", "APIStatusError", "APITimeoutError"),
        *(
            "AuthenticationError",
            "BadRequestError",
            "Breach",
            "CheckMask",
            "ConflictError",
            "Content",
            "DataURL",
            "File",
        ),
        *("FileBytes", "FileImage", "FileOrFiles", "FilePath", "FileReader", "Files", "InternalServerError"),
        *("InvalidParameterError", "MakeMask", "ModerationError", "NotFoundError", "Null", "Off", "Opt", "Option"),
        *("PermissionDeniedError", "Picture", "Policy", "RateLimitError", "ReadPicture", "Received", "Refuse"),
        *("Repeats", "RequestRuleError", "Retry", "Some", "Stream", "UnprocessableEntityError", "Unknown"),
        *(
            "Validation",
            "Warn",
            "WithAPIKey",
            "WithAPIKeyFunc",
            "WithAzure",
            "WithBaseURL",
            "WithExtra",
            "WithFamilies",
            "WithFamily",
        ),
        *("WithHTTPClient", "WithHeader", "WithMaxRetries", "WithOnBreach", "WithOnRetry", "WithOrganization"),
        *("WithProject", "WithQuery", "WithResponseInto", "WithTimeout", "WithValidate"),
    ]
)
PACKAGE_NAMES = RUNTIME_NAMES | {"Client", "NewClient", "Example"}
CLIENT_NAMES = frozenset(("BaseURL", "String", "GoString", "With"))
PRINTED_NAMES = frozenset(("String", "GoString"))
JSON_NAMES = PRINTED_NAMES | {"MarshalJSON", "UnmarshalJSON"}
CONTENT_NAMES = frozenset(("Bytes", "DataURL", "Picture", "Save"))
LETTERS = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd")  # of which Go makes identifiers
SCALARS = {"string": "string", "integer": "int", "number": "float64", "boolean": "bool", "base64": "string"}
ZEROS = {"string": '""', "int64": "0", "float64": "0", "bool": "false"}


@lru_cache(maxsize=4096)
def exported(*texts: str) -> str:
    """`B64JSON`, `ImageURL`: an identifier that other packages see. What has no capital begins with X."""
    told = [
        word.upper() if word in INITIALISMS else word[0].upper() + word[1:] for text in texts for word in words(text)
    ]
    name = "".join(f"_{word}" if _meet(before, word) else word for before, word in zip(["", *told], told, strict=False))
    name = "".join(letter for letter in name if letter == "_" or unicodedata.category(letter) in LETTERS)
    return name if name and unicodedata.category(name[0]) == "Lu" else f"X{name}"


def _meet(before: str, word: str) -> bool:
    """Whether digits would meet that belong to two words: 2.5 is not 25."""
    return before[-1:].isdigit() and word[0].isdigit()


def unexported(text: str) -> str:
    """`imageURL`: an identifier of an argument."""
    first, *rest = words(text) or ("x",)
    name = f"{first}{exported(*rest) if rest else ''}"
    name = "".join(letter for letter in name if letter == "_" or unicodedata.category(letter) in LETTERS)
    return name if name and unicodedata.category(name[0]) in ("Ll", "Lm", "Lo") else f"x{name}"


@dataclass(frozen=True)
class Names:
    """Names of a package: models by key as they come in answers, `params` as they go out, unions by key that are one of
    several models, `constants` of known values by (group, value), `calls` the structs of operations' arguments by id,
    `resources` the types of resources by name, `sealed` the interfaces of a file or a model, by the model's key."""

    models: Mapping[str, str]
    params: Mapping[str, str]
    unions: Mapping[str, str]
    constants: Mapping[tuple[str, Scalar], str]
    calls: Mapping[str, str]
    resources: Mapping[str, str]
    sealed: Mapping[str, str]


def settle(api: Api) -> Names:
    """Names for everything that needs one: components keep theirs, and what is named by its place gives way."""
    outgoing, incoming = reach(api)
    told = {model.key: model for model in api.models}
    taken = set(PACKAGE_NAMES)

    def settled(wanted: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        names = assign(wanted, taken)
        taken.update(names.values())
        return names

    here = [model for model in api.models if model.key in incoming]
    models = settled({one.key: (exported(one.name), exported(one.name, "model")) for one in here if not one.anonymous})
    models |= settled({one.key: (exported(one.name),) for one in here if one.anonymous})
    mixed = [one for one in api.unions if one.key in incoming and of_models(one)]
    unions = settled({one.key: (exported(one.name), exported(one.name, "union")) for one in mixed})
    params = settled({key: (exported(told[key].name, "param"),) for key in told if key in outgoing})
    named = {
        one.id: (exported(one.method, "params"), exported(one.resource, one.method, "params"))
        for one in operations(api)
    }
    called = settled(named)
    resources = settled({one.name: (exported(one.name), exported(one.name, "calls")) for one in api.resources})
    sealed = settled({key: (exported("file_or", told[key].name),) for key in _beside_files(api)})
    groups = known_groups(api)
    wanted = {
        (group, value): (exported(group, str(value)), exported(group, "value", str(value)))
        for group, values in groups.items()
        for value in values
    }
    return Names(models, params, unions, assign(wanted, taken), called, resources, sealed)


def _beside_files(api: Api) -> list[str]:
    """Keys of the models that a JSON body has where the form beside it has a file."""
    found: dict[str, None] = {}
    for operation in operations(api):
        twins = {one.name: one for one in operation.reference.fields} if operation.reference else {}
        for field in operation.body.fields if operation.body else ():
            key = _file_or(field, twins.get(field.name))
            found |= {key: None} if key else {}
    return list(found)


def _file_or(field: Field, twin: Field | None) -> str:
    """The key of the model that stands for a file in the other body, "" where it is not so."""
    kinds = {one.type.kind: one.type for one in (field, twin) if one}
    return kinds["model"].model if kinds.keys() == {"file", "model"} else ""


def known_groups(api: Api) -> dict[str, list[Scalar]]:
    """Known values by what takes them: components that list some, and members of bodies by name."""
    groups: dict[str, dict[Scalar, None]] = {}
    for name, told in listings(api).items():
        groups.setdefault(name, {}).update(dict.fromkeys(_constants(told)))
    for operation in operations(api):
        for field in body_fields(operation):
            if aliased(field):
                groups.setdefault(field.name, {}).update(dict.fromkeys(_constants(field.type)))
    return {name: list(values) for name, values in groups.items() if values}


def _constants(told: Type) -> Iterator[Scalar]:
    return (one for one in listed_values(told) if not isinstance(one, bool))


def of_models(union: Union) -> bool:
    """Whether a union is one of several objects, and nothing else."""
    return all(one.kind == "model" and not one.nullable for one in union.choices)


def answered(told: Type, names: Names, inside: bool = False) -> str:
    """The type of what an answer holds; `inside` a list or a map, where null must have a word."""
    plain = _answered(told, names)
    scalar = told.kind in SCALARS
    return f"*{plain}" if inside and told.nullable and scalar else plain


def _answered(told: Type, names: Names) -> str:
    if told.kind == "integer":
        return "int64"
    if told.kind in SCALARS:
        return SCALARS[told.kind]
    if told.kind == "list":
        return f"[]{answered(told.item or Type('any'), names, True)}"
    if told.kind == "map":
        return f"map[string]{answered(told.item or Type('any'), names, True)}"
    if told.kind == "model":
        return names.models[told.model]
    return names.unions.get(told.union, "any") if told.kind == "union" else "any"


def member(told: Type, names: Names) -> str:
    """The type of a member of an answer: objects are pointers, since they may hold themselves, or not be there."""
    return f"*{answered(told, names)}" if told.kind == "model" else answered(told, names)


def argument(field: Field, names: Names, twin: Field | None = None) -> str:
    """The type of an argument. `twin` is the same one of the JSON body beside a form."""
    told = field.type
    if twin and twin.type.kind != told.kind:
        return names.sealed.get(_file_or(field, twin), "any")
    plain = given(told, names)
    nullable = told.nullable or (twin is not None and twin.type.nullable)
    if told.kind in SCALARS:
        return plain if field.required and not nullable else f"Opt[{plain}]"
    if told.kind in ("list", "map", "model") and nullable:
        return f"Opt[{plain}]"
    return f"*{plain}" if told.kind == "model" else plain


def given(told: Type, names: Names) -> str:
    """The type of what a caller gives, where it must be there."""
    if told.kind in SCALARS:
        return SCALARS[told.kind]
    if told.kind == "file":
        return "*File"
    if told.kind == "model":
        return names.params[told.model]
    if told.kind in ("list", "map"):
        item = told.item or Type("any")
        inner = given(item, names)
        inner = f"Opt[{inner}]" if item.nullable and inner != "any" else inner
        return f"[]{inner}" if told.kind == "list" else f"map[string]{inner}"
    if told.kind == "union" and _is_file_or_files(told):
        return "FileOrFiles"
    return "any"


def _is_file_or_files(told: Type) -> bool:
    kinds = {one.item.kind if one.kind == "list" and one.item else one.kind for one in told.choices}
    return kinds == {"file"} and len(told.choices) == 2


def choices_note(told: Type, names: Names, twin: Type | None = None) -> str:
    """What a comment says of an argument whose type says nothing."""
    kinds = [*(told.choices if told.kind == "union" else (told,)), *((twin,) if twin else ())]
    plain = [f"*{given(one, names)}" if one.kind == "model" else given(one, names) for one in kinds]
    return f"One of {', '.join(dict.fromkeys(plain))}." if len(set(plain)) > 1 else ""


def member_names(model: Model) -> dict[str, str]:
    """Name on the wire -> name in the struct of answers."""
    hidden = {"Received", *JSON_NAMES, *(CONTENT_NAMES if model.content else ())}
    return assign({one.name: (exported(one.name), exported(one.name, "member")) for one in model.fields}, hidden)


def param_names(model: Model) -> dict[str, str]:
    """Name on the wire -> name in the struct of arguments."""
    return assign({one.name: (exported(one.name), exported(one.name, "member")) for one in model.fields})


def constant(field: Field) -> str:
    """The one text that a required argument may be, "" for any other argument."""
    told = field.type
    fixed = field.required and told.fixed and not told.nullable and told.kind == "string"
    return str(told.known[0]) if fixed and len(told.known) == 1 else ""


def tag(name: str, place: str = "", must: bool = False, fixed: str = "") -> str:
    """The tag of a member: its name on the wire, where it goes if not into the body, whether it must be given, and the
    text that it is when it is not."""
    text = f"api:{literal(name)}"
    text += f' in:"{place}"' if place else ""
    text += ' must:"true"' if must else ""
    text += f" is:{literal(fixed)}" if fixed else ""
    return literal(text) if "`" in text else f"`{text}`"


def resource_names(api: Api) -> dict[str, str]:
    """Resource name -> the client's field."""
    reserved = CLIENT_NAMES
    return calls.resource_names(api, lambda name: _free(exported(name), reserved, "Calls"))


def method_names(api: Api) -> dict[str, str]:
    """Operation id -> method."""
    return {
        operation: name
        for resource in api.resources
        for operation, name in calls.method_names(resource, _method).items()
    }


def _method(name: str) -> str:
    return _free(exported(name), PRINTED_NAMES, "Call")


def stream_names(api: Api) -> dict[str, str]:
    """Operation id -> the method that streams, of those that can do either."""
    methods = method_names(api)
    found: dict[str, str] = {}
    for resource in api.resources:
        taken = {methods[one.id] for one in resource.operations}
        wanted = {
            one.id: (f"{methods[one.id]}Stream", f"{methods[one.id]}Events")
            for one in resource.operations
            if one.reply.switch and one.reply.events
        }
        found |= assign(wanted, taken)
    return found


def call_names(api: Api) -> dict[str, str]:
    """Operation id -> field and method, such as `Images.Generate`."""
    fields, methods = resource_names(api), method_names(api)
    return {
        one.id: f"{fields[resource.name]}.{methods[one.id]}"
        for resource in api.resources
        for one in resource.operations
    }


def path_names(operation: Operation) -> dict[str, str]:
    """Parameter of the path -> argument."""
    told = [one.field.name for one in operation.parameters if one.place == "path"]
    return assign({name: (_free(unexported(name), METHOD_NAMES, "Value"),) for name in told}, METHOD_NAMES)


def _free(name: str, reserved: frozenset[str], ending: str) -> str:
    return f"{name}{ending}" if name in reserved else name
