"""The report for build servers: JUnit XML with one test case for each rule and model."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.record import Run
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.common import told_once
from imageproof_conformance.report.curl import curl
from imageproof_conformance.report.evidence import asked_and_got, tell
from imageproof_conformance.verdict import RuleVerdict

LONGEST = 8000  # characters of a line of evidence: a curl line that is cut repeats nothing


def text(run: Run) -> str:
    """The XML document. A run without a verdict has one case in error, so that it never looks green."""
    root = ET.Element("testsuites", name="imageproof")
    for plan in run.plans:
        rules = [rule for rule in run.verdict.rules if rule.model == plan.choice.name]
        root.append(_suite(run, plan, rules))
    if run.verdict.terms.lapses:
        root.append(_lapses(run))
    if run.verdict.exit_status not in (0, 1) or not run.verdict.rules:
        root.append(_trouble(run))
    for name in ("tests", "failures", "errors"):  # the schema of Jenkins knows no `skipped` here
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    whole: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole.decode() + "\n"


def _suite(run: Run, plan: ModelPlan, rules: list[RuleVerdict]) -> ET.Element:
    suite = ET.Element("testsuite", name=_xml(f"imageproof {plan.choice.name}"), time=f"{run.seconds:.3f}")
    for rule in rules:
        suite.append(_case(run, rule))
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.set("tests", str(len(rules)))
    for name, tag in counts.items():
        suite.set(name, str(sum(1 for case in suite if case.find(tag) is not None)))
    return suite


def _case(run: Run, rule: RuleVerdict) -> ET.Element:
    case = ET.Element("testcase", classname=_xml(f"imageproof.{rule.model}"), name=rule.rule, time="0")
    failed = [one for one in rule.evidence if one.finding.outcome == "fail"]
    message = _xml(failed[0].finding.message or rule.sentence) if failed else _xml(rule.reason)
    if failed and rule.documented:
        message += _xml(f" ({rule.documented.said})")
    standing = run.verdict.terms.standing(rule)
    if rule.status == "error":
        ET.SubElement(case, "error", type="suite", message=message)
    elif rule.status == "blocked" and run.verdict.exit_status:  # not where all that blocks was expected
        ET.SubElement(case, "error", type="blocked", message=message)
    elif standing == "broken":
        ET.SubElement(case, "failure", type=rule.level, message=message).text = _told(run, rule)
    elif failed:
        excuse = run.verdict.terms.excused.get((rule.rule, rule.model), "")
        notes = {"expected": f"expected by the baseline ({excuse})", "beside": "broken, but not scored"}
        note = _xml(f"{notes.get(standing, 'warning')}: {message}")
        ET.SubElement(case, "system-out").text = f"{note}\n{_told(run, rule)}"
    elif rule.partial:
        ET.SubElement(case, "system-out").text = f"partly judged, for want of budget: {message}"
    elif rule.status != "pass":
        ET.SubElement(case, "skipped", message=f"{rule.status}: {message}")
    return case


def _lapses(run: Run) -> ET.Element:
    """The baseline as a suite of its own: a case for each of its lapses."""
    lapses = run.verdict.terms.lapses
    count = str(len(lapses))
    suite = ET.Element("testsuite", name="imageproof baseline", tests=count, failures=count, errors="0", skipped="0")
    for number, lapse in enumerate(lapses, start=1):
        case = ET.SubElement(suite, "testcase", classname="imageproof.baseline", name=f"lapse {number}", time="0")
        ET.SubElement(case, "failure", type="baseline", message=_xml(lapse))
    return suite


def _trouble(run: Run) -> ET.Element:
    suite = ET.Element("testsuite", name="imageproof run", tests="1", failures="0", errors="1", skipped="0", time="0")
    case = ET.SubElement(suite, "testcase", classname="imageproof", name="verdict", time="0")
    ET.SubElement(case, "error", type=f"exit {run.verdict.exit_status}", message=_xml(run.verdict.headline))
    return suite


def _told(run: Run, rule: RuleVerdict) -> str:
    lines = [rule.sentence]
    if rule.documented:
        lines.append(f"{rule.documented.said}: {rule.documented.what}")
    for one, also in told_once(rule, run.exchanges):
        if one.finding.outcome == "fail":
            exchange = run.exchanges[one.exchange]
            told = tell(exchange)
            pair = asked_and_got(one.finding)
            lines += [
                "",
                one.finding.message,
                *([pair] if pair else []),
                f"sent: {told.sent}",
                f"got: {told.got}",
                f"curl: {curl(exchange, run.profile).line}",
                *([f"also: {', '.join(also)}"] if also else []),
            ]
    return "\n".join(_xml(text, LONGEST) for text in lines)


def _xml(text: str, longest: int = 2000) -> str:
    """Characters that XML 1.0 can hold; `clean.line` leaves none that it cannot, but for these two."""
    return line(text, longest).replace("\ufffe", " ").replace("\uffff", " ")
