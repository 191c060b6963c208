"""A run judged again from its transcript, or traffic that a browser or proxy recorded: no socket is opened, and what is
not in the record is said and never guessed."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imageproof.contract.document import Document, load
from imageproof.contract.overlay import overlaid
from imageproof.contract.providers import extended
from imageproof.contract.recorded import LINES, new_folder
from imageproof.contract.redact import Redactor
from imageproof.contract.requirements import Requirement, requirements
from imageproof.errors import DocumentError, Problem, UsageError
from imageproof_conformance import har, recording, report, run_record
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.har import Call
from imageproof_conformance.held import held_to
from imageproof_conformance.judges.answer import answer
from imageproof_conformance.judging import Item, judged
from imageproof_conformance.news import UNSHOWN, today
from imageproof_conformance.profile import HELD, base_url
from imageproof_conformance.record import Run
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.terminal import Screen, problem
from imageproof_conformance.selection import chosen, compiled, nothing
from imageproof_conformance.traffic import traffic
from imageproof_conformance.verdict import SUITE_FAILED, Cause
from imageproof_conformance.version import VERSION

OUT = "imageproof-runs"
MOST_TOLD = 8  # ids or files in a note


@dataclass(frozen=True)
class Asked:
    """The options of `imageproof recheck` as they were typed. `overlay` () stands for those of the run itself, `model`
    maps names of recorded traffic to families; gate, rules, baseline and stale stand for those of the run where they
    were not typed."""

    path: str
    overlay: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    only: str = ""
    out: str | None = None
    json: str | None = None
    junit: str | None = None
    summary: str | None = None
    gate: str | None = None
    rules: str | None = None
    baseline: str | None = None
    stale: str | None = None


@dataclass(frozen=True)
class Judged:
    """A run with its new verdict, the document that it was judged by, and which suite made it; `traffic` where somebody
    else made its calls."""

    run: Run
    document: Document
    suite: str
    redactor: Redactor = field(default_factory=Redactor)
    traffic: bool = False


def recheck(asked: Asked) -> int:
    """Judge, show and write; the exit status. DocumentError and UsageError for what the user must change."""
    if asked.only:
        compiled(asked.only)
    with ExitStack() as stack:
        found = _judged(asked, stack)
        try:
            _tell(asked, found)
        except OSError as error:
            where = error.filename or asked.out or OUT
            raise UsageError(f"{where}: the reports cannot be written: {error.strerror}; name another --out") from None
    return found.run.verdict.exit_status


def _judged(asked: Asked, stack: ExitStack) -> Judged:
    path = _file(asked.path)
    try:
        return _of_file(asked, path, requirements(), stack)
    except OSError as error:
        raise DocumentError([_missing(asked.path, f"it cannot be read: {error.strerror}")]) from None


def _of_file(asked: Asked, path: Path, registry: Mapping[str, Requirement], stack: ExitStack) -> Judged:
    if _is_transcript(path):
        recorded = recording.read(path)
        if recorded.told is not None:
            if asked.model:
                raise UsageError(f"--model: {asked.path} is a run, whose models are known; leave it out")
            return _of_run(asked, recorded, recorded.told, registry, stack)
        return _of_traffic(
            asked,
            [_call(one, number) for number, one in enumerate(recorded.exchanges, 1)],
            "imageproof serve --record",
            registry,
        )
    archive = har.read(path)
    found = _of_traffic(asked, archive.calls, archive.creator, registry)
    if archive.broken:
        note = f"not judged: {len(archive.broken)} entries that are none (the first: entry {archive.broken[0]})"
        return replace(found, run=replace(found.run, notes=(*found.run.notes, note)))
    return found


def _call(one: Exchange, number: int) -> Call:
    """An exchange that the reference provider wrote down, as the call that it was."""
    media_type = next((value for name, value in one.sent_headers if name.lower() == "content-type"), "")
    parts = har.form(one.sent_body, media_type)
    status = None if one.failure else one.status
    return Call(
        number, one.probe.request.method, one.url, one.sent_headers, one.sent_body, parts, media_type,
        status, one.headers, one.body, one.started, one.seconds, one.failure, one.chunks,
    )  # fmt: skip


def _of_traffic(asked: Asked, calls: Sequence[Call], source: str, registry: Mapping[str, Requirement]) -> Judged:
    document = overlaid(load(), asked.overlay)
    try:
        found = traffic(calls, document, registry, dict(_family(text) for text in asked.model), source)
    except UsageError as error:
        raise UsageError(f"{asked.path}: {error}") from None
    run = replace(found.run, profile=replace(found.run.profile, overlays=asked.overlay))
    run = _selected(_held(run, asked), asked.only, registry)
    return Judged(judged(run, document, registry, found.redactor.unlikely), document, VERSION, found.redactor, True)


def _family(text: str) -> tuple[str, str]:
    name, _, family = text.partition("=")
    if not name or not family:
        raise UsageError(f"--model {text}: type NAME=FAMILY; the names of the models are in the file")
    return name, family


def _file(text: str) -> Path:
    """The file that is meant: of a folder its transcript."""
    path = Path(text)
    if path.is_dir():
        if not (path / LINES).is_file():
            raise DocumentError([_missing(text, f"this folder has no {LINES}, so it is no run")])
        return path / LINES
    if not path.is_file():
        raise DocumentError([_missing(text, "there is no such file or folder")])
    return path


def _missing(text: str, message: str) -> Problem:
    return Problem(text, message, hint="name a folder below imageproof-runs, its transcript.jsonl, or a HAR")


def _is_transcript(path: Path) -> bool:
    """Whether a file means to be a transcript: by its name, or by what its first line is."""
    if path.suffix == ".jsonl":
        return True
    with path.open("rb") as file:
        first = file.readline(2**16)
    return first.lstrip().startswith(b'{"format"')


def _of_run(
    asked: Asked,
    recorded: recording.Recording,
    told: run_record.Told,
    registry: Mapping[str, Requirement],
    stack: ExitStack,
) -> Judged:
    document, overlays = stack.enter_context(_document(asked, recorded, told))
    run = recorded.restored(lambda: _restored(recorded, told, document, overlays))
    brought = today(run, told.judged, document, registry)
    run = brought.run
    silences: dict[Item, tuple[Cause, str]] = dict.fromkeys(brought.unshown, ("no-evidence", UNSHOWN))
    for place, why in recorded.lost.items():
        probe = run.exchanges[place].probe
        models = [probe.model] if probe.model else [one.choice.name for one in run.plans]
        silences |= {(rule, model): ("no-answer", why) for rule in probe.rules for model in models}
    run = replace(run, notes=(*run.notes, *_notes(asked, recorded, told, brought, document)))
    run = _selected(_held(run, asked), asked.only, registry)
    with ThreadPoolExecutor() as pool:  # decoders let go of the interpreter, so that all cores decode
        list(pool.map(answer, run.exchanges))
    return Judged(judged(run, document, registry, Redactor(), silences), document, told.suite)


def _restored(
    recorded: recording.Recording, told: run_record.Told, document: Document, overlays: tuple[str, ...]
) -> Run:
    return run_record.restored(told, recorded.exchanges, document, recorded.body, overlays, told.provider)


@contextmanager
def _document(
    asked: Asked, recorded: recording.Recording, told: run_record.Told
) -> Iterator[tuple[Document, tuple[str, ...]]]:
    """The contract with the overlays that were typed, else with those of the run as they were then, and their paths;
    and with the families of the run's provider."""
    with _overlaid(asked, recorded, told) as (document, paths):
        try:
            whole = extended(document, told.provider)
        except DocumentError as error:
            hint = "the contract has changed since; judge the run by the version that made it"
            said = f"provider {str(error).splitlines()[0]}"
            raise recording.problem(recorded.path, len(recorded.exchanges) + 1, said, hint) from None
        yield whole, paths


