"""Judges of pictures that come as a URL, on what the wire fetched without the key."""

from __future__ import annotations

import socket
from contextlib import suppress
from urllib.parse import urlsplit

from imageproof_conformance import guard
from imageproof_conformance.exchange import Download, Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.table import EDIT, GEN, VAR, Breach, Context, Kept, Said, each, judges

MINUTE = 60.0
_INNER = ("localhost", "local", "internal", "lan", "intranet", "home", "corp", "test")  # last labels of no public name


@judges(*each("URL-ABSOLUTE", GEN, EDIT, VAR))
def absolute(exchange: Exchange, context: Context) -> Said:
    urls = [(index, item.url) for index, item in enumerate(answer(exchange).items) if item.url]
    for index, url in urls:
        if not _absolute(url):
            return Breach("url is no absolute http or https URL", "", f"data[{index}]: {shown(url, 80)}")
    return True if urls else None


@judges(*each("URL-FETCH", GEN, EDIT, VAR))
def fetched(exchange: Exchange, context: Context) -> Said:
    found = _downloads(exchange)
    for one in found:
        if one.failure or one.status != 200:
            return Breach(
                "a picture's URL cannot be fetched", shown(one.url, 80), one.failure or f"status {one.status}"
            )
    return True if found else None


@judges(*each("URL-TYPE", GEN, EDIT, VAR))
def media_type(exchange: Exchange, context: Context) -> Said:
    found = [one for one in _downloads(exchange) if one.status == 200 and not one.failure]
    for one in found:
        if not one.media_type.lower().startswith("image/"):
            return Breach("a picture's URL has no image media type", shown(one.url, 80), one.media_type or "no type")
    return True if found else None


@judges(*each("URL-HOST", GEN, EDIT, VAR))
def host(exchange: Exchange, context: Context) -> Said:
    urls = [item.url for item in answer(exchange).items if _absolute(item.url)]
    if not urls or context.target_private:
        return True if urls else None
    for url in urls:
        fetched_as = next((one.failure for one in exchange.downloads if one.url == url), "")
        if private_name(urlsplit(url).hostname or "") or fetched_as in guard.INNER:
            return Breach("a picture's URL leads to a private host", "a public host", shown(url, 80))
    return True


def private_name(name: str) -> bool:
    """Whether a host is this machine or a private network by its spelling: an address of one, or a name that no public
    one looks like. Nothing is resolved."""
    with suppress(OSError, UnicodeError):  # also as 127.1, 0x7f000001 and other ways to write an IPv4 address
        name = socket.inet_ntoa(socket.inet_aton(name))
    try:
        return guard.is_private(name)
    except ValueError:
        labels = name.lower().rstrip(".").split(".")
        return len(labels) == 1 or labels[-1] in _INNER


@judges(*each("URL-LASTS", GEN, EDIT, VAR))
def lasts(exchange: Exchange, context: Context) -> Said:
    found = [one for one in exchange.later if not one.failure.startswith("not fetched")]
    after = f"{exchange.later_after:.0f} s after the answer"
    for one in found:
        if one.failure or one.status != 200:
            return Breach(f"a picture's URL is gone {after}", shown(one.url, 80), one.failure or f"status {one.status}")
    if found and exchange.later_after < MINUTE:
        return Kept(f"fetched once more {after}, at the end of the run; --url-age {MINUTE:g} waits a minute")
    return True if found else None


def _downloads(exchange: Exchange) -> list[Download]:
    """What was fetched. A URL that the suite itself would not fetch says nothing of whether others can."""
    return [one for one in exchange.downloads if _absolute(one.url) and not one.failure.startswith("not fetched")]


def _absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
