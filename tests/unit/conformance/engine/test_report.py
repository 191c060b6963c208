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
from imageproof_conformance.report.terminal import Screen
from imageproof_conformance.run import Progress, Run, Session

from .conftest import Asked, Says, Serve, targets

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


def test_progress_renews_one_line_on_a_terminal_and_is_sparse_elsewhere() -> None:
    for terminal, expected in ((True, "\r\x1b[2Kfree: 3/3 calls, 1 of 12 pictures spent"), (False, "free: 3/3 calls")):
        shown = io.StringIO()
        screen = Screen(Console(file=shown, force_terminal=terminal, width=80))
        for done in (1, 2, 3):
            screen.progress(Progress("free", done, 3, 1, 12))
        assert expected in shown.getvalue()
        assert shown.getvalue().count("\n") == (0 if terminal else 1)
