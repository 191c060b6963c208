"""Walks over a description: what operations take, which models requests and answers need, what leads to files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from imageproof.api.ir import Api, Field, Model, Operation, Reply, Scalar, Type


def operations(api: Api) -> Iterator[Operation]:
    for resource in api.resources:
        yield from resource.operations


def body_fields(operation: Operation) -> tuple[Field, ...]:
    """The members of an operation's bodies: those of its body, and those that only the JSON body beside it has."""
    own = operation.body.fields if operation.body else ()
    names = {one.name for one in own}
    more = operation.reference.fields if operation.reference else ()
    return (*own, *(one for one in more if one.name not in names))


def required_fields(operation: Operation) -> Iterator[Field]:
    """What a call must have: parameters, members of its body, and a body that is one value under the name "body"."""
    body = operation.body
    yield from (one.field for one in operation.parameters if one.field.required)
    yield from (one for one in (body.fields if body else ()) if one.required)
    if body and body.whole and body.required:
        yield Field("body", body.whole, True, "", body.source)


def in_both(operation: Operation, field: Field) -> bool:
    """Whether each of the operation's bodies has the member."""
    bodies = (operation.body, operation.reference)
    return all(any(one.name == field.name for one in body.fields) for body in bodies if body)


def switches(operation: Operation, field: Field) -> bool:
    """Whether a member is the one that asks for a stream."""
    return bool(operation.reply.switch) and field.name == operation.reply.switch


def always_streams(reply: Reply) -> bool:
    return bool(reply.events) and not reply.switch


def linked(api: Api) -> list[str]:
    """Keys of the models whose files may be behind a URL, and of all models and unions that lead to one."""
    return leading(api, [model.key for model in api.models if model.content and model.content.link])


def carrying(api: Api) -> list[str]:
    """Keys of the models that carry files, and of all models and unions that lead to one."""
    return leading(api, [model.key for model in api.models if model.content])


def leading(api: Api, goals: Iterable[str]) -> list[str]:
    """Keys of some models, and of all models and unions that lead to one."""
    leads: dict[str, set[str]] = {}
    for model in api.models:
        for field in model.fields:
            for key in _keys(field.type):
                leads.setdefault(key, set()).add(model.key)
    for union in api.unions:
        for choice in union.choices:
            for key in _keys(choice):
                leads.setdefault(key, set()).add(union.key)
    stack = [*goals]
    found = set(stack)
    while stack:
        more = leads.get(stack.pop(), set()) - found
        found |= more
        stack.extend(more)
    return [key for key in (*(one.key for one in api.models), *(one.key for one in api.unions)) if key in found]


def _keys(told: Type) -> Iterator[str]:
    """Keys of the models and unions that a type names."""
    stack = [told]
    while stack:
        told = stack.pop()
        stack.extend(inner for inner in (told.item, *told.choices) if inner)
        yield from filter(None, (told.model, told.union))


def listings(api: Api) -> dict[str, Type]:
    """The components that list known values of a scalar, in the order in which they are first met."""
    found: dict[str, Type] = {}
    members = [field.type for model in api.models for field in model.fields]
    members += [one for union in api.unions for one in union.choices]
    for operation in operations(api):
        body, reply = operation.body, operation.reply
        members += [one.field.type for one in operation.parameters]
        members += [one.type for one in body_fields(operation)]
        members += [one for one in (body and body.whole, reply.whole, reply.events and reply.events.type) if one]
    stack = members[::-1]
    while stack:
        told = stack.pop()
        stack.extend(one for one in (told.item, *told.choices) if one)
        if told.name and listed_values(told):
            found.setdefault(told.name, told)
    return found


def reach(api: Api) -> tuple[set[str], set[str]]:
    """Keys of the models and unions that requests need, and of those that answers need."""
    out: set[str] = set()
    back: set[str] = set()
    models = {model.key: model for model in api.models}
    for operation in operations(api):
        body = operation.body
        fields = [*(parameter.field for parameter in operation.parameters), *body_fields(operation)]
        fields += operation.reference.fields if operation.reference else ()
        for told in [*(field.type for field in fields), *([body.whole] if body and body.whole else [])]:
            _follow(told, models, out)
        reply = operation.reply
        for answer in (reply.whole, reply.events.type if reply.events else None):
            if answer:
                _follow(answer, models, back)
    return out, back


def _follow(told: Type, models: Mapping[str, Model], found: set[str]) -> None:
    """Adds the keys that a type leads to. By a stack: models of large documents form chains of hundreds."""
    stack = [told]
    while stack:
        told = stack.pop()
        stack.extend(inner for inner in (told.item, *told.choices) if inner)
        if told.union:
            found.add(told.union)
        if told.model and told.model not in found:
            found.add(told.model)
            stack.extend(field.type for field in models[told.model].fields)


def listed_values(told: Type) -> list[Scalar]:
    """Known values that can stand in a type: texts, truth values and whole numbers of 64 bits."""
    if told.kind == "number":
        return []
    return [one for one in told.known if isinstance(one, str) or (not isinstance(one, float) and abs(one) < 2**63)]


def aliased(field: Field) -> bool:
    """Whether a request field has known values of its own, beside which others are legal."""
    return bool(listed_values(field.type)) and not field.type.fixed and not field.type.name


def known_note(field: Field) -> str:
    """What a docstring says of a request field's known values, by family where families differ; "" for none."""
    known = ", ".join(str(value) for value in field.type.known)
    families = {", ".join(map(str, values)): [] for _, values in field.known_by_family}  # type: dict[str, list[str]]
    for family, values in field.known_by_family:
        families[", ".join(map(str, values))].append(family)
    if len(families) > 1 and field.name != "model":
        known = "; ".join(f"{values} ({', '.join(told)})" for values, told in families.items())
    return f"Known: {known}." if known else ""


def lists(told: Type) -> bool:
    """Whether a value may be a list."""
    return told.kind == "list" or any(map(lists, told.choices))


def has_lists(field: Field) -> bool:
    """Whether a member that only the JSON body has makes a call go as JSON: what holds objects does, a word that the
    form merely lacks does not."""
    return field.type.kind in ("list", "model", "map", "union")


def has_files(told: Type) -> bool:
    """Whether a value may be a file, or hold some."""
    return told.kind == "file" or any(has_files(one) for one in (*told.choices, *([told.item] if told.item else [])))


def files_member(whole: Type | None, models: Mapping[str, Model]) -> Field | None:
    """The member of an answer that lists models which carry files."""
    if whole is None or whole.kind != "model":
        return None
    for field in models[whole.model].fields:
        item = field.type.item
        if field.type.kind == "list" and item and item.kind == "model" and models[item.model].content:
            return field
    return None


def limits(field: Field, written: Callable[[Scalar], str]) -> str:
    """What a comment says of a field's bounds and default; `written` is how the language writes a value."""
    low, high = field.minimum, field.maximum
    if low is not None and high is not None:
        bounds = f"From {low} to {high}."
    else:
        bounds = f"At least {low}." if low is not None else f"At most {high}." if high is not None else ""
    told = field.default
    shown = written(told) if isinstance(told, bool) or told == "" else told
    return " ".join(piece for piece in (bounds, f"Default: {shown}." if told is not None else "") if piece)
