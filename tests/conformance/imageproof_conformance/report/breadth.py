"""What a target offers, told to people."""

from __future__ import annotations

from collections.abc import Iterator

from imageproof_conformance.assumed import JSON_EDITS, Assumed, assumed, by_free_call
from imageproof_conformance.baseline import names
from imageproof_conformance.budget import many
from imageproof_conformance.documented import kept
from imageproof_conformance.offered import Offer, tried
from imageproof_conformance.record import Run

_WORDS = {True: "yes", False: "no"}
_TOLD = {"stream": "streaming", "mask": "mask", JSON_EDITS: JSON_EDITS}


def told(run: Run) -> Iterator[str]:
    """Lines on operations and models, on each model's abilities, and on what they cost."""
    if run.discovery.offered:
        listed = f"; {many(len(run.discovery.listed), 'model')} listed" if run.discovery.listed else ""
        yield f"offered: {', '.join(sorted(run.discovery.offered))}{listed}"
    yield from _encodings(run)
    for offer in run.offers:
        yield f"{offer.model}: {_abilities(run, offer)}"
        if taken := "; ".join(one.said for one in assumed_of(run, offer)):
            yield f"{offer.model}, assumed until a picture shows it: {taken}"
    if out_of_date := kept(run.verdict.rules):
        yield f"documented not to be kept, and kept here: {names(out_of_date)}"
    if run.offers:
        yield f"spent: {many(run.spent, 'picture')}{_money(run)}"


def assumed_of(run: Run, offer: Offer) -> tuple[Assumed, ...]:
    """What is assumed of a model of a run."""
    plan = next(one for one in run.plans if one.choice.name == offer.model)
    return tuple(assumed(offer, plan, run.profile.provider, run.discovery.encodings))


def _encodings(run: Run) -> Iterator[str]:
    """In which encodings an operation takes its body, as free calls have it."""
    if run.discovery.trouble:
        return
    words = {True: "taken", False: "not taken", None: "not settled by a free call, so assumed"}
    for operation in dict.fromkeys(operation for operation, *_ in run.discovery.encodings):
        found = [f"{kind}: {words[yes]}" for name, kind, yes in run.discovery.encodings if name == operation]
        yield f"{operation} as {', '.join(found)}"


def _abilities(run: Run, offer: Offer) -> str:
    carrier = f"pictures as {' or '.join(offer.carriers)}" if offer.carriers else "carrier not seen"
    words = {name: _WORDS[yes] for name, yes in offer.abilities.items()}
    words = {**dict.fromkeys(tried(offer.model, run.exchanges), "asked, and not settled"), **words}
    if (free := by_free_call(run.discovery.encodings)) is not None and not offer.refused:
        words.setdefault(JSON_EDITS, f"{_WORDS[free]}, by a free call")
    asked = [name for name in ("url", "b64_json") if name in words]
    carrier += "".join(f", {name} on request: {words[name]}" for name in asked)
    able = [f"{told}: {words.get(name, 'not asked')}" for name, told in _TOLD.items()]
    seconds = "" if offer.seconds is None else f"; {offer.seconds:.1f} s a picture"
    lost = f"; refused for this model: {', '.join(offer.refused)}" if offer.refused else ""
    return f"{carrier}; {', '.join(able)}{seconds}{lost}"


def _money(run: Run) -> str:
    if not run.spent:
        return ""
    if run.bill is None:
        return ", at no known price"
    return f", at most {run.bill.told(run.bill.spent)} ({run.bill.source})"
