"""The records of a run: what whoever shows it is told meanwhile, and what there is in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from imageproof.contract.overlay import Layer
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.discover import Discovery
from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import Exchange, Tier
from imageproof_conformance.forecast import Dearer
from imageproof_conformance.judging import Course
from imageproof_conformance.money import NOTHING, Bill, Cost
from imageproof_conformance.offered import Offer
from imageproof_conformance.profile import Profile
from imageproof_conformance.verdict import Verdict


@dataclass(frozen=True)
class Progress:
    """A step of a run, for whoever shows it. `done` of `total` calls of `stage` are answered."""

    stage: str
    done: int
    total: int
    spent: int
    cap: int
    label: str = ""


@dataclass(frozen=True)
class Run:
    """A finished run: everything that a report may want, with the key masked.

    dearer      the next tier, None after the last
    sufficient  the limit under which no call would have been left out
    selected    whether only some rules were asked for
    unknown     models that the target does not know
    overlays    what was laid over the contract
    offers      what is offered of each model
    course      what else its verdict depends on
    bill        what it costs, None where no price is known
    folder      where its reports lie, as seen from where the run was started; "" before they are written
    """

    profile: Profile
    tier: Tier
    discovery: Discovery
    plans: tuple[ModelPlan, ...]
    exchanges: tuple[Exchange, ...]
    skipped: tuple[Skipped, ...]
    verdict: Verdict
    planned: int
    worst: int
    spent: int
    requests: int
    cap: int
    seconds: float
    started: float
    notes: tuple[str, ...] = ()
    dearer: Dearer | None = None
    sufficient: Cost = NOTHING
    selected: bool = False
    unknown: tuple[str, ...] = ()
    overlays: tuple[Layer, ...] = ()
    offers: tuple[Offer, ...] = ()
    course: Course = field(default_factory=Course)
    bill: Bill | None = None
    folder: str = ""
