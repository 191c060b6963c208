"""A recorded run is judged again without a socket, with the verdict that it had; what is not there is said."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imageproof.contract.document import load
from imageproof.contract.recorded import BODIES, LINES
from imageproof.contract.redact import Redactor
from imageproof.contract.requirements import Requirement, requirements
from imageproof.errors import DocumentError, UsageError
from imageproof_conformance import recheck as module
from imageproof_conformance import recording, report
from imageproof_conformance.baseline import Baseline, Expected, Had
from imageproof_conformance.judging import judged
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.recheck import Asked, recheck
from imageproof_conformance.report.json_report import SCHEMA_FILE
from imageproof_conformance.run import Run, Session
from imageproof_conformance.transcript import digest, json_line

from .conftest import Asked as Request
from .conftest import Says, targets

pytestmark = pytest.mark.xdist_group("recheck")
KEY = "sk-canary-44d1"
MODEL = (ModelChoice("gpt-image-1"),)
BESIDE = ("suite", "notes", "recheck")  # members of the report that are no part of the verdict
ACME = Path(__file__).resolve().parents[4] / "spec" / "overlays" / "acme.yaml"
KNOWN = Baseline(
    "known.yaml",
    "2026.11",
    (Expected("GEN-SIZE-PIXELS", "*", "known", "me", date(2126, 11, 1), "gpt-image-1", place="known.yaml:3"),),
    (Had("*", "gpt-image-1", ("createImage", "stream")),),
)


@dataclass(frozen=True)
class Recorded:
    folder: Path
    run: Run


def record(url: str, out: Path, stop: bool = False, only: str = "", **options: Any) -> Recorded:
    """A run with its files. With `stop` it ends after the calls that cost nothing, as by Ctrl-C."""
    key = options.pop("key", KEY)
    profile = Profile(url, key, "IMAGEPROOF_API_KEY", again=(url,), out=out, workers=8, timeout=5.0, **options)
    with Session(profile) as session:
        session.prepare()
        if only:
            session.select([item for item in session.items if only in item[0]])
        session.buy("free" if stop else session.tier)
        run = session.finish(interrupted=stop)
        files = report.write(run, session.document, session.registry, session.wire.redactor)
    return Recorded(files[-1].parent, run)


def verdict(folder: Path) -> bytes:
    found = json.loads((folder / "report.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(found)
    return json.dumps({name: value for name, value in found.items() if name not in BESIDE}).encode()


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("a socket was asked for")


def again(folder: Path, out: Path, **options: Any) -> tuple[int, Path]:
    """Exit status and folder of a recheck, where no socket can be made."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("socket", "create_connection", "getaddrinfo"):
            patch.setattr(socket, name, _refuse)
        status = recheck(Asked(str(folder), out=str(out), **options))
    (made,) = out.iterdir()
    return status, made


RUNS: dict[str, dict[str, Any]] = {
    "clean, two models": {"tier": "core", "models": (*MODEL, ModelChoice("alias", "dall-e-2"))},
    "links": {"tier": "core", "models": (ModelChoice("dall-e-2"),)},
    "faulty": {"fault": "wrong-size", "tier": "core", "models": MODEL},
    "ended by pictures": {"tier": "core", "max_images": 2, "models": MODEL},
    "ended by requests": {"tier": "free", "max_requests": 9, "models": MODEL},
    "ended in discovery": {"tier": "free", "max_requests": 2, "models": MODEL},
    "interrupted": {"tier": "core", "stop": True, "models": MODEL},
    "selected": {"tier": "core", "only": "GEN-N", "models": MODEL},
    "interrupted, required": {"tier": "core", "stop": True, "models": MODEL, "require": frozenset({"stream"})},
    "expected": {"fault": "wrong-size", "tier": "core", "models": MODEL, "gate": "both", "baseline": KNOWN},
    "lapsed": {"tier": "core", "models": MODEL, "gate": "sdk", "baseline": KNOWN, "strict": False},
    "required": {"tier": "free", "models": MODEL, "require": frozenset({"createImage"})},
    "overlaid": {"tier": "free", "models": (ModelChoice("acme-draw-1"),), "overlays": (ACME,)},
    "short key": {"tier": "free", "models": MODEL, "key": "none"},
    "unknown model": {"tier": "free", "models": (ModelChoice("no-such"),)},
}  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Recorded]]:
    """The runs by name, each made when it is first asked for."""
    from imageproof_reference.config import Config
    from imageproof_reference.serving import running

    made: dict[str, Recorded] = {}

    def get(name: str) -> Recorded:
        if name not in made:
            options = dict(RUNS[name])
            config = Config(key=options.get("key", KEY), fault=options.pop("fault", ""), pause_seconds=0.0)
            options["overlays"] = tuple(map(str, options.get("overlays", ())))
            with running(config) as url:
                made[name] = record(url, tmp_path_factory.mktemp("runs"), **options)
        return made[name]

    yield get


