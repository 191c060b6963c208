"""Requirements that are newer than a recorded run: judged on its exchanges where these can show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from imageproof.contract.document import Document
from imageproof.contract.requirements import Requirement
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.exchange import Exchange, Probe, Tier
from imageproof_conformance.judging import Item
from imageproof_conformance.meaning import meaning
from imageproof_conformance.plan import plan
from imageproof_conformance.probes import JSON, Target
from imageproof_conformance.record import Run

FORM = "multipart/form-data"
UNSHOWN = "this run has no call that shows it"


@dataclass(frozen=True)
class Today:
    """A run brought up to today's requirements: `shown` are new ones that its exchanges show, `unshown` those that they
    do not, `gone` requirements that nobody judges any more."""

    run: Run
    shown: tuple[str, ...] = ()
    unshown: tuple[Item, ...] = ()
    gone: tuple[str, ...] = ()


def today(run: Run, judged_then: frozenset[str], document: Document, registry: Mapping[str, Requirement]) -> Today:
    """The same run for the same requirements; else one whose probes list what the planner would list now."""
    now = frozenset(one.id for one in registry.values() if one.judged)
    new, named = now - judged_then, {rule for rule, _ in run.course.items}
    gone = tuple(sorted(named - now))
    if not new and not judged_then - now:
        return Today(run)
    exchanges = list(run.exchanges)
    tier: Tier = "full" if run.tier == "full" else "standard"
    unshown: list[Item] = []
    plans: list[ModelPlan] = []
    for one in run.plans:
        target = Target(document, registry, one.choice.name, one.choice.family, run.discovery.offered)
        made = plan(document, registry, target.model, target.family_id, target.offered, tier)
        planned = {probe.id: probe for probe in made.probes}
        for place, exchange in enumerate(exchanges):
            if exchange.probe.model == one.choice.name:
                exchanges[place] = _renewed(exchange, planned, target, now, new)
        seen = {rule for call in exchanges if call.probe.model == one.choice.name for rule in call.probe.rules}
        applying = [rule for rule in registry if rule in new and (rule in seen or rule in made.requirements)]
        unshown += [(rule, one.choice.name) for rule in applying if rule not in seen]
        plans.append(_still(one, now, applying))
    added = [(rule, one.choice.name) for one in plans for rule in one.requirements if rule in new]
    items = (*(item for item in run.course.items if item[0] in now), *(() if run.selected else added))
    shown = dict.fromkeys(rule for rule, model in added if (rule, model) not in unshown)
    renewed = replace(run, exchanges=tuple(exchanges), plans=tuple(plans), course=replace(run.course, items=items))
    return Today(renewed, tuple(shown), tuple(unshown), gone)


def _still(one: ModelPlan, now: frozenset[str], added: Iterable[str]) -> ModelPlan:
    """A plan without rules that nobody judges any more, and with others."""
    still = [tuple(rule for rule in rules if rule in now) for rules in (one.requirements, one.dearer, one.missing)]
    return replace(one, requirements=(*still[0], *added), dearer=still[1], missing=still[2])


def _renewed(
    exchange: Exchange, planned: Mapping[str, Probe], target: Target, now: frozenset[str], new: frozenset[str]
) -> Exchange:
    """An exchange whose probe lists the new rules too that it is evidence for."""
    probe = exchange.probe
    kept = [rule for rule in probe.rules if rule in now]
    twin = planned.get(probe.id)
    if twin is not None and _same(twin, probe):
        listed = [rule for rule in twin.rules if rule in kept or rule in new]
    else:
        listed = [rule for rule in _meant(probe, target) if rule in new]
    lead = [rule for rule in listed[:1] if rule in new]
    return replace(exchange, probe=replace(probe, rules=tuple(dict.fromkeys((*lead, *kept, *listed)))))


def _same(twin: Probe, probe: Probe) -> bool:
    """Whether today's plan means the same call."""
    return (twin.operation, twin.expect, twin.request) == (probe.operation, probe.expect, probe.request)


def _meant(probe: Probe, target: Target) -> tuple[str, ...]:
    media_type = FORM if probe.request.parts is not None else JSON
    known = probe.operation in target.offered and probe.operation in target.document.operations()
    if not known or not probe.asked or media_type not in target.media_types(probe.operation):
        return ()
    found = meaning(target, probe.operation, media_type, probe.asked)
    return found.rules if found.expect == probe.expect and len(found.broken) < 2 else ()
