"""The one full validator of request bodies: open schema, family cells, cross rules, size grids and file facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from imageproof.contract.document import (
    Document,
    folded,
    parameter_name,
    property_schema,
    request_schema,
    required_names,
)
from imageproof.contract.families import Cell, CrossRule, Family, family_of
from imageproof.contract.pointers import join
from imageproof.contract.sentences import said, said_of_file

SIZE = re.compile(r"^([0-9]{1,6})x([0-9]{1,6})$")


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """`pattern` as JSON Schema means it (ECMA-262): `$` is the end; Python also takes the place before a newline."""
    if isinstance(instance, str) and not re.search(re.sub(r"(?<!\\)\$(?=$|[)|])", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


Validator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]  # its stub has no annotations
    Draft202012Validator, {"pattern": _pattern}
)


class _Same:
    """A schema as a key: the same object, whatever is equal to it. It is kept, so that its place is not taken."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=1024)  # a validator takes as long to make as to use, and one body asks some twenty of them
def _validator(schema: _Same) -> Draft202012Validator:
    return Validator(schema.schema)


@lru_cache(maxsize=1024)
def _property_validator(document: Document, schema: _Same, name: str) -> Draft202012Validator:
    """Of a property of an object schema, with what its references lead to."""
    prop = property_schema(document, schema.schema, name)
    return Validator({**prop, "components": document.data.get("components", {})})


@dataclass(frozen=True)
class Violation:
    """One breach. `rule` is the requirement id, `pointer` the place in the body ("" for the whole), `parameter` its
    canonical name ("" for none); with `either`, serving the body keeps the contract as well as refusing it."""

    rule: str
    pointer: str
    message: str
    parameter: str = ""
    either: bool = False


@dataclass(frozen=True)
class FileFacts:
    """What rules may ask of a file, found by whoever decoded it.

    `format` is "png", "jpeg", "webp", "gif" or "svg", and "" for a file that cannot be read; `width` and `height` are
    pixels, `bytes` the size of the file; `alpha` says that it has an alpha channel, `transparent` that some pixel is
    below full alpha.
    """

    format: str
    width: int
    height: int
    bytes: int
    alpha: bool
    transparent: bool


def violations(
    document: Document,
    model: str | None,
    operation: str,
    body: Mapping[str, Any],
    *,
    media_type: str | None = None,
    family: str | None = None,
) -> tuple[Violation, ...]:
    """All breaches of a request body, () for a legal one.

    `body` holds JSON values; files are FileFacts, lists of files lists of them, under their part names. `media_type`
    chooses among the media types of the operation (default: the first). A model that no family names gets the open
    rules; `family` gives an alias the rules of a family. KeyError for an unknown operation or media type.
    """
    schema = request_schema(document, operation, media_type)
    found = [*_missing(document, schema, body), *_misfits(document, schema, body)]
    known = family_of(document, model or "", family) if model or family else None
    if known is not None and operation not in known.operations:
        rule = property_schema(document, schema, "model").get("x-rule", "")
        message = f"{document.operations()[operation].path} is not offered by {model or family}"
        found.append(Violation(rule, "/model", message, "model"))
    elif known is not None:
        mistyped = {violation.parameter for violation in found}
        found += [
            violation
            for violation in _cell_breaches(document, schema, known, operation, body)
            if violation.parameter not in mistyped
        ]
        found += _cross_breaches(known, operation, body)
    return tuple(dict.fromkeys(found))


def is_file(schema: Mapping[str, Any]) -> bool:
    """Whether a property schema means raw bytes: a file part, not text."""
    return schema.get("format") == "binary" or ("contentMediaType" in schema and "contentEncoding" not in schema)


def _missing(document: Document, schema: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Violation]:
    groups = [[name] for name in required_names(schema)]
    alternatives = [name for choice in schema.get("anyOf", ()) for name in required_names(choice)]
    for names in [*groups, *([alternatives] if alternatives else [])]:
        if not any(name in body for name in names):
            rule = next(
                filter(None, (property_schema(document, schema, name).get("x-rule-missing") for name in names)), ""
            )
            yield Violation(rule, "", f"{' or '.join(names)} is required", names[0])


def _misfits(document: Document, schema: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Violation]:
    """Breaches of the open schema, property by property, so that each has a parameter and a rule."""
    type_rule = schema.get("x-rule-type", "")
    for name in body:
        if name not in schema.get("properties", {}):
            continue
        prop = property_schema(document, schema, name)
        validator = _property_validator(document, _Same(schema), name)
        parameter = parameter_name(name, prop)
        problem = _file_problem(document, prop, body[name])
        if problem:
            yield Violation(type_rule, join(name), f"{name} {problem}", parameter)
            continue
        for error in validator.iter_errors(_without_files(body[name])):
            deepest = _deepest(error)
            rule = type_rule if deepest.validator == "type" else _nearest_rule(document, prop, deepest)
            where = join(name, *deepest.absolute_path)
            yield Violation(rule, where, f"{_spelled(name, deepest.absolute_path)} {said(deepest)}", parameter)


