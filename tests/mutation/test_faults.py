"""The suite is proved on the reference provider: without a fault nothing fails, and each fault is caught by the
requirement ids that `faults.yaml` names for it and by no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof.contract.requirements import requirements
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run
from imageproof_reference.config import Config
from imageproof_reference.faults import Fault, faults
from imageproof_reference.serving import running

KEY = "sk-imageproof-mutation"
CAP = 100  # pictures: enough for a fault that serves eleven at once on every operation


# What a run must be told so that it looks for a breach of these rules.
ASKED: dict[str, dict[str, Any]] = {
    "EDIT-UPLOAD-SIZE": {"heavy": True},
    "GEN-URL-LASTS": {"url_age": 1.5},
}


def judged(model: str, fault: str = "", rules: Iterable[str] = ()) -> Run:
    told = {name: value for rule in rules for name, value in ASKED.get(rule, {}).items()}
    with running(Config(key=KEY, fault=fault, pause_seconds=0.0)) as url:
        profile = Profile(
            url, key=KEY, models=(ModelChoice(model),), tier="standard", max_images=CAP, workers=8, **told
        )
        return run(profile)


def broken(found: Run) -> set[str]:
    return {one.rule for one in found.verdict.rules if one.status in ("fail", "warn", "error")}


def first_model(fault: Fault) -> str:
    """A model of the first family that a fault names."""
    family = family_of(load(), "", fault.families[0])
    assert family is not None
    return family.models[0]


@pytest.mark.parametrize("model", ["gpt-image-1", "gpt-image-2", "dall-e-2", "dall-e-3"])
def test_without_a_fault_nothing_is_broken(model: str) -> None:
    found = judged(model)
    assert broken(found) == set()
    assert found.verdict.exit_status == 0
    assert found.spent <= found.planned
    # An `either` may be refused, so what is spent may be less than what is planned; nothing else may be missing.
    either = sum(one.probe.images for one in found.exchanges if one.probe.expect == "either")
    assert found.planned - found.spent <= either


@pytest.mark.parametrize("name", faults())
def test_a_fault_is_caught_by_its_own_rules(name: str) -> None:
    fault = faults()[name]
    expected = {rule for ids in fault.rules.values() for rule in ids}
    found = judged(first_model(fault), name, expected)
    assert broken(found) == expected
    levels = {requirements()[rule].level for rule in expected}
    assert (found.verdict.exit_status == 1) == ("MUST" in levels)
    for rule in found.verdict.rules:
        if rule.status in ("fail", "warn"):
            assert rule.evidence[0].finding.message and rule.evidence[0].finding.outcome == "fail"
