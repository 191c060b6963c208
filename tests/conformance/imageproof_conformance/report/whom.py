"""What breaks for whom: the broken rules turned round, by those who notice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imageproof.contract.clients import Clients, Reaction, clients
from imageproof_conformance.gates import QUESTIONS, breaches
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


def whom(rules: Iterable[RuleVerdict], table: Clients | None = None) -> tuple[Broken, ...]:
    """Who is hit by what is broken: each client that was seen to break so, in the order of the table, then the groups
    that the rules themselves name; the official SDKs there only for rules over which none of them was driven."""
    known = table or clients()
    broken = list({one.rule: one for one in rules if any(breaches(name, one) for name in QUESTIONS)}.values())
    hit: dict[tuple[str, Reaction], list[str]] = {}
    for rule in broken:
        for client, reactions in known.of(rule.rule).items():
            for reaction in reactions:
                hit.setdefault((client, reaction), []).append(rule.rule)
    order = {name: place for place, name in enumerate(known.clients)}
    named = [
        Broken(known.clients[client].title, tuple(ids), client, f"when {one.when}, it {one.then}")
        for (client, one), ids in sorted(hit.items(), key=lambda item: order[item[0][0]])
    ]
    return (*named, *_groups(broken, known))


def _groups(broken: Iterable[RuleVerdict], known: Clients) -> list[Broken]:
    rules = list(broken)
    official = {one.id for one in known.clients.values() if one.official}
    driven = {one.rule for one in rules if official & set(known.of(one.rule))}
    found = {
        "sdk": [one.rule for one in rules if "sdk" in one.breaks and one.rule not in driven],
        "application": [one.rule for one in rules if "application" in one.breaks],
        "letter": [one.rule for one in rules if one.breaks == ("letter",)],
    }
    return [Broken(OTHERS[group], tuple(ids)) for group, ids in found.items() if ids]
