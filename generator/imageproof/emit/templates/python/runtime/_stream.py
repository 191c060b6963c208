"""Server-sent events, read as they arrive."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, Self, TypeVar

import httpx2

from ._answer import Origin, decoded
from ._content import File
from ._model import Model, is_object
from ._request import Operation
from ._wire import Wire, run
from .errors import APIConnectionError, APIError, APIResponseValidationError, APITimeoutError

T = TypeVar("T")
Body = tuple[bytes, AsyncIterator[bytes]]  # what was read of it, and the rest
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BEGINNING = re.compile(rb"(\xef\xbb\xbf)?\s*(data|event|id|retry)?:")
EVENT_STREAM = "text/event-stream"
_ENOUGH = 16  # bytes that tell a beginning, without blanks


async def beginning(chunks: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """What came first of a body, and whether events begin so: some servers send them under any media type."""
    held = b""
    async for chunk in chunks:
        held += chunk
        if _BEGINNING.match(held):
            return held, True
        if len(held.lstrip()) >= _ENOUGH:
            break
    return held, False


class EventReader:
    """Bytes to events, however they are cut. Comments and unknown fields are passed over, only CR and LF end a line, so
    that JSON stays whole, and behind the data `[DONE]` it is `done`, and reads no more."""

    def __init__(self) -> None:
        self._held: list[bytes] = []  # pieces of a line that is not complete
        self._after_return = False
        self._start = True
        self._event = ""
        self._data: list[bytes] = []
        self.done = False

    def feed(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        """(event name or "", data) of each event that these bytes complete."""
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if not chunk:
            return
        self._after_return = chunk.endswith(b"\r")
        if b"\n" not in chunk and b"\r" not in chunk:
            self._held.append(chunk)
            return
        first, *others = _LINE_END.split(chunk)
        self._held.append(first)
        for other in others:
            if self.done:
                return
            yield from self._line(b"".join(self._held))
            self._held = [other]

    def end(self) -> Iterator[tuple[str, bytes]]:
        """The event that the end completes: the last blank line is often forgotten."""
        if self.done:
            return
        if any(self._held):
            yield from self._line(b"".join(self._held))
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[tuple[str, bytes]]:
        if self._start:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._start = False
        if not line:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            self.done = data.strip() == b"[DONE]"
            if self._data and not self.done:
                yield self._event, data
            self._event, self._data = "", []
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")


class _Events(Generic[T]):
    """What both kinds of streams know: how events are read, and when they may end."""

    def __init__(self, response: httpx2.Response, body: Body, operation: Operation, origin: Origin, wire: Wire) -> None:
        self.response = response
        self.request_id = origin.request_id(response)
        self._operation = operation
        self._origin = origin
        self._wire = wire
        self.finished: list[T] = []
        self._count = 0
        self._ended = not operation.last
        self._closed = False
        self._events = self._read(*body)

    def __repr__(self) -> str:
        state = "closed" if self.response.is_closed else "open"
        told = f", request_id={self.request_id!r}" if self.request_id else ""
        return f"{type(self).__name__}({state}, status={self.response.status_code}, events={self._count}{told})"

    def _error(self, kind: type[APIError], message: str, data: bytes = b"") -> APIError:
        """An error that carries what was paid for."""
        made = kind(message, raw=self._origin.text(data), request_id=self.request_id)
        made.finished = tuple(self.finished)
        return made

    def _one(self, event: str, data: bytes) -> T:
        if self._closed:
            raise self._error(APIConnectionError, "the stream is closed")

        def checked(value: Any, origin: Origin) -> T:
            if is_object(value):
                if value.get("error") or "error" in (event, value.get("type")):
                    raise self._error(APIError, "the stream reported an error", data)
                if event and self._operation.member:
                    value.setdefault(self._operation.member, event)
            found: T = self._operation.events(value, origin)
            return found

        try:
            made = decoded(data, checked, self._origin)
        except (ValueError, RecursionError):
            raise self._error(APIResponseValidationError, "an event is not JSON", data) from None
        self._count += 1
        if self._is_last(made) and (not isinstance(made, Model) or made.holds_files()):
            self._ended = True
            self.finished.append(made)
        return made

    def _broken(self, error: Exception) -> APIError:
        if self._closed or isinstance(error, httpx2.StreamError):
            return self._error(APIConnectionError, "the stream is closed")
        if isinstance(error, httpx2.TimeoutException):
            return self._error(APITimeoutError, "the stream fell silent")
        return self._error(APIConnectionError, self._origin.clean(f"the stream broke: {error}"))

    async def _all(self) -> list[T]:
        async for _ in self._events:
            pass
        return self.finished

    async def _last_one(self) -> T:
        try:
            await self._all()
        except APIError:
            if not self.finished:
                raise
        if not self.finished:
            raise self._error(APIResponseValidationError, "the stream brought no finished picture")
        return self.finished[-1]

    def _is_last(self, event: Any) -> bool:
        return getattr(event, self._operation.member or "type", None) in self._operation.last

    async def _read(self, held: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[T]:
        reader = EventReader()
        try:
            more: bytes | None = held
            while more is not None:
                for event in reader.feed(more):
                    yield self._one(*event)
                more = None if reader.done else await anext(chunks, None)
            for event in reader.end():
                yield self._one(*event)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise self._broken(error) from None
        finally:
            await self._wire.close(self.response)
        if not self._ended:
            raise self._error(APIResponseValidationError, "the stream ended before its last event")


class Stream(_Events[T]):
    """Events of one answer, in the order in which they come. Iterate once; leaving the `with` block closes it.

    `finished` are the events so far that brought finished pictures: they were paid for, even if the stream then breaks.

    Raises APIError when the server reports a failure, APIConnectionError or APITimeoutError when the connection breaks
    or falls silent, and APIResponseValidationError when the events end too soon.
    """

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return run(anext(self._events))
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening. The server may go on, and charge."""
        self._closed = True
        run(self._wire.close(self.response))

    def final_images(self) -> list[T]:
        """The events that bring finished pictures, one for each, also those read before; reads on to the end."""
        return run(self._all())

    def final_image(self) -> T:
        """The last event that brings a finished picture, also if it was read before or the stream then broke; reads the
        stream to its end."""
        return run(self._last_one())

    def partial_images(self) -> Iterator[T]:
        """The events that bring pictures in the making, as they arrive; reads the stream to its end."""
        return (event for event in self if isinstance(event, File) and not self._is_last(event))


class AsyncStream(_Events[T]):
    """As Stream, for `async for` and `async with`."""

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return await anext(self._events)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As Stream.close."""
        self._closed = True
        await self._wire.close(self.response)

    async def final_images(self) -> list[T]:
        """As Stream.final_images."""
        return await self._all()

    async def final_image(self) -> T:
        """As Stream.final_image."""
        return await self._last_one()

    async def partial_images(self) -> AsyncIterator[T]:
        """As Stream.partial_images."""
        async for event in self:
            if isinstance(event, File) and not self._is_last(event):
                yield event
