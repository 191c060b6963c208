"""From findings to verdicts: one for each requirement and model, and one exit status for the run.

The order of the exit statuses is fixed: 5 the suite failed, 1 a rule is broken, 3 no verdict, 4 the budget ended, 0.
Silence is never green: without an answer there is no pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from imageproof.contract.providers import Deviation
from imageproof.contract.requirements import Requirement
from imageproof_conformance.answers import MISCODED, said, served, unknown_model
from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import Exchange, Finding, Probe
from imageproof_conformance.gates import Terms

Status = Literal["pass", "fail", "warn", "unsupported", "not-run", "blocked", "error"]
STATUSES: tuple[Status, ...] = ("fail", "warn", "pass", "blocked", "not-run", "unsupported", "error")
Cause = Literal["", "budget", "no-answer", "stopped", "tier", "no-evidence", "interrupted", "declared", "option"]

OK, BROKEN, USAGE, NO_VERDICT, BUDGET_ENDED, SUITE_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

_OUTAGE = frozenset({502, 503, 504, 520, 522, 523, 524, 529})
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})


@dataclass(frozen=True)
class Evidence:
    """A finding and the exchange that it was made on; `exchange` counts from 0 in the transcript."""

    exchange: int
    finding: Finding


@dataclass(frozen=True)
class RuleVerdict:
    """What a run says of one requirement for one model.

    reason      why there is no pass or fail, or what a pass does not cover, "" for nothing to say
    cause       why there is neither, or why a pass is partial, for programs
    evidence    the findings, failures first
    documented  what the provider says of not keeping it, None where it says nothing
    """

    rule: str
    model: str
    status: Status
    level: str
    sentence: str
    breaks: tuple[str, ...] = ()
    reason: str = ""
    cause: Cause = ""
    evidence: tuple[Evidence, ...] = ()
    documented: Deviation | None = None

    @property
    def partial(self) -> bool:
        """Whether a pass lacks calls that the budget did not allow."""
        return self.status == "pass" and self.cause == "budget"


@dataclass(frozen=True)
class Verdict:
    """The whole: all rule verdicts, what was missing that was required, the exit status and one sentence on it, and the
    terms that it was found by."""

    rules: tuple[RuleVerdict, ...]
    missing: tuple[str, ...]
    exit_status: int
    headline: str
    terms: Terms = field(default_factory=Terms)

    def count(self, *statuses: Status) -> int:
        return sum(1 for rule in self.rules if rule.status in statuses)


def no_answer(exchange: Exchange, key_works: bool) -> str:
    """Why an exchange says nothing of the contract, "" when it does: no answer, quota, a closed door, an outage."""
    status = exchange.status
    if status is None:
        return exchange.failure or "no answer"
    if exchange.failure.startswith(MISCODED):
        return ""
    if exchange.failure and (exchange.media_type != "text/event-stream" or "time-out" in exchange.failure):
        return exchange.failure
    if status in (402, 429) or (status >= 400 and quota(exchange)):
        return f"quota: status {status}"
    if status in _OUTAGE:
        return f"outage: status {status}"
    closed = status in (401, 403) and exchange.probe.request.key == "yes" and not unknown_model(exchange)
    if closed and (not key_works or exchange.probe.expect == "served"):
        return f"the key is not accepted: status {status}"
    return ""


def quota(exchange: Exchange) -> bool:
    """Whether a refusal is about money, not about the request."""
    return any(code.encode() in exchange.body for code in _QUOTA_CODES)


def key_works(exchanges: Iterable[Exchange]) -> bool:
    """Whether any call with the target's key was let in."""
    return any(
        one.status is not None and one.status not in (401, 403, 407) and one.probe.request.key == "yes"
        for one in exchanges
    )


def rule_verdict(
    requirement: Requirement,
    model: str,
    evidence: Sequence[Evidence],
    silences: Sequence[str],
    skipped: Sequence[Skipped],
    blockers: Sequence[str],
    declined: str = "",
    error: str = "",
    absent: str = "",
    heard: bool = False,
) -> RuleVerdict:
    """One verdict from all that is known of a rule.

    silences  why exchanges meant for this rule said nothing
    skipped   probes for this rule that were not sent
    blockers  rules broken by the very exchanges that should have given evidence
    declined  how such an exchange was properly told that the target lacks the ability, "" when none was
    error     what the judge raised, "" when it did not
    absent    what the answers lack that they need not have and that the rule is about, "" for nothing
    heard     whether some call was answered that might have shown it: those that would show it by the way do not count
              as missed then
    """

    def made(status: Status, reason: str = "", cause: Cause = "") -> RuleVerdict:
        ordered = tuple(sorted(evidence, key=lambda one: one.finding.outcome != "fail"))
        return RuleVerdict(
            requirement.id,
            model,
            status,
            requirement.level,
            requirement.sentence,
            requirement.breaks,
            reason,
            cause,
            ordered,
        )

    if error:
        return made("error", error)
    if any(one.finding.outcome == "fail" for one in evidence):
        return made("fail" if requirement.level == "MUST" else "warn")
    if evidence:
        unpaid = [one for one in skipped if one.kind == "budget" and _about(one.probe, requirement.id)]
        note = next((one.finding.message for one in evidence if one.finding.message), "")
        return made("pass", _partly(unpaid) or note, "budget" if unpaid else "")
    if absent:
        return made("not-run", absent, "no-evidence")
    if blockers:
        return made("blocked", f"{', '.join(blockers)} failed on the calls that would have shown it")
    if declined:
        return made("unsupported", declined)
    if silences:
        return made("not-run", silences[0], "budget" if silences[0].startswith("budget: ") else "no-answer")
    missed = [one for one in skipped if not heard or _about(one.probe, requirement.id)]
    if missed:
        return made("not-run", missed[0].why, _cause(missed))
    return made("not-run", "no answer gave evidence", "no-evidence")


