"""The requirements: one row a rule of the contract, read from `spec/requirements.yaml`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.findings import field_problems, findings, frozen, kind_problem
from imageproof.contract.locate import spec_file
from imageproof.contract.pointers import join
from imageproof.contract.yaml_text import read_text, read_yaml
from imageproof.errors import DocumentError

LEVELS = ("MUST", "SHOULD", "MAY", "INFO")
# What judging a row costs, and whom its breach breaks, each as a person is told.
COSTS = {
    "free": "nothing: it asks for no picture",
    "refusal": "nothing on a server that refuses what it must; a picture or more on one that serves it",
    "either": "a picture where it is served, nothing where it is refused; both keep the contract",
    "shared": "nothing of its own: it is judged on pictures that other rules asked for",
    "own": "a picture of its own",
}
BREAKS = {
    "sdk": "plain calls of the official SDKs",
    "application": "applications that rely on it",
    "letter": "the letter of the contract; nobody is known to notice",
}
JUDGES = ("refusal", "exchange", "pending")
STANDINGS = ("judge", "excluded", "retired")  # a row has exactly one of them


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
    carries     ids of the findings that it answers to, see `imageproof.contract.findings`
    about       patterns over the places of its operations that it is about (`json:n`, `200 json:data[].url`; `*` for
                any text, `{a,b}` for either), beside those whose `x-rule` keys name it
    judge       refusal (the generic judge), exchange (a function of that id), or pending (it can be judged from
                outside, and has no judge yet: it counts as not tested); "" when it is excluded or retired
    excluded    why it is deliberately not judged; "" when it is no such row
    retired     the rule set that dropped it, and why: "YYYY.MM: why"; "" while it holds
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
    carries: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    judge: str = ""
    excluded: str = ""
    retired: str = ""

    @property
    def judged(self) -> bool:
        """Whether a judge speaks for it: only then is it planned, and counts as tested."""
        return self.judge in ("refusal", "exchange")


KINDS: Mapping[str, type] = {field.name: str if field.type == "str" else tuple for field in fields(Requirement)}
REQUIRED = ("id", "level", "sentence", "sources", "since")
CHOICES = {"level": LEVELS, "cost": COSTS, "judge": JUDGES}
SHAPES = {
    "id": (re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", re.ASCII), "must look like GEN-SIZE-PIXELS"),
    "since": (re.compile(r"20\d\d\.(0[1-9]|1[0-2])", re.ASCII), "must be a rule set, YYYY.MM"),
    "retired": (re.compile(r"20\d\d\.(0[1-9]|1[0-2]): \S.*", re.ASCII), "must be the rule set and why: YYYY.MM: why"),
}


@lru_cache(maxsize=1)
def requirements() -> dict[str, Requirement]:
    """All requirements by id, in file order. Raises DocumentError with every row that is not one."""
    path = spec_file("requirements.yaml")
    return read_requirements(read_text(path), str(path), findings())


def read_requirements(text: str, source: str, known: Collection[str]) -> dict[str, Requirement]:
    """The requirements of a YAML text; `known` are the findings that they may carry. Raises as `requirements` does."""
    rows, tree = read_yaml(text, source)
    document = Document({}, source, tree)
    problems = [document.problem(pointer, message) for pointer, message in _problems(rows, known)]
    if problems:
        raise DocumentError(problems)
    return {row["id"]: Requirement(**frozen(row)) for row in rows}


def _problems(rows: Any, known: Collection[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(rows, list):
        yield "", "must be a list of requirements"
        return
    seen: set[str] = set()
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            yield join(index), "must be a mapping"
            continue
        name = str(row.get("id"))
        for key, message in _row_problems(row, known):
            yield join(index, key) if key else join(index), f"{name}: {f'{key}: ' if key else ''}{message}"
        if name in seen:
            yield join(index, "id"), f"{name}: stands twice; an id is never used again"
        seen.add(name)


def _row_problems(row: Mapping[str, Any], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """(key, message) of what is wrong with a row; key "" where it is the row as a whole."""
    yield from field_problems(row, REQUIRED, KINDS)
    for key in (key for key in KINDS if key in row):
        message = kind_problem(row[key], KINDS[key]) or _value_problem(key, row[key], known)
        if message:
            yield key, message
    standings = [name for name in STANDINGS if row.get(name)]
    if len(standings) != 1:
        yield "", f"needs exactly one of {', '.join(STANDINGS)}, and has {' and '.join(standings) or 'none'}"


def _value_problem(key: str, value: Any, known: Collection[str]) -> str:
    """What is wrong with a value of the right kind, "" for nothing."""
    if key in CHOICES and value not in CHOICES[key]:
        return f"{value!r} is none of {', '.join(CHOICES[key])}"
    if key == "breaks" and not set(value) <= set(BREAKS):
        return f"{', '.join(value)}: each must be one of {', '.join(BREAKS)}"
    if key == "carries" and (unknown := [one for one in value if one not in known]):
        return f"no such finding: {', '.join(unknown)}; findings.yaml has them all"
    if key in SHAPES and not SHAPES[key][0].fullmatch(value):
        return f"{value!r} {SHAPES[key][1]}"
    return ""
