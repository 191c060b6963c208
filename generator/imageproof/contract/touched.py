"""Which requirements a difference touches: the rules that stand on request members, and the places that rows name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from imageproof.contract.compare import Difference
from imageproof.contract.decisions import pattern
from imageproof.contract.fact import Facts
from imageproof.contract.requirements import Requirement


def with_requirements(
    differences: Iterable[Difference], ours: Facts, registry: Mapping[str, Requirement]
) -> tuple[Difference, ...]:
    """Differences with the ids of the requirements that they touch; `ours` are the facts of the contract."""
    about = {
        (operation, one.id): [pattern(glob) for glob in one.about]
        for one in registry.values()
        for operation in one.operations
        if not one.retired
    }
    touched = (
        replace(one, requirements=tuple(dict.fromkeys((*one.requirements, *_touched(one, ours, about)))))
        for one in differences
    )
    return tuple(_weighed(one, registry) for one in touched)


def _weighed(difference: Difference, registry: Mapping[str, Requirement]) -> Difference:
    """What an error answer lacks breaks clients only where a rule that must be kept says so; whether a member is there
    is another matter than what it is, so there the mildest of the rules counts."""
    error = difference.place[:1] in ("4", "5") or difference.place.startswith("default")
    levels = {registry[one].level for one in difference.requirements if one in registry}
    presence = difference.aspect in ("required", "member")
    soft = "SHOULD" in levels if presence else levels and "MUST" not in levels
    return replace(difference, kind="narrower") if error and difference.kind == "breaking" and soft else difference


def _touched(
    difference: Difference, ours: Facts, about: Mapping[tuple[str, str], list[re.Pattern[str]]]
) -> Iterator[str]:
    yield from _rules(difference, ours)
    place = difference.place
    for (operation, requirement), patterns in about.items():
        if operation == difference.operation and any(one.fullmatch(place) for one in patterns):
            yield requirement


def _rules(difference: Difference, ours: Facts) -> Iterator[str]:
    """The `x-rule` of a request member, or of the nearest that holds it; for a type and a missing member their own."""
    place = difference.place
    asked = {"type": "x-rule-type", "required": "x-rule-missing", "member": "x-rule-missing"}.get(difference.aspect, "")
    fact = ours.get((difference.operation, place))
    while fact is not None:
        for key in (asked, "x-rule"):
            if key in fact.says and (key != "x-rule" or asked != "x-rule-type"):
                yield fact.says[key]
                return
        fact = ours.get((difference.operation, fact.parent))
