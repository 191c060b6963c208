"""What calls come to before they are made: pictures and money, as planned and at worst. Pure sums over probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import Probe
from imageproof_conformance.money import MICROS, NOTHING, Bill, Cost, Tariff


@dataclass(frozen=True)
class Dearer:
    """The next tier: the pictures that it plans, those that it can cost at most, and the same in money (None: no price
    is known)."""

    tier: str
    images: int
    worst: int
    bill: Bill | None = None


def risked(probe: Probe) -> int:
    """Pictures of a call on a target that serves whatever it is sent."""
    return max(probe.worst, probe.images)


def cost_of(
    tariff: Tariff, probes: Iterable[Probe], count: Callable[[Probe], int] = lambda probe: probe.images
) -> Cost:
    return sum((tariff.cost(probe, count(probe)) for probe in probes), NOTHING)


def planned(probes: Iterable[Probe]) -> int:
    """Pictures on a behaving target."""
    return sum(probe.images for probe in probes)


def optional(probes: Sequence[Probe]) -> int:
    """Pictures more on a target that serves what it may refuse."""
    return sum(probe.legal_images for probe in probes) - planned(probes)


def worst(probes: Iterable[Probe], cap: int) -> int:
    """Pictures on a target that serves everything, as far as a cap allows."""
    return min(cap, sum(map(risked, probes)))


def bill(
    tariff: Tariff,
    probes: Sequence[Probe],
    cap: int,
    max_cost: int | None,
    spent: Cost = NOTHING,
    reserve: Sequence[Probe] = (),
) -> Bill | None:
    """What calls cost under a cap in pictures and one in money (millionths, None: none), at worst with those that may
    stand in for some; None where no price is known."""
    if not tariff.known:
        return None
    possible = [*probes, *reserve]
    dearest = max((tariff.unit(probe) or 0 for probe in possible), default=0)
    limits = [cost_of(tariff, possible, risked).micros, cap * dearest, *([] if max_cost is None else [max_cost])]
    return Bill(
        planned=cost_of(tariff, probes).micros / MICROS,
        worst=min(limits) / MICROS,
        spent=spent.micros / MICROS,
        cap=None if max_cost is None else max_cost / MICROS,
        currency=tariff.currency,
        source=tariff.source,
    )


def sufficient(tariff: Tariff, spent: Cost, skipped: Iterable[Skipped], leaks: bool) -> Cost:
    """The limit under which all calls would have been made that the budget did not allow: what was spent, and what
    these calls come to where they are legal. What must be refused costs nothing at a target that `leaks` nothing, and
    needs room for its worst case; of one that leaks, one call of each kind may be served."""
    missed = [one.probe for one in skipped if one.kind == "budget"]
    legal = [one for one in missed if one.expect != "refused"]
    kinds: dict[tuple[str, ...], Cost] = {}
    for one in (one for one in missed if one.expect == "refused"):
        kind = (one.model, *one.rules[:1])
        kinds[kind] = _larger(kinds.get(kind, NOTHING), tariff.cost(one, risked(one)))
    needed = spent + cost_of(tariff, legal, lambda probe: probe.legal_images)
    if leaks:
        return sum(kinds.values(), needed)
    return reduce(_larger, kinds.values(), needed)


def _larger(one: Cost, other: Cost) -> Cost:
    return Cost(max(one.pictures, other.pictures), max(one.micros, other.micros))
