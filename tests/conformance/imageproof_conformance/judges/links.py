"""Judges of pictures that come as a URL, on what the wire fetched without the key."""

from __future__ import annotations

from urllib.parse import urlsplit

from imageproof_conformance.exchange import Download, Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.table import EDIT, GEN, VAR, Breach, Context, Said, each, judges


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


def _downloads(exchange: Exchange) -> list[Download]:
    """What was fetched. A URL that the suite itself would not fetch says nothing of whether others can."""
    return [one for one in exchange.downloads if _absolute(one.url) and not one.failure.startswith("not fetched")]


def _absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
