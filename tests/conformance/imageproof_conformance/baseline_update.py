"""`imageproof baseline update`: writes a baseline for review, from failures that were seen twice.

Twice is: in the report of a run, and when the run is judged again. What was seen once is told and not written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from imageproof.contract.pointers import join
from imageproof.contract.requirements import requirements
from imageproof.contract.yaml_text import read_text
from imageproof.errors import DocumentError, Problem, UsageError
from imageproof_conformance.baseline import Baseline, Expected, Had, about, newest_rules, parse_baseline, reached
from imageproof_conformance.offered import lacks
from imageproof_conformance.profile import base_url
from imageproof_conformance.report.json_report import SCHEMA_FILE

HOLDS = timedelta(days=90)  # how long a new entry holds when nobody says
JUDGED = (0, 1, 4)  # exit statuses of runs that may say what is expected
_HEAD = """\
# Expected failures, and what the target offers: written by `imageproof baseline update`, to be reviewed. What is broken
# and not in here fails the run; so does an entry that passes now or has expired, and so does breadth that is gone.
"""

Item = tuple[str, str]  # requirement id and model
Report = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """The new baseline, and a line for each thing that is not as it was."""

    baseline: Baseline
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What is to be written where: `run` is the folder of a run, `file` the baseline.

    owner   who answers for new entries; `reason` of new entries, "" for what was seen; `expiry`, their last day
    again   the folder of a second run, None to judge the first one again
    """

    run: Path
    file: Path
    owner: str
    reason: str = ""
    expiry: str = ""
    again: Path | None = None


def update(wanted: Wanted) -> list[str]:
    """Write the baseline, and give the lines of what changed. UsageError and DocumentError for what the user must
    change; nothing is written then."""
    run, file, again, owner = wanted.run, wanted.file, wanted.again, wanted.owner
    if not owner.strip():
        raise UsageError("--owner: name who answers for the new entries")
    if again and again.resolve() == run.resolve():
        raise UsageError(f"--again {again}: the same run says nothing twice; name another one")
    first = _report(run)
    second = _report(again) if again else rejudged(run)
    if first["target"] != second["target"]:
        raise UsageError(f"{again}: a run of {second['target']}, while {run} is one of {first['target']}")
    known = requirements()
    old = Baseline(str(file), newest_rules(known))
    if file.exists():
        old = parse_baseline(read_text(file), str(file), base_url, known)
    fresh = Expected(
        "", first["target"], wanted.reason.strip(), owner.strip(), _expiry(wanted.expiry, first), tier=first["tier"]
    )
    change = changed(replace(old, rules=first["rule_set"]), first, second, fresh)
    text = written(change.baseline)
    parse_baseline(text, str(file), base_url, known)  # what is written must be readable
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}; name another --baseline") from None
    rules = [f"  rule set {old.rules} -> {first['rule_set']}"] if old.rules != first["rule_set"] else []
    return [*change.lines, *rules]


def rejudged(run: Path) -> Report:
    """The report of a run that is judged again from its transcript. UsageError where this version cannot."""
    with tempfile.TemporaryDirectory(prefix="imageproof-") as scratch:
        file = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "imageproof", "recheck", str(run), "--out", scratch, "--json", str(file)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if not file.is_file():
            said = (ended.stderr.strip().splitlines() or [f"it ended with status {ended.returncode}"])[-1]
            raise UsageError(f"{run} cannot be judged again ({said}); name a second run with --again RUN")
        return _report(Path(scratch))


def _report(folder: Path) -> Report:
    """The JSON report in the folder of a run, or that file. DocumentError where it is none, or has no verdict."""
    file = folder if folder.is_file() else folder / "report.json"
    text = read_text(file)
    try:
        found = json.loads(text)
        jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))).validate(found)
        report: Report = {**found, "day": datetime.fromisoformat(found["started"]).date()}
    except (ValueError, RecursionError):
        raise DocumentError([Problem(str(file), "no report", hint="name the folder of a run")]) from None
    except jsonschema.ValidationError as error:
        pointer, hint = join(*error.absolute_path), "name the folder of a run that this version made"
        raise DocumentError([Problem(str(file), f"no report: {error.message[:200]}", pointer, hint=hint)]) from None
    if report["exit_status"] not in JUDGED or report["trouble"] or "breadth" not in report:
        raise DocumentError([Problem(str(file), f"a run without a verdict: {report['headline']}", hint="run it again")])
    return report


