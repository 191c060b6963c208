"""Answers read: JSON whose pictures stay where they are until somebody asks for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx2

from ._wire import Wire
from .errors import APIResponseValidationError

T = TypeVar("T")
LONG = 16 * 1024  # bytes; a shorter text is read like any other


@dataclass(frozen=True)
class Inline:
    """The base64 of a file, still inside the answer that brought it: neither copied nor decoded."""

    span: memoryview

    def text(self) -> str:
        return str(self.span, "utf-8", "replace")

    def __repr__(self) -> str:
        return f"{str(self.span[:100], 'ascii', 'replace')!r}... ({len(self.span)} characters)"


@dataclass(frozen=True)
class Origin:
    """Where answers come from: the wire and base URL of the client, None and "" for what has none; `inline` are the
    names of members that hold files in base64, `secrets` find the key."""

    wire: Wire | None = None
    base_url: str = ""
    inline: Collection[str] = ()
    secrets: tuple[re.Pattern[str], ...] = field(default=(), repr=False)
    taken: list[Inline] = field(default_factory=lambda: list[Inline]())

    def take(self, value: Inline) -> Inline:
        """Says that a model holds the file."""
        self.taken.append(value)
        return value

    def clean(self, text: str) -> str:
        """A server's text without the key: some repeat it in their errors."""
        for secret in self.secrets:
            text = secret.sub("[key]", text)
        return text

    def text(self, data: bytes) -> str:
        """Bytes of an answer as a text that may be shown."""
        return self.clean(data.decode("utf-8", "replace"))

    def headers(self, response: httpx2.Response) -> httpx2.Headers:
        """Headers of an answer that may be shown."""
        return httpx2.Headers([(name, self.clean(value)) for name, value in response.headers.multi_items()])

    def request_id(self, response: httpx2.Response) -> str | None:
        """The id that the server gave the exchange."""
        return self.clean(response.headers.get("x-request-id", "")) or None


def decoded(data: bytes, decode: Callable[[Any, Any], T], origin: Origin) -> T:
    """JSON decoded. Long texts of members that hold files are not read: they are cut out, and a model takes them as
    they are. Where no model takes one, all is read again the plain way. ValueError for what is no JSON."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    spans = _spans(data, origin.inline) if len(data) > LONG else []
    if spans:
        origin = replace(origin, taken=[])
        found = _cut(data, spans, origin.inline)
        if found is not None:
            made = decode(found, origin)
            if len(origin.taken) == len(spans):
                return made
    return decode(json.loads(data), origin)


def media_type_of(response: httpx2.Response) -> str:
    """What an answer says that it is, without parameters, "" where it does not say."""
    found: str = response.headers.get("content-type", "")
    return found.partition(";")[0].strip().lower()


def invalid(message: str, response: httpx2.Response, origin: Origin) -> APIResponseValidationError:
    """The error for an answer that was read, says success and is none."""
    return APIResponseValidationError(
        message,
        status_code=response.status_code,
        raw=origin.text(response.content),
        request_id=origin.request_id(response),
        headers=origin.headers(response),
    )


def _spans(data: bytes, names: Collection[str]) -> list[tuple[int, int]]:
    """(start, end) of the long texts, without escapes, of members with these names. In JSON a quotation mark inside a
    text has a backslash before it, so what looks like such a member is one."""
    found: list[tuple[int, int]] = []
    for name in names:
        for match in re.finditer(rb'"%s"\s*:\s*"' % re.escape(name.encode()), data):
            end = data.find(b'"', match.end())
            if end - match.end() >= LONG and data.find(b"\\", match.end(), end) < 0:
                found.append((match.end(), end))
    return sorted(found)


def _cut(data: bytes, spans: list[tuple[int, int]], names: Collection[str]) -> Any:
    """JSON with each span as an Inline in its place, None where it is no JSON."""
    pieces: list[bytes] = []
    start = 0
    for number, (at, end) in enumerate(spans):
        pieces += [data[start:at], b"\\u0000%d" % number]  # a text that no server has a reason to send
        start = end
    places = {f"\0{number}": slice(*span) for number, span in enumerate(spans)}
    whole = memoryview(data)

    def placed(members: dict[str, Any]) -> dict[str, Any]:
        for name in names:
            value = members.get(name)
            if isinstance(value, str) and value in places:
                members[name] = Inline(whole[places[value]])
        return members

    try:
        return json.loads(b"".join([*pieces, data[start:]]), object_hook=placed)
    except (ValueError, RecursionError):
        return None
