"""Judges of what is said where nothing is given: too many calls, a path that is not there, a prompt that is stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from imageproof_conformance.answers import said
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.links import private_name
from imageproof_conformance.judges.refusal import said_by
from imageproof_conformance.judges.served import shown_body
from imageproof_conformance.judges.table import Breach, Context, Said, judges

_CODES = re.compile(r"moderation|content.?policy|content.?filter|safety|policy.?violation|responsible", re.IGNORECASE)
_FILE = re.compile(
    r"No such file|FileNotFound|ENOENT|cannot find the file|(?<![A-Za-z])[A-Za-z]:\\\\?\w", re.IGNORECASE
)
# A path of two steps or more that stands by itself: neither the rest of a URL nor a fraction.
_PATH = re.compile(r"(?<![\w:/.~%-])/[\w.~%-]{1,100}(?:/[\w.~%-]{1,100}){1,30}", re.ASCII)
_URL = re.compile(r"https?://[^\s\"'<>\\]{1,300}", re.ASCII)
_READ = 2**12  # characters of a message that are looked at


def _with_earlier(exchange: Exchange, *statuses: int) -> Iterator[Exchange]:
    """A call and its earlier sendings, those with one of the statuses."""
    yield from (one for one in (*exchange.earlier, exchange) if one.status in statuses)


@judges("ERR-LIMIT", of_silence=True)
def limit(exchange: Exchange, context: Context) -> Said:
    kept: Said = None
    for one in _with_earlier(exchange, 429):
        error = answer(one).error
        message = error.get("message") if error is not None else None
        if not isinstance(message, str) or not message:
            got = f"status 429: {shown_body(one)}" if error is None else f"message: {shown(message)}"
            return Breach("an answer 429 has no `error` object with a message", "", got)
        kept = True
    return kept


@judges("ERR-RETRY-AFTER", of_silence=True)
def retry_after(exchange: Exchange, context: Context) -> Said:
    kept: Said = None
    for one in (*exchange.earlier, exchange):
        value = one.header("retry-after")
        if value is None:
            continue
        if not re.fullmatch(r"[0-9]{1,9}", value.strip(), re.ASCII) or int(value) < 1:
            return Breach("Retry-After is no whole number of seconds from 1", "", f"Retry-After: {shown(value)}")
        kept = True
    return kept


@judges("ERR-NO-ROUTE")
def no_route(exchange: Exchange, context: Context) -> Said:
    status, found = exchange.status or 0, answer(exchange)
    if status in (401, 403, 405, 407) or 300 <= status < 400:
        return None
    if status != 404:
        if "HTTP-TRAILING-SLASH" in exchange.probe.rules:
            return None  # the target has that path
        return Breach("a path that is not there is not answered 404", exchange.probe.request.path, f"status {status}")
    if found.error is not None:
        return True
    return Breach("a 404 has no `error` object", exchange.probe.request.path, shown_body(exchange))


@judges("ERR-NOT-FOUND")
def not_found(exchange: Exchange, context: Context) -> Said:
    if exchange.status != 404:
        return None
    error = answer(exchange).error or {}
    text = " ".join(str(error[name]) for name in ("message", "code", "param") if error.get(name)) or said(exchange)
    if not text:
        return None  # an answer without words is about nothing
    text = text[:_READ]
    if match := _FILE.search(text):
        return Breach("a 404 is about a file behind the target", exchange.probe.request.path, shown(match[0]))
    called = urlsplit(exchange.url)
    for match in _PATH.finditer(text):
        told = match[0].rstrip(".")
        # What stands before the path of the contract is the business of proxies on the way.
        if told not in called.path and exchange.probe.request.path.rstrip("/") not in told:
            return Breach("a 404 is about another path than the one called", called.path[-80:], shown(match[0]))
    for match in _URL.finditer(text):
        host = _host(match[0])
        if host and host != called.hostname and private_name(host):
            return Breach("a 404 is about a host behind the target", called.path[-80:], shown(match[0]))
    return True


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@judges("ERR-MODERATION")
def moderation(exchange: Exchange, context: Context) -> Said:
    found, status = answer(exchange), exchange.status or 0
    if found.served:
        return None  # what was not stopped says nothing of how it would be
    if status in (401, 404, 405, 429, 501):
        return None
    code = (found.error or {}).get("code")
    if found.refused and isinstance(code, str) and _CODES.search(code):
        return True
    message = "a prompt that was to be stopped is refused without a code that says so"
    return Breach(message, "such as moderation_blocked", f"{said_by(exchange)}; code: {shown(code)}")
