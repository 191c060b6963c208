"""Dialects: how the systems of the source documents and known servers speak, each a list of named transformations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any

import yaml

from imageproof.errors import UsageError
from imageproof_reference.bodies import Body
from imageproof_reference.dialect_answers import ANSWERS, FRAMES
from imageproof_reference.dialect_requests import BODIES, HEADS
from imageproof_reference.speech import Asked, Frame, Room, Said

TABLES: tuple[Mapping[str, Callable[..., Any]], ...] = (HEADS, BODIES, ANSWERS, FRAMES)


@dataclass(frozen=True)
class Dialect:
    """One row of dialects.yaml; its head says what the members mean. `steps` are those of `like` and then its own, each
    a name and parameters."""

    id: str
    what: str
    kind: str
    family: str
    breaks: Mapping[str, tuple[str, ...]]
    unjudged: tuple[str, ...]
    seen: str
    base: str
    like: str
    steps: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Steps:
    """The transformations of a dialect, ready to be applied in order; without any, all stays as it is."""

    heads: tuple[Callable[[Asked, Room], Asked | Said], ...] = ()
    bodies: tuple[Callable[[Body, Room], Body], ...] = ()
    answers: tuple[Callable[[Said, Room], Said], ...] = ()
    frames: tuple[Callable[[Frame, Room], Frame], ...] = ()


@lru_cache(maxsize=1)
def dialects() -> Mapping[str, Dialect]:
    """All dialects by id, in file order. A row may only be like one above it."""
    rows = yaml.safe_load(files("imageproof_reference").joinpath("dialects.yaml").read_text(encoding="utf-8"))
    found: dict[str, Dialect] = {}
    for row in rows:
        like = row.get("like", "")
        inherited = found[like].steps if like else ()
        found[row["id"]] = Dialect(
            id=row["id"],
            what=row["what"],
            kind=row["kind"],
            family=row["family"],
            breaks={operation: tuple(ids) for operation, ids in row.get("breaks", {}).items()},
            unjudged=tuple(row.get("unjudged", ())),
            seen=row["seen"],
            base=row.get("base", ""),
            like=like,
            steps=(*inherited, *(_step(one) for one in row["steps"])),
        )
    return found


def dialect(name: str) -> Dialect:
    """The dialect of a name. UsageError for one that does not exist."""
    if name not in dialects():
        raise UsageError(f"no dialect {name!r}; known: {', '.join(dialects())}")
    return dialects()[name]


def steps(name: str) -> Steps:
    """The transformations of a dialect; "" is none. UsageError for one that does not exist, or whose row names a
    transformation or a parameter that is not in the tables."""
    if not name:
        return Steps()
    found = dialect(name)
    return Steps(*(tuple(_bound(found, table)) for table in TABLES))


def _bound(found: Dialect, table: Mapping[str, Callable[..., Any]]) -> Iterator[Callable[..., Any]]:
    for name, parameters in found.steps:
        if not any(name in one for one in TABLES):
            raise UsageError(f"dialect {found.id!r} has a step {name!r} that no table of {__name__} has")
        if name in table:
            try:
                inspect.signature(table[name]).bind(None, None, **parameters)
            except TypeError as error:
                raise UsageError(f"dialect {found.id!r}, step {name!r}: {error}") from None
            yield partial(table[name], **parameters)


def _step(row: str | dict[str, dict[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    """A step as it is written: a name, or a name and its parameters."""
    if isinstance(row, str):
        return row, {}
    ((name, parameters),) = row.items()
    return name, parameters
