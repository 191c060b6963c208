"""The only I/O of this client, written twice. All else is written once, as coroutines: over `AsyncWire` they wait as
coroutines do, and over `Wire`, which blocks, `run` takes them through in one go."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, ClassVar, TypeVar, cast

import httpx2

T = TypeVar("T")
A = TypeVar("A")


def run(awaitable: Awaitable[T]) -> T:
    """The result of a coroutine that only waits for a `Wire`, so never."""
    try:
        cast("Generator[Any, None, T]", awaitable).send(None)
    except StopIteration as done:
        return cast("T", done.value)
    raise RuntimeError("a coroutine of the blocking client waited")


class Wire:
    """Blocks. `own` says that the HTTP client was made here, and is closed here."""

    kind: ClassVar[Any] = httpx2.Client

    def __init__(self, client: Any = None) -> None:
        if not isinstance(client, self.kind | None):
            raise TypeError(f"http_client must be an httpx2.{self.kind.__name__}")
        self.own = client is None
        self.client = client or self.kind()

    def __del__(self) -> None:
        """Connections end with the client, where nobody closed it."""
        if getattr(self, "own", False) and isinstance(self.client, httpx2.Client):
            self.client.close()

    @property
    def is_open(self) -> bool:
        """Whether it can still send."""
        return not self.client.is_closed

    async def send(self, request: httpx2.Request, **told: Any) -> httpx2.Response:
        """The answer to a request, before its body is read. Redirects are answers."""
        found: httpx2.Response = self.client.send(request, stream=True, follow_redirects=False, **told)
        return found

    def content(self, pieces: Iterator[bytes]) -> Any:
        """A body in pieces, as the HTTP client takes it."""
        return pieces

    async def read(self, response: httpx2.Response) -> bytes:
        """The whole body."""
        return response.read()

    async def chunks(self, response: httpx2.Response) -> AsyncIterator[bytes]:
        """The body as it comes."""
        for chunk in response.iter_bytes():
            yield chunk

    async def close(self, response: httpx2.Response) -> None:
        """Let go of an answer."""
        response.close()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    async def blocking(self, function: Callable[[A], T], argument: A) -> T:
        """The result of a function that may block, such as one that looks up a name."""
        return function(argument)

    async def end(self) -> None:
        """Close the connections, unless they are the caller's own."""
        if self.own:
            self.client.close()


class AsyncWire(Wire):
    """Waits, under asyncio or trio."""

    kind = httpx2.AsyncClient

    async def send(self, request: httpx2.Request, **told: Any) -> httpx2.Response:
        found: httpx2.Response = await self.client.send(request, stream=True, follow_redirects=False, **told)
        return found

    async def content(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def read(self, response: httpx2.Response) -> bytes:
        return await response.aread()

    async def chunks(self, response: httpx2.Response) -> AsyncIterator[bytes]:
        async for chunk in response.aiter_bytes():
            yield chunk

    async def close(self, response: httpx2.Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        from anyio import sleep  # comes with httpx2, which too imports it only when it is needed

        await sleep(seconds)

    async def blocking(self, function: Callable[[A], T], argument: A) -> T:
        from anyio.to_thread import run_sync

        return await run_sync(function, argument)

    async def end(self) -> None:
        if self.own:
            await self.client.aclose()
