"""The requirements: one row a rule of the contract, read from `spec/requirements.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from imageproof.contract.document import read_text, read_yaml
from imageproof.contract.locate import spec_file
from imageproof.errors import DocumentError, Problem

LEVELS = ("MUST", "SHOULD", "MAY", "INFO")
COSTS = ("free", "refusal", "either", "shared", "own")
BREAKS = ("sdk", "application", "letter")
JUDGES = ("refusal", "exchange", "")


@dataclass(frozen=True)
class Requirement:
    """One rule that a provider keeps or breaks.

    id          stable, semantic, never reused
    level       MUST, SHOULD, MAY or INFO
    sentence    what must hold, one sentence
    sources     where that is said, with the date of the source
    since       rule set that it came with, YYYY.MM
    operations  operationIds that it is about
    families    family ids that it is about; () for all
    needs       abilities that a target must offer for it to apply
    cost        free: asks for no picture; refusal: bills only if a lax server serves it; either: both answers conform;
                shared: judged on pictures paid for another rule; own: needs a picture of its own
    breaks      whom a breach breaks: sdk (the official SDKs), application, letter (nobody that is known)
    judge       refusal (the generic judge) or exchange (a function of that id); "" when excluded
    excluded    why it is not judged; "" when it is
    """

    id: str
    level: str
    sentence: str
    sources: tuple[str, ...]
    since: str
    operations: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    cost: str = "free"
    breaks: tuple[str, ...] = ()
    judge: str = ""
    excluded: str = ""


FIELDS = {field.name for field in fields(Requirement)}
REQUIRED = ("id", "level", "sentence", "sources", "since")
CHOICES = {"level": LEVELS, "cost": COSTS, "judge": JUDGES}


@lru_cache(maxsize=1)
def requirements() -> dict[str, Requirement]:
    """All requirements by id, in file order. Raises DocumentError for a row that is not one."""
    path = spec_file("requirements.yaml")
    rows, _ = read_yaml(read_text(path), str(path))
    problems = [Problem(str(path), message, pointer) for pointer, message in _problems(rows)]
    if problems:
        raise DocumentError(problems)
    return {row["id"]: Requirement(**_frozen(row)) for row in rows}


def _frozen(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _problems(rows: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(rows, list):
        yield "", "must be a list of requirements"
        return
    seen: set[str] = set()
    for index, row in enumerate(rows):
        where = f"/{index}"
        if not isinstance(row, dict):
            yield where, "must be a mapping"
            continue
        missing = [name for name in REQUIRED if not row.get(name)]
        strays = sorted(set(row) - FIELDS)
        if missing or strays:
            yield where, f"{row.get('id')}: missing {missing}, unknown {strays}"
            continue
        if row["id"] in seen:
            yield where, f"{row['id']} stands twice"
        seen.add(row["id"])
        for name, choices in CHOICES.items():
            if row.get(name, choices[0]) not in choices:
                yield f"{where}/{name}", f"{row['id']}: {row[name]!r} is none of {', '.join(choices)}"
        if bool(row.get("judge")) == bool(row.get("excluded")):
            yield where, f"{row['id']}: needs `judge` or `excluded`, and not both"
