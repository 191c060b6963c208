"""The faces of a run: one `Run`, and each module of this package shows it to someone else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from imageproof.contract.document import Document
from imageproof.contract.requirements import Requirement
from imageproof_conformance import transcript
from imageproof_conformance.redact import Redactor
from imageproof_conformance.report import json_report, junit, summary
from imageproof_conformance.report.terminal import problem
from imageproof_conformance.run import Run


def write(run: Run, document: Document, registry: Mapping[str, Requirement], redactor: Redactor) -> tuple[Path, ...]:
    """Write transcript and reports: into a folder of their own, and where the profile asks. Their paths."""
    folder = _folder(run)
    transcript.write(folder, run.exchanges, redactor)
    contract = str(document.data.get("info", {}).get("version", ""))
    rule_set = max((one.since for one in registry.values() if one.judged), default="")
    as_json = redactor.text(json_report.text(run, contract, rule_set))
    as_junit = redactor.text(junit.text(run))
    as_markdown = redactor.text(summary.text(run))
    written = [
        _put(folder / "report.json", as_json),
        _put(folder / "junit.xml", as_junit),
        *([_put(run.profile.json, as_json)] if run.profile.json else []),
        *([_put(run.profile.junit, as_junit)] if run.profile.junit else []),
        *([_put(run.profile.summary, as_markdown)] if run.profile.summary else []),
    ]
    if run.profile.step_summary:
        _append(run.profile.step_summary, as_markdown)
    return (*written, folder / "transcript.jsonl")


def _folder(run: Run) -> Path:
    """`<out>/<time>-<host>`, a new one; a run in the same second gets a number."""
    when = datetime.fromtimestamp(run.started, UTC).strftime("%Y%m%dT%H%M%SZ")
    host = re.sub(r"[^a-z0-9.-]+", "-", run.profile.host.lower()) or "target"
    for number in range(1, 1000):
        folder = run.profile.out / (f"{when}-{host}" if number == 1 else f"{when}-{host}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(str(run.profile.out))


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
