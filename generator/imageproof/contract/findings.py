"""What is known of the API and its servers beside the documents, and carried by requirements: `spec/findings.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.locate import spec_file
from imageproof.contract.pointers import join
from imageproof.contract.yaml_text import read_text, read_yaml
from imageproof.errors import DocumentError

STRENGTHS = ("hard", "soft", "derived")
SEVERITIES = ("sdk", "application", "letter")
MOST_SEEN = 3

# How an id of each kind looks, and the fields of its rows beside `what`.
RULE = (re.compile(r"R\d{2}", re.ASCII), ("strength", "sources"))
BREACH = (re.compile(r"RW-\d{3}", re.ASCII), ("severity", "threads", "seen"))
# owner/repository#number, owner/repository:path, or host/path
PLACE = re.compile(r"[\w.-]+/[^\s#:]+(#\d+|:[^\s#:]+)?", re.ASCII)


@dataclass(frozen=True)
class Finding:
    """One thing that is known, by a stable id: R01 is a rule that callers can see, RW-001 a breach that they met.

    what      what it is, one sentence
    strength  of a rule: hard (a source says it), soft (practice says it), derived (it follows from several); else ""
    sources   of a rule: where it is said, with the date of the source
    severity  of a breach: whom it breaks, one of `breaks` of a requirement; else ""
    threads   of a breach: how many public threads show it, a lower bound
    seen      of a breach: one to three of them
    """

    id: str
    what: str
    strength: str = ""
    sources: tuple[str, ...] = ()
    severity: str = ""
    threads: int = 0
    seen: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def findings() -> dict[str, Finding]:
    """All findings by id, in file order. Raises DocumentError with every row that is not one."""
    path = spec_file("findings.yaml")
    return read_findings(read_text(path), str(path))


def read_findings(text: str, source: str) -> dict[str, Finding]:
    """The findings of a YAML text. Raises DocumentError as `findings` does."""
    rows, tree = read_yaml(text, source)
    document = Document({}, source, tree)
    problems = [document.problem(pointer, message) for pointer, message in _problems(rows)]
    if problems:
        raise DocumentError(problems)
    return {name: Finding(name, **frozen(row)) for name, row in rows.items()}


def frozen(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its lists as tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def field_problems(row: Mapping[str, Any], needed: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(key, message) of the fields that a row lacks, and of those that no such row has."""
    missing = [name for name in needed if not row.get(name)]
    if missing:
        yield "", f"lacks {', '.join(missing)}"
    choices = sorted(known)
    yield from ((name, f"unknown field; known are {', '.join(choices)}") for name in row if name not in choices)


def kind_problem(value: Any, kind: type) -> str:
    """Why a value is no text, no number, or no list of texts; "" when it is what `kind` says. A number that should be
    text is the usual mistake: 2026.12 needs quotes in YAML."""
    if kind is tuple:
        fine = isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)
        return "" if fine else "must be a list of texts"
    if kind is int:
        return "" if isinstance(value, int) and not isinstance(value, bool) and value > 0 else "must be a number from 1"
    return "" if isinstance(value, str) else f"must be text: write it in quotes, not as {value!r}"


FIELD_KINDS: Mapping[str, type] = {"what": str, "strength": str, "severity": str, "threads": int}
CHOICES = {"strength": STRENGTHS, "severity": SEVERITIES}


def _problems(rows: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(rows, dict):
        yield "", "must be a mapping of findings by id"
        return
    for name, row in rows.items():
        fields = next((fields for pattern, fields in (RULE, BREACH) if pattern.fullmatch(name)), None)
        if fields is None:
            yield join(name), f"{name} is no id of a finding: it must look like R01 or RW-001"
        elif not isinstance(row, dict):
            yield join(name), f"{name}: must be a mapping with what, {', '.join(fields)}"
        else:
            for key, message in _row_problems(row, ("what", *fields)):
                yield join(name, key) if key else join(name), f"{name}: {f'{key}: ' if key else ''}{message}"


def _row_problems(row: Mapping[str, Any], fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(key, message) of what is wrong with a row; key "" where it is the row as a whole."""
    yield from field_problems(row, fields, fields)
    for key in (key for key in fields if row.get(key)):
        value, message = row[key], kind_problem(row[key], FIELD_KINDS.get(key, tuple))
        if message:
            yield key, message
        elif key in CHOICES and value not in CHOICES[key]:
            yield key, f"{value!r} is none of {', '.join(CHOICES[key])}"
        elif key == "seen":
            yield from ((key, f"{one!r} is no owner/repository#number") for one in value if not PLACE.fullmatch(one))
            if len(value) > MOST_SEEN:
                yield key, f"{len(value)} threads are named; name {MOST_SEEN} at most"
