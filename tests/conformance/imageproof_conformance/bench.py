"""From exchanges to rule verdicts: hands each judge the exchanges meant for it and gathers what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from imageproof.contract.document import Document
from imageproof.contract.families import Family
from imageproof.contract.requirements import Requirement
from imageproof_conformance.answers import served
from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import Exchange, Finding, Probe, Tier
from imageproof_conformance.judges import Context, judge
from imageproof_conformance.profile import TIERS, ModelChoice
from imageproof_conformance.verdict import Evidence, RuleVerdict, key_works, no_answer, rule_verdict
from imageproof_conformance.wire import Wire

_READS = ("listModels", "retrieveModel")  # every model is listed, whatever it can draw


@dataclass(frozen=True)
class ModelPlan:
    """What is planned for one model. `requirements` are the rules in scope of the tier, `dropped` counts generated
    cases that were left out because they are valid again on the wire."""

    choice: ModelChoice
    family: Family | None
    probes: tuple[Probe, ...]
    requirements: tuple[str, ...]
    dropped: int = 0

    def images(self, *tiers: Tier) -> int:
        """Pictures that a behaving target makes for the calls of these tiers."""
        return sum(probe.images for probe in self.probes if probe.tier in tiers)


@dataclass(frozen=True)
class Bench:
    """Judges over a fixed set of exchanges. `wire` knows whether the target is private and what must be masked."""

    document: Document
    registry: Mapping[str, Requirement]
    exchanges: tuple[Exchange, ...]
    skipped: tuple[Skipped, ...]
    wire: Wire

    @cached_property
    def _key_works(self) -> bool:
        return key_works(self.exchanges)

    def verdict(self, rule: str, plan: ModelPlan, unbought: bool) -> RuleVerdict:
        """One rule of one model. `unbought` says that the stage which would have shown it never ran."""
        model, context = plan.choice.name, self._context(plan)
        evidence: list[Evidence] = []
        silences: list[str] = []
        mute: list[Exchange] = []
        error = ""
        for index, exchange in enumerate(self.exchanges):
            if not _speaks(exchange, model) or rule not in exchange.probe.rules:
                continue
            if silence := no_answer(exchange, self._key_works):
                silences.append(silence)
                continue
            try:
                finding = judge(rule, exchange, context)
            except Exception as raised:  # a judge that fails is our fault, never the target's
                error = f"judge {rule} on {exchange.probe.id}: {type(raised).__name__}: {raised}"
                continue
            if finding is None:
                mute.append(exchange)
            else:
                evidence.append(Evidence(index, self._clean(finding)))
        skipped = [one for one in self.skipped if one.probe.model == model and rule in one.probe.rules]
        if unbought and not skipped:
            skipped = [Skipped(one, "interrupted", "the run ended before its stage") for one in plan.probes[:1]]
        blockers = () if evidence else _blockers(rule, mute, context)
        error = self.wire.redactor.text(error)
        return rule_verdict(self.registry[rule], model, evidence, silences, skipped, blockers, error)

    def _context(self, plan: ModelPlan) -> Context:
        return Context(self.document, plan.family, plan.choice.name, self.wire.private)

    def _clean(self, finding: Finding) -> Finding:
        text = self.wire.redactor.text
        return replace(finding, message=text(finding.message), asked=text(finding.asked), got=text(finding.got))


def _speaks(exchange: Exchange, model: str) -> bool:
    """Whether an exchange is evidence on a model: its own, and what discovery found to be served."""
    return exchange.probe.model == model or (not exchange.probe.model and served(exchange))


def beside(
    registry: Mapping[str, Requirement], plan: ModelPlan, offered: frozenset[str], tier: Tier
) -> Sequence[RuleVerdict]:
    """Rules of the contract that a plan leaves out for its model: not offered by the target, or of a dearer tier."""
    out = []
    for one in registry.values():
        if one.excluded or one.id in plan.requirements or not _concerns(one, plan.family):
            continue
        common = (one.level, one.sentence, one.breaks)
        if one.operations and not set(one.operations) & offered:
            reason = "the target does not offer it"
            out.append(RuleVerdict(one.id, plan.choice.name, "unsupported", *common, reason))
        elif one.cost in ("shared", "own") and tier != TIERS[-1]:
            reason = f"needs a picture: not part of tier {tier}"
            out.append(RuleVerdict(one.id, plan.choice.name, "not-run", *common, reason, "tier"))
    return out


def _concerns(requirement: Requirement, family: Family | None) -> bool:
    """Whether a model of that family could keep or break a rule at all, wherever it is served."""
    if family is None or (not requirement.families and not requirement.operations):
        return True
    if requirement.families and family.id not in requirement.families:
        return False
    return not requirement.operations or bool(set(requirement.operations) & {*family.operations, *_READS})


def _blockers(name: str, mute: Iterable[Exchange], context: Context) -> tuple[str, ...]:
    """Rules that the exchanges without evidence break: what they broke is why they show nothing."""
    found: dict[str, None] = {}
    for exchange in mute:
        for rule in exchange.probe.rules:
            if rule == name:
                continue
            try:
                finding = judge(rule, exchange, context)
            except Exception:  # reported where that rule itself is judged
                continue
            if finding is not None and finding.outcome == "fail":
                found[rule] = None
    return tuple(found)
