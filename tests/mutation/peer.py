"""Plain schemathesis against a server, as its user would run it: the command line, its own checks, its own report."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from imageproof.contract.locate import spec_file

SECONDS = 300  # for one run; most take ten
# What is not left as it is by default; HEAD of `kills` says why.
SETTINGS = ("--seed", "1", "--max-examples", "20")


@dataclass(frozen=True)
class Peer:
    """What a run found: failures as `operation code`, those of its baseline left out, and how many of those it met."""

    failures: tuple[str, ...]
    known: int
    finished: bool


def command(url: str, key: str) -> list[str]:
    """Its arguments."""
    return ["run", str(spec_file("openapi.yaml")), "--url", url, "-H", f"Authorization: Bearer {key}", *SETTINGS]


def peer(url: str, key: str, baseline: Path, first: bool = False) -> Peer:
    """A run in a folder and a process of its own. What fails and is not in `baseline` is found; the `first` run, that
    of a server which is in order, makes the baseline of what it fails with."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = [*command(url, key), "--report", "json", "--report-json-path", str(report), "--baseline", str(baseline)]
        status = _forked([*words, "--baseline-update", "--continue-on-failure"] if first else words, folder)
        told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    failures = [f"{place} {one['code']}" for one in told.get("failures", ()) for place in one["operations"]]
    finished = status in (0, 1) and told.get("stop_reason") == "completed"
    errors = [f"{one.get('operation') or 'run'} error" for one in told.get("errors", ())]
    known = 0 if first else (told.get("baseline") or {}).get("known", 0)
    return Peer(tuple(sorted({*failures, *errors})), known, finished)


def _forked(words: Sequence[str], folder: str) -> int | None:
    """Its exit status; None when it took too long. It is forked from a process that has it imported already: that takes
    a fifth of a run."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["__main__", "schemathesis.cli"])
    process: BaseProcess = server.Process(target=_run, args=(list(words), folder))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return None
    return process.exitcode


def _run(words: list[str], folder: str) -> None:
    import schemathesis.cli

    os.chdir(folder)
    sys.argv = ["schemathesis", *words]
    with (
        Path("out").open("w", encoding="utf-8") as out,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        schemathesis.cli.schemathesis(words)
