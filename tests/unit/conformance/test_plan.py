"""What is planned: legal calls that are legal, refusals that break one rule each, tiers within their limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.document import load, request_schema
from imageproof.contract.families import Grid, families
from imageproof.contract.providers import read_provider
from imageproof.contract.requirements import requirements
from imageproof.contract.violations import violations
from imageproof_conformance.exchange import Probe, Tier
from imageproof_conformance.intent import whole_plan
from imageproof_conformance.plan import LIMITS, WIDE_LIMITS, Plan, limits_of, plan
from imageproof_conformance.probes import Target, as_text, typed
from imageproof_conformance.probes_refused import off_grid, refused
from imageproof_conformance.probes_served import grid_sizes, served
from imageproof_conformance.probes_spared import HEAVY_BYTES, NO_EXTRAS, STRANGE, WAITING, Extras
from imageproof_conformance.profile import ModelChoice

DOCUMENT = load()
REGISTRY = requirements()
OFFERED = frozenset(DOCUMENT.operations())
MODELS = [family.models[0] for family in families(DOCUMENT)]
DECLARES = read_provider(str(Path(__file__).with_name("declares.yaml")), "declares")
STRANGER = "a-model-that-nobody-knows"


@lru_cache(maxsize=64)
def planned(model: str, tier: Tier = "standard") -> Plan:
    return plan(DOCUMENT, REGISTRY, model, None, OFFERED, tier)


def broken(probe: Probe) -> set[str]:
    """The rules that a probe's body breaks as it is on the wire."""
    media_type = "multipart/form-data" if probe.request.parts is not None else "application/json"
    schema = request_schema(DOCUMENT, probe.operation, media_type)

    def read(name: str, value: Any) -> Any:
        prop = DOCUMENT.resolve(schema["properties"][name])
        return typed(prop, as_text(value)) if isinstance(value, str | int | float) else value

    sent: Mapping[str, Any] = probe.asked
    if media_type != "application/json":
        sent = {name: read(name, value) for name, value in sent.items()}
    found = violations(DOCUMENT, probe.model, probe.operation, sent, media_type=media_type)
    return {one.rule for one in found}


def bodies(model: str) -> Iterator[Probe]:
    """The probes of a model that carry a body which the contract can judge."""
    yield from (one for one in planned(model).probes if one.asked and one.asked.get("model") == model)


@pytest.mark.parametrize("model", [*MODELS, STRANGER])
def test_calls_that_must_be_served_are_legal(model: str) -> None:
    served = [one for one in bodies(model) if one.expect == "served"]
    assert served
    assert {one.id: rules for one in served if (rules := broken(one))} == {}


@pytest.mark.parametrize("model", [*MODELS, STRANGER])
def test_calls_that_must_be_refused_break_exactly_their_rule(model: str) -> None:
    refused = [one for one in bodies(model) if REGISTRY[one.rules[0]].judge == "refusal"]
    assert len(refused) > 20
    assert {one.id: rules for one in refused if (rules := broken(one)) != {one.rules[0]}} == {}


@pytest.mark.parametrize("model", [*MODELS, STRANGER])
def test_tiers_keep_their_limits_and_contain_each_other(model: str) -> None:
    plans = {tier: planned(model, tier) for tier in LIMITS}
    for tier, found in plans.items():
        assert found.images <= limits_of(Target(DOCUMENT, REGISTRY, model, None, OFFERED))[tier]
        assert len({one.id for one in found.probes}) == len(found.probes)
    ids = [[one.id for one in found.probes] for found in plans.values()]
    assert set(ids[0]) <= set(ids[1]) <= set(ids[2])
    assert all(one.images == 0 and one.expect != "either" for one in plans["free"].probes)


@pytest.mark.parametrize("model", [*MODELS, STRANGER])
def test_core_shows_every_must_rule_that_a_call_can_show(model: str) -> None:
    calls = [
        one for one in planned(model).probes if one.expect != "either"
    ]  # what a model may refuse shows nothing sure
    must = {rule for one in calls for rule in one.rules if REGISTRY[rule].level == "MUST"}
    assert must - set(planned(model, "core").requirements) == set()


@pytest.mark.parametrize("model", MODELS)
def test_no_tier_leaves_out_a_paid_call_for_which_there_is_room(model: str) -> None:
    found = {one.id: one for one in planned(model).probes if one.tier != "free"}
    meant = {one.id for one in served(Target(DOCUMENT, REGISTRY, model, None, OFFERED))}
    assert meant <= set(found)


@pytest.mark.parametrize("model", MODELS)
def test_cheap_leaks_come_before_dear_ones(model: str) -> None:
    worst = [one.worst for one in planned(model, "free").probes]
    assert worst == sorted(worst)


def test_only_what_offers_more_may_cost_more() -> None:
    limits = {model: limits_of(Target(DOCUMENT, REGISTRY, model, None, OFFERED)) for model in (*MODELS, STRANGER)}
    wide = {model for model, found in limits.items() if found is WIDE_LIMITS}
    assert wide == {"gpt-image-2.5-sunburst", "gpt-image-2.6-sunburst"}
    assert all(limits[model] is LIMITS for model in limits if model not in wide)


def test_every_judged_requirement_is_planned_for_some_model() -> None:
    plans = [*map(planned, MODELS), planned("gpt-image-1", "full")]
    seen = {rule for one in plans for rule in (*one.requirements, *one.waiting)}
    declared = whole_plan(DOCUMENT, REGISTRY, ModelChoice("gpt-image-1"), OFFERED, NO_EXTRAS, DECLARES)
    seen.update(declared.requirements)
    assert [rule for rule, row in REGISTRY.items() if row.judged and rule not in seen] == []


