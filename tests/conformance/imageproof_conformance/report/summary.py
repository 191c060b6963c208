"""The summary for the page of a build: small, in Markdown; what a target wrote becomes no markup, link or picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from imageproof_conformance.baseline import names
from imageproof_conformance.gates import Standing, answers
from imageproof_conformance.record import Run
from imageproof_conformance.report.breadth import told as breadth
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.whom import whom
from imageproof_conformance.verdict import STATUSES, RuleVerdict

MOST_ROWS = 30  # broken rules; the JSON report has all of them
_CELL = 200  # characters
_MARKS: dict[Standing, str] = {"broken": "broken", "expected": "expected", "beside": "beside the gate"}
_MEANING = re.compile(r"([\\`*_{}\[\]<>#!|~&@$]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_LEADING = re.compile(r"^(\d*)(?=[-+=.)])")  # what begins a list, or underlines


def text(run: Run) -> str:
    """The summary: the verdict, both answers, what is offered, what breaks for whom, the rules."""
    verdict = run.verdict
    parts = [
        f"### imageproof: {plain(verdict.headline, 400)}",
        f"{plain(run.profile.base_url)}, tier {run.tier}, gate {verdict.terms.gate}, exit status {verdict.exit_status}",
        "\n".join(f"- {plain(one)}" for one in (*(one.told for one in answers(verdict.rules)), *breadth(run))),
        _list("The baseline does not hold", verdict.terms.lapses),
        _list("Of the baseline", verdict.terms.notes),
        _table(
            ("breaks for", "over", "how"),
            [(one.who, names(one.rules), one.how) for one in whom(verdict.rules, run.exchanges)],
        ),
        _rules(run),
        _counts(verdict.rules),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str, longest: int = _CELL) -> str:
    """A text that Markdown shows as it stands, in one line."""
    return _LEADING.sub(r"\1\\", _MEANING.sub(r"\\\1", line(text, longest)))


def _list(title: str, texts: Iterable[str]) -> str:
    told = [f"- {plain(one)}" for one in texts]
    return "\n".join([f"{title}:", "", *told]) if told else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    told = ["| " + " | ".join(map(plain, row)) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *told]) if told else ""


def _rules(run: Run) -> str:
    terms = run.verdict.terms
    found = [(one, _MARKS.get(terms.standing(one), one.status)) for one in run.verdict.rules]
    told = [(one, mark) for one, mark in found if one.status in ("fail", "error", "warn")]
    rows = [(one.rule, one.model, mark, _why(run, one)) for one, mark in told[:MOST_ROWS]]
    more = f"\n\nand {len(told) - MOST_ROWS} more in the JSON report" if len(told) > MOST_ROWS else ""
    return _table(("rule", "model", "", "what was seen"), rows) + more


def _why(run: Run, rule: RuleVerdict) -> str:
    excuse = run.verdict.terms.excused.get((rule.rule, rule.model), "")
    seen = [one.finding.message for one in rule.evidence if one.finding.outcome == "fail"]
    known = rule.documented.said if rule.documented else ""
    first = (seen or [rule.reason])[0] or rule.sentence
    return "; ".join(filter(None, [first, known, excuse and f"expected: {excuse}"]))


def _counts(rules: Iterable[RuleVerdict]) -> str:
    counts = Counter(one.status for one in rules)
    return ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
