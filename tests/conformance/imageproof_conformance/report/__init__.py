"""The faces of a run: one `Run`, and each module of this package shows it to someone else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imageproof.contract.document import Document
from imageproof.contract.recorded import LINES, new_folder
from imageproof.contract.redact import Redactor
from imageproof.contract.requirements import Requirement
from imageproof_conformance import transcript
from imageproof_conformance.report import json_report, junit
from imageproof_conformance.run import Run


def write(run: Run, document: Document, registry: Mapping[str, Requirement], redactor: Redactor) -> tuple[Path, ...]:
    """Write transcript and reports: into a folder of their own, and where the profile asks. Their paths."""
    folder = new_folder(run.profile.out, run.started, run.profile.host)
    transcript.write(folder, run.exchanges, redactor)
    contract = str(document.data.get("info", {}).get("version", ""))
    rule_set = max((one.since for one in registry.values() if one.judged), default="")
    as_json = redactor.text(json_report.text(run, contract, rule_set))
    as_junit = redactor.text(junit.text(run))
    written = [
        _put(folder / "report.json", as_json),
        _put(folder / "junit.xml", as_junit),
        *([_put(run.profile.json, as_json)] if run.profile.json else []),
        *([_put(run.profile.junit, as_junit)] if run.profile.junit else []),
    ]
    return (*written, folder / LINES)


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
