"""The command, as a user runs it: a process of its own, its exit status, and nothing left behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from imageproof.cli.conform import GREETING, arguments
from imageproof_conformance.report.plan_json import SCHEMA_FILE

from .conftest import Asked, Says, Serve

KEY = "sk-canary-0b9c"
ENVIRON = {**os.environ, "IMAGEPROOF_API_KEY": KEY, "PYTHONDONTWRITEBYTECODE": "1"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "imageproof", "conform", *arguments]


def conform(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env={**ENVIRON, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_broken_target_is_one_and_a_clean_one_nought(reference: Callable[..., str], tmp_path: Path) -> None:
    # A pytest.ini of the user's that would end any pytest, and options that would too.
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    money = ("--max-images", "12", "--model")
    clean = conform(tmp_path, reference(KEY), *money, "dall-e-3", PYTEST_ADDOPTS="--no-such-option")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "Keeps the contract in all" in clean.stdout
    faulty = conform(tmp_path, reference(KEY, "wrong-size"), *money, "dall-e-2", "-k", "SIZE and not EDIT")
    assert faulty.returncode == 1, faulty.stdout + faulty.stderr
    assert "BROKEN GEN-SIZE-PIXELS" in faulty.stdout and "EDIT-SIZE-PIXELS" not in faulty.stdout
    assert KEY not in clean.stdout + clean.stderr + faulty.stdout + faulty.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["imageproof-runs", "pytest.ini"]


def test_a_selection_of_free_rules_asks_for_no_picture(reference: Callable[..., str], tmp_path: Path) -> None:
    found = conform(tmp_path, reference(KEY), "--model", "dall-e-3", "--tier", "core", "-k", "N-RANGE")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 pictures spent of 0 planned" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("ftp://host",), 2, "error: ftp is not a scheme"),
        (("127.0.0.1:1", "--key-env", "NOT_SET_AT_ALL"), 2, "NOT_SET_AT_ALL"),
        (("127.0.0.1:1", "-n", "4"), 2, "--workers N"),
        (("127.0.0.1:1", "--model", "gpt-image-2.6-flare", "--max-cost", "4"), 2, "--price-per-image"),
        (("127.0.0.1:1", "--require", "audio"), 2, "generations,edits"),
        (("127.0.0.1:1",), 3, "No verdict: the target is unreachable: "),
        (("127.0.0.1:1",), 3, "next: start the server, or correct scheme, host and port of the URL, then: imageproof"),
        (("127.0.0.1:1", "-k", "a or or"), 2, "error: -k 'a or or' cannot be read"),
        (("http:/host",), 2, "error: the URL has its scheme wrong"),
    ],
)
def test_what_cannot_be_judged(tmp_path: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    found = conform(tmp_path, *arguments)
    assert found.returncode == status, found.stdout + found.stderr
    assert said in found.stdout + found.stderr
    assert "Traceback" not in found.stderr


def test_a_selection_of_nothing_is_wrong_usage(reference: Callable[..., str], tmp_path: Path) -> None:
    for expression in ("NO-SUCH", "a or or"):
        found = conform(tmp_path, reference(KEY), "--model", "dall-e-3", "-k", expression)
        assert found.returncode == 2, found.stdout + found.stderr
        assert found.stderr.startswith("error: ")


def test_a_dry_run_asks_for_lists_only(serve: Serve, tmp_path: Path) -> None:
    target = serve(lambda asked: Says(body={"object": "list", "data": [{"id": "dall-e-2", "object": "model"}]}))
    found = conform(tmp_path, target.url, "--dry-run", "--max-images", "12")
    assert found.returncode == 0, found.stdout + found.stderr
    assert {asked.method for asked in target.asked} == {"GET"}
    assert "pictures planned" in found.stdout and "GEN-SIZE-PIXELS" in found.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_is_written_down_for_programs(reference: Callable[..., str], tmp_path: Path) -> None:
    """And says as many requests as the run then makes."""
    url, limits = reference(KEY), ("--model", "gpt-image-1", "--max-cost", "5", "--max-time", "600")
    found = conform(tmp_path, url, *limits, "--dry-run", "--json", "deep/plan.json")
    assert found.returncode == 0, found.stdout + found.stderr
    plan = json.loads((tmp_path / "deep" / "plan.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(plan)
    assert (plan["tier"], plan["cost"]["cap"], plan["seconds"]["cap"]) == ("standard", 5, 600)
    assert plan["requests"]["all"] == plan["requests"]["discovery"] + len(plan["calls"])
    assert sum(one["pictures"]["planned"] for one in plan["calls"]) == plan["pictures"]["planned"] == 14
    assert "stream=true" in found.stdout and "True" not in found.stdout
    assert f"gpt-image-1: {plan['requests']['all']} requests, " in found.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["deep"] and KEY not in json.dumps(plan)
    ran = conform(tmp_path, url, *limits)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"\n{plan['requests']['all']} requests, 14 pictures spent of 14 planned" in ran.stdout
    failed = conform(tmp_path, url, *limits, "--dry-run", "--json", "deep/plan.json/x")
    assert failed.returncode == 2 and "cannot be written" in failed.stderr and "Traceback" not in failed.stderr


@pytest.mark.parametrize("place", [("--out", "/proc/x"), ("--junit", "taken/x.xml")])
def test_what_cannot_be_written_is_told_before_anything_is_asked(
    serve: Serve, tmp_path: Path, place: tuple[str, str]
) -> None:
    (tmp_path / "taken").write_text("")
    target = serve(lambda asked: Says(404))
    found = conform(tmp_path, target.url, "--model", "dall-e-3", "--max-images", "8", *place)
    assert found.returncode == 2 and found.stderr.startswith(f"error: {place[0]} {place[1]}: ")
    assert target.asked == [] and "Traceback" not in found.stderr


def test_a_dry_run_of_a_selection_shows_that_alone(serve: Serve, tmp_path: Path) -> None:
    url = serve(lambda asked: Says(404)).url
    free = conform(tmp_path, url, "--dry-run", "--model", "dall-e-3", "-k", "N-RANGE")
    assert free.returncode == 0, free.stdout + free.stderr
    assert free.stdout.endswith("rules: GEN-N-RANGE\n") and "paid calls" not in free.stdout
    typo = conform(tmp_path, url, "--dry-run", "--model", "dall-e-3", "-k", "GEN-N-RANG-E")
    assert typo.returncode == 2 and "close to it: GEN-N-RANGE" in typo.stderr
    other = conform(tmp_path, url, "--dry-run", "--model", "dall-e-3", "-k", "GEN-STREAM-TYPE")
    assert other.returncode == 2 and "no planned call asks for GEN-STREAM-TYPE" in other.stderr


def test_an_interrupt_ends_the_run_with_what_there_is(serve: Serve, tmp_path: Path) -> None:
    """It does not wait for calls in flight: the target answers none of them before the run has ended."""
    ended = threading.Event()

    def handle(asked: Asked) -> Says:
        if len(target.asked) > 15:
            ended.wait(200)
        refusal = {"message": "no", "type": "invalid_request_error", "param": "prompt", "code": None}
        return Says(400, {"error": refusal})

    target = serve(handle)
    process = subprocess.Popen(
        command(target.url, "--model", "dall-e-3"),
        cwd=tmp_path,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 90
    while len(target.asked) <= 15 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        shown, errors = process.communicate(timeout=90)
    finally:
        ended.set()
        process.kill()
    assert process.returncode == 130, shown + errors
    assert "Interrupted. So far:" in shown
    assert len(list(tmp_path.glob("imageproof-runs/*/report.json"))) == 1


def test_plain_pytest_runs_it_too_and_xdist_is_refused(reference: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "pretend_xdist.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--numprocesses', dest='numprocesses', type=int)\n"
    )
    base = [sys.executable, "-m", "pytest", "-p", "imageproof_conformance.plugin", "--pyargs", "imageproof_conformance"]
    base += ["-p", "pretend_xdist", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"]
    target = [f"--imageproof-url={reference(KEY, 'n11-accepted')}", "--imageproof-model=dall-e-2"]

    def pytest_run(*more: str) -> subprocess.CompletedProcess[str]:
        environ = {**ENVIRON, "PYTHONPATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            [*base, *more], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )

    ran = pytest_run(*target, "-k", "GEN-N-RANGE or EDIT-N-RANGE")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 failed, 1 passed" in ran.stdout and "BROKEN GEN-N-RANGE" in ran.stdout
    assert "11 pictures spent" in ran.stdout
    refused = pytest_run(*target, "--numprocesses=2")
    assert refused.returncode == 2 and "--workers N" in refused.stderr
    assert "type --imageproof-url URL" in (found := pytest_run()).stdout + found.stderr


def test_the_key_is_no_argument_of_any_process() -> None:
    options = {
        "model": ("a", "b=c"),
        "max_images": 3,
        "dry_run": True,
        "no_key": False,
        "junit": None,
        "key_env": "MINE",
    }
    assert arguments("host", options) == [
        "--imageproof-url=host",
        "--imageproof-model=a",
        "--imageproof-model=b=c",
        "--imageproof-max-images=3",
        "--imageproof-dry-run",
        "--imageproof-key-env=MINE",
    ]


def test_who_waits_at_a_terminal_is_answered_at_once(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command_line = command("127.0.0.1:1", "--no-key")
    found = subprocess.run(command_line, cwd=tmp_path, env=ENVIRON, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert said.strip() == GREETING and found.returncode == 3
    assert found.stdout.startswith(b"imageproof: tier free")
