"""Facts of an answer that the engine itself needs: its JSON, its error code, the URLs in it. Nothing here judges."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from imageproof_conformance.exchange import Exchange

MOST_URLS = 10  # as many as one call may ask pictures


NO_JSON = object()
MISCODED = "the body is not in the encoding that its Content-Encoding names"


def strict(text: str | bytes) -> Any:
    """The JSON value of a text (RFC 8259, in UTF-8; a mark of the byte order ahead of it is passed over), or NO_JSON:
    NaN and Infinity, which Python reads, are none to any other client."""
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return NO_JSON


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parsed(exchange: Exchange) -> Any:
    """The JSON value of the body, or None when it is no JSON."""
    found = strict(exchange.body)
    return None if found is NO_JSON else found


def served(exchange: Exchange) -> bool:
    return exchange.status is not None and 200 <= exchange.status < 300


def error(exchange: Exchange) -> dict[str, Any]:
    """The `error` object of the envelope, {} when there is none."""
    answer = parsed(exchange)
    found = answer.get("error") if isinstance(answer, dict) else None
    return found if isinstance(found, dict) else {}


def unknown_model(exchange: Exchange) -> bool:
    """Whether a refusal is about the model alone: of a call that names the model of the run and is about something
    else, so that the refusal says nothing of what the call asked."""
    probe = exchange.probe
    if exchange.status not in _ABOUT_MODEL or not probe.model or probe.asked.get("model") != probe.model:
        return False
    if any("MODEL" in rule for rule in probe.rules[:1]):
        return False
    return about_model(exchange) or _says_unknown(exchange, probe.model)


_ABOUT_MODEL = (400, 403, 404, 422)


def about_model(exchange: Exchange) -> bool:
    """Whether an error says that it is about the model."""
    found = error(exchange)
    return found.get("code") == "model_not_found" or found.get("param") == "model"


def _says_unknown(exchange: Exchange, model: str) -> bool:
    """Whether an error that names no parameter says in words that there is no such model."""
    if error(exchange).get("param"):
        return False
    text = said(exchange)[:_READ]
    name = rf"""(?:name )?[`'"]?{re.escape(model)}[`'"]?,?"""
    no = r"(?:not (?:found|exist|available|known|loaded)|no longer available|unknown|unavailable)"
    told = rf"\bmodel:? {name} (?:(?:is|was|does|could) )?(?:{no}|not be found)"
    return bool(re.search(rf"{told}|(?:unknown|no such|invalid) model\b|\bmodel not found", text, re.IGNORECASE))


_READ = 2000  # characters of a message that are looked at


def without(exchanges: Iterable[Exchange]) -> Mapping[tuple[str, str], str]:
    """Model and operation that do not go together, as a target says that knows both, and its words: of the model it
    serves other calls, and of every legal call of this operation it said that there is no such model (a 400 refuses
    what is asked, and breaks a rule)."""
    legal = [one for one in exchanges if one.probe.expect == "served" and one.probe.images and one.status is not None]
    working = {one.probe.model for one in legal if served(one)}
    found: dict[tuple[str, str], list[Exchange]] = {}
    for one in (one for one in legal if one.probe.model in working):
        found.setdefault((one.probe.model, one.probe.operation), []).append(one)
    return {
        place: f"{place[1]} is refused for {place[0]}: status {mine[0].status}: {said(mine[0])[:80]}"
        for place, mine in found.items()
        if all(one.status in (403, 404) and about_model(one) for one in mine)
    }


def turned_away(exchanges: Collection[Exchange]) -> str:
    """How many sendings were turned away and repeated, by their status; "" for none."""
    statuses = Counter(old.status for one in exchanges for old in one.earlier)
    sent = len(exchanges) + statuses.total()
    told = ", ".join(f"{count} with status {status}" for status, count in sorted(statuses.items(), key=str))
    return f"of {sent} requests {statuses.total()} were turned away and asked again: {told}" if told else ""


def route_missing(exchange: Exchange) -> bool:
    """Whether an answer says that there is no such route. A 404 about the model comes from a route that is there."""
    if exchange.status in (405, 501):
        return True
    return exchange.status == 404 and not about_model(exchange)


def urls(exchange: Exchange) -> tuple[str, ...]:
    """The `url` members of the items of `data` in a success."""
    if not served(exchange) or b'"url"' not in exchange.body:
        return ()
    answer = parsed(exchange)
    data = answer.get("data") if isinstance(answer, dict) else None
    items = data if isinstance(data, list) else []
    found = (item.get("url") for item in items if isinstance(item, dict))
    return tuple(dict.fromkeys(url for url in found if isinstance(url, str) and url))[:MOST_URLS]


def said(exchange: Exchange) -> str:
    """What an error answer says of itself, for a person; "" when it says nothing."""
    answer = parsed(exchange)
    if not isinstance(answer, dict):
        return ""
    found = answer.get("error", answer)
    if isinstance(found, dict):
        found = found.get("message") or found.get("detail") or ""
    return found if isinstance(found, str) else ""


def page(exchange: Exchange) -> bool:
    """Whether an answer is a page for people: a document of HTML, whatever it says of its type."""
    head = exchange.body[:512].lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html"))
