"""The registry: every finding has a row, every row says what it is about, and a bad row is told by its line."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from imageproof.contract.decisions import pattern
from imageproof.contract.document import load
from imageproof.contract.facts import contract_facts
from imageproof.contract.findings import findings, read_findings
from imageproof.contract.requirements import BREAKS, Requirement, read_requirements, requirements
from imageproof.errors import DocumentError
from imageproof_reference.faults import faults

REGISTRY = requirements()
PLACES = tuple(contract_facts(load()))
RULES = [f"R{number:02}" for number in range(1, 57)]
BREACHES = [f"RW-{number:03}" for number in range(1, 111)]


def test_the_findings_are_whole() -> None:
    assert list(findings()) == [*RULES, *BREACHES]
    assert [one.id for one in findings().values() if one.id in BREACHES and one.threads < len(one.seen)] == []


@pytest.mark.parametrize("finding", [*RULES, *BREACHES])
def test_every_finding_is_carried(finding: str) -> None:
    carriers = [row.id for row in REGISTRY.values() if finding in row.carries and not row.retired]
    assert carriers, f"no row of requirements.yaml carries {finding} ({findings()[finding].what}): add it to `carries`"


def test_what_a_fault_breaks_carries_what_the_fault_was_seen_as() -> None:
    """An independent witness: the fault of a real server is caught by rules that claim to answer to it."""
    for fault in faults().values():
        carried = {finding for ids in fault.rules.values() for rule in ids for finding in REGISTRY[rule].carries}
        assert set(re.findall(r"\bR\d\d\b|\bRW-\d{3}\b", fault.seen)) <= carried, fault.id


def test_every_place_that_a_row_is_about_exists_in_each_of_its_operations() -> None:
    strangers = [
        (row.id, operation, glob)
        for row in REGISTRY.values()
        for glob in row.about
        for operation in row.operations or ("",)
        if not any(operation == one and pattern(glob).fullmatch(place) for one, place in PLACES)
    ]
    assert strangers == []


def test_most_rules_can_be_judged_from_outside() -> None:
    assert sum(row.judged or row.judge == "pending" for row in REGISTRY.values()) >= 150
    assert {row.level for row in REGISTRY.values() if row.judge} == {"MUST", "SHOULD", "MAY"}  # INFO is never judged


def test_every_row_says_where_it_comes_from_and_when_and_whom_it_is_for() -> None:
    for row in REGISTRY.values():
        assert all(re.search(r"\b(19|20)\d\d\b|^CWE-\d+$", source) for source in row.sources), row.id
        assert row.operations and row.breaks and row.sentence.endswith("."), row.id
        assert "\n" not in row.sentence


ROW = 'id: GEN-NEW, level: MUST, sentence: It holds., sources: [a 2026], since: "2026.12"'


def read(row: str) -> Requirement:
    """A row of flow style, read behind a line of comment."""
    (found,) = read_requirements(f"# one\n- {{{row}}}\n", "rows.yaml", findings()).values()
    return found


def test_a_row_is_judged_only_by_a_judge() -> None:
    standings = ["judge: exchange", "judge: refusal", "judge: pending", "excluded: no way", 'retired: "2027.01: wrong"']
    assert [read(f"{ROW}, {one}").judged for one in standings] == [True, True, False, False, False]
    assert read(f"{ROW}, judge: pending, carries: [R01, RW-110], about: ['json:n']").carries == ("R01", "RW-110")


BAD_ROWS = {
    "no standing": ("", "/0: GEN-NEW: needs exactly one of judge, excluded, retired, and has none"),
    "two": ("judge: pending, excluded: why", "/0: GEN-NEW: needs exactly one of .*, and has judge and excluded"),
    "three": ('judge: exchange, excluded: why, retired: "2027.01: why"', "has judge and excluded and retired"),
    "judge": ("judge: perhaps", "/0/judge: GEN-NEW: judge: 'perhaps' is none of refusal, exchange, pending"),
    "cost": ("judge: pending, cost: dear", "/0/cost: GEN-NEW: cost: 'dear' is none of free, refusal,"),
    "breaks": ("judge: pending, breaks: [web]", f"/0/breaks: .* web: each must be one of {', '.join(BREAKS)}"),
    "carries": ("judge: pending, carries: [R01, R57, RW-111]", "/0/carries: .* no such finding: R57, RW-111; findings"),
    "stray": ("judge: pending, operation: [a]", "/0/operation: .* unknown field; known are about, breaks,"),
    "text for a list": ("judge: pending, operations: createImage", "/0/operations: .* must be a list of texts"),
    "a list of numbers": ("judge: pending, about: [200]", "/0/about: .* must be a list of texts"),
    "retired": ("retired: it was wrong", "/0/retired: .* must be the rule set and why: YYYY.MM: why"),
}


@pytest.mark.parametrize(("more", "said"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_told_by_its_line_and_pointer(more: str, said: str) -> None:
    with pytest.raises(DocumentError, match=rf"^rows\.yaml:2: #.*{said}"):
        read(f"{ROW}, {more}" if more else ROW)


BAD_TEXTS = {
    "a number": (ROW.replace('"2026.12"', "2026.12") + ", judge: pending", "since: must be text: write it in quotes"),
    "a date": (ROW.replace("2026.12", "2026.13") + ", judge: pending", "since: '2026.13' must be a rule set, YYYY.MM"),
    "an id": (ROW.replace("GEN-NEW", "new rule") + ", judge: pending", "'new rule' must look like GEN-SIZE-PIXELS"),
    "a gap": (ROW.replace("sentence: It holds., ", "") + ", judge: pending", "GEN-NEW: lacks sentence"),
}


@pytest.mark.parametrize(("row", "said"), BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_bad_value_is_told_by_its_line(row: str, said: str) -> None:
    with pytest.raises(DocumentError, match=rf"^rows\.yaml:2: .*{re.escape(said)}"):
        read(row)


def test_all_bad_rows_are_told_at_once() -> None:
    good = f"- {{{ROW}, judge: pending}}\n"
    text = f"{good}- just a text\n{good}- id: GEN-GAP\n  level:\n    LOUD\n  judge: pending\n"
    with pytest.raises(DocumentError) as told:
        read_requirements(text, "rows.yaml", findings())
    assert [(one.line, one.pointer) for one in told.value.problems] == [
        (2, "/1"),
        (3, "/2/id"),
        (4, "/3"),
        (5, "/3/level"),
    ]
    assert "stands twice; an id is never used again" in str(told.value)


RULE, BREACH = "R01: {what: a, ", "RW-001: {what: a, severity: sdk, "
BAD_FINDINGS = {
    "no mapping": ("- a\n", "f.yaml:1: must be a mapping of findings by id"),
    "an id": ("R1: {what: a}\n", "f.yaml:1: #/R1: R1 is no id of a finding: it must look like R01 or RW-001"),
    "no row": ("\nR01: a\n", "f.yaml:2: #/R01: R01: must be a mapping with what, strength, sources"),
    "a gap": (f"\n{RULE} strength: hard}}\n", "f.yaml:2: #/R01: R01: lacks sources"),
    "a stray": (
        f"{RULE} strength: soft, sources: [b],\n threads: 2}}",
        "f.yaml:2: #/R01/threads: R01: threads: ",
    ),
    "strength": (f"{RULE} sources: [b],\n strength: firm}}", "f.yaml:2: #/R01/strength: R01: strength: 'firm' is none"),
    "severity": (
        "RW-001: {what: a, severity: A, threads: 1, seen: [a/b#1]}",
        "'A' is none of sdk, application",
    ),
    "threads": (f"{BREACH} threads: two, seen: [a/b#1]}}", "threads: must be a number from 1"),
    "a thread": (f"{BREACH} threads: 1, seen: [issue 3]}}", "'issue 3' is no owner/repository#number"),
    "many": (f"{BREACH} threads: 9, seen: [a/b#1, a/b#2, a/b#3, a/b#4]}}", "4 threads are named; name 3 at most"),
}


@pytest.mark.parametrize(("text", "said"), BAD_FINDINGS.values(), ids=BAD_FINDINGS)
def test_a_bad_finding_is_told_by_its_line(text: str, said: str) -> None:
    with pytest.raises(DocumentError) as told:
        read_findings(text, "f.yaml")
    assert said in str(told.value) and len(told.value.problems) == 1


READERS: list[Callable[[str, str], object]] = [
    read_findings,
    lambda text, source: read_requirements(text, source, findings()),
]


@pytest.mark.parametrize("read_rows", READERS, ids=["findings", "requirements"])
@pytest.mark.parametrize("text", ["", "7", "[[[]]]", "{a: {b: [c]}}", "- {carries: [[a], 1], id: [b]}", "[null, {}]"])
def test_odd_files_are_told(read_rows: Callable[[str, str], object], text: str) -> None:
    with pytest.raises(DocumentError):
        read_rows(text, "odd.yaml")
