"""Baselines as they are written: from failures that were seen twice, keeping what people wrote, and readable again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from imageproof.contract.requirements import requirements
from imageproof.errors import DocumentError, UsageError
from imageproof_conformance.baseline import Baseline, Expected, Had, parse_baseline
from imageproof_conformance.baseline_update import Wanted, changed, update, written
from imageproof_conformance.profile import base_url
from imageproof_reference.config import Config
from imageproof_reference.serving import running

KEY = "sk-canary-5d1f"
RULE, MODEL = "GEN-N-RANGE", "dall-e-2"
ENVIRON = {**os.environ, "IMAGEPROOF_API_KEY": KEY, "PYTHONDONTWRITEBYTECODE": "1"}


def imageproof(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imageproof", *arguments]
    return subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    with running(Config(key=KEY, fault="n11-accepted", pause_seconds=0.0)) as url:
        yield url


@pytest.fixture(scope="module")
def runs(broken: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of a broken target, of the rule that it breaks and one that it keeps."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "two"):
        ran = imageproof(folder, "conform", broken, "--model", MODEL, "-k", "N-RANGE", "--out", name)
        assert ran.returncode == 1, ran.stdout + ran.stderr
    return next((folder / "one").iterdir()), next((folder / "two").iterdir())


def test_a_baseline_that_was_written_makes_the_same_target_pass(
    broken: str, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    told = ("--baseline", "known.yaml", "--owner", "me")
    wrote = imageproof(tmp_path, "baseline", "update", str(runs[0]), *told)
    assert wrote.returncode == 0, wrote.stdout + wrote.stderr
    assert f"+ {RULE} ({MODEL}): " in wrote.stdout and "offered: createImage\n" in wrote.stdout
    held = imageproof(tmp_path, "conform", broken, "--model", MODEL, "-k", "N-RANGE", "--baseline", "known.yaml")
    assert held.returncode == 0, held.stdout + held.stderr
    assert f"EXPECTED {RULE}" in held.stdout and "none broken but 1 that the baseline expects" in held.stdout
    once_more = update(Wanted(runs[1], tmp_path / "known.yaml", "you", again=runs[0]))
    assert once_more == []
    with running(Config(key=KEY, pause_seconds=0.0)) as url:
        known = (tmp_path / "known.yaml").read_text().replace(broken, url)
        (tmp_path / "known.yaml").write_text(known)
        stale = imageproof(tmp_path, "conform", url, "--model", MODEL, "-k", "N-RANGE", "--baseline", "known.yaml")
    assert stale.returncode == 1 and f"stale, it passes now: {RULE} ({MODEL}), owner me, known.yaml:" in stale.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [("rules: 1\n", "known.yaml:1: #/rules: must be text"), (None, "known.yaml: cannot be read")],
)
def test_a_bad_baseline_is_wrong_usage_before_anything_is_sent(tmp_path: Path, text: str | None, said: str) -> None:
    if text:
        (tmp_path / "known.yaml").write_text(text)
    found = imageproof(tmp_path, "conform", "http://127.0.0.1:1/v1", "--baseline", "known.yaml")
    assert found.returncode == 2 and f"error: {said}" in found.stderr and "Traceback" not in found.stderr


def test_a_run_that_cannot_be_judged_again_needs_a_second_one(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.json").write_text((runs[0] / "report.json").read_text())
    with pytest.raises(UsageError, match=r"cannot be judged again .*; name a second run with --again RUN"):
        update(Wanted(tmp_path / "run", tmp_path / "known.yaml", "me"))
    with pytest.raises(UsageError, match="the same run says nothing twice"):
        update(Wanted(runs[0], tmp_path / "known.yaml", "me", again=runs[0] / "."))
    assert not (tmp_path / "known.yaml").exists()


def spoiled(report: dict[str, Any], **members: Any) -> str:
    return json.dumps({**report, **members})


BAD_RUNS: dict[str, tuple[Callable[[dict[str, Any]], str], str]] = {
    "no JSON": (lambda report: "{", "no report"),
    "deep": (lambda report: "[" * 9999, "no report"),
    "other JSON": (lambda report: '{"a": [1]}', "no report: "),
    "no verdict": (lambda report: spoiled(report, exit_status=3, headline="No verdict: quota."), "No verdict: quota."),
    "interrupted": (lambda report: spoiled(report, exit_status=130), "without a verdict"),
    "trouble": (lambda report: spoiled(report, trouble="outage"), "without a verdict"),
    "a day": (lambda report: spoiled(report, started="today"), "no report"),
}


@pytest.mark.parametrize(("spoil", "said"), BAD_RUNS.values(), ids=BAD_RUNS)
def test_what_is_no_report_of_a_judged_run_is_told(
    runs: tuple[Path, Path], tmp_path: Path, spoil: Callable[[dict[str, Any]], str], said: str
) -> None:
    (tmp_path / "report.json").write_text(spoil(json.loads((runs[0] / "report.json").read_text())))
    with pytest.raises(DocumentError) as told:
        update(Wanted(tmp_path, tmp_path / "known.yaml", "me", again=runs[1]))
    assert str(told.value).startswith(str(tmp_path)) and said in str(told.value)
    assert not (tmp_path / "known.yaml").exists()


@pytest.fixture
def report(runs: tuple[Path, Path]) -> dict[str, Any]:
    return {**json.loads((runs[0] / "report.json").read_text()), "day": date(2027, 1, 1)}


def other(report: dict[str, Any], status: str) -> dict[str, Any]:
    """The same report with another end of the broken rule."""
    found = deepcopy(report)
    for rule in found["rules"]:
        if rule["id"] == RULE:
            rule["status"] = status
    return found


@pytest.fixture
def fresh(report: dict[str, Any]) -> Expected:
    return Expected("", report["target"], "", "me", date(2027, 4, 1))


def old(report: dict[str, Any], **members: Any) -> Baseline:
    entry = Expected(RULE, report["target"], "as a person wrote it", "them", date(2027, 2, 1), MODEL)
    return Baseline("known.yaml", "2026.11", (replace(entry, **members),))


def test_what_was_broken_once_only_is_told_and_not_written(report: dict[str, Any], fresh: Expected) -> None:
    for first, second in ((report, other(report, "pass")), (other(report, "pass"), report)):
        change = changed(Baseline("known.yaml", "2026.11"), first, second, fresh)
        assert change.baseline.expected == ()
        assert f"! {RULE} ({MODEL}): broken once only, not written" in change.lines


def test_what_people_wrote_stays_while_it_fails(report: dict[str, Any], fresh: Expected) -> None:
    for members in ({}, {"model": ""}, {"target": "*"}, {"flaky": True}):
        before = old(report, **members)
        assert changed(before, report, report, fresh).baseline.expected == before.expected
    expired = changed(old(report, expiry=date(2026, 12, 31)), report, report, fresh)
    assert expired.baseline.expected == old(report, expiry=date(2026, 12, 31)).expected
    assert any("expired on 2026-12-31; extend it by hand" in one for one in expired.lines)


def test_what_passes_now_goes_and_what_is_not_judged_stays(report: dict[str, Any], fresh: Expected) -> None:
    passing, unrun = other(report, "pass"), other(report, "not-run")
    assert changed(old(report), passing, passing, fresh).baseline.expected == ()
    for before, first, second in (
        (old(report, flaky=True), passing, passing),
        (old(report, target="https://elsewhere/v1"), passing, passing),
        (old(report, tier="core"), passing, passing),  # of tier free
        (old(report), passing, unrun),
        (old(report), unrun, unrun),
    ):
        assert changed(before, first, second, fresh).baseline.expected == before.expected


def test_breadth_is_brought_up_to_date_and_what_was_not_asked_stays(report: dict[str, Any], fresh: Expected) -> None:
    had = Had(report["target"], MODEL, ("createImage", "mask", "stopImage"))
    change = changed(replace(old(report), offered=(had,)), report, report, fresh)
    (now,) = change.baseline.offered
    assert {"createImage", "createImageEdit", "mask"} <= set(now.has) and "stopImage" not in now.has
    assert f"- {MODEL}: no longer offered: stopImage" in change.lines


@pytest.mark.parametrize(
    "text", ["a: b # c", "'\"", "- x", "\u202e \u2028 line", "yes", "2027-01-01", "&a *b", "{}[]", "#"]
)
def test_whatever_a_reason_says_is_read_back(report: dict[str, Any], text: str) -> None:
    before = old(report, reason=text, owner=text)
    found = parse_baseline(written(before), "known.yaml", base_url, requirements())
    assert [(one.reason, one.owner) for one in found.expected] == [(text, text)]
    assert yaml.safe_load(written(before))["rules"] == "2026.11"
