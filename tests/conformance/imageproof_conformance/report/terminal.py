"""The report for people: first the price, then progress, then what breaks and for whom."""

from __future__ import annotations

import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imageproof_conformance.baseline import names
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.budget import COULD_COST, KEPT, REQUESTS_OVER, TIME_OVER, many
from imageproof_conformance.dispatch import ALL_AWAY, Skipped
from imageproof_conformance.exchange import Probe
from imageproof_conformance.gates import answers
from imageproof_conformance.judges import judged_ids
from imageproof_conformance.money import GIVEN
from imageproof_conformance.probes import as_text
from imageproof_conformance.record import Progress, Run
from imageproof_conformance.report.breadth import told as breadth
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.common import plainest, shared
from imageproof_conformance.report.curl import curl
from imageproof_conformance.report.evidence import asked_and_got, tell
from imageproof_conformance.report.next import next_command
from imageproof_conformance.report.whom import whom
from imageproof_conformance.verdict import BROKEN, OK, RuleVerdict

if TYPE_CHECKING:
    from rich.console import Console

    from imageproof_conformance.session import Session

MOST_SHOWN = 25  # broken rules told in full; the files have all of them
MOST_PARTLY = 8  # rules that were judged in part, told with their reasons
PLAIN_EVERY = 10.0  # seconds between progress lines where there is no terminal
_WHOM = {"sdk": "the official SDKs", "application": "applications"}
_NOBODY = "nobody that is known, only the letter of the contract"
# Kind of a call that was not made, and words of its reason -> why, the first that fits.
_LEFT_OUT = (
    ("budget", KEPT, f"its pictures are {KEPT}"),
    ("budget", REQUESTS_OVER, REQUESTS_OVER),
    ("budget", TIME_OVER, TIME_OVER),
    ("budget", COULD_COST, "it could cost more than is left of the money"),
    ("budget", "", "it could make more pictures than are left of the budget"),
    ("stopped", "wrong key", "a wrong key was tried twice already"),
    ("stopped", "", "an invalid request of the same rule was served already"),
    ("silent", ALL_AWAY, ALL_AWAY),
    ("silent", "", "the target stopped answering"),
    ("unknown", "", "the target does not know the model"),
    ("open", "", "keys are not tried, since the target was declared open"),
    ("interrupted", "", "the run was interrupted"),
)
# What a rule that is not kept means for the exit status -> how it is marked.
_MARKS = {"error": "ERROR", "fail": "BROKEN", "warn": "WARNING"}  # the worst first
_STANDINGS = {"broken": "BROKEN", "expected": "EXPECTED", "beside": "NOT SCORED"}
_COLOURS = {"fail": "red", "warn": "yellow", "error": "red", "blocked": "yellow"}


