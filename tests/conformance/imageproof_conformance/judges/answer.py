"""An answer taken apart once: its JSON or its events, its items and their pictures. Nothing here judges."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from imageproof_conformance.answers import NO_JSON, strict
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.events import Event, events
from imageproof_conformance.judges.picture import Facts, look

_DATA_URL = re.compile(r"^\s*data:[^,]{0,200},", re.ASCII)


@dataclass(frozen=True)
class Item:
    """One picture of an answer.

    raw    the entry of `data`, or the completed event, as it came
    b64, url  its carriers, "" where absent, null or not text
    data   the bytes of the picture, read with indulgence (see `lenient`); None when there are none to read
    facts  what the bytes are; None without bytes
    """

    raw: Any
    b64: str
    url: str
    data: bytes | None
    facts: Facts | None


@dataclass(frozen=True)
class Answer:
    """An exchange taken apart.

    json      the body as JSON; None when it is none (or is null)
    is_json   whether the body is JSON
    error     the `error` object of the envelope, None when there is none
    head      what stands beside the pictures: the body, or for a stream its completed event
    data      `data` of the body as it came, None when absent
    items     the pictures of a success, in order
    events    of a stream, in order; () for any other answer
    """

    status: int | None
    json: Any
    is_json: bool
    error: Mapping[str, Any] | None
    head: Mapping[str, Any]
    data: Any
    items: tuple[Item, ...]
    events: tuple[Event, ...]
    streamed: bool

    @property
    def served(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        return self.status is not None and 400 <= self.status < 500


class _Same:
    """An exchange as a key: the same object, not an equal one (its `asked` cannot be hashed)."""

    __slots__ = ("exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def __hash__(self) -> int:
        return id(self.exchange)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.exchange is self.exchange


def answer(exchange: Exchange) -> Answer:
    """The answer of an exchange, taken apart once."""
    return _answer(_Same(exchange))


@lru_cache(maxsize=1024)  # more than the calls of one run, since rules are judged one after another
def _answer(same: _Same) -> Answer:
    exchange = same.exchange
    streamed = exchange.media_type == "text/event-stream"
    found = events(exchange.body) if streamed else ()
    body, is_json = (None, False) if streamed else _json(exchange.body)
    top: Mapping[str, Any] = body if isinstance(body, dict) else {}
    error = top.get("error")
    served = exchange.status is not None and 200 <= exchange.status < 300
    completed = [event.json for event in found if isinstance(event.json, dict) and event.completed]
    data = top.get("data")
    raw: Sequence[Any] = completed if streamed else data if isinstance(data, list) else ()
    return Answer(
        status=exchange.status,
        json=body,
        is_json=is_json,
        error=error if isinstance(error, dict) else None,
        head=(completed[-1] if completed else {}) if streamed else top,
        data=data,
        items=tuple(_item(one, exchange) for one in raw) if served else (),
        events=found,
        streamed=streamed,
    )


def lenient(text: str) -> bytes | None:
    """The bytes that a base64 text most likely means: a data: prefix, line breaks, the URL alphabet and missing padding
    are forgiven, because another rule judges them. None when nothing can be read."""
    bare = re.sub(r"\s", "", _DATA_URL.sub("", text, count=1)).replace("-", "+").replace("_", "/").rstrip("=")
    if not bare:
        return None
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def plain(text: str) -> bool:
    """Whether a text is standard base64 with its padding and nothing else."""
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def shown(value: Any, limit: int = 60) -> str:
    """A value for a message: short, on one line, printable."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, default=str)
    except (ValueError, RecursionError):
        text = type(value).__name__
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def whole(value: Any) -> bool:
    """Whether a JSON value is an integer as the official types have it (not a boolean, not 1.0)."""
    return isinstance(value, int) and not isinstance(value, bool)


def _json(body: bytes) -> tuple[Any, bool]:
    found = strict(body)
    return (None, False) if found is NO_JSON else (found, True)


def _item(raw: Any, exchange: Exchange) -> Item:
    entry = raw if isinstance(raw, dict) else {}
    b64, url = (value if isinstance(value := entry.get(name), str) else "" for name in ("b64_json", "url"))
    data = lenient(b64) if b64 else None
    if data is None and url:
        fetched = next((one for one in exchange.downloads if one.url == url), None)
        data = fetched.body if fetched and fetched.status == 200 and not fetched.failure else None
    return Item(raw, b64, url, data, look(data) if data is not None else None)
