"""From exchanges to rule verdicts: hands each judge the exchanges meant for it and gathers what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from imageproof.contract.document import Document
from imageproof.contract.families import Family
from imageproof.contract.providers import Provider
from imageproof.contract.redact import Redactor
from imageproof.contract.requirements import Requirement
from imageproof_conformance.answers import served, unknown_model, without
from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import TIERS, Exchange, Finding, Probe, Tier
from imageproof_conformance.judges import Context, declined, judge, lacking, of_silence, plain_rule
from imageproof_conformance.probes_spared import WAITING
from imageproof_conformance.profile import ModelChoice
from imageproof_conformance.verdict import (
    Cause,
    Evidence,
    RuleVerdict,
    Status,
    key_works,
    no_answer,
    rule_verdict,
)


@dataclass(frozen=True)
class ModelPlan:
    """What is planned for one model.

    requirements  the rules that the probes give evidence for
    dearer        rules that only a dearer tier gives evidence for
    missing       rules of operations that the target does not offer
    waiting       rules that only calls give evidence for which must be asked for
    dropped       generated cases that were left out because they are valid again on the wire
    paired        pairs of parameter values that some call of tier full has; unpaired: those that found no room there;
                  impossible: those that no legal call can have, in words
    reserve       calls that are made only where others are refused
    """

    choice: ModelChoice
    family: Family | None
    probes: tuple[Probe, ...]
    requirements: tuple[str, ...]
    dearer: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    dropped: int = 0
    paired: int = 0
    unpaired: int = 0
    impossible: tuple[str, ...] = ()
    reserve: tuple[Probe, ...] = ()

    def within(self, *tiers: Tier) -> ModelPlan:
        """The plan cut down to some tiers."""
        probes = tuple(probe for probe in self.probes if probe.tier in tiers)
        named = {rule for probe in probes for rule in probe.rules}
        kept = tuple(rule for rule in self.requirements if rule in named)
        return replace(
            self, probes=probes, requirements=kept, dearer=tuple(one for one in self.requirements if one not in named)
        )

    def images(self, *tiers: Tier) -> int:
        """Pictures that a target which keeps the contract makes at most for the calls of these tiers."""
        return sum(probe.legal_images for probe in self.probes if probe.tier in tiers)


@dataclass(frozen=True)
class Bench:
    """Judges over a fixed set of exchanges. `private` says that the target is on this machine or network; `redactor`
    masks what a judge may have put together of an answer; `provider` is what is documented of the target's provider."""

    document: Document
    registry: Mapping[str, Requirement]
    exchanges: tuple[Exchange, ...]
    skipped: tuple[Skipped, ...]
    private: bool
    redactor: Redactor
    provider: Provider | None = None

    @cached_property
    def _key_works(self) -> bool:
        return key_works(self.exchanges)

    @cached_property
    def _silences(self) -> tuple[str, ...]:
        """Of each exchange why it says nothing, "" where it says something."""
        return tuple(no_answer(one, self._key_works) for one in self.exchanges)

    @cached_property
    def _places(self) -> Mapping[str, Sequence[int]]:
        """Rule -> where the exchanges are that may show it."""
        found: dict[str, list[int]] = defaultdict(list)
        for index, exchange in enumerate(self.exchanges):
            for rule in dict.fromkeys(exchange.probe.rules):
                found[rule].append(index)
        return found

    @cached_property
    def _upto(self) -> tuple[tuple[Exchange, ...], ...]:
        """The exchanges of each tier and of those before it, in the order of the tiers."""
        return tuple(
            tuple(one for one in self.exchanges if TIERS.index(one.probe.tier) <= highest)
            for highest in range(len(TIERS))
        )

    @cached_property
    def strange(self) -> frozenset[str]:
        """Models that the target does not know: each call that named one was refused for that alone."""
        named = [
            (one, silence)
            for one, silence in zip(self.exchanges, self._silences, strict=True)
            if one.probe.model and one.probe.asked.get("model") == one.probe.model and one.probe.request.key == "yes"
        ]
        heard = [one for one, silence in named if not silence and "MODEL" not in "".join(one.probe.rules[:1])]
        known = {one.probe.model for one in heard if not unknown_model(one)}
        return frozenset(one.probe.model for one in heard) - known

    @cached_property
    def unmade(self) -> frozenset[str]:
        """Models of which no picture was made, since each call that had to make one was refused for the model alone."""
        made = [one for one in self.exchanges if one.probe.expect == "served" and one.probe.images]
        refused = {one.probe.model for one in made if unknown_model(one)}
        return frozenset(refused - {one.probe.model for one in made if served(one)})

    @cached_property
    def _unserved(self) -> Mapping[tuple[str, str], str]:
        """Model and operation of which a plain legal call was answered and no legal call served -> the broken rule."""
        legal = [one for one in self.exchanges if one.probe.expect == "served" and one.probe.images]
        heard = [one for one in legal if plain_rule(one.probe) and not no_answer(one, self._key_works)]
        refused = {(one.probe.model, one.probe.operation): plain_rule(one.probe) for one in heard}
        working = {(one.probe.model, one.probe.operation) for one in legal if served(one)}
        return {place: rule for place, rule in refused.items() if place not in working and place not in self._without}

    @cached_property
    def _without(self) -> Mapping[tuple[str, str], str]:
        return without(self.exchanges)

    def verdict(self, rule: str, plan: ModelPlan, unbought: bool) -> RuleVerdict:
        """One rule of one model. `unbought` says that the stage which would have shown it never ran."""
        model, context = plan.choice.name, self._context(plan, rule)
        if model in self.strange and rule != NAMED:
            return rule_verdict(self.registry[rule], model, (), [unknown([model])], (), ())
        evidence: list[Evidence] = []
        silences: list[str] = []
        mute: list[Exchange] = []
        error = ""
        for index in self._places.get(rule, ()):
            exchange, silence = self.exchanges[index], self._silences[index]
            if not _speaks(exchange, model):
                continue
            if silence and not of_silence(rule):
                silences.append(silence)
                continue
            try:
                finding = judge(rule, exchange, context)
            except Exception as raised:  # a judge that fails is our fault, never the target's
                error = f"judge {rule} on {exchange.probe.id}: {type(raised).__name__}: {raised}"
                continue
            if finding is None and silence:
                silences.append(silence)
            elif finding is None:
                mute.append(exchange)
            else:
                evidence.append(Evidence(index, self._clean(finding)))
        skipped = [one for one in self.skipped if one.probe.model == model and rule in one.probe.rules]
        if unbought and not skipped:
            skipped = [Skipped(one, "interrupted", "the run ended before its stage") for one in plan.probes[:1]]
        # What is seen by the way is asked of every call, and missed on none.
        blockers = () if evidence or of_silence(rule) else self._blockers(rule, mute, context)
        absent = next((words for one in mute if (words := lacking(rule, one, context))), "")
        told = () if of_silence(rule) else mute
        refused = self.redactor.text(next((words for one in told if (words := self._declined(one))), ""))
        error = self.redactor.text(error)
        heard = bool(mute)
        return rule_verdict(
            self.registry[rule], model, evidence, silences, skipped, blockers, refused, error, absent, heard
        )

    def _declined(self, exchange: Exchange) -> str:
        """How a call was told that the target lacks what it asked for: an ability, or the operation for the model."""
        return declined(exchange) or self._without.get((exchange.probe.model, exchange.probe.operation), "")

    def _context(self, plan: ModelPlan, rule: str) -> Context:
        """What the judge of a rule may know. It may compare the exchanges up to the rule's own tier: the rule is judged
        the same, however much was bought since."""
        unserving = {operation for model, operation in self._unserved if model == plan.choice.name}
        working = frozenset(self.document.operations()) - unserving
        tiers = [TIERS.index(one.tier) for one in plan.probes if rule in one.rules]
        others = self._upto[max(tiers, default=0)]
        return Context(self.document, plan.family, plan.choice.name, self.private, working, others, self.provider)

    def _blockers(self, name: str, mute: Iterable[Exchange], context: Context) -> tuple[str, ...]:
        """Rules that the exchanges without evidence break, or their operation as a whole: why they show nothing. A
        warning stands in nobody's way."""
        found: dict[str, None] = {}
        for exchange in mute:
            whole = self._unserved.get((exchange.probe.model, exchange.probe.operation))
            if whole and whole != name and exchange.probe.expect == "served":
                found[whole] = None
            for rule in exchange.probe.rules:
                if rule == name or self.registry[rule].level != "MUST":
                    continue
                try:
                    finding = judge(rule, exchange, context)
                except Exception:  # reported where that rule itself is judged
                    continue
                if finding is not None and finding.outcome == "fail":
                    found[rule] = None
        return tuple(found)

    def _clean(self, finding: Finding) -> Finding:
        text = self.redactor.text
        return replace(finding, message=text(finding.message), asked=text(finding.asked), got=text(finding.got))


