"""What to send to judge one model: refusals derived from the document, and a few paid calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from imageproof.contract.document import Document, Operation
from imageproof.contract.families import listed
from imageproof.contract.requirements import Requirement
from imageproof_conformance.exchange import TIERS, Probe, Tier
from imageproof_conformance.positives import positives
from imageproof_conformance.probes import Target
from imageproof_conformance.probes_ends import opposite
from imageproof_conformance.probes_fixed import beside, fixed
from imageproof_conformance.probes_pairs import Paired, most, paired
from imageproof_conformance.probes_refused import refused
from imageproof_conformance.probes_served import reserved, served
from imageproof_conformance.probes_spared import NO_EXTRAS, Extras, spared

LIMITS: Mapping[Tier, int] = {"free": 0, "core": 8, "standard": 15}  # pictures for one model on a behaving target
WIDE_LIMITS: Mapping[Tier, int] = {"free": 0, "core": 12, "standard": 20}  # where it offers gif, svg or markup


@dataclass(frozen=True)
class Plan:
    """What to send, the free calls first, and the requirements that it gives evidence for, in registry order. `waiting`
    are those that would have evidence if their calls were asked for. `paired` pairs of parameter values are in some
    call of tier full, `unpaired` found no room there, and `impossible` names those that no legal call can have.
    `reserve` are calls that no tier makes: they may take the place of refused ones."""

    probes: tuple[Probe, ...]
    requirements: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    paired: int = 0
    unpaired: int = 0
    impossible: tuple[str, ...] = ()
    reserve: tuple[Probe, ...] = ()

    @property
    def images(self) -> int:
        """Pictures that a target makes at most which keeps the contract."""
        return sum(probe.legal_images for probe in self.probes)


def plan(
    document: Document,
    registry: Mapping[str, Requirement],
    model: str,
    family: str | None,
    offered: frozenset[str],
    tier: Tier,
    extras: Extras = NO_EXTRAS,
) -> Plan:
    """The probes of one model up to a tier. `offered` are the operationIds that the target answers; `family` names the
    family of a model that the document does not know; `extras` are the calls that must be asked for. UsageError when
    there is no such family."""
    target = Target(document, registry, model, family, offered)
    derived = list(refused(target))
    asked, possible = (list(spared(target, one)) for one in (extras, Extras(heavy=True, moderation="-")))
    free = [*fixed(target), *(one for one in derived if one.expect == "refused"), *asked, *beside(target)]
    limits = limits_of(target)
    paid = _within(_placed(registry, served(target)), limits, tier)
    room = limits["standard"] - sum(one.legal_images for one in paid)
    either = _one_each(one for one in derived if one.expect == "either")[: max(room, 0)]
    paid += either if tier in ("standard", "full") else []
    pairs = [_full(target, operation, paid) for operation in target.making] if tier == "full" else []
    paid += [probe for one in pairs for probe in one.probes]
    probes = _unique([*sorted(free, key=lambda one: one.worst), *paid])
    named = {rule for one in probes for rule in one.rules}
    unasked = {one.rules[0] for one in possible if one.rules} - named
    return Plan(
        probes,
        tuple(rule for rule in registry if rule in named),
        tuple(rule for rule in registry if rule in unasked),
        paired=sum(one.possible for one in pairs),
        unpaired=sum(one.left for one in pairs),
        impossible=tuple(f"{one.operation}: {said}" for one in pairs for said in one.impossible),
        reserve=tuple(reserved(target)),
    )


def _full(target: Target, operation: Operation, paid: Sequence[Probe]) -> Paired:
    """What tier full adds to the paid calls of an operation: pairs of values, both ends of the compression, and
    calls that are made up."""
    made = [one for one in paid if one.operation == operation.id]
    found = paired(target, operation, made)
    paid = [*made, *found.probes]
    room = most(target, operation) - sum(one.legal_images for one in paid)
    both = list(opposite(target, operation, paid, room))
    room -= len(both)
    drawn = [one for one in positives(target, operation, room) if all(one.asked != other.asked for other in made)]
    return replace(found, probes=(*found.probes, *both, *drawn))


def limits_of(target: Target) -> Mapping[Tier, int]:
    """Pictures that each tier may plan for a model."""
    formats = {
        value
        for operation in target.making
        if (cell := target.cell(operation.id, "output_format")) is not None
        for value in listed(cell.schema)
    }
    marks = [target.cell(operation.id, "markup") for operation in target.making]
    markup = any(cell is not None and cell.schema is not False for cell in marks)
    return WIDE_LIMITS if markup or formats & {"gif", "svg"} else LIMITS


def _placed(registry: Mapping[str, Requirement], probes: Iterable[Probe]) -> list[Probe]:
    """The probes, those first that are needed for all MUST rules which the calls of their tier can show together."""
    found = list(probes)
    for stage in TIERS:
        mine = [one for one in found if one.tier == stage]
        needed = _needed(registry, mine)
        found = [*(one for one in found if one.tier != stage), *needed, *(one for one in mine if one not in needed)]
    return found


def _needed(registry: Mapping[str, Requirement], probes: Sequence[Probe]) -> list[Probe]:
    """A small part of some calls that shows all MUST rules of them together: each that the others do without is left
    out, the first one first."""
    shown = Counter(rule for one in probes for rule in _musts(registry, one))
    needed = []
    for probe in probes:
        mine = _musts(registry, probe)
        if all(shown[rule] > 1 for rule in mine):
            shown.subtract(mine)
        else:
            needed.append(probe)
    return needed


def _musts(registry: Mapping[str, Requirement], probe: Probe) -> set[str]:
    return {rule for rule in probe.rules if registry[rule].level == "MUST"}


def _within(probes: Sequence[Probe], limits: Mapping[Tier, int], tier: Tier) -> list[Probe]:
    """The probes up to a tier, within each tier's limit, so that a tier is the same when it is part of a dearer one.
    What finds no room in its own tier goes to the next."""
    kept: list[Probe] = []
    left: list[Probe] = []
    for stage in (one for one in TIERS[: TIERS.index(tier) + 1] if one in limits):
        waiting, left = [*left, *(one for one in probes if one.tier == stage)], []
        for probe in waiting:
            if sum(one.legal_images for one in kept) + probe.legal_images <= limits[stage]:
                kept.append(replace(probe, tier=stage))
            else:
                left.append(probe)
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
