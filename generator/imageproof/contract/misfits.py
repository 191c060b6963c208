"""How a file of data breaks its JSON Schema, told to whoever wrote it: the place, what is wrong, what is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias

from imageproof.contract.pointers import join
from imageproof.contract.yaml_text import MAX_DEPTH, TOO_DEEP

MOST_TOLD = 20
MOST_VALUES = 50_000  # with aliases written out
LONGEST = 200  # characters of a message

Misfit: TypeAlias = tuple[str, str, str]  # pointer, message, hint
Misfits: TypeAlias = Callable[[Any], Iterator[Misfit]]


def misfits(path: Path, *others: Path) -> Misfits:
    """The checker of a schema; `others` are schemas that it refers to by their file names."""
    from jsonschema import Draft202012Validator  # the schema library and its own formats take 40 ms
    from referencing import Registry, Resource

    named = [(one.name, Resource.from_contents(_read(one))) for one in others]
    registry: Registry[Any] = Registry().with_resources(named)
    validator = Draft202012Validator(_read(path), registry=registry)

    def found(data: Any) -> Iterator[Misfit]:
        if large := _too_large(data):
            yield "", large, ""
            return
        for number, error in enumerate(validator.iter_errors(data)):
            if number == MOST_TOLD:
                return
            yield from _told(error)

    return found


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _too_large(data: Any) -> str:
    """Why a value is too large to be checked, "" when it is not. Aliases make a small file large."""
    open_values, count = [(data, 0)], 0
    while open_values:
        value, depth = open_values.pop()
        count += 1
        if count > MOST_VALUES:
            return f"larger than {MOST_VALUES:,} values, aliases written out"
        if depth > MAX_DEPTH:
            return TOO_DEEP
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        open_values += [(part, depth + 1) for part in parts]
    return ""


def _told(error: Any) -> Iterator[Misfit]:
    pointer = join(*error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        for key in error.instance:
            if known and key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                yield pointer + join(key), f"unknown key: {key}"[:LONGEST], hint
        if known:
            return
    if error.validator == "required":
        yield pointer, error.message.replace("is a required property", "is missing")[:LONGEST], ""
        return
    if error.validator == "not":
        keys = " and ".join(error.validator_value.get("required", ("these",)))
        yield pointer, f"{keys} exclude each other", "leave one out"
        return
    about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    yield pointer, error.message[:LONGEST], about[:LONGEST]
