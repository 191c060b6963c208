"""From all that a run left behind to its verdict: the same for a run that just ended and for one that is read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imageproof.contract.document import Document
from imageproof.contract.redact import Redactor
from imageproof.contract.requirements import Requirement
from imageproof_conformance.answers import served
from imageproof_conformance.bench import Bench, beside, unknown
from imageproof_conformance.budget import pictures
from imageproof_conformance.documented import labelled
from imageproof_conformance.expect import terms
from imageproof_conformance.offered import lacking, offers
from imageproof_conformance.verdict import SUITE_FAILED, Cause, RuleVerdict, Situation, Verdict, conclude, unserved

if TYPE_CHECKING:
    from imageproof_conformance.record import Run

Item = tuple[str, str]  # requirement id and model
Silences = Mapping[Item, tuple[Cause, str]]
NO_VERDICT_YET = Verdict((), (), SUITE_FAILED, "not judged yet")


@dataclass(frozen=True)
class Course:
    """How a run went, as far as its verdict depends on it beside plans and exchanges.

    items        the rules that count, each with its model, in the order in which they are told
    unbought     those of them whose stage was never sent
    cut          why discovery could not ask everything, "" when it could
    abilities    what the plans ask for, each with its model, as `offered.askable` has them
    private      whether the target is on this machine or network
    suite_error  why the suite itself failed, "" when it did not
    traffic      whether the calls were made by somebody else, so that nothing was planned
    """

    items: tuple[Item, ...] = ()
    unbought: frozenset[Item] = frozenset()
    cut: str = ""
    abilities: frozenset[tuple[str, str]] = frozenset()
    private: bool = False
    interrupted: bool = False
    suite_error: str = ""
    traffic: bool = False


def judged(
    run: Run,
    document: Document,
    registry: Mapping[str, Requirement],
    redactor: Redactor,
    silences: Silences | None = None,
) -> Run:
    """The run with its verdict. It depends on nothing but the arguments: no clock, no socket, no file.

    `silences` says of rules why what is there cannot be the whole evidence; they are not run unless it breaks them.
    """
    course, silent = run.course, silences or {}
    bench = Bench(document, registry, run.exchanges, run.skipped, course.private, redactor, run.profile.provider)
    plans = {one.choice.name: one for one in run.plans}
    rules = [
        _unless_broken(bench.verdict(rule, plans[model], (rule, model) in course.unbought), silent.get((rule, model)))
        for rule, model in course.items
    ]
    if not run.selected:
        rules += [rule for one in run.plans for rule in beside(registry, one, run.tier, course.cut)]
    rules = labelled(rules, run.profile.provider)
    strange = tuple(sorted(bench.strange | bench.unmade))
    needed = [one for one in run.exchanges if one.probe.expect == "served" and one.probe.images]
    trouble, offered = run.discovery.said, run.discovery.offered
    found = offers(offered, run.plans, run.exchanges)
    situation = Situation(
        trouble=trouble,
        unknown=unknown(strange, run.discovery.listed),
        paid=run.planned > 0,
        tried=len(needed),
        succeeded=sum(map(served, needed)),
        refused=redactor.text(unserved(needed)),
        leaked=sum(map(pictures, (one for one in run.exchanges if one.probe.expect == "refused" and served(one)))),
        missing=() if trouble else lacking(run.profile.require, offered, found, course.abilities),
        selected=run.selected,
        interrupted=course.interrupted,
        suite_error=course.suite_error,
        traffic=course.traffic,
        terms=terms(run.profile, registry, rules, found, run.tier, run.started, trouble),
    )
    return replace(run, verdict=conclude(rules, situation), unknown=strange, offers=found)


def _unless_broken(rule: RuleVerdict, silence: tuple[Cause, str] | None) -> RuleVerdict:
    broken = rule.status == "error" or any(one.finding.outcome == "fail" for one in rule.evidence)
    if silence is None or broken:
        return rule
    cause, reason = silence
    return replace(rule, status="not-run", cause=cause, reason=reason, evidence=())
