"""One exchange with the server: request out, answer in, failures told apart and, where it costs nothing, repeated."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeVar, cast

import httpx2

from ._answer import Origin, decoded, invalid, media_type_of
from ._files import PIECE, Form
from ._model import Model, is_object
from ._request import Call, Operation, Service, Settings, call_of, keys_in, normal_key, spellings
from ._retry import Retry, delay_of, is_repeated, reason_of
from ._stream import EVENT_STREAM, AsyncStream, Stream, beginning
from ._wire import Wire, run
from .errors import APIConnectionError, APIError, APITimeoutError, rebuilt, status_error

T = TypeVar("T")
_parsed: Callable[[str], httpx2.URL] = lru_cache(maxsize=64)(httpx2.URL)
Given = Mapping[str, Any]  # arguments
Path = Mapping[str, Any] | None  # values of path parameters by their names on the wire


class Http:
    """The connection of a client. It holds the key, and is the only thing that does."""

    def __init__(self, settings: Settings, wire: Wire, service: Service) -> None:
        self.settings = settings
        self.wire = wire
        self.check = service.check
        self.origin = Origin(wire, settings.base_url, service.inline)

    async def exchange(self, operation: Operation, path: Path, given: Given, whole: bool) -> httpx2.Response:
        """The good answer to a call, repeated as the policy allows; with its body where `whole`."""
        if not self.wire.is_open:
            raise APIConnectionError("the client is closed: make a new one, or call inside its `with` block")
        call = call_of(operation, path or {}, given, await self._settings())
        self._know(keys_in(call.headers))
        if self.check is not None:
            self.check(operation, call, self.settings)
        attempt = 0
        while True:
            try:
                return await self._once(call, whole)
            except APIError as failed:
                error, reason = failed, reason_of(failed, failed.__cause__)
            attempt += 1
            if attempt > self.settings.max_retries or not is_repeated(reason, call.verb):
                raise error from None
            delay = delay_of(error, attempt)
            if self.settings.on_retry is not None:
                self.settings.on_retry(Retry(attempt, delay, reason, error))
            await self.wire.sleep(delay)

    async def _settings(self) -> Settings:
        """The settings of a call, with the key that is told for it."""
        if not callable(self.settings.key):
            return self.settings
        told = self.settings.key()
        return replace(self.settings, key=normal_key(await told if inspect.isawaitable(told) else told))

    def _know(self, keys: Iterable[str]) -> None:
        known = dict.fromkeys((*(one for key in keys for one in spellings(key)), *self.origin.secrets))
        self.origin = replace(self.origin, secrets=tuple(known)[:10])

    async def _once(self, call: Call, whole: bool) -> httpx2.Response:
        content = self._content(call.body)
        try:
            told: dict[str, Any] = {"headers": call.headers, "content": content, "timeout": call.timeout}
            request = self.wire.client.build_request(call.verb, _parsed(call.url), **told)
            response = await self.wire.send(request)
        except httpx2.TimeoutException as cause:
            raise APITimeoutError(f"no answer from {self.settings.base_url} in {call.timeout.read} seconds") from cause
        except (httpx2.HTTPError, httpx2.InvalidURL) as cause:
            raise APIConnectionError(self.origin.clean(f"no answer from {self.settings.base_url}: {cause}")) from cause
        try:
            if whole or not response.is_success:
                await self.wire.read(response)
        except httpx2.HTTPError as cause:
            if response.is_success:
                raise self.broken(response, cause) from cause
            response = httpx2.Response(response.status_code, headers=response.headers, content=b"")
        finally:
            if whole or not response.is_success:
                await self.wire.close(response)
        if not response.is_success:
            text = self.origin.clean(response.text)
            headers = self.origin.headers(response)
            raise status_error(response.status_code, text, headers.get("x-request-id"), headers)
        return response

    def broken(self, response: httpx2.Response, cause: Exception) -> APIConnectionError:
        """The error for an answer of which the rest did not come."""
        late = isinstance(cause, httpx2.TimeoutException)
        said = "did not come in time" if late else f"broke off: {self.origin.clean(str(cause))}"
        kind = APITimeoutError if late else APIConnectionError
        return kind(f"the answer {said}", request_id=self.origin.request_id(response))

    async def read(self, response: httpx2.Response) -> bytes:
        """The whole body. Raises APIConnectionError for one that does not come."""
        try:
            return await self.wire.read(response)
        except httpx2.HTTPError as cause:
            raise self.broken(response, cause) from None

    def _content(self, body: bytes | Form | None) -> Any:
        if not isinstance(body, Form):
            return body
        return b"".join(body.pieces()) if body.size <= PIECE else self.wire.content(body.pieces())

    def decoded(self, response: httpx2.Response, decode: Callable[[Any, Any], T], null: bool = True) -> T:
        """The model in an answer that was read."""
        model = isinstance(getattr(decode, "__self__", None), type)

        def checked(value: Any, origin: Origin) -> T:
            if model and not is_object(value) and not (null and value is None):
                raise invalid("the answer is no object", response, self.origin)
            if is_object(value) and value.get("error"):
                raise invalid("the answer is an error", response, self.origin)
            return cast("T", None) if value is None else decode(value, origin)

        try:
            found = decoded(response.content, checked, self.origin)
        except (ValueError, RecursionError):
            streamed = media_type_of(response) == EVENT_STREAM
            message = "asked for one answer, and got a stream of events: it" if streamed else "the answer"
            raise invalid(f"{message} is not JSON", response, self.origin) from None
        if isinstance(found, Model):
            if not found.holds_files():
                raise invalid("the answer holds no file, where it should list them", response, self.origin)
            found.__dict__["answer headers"] = self.origin.headers(response)
        return found


class Reader(Generic[T]):
    """What a call makes of a good answer. This one makes nothing of it. `whole` says that the body comes first."""

    whole = True

    async def read(self, http: Http, response: httpx2.Response) -> T:
        """What the caller gets."""
        return cast("T", None)


class Json(Reader[T]):
    """A model; `null` says that null is an answer too."""

    def __init__(self, decode: Callable[[Any, Any], T], null: bool = False) -> None:
        self._decode = decode
        self._null = null

    async def read(self, http: Http, response: httpx2.Response) -> T:
        await http.read(response)
        return http.decoded(response, self._decode, self._null)


class Events(Reader[T]):
    """A stream: a Stream or an AsyncStream, as `kind` says."""

    whole = False
    _begun: tuple[bytes, AsyncIterator[bytes], bool] | None = None

    def __init__(self, kind: Callable[..., T], operation: Operation) -> None:
        self._kind = kind
        self._operation = operation

    async def begin(self, http: Http, response: httpx2.Response) -> tuple[bytes, AsyncIterator[bytes], bool]:
        """Reads what tells events from a single answer, and all of that, so that `read` then need not wait."""
        chunks = http.wire.chunks(response)
        held, streamed = b"", media_type_of(response) == EVENT_STREAM
        try:
            if not streamed:
                held, streamed = await beginning(chunks)
            if not streamed:
                held += b"".join([chunk async for chunk in chunks])
        except httpx2.HTTPError as cause:
            raise http.broken(response, cause) from None
        if not streamed:
            await http.wire.close(response)
        self._begun = held, chunks, streamed
        return self._begun

    async def read(self, http: Http, response: httpx2.Response) -> T:
        held, chunks, streamed = self._begun or await self.begin(http, response)
        if streamed:
            return self._kind(response, (held, chunks), self._operation, http.origin, http.wire)
        http.decoded(response := rebuilt(response.status_code, response.headers, held), Model.decode)  # mostly an error
        raise invalid("asked for events, and got a single answer", response, http.origin)


class _Calls:
    """`wrap` makes something else of an answer than its reader does, and gets it without its body unless `whole`."""

    _stream: ClassVar[Callable[..., Any]]

    def __init__(self, http: Http, wrap: Callable[..., Any] | None = None, whole: bool = True) -> None:
        self.http = http
        self._wrap = wrap
        self._whole = whole

    async def _called(self, operation: Operation, given: Given, reader: Reader[T], path: Path) -> T:
        if operation.switch and given.get(operation.switch):
            reader = Events(self._stream, operation)
        response = await self.http.exchange(operation, path, given, reader.whole and self._whole)
        if self._wrap is not None:
            if self._whole and isinstance(reader, Events):
                await reader.begin(self.http, response)
            return cast("T", self._wrap(response, self.http, reader))
        return await reader.read(self.http, response)


class Calls(_Calls):
    """The calls of a client that blocks."""

    _stream = Stream

    def call(self, operation: Operation, given: Given, reader: Reader[T], path: Path = None) -> T:
        """Send a request, and read its answer: as a stream where the arguments ask for one."""
        return run(self._called(operation, given, reader, path))


class AsyncCalls(_Calls):
    """The calls of a client that waits."""

    _stream = AsyncStream

    async def call(self, operation: Operation, given: Given, reader: Reader[T], path: Path = None) -> T:
        """As Calls.call."""
        return await self._called(operation, given, reader, path)
