"""Calls that stand in for refused ones: what a refusal saved pays for others that show the rules which it lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from imageproof_conformance.answers import served, unknown_model
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.budget import pictures
from imageproof_conformance.exchange import TIERS, Exchange, Probe, Tier
from imageproof_conformance.judges import objections
from imageproof_conformance.probes_served import BARE


def refused(exchanges: Iterable[Exchange], model: str) -> list[Exchange]:
    """The calls of a model that must be served and were refused for what they ask, at no cost."""
    mine = [one for one in exchanges if one.probe.model == model and one.probe.expect == "served" and one.probe.images]
    told = [one for one in mine if one.status in (400, 413, 415, 422) and not pictures(one)]
    return [one for one in told if not unknown_model(one)]


def stand_ins(plan: ModelPlan, tier: Tier, exchanges: Sequence[Exchange], lost: frozenset[str]) -> list[Probe]:
    """Of the calls that a plan makes in tiers dearer than `tier`, or keeps for this, those that show most of the lost
    rules for the fewest pictures: no more pictures than refusals saved. None that asks for what was objected to."""
    turned = refused(exchanges, plan.choice.name)
    meant = {one.id for one in plan.within(*TIERS[: TIERS.index(tier) + 1]).probes}
    others = {one.probe.id: one.probe for one in exchanges if one.probe.id not in meant}
    room = sum(one.probe.images for one in turned) - sum(one.images for one in others.values())
    working = {
        one.probe.operation
        for one in exchanges
        if one.probe.model == plan.choice.name and one.probe.images and served(one)
    }
    objected = {(one.probe.operation, name) for one in turned for name in objections(one)}
    found = [
        one
        for one in (*plan.probes, *plan.reserve)
        if one.id not in meant | set(others) and one.expect == "served" and one.images
        if not (one.id.endswith(f"/{BARE}") and one.operation in working)  # what is left out may be dear
        if not any((one.operation, name) in objected for name, value in one.asked.items() if value is not None)
    ]
    chosen: list[Probe] = []
    while found := [one for one in found if one.images <= room and lost & set(one.rules)]:
        best = max(found, key=lambda one: len(lost & set(one.rules)) / one.images)
        chosen.append(replace(best, tier=tier))
        found.remove(best)
        room, lost = room - best.images, lost - set(best.rules)
    return chosen
