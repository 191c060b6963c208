"""A whole run of tier full: what is planned is spent, and it is judged again in the same words."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from imageproof_conformance import report
from imageproof_conformance.exchange import Exchange, Finding, Probe, Request, Tier
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.recheck import Asked, recheck
from imageproof_conformance.report.common import plainest, shared
from imageproof_conformance.run import Session
from imageproof_conformance.verdict import Evidence, RuleVerdict

POST = Request("POST", "/images/generations")


def test_a_full_run_spends_what_it_planned_and_is_judged_again_alike(
    reference: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = (ModelChoice("dall-e-2"),)
    profile = Profile(reference("sk-x"), "sk-x", "KEY", models=model, workers=8, tier="full", out=tmp_path / "runs")
    with Session(profile) as session:
        session.prepare()
        session.buy("full")
        run = session.finish()
        report.write(run, session.document, session.registry, session.wire.redactor)
    assert (run.verdict.exit_status, run.spent) == (0, run.planned)
    pairs = [one for one in run.exchanges if one.probe.tier == "full"]
    assert len(pairs) > 15 and all(one.status == 200 for one in pairs)
    assert run.plans[0].paired > 100 and run.plans[0].unpaired == 0

    monkeypatch.setattr(socket, "socket", None)
    (folder,) = (tmp_path / "runs").iterdir()
    again = tmp_path / "again.json"
    assert recheck(Asked(str(folder), out=str(tmp_path / "again"), json=str(again))) == 0
    first, second = ((one / "report.json").read_text() for one in (folder, *(tmp_path / "again").iterdir()))
    assert _verdict(first) == _verdict(second)


def _verdict(text: str) -> object:
    told = json.loads(text)
    return {name: value for name, value in told.items() if name not in ("notes", "recheck")}


def test_what_all_broken_calls_have_in_common_is_told() -> None:
    def call(outcome: Literal["pass", "fail"], number: int, tier: Tier = "full", **asked: object) -> Evidence:
        probe = Probe(f"p{number}", "createImage", "m", POST, "served", ("GEN-SERVED",), tier=tier, asked=asked)
        calls.append(Exchange(probe, "", (), b"", 200))
        return Evidence(number, Finding("GEN-SERVED", outcome))

    calls: list[Exchange] = []
    told = (
        call("fail", 0, quality="max", n=2, stream=True, prompt="a"),
        call("fail", 1, quality="max", n=1, prompt="a"),
        call("pass", 2, quality="low", n=2, stream=True, prompt="a"),
    )
    rule = RuleVerdict("GEN-SERVED", "m", "fail", "MUST", "", evidence=told)
    assert shared(rule, calls) == "quality=max"
    assert plainest(told[:2], calls).exchange == 1
    assert shared(RuleVerdict("GEN-SERVED", "m", "fail", "MUST", "", evidence=told[:2]), calls) == ""
    cheap = call("fail", 3, "core", quality="max", n=2, stream=True, size="auto")
    assert plainest((*told[:2], cheap), calls).exchange == 3
