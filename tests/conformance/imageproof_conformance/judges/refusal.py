"""The one judge of requests that must be refused, and of those that may be."""

from __future__ import annotations

from imageproof_conformance.answers import unknown_model
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.table import Breach, Context, Said, generic

# A closed door, no route, or no time says nothing of the request itself.
CLOSED = frozenset({401, 402, 403, 405, 407, 408, 425, 429, 501})


@generic
def refused(exchange: Exchange, context: Context) -> Said:
    """4xx keeps the rule; served or 5xx breaks it. 404 speaks only where it may be about the model, and no refusal of
    the model itself speaks for another rule."""
    status = exchange.status or 0
    asked = exchange.probe.id.rpartition("/")[2]
    if status >= 500:
        return None if status == 501 else Breach("answered with a failure of the server", asked, said_by(exchange))
    if 200 <= status < 300:
        if exchange.probe.expect == "either":
            return (
                True
                if answer(exchange).error is None
                else Breach("an error comes as a success", asked, said_by(exchange))
            )
        pictures = len(answer(exchange).items)
        shown_count = f", {pictures} picture{'' if pictures == 1 else 's'}" if pictures else ""
        return Breach(
            "an invalid request was served",
            asked,
            f"status {status}{shown_count}",
        )
    if unknown_model(exchange):
        return None
    if status in CLOSED or (status == 404 and not _about_model(exchange)) or status < 400:
        return None
    return True


def _about_model(exchange: Exchange) -> bool:
    """Whether a probe is about the model, or the 404 says that it is."""
    error = answer(exchange).error or {}
    return any("MODEL" in rule for rule in exchange.probe.rules[:1]) or (
        error.get("code") == "model_not_found" or error.get("param") == "model"
    )


def said_by(exchange: Exchange) -> str:
    """What a refusal says of itself, for a message."""
    error = answer(exchange).error or {}
    words = error.get("message")
    return f"status {exchange.status}" + (f": {shown(words)}" if isinstance(words, str) and words else "")
