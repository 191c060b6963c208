"""Judges of keys, models and plain HTTP."""

from __future__ import annotations

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.served import shown_body
from imageproof_conformance.judges.table import Breach, Context, Said, judges


@judges("AUTH-NO-KEY", "AUTH-BAD-KEY", "AUTH-BEFORE-BODY")
def closed(exchange: Exchange, context: Context) -> Said:
    status = exchange.status or 0
    if status == 401:
        return True
    if 300 <= status < 400 or status in (404, 405, 408, 429):
        return None
    if status >= 500 and exchange.probe.request.key == "bad":
        return None  # a wrong key is not tried often enough to tell a failure that is always there from one that is not
    key = {"none": "no key", "bad": "a wrong key", "yes": "the key"}[exchange.probe.request.key]
    return Breach(f"a call with {key} is not answered 401", key, f"status {status}")


@judges("MODELS-LIST")
def models_list(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served:
        return None
    if not isinstance(found.json, dict) or not isinstance(found.data, list):
        return Breach("the list of models has no `data` list", "", shown_body(exchange))
    ids = [one.get("id") if isinstance(one, dict) else None for one in found.data]
    if not all(isinstance(one, str) and one for one in ids):
        return Breach("a listed model has no id", "", shown(found.data))
    if context.model not in ids:
        return Breach("the model under test is not listed", context.model, f"{len(ids)} others")
    return True


@judges("MODELS-RETRIEVE")
def models_retrieve(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if 300 <= (exchange.status or 0) < 400:
        return None  # another rule names a redirect
    if not found.served:
        return Breach("a listed model cannot be retrieved", context.model, f"status {exchange.status}")
    got = found.json.get("id") if isinstance(found.json, dict) else None
    return True if got == context.model else Breach("another model was retrieved", context.model, shown(got))


@judges("MODELS-UNKNOWN")
def models_unknown(exchange: Exchange, context: Context) -> Said:
    if exchange.status == 404:
        return True
    if 300 <= (exchange.status or 0) < 400:
        return None
    return Breach("a model that does not exist is not answered 404", "404", f"status {exchange.status}")


@judges("HTTP-NO-REDIRECT")
def no_redirect(exchange: Exchange, context: Context) -> Said:
    if 300 <= (exchange.status or 0) < 400:
        got = f"status {exchange.status} to {shown(exchange.header('location') or 'nowhere', 80)}"
        return Breach("a path of the contract redirects", exchange.probe.request.path, got)
    return True


@judges("HTTP-METHOD")
def method(exchange: Exchange, context: Context) -> Said:
    status = exchange.status or 0
    if status in (404, 405):
        return True
    return Breach("GET on a path that only takes POST is not refused as such", "404 or 405", f"status {status}")


@judges("HTTP-ALIVE", of_silence=True)
def alive(exchange: Exchange, context: Context) -> Said:
    status = exchange.status
    if status is None:
        answered = any(one.status is not None for one in context.others)
        return Breach("the target does not answer any more", "an answer", shown(exchange.failure)) if answered else None
    if status in (402, 429, 501):
        return None
    return Breach("the target fails after all that it must refuse", "", f"status {status}") if status >= 500 else True


@judges("HTTP-CORS")
def cors(exchange: Exchange, context: Context) -> Said:
    origin = dict(exchange.probe.request.headers).get("Origin", "")
    allowed = (exchange.header("access-control-allow-origin") or "").strip()
    status = exchange.status or 0
    if exchange.probe.request.method != "OPTIONS":
        if status < 400:
            return None
        named = allowed in ("*", origin)
        return True if named else Breach("an error names no origin", f"Origin: {origin}", shown(allowed) or "no header")
    if not 200 <= status < 300:
        return Breach("a preflight is not granted", f"Origin: {origin}", f"status {status}")
    if allowed not in ("*", origin):
        return Breach("a preflight names no origin", f"Origin: {origin}", shown(allowed) or "no header")
    text = (exchange.header("access-control-allow-headers") or "").lower()
    headers = {one.strip() for one in text.split(",")}
    # The wildcard does not cover Authorization: Fetch standard, CORS-preflight fetch.
    if "authorization" not in headers or not headers & {"content-type", "*"}:
        return Breach("a preflight does not grant the headers", "authorization, content-type", shown(text) or "none")
    return True


@judges("HTTP-TRAILING-SLASH")
def trailing_slash(exchange: Exchange, context: Context) -> Said:
    status, found, path = exchange.status or 0, answer(exchange), exchange.probe.request.path
    if status in (401, 403, 407, 408, 425, 501):
        return None
    if status == 404:
        return True if found.error is not None else None  # the rule on such paths names it
    kept = status in (307, 308) and bool(exchange.header("location"))
    if kept or (200 <= status < 300 and isinstance(found.json, dict)) or (400 <= status < 500 and status != 405):
        return True
    got = f"status {status}"
    if 300 <= status < 400:
        return Breach("a path with a slash at its end redirects without its method", path, got)
    return Breach("a path with a slash at its end is another path", path, f"{got}: {shown_body(exchange)}")


@judges("HTTP-REQUEST-ID-OWN")
def own_request_id(exchange: Exchange, context: Context) -> Said:
    mine = exchange.header("x-request-id")
    if not mine:
        return None
    others = [one for one in context.others if one.status is not None and one.probe.id != exchange.probe.id]
    twice = next((one for one in others if one.header("x-request-id") == mine), None)
    if twice is not None:
        return Breach("two answers have the same x-request-id", shown(twice.probe.id, 80), shown(mine))
    return True if others else None


def nameless(rule: str, exchange: Exchange) -> str:
    """That an answer has no id, where the rule is about ids; else "". Another rule asks for one."""
    return "" if rule != "HTTP-REQUEST-ID-OWN" or exchange.header("x-request-id") else "there is no x-request-id"


@judges("HTTP-REQUEST-ID")
def request_id(exchange: Exchange, context: Context) -> Said:
    return True if exchange.header("x-request-id") else Breach("there is no x-request-id", "x-request-id", "absent")