@contextmanager
def _overlaid(
    asked: Asked, recorded: recording.Recording, told: run_record.Told
) -> Iterator[tuple[Document, tuple[str, ...]]]:
    if asked.overlay:
        yield overlaid(load(), asked.overlay), asked.overlay
        return
    with tempfile.TemporaryDirectory(prefix="imageproof-") as scratch:
        paths = []
        for number, (_, layer, data) in enumerate(told.overlays):
            path = Path(scratch) / str(number) / Path(layer.name).name
            path.parent.mkdir()
            path.write_text(json.dumps(data), encoding="utf-8")
            paths.append(str(path))
        try:
            document = overlaid(load(), paths)
        except DocumentError as error:
            hint = "the contract has changed since; name an overlay that fits it with --overlay FILE"
            said = str(error).splitlines()[0].replace(f"{scratch}/", "")
            raise recording.problem(recorded.path, len(recorded.exchanges) + 1, f"overlay {said}", hint) from None
        yield document, tuple(path for path, _, _ in told.overlays)


def _notes(
    asked: Asked, recorded: recording.Recording, told: run_record.Told, brought: Any, document: Document
) -> Iterator[str]:
    """What is not as it was when the run was made."""
    contract = str(document.data.get("info", {}).get("version", ""))
    if told.suite != VERSION:
        yield f"the run was made by imageproof {told.suite} and is judged by {VERSION}"
    if told.contract != contract:
        yield f"the run was made under the contract of {told.contract} and is judged by that of {contract}"
    if asked.overlay and told.overlays:
        yield f"the overlays of the run are left out: {_some([layer.name for _, layer, _ in told.overlays])}"
    if brought.shown:
        yield f"newer than the run, and judged on its calls: {_some(brought.shown)}"
    if brought.unshown:
        yield f"newer than the run, and not shown by any of its calls: {_some([rule for rule, _ in brought.unshown])}"
    if brought.gone:
        yield f"judged then, and no longer: {_some(brought.gone)}"
    if recorded.lost:
        calls = len(recorded.lost)
        yield f"{calls} call{'' if calls == 1 else 's'} cannot be judged: {_some(recorded.lost.values())}"


