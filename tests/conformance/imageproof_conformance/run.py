"""The engine: discover, plan, buy stage by stage, judge. It knows nothing of pytest, files or terminals.

`run` does all of it; a `Session` lets a caller buy a stage when its first rule is asked for, as the pytest plugin does.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from imageproof.contract.document import Document, load
from imageproof.contract.families import family_of
from imageproof.contract.overlay import Layer, layers, overlaid
from imageproof.contract.requirements import Requirement, requirements
from imageproof.errors import UsageError
from imageproof_conformance.answers import served
from imageproof_conformance.bench import Bench, ModelPlan, beside, unknown
from imageproof_conformance.budget import Budget, pictures
from imageproof_conformance.discover import Discovery, choose_models, discover
from imageproof_conformance.dispatch import Dispatcher, Interrupted, Skipped
from imageproof_conformance.exchange import Exchange, Probe, Tier
from imageproof_conformance.expect import terms
from imageproof_conformance.offered import Offer, lacking, offers
from imageproof_conformance.plan import Plan, plan
from imageproof_conformance.profile import FREE_CAP, TIERS, ModelChoice, Profile
from imageproof_conformance.properties import negatives
from imageproof_conformance.verdict import (
    RuleVerdict,
    Situation,
    Verdict,
    conclude,
    unserved,
)
from imageproof_conformance.wire import Wire


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
    """A finished run: everything that a report may want, with the key masked. `dearer` is the next tier, None after the
    last, and `dearer_images` what it plans for the same models. `selected`: only some rules were asked for; `unknown`:
    models that the target does not know; `overlays`: what was laid over the contract; `offers`: what is
    offered of each model."""

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
    dearer: Tier | None = None
    dearer_images: int = 0
    selected: bool = False
    unknown: tuple[str, ...] = ()
    overlays: tuple[Layer, ...] = ()
    offers: tuple[Offer, ...] = ()


Item = tuple[str, str]  # requirement id and model


@dataclass
class _State:
    """What a session has gathered so far."""

    exchanges: list[Exchange] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    bought: list[Tier] = field(default_factory=list)
    verdicts: dict[Item, RuleVerdict] = field(default_factory=dict)
    interrupted: bool = False
    cut: str = ""  # why discovery could not ask everything


class Session:
    """One run in steps: `prepare`, `select`, `buy`, `rule`, `finish`. Close it, or use it as a context manager."""

    def __init__(
        self,
        profile: Profile,
        progress: Callable[[Progress], None] | None = None,
        document: Document | None = None,
    ) -> None:
        self.profile = profile
        self.document = overlaid(document or load(), profile.overlays)
        self.registry: Mapping[str, Requirement] = requirements()
        self.started, self._clock = time.time(), time.monotonic()
        first_cap = FREE_CAP if profile.max_images is None else profile.max_images
        self.budget = Budget(first_cap, profile.max_requests, profile.max_time)
        self.wire = Wire(profile, self.budget.again)
        self.tier: Tier = profile.tier or "free"
        self.plans: tuple[ModelPlan, ...] = ()
        self._whole: tuple[ModelPlan, ...] = ()  # the same for all tiers
        self.notes: tuple[str, ...] = profile.notes
        if self.document.overlays:
            self.notes += (f"overlays on the contract: {', '.join(one.name for one in layers(self.document))}",)
        self.discovery = Discovery(frozenset(), (), ())
        self._progress = progress or (lambda step: None)
        self._selected: frozenset[Item] | None = None
        self._state = _State()
        refusals = frozenset(one.id for one in self.registry.values() if one.judge == "refusal")
        self._dispatcher = Dispatcher(self.wire.send, self.budget, profile.workers, refusals, self._answered)
        self._stage, self._done, self._total = "", 0, 0

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def prepare(self, assume: bool = False) -> None:
        """Discover and plan. With `assume` only lists are asked for, and all operations count as offered.

        UsageError when no model can be chosen or a family is unknown; trouble with the target is in `discovery`.
        """
        self._stage, self._done, self._total = "discover", 0, len(self.document.operations())
        budget = Budget(0, self.profile.max_requests) if assume else self.budget
        self.discovery = discover(self.document, self.profile, lambda probe: self._ask(probe, budget))
        if self._state.cut and self.discovery.trouble in ("", "nothing"):
            named = bool(self.profile.models or self.discovery.listed)
            self.discovery = replace(self.discovery, trouble="" if named else "nothing", detail=self._state.cut)
        if assume:
            everything = frozenset(self.document.operations())
            self.discovery = replace(self.discovery, offered=everything, trouble="", detail="")
        named = bool(self.profile.models or self.discovery.listed)
        if self.discovery.trouble and not (self.discovery.doubtful and named):
            return
        choices, note = choose_models(self.document, self.profile, self.discovery)
        self.notes = (*self.notes, note) if note else self.notes
        self._whole = tuple(self._plan(choice) for choice in choices)
        self.tier = self.profile.tier or self._affordable()
        self.plans = tuple(one.within(*_upto(self.tier)) for one in self._whole)
        leaks = {rule for one in self.discovery.exchanges if served(one) for rule in one.probe.rules}
        for model, rule in itertools.product([choice.name for choice in choices], leaks):
            self._dispatcher.leaked(model, rule)
        if self.profile.max_images is None:
            paid = sum(one.images(*_upto(self.tier)) for one in self.plans)
            self.budget.cap = paid + FREE_CAP * len(self.plans)
        if self.discovery.trouble and self._serves():
            self.discovery = replace(self.discovery, trouble="", detail="")
        elif self.discovery.trouble:
            self.plans = ()

    def _serves(self) -> bool:
        """Whether the first plain call that the plan pays for is served; it is kept, and not made again."""
        probe = next((one for one in self.probes if one.expect == "served" and one.images == 1), None)
        exchange = self._ask(probe, self.budget) if probe else None
        if exchange is None or not served(exchange):
            return False
        self._state.exchanges.append(exchange)
        return True

    @property
    def items(self) -> tuple[Item, ...]:
        """Every rule in scope with its model, those first that need no paid stage."""
        found = [(rule, one.choice.name) for one in self.plans for rule in one.requirements]
        return tuple(sorted(found, key=lambda item: TIERS.index(self.stage(item))))

    def stage(self, item: Item) -> Tier:
        """The last stage that gives evidence for an item."""
        tiers = [TIERS.index(probe.tier) for probe in self._probes(item[1]) if item[0] in probe.rules]
        return TIERS[max(tiers, default=0)]

    def select(self, items: Collection[Item]) -> None:
        """Only these items count; nothing is sent for the others. UsageError when there are none."""
        self._selected = frozenset(items)
        if not self._selected and self.items:
            raise UsageError("-k selects no rule; `imageproof conform URL --dry-run` lists them")

    @property
    def chosen(self) -> list[Item]:
        """The items that count."""
        return [item for item in self.items if self._selected is None or item in self._selected]

    def buy(self, tier: Tier) -> None:
        """Send the probes of all stages up to `tier` that have not been sent, for the selected items only."""
        for stage in _upto(tier):
            if stage in self._state.bought or self.discovery.trouble:
                continue
            self._state.bought.append(stage)
            self._send_all(stage, [probe for probe in self.probes if probe.tier == stage])

    def rule(self, item: Item) -> RuleVerdict:
        """The verdict on one item; buys what it needs first."""
        self.buy(self.stage(item))
        if item not in self._state.verdicts:
            self._state.verdicts[item] = self._judge(item)
        return self._state.verdicts[item]

    def finish(self, suite_error: str = "", interrupted: bool = False) -> Run:
        """Judge what was bought and conclude. Items whose stage was never bought are left as not run."""
        self._state.interrupted = self._state.interrupted or interrupted
        rules = [self._state.verdicts.get(item) or self._judge(item) for item in self.chosen]
        if not self.partial:
            cut = self._state.cut
            rules += [rule for one in self.plans for rule in beside(self.registry, one, self.tier, cut)]
        exchanges = self._exchanges
        unknown_models = tuple(sorted(self._bench().strange))
        needed = [one for one in self._state.exchanges if one.probe.expect == "served" and one.probe.images]
        trouble, offered = self.discovery.said, self.discovery.offered
        found = offers(offered, self.plans, exchanges)
        situation = Situation(
            trouble=trouble,
            unknown=unknown(unknown_models, self.discovery.listed),
            paid=self.planned > 0,
            tried=len(needed),
            succeeded=sum(map(served, needed)),
            refused=self.wire.redactor.text(unserved(needed)),
            missing=() if trouble else lacking(self.profile.require, offered, found),
            selected=self.partial,
            interrupted=self._state.interrupted,
            suite_error=suite_error,
            terms=terms(self.profile, self.registry, rules, found, self.tier, self.started, trouble),
        )
        dearer, dearer_images = self._dearer()
        return Run(
            dearer=dearer,
            dearer_images=dearer_images,
            selected=self.partial,
            unknown=unknown_models,
            overlays=layers(self.document),
            offers=found,
            profile=self.profile,
            tier=self.tier,
            discovery=self.discovery,
            plans=self.plans,
            exchanges=exchanges,
            skipped=tuple(self._state.skipped),
            verdict=conclude(rules, situation),
            planned=self.planned,
            worst=self.worst,
            spent=self.budget.spent + self.budget.outstanding,
            requests=self.budget.requests,
            cap=self.budget.cap,
            seconds=time.monotonic() - self._clock,
            started=self.started,
            notes=self.notes,
        )

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The calls that will be made for what is selected, if nothing goes wrong."""
        tiers = _upto(self.tier)
        return tuple(p for one in self.plans for p in one.probes if p.tier in tiers and self._wanted(p))

    @property
    def planned(self) -> int:
        """Pictures on a behaving target."""
        return sum(probe.images for probe in self.probes)

    @property
    def worst(self) -> int:
        """Pictures on a target that serves everything, as far as the cap and the stopping of refusal rules allow."""
        return min(self.budget.cap, sum(max(probe.worst, probe.images) for probe in self.probes))

    @property
    def partial(self) -> bool:
        """Whether only some of the rules were selected."""
        return self._selected is not None and self._selected != frozenset(self.items)

    @property
    def _exchanges(self) -> tuple[Exchange, ...]:
        return (*self.discovery.exchanges, *self._state.exchanges)

    def _affordable(self) -> Tier:
        """The larger of the paid tiers that the cap is enough for."""
        room = (self.profile.max_images or 0) - self.budget.spent
        return "standard" if sum(one.images(*TIERS) for one in self._whole) <= room else "core"

    def _dearer(self) -> tuple[Tier | None, int]:
        """The next tier and its pictures."""
        if self.tier == TIERS[-1] or not self._whole:
            return None, 0
        tier = TIERS[TIERS.index(self.tier) + 1]
        return tier, sum(one.images(*_upto(tier)) for one in self._whole)

    def _plan(self, choice: ModelChoice) -> ModelPlan:
        """Everything that can be asked of one model."""
        offered, everything = self.discovery.offered, frozenset(self.document.operations())

        def planned(operations: frozenset[str]) -> Plan:
            return plan(self.document, self.registry, choice.name, choice.family, operations, TIERS[-1])

        made = planned(offered)
        generated = _generated(self.document, choice.name, choice.family, offered)
        rules = dict.fromkeys((*made.requirements, *(rule for one in generated.probes for rule in one.rules)))
        missing = [one for one in planned(everything).requirements if one not in rules] if offered < everything else []
        return ModelPlan(
            choice,
            family_of(self.document, choice.name, choice.family),
            tuple(_bounded(probe) for probe in (*made.probes, *generated.probes)),
            tuple(rules),
            missing=tuple(missing),
            dropped=generated.dropped,
        )

    def _probes(self, model: str) -> tuple[Probe, ...]:
        return next((one.probes for one in self.plans if one.choice.name == model), ())

    def _wanted(self, probe: Probe) -> bool:
        return self._selected is None or any((rule, probe.model) in self._selected for rule in probe.rules)

    def _ask(self, probe: Probe, budget: Budget) -> Exchange | None:
        if refusal := budget.refusal(probe.worst):
            if not budget.allows():  # no call at all, whatever it costs
                self._state.cut = self._state.cut or refusal
            return None
        exchange = self.wire.send(probe)
        budget.settle(probe.worst, pictures(exchange))
        self._answered(exchange)
        return exchange

    def _send_all(self, stage: Tier, probes: list[Probe]) -> None:
        made = {one.probe.id for one in self._state.exchanges}
        probes = [probe for probe in probes if probe.id not in made]
        keyed = [probe for probe in probes if self.profile.key or probe.request.key == "yes"]
        self._state.skipped += [
            Skipped(probe, "open", "the target was declared open (--no-key)") for probe in probes if probe not in keyed
        ]
        self._stage, self._done, self._total = stage, 0, len(keyed)
        exchanges: list[Exchange] = []
        skipped: list[Skipped] = []
        try:
            # What was asked for goes before what a careless target bills for calls that it should have refused.
            keep = sum(probe.images for probe in self.probes) if stage == "free" else 0
            exchanges, skipped = self._dispatcher.run(keyed, min(keep, self.budget.cap))
            if 0 < self._done < self._total:
                self._total = self._done
                self._tell(stage)
        except Interrupted as stop:
            exchanges, skipped = stop.exchanges, stop.skipped
            self._state.interrupted = True
            raise
        finally:
            self._state.exchanges += exchanges
            self._state.skipped += skipped

    def _answered(self, exchange: Exchange) -> None:
        self._done += 1
        self._tell(exchange.probe.id)

    def _tell(self, label: str) -> None:
        spent, cap = self.budget.spent, self.budget.cap
        self._progress(Progress(self._stage, self._done, self._total, spent, cap, label))

    def _judge(self, item: Item) -> RuleVerdict:
        one = next(one for one in self.plans if one.choice.name == item[1])
        unbought = self.stage(item) not in self._state.bought
        return self._bench().verdict(item[0], one, unbought)

    def _bench(self) -> Bench:
        return Bench(self.document, self.registry, self._exchanges, tuple(self._state.skipped), self.wire)


# Half a second a model: a second tier of the same model, or a second run in one process, has the same cases.
_generated = lru_cache(maxsize=32)(negatives)


def _bounded(probe: Probe) -> Probe:
    """A probe whose worst case is no less than what can happen: a target may answer any POST with a picture."""
    return replace(probe, worst=max(probe.worst, probe.images, 1 if probe.request.method == "POST" else 0))


def _upto(tier: Tier) -> tuple[Tier, ...]:
    return TIERS[: TIERS.index(tier) + 1]


def run(
    profile: Profile,
    selection: Collection[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Run:
    """The whole run of a profile. `selection` names the requirement ids that count (None: all).

    UsageError for what the user must change; whatever the target does is in the `Run`.
    """
    with Session(profile, progress) as session:
        session.prepare()
        if not session.discovery.trouble:
            if selection is not None:
                session.select([item for item in session.items if item[0] in selection])
            try:
                for item in session.items:
                    if selection is None or item[0] in selection:
                        session.rule(item)
            except Interrupted:
                return session.finish(interrupted=True)
        return session.finish()
