"""Dialects: how the systems of the source documents and known servers speak, each a list of named transformations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from imageproof.errors import UsageError
from imageproof_reference.steps import Row, Steps, bound, read_steps, read_table


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
    steps: tuple[Row, ...]


@lru_cache(maxsize=1)
def dialects() -> Mapping[str, Dialect]:
    """All dialects by id, in file order. A row may only be like one above it."""
    found: dict[str, Dialect] = {}
    for row in read_table("dialects.yaml"):
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
            steps=(*inherited, *read_steps(row["steps"])),
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
    return bound(f"dialect {name!r}", dialect(name).steps)
