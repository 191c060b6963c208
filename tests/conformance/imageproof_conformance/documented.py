"""What a provider documents not to keep, beside what a run says: it still fails, and is labelled as known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from imageproof.contract.providers import Provider
from imageproof_conformance.verdict import RuleVerdict


def labelled(rules: Iterable[RuleVerdict], provider: Provider | None) -> list[RuleVerdict]:
    """The verdicts, each with what is documented of its rule."""
    if provider is None:
        return list(rules)
    return [replace(one, documented=provider.deviation(one.rule)) for one in rules]


def kept(rules: Iterable[RuleVerdict]) -> tuple[str, ...]:
    """Rules that are documented not to be kept, and are: the profile is out of date, or says more than it knows."""
    told = list(rules)
    broken = {one.rule for one in told if one.status != "pass"}
    return tuple(dict.fromkeys(one.rule for one in told if one.documented and one.rule not in broken))
