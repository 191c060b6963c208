"""Judges of error answers: the envelope, its keys, and what must not be in it."""

from __future__ import annotations

import re

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.served import shown_body
from imageproof_conformance.judges.table import Breach, Context, Said, judges

# Marks of a stack trace in the languages that servers are written in.
_TRACE = re.compile(
    rb"Traceback \(most recent call last\)|File \\?\"[^\"]{1,200}\\?\", line \d+|\.(?:js|ts|mjs|go|java|rb|py):\d+"
    rb"|goroutine \d+ \[|\bat [\w.$<>]+ ?\([^)\n]{1,200}:\d+"
)


def failed(exchange: Exchange) -> bool:
    return (exchange.status or 0) >= 400


@judges("ERR-ENVELOPE")
def envelope(exchange: Exchange, context: Context) -> Said:
    if not failed(exchange):
        return None
    found = answer(exchange)
    if not isinstance(found.json, dict):
        return Breach(
            "a refusal is no JSON object", "an `error` object", f"status {exchange.status}: {shown_body(exchange)}"
        )
    if found.error is None:
        got = (
            f"error: {shown(found.json['error'])}" if "error" in found.json else f"keys: {shown(', '.join(found.json))}"
        )
        return Breach("a refusal has no `error` object", "an `error` object", f"status {exchange.status}, {got}")
    message = found.error.get("message")
    if not isinstance(message, str) or not message:
        return Breach("`error` has no message", "a text", shown(message))
    return True


@judges("ERR-FOUR-KEYS")
def four_keys(exchange: Exchange, context: Context) -> Said:
    error = answer(exchange).error
    if not failed(exchange) or error is None:
        return None
    missing = [name for name in _required(context) if name not in error]
    if missing:
        return Breach("`error` lacks keys", ", ".join(missing), f"keys: {shown(', '.join(error))}")
    return (
        True
        if isinstance(error.get("type"), str)
        else Breach("`error.type` is no text", "a text", shown(error["type"]))
    )


def _required(context: Context) -> list[str]:
    """The keys that the contract requires in an error."""
    schemas = context.document.data.get("components", {}).get("schemas", {})
    envelope_schema = schemas.get("Error", {}).get("properties", {}).get("error", {})
    return list(context.document.resolve(envelope_schema).get("required", ()))


@judges("ERR-CODE")
def code(exchange: Exchange, context: Context) -> Said:
    return _text_or_null(exchange, "code")


@judges("ERR-PARAM")
def param(exchange: Exchange, context: Context) -> Said:
    return _text_or_null(exchange, "param")


def _text_or_null(exchange: Exchange, name: str) -> Said:
    error = answer(exchange).error
    if not failed(exchange) or error is None or name not in error:
        return None
    value = error[name]
    if value is None or isinstance(value, str):
        return True
    return Breach(f"`error.{name}` is neither text nor null", "a text or null", shown(value))


@judges("ERR-CONTENT-TYPE")
def content_type(exchange: Exchange, context: Context) -> Said:
    if not failed(exchange):
        return None
    if exchange.media_type == "application/json":
        return True
    return Breach("a refusal is not application/json", "application/json", exchange.media_type or "no type")


@judges("ERR-NO-DATA")
def no_data(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not isinstance(found.json, dict):
        return None
    if failed(exchange):
        return Breach("a refusal has `data`", "", shown(found.data)) if found.data is not None else True
    if found.served and found.json.get("error") is not None:
        return Breach("a success has `error`", f"status {exchange.status}", shown(found.json["error"]))
    return True if found.served else None


@judges("ERR-NO-TRACE")
def no_trace(exchange: Exchange, context: Context) -> Said:
    if not failed(exchange):
        return None
    match = _TRACE.search(exchange.body[: 2**20])
    if match:
        return Breach("a refusal shows a stack trace", "", shown(match[0].decode("utf-8", errors="replace")))
    return True