def _about(probe: Probe, rule: str) -> bool:
    """Whether a call is missed by a rule: any legal one; a refusal only by the rule that it breaks, since all other
    refusals show the shape of errors as well."""
    return probe.expect == "served" or rule in probe.rules[:1]


def _partly(skipped: Sequence[Skipped]) -> str:
    """Which calls of a rule were not made, and why the first was not."""
    if not skipped:
        return ""
    more = f", and {calls} more" if (calls := len(skipped) - 1) else ""
    why = skipped[0].why.removeprefix("budget: ")
    return f"{skipped[0].probe.id.split('/', 2)[-1]}{'' if why.startswith('could') else ':'} {why}{more}"


def _cause(skipped: Sequence[Skipped]) -> Cause:
    kinds = {one.kind for one in skipped}
    for kind, cause in _CAUSES:
        if kind in kinds:
            return cause
    return "stopped"


_CAUSES: tuple[tuple[str, Cause], ...] = (
    ("interrupted", "interrupted"),
    ("silent", "no-answer"),
    ("budget", "budget"),
    ("open", "declared"),
)


@dataclass(frozen=True)
class Situation:
    """What the exit status needs beside the rules.

    trouble      why discovery ended the run, "" when it did not
    unknown      that the target does not know a model, "" when it knows all
    paid         whether the tier buys pictures
    tried        calls sent that had to be served; `succeeded` is how many of them were
    refused      what an unserved call answered, for the headline
    leaked       pictures that were made for calls that had to be refused
    missing      what --require names and the target does not offer
    selected     whether only some of the rules were asked for
    traffic      whether somebody else made the calls: what they do not show was never asked
    terms        what the run is held to
    """

    trouble: str = ""
    unknown: str = ""
    paid: bool = False
    tried: int = 0
    succeeded: int = 0
    refused: str = ""
    leaked: int = 0
    missing: tuple[str, ...] = ()
    selected: bool = False
    interrupted: bool = False
    suite_error: str = ""
    traffic: bool = False
    terms: Terms = field(default_factory=Terms)


def conclude(rules: Sequence[RuleVerdict], situation: Situation) -> Verdict:
    """The exit status and its sentence."""
    status, headline = _conclusion(rules, situation)
    if situation.interrupted:
        status, headline = INTERRUPTED, f"Interrupted. So far: {headline}"
    return Verdict(tuple(rules), situation.missing, status, headline, situation.terms)


def _conclusion(rules: Sequence[RuleVerdict], situation: Situation) -> tuple[int, str]:
    terms = situation.terms
    scored = [one for one in rules if terms.scored(one)]
    judged = sum(one.status in ("pass", "fail", "warn") for one in scored)
    failed = situation.tried > 0 and not situation.succeeded
    none = f" No call succeeded{f' ({situation.refused})' if situation.refused else ''}." if failed else ""
    errors = [one for one in rules if one.status == "error"]
    silent = [one for one in scored if one.status == "not-run" and one.cause == "no-answer"]
    unpaid = [one for one in scored if one.status == "not-run" and one.cause == "budget"]
    if situation.suite_error or errors:
        return SUITE_FAILED, f"The suite itself failed: {situation.suite_error or errors[0].reason}"
    if broken := _broken(rules, judged, situation):
        unheard = _sentence(f" No verdict on {_rules(len(silent))}: {silent[0].reason}") if silent and not none else ""
        return BROKEN, f"{broken}{none}{unheard}"
    if situation.trouble:
        return NO_VERDICT, _sentence(f"No verdict: {situation.trouble}")
    if situation.unknown:
        return NO_VERDICT, _sentence(f"No verdict: {situation.unknown}")
    if failed:
        return NO_VERDICT, f"No verdict.{none}"
    so_far = f"{judged} judged, {_none_broken(rules, terms)}."
    if silent:
        return NO_VERDICT, f"{_sentence(f'No verdict on {_rules(len(silent))}: {silent[0].reason}')} {so_far}"
    if unpaid:
        ended = f"The budget ended before {_rules(len(unpaid))}"
        leaked = f"; {situation.leaked} went to invalid requests that were served" if situation.leaked else ""
        return BUDGET_ENDED, f"{ended} ({unpaid[0].reason.removeprefix('budget: ')}{leaked}). {so_far}"
    if not judged and rules and not scored:
        return NO_VERDICT, f"No verdict: --gate {terms.gate} asks none of these rules; --gate both asks all of them."
    if not judged:
        return NO_VERDICT, "No verdict: no rule could be judged."
    return OK, _clean(scored, judged, situation) + _beside(rules, terms)


