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
    if not found.served:
        return Breach("a listed model cannot be retrieved", context.model, f"status {exchange.status}")
    got = found.json.get("id") if isinstance(found.json, dict) else None
    return True if got == context.model else Breach("another model was retrieved", context.model, shown(got))


@judges("MODELS-UNKNOWN")
def models_unknown(exchange: Exchange, context: Context) -> Said:
    if exchange.status == 404:
        return True
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


@judges("HTTP-REQUEST-ID")
def request_id(exchange: Exchange, context: Context) -> Said:
    return True if exchange.header("x-request-id") else Breach("there is no x-request-id", "x-request-id", "absent")
