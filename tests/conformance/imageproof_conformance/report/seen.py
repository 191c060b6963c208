"""What was seen of an answer that breaks a rule, by the words of the table of clients: what a client makes of a breach
depends on how the rule was broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from imageproof_conformance.answers import page
from imageproof_conformance.exchange import Exchange, Finding
from imageproof_conformance.judges.answer import Answer, answer
from imageproof_conformance.judges.streams import UNKNOWN_KIND

_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=_\s-]")
Fits = Callable[[Exchange, Answer, Finding], bool]

# Word of `seen` in spec/clients.yaml -> whether an answer fits it.
WORDS: Mapping[str, Fits] = {
    "refused": lambda one, found, told: (one.status or 0) >= 400,
    "no-stream": lambda one, found, told: found.served and not found.streamed,
    "events": lambda one, found, told: found.streamed,
    "other-type": lambda one, found, told: not found.streamed and not _typed_json(one),
    "no-json": lambda one, found, told: not found.is_json and not _typed_json(one),
    "half-json": lambda one, found, told: not found.is_json and _typed_json(one),
    "no-data": lambda one, found, told: not found.streamed and not isinstance(found.data, list),
    "no-pictures": lambda one, found, told: not found.streamed and not (isinstance(found.data, list) and found.data),
    "no-carrier": lambda one, found, told: any(not item.url and not item.b64 for item in found.items),
    "urls": lambda one, found, told: any(item.url and not item.b64 for item in found.items),
    "base64": lambda one, found, told: any(item.b64 and not item.url for item in found.items),
    "created-text": lambda one, found, told: isinstance(found.head.get("created"), str),
    "no-base64": lambda one, found, told: any(bool(_NO_BASE64.search(item.b64)) for item in found.items),
    "error-text": lambda one, found, told: isinstance(found.json, dict) and isinstance(found.json.get("error"), str),
    "no-error": lambda one, found, told: found.error is None,
    "page": lambda one, found, told: page(one),
    "error-in-success": lambda one, found, told: found.served and found.error is not None,
    "unknown-kind": lambda one, found, told: told.message == UNKNOWN_KIND,
    "ended": lambda one, found, told: not one.failure and not any(event.completed for event in found.events),
    "cut": lambda one, found, told: bool(one.failure),
}


def fits(word: str, exchange: Exchange, finding: Finding) -> bool:
    """Whether what was found of an answer fits a word; "" fits all. KeyError for a word that nobody knows."""
    return not word or WORDS[word](exchange, answer(exchange), finding)


def _typed_json(exchange: Exchange) -> bool:
    return exchange.media_type.endswith("json")
