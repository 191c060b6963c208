"""One run, several faces: each says the same, none repeats a secret or executes what a target wrote."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from imageproof_conformance import report
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.report.json_report import SCHEMA_FILE
from imageproof_conformance.report.next import MOST_NAMED, next_command
from imageproof_conformance.report.terminal import Screen
from imageproof_conformance.run import Progress, Run, Session

from .conftest import Asked, Says, Serve, targets

pytestmark = pytest.mark.xdist_group("report")
KEY = "sk-canary-77aa"
HOSTILE = "\x1b[2J\x1b]0;gone\x07[bold red]]]><failure/>&\x00\ufffe\u202e " + KEY + " <script>alert(1)</script>"


def made(url: str, folder: Path, **options: Any) -> tuple[Run, tuple[Path, ...], str]:
    """A run with its files and what the terminal showed."""
    given = {"models": (ModelChoice("gpt-image-1"),), "out": folder / "runs", "workers": 8, **options}
    profile = Profile(url, KEY, "IMAGEPROOF_API_KEY", again=(url,), **given)
    shown = io.StringIO()
    screen = Screen(Console(file=shown, force_terminal=False, width=200, markup=False, highlight=False, soft_wrap=True))
    with Session(profile, screen.progress) as session:
        session.prepare()
        screen.plan(session)
        session.buy(session.tier)
        run = session.finish()
        files = report.write(run, session.document, session.registry, session.wire.redactor)
        screen.result(run, map(str, files))
    return run, files, shown.getvalue()


def hostile(asked: Asked) -> Says:
    """Refuses wrongly, and says so in the worst words; serves what it should not."""
    headers = (("X-Request-Id", KEY), ("Set-Cookie", KEY))
    if b'"n":0' in asked.body:
        return Says(body={"data": [{"b64_json": HOSTILE}], "created": HOSTILE}, headers=headers)
    words = HOSTILE + asked.headers.get("Authorization", "")
    return Says(400, {"error": {"message": words * 40, "type": words, "param": words, "code": words}}, headers=headers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("told")


@pytest.fixture(scope="module")
def told(folder: Path) -> tuple[Run, tuple[Path, ...], str]:
    with targets() as serve:
        here = {"junit": folder / "mine" / "junit.xml", "json": folder / "r.json"}
        return made(serve(hostile).url, folder, tier="core", **here)


def valid(path: Path) -> Any:
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads(path.read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def test_the_key_is_in_no_file_and_on_no_screen(told: tuple[Run, tuple[Path, ...], str], folder: Path) -> None:
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert KEY not in told[2]


def test_what_a_target_wrote_reaches_no_terminal_as_it_is(told: tuple[Run, tuple[Path, ...], str]) -> None:
    shown = told[2]
    assert not any(ord(char) < 32 and char != "\n" for char in shown)
    assert "\u202e" not in shown
    assert max(map(len, shown.splitlines())) < 2500
    assert len(shown) < 200_000


def test_the_json_report_is_valid_and_says_what_the_verdict_says(told: tuple[Run, tuple[Path, ...], str]) -> None:
    run, files, _ = told
    found = valid(files[0])
    assert found == json.loads(files[2].read_text())
    assert found["exit_status"] == run.verdict.exit_status == 1
    assert [rule["id"] for rule in found["rules"]] == [rule.rule for rule in run.verdict.rules]
    failed = next(rule for rule in found["rules"] if rule["status"] == "fail")
    evidence = failed["evidence"][0]
    assert evidence["curl"].startswith("curl ") and "$IMAGEPROOF_API_KEY" in evidence["curl"]
    assert run.exchanges[evidence["exchange"]].probe.id == evidence["probe"]


def test_junit_has_one_case_for_each_rule(told: tuple[Run, tuple[Path, ...], str]) -> None:
    run, files, _ = told
    root = ET.fromstring(files[1].read_text())
    suite = root[0]
    assert [case.get("name") for case in suite] == [rule.rule for rule in run.verdict.rules]
    assert int(suite.attrib["failures"]) == run.verdict.count("fail") == len(suite.findall("testcase/failure"))
    assert int(root.attrib["tests"]) == len(root.findall("testsuite/testcase"))
    assert files[3].read_text() == files[1].read_text()


# The schema of Jenkins (jenkins-junit.xsd), as far as it concerns us: element -> attributes, children.
JENKINS = {
    "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}, {"testcase"}),
    "testcase": ({"name", "classname", "time"}, {"skipped", "error", "failure", "system-out"}),
    "skipped": ({"message"}, set[str]()),
    "error": ({"type", "message"}, set[str]()),
    "failure": ({"type", "message"}, set[str]()),
    "system-out": (set[str](), set[str]()),
}


def test_junit_is_what_strict_readers_take(told: tuple[Run, tuple[Path, ...], str]) -> None:
    root = ET.fromstring(told[1][1].read_text())
    for node in root.iter():
        attributes, children = JENKINS[node.tag]
        assert set(node.attrib) <= attributes and {child.tag for child in node} <= children
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(cases)) == len(cases)


@pytest.mark.parametrize("status", [401, 429, 404])
def test_a_run_without_a_verdict_is_red_in_every_face(serve: Serve, tmp_path: Path, status: int) -> None:
    run, files, shown = made(serve(lambda asked: Says(status)).url, tmp_path)
    assert valid(files[0])["exit_status"] == 3
    root = ET.fromstring(files[1].read_text())
    assert root.attrib["errors"] == "1" and root.find("testsuite/testcase/error") is not None
    assert "No verdict" in shown and run.verdict.count("pass") == 0


def test_the_terminal_begins_with_the_price_and_ends_with_a_command(
    reference: Callable[..., str], tmp_path: Path
) -> None:
    run, files, shown = made(reference(KEY, "wrong-size"), tmp_path, tier="core")
    lines = shown.splitlines()
    assert lines[0].startswith("imageproof: tier core, gpt-image-1: ")
    assert f"{run.planned} pictures planned" in lines[0]
    assert lines[-1].startswith("next: imageproof conform ")
    assert "GEN-SIZE-PIXELS" in lines[-1]
    for expected in (
        "BROKEN GEN-SIZE-PIXELS",
        "breaks: applications",
        "  sent: POST",
        "  got:  200",
        "  curl -sS",
        *map(str, files),
    ):
        assert expected in shown, expected


def test_a_clean_free_run_says_how_many_rules_and_no_more(reference: Callable[..., str], tmp_path: Path) -> None:
    run, files, shown = made(reference(KEY), tmp_path)
    assert f"{run.verdict.count('pass')} rules judged, none broken" in shown
    assert "eeps the contract" not in shown + files[0].read_text()
    assert "--tier core" in shown.splitlines()[-1]


def test_the_scope_is_said_once_and_only_what_applies_is_counted(reference: Callable[..., str], tmp_path: Path) -> None:
    run, files, shown = made(reference(KEY), tmp_path, models=(ModelChoice("dall-e-3"),), tier="core")
    dearer = [rule for rule in run.verdict.rules if rule.cause == "tier"]
    assert f"{len(dearer)} more in a dearer tier" in shown and "that do not apply to it" in shown
    never = ("EDIT-URL", "GEN-STREAM-TYPE", "GEN-USAGE-PRESENT")
    assert not [rule.rule for rule in run.verdict.rules if rule.rule.startswith(never)]
    assert f"{len(dearer)} rule more with a dearer tier" in run.verdict.headline
    left = [rule for rule in run.verdict.rules if rule.cause in ("tier", "option", "no-evidence")]
    assert len(valid(files[0])["rules"]) == len(run.verdict.rules) == run.verdict.count("pass") + len(left)
    assert {rule.rule for rule in left if rule.cause == "option"} == {"GEN-SIZE-HUGE", "ERR-MODERATION"}
    assert "2 rules more when asked for" in run.verdict.headline


def test_the_next_command_gives_more_of_what_ended(reference: Callable[..., str], tmp_path: Path) -> None:
    url, model = reference(KEY), {"models": (ModelChoice("dall-e-3"),)}
    calls, _, shown = made(url, tmp_path, max_requests=12, **model)
    assert calls.verdict.exit_status == 4
    more = calls.requests + max(calls.requests, len(calls.skipped))
    assert shown.splitlines()[-1] == f"next: imageproof conform {url} --max-requests {more}"
    assert f"free: {calls.requests - 7}/{calls.requests - 7} calls" in shown
    money, _, shown = made(url, tmp_path, max_images=1, tier="core", **model)
    assert money.verdict.exit_status == 4
    assert shown.splitlines()[-1] == f"next: imageproof conform {url} --tier core --max-images 3"


@pytest.mark.parametrize("limit", [{"max_images": 4}, {"max_cost": 30_000}, {"max_images": 6, "max_cost": 100_000}])
def test_what_the_next_command_may_cost_is_enough(
    reference: Callable[..., str], tmp_path: Path, limit: dict[str, int]
) -> None:
    """A run that a limit ended says which limit ends none, and a run under that limit leaves nothing out."""
    url, given = reference(KEY), dict(limit)
    for _ in range(2):  # two limits may have to be raised
        run, _, shown = made(url, tmp_path, tier="core", models=(ModelChoice("dall-e-2"),), **given)
        words = shown.splitlines()[-1].split()
        if not run.skipped:
            break
        raised = {"max_images": "--max-images", "max_cost": "--max-cost"}
        typed = {name: float(words[words.index(option) + 1]) for name, option in raised.items() if option in words}
        given = {name: round(value * (10**6 if name == "max_cost" else 1)) for name, value in typed.items()}
    else:
        run, _, _ = made(url, tmp_path, tier="core", models=(ModelChoice("dall-e-2"),), **given)
    assert run.skipped == () and run.verdict.exit_status == 0
    assert given != limit


def test_the_next_command_says_what_a_larger_tier_can_cost(reference: Callable[..., str], tmp_path: Path) -> None:
    url, model = reference(KEY), {"models": (ModelChoice("dall-e-2"),)}
    run, _, shown = made(url, tmp_path, **model)
    larger = run.dearer
    assert larger is not None and larger.bill is not None and larger.worst > larger.images
    planned, worst = (larger.bill.told(one) for one in (larger.bill.planned, larger.bill.worst))
    assert shown.splitlines()[-1] == (
        f"next: imageproof conform {url} --tier core  # asks for {larger.images} pictures ({planned}), "
        f"at most {larger.worst} ({worst}) if the target serves whatever it is sent"
    )


def test_a_rule_whose_calls_were_not_all_paid_for_is_judged_in_part(
    reference: Callable[..., str], tmp_path: Path
) -> None:
    run, files, shown = made(reference(KEY), tmp_path, models=(ModelChoice("dall-e-2"),), tier="core", max_images=8)
    assert run.verdict.exit_status == 0
    partly = {one.rule for one in run.verdict.rules if one.partial}
    assert "GEN-N-RANGE" in partly and not [rule for rule in partly if rule.startswith("ERR-")]
    assert f"{len(partly)} of them judged only in part (budget)" in run.verdict.headline
    assert " all " not in run.verdict.headline
    assert "partly judged, for want of budget: " in shown and "GEN-N-RANGE (n=11 could make 11 pictures" in shown
    case = ET.fromstring(files[1].read_text()).find(".//testcase[@name='GEN-N-RANGE']/system-out")
    assert case is not None and "n=11 could make 11 pictures" in str(case.text)
    assert shown.splitlines()[-1].endswith("--tier core --max-images 16") or "--max-images" in shown.splitlines()[-1]


@pytest.mark.parametrize(
    ("shell", "word"),
    [("$MINE", "$MINE"), ("$(cat 'my key')", "$(cat 'my key')"), ("", "$IMAGEPROOF_API_KEY")],
)
def test_curl_lines_take_the_key_from_where_it_came(serve: Serve, tmp_path: Path, shell: str, word: str) -> None:
    _, _, shown = made(serve(hostile).url, tmp_path, key_shell=shell)
    assert f'"Authorization: Bearer {word}"' in shown


def test_a_model_that_the_target_does_not_know_is_no_pass(serve: Serve, tmp_path: Path) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "GET":
            listed = asked.path == "/v1/models"
            return Says(body={"object": "list", "data": [{"id": "gpt-image-1"}, {"id": "b"}]}) if listed else Says(404)
        words = {"message": "no such model", "type": "x", "param": "model", "code": "model_not_found"}
        return Says(404, {"error": words})

    url = serve(handle).url
    again = (url, "--model", "gpt-imagee-1")
    with Session(Profile(url, KEY, models=(ModelChoice("gpt-imagee-1"),), again=again, workers=8)) as session:
        session.prepare()
        session.buy("free")
        run = session.finish()
    assert (run.verdict.exit_status, run.verdict.count("pass", "fail")) == (3, 0)
    assert run.verdict.headline == (
        "No verdict: the target does not know the model gpt-imagee-1; it lists gpt-image-1, b."
    )
    assert next_command(run) == f"imageproof conform {url} --model gpt-image-1"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "export IMAGEPROOF_API_KEY=...; imageproof conform"),
        (429, "wait, raise the quota of the key, or ask more slowly (--rate N), then: "),
        (404, "correct the path of the URL: "),
        (503, "find out why the server fails (its log says more), then: "),
    ],
)
def test_the_next_command_says_what_to_change_first(serve: Serve, tmp_path: Path, status: int, text: str) -> None:
    run, _, shown = made(serve(lambda asked: Says(status)).url, tmp_path)
    assert shown.splitlines()[-1].startswith(f"next: {text}")
    assert status != 401 or "offered:" not in shown
    assert ": auth" not in run.verdict.headline and ": quota" not in run.verdict.headline


def test_all_broken_rules_are_in_the_next_command(told: tuple[Run, tuple[Path, ...], str]) -> None:
    run = told[0]
    ids = sorted({rule.rule for rule in run.verdict.rules if rule.status == "fail"})
    last = told[2].splitlines()[-1]
    assert all(f"{one} or" in last or f"{one}'" in last or last.endswith(one) for one in ids[:MOST_NAMED])
    assert (f"the first {MOST_NAMED} of {len(ids)}" in last) == (len(ids) > MOST_NAMED)


def test_whom_a_breach_breaks_and_what_was_asked_read_well(reference: Callable[..., str], tmp_path: Path) -> None:
    _, _, shown = made(reference(KEY, "n11-accepted"), tmp_path, models=(ModelChoice("dall-e-2"),))
    assert "  breaks: applications\n" in shown
    assert "asked ," not in shown and "asked -" not in shown and ", got -" not in shown


def test_prose_is_wrapped_on_a_terminal_and_commands_are_not() -> None:
    shown = io.StringIO()
    screen = Screen(Console(file=shown, force_terminal=True, width=40, no_color=True, soft_wrap=True))
    screen.say("  " + "word " * 20)
    screen.copy("next: " + "word " * 20)
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines[:-1])) <= 40 and len(lines) == 4
    assert all(one.startswith("  word") for one in lines[:-1])


def test_progress_renews_one_line_on_a_terminal_and_is_sparse_elsewhere() -> None:
    for terminal, expected in ((True, "\r\x1b[2Kfree: 3/3 calls, 1 of 12 pictures spent"), (False, "free: 3/3 calls")):
        shown = io.StringIO()
        screen = Screen(Console(file=shown, force_terminal=terminal, width=80))
        for done in (1, 2, 3):
            screen.progress(Progress("free", done, 3, 1, 12))
        assert expected in shown.getvalue()
        assert shown.getvalue().count("\n") == (0 if terminal else 1)
