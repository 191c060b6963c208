"""What a target refuses saves pictures: other calls that show the same rules are made with them, and no more."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from mutation.variants import KEY, Said, Variant, refuse, varied

from imageproof_conformance.exchange import Tier
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run

MODEL = "gpt-image-1"
NO_STREAM = refuse(lambda said: said.asks("stream"), param="stream", message="Streaming is not supported.")


def names(*parameters: str) -> Variant:
    """A gateway that refuses some parameters wherever they are set."""

    def variant(said: Said) -> Said:
        for name in parameters:
            if said.method == "POST" and said.asks(name):
                error = {"message": f"{name} is not supported.", "type": "invalid_request_error", "param": name}
                headers = ((b"content-type", b"application/json"),)
                return replace(said, status=400, headers=headers, body=json.dumps({"error": error}).encode())
        return said

    return variant


def judged(variant: Variant, monkeypatch: pytest.MonkeyPatch, tier: Tier = "core") -> Run:
    with varied(variant, monkeypatch) as url:
        profile = Profile(url, key=KEY, models=(ModelChoice(MODEL),), tier=tier, max_images=60, workers=4)
        return run(profile)


def labels(found: Run) -> set[str]:
    """The paid calls that were made beside those of the plan."""
    planned = {probe.id for one in found.plans for probe in one.probes}
    return {one.probe.id.partition("/")[2] for one in found.exchanges if one.probe.images} - {
        one.partition("/")[2] for one in planned
    }


def status(found: Run) -> dict[str, str]:
    return {one.rule: one.status for one in found.verdict.rules}


def test_a_target_without_streams_is_judged_by_other_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(NO_STREAM, monkeypatch)
    kept = status(found)
    assert labels(found) and not any("stream" in one for one in labels(found))
    shown_by_streams_alone = ("GEN-TRANSPARENT-ALPHA", "GEN-SIZE-AUTO", "EDIT-TRANSPARENT-ALPHA", "EDIT-IMAGE-SINGLE")
    assert {kept[rule] for rule in shown_by_streams_alone} == {"pass"}
    assert kept["GEN-STREAM-TYPE"] == kept["EDIT-STREAM-TYPE"] == "unsupported"
    assert found.spent <= found.planned
    assert found.verdict.exit_status == 0


@pytest.mark.parametrize("tier", ["core", "standard"])
def test_a_target_that_knows_no_quality_is_judged_by_bare_calls(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(names("quality", "size"), monkeypatch, tier)
    kept = status(found)
    assert labels(found) >= {"createImage/bare", "createImageEdit/bare"}
    assert kept["GEN-SERVED"] == kept["EDIT-SERVED"] == "fail"
    rules = ("GEN-IMAGE-DECODES", "GEN-COUNT", "GEN-USAGE-SUM", "EDIT-IMAGE-DECODES", "EDIT-USAGE-SUM")
    assert {kept[rule] for rule in rules} == {"pass"}
    assert found.spent <= found.planned


def test_a_feature_is_not_blamed_for_what_it_was_asked_for_with(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(refuse(lambda said: said.asks("background") or said.asks("output_compression")), monkeypatch)
    kept = status(found)
    assert {rule for rule, said in kept.items() if said == "fail"} == {"GEN-SERVED", "EDIT-SERVED"}
    assert {kept[rule] for rule in ("GEN-STREAM-TYPE", "EDIT-STREAM-TYPE", "EDIT-IMAGE-LIST")} == {"pass"}
    assert not any(one.endswith("/bare") for one in labels(found)) and found.spent <= found.planned


def test_what_is_served_has_no_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(lambda said: said, monkeypatch)
    assert labels(found) == set() and found.spent == found.planned


def test_a_target_that_serves_nothing_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(names("prompt", "image"), monkeypatch)
    made = [one.probe.id for one in found.exchanges if one.probe.images]
    assert len(made) == len(set(made)) < 20 and found.spent == 0