def _expiry(text: str, report: Report) -> date:
    if not text:
        found: date = report["day"] + HOLDS
        return found
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--expiry {text}: type a day, YYYY-MM-DD") from None


def changed(old: Baseline, first: Report, second: Report, fresh: Expected) -> Change:
    """A baseline brought up to two reports of one target. Entries that still fail keep what people wrote; those that
    pass now go, unless they are flaky; what was not judged, and what is about other targets, stays."""
    target = first["target"]
    twice, once = _seen(first, second)
    lines = [f"! {rule} ({model}): broken once only, not written" for rule, model in once]
    kept: list[Expected] = []
    for entry in old.expected:
        gone = about(entry.target, target) and not entry.flaky and all(_passes(entry, one) for one in (first, second))
        kept += [] if gone else [entry]
        lines += [f"- {entry.id}{_of(entry.model)}: passes now"] if gone else []
        expired = not gone and about(entry.target, target) and entry.expiry < first["day"]
        lines += [f"! {entry.id}{_of(entry.model)}: expired on {entry.expiry}; extend it by hand"] if expired else []
    for (rule, model), message in twice.items():
        if not any(one.id == rule and one.model in ("", model) and about(one.target, target) for one in kept):
            reason = fresh.reason or f"to be reviewed: {message}"
            kept.append(replace(fresh, id=rule, model=model, reason=reason))
            lines.append(f"+ {rule} ({model}): {message}")
    offered, told = _offered(old, first)
    return Change(replace(old, expected=tuple(kept), offered=offered), (*lines, *told))


def _of(model: str) -> str:
    return f" ({model})" if model else ""


def _seen(first: Report, second: Report) -> tuple[dict[Item, str], list[Item]]:
    """Rules that are broken in both reports, with what was seen, and those that are in one alone."""
    one, two = (dict(_broken(report)) for report in (first, second))
    return {item: one[item] for item in one if item in two}, sorted(set(one) ^ set(two))


def _broken(report: Report) -> Iterator[tuple[Item, str]]:
    """What fails some gate: a MUST rule, or any that breaks the official SDKs."""
    for rule in report["rules"]:
        if rule["status"] == "fail" or (rule["status"] == "warn" and "sdk" in rule["breaks"]):
            seen = [one["message"] for one in rule["evidence"] if one["outcome"] == "fail"]
            yield (rule["id"], rule["model"]), " ".join((*seen, rule["sentence"])[0].split()) or rule["sentence"]


def _passes(entry: Expected, report: Report) -> bool:
    """Whether a report shows an entry to pass for each model that it is about, on all calls that it failed on."""
    rules = [one for one in report["rules"] if one["id"] == entry.id and entry.model in ("", one["model"])]
    return (
        bool(rules)
        and reached(entry, report["tier"])
        and all(one["status"] == "pass" and one["cause"] != "budget" for one in rules)
    )


def _offered(old: Baseline, report: Report) -> tuple[tuple[Had, ...], list[str]]:
    """What is offered now. What the run did not ask about stays as it was."""
    rows, lines = list(old.offered), list[str]()
    for one in report["breadth"]:
        mine = [row for row in rows if row.model == one["model"] and about(row.target, report["target"])]
        had = {name for row in mine for name in row.has}
        gone = sorted(name for name in had if lacks(name, one["has"], one["lacks"]))
        has = tuple(sorted((had - set(gone)) | set(one["has"])))
        target = mine[0].target if mine else report["target"]
        lines += [f"- {one['model']}: no longer offered: {name}" for name in gone]
        lines += [f"+ {one['model']}: offered: {name}" for name in has if name not in had]
        rows = [row for row in rows if row not in mine] + [Had(target, one["model"], has)]
    return tuple(rows), lines


def written(baseline: Baseline) -> str:
    """The text of a baseline."""
    expected = [_row(one) for one in baseline.expected]
    offered = [{"target": one.target, "model": one.model, "has": list(one.has)} for one in baseline.offered]
    data = {"rules": baseline.rules, "expected": expected, "offered": offered}
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
    return _HEAD + text


def _row(one: Expected) -> dict[str, Any]:
    row = {"id": one.id, "target": one.target, "model": one.model, "reason": one.reason, "owner": one.owner}
    row = {name: value for name, value in row.items() if value}
    return {**row, "expiry": one.expiry.isoformat(), "tier": one.tier, **({"flaky": True} if one.flaky else {})}
