"""Judges of what a provider declares: whether its target does the same. Neither side is taken to be right."""

from __future__ import annotations

from imageproof_conformance.answers import route_missing
from imageproof_conformance.encodings import taken
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.served import declined, legal_pictures
from imageproof_conformance.judges.table import Breach, Context, Said, judges

_UNSETTLED = frozenset({401, 402, 403, 407, 408, 429})


@judges("DECLARED-OPERATIONS")
def operations(exchange: Exchange, context: Context) -> Said:
    listed, status = context.offers.operations, exchange.status or 0
    if listed is None or status in _UNSETTLED or status >= 502 or 300 <= status < 400:
        return None
    operation = exchange.probe.operation
    return _compared(operation, operation in listed, not route_missing(exchange), exchange)


@judges("DECLARED-ENCODINGS")
def encodings(exchange: Exchange, context: Context) -> Said:
    listed, found = context.offers.encodings, taken(exchange)
    if listed is None or found is None:
        return None
    media_type = "application/json" if exchange.probe.request.parts is None else "multipart/form-data"
    return _compared(f"an edit as {media_type}", media_type in listed, found, exchange)


@judges("DECLARED-MODELS")
def models(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    names = context.provider.models if context.provider else {}
    if not found.served or not isinstance(found.data, list) or not names:
        return None
    listed = {one.get("id") for one in found.data if isinstance(one, dict)}
    lost = [name for name in names if name not in listed]
    if not lost:
        return True
    return Breach("models that are declared are not listed", shown(", ".join(lost)), f"{len(listed)} others")


@judges("DECLARED-CARRIER")
def carrier(exchange: Exchange, context: Context) -> Said:
    wanted = context.offers.carrier
    found = {"b64_json" if one.b64 else "url" for one in legal_pictures(exchange) if one.b64 or one.url}
    if wanted is None or not found:
        return None
    return (
        True if found == {wanted} else Breach("pictures come otherwise than declared", wanted, ", ".join(sorted(found)))
    )


@judges("DECLARED-STREAM")
def stream(exchange: Exchange, context: Context) -> Said:
    declares = context.offers.stream
    if declares is None or not (answer(exchange).served or declined(exchange)):
        return None
    streamed = answer(exchange).served and exchange.media_type == "text/event-stream"
    return _compared("streaming", declares, streamed, exchange)


@judges("DECLARED-MASK")
def mask(exchange: Exchange, context: Context) -> Said:
    declares, found = context.offers.mask, answer(exchange)
    param = (found.error or {}).get("param")
    if declares is None or not (found.served or (found.refused and param == "mask")):
        return None
    return _compared("a mask", declares, found.served, exchange)


def _compared(what: str, declares: bool, does: bool, exchange: Exchange) -> Said:
    if declares == does:
        return True
    words = {True: "taken", False: "not taken"}
    said = "is declared, and is not" if declares else "is not declared, and is"
    return Breach(f"{what} {said} taken", words[declares], f"{words[does]}: status {exchange.status}")
