"""The suite on servers that speak otherwise than the contract: what a dialect breaks is reported by the requirement ids
that `dialects.yaml` names for it and by no others, and a benign dialect, which breaks no MUST, fails nothing."""

from __future__ import annotations

import pytest
from mutation.runs import judged_dialect, may_report, reported

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof.contract.requirements import requirements
from imageproof_reference.dialects import dialects

MOST = 60  # pictures, far above what a standard run costs where a dialect serves what it must refuse


@pytest.mark.parametrize("name", dialects())
def test_a_dialect_is_reported_by_what_it_breaks(name: str) -> None:
    found = judged_dialect(name)
    assert reported(found) == may_report(dialects()[name])
    assert found.verdict.exit_status == (0 if dialects()[name].kind == "benign" else 1)
    assert found.spent < MOST


@pytest.mark.parametrize("name", dialects())
def test_a_row_says_whom_it_breaks(name: str) -> None:
    spoken = dialects()[name]
    operations = load().operations()
    broken = [rule for ids in spoken.breaks.values() for rule in ids]
    assert len(broken) == len(set(broken)) and not set(broken) & set(spoken.unjudged)
    assert [rule for rule in broken if not requirements()[rule].judged] == [], "has no judge: move it to unjudged"
    assert [rule for rule in spoken.unjudged if requirements()[rule].judged] == [], "has a judge: move it to breaks"
    for operation, ids in spoken.breaks.items():
        assert operation == "*" or operation in operations
        assert operation == "*" or all(operation in requirements()[rule].operations for rule in ids)
    levels = {requirements()[rule].level for rule in (*broken, *spoken.unjudged)}
    assert spoken.kind == ("deviating" if "MUST" in levels else "benign")
    assert family_of(load(), spoken.family) is not None
