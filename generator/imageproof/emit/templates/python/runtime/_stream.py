"""Server-sent events, read as they arrive."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

import httpx2

from .errors import APIConnectionError, APIError, APIResponseValidationError, APITimeoutError

T = TypeVar("T")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Stream(Generic[T]):
    """Events of one answer, in the order in which they come. Iterate once; leaving the `with` block closes it.

    Raises APIError when the server reports a failure, and APIResponseValidationError when the events end too soon.
    """

    def __init__(
        self,
        response: httpx2.Response,
        *,
        decode: Callable[[Any], T],
        member: str,
        last: Collection[str],
        request_id: str | None,
        clean: Callable[[str], str],
    ) -> None:
        self.response = response
        self.request_id = request_id
        self._decode = decode
        self._member = member
        self._last = last
        self._clean = clean
        self._count = 0
        self._events = self._read()

    def __iter__(self) -> Iterator[T]:
        return self._events

    def __next__(self) -> T:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.response.is_closed else "open"
        told = f", request_id={self._clean(self.request_id)!r}" if self.request_id else ""
        return f"Stream({state}, status={self.response.status_code}, events={self._count}{told})"

    def close(self) -> None:
        """Stop listening. The server may go on, and charge."""
        self.response.close()

    def _read(self) -> Iterator[T]:
        ended = not self._last
        try:
            for event, text in sse_events(lines(self.response.iter_bytes())):
                if text.strip() == "[DONE]":
                    continue
                data = self._parse(event, text)
                ended = ended or (isinstance(data, dict) and data.get(self._member) in self._last)
                self._count += 1
                yield self._decode(data)
        except httpx2.TimeoutException:
            raise APITimeoutError("the stream fell silent", request_id=self.request_id) from None
        except httpx2.HTTPError as error:
            raise APIConnectionError(f"the stream broke: {error}", request_id=self.request_id) from None
        except httpx2.StreamError:
            raise APIConnectionError("the stream is closed", request_id=self.request_id) from None
        finally:
            self.close()
        if not ended:
            raise APIResponseValidationError("the stream ended before its last event", request_id=self.request_id)

    def _parse(self, event: str, text: str) -> Any:
        text = self._clean(text)
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise APIResponseValidationError("an event is not JSON", raw=text, request_id=self.request_id) from None
        if not isinstance(data, dict):
            return data
        if data.get("error") or "error" in (event, data.get("type")):
            raise APIError("the stream reported an error", raw=text, request_id=self.request_id)
        if event and self._member:
            data.setdefault(self._member, event)
        return data


def sse_events(text: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(event name or "", data) of each event; comments and unknown fields are passed over."""
    event = ""
    data: list[str] = []
    for line in text:
        if not line:
            if data:
                yield event, "\n".join(data)
            event, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value
    if data:  # the last blank line is often forgotten
        yield event, "\n".join(data)


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines as they complete, however the bytes are cut; only CR and LF end a line, so that JSON text stays whole."""
    held: list[bytes] = []
    after_return = False
    start = True
    for chunk in chunks:
        if after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if not chunk:
            continue
        after_return = chunk.endswith(b"\r")
        first, *others = _LINE_END.split(chunk)
        held.append(first)
        for other in others:
            line = b"".join(held).decode("utf-8", "replace")
            yield line.removeprefix("\ufeff") if start else line
            start = False
            held = [other]
    if any(held):
        yield b"".join(held).decode("utf-8", "replace")
