"""Every source held against the contract: what differs, and the decision that settles it.

A discrepancy is a difference that the comparison found, or a note of what OpenAPI cannot hold. Each must be covered by
a row of `decisions.yaml`, each pattern of a row must cover something, and each row must land somewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from imageproof.contract.compare import Difference, compare
from imageproof.contract.decisions import COUNTED, Decision, Decisions, matching
from imageproof.contract.document import Document
from imageproof.contract.fact import Facts
from imageproof.contract.facts import contract_facts, model_facts, read_facts
from imageproof.contract.families import family_of
from imageproof.contract.pointers import join
from imageproof.contract.sources import NOT, Note, Source, by_model, for_model
from imageproof.errors import Problem


@dataclass(frozen=True)
class Discrepancy:
    """Something that a source says otherwise than the contract. `key` is what patterns match: `source note id`, or
    `source operation place aspect`, with `@model` behind the place where it holds for one model."""

    source: str
    key: str
    lines: tuple[int, ...]
    difference: Difference | None = None
    note: Note | None = None


@dataclass(frozen=True)
class Reconciliation:
    """The discrepancies in order, the decisions that cover each by its key, and what keeps them from being settled."""

    discrepancies: tuple[Discrepancy, ...]
    decisions: Decisions
    covering: Mapping[str, tuple[Decision, ...]]
    problems: tuple[Problem, ...]


def reconcile(contract: Document, known: Mapping[str, Source], decided: Decisions) -> Reconciliation:
    """Hold all sources against the contract. The problems are empty when every difference is decided."""
    ours = contract_facts(contract)
    found = tuple(discrepancy for source in known.values() for discrepancy in discrepancies(contract, ours, source))
    keys = frozenset(one.key for one in found)
    rows = decided.rows.values()
    matched = {glob: matching(glob, keys) for row in rows for glob in row.covers}
    covered = {row.id: frozenset().union(*(matched[glob] for glob in row.covers)) for row in rows}
    covering = {one.key: tuple(row for row in rows if one.key in covered[row.id]) for one in found}
    problems = [*_undecided(known, found, covering)]
    open_ids = sorted(COUNTED - {one for row in rows for one in row.settles})
    if open_ids:
        problems.append(decided.document.problem("", f"not settled by any row: {', '.join(open_ids)}"))
    for row in rows:
        for glob in row.covers:
            if not matched[glob]:
                problems.append(
                    decided.problem(row.id, f"covers nothing: {glob}", "covers", "mend or remove the pattern")
                )
        problems += _row_problems(contract, known, decided, row, [one for one in found if one.key in covered[row.id]])
    return Reconciliation(found, decided, covering, tuple(problems))


def discrepancies(contract: Document, ours: Facts, source: Source) -> Iterator[Discrepancy]:
    """All discrepancies of one source: what it says of every model, then of single models, then its notes."""
    theirs = read_facts(contract, source.document).facts
    for one in compare(ours, theirs):
        yield _discrepancy(source, one)
    yield from _discrepancies_by_model(contract, theirs, source)
    for note in source.notes:
        yield Discrepancy(source.id, f"{source.id} note {note.id}", note.lines, note=note)


def _discrepancies_by_model(contract: Document, theirs: Facts, source: Source) -> Iterator[Discrepancy]:
    """What a source says of one model alone, against what the contract has for that model."""
    limited = by_model(source.document)
    compared: dict[tuple[str, str], tuple[Difference, ...]] = {}
    for model in dict.fromkeys(model for models in limited.values() for model in models):
        told = {pointer: models[model] for pointer, models in limited.items() if model in models}
        family = family_of(contract, model)
        like = family.models[0] if family else model, json.dumps(told)  # such models differ in nothing but their names
        if like not in compared:
            compared[like] = tuple(_differences_of_model(contract, theirs, source, model, told, like[0]))
        for one in compared[like]:
            yield _discrepancy(source, replace(one, model=model))


def _differences_of_model(
    contract: Document, theirs: Facts, source: Source, model: str, told: Mapping[str, Any], ours: str
) -> Iterator[Difference]:
    """Differences in what a source has `told` of a model, by pointer, against the contract for the model `ours`."""
    said = {key: told[fact.pointer] for key, fact in theirs.items() if fact.pointer in told}
    answers = any(theirs[key].answer for key in said)  # seldom, and they are most of the work
    mine = _model_facts(contract, ours, answers)
    other = read_facts(contract, for_model(source.document, model), answers=answers).facts
    for one in compare(mine, other):
        keywords = said.get((one.operation, one.place), {})
        keywords = frozenset(keywords) if isinstance(keywords, dict) else NOT
        if keywords & KEYWORDS.get(one.aspect, {one.aspect}) and (one.operation, "operation") in mine:
            yield one


@lru_cache(maxsize=64)
def _model_facts(contract: Document, model: str, answers: bool) -> Facts:
    return model_facts(contract, contract, model, answers=answers)


# aspect -> the keywords that say it, where they have another name
KEYWORDS: Mapping[str, frozenset[str]] = {
    "values": frozenset({"enum", "const"}),
    "more-values": frozenset({"enum", "const"}),
    "member": frozenset({"not"}),
}


def _discrepancy(source: Source, difference: Difference) -> Discrepancy:
    line = source.line(difference.their_pointer)
    return Discrepancy(source.id, f"{source.id} {difference.key}", () if line is None else (line,), difference)


def _undecided(
    known: Mapping[str, Source], found: tuple[Discrepancy, ...], covering: Mapping[str, tuple[Decision, ...]]
) -> Iterator[Problem]:
    for one in found:
        if covering[one.key]:
            continue
        document = known[one.source].document
        pointer = one.difference.their_pointer if one.difference else _place(known[one.source], one.note)
        told = (
            f"the contract: {one.difference.ours}; the source: {one.difference.theirs}" if one.difference else "a note"
        )
        hint = "cover it by a row of decisions.yaml"
        yield Problem(document.source, f"not decided: {one.key} ({told})", pointer, document.line(pointer), hint=hint)


def _place(source: Source, note: Note | None) -> str:
    """The pointer of a note."""
    return join("x-notes", source.notes.index(note)) if note else ""


def _row_problems(
    contract: Document, known: Mapping[str, Source], decided: Decisions, row: Decision, covered: list[Discrepancy]
) -> Iterator[Problem]:
    try:
        contract.at(row.lands)
    except KeyError:
        yield decided.problem(row.id, f"lands nowhere: #{row.lands}", "lands", "point at a place of openapi.yaml")
    sources = {one.source for one in covered}
    told = {said.source for said in row.says}
    for name in sorted(told - set(known)):
        yield decided.problem(row.id, f"no source {name!r}; known: {', '.join(known)}", "says")
    for name in sorted(sources - told):
        yield decided.problem(row.id, f"covers discrepancies of {name}, and does not say what it says", "says")
    for name in sorted((told & set(known)) - sources):
        yield decided.problem(row.id, f"says what {name} says, and covers no discrepancy of it", "says")
    for said in row.says:
        lines = {line for one in covered if one.source == said.source for line in one.lines}
        strays = [line for line in said.lines if line not in lines]
        if strays:
            expected = ", ".join(map(str, sorted(lines))) or "none"
            message = f"{said.source}: no covered discrepancy stands in line {', '.join(map(str, strays))}"
            yield decided.problem(row.id, message, "says", f"lines of its discrepancies: {expected}")
