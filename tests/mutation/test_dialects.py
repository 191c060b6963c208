"""The suite on servers that speak otherwise than the contract: what a dialect breaks is reported by the requirement ids
that `dialects.yaml` names for it and by no others, and a benign dialect, which breaks no MUST, fails nothing."""

from __future__ import annotations

import pytest

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof.contract.requirements import requirements
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run
from imageproof_reference.config import Config
from imageproof_reference.dialects import Dialect, dialects
from imageproof_reference.serving import running

KEY = "sk-imageproof-dialects"
CAP = 60  # pictures, far above what a standard run costs where a dialect serves what it must refuse


def judged(name: str) -> Run:
    with running(Config(key=KEY, dialect=name, pause_seconds=0.0)) as url:
        model = ModelChoice(dialects()[name].family)
        return run(Profile(url, key=KEY, models=(model,), tier="standard", max_images=CAP, workers=8))


def reported(found: Run, *statuses: str) -> set[str]:
    return {one.rule for one in found.verdict.rules if one.status in statuses}


def expected(spoken: Dialect) -> set[str]:
    """The ids of a dialect that a suite can report today."""
    named = {rule for ids in spoken.breaks.values() for rule in ids} | set(spoken.unjudged)
    return {rule for rule in named if requirements()[rule].judged}


@pytest.mark.parametrize("name", dialects())
def test_a_dialect_is_reported_by_what_it_breaks(name: str) -> None:
    found = judged(name)
    assert reported(found, "fail", "warn", "error") == expected(dialects()[name])
    assert found.verdict.exit_status == (0 if dialects()[name].kind == "benign" else 1)
    assert found.spent < CAP


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
