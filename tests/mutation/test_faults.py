"""The suite is proved on the reference provider: without a fault nothing fails, and each fault is caught by the
requirement ids that `faults.yaml` names for it and by no others."""

from __future__ import annotations

import pytest

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run
from imageproof_reference.config import Config
from imageproof_reference.faults import Fault, faults
from imageproof_reference.serving import running

KEY = "sk-imageproof-mutation"
CAP = 100  # pictures: enough for a fault that serves eleven at once on every operation

# Each fault on the first family that it names, and on one with variations where it names that: all operations are seen.
CASES = [
    (fault.id, family)
    for fault in faults().values()
    for family in dict.fromkeys((fault.families[0], *(one for one in fault.families if one == "dall-e-2")))
]


def judged(model: str, fault: str = "") -> Run:
    with running(Config(key=KEY, fault=fault)) as url:
        profile = Profile(url, key=KEY, models=(ModelChoice(model),), tier="standard", max_images=CAP, workers=8)
        return run(profile)


def broken(found: Run) -> set[str]:
    return {one.rule for one in found.verdict.rules if one.status in ("fail", "warn", "error")}


def expected(fault: Fault, family: str) -> set[str]:
    """The ids of a fault that can show on a family: those of the operations that it has."""
    model = family_of(load(), family)
    assert model is not None
    return {rule for name, rules in fault.rules.items() if name in ("*", *model.operations) for rule in rules}


@pytest.mark.parametrize("model", ["gpt-image-1", "gpt-image-2", "dall-e-2", "dall-e-3"])
def test_without_a_fault_nothing_is_broken(model: str) -> None:
    found = judged(model)
    assert broken(found) == set()
    assert found.verdict.exit_status == 0
    assert found.spent <= found.planned
    # An `either` may be refused, so what is spent may be less than what is planned; nothing else may be missing.
    either = sum(one.probe.images for one in found.exchanges if one.probe.expect == "either")
    assert found.planned - found.spent <= either


@pytest.mark.parametrize(("fault", "family"), CASES)
def test_a_fault_is_caught_by_its_own_rules(fault: str, family: str) -> None:
    found = judged(family, fault)
    assert broken(found) == expected(faults()[fault], family)
    assert found.verdict.exit_status == 1
    for rule in found.verdict.rules:
        if rule.status == "fail":
            assert rule.evidence[0].finding.message and rule.evidence[0].finding.outcome == "fail"


def test_every_rule_of_every_fault_is_seen() -> None:
    seen = {fault: set[str]() for fault in faults()}
    for fault, family in CASES:
        seen[fault] |= expected(faults()[fault], family)
    assert seen == {one.id: {rule for rules in one.rules.values() for rule in rules} for one in faults().values()}