@pytest.mark.parametrize("name", RUNS)
def test_the_verdict_is_the_same_byte_for_byte(
    recorded: Callable[[str], Recorded], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    was = recorded(name)
    status, folder = again(was.folder, tmp_path / "out")
    assert verdict(folder) == verdict(was.folder)
    assert (folder / "junit.xml").read_bytes() == (was.folder / "junit.xml").read_bytes()
    assert status == was.run.verdict.exit_status
    shown = capsys.readouterr().out
    assert was.run.verdict.headline in shown and "none made now" in shown


def test_the_runs_end_in_different_ways(recorded: Callable[[str], Recorded]) -> None:
    """Else the test above would compare the same thing with itself."""
    ends = {name: recorded(name).run.verdict.exit_status for name in RUNS}
    assert set(ends.values()) == {0, 1, 3, 4, 130}, ends
    assert [one.choice.name for one in recorded("clean, two models").run.plans] == ["gpt-image-1", "alias"]


SECRETS = ("A%2BB", "C+D/E", "F\\u002bG")  # as they stand in JSON


def _linking(asked: Request) -> Says:
    """Links that differ in nothing but their signature, as several writers of JSON spell them."""
    if "/files" in asked.path:
        colour = 0 if "A%2BB" in asked.path else 90
        from PIL import Image

        out = io.BytesIO()
        Image.new("RGB", (256, 256), (colour, 80, 10)).save(out, "PNG")
        return Says(body=out.getvalue(), media_type="image/png")
    if asked.method == "GET":
        return Says(body={"object": "list", "data": [{"id": "dall-e-2", "object": "model"}]})
    if b'"prompt"' not in asked.body or b'"n":2' not in asked.body:
        return Says(400, {"error": {"message": "no", "type": "x", "param": None, "code": None}})
    host = asked.headers["Host"]
    links = [f'{{"url": "http://{host}/files?se=1\\u0026sig={one}"}}' for one in SECRETS[:2]]
    return Says(body=f'{{"created": 1, "data": [{", ".join(links)}]}}'.encode())


def test_what_links_gave_in_the_end_and_sendings_before_are_judged_again(
    recorded: Callable[[str], Recorded], tmp_path: Path
) -> None:
    first = recorded("links").run
    assert any(one.later and one.later_after > 0 for one in first.exchanges)
    away = (("content-type", "application/json"), ("retry-after", "soon"))
    tried = tuple(replace(one, earlier=(replace(one, status=429, headers=away, later=()),)) for one in first.exchanges)
    profile = replace(first.profile, out=tmp_path / "runs")
    run = judged(replace(first, profile=profile, exchanges=tried), load(), requirements(), Redactor())
    assert "warn" in {rule.status for rule in run.verdict.rules if rule.rule in ("ERR-LIMIT", "ERR-RETRY-AFTER")}
    folder = report.write(run, load(), requirements(), Redactor(KEY))[-1].parent
    _, made = again(folder, tmp_path / "out")
    assert verdict(made) == verdict(folder)
    back = recording.read(folder / "transcript.jsonl").exchanges
    assert [(one.earlier, one.later, one.later_after) for one in back] == [
        (one.earlier, one.later, one.later_after) for one in tried
    ]


def test_links_that_differ_in_their_signature_alone_stay_apart(tmp_path: Path) -> None:
    with targets() as serve:
        was = record(serve(_linking).url, tmp_path / "runs", tier="core", models=(ModelChoice("dall-e-2"),))
    (call,) = [one for one in was.run.exchanges if one.downloads]
    assert len({one.url for one in call.downloads}) == 2 and all(one.status == 200 for one in call.downloads)
    status = {rule.rule: rule.status for rule in was.run.verdict.rules}
    assert (status["GEN-DISTINCT"], status["GEN-URL-FETCH"]) == ("pass", "pass")
    _, folder = again(was.folder, tmp_path / "out")
    assert verdict(folder) == verdict(was.folder)
    written = b"".join(path.read_bytes() for path in (was.folder / LINES, was.folder / "report.json"))
    assert not [secret for secret in SECRETS if secret.encode() in written]


@pytest.mark.parametrize("status", [401, 429, 503, 404])
def test_a_run_without_a_verdict_has_none_the_second_time(status: int, tmp_path: Path) -> None:
    with targets() as serve:
        was = record(serve(lambda asked: Says(status)).url, tmp_path / "runs", tier="free", models=MODEL)
    found, folder = again(was.folder, tmp_path / "out")
    assert (found, verdict(folder)) == (3, verdict(was.folder))


def test_an_unreachable_target_is_so_the_second_time(tmp_path: Path) -> None:
    was = record("http://127.0.0.1:1/v1", tmp_path / "runs", tier="free", models=MODEL)
    found, folder = again(was.folder / LINES, tmp_path / "out")  # the file stands for its folder
    assert (found, verdict(folder)) == (3, verdict(was.folder))
    assert "unreachable" in json.loads((folder / "report.json").read_text())["headline"]


def test_a_selection_is_judged_alone(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    status, folder = again(recorded("faulty").folder, tmp_path / "out", only="GEN-N-RANGE or EDIT-N-RANGE")
    found = json.loads((folder / "report.json").read_text())
    assert (status, {rule["id"] for rule in found["rules"]}) == (0, {"GEN-N-RANGE", "EDIT-N-RANGE"})
    with pytest.raises(UsageError, match="selects no rule"):
        again(recorded("faulty").folder, tmp_path / "none", only="NO-SUCH")


# What newer requirements make of an older run.


def older(folder: Path, to: Path, *gone: str) -> Path:
    """The run as a suite wrote it that did not know some requirements."""
    shutil.copytree(folder, to)
    lines = [json.loads(line) for line in (to / LINES).read_bytes().splitlines()]
    last = lines.pop()["run"]
    for line in lines:
        line["probe"]["rules"] = [rule for rule in line["probe"]["rules"] if rule not in gone]
    last["judged"] = [rule for rule in last["judged"] if rule not in gone]
    last["course"]["items"] = [item for item in last["course"]["items"] if item[0] not in gone]
    for plan in last["plans"]:
        plan["requirements"] = [rule for rule in plan["requirements"] if rule not in gone]
    write(to, lines, last)
    return to


def write(folder: Path, lines: list[dict[str, Any]], last: dict[str, Any]) -> None:
    """Exchanges and the record of their run, sealed as the suite seals them."""
    raw = [json_line(line) for line in lines]
    last["lines"] = [digest(line) for line in raw]
    end = {"format": 1, "run": last, "sha256": digest(json_line(last))}
    (folder / LINES).write_bytes(b"".join([*raw, json_line(end)]))


NEW = ("GEN-SIZE-PIXELS", "ERR-NO-TRACE", "GEN-N-RANGE", "MODELS-LIST", "GEN-STREAM-TYPE", "EDIT-SERVED")


def test_requirements_that_are_newer_are_judged_on_what_was_recorded(
    recorded: Callable[[str], Recorded], tmp_path: Path
) -> None:
    was = recorded("faulty")
    status, folder = again(older(was.folder, tmp_path / "old", *NEW), tmp_path / "out")
    found = json.loads((folder / "report.json").read_text())
    before = {rule.rule: rule.status for rule in was.run.verdict.rules}
    assert {rule["id"]: rule["status"] for rule in found["rules"]} == before
    assert status == 1 and before["GEN-SIZE-PIXELS"] == "fail"
    assert any(note.startswith("newer than the run, and judged on its calls: ") for note in found["notes"])


def test_a_newer_requirement_that_no_call_shows_is_not_run(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    old = older(recorded("interrupted").folder, tmp_path / "old", "GEN-STREAM-TYPE", "GEN-N-RANGE")
    _, folder = again(old, tmp_path / "out")
    rules = {rule["id"]: rule for rule in json.loads((folder / "report.json").read_text())["rules"]}
    assert rules["GEN-STREAM-TYPE"]["status"] == "not-run"
    assert rules["GEN-STREAM-TYPE"]["reason"] == "this run has no call that shows it"
    assert rules["GEN-N-RANGE"]["status"] == "pass"


def test_a_requirement_that_nobody_judges_any_more_is_left_out(
    recorded: Callable[[str], Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without() -> dict[str, Requirement]:
        rows = dict(requirements())
        return {**rows, "GEN-N-RANGE": replace(rows["GEN-N-RANGE"], judge="", retired="2027.01: gone")}

    monkeypatch.setattr(module, "requirements", without)
    _, folder = again(recorded("faulty").folder, tmp_path / "out")
    found = json.loads((folder / "report.json").read_text())
    assert "GEN-N-RANGE" not in {rule["id"] for rule in found["rules"]}
    assert "judged then, and no longer: GEN-N-RANGE" in found["notes"]


# What happened to the files in the meantime.


def test_a_body_that_is_gone_costs_the_rules_of_its_call(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    folder = shutil.copytree(recorded("clean, two models").folder, tmp_path / "run")
    lines = [json.loads(line) for line in (folder / LINES).read_bytes().splitlines()]
    place, call = next(
        (place, line) for place, line in enumerate(lines) if "probe" in line and line["probe"]["id"].endswith("/stream")
    )
    name = f"{call['body']['sha256']}.gz"
    (folder / BODIES / name).unlink()
    status, out = again(folder, tmp_path / "out")
    found = json.loads((out / "report.json").read_text())
    rules = {rule["id"]: rule for rule in found["rules"] if rule["model"] == "gpt-image-1"}
    assert {rules[rule]["status"] for rule in call["probe"]["rules"]} == {"not-run"}
    assert rules["GEN-STREAM-TYPE"]["reason"] == f"{folder / LINES}:{place + 1}: {BODIES}/{name} is missing"
    assert rules["EDIT-COUNT"]["status"] == "pass" and status == 3


def test_a_body_that_was_changed_is_not_believed(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    folder = shutil.copytree(recorded("faulty").folder, tmp_path / "run")
    large = sorted((folder / BODIES).iterdir(), key=lambda path: path.stat().st_size)
    shutil.copy(large[-1], large[-2])
    _, out = again(folder, tmp_path / "out")
    reasons = [rule["reason"] for rule in json.loads((out / "report.json").read_text())["rules"]]
    assert any("was changed: it is not what its name says" in reason for reason in reasons)
    large[-2].write_bytes(b"no gzip")
    _, out = again(folder, tmp_path / "again")
    assert any("cannot be read" in rule["reason"] for rule in json.loads((out / "report.json").read_text())["rules"])


def _cut(text: bytes) -> bytes:
    return text[:-40]


def _without_end(text: bytes) -> bytes:
    return b"".join(text.splitlines(keepends=True)[:-1])


def _edited(text: bytes) -> bytes:
    return text.replace(b'"status": 400', b'"status": 422', 1)


def _end_edited(text: bytes) -> bytes:
    return text.replace(b'"planned": ', b'"planned": 1', 1)


def _line_gone(text: bytes) -> bytes:
    return b"".join(text.splitlines(keepends=True)[1:])


def _line_behind(text: bytes) -> bytes:
    return text + text.splitlines(keepends=True)[0]


def _garbled(text: bytes) -> bytes:
    return text.replace(b'{"format"', b'{"for\x00mat"', 1)


def _resealed(change: Callable[[list[dict[str, Any]], dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """A change by somebody who knows how a transcript is sealed."""

    def changed(text: bytes) -> bytes:
        lines = [json.loads(line) for line in text.splitlines()]
        last = lines.pop()["run"]
        change(lines, last)
        raw = [json_line(line) for line in lines]
        last["lines"] = [digest(line) for line in raw]
        return b"".join([*raw, json_line({"format": 1, "run": last, "sha256": digest(json_line(last))})])

    return changed


PASSWD = {"sha256": "../" * 12 + "etc/passwd", "bytes": 9}
SPOILT: dict[str, tuple[Callable[[bytes], bytes], int | None, str]] = {
    "cut": (_cut, None, "it is cut off"),
    "cut before the end": (_without_end, None, "the record of the run, which ends a transcript, is missing"),
    "edited": (_edited, None, "it was edited: its digest is not that in the record of the run"),
    "its end edited": (_end_edited, None, "the record of the run was edited"),
    "a line gone": (_line_gone, None, "calls were recorded, and"),
    "a line behind": (_line_behind, None, "it stands behind the record of the run"),
    "garbled": (_garbled, 1, "it is no JSON"),
    "empty": (lambda text: b"", 1, "the transcript is empty"),
    "another thing": (lambda text: b"hello\n", 1, "it is no JSON"),
    "a list": (lambda text: b"[1]\n", 1, "it is no line of a transcript"),
    "deep": (lambda text: b"[" * 100_000 + b"\n", 1, "it is no JSON"),
    "no text": (lambda text: b"\xff\xfe\x00\n", 1, "it is no JSON"),
    "from the future": (_resealed(lambda lines, last: lines[0].update(format=7)), 1, "format 7 is of a newer version"),
    "an unknown member": (_resealed(lambda lines, last: lines[1].update(mood=1)), 2, "`mood` is not known here"),
    "a member less": (_resealed(lambda lines, last: lines[1].pop("seconds")), 2, "`seconds` is missing"),
    "an unknown member of a call": (
        _resealed(lambda lines, last: lines[2]["probe"].update(mood=1)), 3, "`mood` is not known here",
    ),
    "a member less of a call": (_resealed(lambda lines, last: lines[2]["probe"].pop("id")), 3, "`id` is missing"),
    "another kind": (_resealed(lambda lines, last: lines[0].update(status="200")), 1, "`status` is not what it must"),
    "arrivals": (_resealed(lambda lines, last: lines[0].update(arrivals=[])), 1, "`arrivals` do not add up"),
    "a run of nothing": (_resealed(lambda lines, last: last.pop("plans")), None, "`plans` is missing"),
    "a run of numbers": (_resealed(lambda lines, last: last.update(plans=7)), None, "a member is not of its kind"),
    "a new part of a run": (_resealed(lambda lines, last: last["course"].update(mood=1)), None, "`mood` is not known"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_transcript_is_told_with_its_line(
    recorded: Callable[[str], Recorded], name: str, tmp_path: Path
) -> None:
    spoil, line, said = SPOILT[name]
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copytree(recorded("faulty").folder / BODIES, folder / BODIES)
    text = spoil((recorded("faulty").folder / LINES).read_bytes())
    (folder / LINES).write_bytes(text)
    with pytest.raises(DocumentError) as raised:
        recheck(Asked(str(folder), out=str(tmp_path / "out")))
    told = str(raised.value)
    assert said in told and told.startswith(f"{folder / LINES}:{'' if line is None else f'{line}: '}")
    assert "\n" not in told and not (tmp_path / "out").exists()


def test_a_body_is_read_from_its_own_folder_only(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    change = _resealed(lambda lines, last: lines[0].update(body=PASSWD, arrivals=[[0.1, 9]]))
    folder = shutil.copytree(recorded("faulty").folder, tmp_path / "run")
    (folder / LINES).write_bytes(change((folder / LINES).read_bytes()))
    _, out = again(folder, tmp_path / "out")
    notes = json.loads((out / "report.json").read_text())["notes"]
    assert any("a body is neither text nor a file of that name" in note for note in notes)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no such file or folder"),
        (lambda path: path.mkdir(), "this folder has no transcript.jsonl"),
        (lambda path: path.write_text("hello"), "neither a run nor a HAR"),
        (lambda path: path.write_text('{"a": 1}'), "neither a run nor a HAR"),
        (lambda path: path.write_bytes(b""), "neither a run nor a HAR"),
    ],
)
def test_what_is_no_recording_is_said_by_the_command(make: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    make(tmp_path / "it")
    command = [sys.executable, "-m", "imageproof", "recheck", str(tmp_path / "it")]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 2, found.stdout + found.stderr
    assert said in found.stderr and "Traceback" not in found.stderr


def test_reports_go_where_they_are_asked_for(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "imageproof", "recheck", str(recorded("faulty").folder), "--junit", "j.xml"]
    command += ["--json", "deep/r.json", "--out", "reports", "-k", "SIZE"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "BROKEN GEN-SIZE-PIXELS" in found.stdout and KEY not in found.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"j.xml", "deep", "reports"}
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        recheck(Asked(str(recorded("faulty").folder), out=str(tmp_path / "file" / "x")))


def test_a_run_can_be_held_to_something_else(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    entry = {"target": "*", "reason": "known", "owner": "me", "expiry": "2126-11-01"}
    expected = [{"id": name, **entry} for name in ("GEN-SIZE-PIXELS", "EDIT-SIZE-PIXELS")]
    known.write_text(json.dumps({"rules": "2026.11", "expected": expected}))
    was = recorded("faulty")
    assert was.run.verdict.exit_status == 1
    status, folder = again(was.folder, tmp_path / "out", baseline=str(known), gate="both", summary=str(tmp_path / "s"))
    found = json.loads((folder / "report.json").read_text())
    assert (status, found["gate"], found["rule_set"]) == (0, "both", "2026.11")
    assert "2 that the baseline expects" in (tmp_path / "s").read_text()
    status, folder = again(recorded("expected").folder, tmp_path / "other", gate="contract")
    assert (status, json.loads((folder / "report.json").read_text())["gate"]) == (1, "contract")
    with pytest.raises(UsageError, match="--stale is about a baseline"):
        recheck(Asked(str(was.folder), out=str(tmp_path / "x"), stale="warn"))


def test_the_next_command_holds_to_what_was_typed(
    recorded: Callable[[str], Recorded], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    was, known = recorded("required"), tmp_path / "known.yaml"
    known.write_text(json.dumps({"rules": "2026.11", "expected": []}))
    again(was.folder, tmp_path / "out", baseline=str(known), stale="warn")
    assert f"--baseline {known} --stale warn" in capsys.readouterr().out.splitlines()[-1]


def test_other_overlays_take_the_place_of_those_of_the_run(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    was = recorded("overlaid")
    other = tmp_path / "other.yaml"
    other.write_text(
        "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions: [{target: $.info, update: {x-mine: true}}]\n"
    )
    _, folder = again(was.folder, tmp_path / "out", overlay=(str(other),))
    found = json.loads((folder / "report.json").read_text())
    assert [one["name"] for one in found["overlays"]] == ["other.yaml"]
    assert "the overlays of the run are left out: acme.yaml" in found["notes"]


def test_an_overlay_that_fits_no_more_is_told(recorded: Callable[[str], Recorded], tmp_path: Path) -> None:
    def change(lines: list[dict[str, Any]], last: dict[str, Any]) -> None:
        last["overlays"][0]["data"]["actions"][0]["target"] = "$.nothing"

    folder = shutil.copytree(recorded("overlaid").folder, tmp_path / "run")
    (folder / LINES).write_bytes(_resealed(change)((folder / LINES).read_bytes()))
    with pytest.raises(DocumentError, match=r"overlay .*matches nothing.*name an overlay that fits it") as raised:
        recheck(Asked(str(folder), out=str(tmp_path / "out")))
    assert str(raised.value).startswith(f"{folder / LINES}:") and "/imageproof-" not in str(raised.value)
