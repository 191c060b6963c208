"""What a run or a recheck is held to, checked as it was typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from imageproof.contract.requirements import requirements
from imageproof.errors import UsageError
from imageproof_conformance.baseline import Normal, read_baseline, rules_problem
from imageproof_conformance.gates import GATES

STALE = ("fail", "warn")  # what becomes of entries of a baseline that no longer hold


def held_to(typed: Mapping[str, str | None], normal: Normal) -> dict[str, Any]:
    """The members of a `Profile` that the options gate, rules, baseline and stale decide; what was not typed is left
    out. UsageError and DocumentError for what the user must change."""
    gate, rules, baseline, stale = (typed.get(name) for name in ("gate", "rules", "baseline", "stale"))
    if stale is not None and baseline is None:
        raise UsageError("--stale is about a baseline; add --baseline FILE")
    if message := rules_problem(rules or "", requirements()):
        raise UsageError(f"--rules: {message}")
    found = {
        "gate": _one_of("gate", gate, GATES) if gate is not None else None,
        "rules": rules,
        "baseline": read_baseline(Path(baseline), normal) if baseline is not None else None,
        "strict": _one_of("stale", stale, STALE) == "fail" if stale is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


Word = TypeVar("Word", bound=str)


def _one_of(option: str, value: str, known: tuple[Word, ...]) -> Word:
    for one in known:
        if one == value:
            return one
    raise UsageError(f"--{option} {value}: not known; type one of {', '.join(known)}")