def _some(names: Any) -> str:
    every = list(dict.fromkeys(names))
    more = f" and {len(every) - MOST_TOLD} more" if len(every) > MOST_TOLD else ""
    return ", ".join(every[:MOST_TOLD]) + more


def _held(run: Run, asked: Asked) -> Run:
    """The run held to what was typed, and for the rest to what it was held to."""
    words = {name: getattr(asked, name) for name in HELD}
    again = _again(run.profile.again, {f"--{name}": word for name, word in words.items() if word is not None})
    return replace(run, profile=replace(run.profile, again=again, **held_to(words, base_url)))


def _again(words: tuple[str, ...], typed: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments of the run, with the options that were typed now in the place of its own."""
    old = {place for index, word in enumerate(words) if word in typed for place in (index, index + 1)}
    kept = (word for index, word in enumerate(words) if index not in old)
    return (*kept, *(word for option in typed.items() for word in option))


def _selected(run: Run, only: str, registry: Mapping[str, Requirement]) -> Run:
    """The run with the rules that -k selects alone. UsageError where it selects none."""
    if not only:
        return run
    items = tuple(chosen(only, run.course.items))
    if not items and run.course.items:
        raise UsageError(nothing(only, [rule for rule, _ in run.course.items], list(registry)))
    partial = run.selected or items != run.course.items
    return replace(run, selected=partial, course=replace(run.course, items=items))


def _tell(asked: Asked, found: Judged) -> None:
    """The reports, in files and on the terminal."""
    run, now = found.run, time.time()
    run = replace(
        run,
        profile=replace(
            run.profile,
            json=Path(asked.json) if asked.json else None,
            junit=Path(asked.junit) if asked.junit else None,
            summary=Path(asked.summary) if asked.summary else None,
        ),
    )
    folder = new_folder(Path(asked.out or OUT), now, f"{run.profile.host}-recheck")
    judged_at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    again = {"of": asked.path, "judged": judged_at, "suite": found.suite}
    write = report.write_into if found.traffic else report.write_reports
    run = replace(run, folder=str(folder))
    files = write(run, found.document, requirements(), found.redactor, folder, again)
    screen = Screen()
    models = ", ".join(one.choice.name for one in run.plans) or "no model"
    when = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    calls = f"{len(run.exchanges)} call{'' if len(run.exchanges) == 1 else 's'}"
    how = "judged" if found.traffic else f"judged again: tier {run.tier}"
    screen.say(f"imageproof: {line(asked.path)} {how}, {line(models)}", "bold")
    screen.say(f"target {line(run.profile.base_url)}: {calls} of {when}, none made now")
    for note in run.notes:
        screen.say(f"note: {line(note)}")
    screen.result(run, map(str, files))


def guarded(asked: Asked) -> int:
    """`recheck`, where a failure of the suite itself is one line and its own exit status."""
    try:
        return recheck(asked)
    except (DocumentError, UsageError):
        raise
    except Exception as error:
        problem(f"the suite itself failed while it judged {asked.path}: {type(error).__name__}: {error}")
        return SUITE_FAILED
