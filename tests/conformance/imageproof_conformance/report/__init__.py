"""The faces of a run: one `Run`, and each module of this package shows it to someone else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from imageproof.contract.document import Document
from imageproof.contract.recorded import LINES, new_folder
from imageproof.contract.redact import Redactor
from imageproof.contract.requirements import Requirement
from imageproof_conformance import run_record, transcript
from imageproof_conformance.baseline import newest_rules
from imageproof_conformance.record import Run
from imageproof_conformance.report import json_report, junit, summary
from imageproof_conformance.report.common import told_once
from imageproof_conformance.report.curl import UPLOADS, curl
from imageproof_conformance.report.terminal import problem


def write(run: Run, document: Document, registry: Mapping[str, Requirement], redactor: Redactor) -> tuple[Path, ...]:
    """Write transcript and reports: into the folder of the run, or one of their own, and where the profile asks. Their
    paths."""
    placed = run if run.folder else in_folder(run)
    return write_into(placed, document, registry, redactor, Path(placed.folder))


def in_folder(run: Run) -> Run:
    """The run with a folder of its own for its reports, which is made."""
    return replace(run, folder=str(new_folder(run.profile.out, run.started, run.profile.host)))


def write_into(
    run: Run,
    document: Document,
    registry: Mapping[str, Requirement],
    redactor: Redactor,
    folder: Path,
    again: Mapping[str, str] | None = None,
) -> tuple[Path, ...]:
    """`write` into a folder that is there; `again` as in `write_reports`."""
    judged = [one.id for one in registry.values() if one.judged]
    about = partial(run_record.record, run, document, judged, redactor)
    transcript.write(folder, run.exchanges, redactor, about)
    return (*write_reports(run, document, registry, redactor, folder, again), folder / LINES)


def write_reports(
    run: Run,
    document: Document,
    registry: Mapping[str, Requirement],
    redactor: Redactor,
    folder: Path,
    again: Mapping[str, str] | None = None,
) -> tuple[Path, ...]:
    """Write the reports alone: into a folder that is there, and where the profile asks. `again` tells of a run that is
    judged once more which one it is."""
    contract = str(document.data.get("info", {}).get("version", ""))
    rule_set = run.verdict.terms.rules or newest_rules(registry)
    run = replace(run, folder=str(folder))
    sure = redactor.unlikely  # the exchanges have no key any more, and our own words must stay
    as_json = sure.text(json_report.text(run, contract, rule_set, again))
    as_junit = sure.text(junit.text(run))
    as_markdown = sure.text(summary.text(run))
    written = [
        _put(folder / "report.json", as_json),
        _put(folder / "junit.xml", as_junit),
        *([_put(run.profile.json, as_json)] if run.profile.json else []),
        *([_put(run.profile.junit, as_junit)] if run.profile.junit else []),
        *([_put(run.profile.summary, as_markdown)] if run.profile.summary else []),
    ]
    _put_uploads(run, folder / UPLOADS)
    if run.profile.step_summary:
        _append(run.profile.step_summary, as_markdown)
    return tuple(written)


def _put_uploads(run: Run, folder: Path) -> None:
    """The files that the curl lines of the reports send, each once; no folder where there is none."""
    told = [one for rule in run.verdict.rules for one, _ in told_once(rule, run.exchanges)]
    failed = dict.fromkeys(one.exchange for one in told if one.finding.outcome == "fail")
    files = {name: data for index in failed for name, data in curl(run.exchanges[index], run.profile).files.items()}
    if files:
        folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _append(path: Path, text: str) -> None:
    """Continue the page of a build: other steps write there too. That it cannot be written costs nobody a verdict."""
    try:
        with path.open("a", encoding="utf-8") as out:
            out.write(f"{text}\n")
    except OSError as error:
        problem(f"{path}: the summary cannot be written: {error.strerror}")


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
