"""The report for people: first the price, then progress, then what breaks and for whom."""

from __future__ import annotations

import shlex
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.exchange import Probe
from imageproof_conformance.judges import judged_ids
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.evidence import tell
from imageproof_conformance.report.json_report import key_variable
from imageproof_conformance.run import Progress, Run, Session
from imageproof_conformance.verdict import BROKEN, BUDGET_ENDED, NO_VERDICT, OK, RuleVerdict

if TYPE_CHECKING:
    from rich.console import Console

MOST_SHOWN = 25  # broken rules told in full; the files have all of them
PLAIN_EVERY = 10.0  # seconds between progress lines where there is no terminal
_WHOM = {"sdk": "the official SDKs", "application": "applications"}
_NOBODY = "nobody that is known, only the letter of the contract"
_LEFT_OUT = {
    "budget": "over the budget",
    "stopped": "an invalid request of the same rule was served already, or a wrong key was tried often enough",
    "silent": "the target stopped answering",
    "open": "keys are not tried, since the target was declared open",
    "interrupted": "the run was interrupted",
}
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
        text = f"{step.stage}: {step.done}/{step.total} calls, {step.spent} of {step.cap} pictures spent"
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
        probes = session.probes
        self.say(
            f"imageproof: tier {session.tier}, {line(models)}: {len(probes)} requests, {session.planned} pictures"
            f" planned, at most {session.worst} if the target serves whatever it is sent (cap {session.budget.cap})",
            "bold",
        )
        self.say(f"target {session.profile.base_url}, {_key(session)}")
        for one in () if session.partial else session.plans:
            self.say(f"{line(one.choice.name)}: {_scope(one)}")
        for note in session.notes:
            self.say(f"note: {line(note)}")

    def dry_run(self, session: Session) -> None:
        """What would be sent: calls and pictures by stage, operation and expectation, and the rules in scope."""
        self.plan(session)
        rate = session.profile.rate
        seconds = f", {len(session.probes) / rate:.0f} s or more at {rate:g} requests a second" if rate else ""
        self.say(f"dry run: only the list of models was asked for; all operations are taken as offered{seconds}")
        rows = Counter((probe.tier, probe.operation, probe.expect) for probe in session.probes)
        pictures: Counter[tuple[str, str, str]] = Counter()
        for probe in session.probes:
            pictures[(probe.tier, probe.operation, probe.expect)] += probe.images
        self.say(f"\n{'tier':9} {'operation':22} {'must be':8} {'calls':>5} {'pictures':>8}")
        for row, calls in rows.items():
            self.say(f"{row[0]:9} {row[1]:22} {row[2]:8} {calls:5} {pictures[row]:8}")
        self.say("\npaid calls:")
        for probe in session.probes:
            if probe.images:
                self.say(f"  {probe.id}: {probe.images} picture{'s' if probe.images > 1 else ''}{_asked(probe)}")
        self.say("\nrules: " + " ".join(dict.fromkeys(rule for rule, _ in session.items)))

    def result(self, run: Run, files: Iterable[str]) -> None:
        """Everything after the calls; the last line is the next command."""
        self.say()
        self._offered(run)
        self._broken(run)
        self._summary(run)
        for kind, count in Counter(one.kind for one in run.skipped).items():
            self.say(f"{count} planned call{'s were' if count > 1 else ' was'} not made: {_LEFT_OUT[kind]}", "yellow")
        for name in files:
            self.copy(f"report: {name}")
        style = {OK: "bold green", BROKEN: "bold red"}.get(run.verdict.exit_status, "bold yellow")
        self.say(line(run.verdict.headline), style)
        self.say(
            f"{run.requests} requests, {run.spent} pictures spent of {run.planned} planned, {run.seconds:.1f} s "
            f"(exit status {run.verdict.exit_status})"
        )
        self.copy(f"next: {next_command(run)}")

    def _offered(self, run: Run) -> None:
        if run.discovery.offered:
            listed = f"; {len(run.discovery.listed)} models listed" if run.discovery.listed else ""
            self.say(f"offered: {', '.join(sorted(run.discovery.offered))}{listed}")

    def _broken(self, run: Run) -> None:
        broken = [rule for rule in run.verdict.rules if rule.status in ("fail", "error", "warn")]
        for rule in broken[:MOST_SHOWN]:
            self._rule(run, rule)
        if len(broken) > MOST_SHOWN:
            self.say(f"\n… and {len(broken) - MOST_SHOWN} more; the JSON report has all of them")

    def _rule(self, run: Run, rule: RuleVerdict) -> None:
        whom = ", ".join(_WHOM[one] for one in rule.breaks if one in _WHOM) or (_NOBODY if rule.breaks else "")
        mark = {"fail": "BROKEN", "warn": "WARNING", "error": "ERROR"}[rule.status]
        self.say(f"\n{mark} {rule.rule} ({rule.level}, {line(rule.model)}): {rule.sentence}", _COLOURS[rule.status])
        if whom:
            self.say(f"  breaks: {whom}")
        if rule.reason:
            self.say(f"  {line(rule.reason)}", hang=4)
        failures = [one for one in rule.evidence if one.finding.outcome == "fail"]
        if not failures:
            return
        first = failures[0]
        told = tell(run.exchanges[first.exchange], key_variable(run))
        self.say(f"  {line(first.finding.message)}", hang=4)
        pair = {"asked": line(first.finding.asked), "got": line(first.finding.got)}
        if any(pair.values()):
            self.say("  " + ", ".join(f"{name} {text}" for name, text in pair.items() if text), hang=4)
        self.say(f"  sent: {told.sent}", hang=8)
        self.say(f"  got:  {told.got}", hang=8)
        self.copy(f"  {told.curl}")
        if len(failures) > 1:
            self.say(f"  and {len(failures) - 1} more calls show it")

    def _summary(self, run: Run) -> None:
        if not run.verdict.rules:
            return
        self.say()
        for status in ("pass", "fail", "warn", "blocked", "not-run", "unsupported", "error"):
            rules = [rule for rule in run.verdict.rules if rule.status == status]
            if rules:
                text = f"{status:>11} {len(rules):4}  {_names(rules, status)}".rstrip()
                self.say(text, _COLOURS.get(status, ""), hang=18)