def _file_problem(document: Document, prop: Mapping[str, Any], value: Any) -> str:
    if is_file(prop):
        return "" if isinstance(value, FileFacts) else "must be a file, not text"
    if is_file(document.resolve(prop.get("items", {}))):
        good = isinstance(value, Sequence) and all(isinstance(item, FileFacts) for item in value)
        return "" if good else "must be files, not text"
    return "must not be a file" if isinstance(value, FileFacts) else ""


def _without_files(value: Any) -> Any:
    """A value as JSON Schema sees it: a file is some text."""
    if isinstance(value, FileFacts):
        return ""
    if isinstance(value, list | tuple):
        return [_without_files(item) for item in value]
    return value


def _deepest(error: ValidationError) -> ValidationError:
    """The most telling of the errors behind an error of a composed schema."""
    while error.context:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    return error


def _nearest_rule(document: Document, prop: Mapping[str, Any], error: ValidationError) -> str:
    """The `x-rule` that stands nearest to the keyword that failed."""
    node: Any = prop
    rule = prop.get("x-rule", "")
    for token in error.absolute_schema_path:
        node = folded(document, _child(node, token))
        if isinstance(node, dict) and isinstance(node.get("x-rule"), str):
            rule = node["x-rule"]
    return str(rule)


def _child(node: Any, token: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(str(token))
    if isinstance(node, list) and isinstance(token, int):
        return node[token]
    return None


def _cell_breaches(
    document: Document, schema: Mapping[str, Any], family: Family, operation: str, body: Mapping[str, Any]
) -> Iterator[Violation]:
    cells = family.cells.get(operation, {})
    for name, value in body.items():
        if value is None or name not in schema.get("properties", {}):
            continue
        parameter = parameter_name(name, property_schema(document, schema, name))
        for cell in filter(None, (cells.get(one) for one in dict.fromkeys((name, parameter)))):
            for where, message in _cell_messages(cell, name, parameter, value, body):
                yield Violation(cell.rule, where, message, parameter, cell.either)


def _cell_messages(
    cell: Cell, name: str, parameter: str, value: Any, body: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    if cell.schema is False:
        yield join(name), f"{parameter} is not a parameter of this model"
        return
    for error in _validator(_Same(cell.schema)).iter_errors(_without_files(value)):
        yield join(name, *error.absolute_path), f"{_spelled(name, error.absolute_path)} {said(error)}"
    if cell.grid and isinstance(value, str) and (match := SIZE.match(value)):
        breach = cell.grid.breach(int(match[1]), int(match[2]))
        if breach:
            yield join(name), f"{name} {value!r}: {breach}"
    if cell.file is not None:
        for where, facts in _files(name, value):
            for error in _validator(_Same(cell.file)).iter_errors(_facts(facts, body)):
                yield where, f"{name} {said_of_file(error, facts.format)}"


def _spelled(name: str, path: Iterable[str | int]) -> str:
    """A place in a body as people write it: images[0].image_url."""
    return name + "".join(f"[{token}]" if isinstance(token, int) else f".{token}" for token in path)


def _files(name: str, value: Any) -> Iterator[tuple[str, FileFacts]]:
    if isinstance(value, FileFacts):
        yield join(name), value
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from ((join(name, index), item) for index, item in enumerate(value) if isinstance(item, FileFacts))


def _facts(facts: FileFacts, body: Mapping[str, Any]) -> dict[str, Any]:
    """FileFacts as the cells' `file` schemas see them, with what follows from them and from the rest of the body.

    square: width equals height; same_size: as large as the first image; masked: the body has a mask.
    """
    first = next((file for name in ("image", "image[]") for _, file in _files(name, body.get(name))), None)
    return {
        **asdict(facts),
        "square": facts.width == facts.height,
        "same_size": first is not None and (first.width, first.height) == (facts.width, facts.height),
        "masked": body.get("mask") is not None,
    }


def _cross_breaches(family: Family, operation: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    given = {name: _without_files(value) for name, value in body.items() if value is not None}
    for rule in family.rules:
        if rule.operation == operation and _holds(rule.when, given) and not _holds(rule.then, given):
            yield Violation(rule.id, "", rule.message, _blamed(rule, given), rule.either)


def _blamed(rule: CrossRule, given: Mapping[str, Any]) -> str:
    """The parameter to name in an error: the first of `then`, where the rule says what it must be, that was given."""
    then = rule.then.get("properties", {}) if isinstance(rule.then, Mapping) else {}
    when = (*rule.when.get("properties", {}), *rule.when.get("required", ()))
    return next((name for name in (*then, *when) if name in given), next(iter((*then, *when)), ""))


def _holds(schema: Mapping[str, Any] | bool, given: Mapping[str, Any]) -> bool:
    return bool(_validator(_Same(schema)).is_valid(given))