@pytest.mark.parametrize("model", [*MODELS, STRANGER])
def test_heavy_and_moderation_calls_are_made_when_asked_for_and_not_otherwise(model: str) -> None:
    plain, extras = planned(model), Extras(heavy=True, moderation="stop this")
    asked = plan(DOCUMENT, REGISTRY, model, None, OFFERED, "standard", extras)
    more = {one.id for one in asked.probes} - {one.id for one in plain.probes}
    sizes = [sum(len(part.data) for part in one.request.parts or ()) for one in plain.probes]
    assert max(sizes) < HEAVY_BYTES
    assert more and asked.images == plain.images and asked.waiting == ()
    assert {one.rules[0] for one in asked.probes if one.id in more} == set(plain.waiting) <= set(WAITING)


@pytest.mark.parametrize("model", [*MODELS, STRANGER])
def test_what_is_asked_beside_a_broken_rule_is_legal_but_for_that(model: str) -> None:
    asked = plan(DOCUMENT, REGISTRY, model, None, OFFERED, "standard", Extras(heavy=True)).probes
    spared = [one for one in asked if one.breaks and one.about]
    assert {broken for one in spared for broken in broken_by(one)} <= {"GEN-N-RANGE", "EDIT-N-RANGE"}
    assert all(broken_by(one) == {one.breaks} and one.images == 0 for one in spared)
    twins = {(one.operation, one.rules[0]) for one in asked if one.about == "n" and not one.breaks}
    assert {(one.operation, one.breaks) for one in spared} <= twins


def broken_by(probe: Probe) -> set[str]:
    """The rules that a probe breaks, a form that is sent as bytes taken as the form that it is."""
    kept = replace(probe, request=replace(probe.request, parts=())) if probe.request.raw is not None else probe
    return broken(replace(kept, asked={k: v for k, v in kept.asked.items() if k != STRANGE}))


def test_requirements_without_a_judge_are_never_planned() -> None:
    derived = [one for model in MODELS for one in refused(Target(DOCUMENT, REGISTRY, model, None, OFFERED))]
    named = {rule for model in MODELS for one in (*planned(model).probes, *derived) for rule in one.rules}
    assert named <= {rule for rule, row in REGISTRY.items() if row.judged}


def test_only_offered_operations_are_called() -> None:
    found = plan(DOCUMENT, REGISTRY, "gpt-image-1", None, frozenset({"createImage"}), "standard")
    assert {one.operation for one in found.probes} == {"createImage"}


def test_an_operation_that_the_model_lacks_is_only_refused() -> None:
    edits = [one for one in planned("dall-e-3").probes if one.operation == "createImageEdit"]
    assert [one.rules[0] for one in edits] == ["EDIT-MODEL-FAMILY"]


def test_a_family_can_be_named_for_an_alias() -> None:
    found = plan(DOCUMENT, REGISTRY, "my-deployment", "dall-e-3", OFFERED, "core")
    assert any(one.rules[0] == "GEN-STYLE-VALUES" for one in found.probes)
    assert all(
        one.asked.get("model", "my-deployment") in ("my-deployment", "imageproof-no-such-model") for one in found.probes
    )


def test_a_model_that_nobody_knows_is_held_to_the_open_rules() -> None:
    parameters = {name for one in planned(STRANGER).probes for name in one.asked}
    assert "style" not in parameters and "output_format" not in parameters


def test_sizes_off_the_grid_break_one_bound_each() -> None:
    grid = Grid(multiple_of=16, max_edge=3840, max_ratio=3, min_pixels=655_360, max_pixels=8_294_400)
    found = {name: tuple(map(int, size.split("x"))) for name, size in off_grid(grid)}
    breaches = {name: grid.breach(*size) for name, size in found.items()}
    assert len(found) == 5 and all(breaches.values()) and len(set(breaches.values())) >= 4
    assert found["edge"][0] == 3856 and found["no-multiple"][0] % 16


def test_the_cheapest_size_of_a_grid_is_legal_and_not_square() -> None:
    grid = Grid(multiple_of=16, max_edge=3840, max_ratio=3, min_pixels=655_360, max_pixels=8_294_400)
    found = grid_sizes(grid)
    assert found and all(not grid.breach(*size) and size[0] != size[1] for size in found)
    assert {width * height for width, height in found} == {655_360}


def test_the_registry_names_operations_and_rules_of_the_document() -> None:
    named = {rule for row in REGISTRY.values() for rule in row.operations}
    assert named <= OFFERED
    cells = [cell for one in families(DOCUMENT) for mine in one.cells.values() for cell in mine.values()]
    rules = {cell.rule for cell in cells} | {rule.id for one in families(DOCUMENT) for rule in one.rules}
    assert rules <= set(REGISTRY)
    may = {cell.rule for cell in cells if cell.either}
    assert all(REGISTRY[rule].level != "MUST" or rule not in may for rule in rules)


def test_what_is_not_declared_is_not_asked() -> None:
    plain = whole_plan(DOCUMENT, REGISTRY, ModelChoice("gpt-image-1"), OFFERED, NO_EXTRAS)
    declared = whole_plan(DOCUMENT, REGISTRY, ModelChoice("gpt-image-1"), OFFERED, NO_EXTRAS, DECLARES)
    assert not any(rule.startswith("DECLARED-") for one in plain.probes for rule in one.rules)
    asked = [one for one in declared.probes if one.id not in {mine.id for mine in plain.probes}]
    assert len(declared.probes) == len(plain.probes) + len(asked)
    assert {one.rules for one in asked} == {("DECLARED-OPERATIONS",), ("DECLARED-ENCODINGS",)}
    assert all((one.tier, one.images, one.worst) == ("free", 0, 1) for one in asked)
