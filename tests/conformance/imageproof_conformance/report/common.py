"""Of many calls that break a rule: the plainest one, those that say the same, and what all of them ask for and none
that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imageproof_conformance.exchange import TIERS, Exchange, Probe
from imageproof_conformance.verdict import Evidence, RuleVerdict

MOST_SAID = 3  # values


def plainest(failures: Sequence[Evidence], exchanges: Sequence[Exchange]) -> Evidence:
    """The failure to tell: of the cheapest tier, the call that asks for least."""

    def plain(one: Evidence) -> tuple[int, int, int]:
        probe = exchanges[one.exchange].probe
        return TIERS.index(probe.tier), len(probe.asked) if probe.tier == "full" else 0, one.exchange

    return min(failures, key=plain)


def told_once(rule: RuleVerdict, exchanges: Sequence[Exchange]) -> list[tuple[Evidence, tuple[str, ...]]]:
    """The evidence of a rule, each with the ids of further generated calls that show the same thing: made-up calls
    break a rule in many ways at once, and of those that are told alike the smallest stands for all."""
    found: dict[tuple[object, ...], list[Evidence]] = {}
    for index, one in enumerate(rule.evidence):
        exchange = exchanges[one.exchange]
        alike = exchange.probe.operation, exchange.status, one.finding.outcome, one.finding.message
        generated = exchange.probe.source == "schemathesis"
        found.setdefault(alike if generated and one.finding.outcome == "fail" else (index,), []).append(one)
    return [_smallest(group, exchanges) for group in found.values()]


def _smallest(group: Sequence[Evidence], exchanges: Sequence[Exchange]) -> tuple[Evidence, tuple[str, ...]]:
    first = min(group, key=lambda one: (len(exchanges[one.exchange].sent_body), one.exchange))
    return first, tuple(exchanges[one.exchange].probe.id for one in group if one is not first)


def shared(rule: RuleVerdict, exchanges: Sequence[Exchange]) -> str:
    """What all calls that break a rule ask for and none of those that keep it: "quality=max"; "" where there is no such
    value, or too few calls to say."""
    broke = [exchanges[one.exchange].probe for one in rule.evidence if one.finding.outcome == "fail"]
    kept = [exchanges[one.exchange].probe for one in rule.evidence if one.finding.outcome == "pass"]
    if len(broke) < 2 or not kept:
        return ""
    common = [pair for pair in _values(broke[0]) if all(pair in _values(one) for one in broke[1:])]
    own = [pair for pair in common if not any(pair in _values(one) for one in kept)]
    return ", ".join(f"{name}={_word(value)}" for name, value in own[:MOST_SAID])


def _values(probe: Probe) -> list[tuple[str, Any]]:
    """The parameters with simple values: no files, prompts and models."""
    shy = ("prompt", "model")
    return [(name, one) for name, one in probe.asked.items() if isinstance(one, str | int) and name not in shy]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
