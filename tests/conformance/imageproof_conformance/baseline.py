"""The baseline: which failures of which target are expected, why, who answers for it and until when, and what the
target offered. A YAML file that people review, so every mistake in it is told by its line.

    rules: "2026.11"          # the rule set that is scored; later rules are told and fail nothing
    expected:
    - {id: GEN-COUNT, target: "https://host/v1", model: gpt-image-1, reason: ..., owner: ..., expiry: "2027-02-01"}
    offered:
    - {target: "https://host/v1", model: gpt-image-1, has: [createImage, stream, b64_json by default]}

`target` is a base URL, or "*" for any; `model` is optional in `expected`; `flaky: true` lets a rule pass as well;
`tier` is the one that the failure was seen in: a run of a cheaper one cannot show that it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.findings import field_problems, kind_problem
from imageproof.contract.pointers import join
from imageproof.contract.requirements import SHAPES, Requirement, requirements
from imageproof.contract.yaml_text import read_text, read_yaml
from imageproof.errors import DocumentError, Problem, UsageError
from imageproof_conformance.exchange import TIERS, Tier

ANY = "*"
SOON = timedelta(days=14)  # before its expiry an entry is warned of
Normal = Callable[[str], str]  # a base URL as it is compared; UsageError for what is none


@dataclass(frozen=True)
class Expected:
    """One failure that is expected. `model` "" stands for every model, `expiry` is the last day on which it holds,
    `place` is its file and line."""

    id: str
    target: str
    reason: str
    owner: str
    expiry: date
    model: str = ""
    flaky: bool = False
    tier: Tier = "free"
    place: str = ""

    @property
    def told(self) -> str:
        """Which one it is, in short."""
        return f"{self.id}{f' ({self.model})' if self.model else ''}, owner {self.owner}, {self.place}"


@dataclass(frozen=True)
class Had:
    """What a target offered of a model: operationIds, abilities and carriers as `offered.Offer.names` has them."""

    target: str
    model: str
    has: tuple[str, ...]


@dataclass(frozen=True)
class Baseline:
    """A baseline as read. `rules` is the rule set that it was made with."""

    file: str
    rules: str
    expected: tuple[Expected, ...] = ()
    offered: tuple[Had, ...] = ()


def plain(baseline: Baseline) -> dict[str, Any]:
    """A baseline as JSON values."""
    expected = [{**asdict(one), "expiry": one.expiry.isoformat()} for one in baseline.expected]
    return {**asdict(baseline), "expected": expected}


def of_plain(value: Mapping[str, Any]) -> Baseline:
    """A baseline of the values that `plain` makes. KeyError, TypeError or ValueError for what is none."""
    expected = (Expected(**{**one, "expiry": date.fromisoformat(one["expiry"])}) for one in value["expected"])
    offered = (Had(**{**one, "has": tuple(one["has"])}) for one in value["offered"])
    return Baseline(value["file"], value["rules"], tuple(expected), tuple(offered))


EXPECTED: Mapping[str, type] = {
    **dict.fromkeys(("id", "target", "reason", "owner", "expiry", "model", "tier"), str),
    "flaky": bool,
}
OFFERED: Mapping[str, type] = {"target": str, "model": str, "has": tuple}
NEEDED = {"expected": ("id", "target", "reason", "owner", "expiry"), "offered": ("target", "model", "has")}
KINDS = {"expected": EXPECTED, "offered": OFFERED}


def read_baseline(path: Path, normal: Normal) -> Baseline:
    """The baseline of a file. DocumentError with every problem of it, each with its line."""
    return parse_baseline(read_text(path), str(path), normal, requirements())


def parse_baseline(text: str, source: str, normal: Normal, registry: Mapping[str, Requirement]) -> Baseline:
    """The baseline of a text. DocumentError as `read_baseline` does."""
    data, tree = read_yaml(text, source)
    document = Document({}, source, tree)
    problems = [document.problem(pointer, message) for pointer, message in _problems(data, normal, registry)]
    if problems:
        raise DocumentError(problems)
    expected = data.get("expected") or []
    return Baseline(
        source,
        data["rules"],
        tuple(
            _expected(row, document.problem(join("expected", index), ""), normal) for index, row in enumerate(expected)
        ),
        tuple(
            Had(_target(row["target"], normal), row["model"], tuple(row["has"])) for row in data.get("offered") or []
        ),
    )


def _expected(row: Mapping[str, Any], place: Problem, normal: Normal) -> Expected:
    known = {**row, "target": _target(row["target"], normal), "expiry": date.fromisoformat(row["expiry"])}
    return Expected(**known, place=f"{place.file}:{place.line}" if place.line else place.file)


def _target(text: str, normal: Normal) -> str:
    return ANY if text == ANY else normal(text)


def _problems(data: Any, normal: Normal, registry: Mapping[str, Requirement]) -> Iterator[tuple[str, str]]:
    if not isinstance(data, dict):
        yield "", "must be a mapping with rules, expected and offered; `imageproof baseline update` writes one"
        return
    for key, message in field_problems(data, ("rules",), ("rules", "expected", "offered")):
        yield join(key) if key else "", message
    if message := rules_problem(data.get("rules", ""), registry):
        yield join("rules"), message
    for name in ("expected", "offered"):
        rows = data.get(name)
        if rows is None:
            continue
        if not isinstance(rows, list):
            yield join(name), f"{name} must be a list"
            continue
        seen: set[tuple[Any, ...]] = set()
        for index, row in enumerate(rows):
            found = list(_row_problems(name, index, row, normal, registry))
            yield from found
            if found:
                continue
            same = row.get("id", ""), _target(row["target"], normal), row.get("model", "")
            if same in seen:
                yield join(name, index), f"{' '.join(filter(None, same))} stands twice"
            seen.add(same)


def rules_problem(value: Any, registry: Mapping[str, Requirement]) -> str:
    """What is wrong with the name of a rule set, "" for nothing."""
    pattern, message = SHAPES["since"]
    known, newest = sorted({one.since for one in registry.values() if one.judged}), newest_rules(registry)
    if kind := kind_problem(value, str):
        return kind
    if value and not pattern.fullmatch(value):
        return f"{value!r} {message}"
    if value > newest:
        return f"rule set {value} is newer than this suite, which knows {newest}: upgrade imageproof"
    return f"there is no rule set {value}; known are {', '.join(known)}" if value and value not in known else ""


def newest_rules(registry: Mapping[str, Requirement]) -> str:
    """The newest rule set that has a judge."""
    return max((one.since for one in registry.values() if one.judged), default="")


def _row_problems(
    name: str, index: int, row: Any, normal: Normal, registry: Mapping[str, Requirement]
) -> Iterator[tuple[str, str]]:
    if not isinstance(row, dict):
        yield join(name, index), f"must be a mapping with {', '.join(NEEDED[name])}"
        return
    kinds = KINDS[name]
    for key, message in field_problems(row, NEEDED[name], kinds):
        yield join(name, index, key) if key else join(name, index), message
    for key in (key for key in kinds if key in row):
        if message := _value_problem(key, row[key], kinds[key], normal, registry):
            yield join(name, index, key), f"{key}: {message}"


def _value_problem(key: str, value: Any, kind: type, normal: Normal, registry: Mapping[str, Requirement]) -> str:
    """What is wrong with a value, "" for nothing."""
    if kind is bool:
        return "" if isinstance(value, bool) else "must be true or false"
    if message := kind_problem(value, kind):
        return message
    if kind is str and not value.strip():
        return "must say something"
    return _CHECKS[key](value, normal, registry) if key in _CHECKS else ""


def _id_problem(value: str, normal: Normal, registry: Mapping[str, Requirement]) -> str:
    near = get_close_matches(value, registry, 2, 0.6)
    hint = f"; do you mean {' or '.join(near)}?" if near else ""
    return "" if value in registry else f"no requirement {value}{hint}"


def _target_problem(value: str, normal: Normal, registry: Mapping[str, Requirement]) -> str:
    try:
        _target(value, normal)
    except UsageError as error:
        return f'{error}, or "*" for any target'
    return ""


def _tier_problem(value: str, normal: Normal, registry: Mapping[str, Requirement]) -> str:
    return "" if value in TIERS else f"{value!r} is none of {', '.join(TIERS)}"


def _expiry_problem(value: str, normal: Normal, registry: Mapping[str, Requirement]) -> str:
    try:
        return "" if date.fromisoformat(value).isoformat() == value else f"{value!r} is no day, YYYY-MM-DD"
    except ValueError:
        return f"{value!r} is no day, YYYY-MM-DD"


_CHECKS: Mapping[str, Callable[[str, Normal, Mapping[str, Requirement]], str]] = {
    "id": _id_problem,
    "target": _target_problem,
    "expiry": _expiry_problem,
    "tier": _tier_problem,
}


def about(target: str, base_url: str) -> bool:
    """Whether a `target` of a baseline is a base URL."""
    return target in (ANY, base_url)


def reached(entry: Expected, tier: Tier) -> bool:
    """Whether a run of a tier makes all calls that the failure of an entry was seen on."""
    return TIERS.index(tier) >= TIERS.index(entry.tier)


def later(rules: str, registry: Mapping[str, Requirement]) -> frozenset[str]:
    """The rules that came after a rule set; none for ""."""
    return frozenset(one.id for one in registry.values() if rules and one.since > rules)


def day(started: float) -> date:
    """The day of a run, in UTC."""
    return datetime.fromtimestamp(started, UTC).date()


def names(found: Collection[str] | Sequence[str], most: int = 8) -> str:
    """Some names for a sentence."""
    told = list(found)
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
