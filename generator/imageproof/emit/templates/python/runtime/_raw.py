"""Answers as they came, beside what a client makes of them."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import httpx2

from ._http import AsyncCalls, Calls, Http, Reader
from ._model import NOT_GIVEN
from ._request import OPTIONS
from ._wire import run

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])


class _Response(Generic[T]):
    def __init__(self, response: httpx2.Response, http: Http, reader: Reader[T]) -> None:
        self.http_response = response
        self._http = http
        self._reader = reader

    @property
    def status_code(self) -> int:
        """HTTP status."""
        return self.http_response.status_code

    @property
    def headers(self) -> httpx2.Headers:
        """Headers of the answer, without the key, should the server repeat it."""
        return self._http.origin.headers(self.http_response)

    @property
    def request_id(self) -> str | None:
        """Id of the exchange, where the server gave one."""
        return self._http.origin.request_id(self.http_response)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status={self.status_code}, request_id={self.request_id!r})"


class RawResponse(_Response[T]):
    """An answer that was read, of `with_raw_response`."""

    @property
    def content(self) -> bytes:
        """The body."""
        return self.http_response.content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.http_response.text

    def json(self) -> Any:
        """The body as JSON values. ValueError for what is none."""
        return self.http_response.json()

    def parse(self) -> T:
        """What the call would have returned, or raised."""
        return run(self._reader.read(self._http, self.http_response))


class StreamedResponse(_Response[T]):
    """An answer of which only the head was read, of `with_streaming_response`. Use it in a `with` block."""

    def __enter__(self) -> StreamedResponse[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.http_response.close()

    def read(self) -> bytes:
        """The whole body."""
        return self.http_response.read()

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it comes."""
        return self.http_response.iter_bytes()

    def iter_lines(self) -> Iterator[str]:
        """The body as it comes, line by line."""
        return self.http_response.iter_lines()

    def parse(self) -> T:
        """What the call would have returned, or raised."""
        return run(self._reader.read(self._http, self.http_response))


class AsyncStreamedResponse(_Response[T]):
    """As StreamedResponse, for `await`; the call itself is made by `async with`."""

    async def read(self) -> bytes:
        """As StreamedResponse.read."""
        return await self.http_response.aread()

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """As StreamedResponse.iter_bytes."""
        return self.http_response.aiter_bytes()

    def iter_lines(self) -> AsyncIterator[str]:
        """As StreamedResponse.iter_lines."""
        return self.http_response.aiter_lines()

    async def parse(self) -> T:
        """As StreamedResponse.parse."""
        return await self._reader.read(self._http, self.http_response)


class Resource:
    """A group of calls of a client that blocks."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    @property
    def with_raw_response(self) -> Any:
        """The same calls, each of which gives a `RawResponse` of what it would have given."""
        return type(self)(Calls(self._calls.http, RawResponse))

    @property
    def with_streaming_response(self) -> Any:
        """The same calls, each of which gives a `StreamedResponse`, whose body was not read."""
        return type(self)(Calls(self._calls.http, StreamedResponse, whole=False))


class AsyncResource:
    """A group of calls of a client that waits."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    @property
    def with_raw_response(self) -> Any:
        """As Resource.with_raw_response; a call is awaited, its `RawResponse` is not."""
        return type(self)(AsyncCalls(self._calls.http, RawResponse))

    @property
    def with_streaming_response(self) -> Any:
        """As Resource.with_streaming_response; a call is made by `async with`."""
        return _Opening(type(self)(AsyncCalls(self._calls.http, AsyncStreamedResponse, whole=False)))


class _Opening:
    """Calls as context managers."""

    def __init__(self, resource: AsyncResource) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._resource, name)

        @asynccontextmanager
        async def opened(*path: Any, **given: Any) -> AsyncGenerator[AsyncStreamedResponse[Any], None]:
            response: AsyncStreamedResponse[Any] = await method(*path, **given)
            try:
                yield response
            finally:
                await response.http_response.aclose()

        return opened


def shown(params: Any, switch: str = "") -> Callable[[C], C]:
    """Gives a method the signature that its dictionary of arguments means, for `help()` and notebooks; `switch` is the
    argument that asks for a stream."""

    def signed(method: C) -> C:
        told = inspect.signature(method)
        first = [one for one in told.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        notes = {switch: "bool | NotGiven | None"} if switch else {}
        notes |= {name: note.__forward_arg__ for name, note in params.__annotations__.items()}
        ordered = sorted(notes, key=lambda name: (name in OPTIONS, not notes[name].startswith("Required[")))
        rest = [_parameter(name, notes[name]) for name in ordered]
        vars(method)["__signature__"] = told.replace(parameters=[*first, *rest])
        return method

    return signed


def _parameter(name: str, note: str) -> inspect.Parameter:
    must = note.startswith("Required[")
    note = note.removeprefix("Required[").removesuffix("]") if must else note
    default = inspect.Parameter.empty if must else None if name in OPTIONS else NOT_GIVEN
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=note, default=default)
