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
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BEGINNING = re.compile(rb"(\xef\xbb\xbf)?\s*(data|event|id|retry)?:")
EVENT_STREAM = "text/event-stream"
_ENOUGH = 16  # bytes that tell a beginning, without blanks


class Chunks:
    """The body of an answer as it comes, whose beginning may be looked at."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""

    async def begin_events(self) -> bool:
        """Whether events begin here, which some servers send under any media type."""
        async for chunk in self._chunks:
            self._held += chunk
            if _BEGINNING.match(self._held):
                return True
            if len(self._held.lstrip()) >= _ENOUGH:
                return False
        return False

    async def rest(self) -> bytes:
        """All that has not been read."""
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._held
        async for chunk in self._chunks:
            yield chunk


class EventReader:
    """Bytes to events, however the bytes are cut. Comments and unknown fields are passed over.

    Only CR and LF end a line, so that JSON text stays whole. After the data `[DONE]` it is `done`, and reads no more.
    """

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

    def __init__(
        self, response: httpx2.Response, chunks: Chunks, operation: Operation, origin: Origin, wire: Wire
    ) -> None:
        self.response = response
        self.request_id = origin.request_id(response)
        self._operation = operation
        self._origin = origin
        self._wire = wire
        self.finished: list[T] = []
        self._chunks = chunks
        self._count = 0
        self._ended = not operation.last
        self._closed = False
        self._events = self._read()

    def __repr__(self) -> str:
        state = "closed" if self.response.is_closed else "open"
        told = f", request_id={self._origin.clean(self.request_id)!r}" if self.request_id else ""
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
        return self._error(APIConnectionError, f"the stream broke: {error}")

    def _last_one(self, error: APIError | None = None) -> T:
        if not self.finished:
            raise error or self._error(APIResponseValidationError, "the stream brought no finished picture")
        return self.finished[-1]

    def _is_last(self, event: Any) -> bool:
        return getattr(event, self._operation.member or "type", None) in self._operation.last

    def _is_partial(self, event: Any) -> bool:
        return isinstance(event, File) and not self._is_last(event)

    async def _read(self) -> AsyncIterator[T]:
        reader = EventReader()
        try:
            async for chunk in self._chunks:
                for event in reader.feed(chunk):
                    yield self._one(*event)
                if reader.done:
                    break
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
        for _ in self:
            pass
        return self.finished

    def final_image(self) -> T:
        """The last event that brings a finished picture, also if it was read before or the stream then broke; reads the
        stream to its end."""
        try:
            self.final_images()
        except APIError as error:
            return self._last_one(error)
        return self._last_one()

    def partial_images(self) -> Iterator[T]:
        """The events that bring pictures in the making, as they arrive; reads the stream to its end."""
        return (event for event in self if self._is_partial(event))


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
        async for _ in self:
            pass
        return self.finished

    async def final_image(self) -> T:
        """As Stream.final_image."""
        try:
            await self.final_images()
        except APIError as error:
            return self._last_one(error)
        return self._last_one()

    async def partial_images(self) -> AsyncIterator[T]:
        """As Stream.partial_images."""
        async for event in self:
            if self._is_partial(event):
                yield event
