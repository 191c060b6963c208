"""A run held against its baseline: what is excused, what has lapsed, what is only to be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from imageproof.contract.requirements import Requirement
from imageproof_conformance.baseline import SOON, Baseline, Expected, about, day, later, names, reached
from imageproof_conformance.exchange import Tier
from imageproof_conformance.gates import Item, Terms
from imageproof_conformance.offered import Offer
from imageproof_conformance.profile import Profile
from imageproof_conformance.verdict import RuleVerdict

State = Literal["failing", "passing", "unknown"]


@dataclass(frozen=True)
class _Held:
    """An entry of the baseline beside what a run says of it."""

    entry: Expected
    rules: tuple[RuleVerdict, ...]
    reached: bool

    @property
    def failing(self) -> tuple[RuleVerdict, ...]:
        return tuple(one for one in self.rules if one.status in ("fail", "warn"))

    @property
    def state(self) -> State:
        """What the run says: it passes only where every model was judged in full, on all calls that it failed on."""
        if self.failing:
            return "failing"
        whole = (
            bool(self.rules) and self.reached and all(one.status == "pass" and not one.partial for one in self.rules)
        )
        return "passing" if whole else "unknown"


def terms(
    profile: Profile,
    registry: Mapping[str, Requirement],
    rules: Sequence[RuleVerdict],
    found: Iterable[Offer],
    tier: Tier,
    started: float,
    trouble: str = "",
) -> Terms:
    """What a run of a tier is held to. `trouble` says that there is no verdict: then nothing has lapsed."""
    baseline = profile.baseline
    set_of = profile.rules or (baseline.rules if baseline else "")
    newer = later(set_of, registry)
    if baseline is None:
        return Terms(profile.gate, set_of, later=newer)
    today = day(started)
    held = [_held(one, rules, tier) for one in baseline.expected if about(one.target, profile.base_url)]
    expired = [one for one in held if today > one.entry.expiry]
    valid = [one for one in held if one not in expired or not profile.strict]
    excused: dict[Item, str] = {(rule.rule, rule.model): one.entry.reason for one in valid for rule in one.failing}
    stale = [one for one in held if one.state == "passing" and not one.entry.flaky and one not in expired]
    lapsed = [
        *(f"expired on {one.entry.expiry}: {one.entry.told}" for one in expired),
        *(f"stale, it passes now: {one.entry.told}" for one in stale),
    ]
    lost = list(_lost(profile, baseline, found))
    notes = list(_notes(profile, baseline, held, today))
    if trouble:
        return Terms(profile.gate, set_of, excused, newer, (), tuple(notes))
    if not profile.strict:
        notes, lapsed = [*lapsed, *notes], []
    return Terms(profile.gate, set_of, excused, newer, (*lapsed, *lost), tuple(notes))


def _held(entry: Expected, rules: Sequence[RuleVerdict], tier: Tier) -> _Held:
    about_it = tuple(one for one in rules if one.rule == entry.id and entry.model in ("", one.model))
    return _Held(entry, about_it, reached(entry, tier))


def _lost(profile: Profile, baseline: Baseline, found: Iterable[Offer]) -> Iterator[str]:
    """Breadth that the baseline records and the run shows to be gone."""
    for offer in found:
        rows = [one for one in baseline.offered if about(one.target, profile.base_url) and one.model == offer.model]
        if gone := [name for one in rows for name in one.has if offer.lacks(name)]:
            yield f"no longer offered ({offer.model}): {names(dict.fromkeys(gone), len(gone))}"


def _notes(profile: Profile, baseline: Baseline, held: Sequence[_Held], today: date) -> Iterator[str]:
    for one in held:
        if one.entry.expiry - SOON <= today <= one.entry.expiry:
            yield f"expires on {one.entry.expiry}: {one.entry.told}"
    unknown = [one for one in held if one.state == "unknown" and not one.entry.flaky]
    unpaid = [one for one in unknown if any(rule.cause == "budget" for rule in one.rules)]
    for why, entries in (
        ("that were not judged", [one for one in unknown if one not in unpaid]),
        ("that the limits of the run left no room to judge in full", unpaid),
    ):
        if entries:
            yield f"expected failures {why}: {names([one.entry.id for one in entries])}"
    if others := len(baseline.expected) - len(held):
        yield f"expected failures of other targets: {others}"