NAMED = "MODELS-USABLE"  # the one rule that can be judged of a model that the target does not know


def unknown(models: Iterable[str], listed: Sequence[str] = ()) -> str:
    """That the target does not know some models, and some that it lists; "" for no models."""
    names = ", ".join(sorted(models))
    more = f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    known = f"; it lists {', '.join(listed[:MOST_LISTED])}{more}" if listed else ""
    several = "s" if ", " in names else ""
    return f"the target does not know the model{several} {names}{known}" if names else ""


MOST_LISTED = 6  # models of the target's list that a sentence names


def _speaks(exchange: Exchange, model: str) -> bool:
    """Whether an exchange is evidence on a model: its own, and what discovery found to be served."""
    return exchange.probe.model == model or (not exchange.probe.model and served(exchange))


def beside(registry: Mapping[str, Requirement], plan: ModelPlan, tier: Tier, cut: str = "") -> Iterator[RuleVerdict]:
    """The rules that a plan leaves out although they apply to its model: not offered by the target, or of a dearer
    tier. `cut` says why it was not asked whether they are offered, "" when it was."""
    for rule in plan.missing:
        if cut:
            yield _left_out(registry[rule], plan, "not-run", cut, "budget")
        else:
            yield _left_out(registry[rule], plan, "unsupported", "the target does not offer it")
    for rule in plan.waiting:
        yield _left_out(registry[rule], plan, "not-run", WAITING[rule], "option")
    for rule in plan.dearer:
        yield _left_out(registry[rule], plan, "not-run", f"needs a picture: not part of tier {tier}", "tier")


def _left_out(rule: Requirement, plan: ModelPlan, status: Status, reason: str, cause: Cause = "") -> RuleVerdict:
    return RuleVerdict(rule.id, plan.choice.name, status, rule.level, rule.sentence, rule.breaks, reason, cause)