def next_command(run: Run) -> str:
    """What to type next, ready to copy."""
    status, target = run.verdict.exit_status, ["imageproof", "conform", *run.profile.again]
    if status == BROKEN:
        ids = sorted({rule.rule for rule in run.verdict.rules if rule.status == "fail"})
        return shlex.join([*target, *_same_money(run), *(["-k", " or ".join(ids[:6])] if ids else [])])
    if status == BUDGET_ENDED:
        if not any("picture" in one.why for one in run.skipped if one.kind == "budget"):  # calls or time ended first
            return shlex.join([*target, *_same_money(run)])
        more = max(run.worst, run.planned, run.cap * 2, 1)
        return shlex.join([*target, "--tier", run.tier, "--max-images", str(more)])
    if status == NO_VERDICT and run.discovery.trouble == "auth":
        variable = key_variable(run) or "IMAGEPROOF_API_KEY"
        again = [word for word in target if word != "--no-key"]
        return f"export {variable}=...; {shlex.join([*again, *_same_money(run)])}"
    if status == OK and run.dearer:
        return f"{shlex.join([*target, '--tier', run.dearer])}  # asks for {run.dearer_images} pictures"
    if status == OK:
        return shlex.join([*target, "--tier", run.tier, "--max-images", str(run.cap), "--junit", "imageproof.xml"])
    return shlex.join([*target, *_same_money(run)])


def _same_money(run: Run) -> list[str]:
    limit = run.profile.max_images
    tier = [] if run.tier == "free" else ["--tier", run.tier]
    return tier + ([] if limit is None else ["--max-images", str(limit)])


def _names(rules: list[RuleVerdict], status: str) -> str:
    if status == "pass":
        return ""
    names = list(dict.fromkeys(rule.rule for rule in rules))
    return " ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _scope(plan: ModelPlan) -> str:
    """How many rules of the contract are in the tier, and where the others are."""
    named = (*plan.requirements, *plan.dearer, *plan.missing)
    others = (
        (len(plan.dearer), "in a dearer tier"),
        (len(plan.missing), "on operations that the target does not offer"),
        (len(judged_ids().difference(named)), "that do not apply to it"),
    )
    return ", ".join(
        [f"{len(plan.requirements)} rules", *(f"{count} more {where}" for count, where in others if count)]
    )


def _key(session: Session) -> str:
    return f"key from {session.profile.key_source}" if session.profile.key else "without a key"


def _asked(probe: Probe) -> str:
    plain = [f"{name} {value}" for name, value in probe.asked.items() if isinstance(value, (str, int))]
    return f" ({line(', '.join(text for text in plain if not text.startswith('prompt ')))})"


def problem(text: str) -> None:
    """One line on stderr for what the user must change."""
    print(f"error: {line(text, 1000)}", file=sys.stderr)
