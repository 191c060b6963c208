"""What breaks for whom: the broken rules turned round, by those who notice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from imageproof.contract.clients import Clients, Reaction, clients
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.gates import QUESTIONS, breaches
from imageproof_conformance.report.seen import fits
from imageproof_conformance.verdict import RuleVerdict

OTHERS = {
    "sdk": "the official SDKs",
    "application": "applications that rely on it",
    "letter": "nobody that is known, only the letter of the contract",
}


@dataclass(frozen=True)
class Broken:
    """Somebody for whom something breaks. `client` is an id of the table of clients, "" for a group of users; `how`
    says what was seen of a client, "" where nothing was."""

    who: str
    rules: tuple[str, ...]
    client: str = ""
    how: str = ""


def whom(
    rules: Iterable[RuleVerdict], exchanges: Sequence[Exchange], table: Clients | None = None
) -> tuple[Broken, ...]:
    """Who is hit by what is broken: each client that was seen to break over such answers, in the order of the table,
    then the groups that the rules themselves name; the official SDKs there only for rules over which none of them was
    driven, or that nobody else is known to break over."""
    known = table or clients()
    broken = [one for one in rules if any(breaches(name, one) for name in QUESTIONS)]
    hit: dict[tuple[str, Reaction], list[str]] = {}
    for rule in broken:
        for client, reactions in known.of(rule.rule).items():
            for reaction in (one for one in reactions if _seen(one, rule, exchanges)):
                over = hit.setdefault((client, reaction), [])
                over += [rule.rule] if rule.rule not in over else []
    order = {name: place for place, name in enumerate(known.clients)}
    named = [
        Broken(known.clients[client].title, tuple(ids), client, f"when {one.when}, it {one.then}")
        for (client, one), ids in sorted(hit.items(), key=lambda item: order[item[0][0]])
    ]
    official = {one.id for one in known.clients.values() if one.official}
    told = {rule for (client, _), ids in hit.items() if client in official for rule in ids}
    # Over such a breach none of them is known to break, and somebody else is named.
    told |= {one.rule for one in broken if "application" in one.breaks and official & set(known.of(one.rule))}
    return (*named, *_groups(broken, told))


def _seen(reaction: Reaction, rule: RuleVerdict, exchanges: Sequence[Exchange]) -> bool:
    """Whether some answer that breaks a rule is one that a reaction is about."""
    failures = [one for one in rule.evidence if one.finding.outcome == "fail"]
    return any(fits(reaction.seen, exchanges[one.exchange], one.finding) for one in failures)


def _groups(broken: Iterable[RuleVerdict], told: Collection[str]) -> list[Broken]:
    rules = list({one.rule: one for one in broken}.values())
    found = {
        "sdk": [one.rule for one in rules if "sdk" in one.breaks and one.rule not in told],
        "application": [one.rule for one in rules if "application" in one.breaks],
        "letter": [one.rule for one in rules if one.breaks == ("letter",)],
    }
    return [Broken(OTHERS[group], tuple(ids)) for group, ids in found.items() if ids]
