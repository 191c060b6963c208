"""A run in steps: discover, plan, buy stage by stage, judge. It knows nothing of pytest, files or terminals."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from imageproof.contract.document import Document, load
from imageproof.contract.overlay import layers, overlaid
from imageproof.contract.providers import extended
from imageproof.contract.requirements import Requirement, requirements
from imageproof.errors import UsageError
from imageproof_conformance import forecast
from imageproof_conformance.answers import served, turned_away
from imageproof_conformance.bench import Bench, ModelPlan
from imageproof_conformance.budget import CUT_SHORT, TIME_OVER, UNSENT, Budget, pictures
from imageproof_conformance.discover import Discovery, calls, choose_models, discover, opened
from imageproof_conformance.dispatch import MOST_PAID, Dispatcher, Interrupted, Skipped
from imageproof_conformance.exchange import TIERS, Exchange, Probe, Tier
from imageproof_conformance.forecast import Dearer, cost_of, sufficient
from imageproof_conformance.intent import upto, wanted, whole_plan
from imageproof_conformance.judges.served import sole
from imageproof_conformance.judging import NO_VERDICT_YET, Course, Item, judged
from imageproof_conformance.money import NO_LIMIT, NOTHING, Bill, Cost, Tariff, lists, payable
from imageproof_conformance.offered import askable
from imageproof_conformance.order import in_parts
from imageproof_conformance.probes_spared import Extras
from imageproof_conformance.profile import FREE_CAP, ModelChoice, Profile
from imageproof_conformance.record import Progress, Run
from imageproof_conformance.stand_ins import refused, stand_ins
from imageproof_conformance.transcript import clean
from imageproof_conformance.verdict import RuleVerdict
from imageproof_conformance.wire import Wire

DEAREST_UNNAMED: Tier = "standard"  # the dearest tier that a limit in money can choose
PAID_AT_ONCE: Mapping[Tier, int] = {"full": 8}  # calls that cost something, in flight together
_UNSEEN = ("unsupported", "blocked", "not-run")  # verdicts of rules that another call may show
AT_THE_END = "-URL-LASTS"  # rules that are judged when all stages are bought


@dataclass
class _State:
    """What a session has gathered so far."""

    exchanges: list[Exchange] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    bought: list[Tier] = field(default_factory=list)
    verdicts: dict[Item, RuleVerdict] = field(default_factory=dict)
    recorded: dict[int, tuple[Exchange, Exchange]] = field(default_factory=dict)  # by the id of the first
    interrupted: bool = False
    looked: bool = False  # at the links once more
    bench: tuple[tuple[int, int, bool], Bench] | None = None  # with how much of all this it was made
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
        self.document = extended(overlaid(document or load(), profile.overlays), profile.provider)
        self.registry: Mapping[str, Requirement] = requirements()
        self.started, self._clock = time.time(), time.monotonic()
        first_cap = FREE_CAP if profile.max_images is None else profile.max_images
        named = [replace(one, family=one.family or profile.family) for one in profile.models]
        self.tariff = Tariff(lists(self.document, named), profile.price_per_image)
        if profile.max_cost is not None:
            payable(self.tariff)
        self.budget = Budget(first_cap, profile.max_requests, profile.max_time, profile.max_cost)
        self.wire = Wire(profile, self._again, self.budget.link, lambda: self.budget.seconds_left)
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
        self._dispatcher = Dispatcher(
            self.wire.send, self.budget, profile.workers, refusals, self._answered, self._cost
        )
        self._stage, self._done, self._total = "", 0, 0
        self.before = 0  # requests that find out what is offered, ahead of those that are planned

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def prepare(self, assume: bool = False) -> None:
        """Discover and plan. With `assume` only lists are asked for, and all operations count as offered.

        UsageError when no model can be chosen or a family is unknown; trouble with the target is in `discovery`.
        """
        self._stage, self._done, self._total = "discover", 0, len(self.document.operations())
        budget = Budget(0, self.profile.max_requests, self.profile.max_time) if assume else self.budget
        self.discovery = discover(self.document, self.profile, lambda probe: self._ask(probe, budget))
        self.discovery = replace(self.discovery, detail=self.wire.redactor.text(self.discovery.detail))
        if self._state.cut and self.discovery.trouble in ("", "nothing"):
            self.discovery = self._cut_short()
        self.before = calls(self.document) if assume else len(self.discovery.exchanges)
        missed = self.discovery.said if assume and self.discovery.trouble != "nothing" else ""
        if missed:
            self.notes += (f"{missed}; the plan is made without an answer",)
        if assume:
            everything = frozenset(self.document.operations())
            self.discovery = replace(self.discovery, offered=everything, trouble="", detail="")
        named = bool(self.profile.models or self.discovery.listed)
        if self.discovery.trouble and not (self.discovery.doubtful and named):
            return
        if self.discovery.closed:
            names = ", ".join(self.discovery.closed)
            self.notes += (f"closed to this key, and so taken as not offered: {names}",)
        try:
            choices, note = choose_models(self.document, self.profile, self.discovery)
        except UsageError as error:
            name_one = f"{missed}; for a plan without its list name a model with --model NAME"
            raise UsageError(name_one if missed else str(error)) from None
        listed = self.discovery.listed
        if strange := [one.name for one in choices if listed and one.name not in listed]:
            self.notes += (f"not in the target's list of models: {', '.join(strange)}",)
        self.notes = (*self.notes, note) if note else self.notes
        self.tariff = replace(self.tariff, lists=lists(self.document, choices))
        if self.profile.max_cost is not None:
            payable(self.tariff)
        extras, offered = Extras(self.profile.heavy, self.profile.moderation), self.discovery.offered
        deepest: Tier = "full" if self.profile.tier == "full" else DEAREST_UNNAMED

        def planned(choice: ModelChoice) -> ModelPlan:
            given = self.document, self.registry, choice, offered, extras, self.profile.provider, deepest
            return whole_plan(*given, self.discovery.encodings)

        self._whole = tuple(planned(choice) for choice in choices)
        self.tier = self.profile.tier or self._affordable()
        self.plans = tuple(one.within(*upto(self.tier)) for one in self._whole)
        for choice in choices:
            self._dispatcher.doubt(choice.name, paid=True)
            if choice.name not in self.discovery.listed:
                self._dispatcher.doubt(choice.name, paid=False)
        leaks = {rule for one in self.discovery.exchanges if served(one) for rule in one.probe.rules}
        for model, rule in itertools.product([choice.name for choice in choices], leaks):
            self._dispatcher.leaked(model, rule)
        if self.profile.max_images is None:
            _, self.budget.cap = self._unlimited(self.plans, self.tier)
        if self.discovery.trouble and self._serves():
            self.discovery = replace(self.discovery, trouble="", detail="")
        elif self.discovery.trouble:
            self.plans = ()
            offered = frozenset(opened(self.discovery.exchanges))
            self.discovery = replace(self.discovery, offered=offered)

    def _cut_short(self) -> Discovery:
        """What discovery found that could not ask everything."""
        found, cut = self.discovery, self._state.cut
        lost = [one for one in self._state.exchanges if one.status is None]
        if lost and not any(one.status for one in found.exchanges):
            seconds = f"{self.profile.max_time:g} s" if self.profile.max_time else ""
            return replace(found, trouble="silent", detail=f"nothing came before {TIME_OVER} ({seconds})")
        named = bool(self.profile.models or found.listed or found.by_name)
        return replace(found, trouble="" if named else "nothing", detail=cut)

    def _serves(self) -> bool:
        """Whether the plainest call is served, where a plan pays for any; it is kept, and not made again."""
        paid = any(one.images for one in self.probes)
        legal = [one for whole in self._whole for one in whole.probes if one.expect == "served" and one.images == 1]
        probe = min(legal, key=lambda one: len(one.asked)) if paid and legal else None
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
        """The last stage that gives evidence for an item; of what is seen at the end, the last of the run."""
        if item[0].endswith(AT_THE_END):
            return self.tier
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
        for stage in upto(tier):
            if stage in self._state.bought or self.discovery.trouble:
                continue
            self._state.bought.append(stage)
            self._send_all(stage, [probe for probe in self.probes if probe.tier == stage])
            if stage == self.tier and stage != "free":
                self._stand_in(stage)

    def gather(self, item: Item) -> None:
        """Buy what an item needs."""
        self.buy(self.stage(item))
        self._look_again(item[0])

    def rule(self, item: Item) -> RuleVerdict:
        """The verdict on one item; buys what it needs first."""
        self.gather(item)
        if item not in self._state.verdicts:
            self._state.verdicts[item] = self._judge(item)
        return self._state.verdicts[item]

    def finish(self, suite_error: str = "", interrupted: bool = False) -> Run:
        """Judge what was bought and conclude. Items whose stage was never bought are left as not run."""
        self._state.interrupted = self._state.interrupted or interrupted
        for rule, _ in self.chosen if not self._state.interrupted else ():
            self._look_again(rule)
        again = turned_away(self._exchanges)
        run = Run(
            dearer=self._dearer(),
            sufficient=sufficient(self.tariff, self.spent, self._state.skipped, self._leaks),
            selected=self.partial,
            overlays=layers(self.document),
            profile=self.profile,
            tier=self.tier,
            discovery=self.discovery,
            plans=self.plans,
            exchanges=self._exchanges,
            skipped=tuple(self._state.skipped),
            verdict=NO_VERDICT_YET,
            planned=self.planned,
            worst=self.worst,
            spent=self.spent.pictures,
            bill=self.bill,
            requests=self.budget.requests,
            cap=self.budget.cap,
            seconds=time.monotonic() - self._clock,
            started=self.started,
            notes=(*self.notes, *([again] if again else [])),
            course=self._course(suite_error),
        )
        return judged(run, self.document, self.registry, self.wire.redactor.unlikely)

    def _course(self, suite_error: str) -> Course:
        chosen = tuple(self.chosen)
        return Course(
            items=chosen,
            unbought=frozenset(item for item in chosen if self.stage(item) not in self._state.bought),
            cut=self._state.cut,
            private=self.wire.private,
            abilities=askable(self.plans),
            interrupted=self._state.interrupted,
            suite_error=suite_error,
        )

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The calls that will be made for what is selected, if nothing goes wrong."""
        tiers = upto(self.tier)
        found = tuple(probe for one in self.plans for probe in one.probes if probe.tier in tiers)
        return found if self._selected is None else wanted(found, self._selected)

    @property
    def requests(self) -> int:
        """The calls of a run in which nothing is repeated, those included that find out what is offered."""
        return self.before + len(self.probes)

    @property
    def seconds(self) -> float:
        """How long the calls take at least, where their rate is limited; 0 where it is not."""
        return self.requests / self.profile.rate if self.profile.rate else 0.0

    @property
    def planned(self) -> int:
        """Pictures on a behaving target."""
        return forecast.planned(self.probes)

    @property
    def optional(self) -> int:
        """Pictures more on a target that serves what it may refuse."""
        return forecast.optional(self.probes)

    @property
    def worst(self) -> int:
        """Pictures on a target that serves everything, as far as the cap allows."""
        return forecast.worst(self.probes, self.budget.cap)

    @property
    def spent(self) -> Cost:
        """What was spent, or may have been."""
        return self.budget.spent + self.budget.outstanding

    @property
    def bill(self) -> Bill | None:
        """What the run costs; None where no price is known."""
        reserve = [probe for one in self.plans if self.tier != "free" for probe in one.reserve]
        return forecast.bill(self.tariff, self.probes, self.budget.cap, self.budget.max_cost, self.spent, reserve)

    def _cost(self, probe: Probe, pictures: int) -> Cost:
        return self.tariff.cost(probe, pictures)

    def _again(self, exchange: Exchange, wait: float) -> bool:
        return self.budget.again(self._cost(exchange.probe, pictures(exchange)), wait)

    @property
    def _leaks(self) -> bool:
        """Whether a call cost something that had to be refused."""
        made = (*self.discovery.exchanges, *self._state.exchanges)
        return any(pictures(one) for one in made if one.probe.expect == "refused")

    @property
    def partial(self) -> bool:
        """Whether only some of the rules were selected."""
        return self._selected is not None and self._selected != frozenset(self.items)

    @property
    def _exchanges(self) -> tuple[Exchange, ...]:
        """What is judged: the exchanges as they are recorded, so that judging them again gives the same."""
        return tuple(self._recorded(one) for one in (*self.discovery.exchanges, *self._state.exchanges))

    def _recorded(self, exchange: Exchange) -> Exchange:
        kept = self._state.recorded.get(id(exchange))
        if kept is None:
            kept = self._state.recorded[id(exchange)] = (exchange, clean(exchange, self.wire.redactor))
        return kept[1]

    def _affordable(self) -> Tier:
        """The larger of the paid tiers that the cap is enough for."""
        room = Cost(NO_LIMIT if self.profile.max_images is None else self.profile.max_images, self.budget.limit.micros)
        probes = [probe for one in self._whole for probe in one.within(*upto(DEAREST_UNNAMED)).probes]
        dear = cost_of(self.tariff, probes, lambda probe: probe.legal_images)
        return DEAREST_UNNAMED if (self.budget.spent + dear).within(room) else "core"

    def _dearer(self) -> Dearer | None:
        """The next tier of those that need not be named, as it would be without limits."""
        if TIERS.index(self.tier) >= TIERS.index(DEAREST_UNNAMED) or not self._whole:
            return None
        tier = TIERS[TIERS.index(self.tier) + 1]
        images, cap = self._unlimited(self._whole, tier)
        probes = [probe for one in self._whole for probe in one.probes if probe.tier in upto(tier)]
        bill = forecast.bill(self.tariff, probes, cap, None)
        return Dearer(tier, images, forecast.worst(probes, cap), bill)

    @staticmethod
    def _unlimited(plans: Collection[ModelPlan], tier: Tier) -> tuple[int, int]:
        """The pictures of a tier, and the cap that holds where none was typed."""
        images = sum(one.images(*upto(tier)) for one in plans)
        return images, images + FREE_CAP * len(plans)

    def _probes(self, model: str) -> tuple[Probe, ...]:
        return next((one.probes for one in self.plans if one.choice.name == model), ())

    def _ask(self, probe: Probe, budget: Budget) -> Exchange | None:
        worst = self._cost(probe, probe.worst)
        if refusal := budget.refusal(worst):
            if not budget.allows():  # no call at all, whatever it costs
                self._state.cut = self._state.cut or refusal
            return None
        exchange = self.wire.send(probe)
        budget.settle(worst, self._cost(probe, pictures(exchange)))
        self._answered(exchange)
        if exchange.failure in (UNSENT, CUT_SHORT):  # the end of the run says nothing of the target
            self._state.cut = self._state.cut or UNSENT
            self._state.exchanges.append(exchange)
            return None
        return exchange

    def _send_all(self, stage: Tier, probes: list[Probe]) -> None:
        made = {one.probe.id for one in self._state.exchanges}
        probes = [probe for probe in probes if probe.id not in made]
        keyed = [
            one for one in probes if self.profile.key or one.request.key == "yes" or one.request.method == "OPTIONS"
        ]
        self._state.skipped += [
            Skipped(probe, "open", "the target was declared open (--no-key)") for probe in probes if probe not in keyed
        ]
        self._stage, self._done, self._total = stage, 0, len(keyed)
        exchanges: list[Exchange] = []
        skipped: list[Skipped] = []
        try:
            # What was asked for goes before what a careless target bills for calls that it should have refused.
            keep = cost_of(self.tariff, self.probes, lambda probe: probe.legal_images) if stage == "free" else NOTHING
            for part in in_parts(keyed):
                found = self._dispatcher.run(part, keep, PAID_AT_ONCE.get(stage, MOST_PAID))
                exchanges, skipped = [*exchanges, *found[0]], [*skipped, *found[1]]
            if 0 < self._done < self._total:
                self._total = self._done
                self._tell(stage)
        except Interrupted as stop:
            exchanges, skipped = [*exchanges, *stop.exchanges], [*skipped, *stop.skipped]
            self._state.interrupted = True
            raise
        finally:
            self._state.exchanges += exchanges
            self._state.skipped += skipped

    def _stand_in(self, stage: Tier) -> None:
        """Make other calls with what refusals saved, until they show what was lost or nothing is left."""
        for whole, plan in zip(self._whole, self.plans, strict=True):
            name, chosen = plan.choice.name, {rule for rule, model in self.chosen if model == plan.choice.name}
            while refused(self._state.exchanges, name):
                bench = self._bench()
                found = {rule: bench.verdict(rule, plan, False).status for rule in chosen}
                lost = {rule for rule, one in found.items() if one in _UNSEEN or (one == "fail" and sole(rule))}
                before, passed = len(self._state.exchanges), len(self._state.skipped)
                self._send_all(stage, stand_ins(whole, stage, self._state.exchanges, frozenset(lost)))
                del self._state.skipped[passed:]  # they were never promised
                if len(self._state.exchanges) == before:
                    break

    def _look_again(self, rule: str) -> None:
        """Before the first rule on how long links last: fetch them once more, each when it is as old as was asked."""
        if not rule.endswith(AT_THE_END) or self._state.looked:
            return
        self._state.looked = True
        for index, exchange in enumerate(self._state.exchanges):
            age = exchange.started + exchange.seconds + self.profile.url_age - time.time()
            if exchange.downloads and age < self.budget.seconds_left:
                self.wire.wait(age)
                self._state.exchanges[index] = self.wire.look_again(exchange)

    def _answered(self, exchange: Exchange) -> None:
        self._done += 1
        self._tell(exchange.probe.id)

    def _tell(self, label: str) -> None:
        spent, cap = self.budget.spent.pictures, self.budget.cap
        self._progress(Progress(self._stage, self._done, self._total, spent, cap, label))

    def _judge(self, item: Item) -> RuleVerdict:
        one = next(one for one in self.plans if one.choice.name == item[1])
        unbought = self.stage(item) not in self._state.bought
        return self._bench().verdict(item[0], one, unbought)

    def _bench(self) -> Bench:
        """A bench over what there is; the same one until there is more."""
        there = (len(self._state.exchanges), len(self._state.skipped), self._state.looked)
        if self._state.bench is None or self._state.bench[0] != there:
            redactor, skipped = self.wire.redactor.unlikely, tuple(self._state.skipped)
            given = self.document, self.registry, self._exchanges, skipped, self.wire.private, redactor
            self._state.bench = there, Bench(*given, self.profile.provider)
        return self._state.bench[1]
