"""For each cell and each cross rule of each model family one body that keeps it, and one that breaks it: found, not
listed, so that a family or a rule that is added to the contract is tried in every language."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from vectors.bodies import File, Vector, picture

from imageproof.contract.document import load, property_schema, request_schema
from imageproof.contract.families import CrossRule, Family, allowed_values, families
from imageproof.contract.violations import violations

DOCUMENT = load()
INTEGERS = (1, 2, 3, 4, 5, 0, -1, 10, 11, 16, 17, 19, 20, 100, 101)
TEXTS = ("1024x1024", "256x256", "1000x1000")
REFERENCES = ([{"file_id": "file-1"}], [{"file_id": "file-1"}] * 17)
FILES = (
    picture(alpha=True, transparent=True),
    picture(),
    picture("webp", 96, 64),
    picture("gif"),
    picture(width=96, alpha=True, transparent=True),
    picture(text="no picture"),
)
# What must stand beside a parameter, for some families, before anything is legal.
BESIDE: tuple[dict[str, Any], ...] = (
    {},
    {"output_format": "jpeg"},
    {"output_format": "gif"},
    {"output_format": "svg"},
    {"stream": True},
    {"mask": FILES[0]},
)


@cache
def derived() -> tuple[Vector, ...]:
    """All of them, `ID/keeps` and `ID/breaks`. ValueError where a cell or a rule has none."""
    return tuple(vector for family in families(DOCUMENT) for vector in _of_family(family))


def _of_family(family: Family) -> Iterator[Vector]:
    for operation in family.operations:
        for name, cell in family.cells.get(operation, {}).items():
            written = "svg[model]" if (operation, name) == ("createImageEdit", "svg") else name
            bodies = [_body(family, operation, given) for given in _around(operation, written)]
            place = f"{family.id}/{operation}/{name}"
            if cell.schema is not False:
                yield _first(f"{place}/keeps", operation, bodies, None)
            yield _first(f"{place}/breaks", operation, bodies, cell.rule)
        for rule in family.rules:
            if rule.operation == operation:
                place = f"{family.id}/{operation}/{rule.id}"
                touching = [_body(family, operation, given) for given in _across(operation, rule)]
                yield _first(f"{place}/breaks", operation, touching, rule.id)
                if rule.then is not False:
                    yield _first(f"{place}/keeps", operation, touching, None)


def _around(operation: str, name: str) -> Iterator[dict[str, Any]]:
    return ({**beside, name: value} for value in _values(operation, name) for beside in BESIDE)


def _across(operation: str, rule: CrossRule) -> Iterator[dict[str, Any]]:
    """Values for what a rule asks for, with one of what it then wants beside them."""
    then = rule.then.get("properties", {}) if isinstance(rule.then, Mapping) else {}
    for asked in rule.when.get("anyOf", [rule.when]):
        names = asked["required"]
        for values in itertools.product(*(_values(operation, name) for name in names)):
            given = dict(zip(names, values, strict=True))
            yield given
            yield from ({**given, name: value} for name in then for value in _values(operation, name))


@cache
def _values(operation: str, name: str) -> tuple[Any, ...]:
    if name in ("image", "mask", "markup"):
        return FILES
    if name == "image[]":
        return tuple([FILES[0]] * count for count in (1, 2, 17))
    if name == "images":
        return REFERENCES
    if name == "prompt":
        return tuple("a" * count for count in (1, 1001, 4001, 32001))
    if name.startswith("svg"):
        return ({"model": "gpt-5"} if name == "svg" else "gpt-5",)
    kinds = property_schema(DOCUMENT, request_schema(DOCUMENT, operation), name).get("type", ())
    if "integer" in kinds:
        return INTEGERS
    if "boolean" in kinds:
        return (False, True)
    listed = (value for value in allowed_values(DOCUMENT, operation, name) if value is not None)
    return tuple(dict.fromkeys(("purple", *listed, *TEXTS)))


def _body(family: Family, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A legal body, with this in it."""
    prompt = {} if operation == "createImageVariation" else {"prompt": "a hat"}
    body = {"model": family.models[0], **prompt, **given}
    if operation == "createImageEdit" and "moderation" in given:
        body.setdefault("images", REFERENCES[0])
    if operation != "createImage" and not {"image", "image[]", "images"} & set(body):
        body["image"] = FILES[0]
    return body


def _first(place: str, operation: str, bodies: list[dict[str, Any]], rule: str | None) -> Vector:
    """The first of the bodies that breaks this rule, better it alone; with None, the first that breaks none."""
    several: list[Vector] = []
    for body in bodies:
        vector = _vector(place, operation, body)
        if vector.rules == (frozenset() if rule is None else {rule}):
            return vector
        if rule in vector.rules and not any(one.endswith("-TYPES") for one in vector.rules):
            several.append(vector)
    if not several:
        raise ValueError(f"no body for {place} ({rule or 'keeps all rules'}): give `derived.py` values that do")
    return several[0]


def _vector(place: str, operation: str, body: dict[str, Any]) -> Vector:
    as_json = operation == "createImage" or "images" in body
    media_type = "application/json" if as_json else "multipart/form-data"
    made = Vector(place, operation, body["model"], media_type, body, frozenset(), False, False)
    found = _broken(made) if not as_json or not _holds_files(body) else frozenset({"a file in JSON: -TYPES"})
    return Vector(place, operation, body["model"], media_type, body, found, False, False)


def _holds_files(body: Mapping[str, Any]) -> bool:
    return any(isinstance(value, File) for value in body.values())


def _broken(vector: Vector) -> frozenset[str]:
    found = violations(DOCUMENT, vector.model, vector.operation, vector.facts, media_type=vector.media_type)
    return frozenset(one.rule for one in found)
