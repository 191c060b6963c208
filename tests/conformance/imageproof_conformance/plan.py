"""What to send to judge one model: refusals derived from the document, and a few paid calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imageproof.contract.document import Document
from imageproof.contract.requirements import Requirement
from imageproof_conformance.exchange import Probe, Tier
from imageproof_conformance.probes import Target
from imageproof_conformance.probes_fixed import fixed
from imageproof_conformance.probes_refused import refused
from imageproof_conformance.probes_served import served

TIERS: tuple[Tier, ...] = ("free", "core", "standard")
LIMITS: Mapping[Tier, int] = {"free": 0, "core": 8, "standard": 15}  # pictures for one model on a behaving target


@dataclass(frozen=True)
class Plan:
    """What to send, the free calls first, and the requirements that it gives evidence for, in registry order."""

    probes: tuple[Probe, ...]
    requirements: tuple[str, ...]

    @property
    def images(self) -> int:
        """Pictures that a behaving target makes."""
        return sum(probe.images for probe in self.probes)


def plan(
    document: Document,
    registry: Mapping[str, Requirement],
    model: str,
    family: str | None,
    offered: frozenset[str],
    tier: Tier,
) -> Plan:
    """The probes of one model up to a tier. `offered` are the operationIds that the target answers; `family` names the
    family of a model that the document does not know. UsageError when there is no such family."""
    target = Target(document, registry, model, family, offered)
    derived = list(refused(target))
    free = [*fixed(target), *(one for one in derived if one.expect == "refused")]
    paid = _within([*served(target)], LIMITS, tier)
    room = LIMITS["standard"] - sum(one.images for one in paid)
    either = _one_each(one for one in derived if one.expect == "either")[: max(room, 0)] if tier == "standard" else []
    probes = _unique([*sorted(free, key=lambda one: one.worst), *paid, *either])
    named = {rule for one in probes for rule in one.rules}
    return Plan(probes, tuple(rule for rule in registry if rule in named))


def _within(probes: Iterable[Probe], limits: Mapping[Tier, int], tier: Tier) -> list[Probe]:
    """The probes up to a tier, within each tier's limit, so that a tier is the same when it is part of a dearer one."""
    kept: list[Probe] = []
    for stage in TIERS[: TIERS.index(tier) + 1]:
        for probe in (one for one in probes if one.tier == stage):
            if sum(one.images for one in kept) + probe.images <= limits[stage]:
                kept.append(probe)
    return kept


def _one_each(probes: Iterable[Probe]) -> list[Probe]:
    """The first probe of each rule."""
    found: dict[str, Probe] = {}
    for probe in probes:
        found.setdefault(probe.rules[0], probe)
    return list(found.values())


def _unique(probes: Iterable[Probe]) -> tuple[Probe, ...]:
    """Probes by id, the first of each: no two calls of a plan share one."""
    return tuple({probe.id: probe for probe in reversed(list(probes))}.values())[::-1]