def _broken(rules: Sequence[RuleVerdict], judged: int, situation: Situation) -> str:
    """What fails the run, "" when nothing does: broken rules, breadth that is required, lapses of the baseline."""
    terms = situation.terms
    broken = sum(terms.standing(one) == "broken" for one in rules)
    if not (broken or situation.missing or terms.lapses):
        return ""
    of = f"{broken} of {judged} judged rule{'' if judged == 1 else 's'}"
    said = [f"{of} {'is' if broken == 1 else 'are'} broken"]
    said[0] += f", {expected} more as the baseline expects" if (expected := _expected(rules, terms)) else ""
    said += [f"Not offered, but required: {', '.join(situation.missing)}"] if situation.missing else []
    said += [f"The baseline does not hold: {'; '.join(terms.lapses[:3])}"] if terms.lapses else []
    said[-1] += f" and {len(terms.lapses) - 3} more" if len(terms.lapses) > 3 else ""
    return " ".join(map(_sentence, said))


def _sentence(text: str) -> str:
    """A text that ends as sentences do, once; what a target or a person wrote may have its own end."""
    return f"{text.rstrip('. ')}."


def _expected(rules: Sequence[RuleVerdict], terms: Terms) -> int:
    return sum(terms.standing(one) == "expected" for one in rules)


def _none_broken(rules: Sequence[RuleVerdict], terms: Terms) -> str:
    expected = _expected(rules, terms)
    return f"none broken but {expected} that the baseline expects" if expected else "none broken"


def _beside(rules: Sequence[RuleVerdict], terms: Terms) -> str:
    """What is broken and not scored: a clean sentence must not hide it."""
    beside = sum(terms.standing(one) == "beside" for one in rules)
    if not beside:
        return ""
    newer = f" or newer than rule set {terms.rules}" if terms.later else ""
    return f" Not scored: {beside} broken rule{'' if beside == 1 else 's'} beside the gate {terms.gate}{newer}."


def _clean(rules: Sequence[RuleVerdict], judged: int, situation: Situation) -> str:
    """The sentence on a run in which nothing is broken: it claims no more than was judged."""
    terms = situation.terms
    warned = sum(one.status == "warn" and not terms.standing(one) for one in rules)
    partly = sum(rule.partial for rule in rules)
    part = f", {warned} with a warning" if warned else ""
    part += f", {partly} of them judged only in part (budget)" if partly else ""
    of = f"{_rules(judged)}{' that the SDKs need' if terms.gate == 'sdk' else ''}"
    none = _none_broken(rules, terms)
    if situation.traffic:
        return f"{of} judged of those that these calls show, {none}{part}."
    if not situation.paid:
        return f"{of} judged, {none}{part}. No picture was asked for, so none was judged."
    if situation.selected:
        return f"{of} judged of those selected, {none}{part}."
    rest = _rest(rules)
    if _expected(rules, terms):
        return f"{of} judged, {none}{part}.{rest}"
    if partly:
        return f"{of} kept{part}.{rest}"
    claim = "Works with the official SDKs" if terms.gate == "sdk" else "Keeps the contract"
    return f"{claim} in all {_rules(judged)} judged{part}.{rest}"


def _rest(rules: Sequence[RuleVerdict]) -> str:
    """What a clean verdict does not cover."""
    unrun = [one for one in rules if one.status == "not-run"]
    dearer, unasked = (sum(one.cause == cause for one in unrun) for cause in ("tier", "option"))
    left = len(unrun) + sum(one.status == "blocked" for one in rules) - dearer - unasked
    lacking = sum(one.status == "unsupported" for one in rules)
    told = [f" {_rules(left)} could not be judged." if left else ""]
    told += [f" {_rules(lacking)} on what the target does not offer." if lacking else ""]
    told += [f" {_rules(dearer)} more with a dearer tier." if dearer else ""]
    return "".join([*told, f" {_rules(unasked)} more when asked for." if unasked else ""])


def _rules(count: int) -> str:
    return f"{count} rule{'' if count == 1 else 's'}"


def unserved(exchanges: Iterable[Exchange]) -> str:
    """What the first call that had to be served answered instead, in short; "" when all were served."""
    for one in exchanges:
        if one.probe.expect == "served" and one.probe.images and not served(one):
            words = said(one)[:120]
            if 300 <= (one.status or 0) < 400 and not words:
                words = f"sent to {(one.header('location') or 'nowhere')[:120]}"
            return f"status {one.status}{f': {words}' if words else ''}" if one.status else one.failure
    return ""
