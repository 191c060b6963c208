"""Tier full: every two values that go together are asked for together, and what does not go together is named."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageproof.contract.document import load
from imageproof.contract.families import families, listed
from imageproof.contract.requirements import requirements
from imageproof_conformance.pairs import Row, covering
from imageproof_conformance.plan import Plan, plan
from imageproof_conformance.probes import Target
from imageproof_conformance.probes_pairs import MOST, WIDE_MOST, factors, most, paired

DOCUMENT = load()
OFFERED = frozenset(DOCUMENT.operations())
MODELS = [family.models[0] for family in families(DOCUMENT)]


@lru_cache(maxsize=16)
def full(model: str) -> Plan:
    return plan(DOCUMENT, requirements(), model, None, OFFERED, "full")


def target(model: str) -> Target:
    return Target(DOCUMENT, requirements(), model, None, OFFERED)


@pytest.mark.parametrize("model", MODELS)
def test_full_holds_every_pair_within_its_limit(model: str) -> None:
    found = full(model)
    for operation in target(model).making:
        own = [one for one in found.probes if one.operation == operation.id]
        assert sum(one.legal_images for one in own) <= most(target(model), operation) <= WIDE_MOST
    assert found.paired > 0 and found.unpaired == 0
    standard = plan(DOCUMENT, requirements(), model, None, OFFERED, "standard")
    assert {one.id for one in standard.probes} <= {one.id for one in found.probes}


def test_more_is_allowed_where_more_formats_are_drawn() -> None:
    limits = {model: most(target(model), DOCUMENT.operations()["createImage"]) for model in MODELS}
    assert {model for model, limit in limits.items() if limit == WIDE_MOST} == {"gpt-image-2.6-sunburst"}
    assert set(limits.values()) == {MOST, WIDE_MOST}


@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-1"])
def test_every_pair_of_listed_values_is_in_a_call_or_named(model: str) -> None:
    """Counted anew from the cells, for the parameters that list their values."""
    plans, family = full(model), target(model).family
    assert family is not None
    lists = {
        name: [value for value in listed(cell.schema) if value is not None]
        for name, cell in family.cells["createImage"].items()
        if cell.schema is not False and not cell.either and len(listed(cell.schema)) > 1
    }
    calls = [one.asked for one in plans.probes if one.operation == "createImage" and one.expect == "served"]
    for (one, values), (other, others) in itertools.combinations(lists.items(), 2):
        for first, second in itertools.product(values, others):
            named = any(f"{one}={first}" in said and f"{other}={second}" in said for said in plans.impossible)
            held = any(call.get(one) == first and call.get(other) == second for call in calls)
            assert held != named, (one, first, other, second)


@pytest.mark.parametrize("model", MODELS)
def test_its_calls_are_legal_cheap_and_differ(model: str) -> None:
    found = [one for one in full(model).probes if one.tier == "full"]
    kinds = {one.id.rpartition("/")[2].rpartition("-")[0] for one in found}
    costs = Counter[str]()
    for one in full(model).probes:
        costs[one.operation] += one.legal_images
    mine = [one for one in target(model).making if target(model).can(one.id)]
    filled = all(costs[one.id] >= most(target(model), one) for one in mine)
    assert {"pairs"} <= kinds <= {"pairs", "made-up", "ends"}
    assert filled or kinds & {"made-up", "ends"}  # what is made up may not fit in the room that is left
    for one in found:
        media_type = "application/json" if one.request.json is not None else "multipart/form-data"
        assert target(model).breaches(one.operation, media_type, one.asked) == ()
        assert one.images == one.asked.get("n", 1) <= 2
    bodies = [repr((one.operation, sorted(one.asked.items(), key=lambda item: item[0]))) for one in found]
    assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("model", MODELS)
def test_both_ends_of_the_compression_are_asked_for_in_pictures_that_can_be_compared(model: str) -> None:
    for operation in ("createImage", "createImageEdit"):
        found: dict[tuple[str, str, str | None], set[int]] = {}
        for one in full(model).probes:
            asked = one.asked
            told = any("COMPRESSION-EFFECT" in rule for rule in one.rules)
            if one.operation == operation and told and asked.get("size", "auto") != "auto":
                kind = asked["output_format"], asked["size"], asked.get("background")
                found.setdefault(kind, set()).add(asked["output_compression"])
        compressed = model.startswith("gpt-image")
        assert any(len(values) == 2 for values in found.values()) == compressed


def test_what_cannot_be_asked_for_together_is_named_and_true() -> None:
    model, operation = "gpt-image-1", DOCUMENT.operations()["createImage"]
    own = target(model)
    values = factors(own, operation, "application/json")
    every = [(name, one) for name, found in values.items() for one in found]
    by_name = {one.said: (name, one.members) for name, one in every}
    plain = {"model": model, "prompt": "a"}
    impossible = paired(own, operation, []).impossible
    assert "background=transparent with output_format=jpeg" in impossible
    for said in impossible:
        pair = [by_name[word] for word in said.split(" with ")]
        rest = [(name, one.members) for name, one in every if name not in {mine for mine, _ in pair}]
        for more in (*((one,) for one in rest), *itertools.combinations(rest, 2)):
            if len({name for name, _ in more}) == len(more):
                body: dict[str, Any] = {**plain, **{k: v for _, members in (*pair, *more) for k, v in members.items()}}
                assert own.breaches("createImage", "application/json", body), (said, body)


def test_a_model_that_nobody_knows_has_no_pairs() -> None:
    found = full("a-model-that-nobody-knows")
    assert (found.paired, found.impossible) == (0, ())
    assert not [one for one in found.probes if one.tier == "full"]


# A rule of a made-up grammar: where the first factor has that value, the second must be there with one of those.
Rule = tuple[str, int, str, frozenset[int]]


@st.composite
def grammars(draw: st.DrawFn) -> tuple[dict[str, int], list[Rule]]:
    counts = {name: draw(st.integers(1, 4)) for name in "abcdef"[: draw(st.integers(2, 6))]}
    rules = []
    for _ in range(draw(st.integers(0, 3))):
        one, other = draw(st.permutations(sorted(counts)))[:2]
        allowed = draw(st.frozensets(st.integers(0, counts[other] - 1), max_size=counts[other]))
        rules.append((one, draw(st.integers(0, counts[one] - 1)), other, allowed))
    return counts, rules


def broken(rules: list[Rule], row: Row) -> list[Rule]:
    return [rule for rule in rules if row.get(rule[0]) == rule[1] and row.get(rule[2], -1) not in rule[3]]


@settings(derandomize=True, database=None, deadline=None, max_examples=120)
@given(grammars(), st.integers(0, 3))
def test_every_possible_pair_is_in_a_legal_row(grammar: tuple[dict[str, int], list[Rule]], seeds: int) -> None:
    counts, rules = grammar

    def lacking(row: Row) -> tuple[str, ...] | None:
        found = broken(rules, row)
        if not found:
            return None
        absent = [other for _, _, other, _ in found if other not in row]
        return tuple(absent) if len(absent) == len(found) else ()

    given_rows = [row for row in ({"a": value} for value in range(counts["a"])) if not broken(rules, row)][:seeds]
    made = covering(counts, lacking, given_rows, "a")
    assert all(not broken(rules, row) for row in made.rows)
    held = {pair for row in (*made.rows, *given_rows) for pair in pairs_of(row)}
    assert made.possible <= held
    total = sum(counts[one] * counts[other] for one, other in itertools.combinations(counts, 2))
    assert len(made.possible) + len(made.impossible) == total
    assert not held & set(made.impossible)
    assert made == covering(counts, lacking, given_rows, "a")


def pairs_of(row: Mapping[str, int]) -> set[tuple[str, int, str, int]]:
    return {(*one, *other) for one, other in itertools.permutations(row.items(), 2)}