class Screen:
    """Writes a run to a stream. Markup in texts is never interpreted: all is plain text with a style."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console as Made

        self.console = console or Made(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._last = time.monotonic()
        self._stage = ""
        self._open = False

    def say(self, text: str = "", style: str = "", hang: int = 2) -> None:
        """A line of prose; on a terminal it is wrapped between words, `hang` columns in from the second line on."""
        if self.console.is_terminal:
            fit = textwrap.TextWrapper(self.console.width, break_long_words=False, break_on_hyphens=False)
            fit.subsequent_indent = " " * hang
            text = "\n".join("\n".join(fit.wrap(one)) for one in text.split("\n"))
        self.copy(text, style)

    def copy(self, text: str, style: str = "") -> None:
        """A line to be copied: never broken."""
        self._end_line()
        self.console.print(text, style=style or None)

    def progress(self, step: Progress) -> None:
        """Where the run is: one line that renews itself on a terminal, a line now and then elsewhere."""
        done = step.done >= step.total
        text = (
            f"{step.stage}: {step.done}/{many(step.total, 'call')}, {step.spent} of {many(step.cap, 'picture')} spent"
        )
        now = time.monotonic()
        if self.console.is_terminal:
            if done or now - self._last > 0.1:
                self.console.file.write(f"\r\x1b[2K{text[: self.console.width - 1]}")
                self.console.file.flush()
                self._open, self._last = True, now
        elif step.stage != "discover" and (done or now - self._last > PLAIN_EVERY):
            self.console.print(text)
            self._last = now

    def _end_line(self) -> None:
        if self._open:
            self.console.file.write("\r\x1b[2K")
            self._open = False

    def plan(self, session: Session) -> None:
        """The first line of a run, before anything is paid for, and how the target was understood."""
        models = ", ".join(one.choice.name for one in session.plans)
        self.say(
            f"imageproof: tier {session.tier}, {line(models)}: {many(session.requests, 'request')}"
            f"{_duration(session)}, {many(session.planned, 'picture')} planned{_price(session)}{_optional(session)},"
            f" at most {session.worst}{_worst_price(session)} if the target serves whatever it is sent"
            f" (cap {session.budget.cap}{_cap_price(session)})",
            "bold",
        )
        self._target(session)
        for one in () if session.partial else session.plans:
            self.say(f"{line(one.choice.name)}: {_scope(one, session.discovery.detail)}")
        for one in session.plans if session.tier == "full" else ():
            left = f", {one.unpaired} more have no room" if one.unpaired else ""
            no = f"{many(len(one.impossible), 'pair')} cannot be asked for together"
            self.say(f"{line(one.choice.name)}: {many(one.paired, 'pair')} of parameter values{left}; {no}")
        for note in session.notes:
            self.say(f"note: {line(note)}")

    def header(self, session: Session) -> None:
        """The first line of a run that ended before it was planned."""
        named = ", ".join(one.name for one in session.profile.models) or "no model chosen"
        self.say(f"imageproof: tier {session.tier}, {line(named)}: nothing is planned", "bold")
        self._target(session)
        for note in session.notes:
            self.say(f"note: {line(note)}")

    def _target(self, session: Session) -> None:
        self.say(f"target {session.profile.base_url}, {_key(session)}")

    def dry_run(self, session: Session) -> None:
        """What would be sent: calls and pictures by stage, operation and expectation, and the rules in scope."""
        self.plan(session)
        self.say("dry run: only the list of models was asked for; all operations are taken as offered")
        for text in _expense(session):
            self.say(text)
        rows = Counter((probe.tier, probe.operation, probe.expect) for probe in session.probes)
        pictures: Counter[tuple[str, str, str]] = Counter()
        for probe in session.probes:
            pictures[(probe.tier, probe.operation, probe.expect)] += probe.legal_images
        self.say(f"\n{'tier':9} {'operation':22} {'must be':8} {'calls':>5} {'pictures':>8}")
        for row, calls in rows.items():
            self.say(f"{row[0]:9} {row[1]:22} {row[2]:8} {calls:5} {pictures[row]:8}")
        paid = [probe for probe in session.probes if probe.legal_images]
        if paid:
            self.say("\npaid calls:")
        for probe in paid:
            self.say(f"  {probe.id}: {_pictures(probe)}{_asked(probe)}")
        for one in session.plans if session.tier == "full" else ():
            self.say(f"\ncannot be asked for together: {'; '.join(one.impossible)}")
        self.say("\nrules: " + " ".join(dict.fromkeys(rule for rule, _ in session.chosen)))

    def result(self, run: Run, files: Iterable[str]) -> None:
        """Everything after the calls; the last line is the next command."""
        self.say()
        self._first(run)
        self._broken(run)
        self._summary(run)
        self._partly(run)
        self._noted(run)
        for why, count in Counter(map(_left_out, run.skipped)).items():
            were = "was" if count == 1 else "were"
            self.say(f"{many(count, 'planned call')} {were} not made: {why}", "yellow")
        for name in files:
            self.copy(f"report: {name}")
        style = {OK: "bold green", BROKEN: "bold red"}.get(run.verdict.exit_status, "bold yellow")
        self.say(line(run.verdict.headline), style)
        self.say(
            f"{many(run.requests, 'request')}, {many(run.spent, 'picture')} spent of {run.planned} planned"
            f"{_paid(run)}, {run.seconds:.1f} s "
            f"(exit status {run.verdict.exit_status})"
        )
        if run.spent > run.cap:
            over = many(run.spent - run.cap, "picture")
            self.say(f"the target made {over} more than it may cost; once that showed, no more was asked for", "red")
        self.copy(f"next: {next_command(run)}")

    def _first(self, run: Run) -> None:
        """What is offered, how well it is kept, and what breaks for whom."""
        for text in breadth(run):
            self.say(line(text))
        if not run.verdict.rules:
            return
        self.say()
        for one in answers(run.verdict.rules):
            self.say(one.told)
        if broken := whom(run.verdict.rules, run.exchanges):
            self.say("\nwhat breaks, and for whom (`when` says how a client was seen to break):", "bold")
        for hit in broken:
            over = names(hit.rules)
            self.say(f"  {hit.who}: {hit.how} ({over})" if hit.how else f"  {hit.who}: {over}", hang=4)
        terms = run.verdict.terms
        for text in terms.lapses:
            self.say(f"baseline: {line(text)}", "red")
        for text in terms.notes:
            self.say(f"baseline: {line(text)}", "yellow")

    def _broken(self, run: Run) -> None:
        broken = [rule for status in _MARKS for rule in run.verdict.rules if rule.status == status]
        for rule in broken[:MOST_SHOWN]:
            self._rule(run, rule)
        if len(broken) > MOST_SHOWN:
            self.say(f"\n… and {len(broken) - MOST_SHOWN} more; the JSON report has all of them")

    def _rule(self, run: Run, rule: RuleVerdict) -> None:
        whom = ", ".join(_WHOM[one] for one in rule.breaks if one in _WHOM) or (_NOBODY if rule.breaks else "")
        mark = _STANDINGS.get(run.verdict.terms.standing(rule), _MARKS[rule.status])
        self.say(f"\n{mark} {rule.rule} ({rule.level}, {line(rule.model)}): {rule.sentence}", _COLOURS[rule.status])
        if whom:
            self.say(f"  breaks: {whom}")
        if excuse := run.verdict.terms.excused.get((rule.rule, rule.model)):
            self.say(f"  expected by the baseline: {line(excuse)}", hang=4)
        if rule.documented:
            self.say(f"  {line(rule.documented.said)}: {line(rule.documented.what)}", hang=4)
        if rule.reason:
            self.say(f"  {line(rule.reason)}", hang=4)
        failures = [one for one in rule.evidence if one.finding.outcome == "fail"]
        if not failures:
            return
        first = plainest(failures, run.exchanges)
        exchange = run.exchanges[first.exchange]
        told = tell(exchange)
        self.say(f"  {line(first.finding.message)}", hang=4)
        if pair := asked_and_got(first.finding):
            self.say(f"  {pair}", hang=4)
        self.say(f"  sent: {told.sent}", hang=8)
        self.say(f"  got:  {told.got}", hang=8)
        self.copy(f"  {curl(exchange, run.profile, run.folder).line}")
        if len(failures) > 1:
            more = len(failures) - 1
            self.say(f"  and {more} more {'call shows' if more == 1 else 'calls show'} it")
        if common := shared(rule, run.exchanges):
            self.say(f"  all of them ask for {line(common)}, and none of those that keep the rule")

    def _partly(self, run: Run) -> None:
        partly = [f"{one.rule} ({line(one.reason)})" for one in run.verdict.rules if one.partial]
        if partly:
            more = f" and {len(partly) - MOST_PARTLY} more" if len(partly) > MOST_PARTLY else ""
            self.say(f"partly judged, for want of budget: {', '.join(partly[:MOST_PARTLY])}{more}", "yellow")

    def _noted(self, run: Run) -> None:
        """What passes do not cover, each note once."""
        noted = [one for one in run.verdict.rules if one.status == "pass" and one.reason and not one.partial]
        for one in {line(one.reason): one for one in reversed(noted)}.values():
            self.say(f"{one.rule}: {line(one.reason)}", hang=4)

    def _summary(self, run: Run) -> None:
        if not run.verdict.rules:
            return
        self.say()
        for status in ("pass", "fail", "warn", "blocked", "not-run", "unsupported", "error"):
            rules = [rule for rule in run.verdict.rules if rule.status == status]
            if rules:
                text = f"{status:>11} {len(rules):4}  {_names(rules, status)}".rstrip()
                self.say(text, _COLOURS.get(status, ""), hang=18)


def _names(rules: list[RuleVerdict], status: str) -> str:
    if status == "pass":
        return ""
    names = list(dict.fromkeys(rule.rule for rule in rules))
    return " ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _scope(plan: ModelPlan, cut: str) -> str:
    """How many rules of the contract are in the tier, and where the others are. `cut`: why not all was asked for."""
    away = f"on operations that were not asked about ({cut})" if cut else "on operations that the target does not offer"
    named = (*plan.requirements, *plan.dearer, *plan.missing, *plan.waiting)
    others = (
        (len(plan.dearer), "in a dearer tier"),
        (len(plan.missing), away),
        (len(plan.waiting), "when asked for (--heavy, --moderation TEXT)"),
        (len(judged_ids().difference(named)), "that do not apply to it"),
    )
    return ", ".join(
        [many(len(plan.requirements), "rule"), *(f"{count} more {where}" for count, where in others if count)]
    )


def _left_out(one: Skipped) -> str:
    return next(text for kind, word, text in _LEFT_OUT if one.kind == kind and word in one.why)


def _duration(session: Session) -> str:
    """How long the calls take at least where their rate is limited: " (about 2 minutes at 2 calls a second)"."""
    rate, seconds = session.profile.rate, session.seconds
    if not rate or not session.probes:
        return ""
    span = f"{many(round(seconds / 60), 'minute')}" if seconds >= 90 else many(max(round(seconds), 1), "second")
    return f" (about {span} at {rate:g} call{'' if rate == 1 else 's'} a second)"


def _price(session: Session) -> str:
    """What the planned pictures cost: " (USD 0.12, list price of 2026-09-08)"."""
    bill = session.bill
    if bill is None:
        return " (no price is known)" if session.planned else ""
    return f" ({bill.told(bill.planned)}, {bill.source})" if session.planned else ""


def _optional(session: Session) -> str:
    more = session.optional
    return f", {more} more where it serves what it may refuse" if more else ""


def _worst_price(session: Session) -> str:
    return f" ({session.bill.told(session.bill.worst)})" if session.bill and session.worst else ""


def _cap_price(session: Session) -> str:
    bill = session.bill
    return f", {bill.told(bill.cap)}" if bill and bill.cap is not None else ""


def _paid(run: Run) -> str:
    return (
        f" ({run.bill.told(run.bill.spent)} of {run.bill.told(run.bill.planned)})" if run.bill and run.planned else ""
    )


def _expense(session: Session) -> Iterator[str]:
    """What a run uses, and at most: calls, pictures, money, time."""
    profile, bill = session.profile, session.bill
    most = "" if profile.max_requests is None else f", at most {profile.max_requests} with links and repetitions"
    before = f", {session.before} of them to find out what is offered" if session.before else ""
    yield f"\nrequests: {session.requests}{before}{most}"
    yield f"pictures: {session.planned}, at most {session.worst}"
    if bill:
        beside = "reading prompts and input pictures is not in it"
        yield f"money:    {bill.told(bill.planned)}, at most {bill.told(bill.worst)} ({bill.source}; {beside})"
    else:
        yield f"money:    no price of a picture is known; say it with {GIVEN} PRICE"
    rate = f"about {session.seconds:.0f} s for the requests, " if profile.rate else ""
    most = "" if profile.max_time is None else f", at most {profile.max_time:g} s"
    yield f"time:     {rate}{'and ' if rate else ''}what the target takes to answer{most}"


def _key(session: Session) -> str:
    return f"key from {session.profile.key_source}" if session.profile.key else "without a key"


def _pictures(probe: Probe) -> str:
    more = probe.legal_images - probe.images
    return f"may be refused, else {many(more, 'picture')}" if more else many(probe.images, "picture")


def _asked(probe: Probe) -> str:
    """The parameters of a call as they are sent: n=2, stream=true."""
    plain = {name: one for name, one in probe.asked.items() if isinstance(one, (str, int)) and name not in _SHY}
    return f" ({line(', '.join(f'{name}={as_text(value)}' for name, value in plain.items()))})" if plain else ""


_SHY = ("prompt", "model")


def problem(text: str) -> None:
    """One line on stderr for what the user must change."""
    print(f"error: {line(text, 1000)}", file=sys.stderr)
