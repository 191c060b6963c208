"""The suite is proved on the reference provider: without a fault nothing fails, and each fault is caught by the
requirement ids that `faults.yaml` names for it and by no others."""

from __future__ import annotations

import pytest
from mutation.runs import judged, judged_fault, must_report, reported

from imageproof.contract.document import load
from imageproof.contract.families import families
from imageproof.contract.requirements import requirements
from imageproof_reference.faults import faults


@pytest.mark.parametrize("model", [family.models[0] for family in families(load())])
def test_without_a_fault_nothing_is_broken(model: str) -> None:
    found = judged(model)
    assert reported(found) == set()
    assert found.verdict.exit_status == 0
    # What the suite sends is what it means: that these are legal without the provider, tests/unit has it.
    told = [one for one in found.exchanges if one.probe.request.method != "OPTIONS"]
    statuses = {one.probe.id: (one.probe.expect, one.status or 0) for one in told}
    assert {name: one for name, one in statuses.items() if one[0] == "served" and one[1] // 100 != 2} == {}
    assert {name: one for name, one in statuses.items() if one[0] == "refused" and one[1] // 100 != 4} == {}
    assert {expect for expect, _ in statuses.values()} >= {"served", "refused"}
    assert found.spent <= found.planned
    # An `either` may be refused, so what is spent may be less than what is planned; nothing else may be missing.
    either = sum(one.probe.images for one in found.exchanges if one.probe.expect == "either")
    assert found.planned - found.spent <= either


@pytest.mark.parametrize("name", faults())
def test_a_fault_is_caught_by_its_own_rules(name: str) -> None:
    expected = must_report(faults()[name])
    found = judged_fault(name)
    assert reported(found) == expected
    levels = {requirements()[rule].level for rule in expected}
    assert (found.verdict.exit_status == 1) == ("MUST" in levels)
    for rule in found.verdict.rules:
        if rule.status in ("fail", "warn"):
            assert rule.evidence[0].finding.message and rule.evidence[0].finding.outcome == "fail"
