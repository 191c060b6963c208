"""A whole run of tier full: what is planned is spent, and it is judged again in the same words."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from imageproof_conformance import report
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.recheck import Asked, recheck
from imageproof_conformance.run import Session


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
    import json

    told = json.loads(text)
    return {name: value for name, value in told.items() if name not in ("notes", "recheck")}
