"""What a run means to send: the plan of each model, in tiers, and what is left of it when only some rules count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from imageproof.contract.document import Document
from imageproof.contract.families import family_of
from imageproof.contract.providers import Provider
from imageproof.contract.requirements import Requirement
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.carried import as_taken
from imageproof_conformance.discover import Encoding
from imageproof_conformance.exchange import TIERS, Probe, Tier
from imageproof_conformance.judging import Item
from imageproof_conformance.plan import Plan, plan
from imageproof_conformance.probes import Target
from imageproof_conformance.probes_declared import declared, marked
from imageproof_conformance.probes_spared import Extras
from imageproof_conformance.profile import ModelChoice
from imageproof_conformance.properties import negatives

# Half a second a model: a second tier of the same model, or a second run in one process, has the same cases.
_generated = lru_cache(maxsize=32)(negatives)


def forget() -> None:
    """Generate the cases anew next time, as a new process does."""
    _generated.cache_clear()


def whole_plan(
    document: Document,
    registry: Mapping[str, Requirement],
    choice: ModelChoice,
    offered: frozenset[str],
    extras: Extras,
    provider: Provider | None = None,
    tier: Tier = "standard",
    encodings: Iterable[Encoding] = (),
) -> ModelPlan:
    """Everything that can be asked of one model up to a tier, and of what its provider declares. `encodings` are what
    free calls found of those that an operation takes its body in."""
    everything = frozenset(document.operations())

    def planned(operations: frozenset[str], deepest: Tier) -> Plan:
        return plan(document, registry, choice.name, choice.family, operations, deepest, extras)

    made = planned(offered, tier)
    generated = _generated(document, choice.name, choice.family, offered)
    target = Target(document, registry, choice.name, choice.family, offered)
    paid, twins = as_taken(target, (*made.probes, *made.reserve), encodings)
    own, reserve = paid[: len(made.probes)], (*twins, *paid[len(made.probes) :])
    probes = marked(target, provider, (*own, *declared(target, provider), *generated.probes))
    rules = dict.fromkeys((*made.requirements, *(rule for one in probes for rule in one.rules)))
    whole = planned(everything, "standard").requirements if offered < everything else ()  # pairs show no other rules
    missing = [one for one in whole if one not in rules]
    return ModelPlan(
        choice,
        family_of(document, choice.name, choice.family),
        tuple(map(_bounded, probes)),
        tuple(rules),
        missing=tuple(missing),
        waiting=made.waiting,
        dropped=generated.dropped,
        paired=made.paired,
        unpaired=made.unpaired,
        impossible=made.impossible,
        reserve=tuple(map(_bounded, reserve)),
    )


def _bounded(probe: Probe) -> Probe:
    """A probe whose worst case is no less than what can happen: a target may answer any POST with a picture."""
    return replace(probe, worst=max(probe.worst, probe.images, 1 if probe.request.method == "POST" else 0))


def upto(tier: Tier) -> tuple[Tier, ...]:
    """A tier and those that are part of it."""
    return TIERS[: TIERS.index(tier) + 1]


def wanted(probes: Iterable[Probe], items: Collection[Item]) -> tuple[Probe, ...]:
    """The probes that show some of the items, and those that their answers are compared with."""
    found = list(probes)
    shown = {one.id: one for one in found if any((rule, one.model) in items for rule in one.rules)}
    twins = {_twin(one, one.breaks) for one in shown.values() if one.breaks and one.about}
    planned = {one.id for one in found if one.source == "plan" and one.rules and _twin(one, one.rules[0]) in twins}
    return tuple(one for one in found if one.id in shown or one.id in planned)


def _twin(probe: Probe, rule: str) -> tuple[str, str, str, object]:
    return probe.model, probe.operation, rule, str(probe.asked.get(probe.about))
