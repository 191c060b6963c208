"""What was decided where the sources differ: one row a topic, read from `spec/decisions.yaml`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.locate import spec_file
from imageproof.contract.pointers import join
from imageproof.contract.yaml_text import read_text, read_yaml
from imageproof.errors import DocumentError, Problem

# What the research counted: contradictions between the sources, and within the official material.
COUNTED = frozenset({*(f"C{number:03}" for number in range(1, 142)), *(f"O{number}" for number in range(1, 27))})
NEEDED = ("id", "topic", "says", "decision", "reason", "covers", "lands")
FIELDS = {*NEEDED, "settles"}


@dataclass(frozen=True)
class Said:
    """What one source says. `lines` of it, () where it is silent or has no lines."""

    source: str
    what: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Decision:
    """One disagreement, decided.

    says      who says what
    decision  what the contract says
    reason    why
    settles   ids of the contradictions that the research counted: C001 to C141 between the sources, O1 to O26 within
              the official material
    covers    patterns over the keys of discrepancies, `*` for any text and `{a,b}` for either
    lands     JSON pointer into the contract
    """

    id: str
    topic: str
    says: tuple[Said, ...]
    decision: str
    reason: str
    covers: tuple[str, ...]
    lands: str
    settles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decisions:
    """All rows by id; `document` knows their lines."""

    rows: Mapping[str, Decision]
    document: Document

    def problem(self, decision: str, message: str, key: str = "", hint: str = "") -> Problem:
        """A problem at a row, or at one of its keys."""
        pointer = join(list(self.rows).index(decision), *([key] if key else []))
        return self.document.problem(pointer, f"{decision}: {message}", hint=hint)


@lru_cache(maxsize=1)
def decisions() -> Decisions:
    """All decisions, in file order. Raises DocumentError for a row that is not one."""
    path = spec_file("decisions.yaml")
    return read_decisions(read_text(path), str(path))


def read_decisions(text: str, source: str) -> Decisions:
    """The decisions of a YAML text. Raises DocumentError as `decisions` does."""
    rows, tree = read_yaml(text, source)
    document = Document({"rows": rows}, source, tree)
    problems = [document.problem(where, message) for where, message in _problems(rows)]
    if problems:
        raise DocumentError(problems)
    return Decisions({row["id"]: _decision(row) for row in rows}, document)


def pattern(glob: str) -> re.Pattern[str]:
    """A pattern of `covers` or `about` as a regular expression over a whole key."""
    parts = re.split(r"(\*|\{[^}]*\})", glob)
    return re.compile("".join(_part(one) for one in parts))


def matching(glob: str, keys: frozenset[str]) -> frozenset[str]:
    """The keys that a pattern of `covers` matches. One that names them all, as most do, is looked up."""
    if "*" in glob:
        return frozenset(filter(pattern(glob).fullmatch, keys))
    parts = re.split(r"\{([^}]*)\}", glob)  # what stands between, and inside of, the braces
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return keys.intersection(map("".join, itertools.product(*choices)))


def _part(text: str) -> str:
    if text == "*":
        return ".*"
    if text.startswith("{"):
        return f"(?:{'|'.join(re.escape(one) for one in text[1:-1].split(','))})"
    return re.escape(text)


def _decision(row: dict[str, Any]) -> Decision:
    said = tuple(Said(one["source"], one["what"], tuple(_lines(one.get("line")))) for one in row["says"])
    covers, settles = (tuple(row.get(key, ())) for key in ("covers", "settles"))
    return Decision(row["id"], row["topic"], said, row["decision"], row["reason"], covers, row["lands"], settles)


def _lines(told: Any) -> list[int]:
    return told if isinstance(told, list) else [] if told is None else [told]


def _problems(rows: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(rows, list):
        yield "", "must be a list of decisions"
        return
    seen: set[str] = set()
    for index, row in enumerate(rows):
        where = join(index)
        if not isinstance(row, dict):
            yield where, "must be a mapping"
            continue
        missing = [key for key in NEEDED if not row.get(key) and key != "lands"]
        strays = sorted(set(row) - FIELDS)
        if missing or strays or not isinstance(row.get("lands"), str):
            yield (
                where,
                f"{row.get('id')}: missing {', '.join(missing) or 'none'}, unknown {', '.join(strays) or 'none'}",
            )
            continue
        if not all(isinstance(row[key], str) for key in ("id", "topic", "decision", "reason", "lands")):
            yield where, f"{row['id']}: id, topic, decision, reason and lands are texts"
            continue
        if row["id"] in seen:
            yield where, f"{row['id']} stands twice"
        seen.add(row["id"])
        for key in ("says", "covers", "settles"):
            told = row.get(key, [])
            if not isinstance(told, list) or (key != "says" and not all(isinstance(one, str) for one in told)):
                yield where + join(key), f"{row['id']}: {key} must be a list{'' if key == 'says' else ' of texts'}"
            elif key == "settles" and not set(told) <= COUNTED:
                yield where + join(key), f"{row['id']}: settles what nobody counted: {sorted(set(told) - COUNTED)}"
        for number, said in enumerate(row["says"] if isinstance(row["says"], list) else ()):
            if not (isinstance(said, dict) and {"source", "what"} <= set(said) <= {"source", "what", "line"}):
                yield where + join("says", number), f"{row['id']}: needs source and what, and may have line"
            elif not all(isinstance(line, int) for line in _lines(said.get("line"))):
                yield where + join("says", number, "line"), f"{row['id']}: line is a number, or a list of numbers"
