"""What a target offers, told to people."""

from __future__ import annotations

from collections.abc import Iterator

from imageproof_conformance.budget import many
from imageproof_conformance.offered import Offer, money
from imageproof_conformance.run import Run

_WORDS = {True: "yes", False: "no", None: "not asked"}
_TOLD = {"stream": "streaming", "mask": "mask", "JSON edits": "JSON edits"}


def told(run: Run) -> Iterator[str]:
    """Lines on operations and models, on each model's abilities, and on what they cost."""
    if run.discovery.offered:
        listed = f"; {many(len(run.discovery.listed), 'model')} listed" if run.discovery.listed else ""
        yield f"offered: {', '.join(sorted(run.discovery.offered))}{listed}"
    yield from (f"{one.model}: {_abilities(one)}" for one in run.offers)
    if run.offers:
        yield f"spent: {many(run.spent, 'picture')}{_money(run)}"


def _abilities(offer: Offer) -> str:
    carrier = f"pictures as {' or '.join(offer.carriers)}" if offer.carriers else "carrier not seen"
    asked = [name for name in ("url", "b64_json") if name in offer.abilities]
    carrier += "".join(f", {name} on request: {_WORDS[offer.abilities[name]]}" for name in asked)
    able = [f"{word}: {_WORDS[offer.abilities.get(name)]}" for name, word in _TOLD.items()]
    seconds = "" if offer.seconds is None else f"; {offer.seconds:.1f} s a picture"
    return f"{carrier}; {', '.join(able)}{seconds}"


def _money(run: Run) -> str:
    if not run.spent:
        return ""
    found = money(run.plans, run.exchanges)
    if found is None:
        return ", at no known price"
    return f", at most {found.amount:.2f} {found.currency} at the list price of {found.date}"
