"""Runs of the suite against the reference provider with a fault or speaking a dialect, and what it must say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof.contract.requirements import requirements
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run
from imageproof_reference.config import Config
from imageproof_reference.dialects import Dialect, dialects
from imageproof_reference.faults import Fault, faults
from imageproof_reference.serving import running

KEY = "sk-imageproof-mutation"
CAP = 100  # pictures: enough for a fault that serves eleven at once on every operation, and for any dialect

# What a run must be told so that it looks for a breach of these rules.
ASKED: Mapping[str, Mapping[str, Any]] = {
    "EDIT-UPLOAD-SIZE": {"heavy": True},
    "GEN-URL-LASTS": {"url_age": 1.5},
    "GEN-COMPRESSION-EFFECT": {"tier": "full"},
}


def judged(model: str, **told: Any) -> Run:
    """The run of a model on the server that `fault` or `dialect` names, of tier standard unless another is told; the
    rest is for the profile."""
    server = Config(
        key=KEY, pause_seconds=0.0, **{name: told.pop(name) for name in ("fault", "dialect") if name in told}
    )
    with running(server) as url:
        profile = Profile(
            url, key=KEY, models=(ModelChoice(model),), max_images=CAP, workers=8, **{"tier": "standard", **told}
        )
        return run(profile)


def judged_fault(name: str) -> Run:
    told = {key: value for rule in must_report(faults()[name]) for key, value in ASKED.get(rule, {}).items()}
    return judged(first_model(faults()[name]), fault=name, **told)


def judged_dialect(name: str) -> Run:
    return judged(dialects()[name].family, dialect=name)


def must_report(row: Fault) -> set[str]:
    """The ids that a run must report of a fault, and no others."""
    return {rule for ids in row.rules.values() for rule in ids}


def may_report(spoken: Dialect) -> set[str]:
    """The same of a dialect: of the ids that it breaks, those that are judged today."""
    named = {rule for ids in spoken.breaks.values() for rule in ids} | set(spoken.unjudged)
    return {rule for rule in named if requirements()[rule].judged}


def reported(found: Run) -> set[str]:
    return {one.rule for one in found.verdict.rules if one.status in ("fail", "warn", "error")}


def first_model(fault: Fault) -> str:
    """A model of the first family that a fault names."""
    family = family_of(load(), "", fault.families[0])
    assert family is not None
    return family.models[0]
