"""The server's edge: what holds for every request, whatever it asks. Request ids, CORS, keys, and errors as JSON."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import time
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageproof_reference.config import Config
from imageproof_reference.hosting import PATH
from imageproof_reference.limits import RateLimit
from imageproof_reference.refusal import Refusal

DRAIN_SECONDS = 5  # for what is left of a body that is refused
PAUSE_SECONDS = 1  # without a byte of it; then nothing more is waited for
PREFLIGHT_SECONDS = 600  # browsers may keep the answer so long
METHODS = "GET, POST, OPTIONS"
log = logging.getLogger("imageproof.reference")


class Edge:
    """ASGI middleware around the routes. Paths below `guarded` need the key, which is checked before their bodies are
    looked at; hosted files do not, where `guarded` is "" and everything lies below it."""

    def __init__(self, app: ASGIApp, *, config: Config, guarded: str) -> None:
        self.app = app
        self.config = config
        self.guarded = guarded
        self.limit = RateLimit(config.requests_per_minute) if config.requests_per_minute else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        call = _Call(scope, receive, send, self.config.body_seconds)
        try:
            if scope["method"] == "OPTIONS":
                await call.answer(204, b"", _preflight(scope))
            else:
                self._admit(scope, call)
                await self.app(scope, call.receive, call.send)
        except Refusal as refusal:
            await self._refuse(call, refusal)
        except ClientDisconnect:
            log.debug("the caller of request %s left", call.id)
        except Exception:
            log.exception("request %s failed", call.id)
            await self._refuse(call, Refusal("The server had an error.", status=500, kind="server_error"))

    def _admit(self, scope: Scope, call: _Call) -> None:
        """Let in a request that shows the key and comes within the limit, or asks for a hosted file."""
        path = f"{scope['path']}/"
        if not path.startswith(f"{self.guarded}/") or (not self.guarded and path.startswith(PATH)):
            return
        if self.limit is None:
            self._check_key(scope)
            return
        try:
            self._check_key(scope)
            self.limit.take()
        finally:
            call.headers = self.limit.headers()

    def _check_key(self, scope: Scope) -> None:
        header = Headers(scope=scope).get("authorization")
        scheme, _, key = (header or "").partition(" ")
        # Compared as bytes: compare_digest refuses text beyond ASCII.
        good = hmac.compare_digest(key.strip().encode(), self.config.key.encode()) and scheme.lower() == "bearer"
        if not good:
            message = "The API key is not valid." if header else "No API key was sent; use Authorization: Bearer KEY."
            raise Refusal(message, status=401, code="invalid_api_key", headers={"www-authenticate": "Bearer"})

    async def _refuse(self, call: _Call, refusal: Refusal) -> None:
        if call.started:
            raise RuntimeError("the answer broke off")  # the server closes the connection, so that the caller sees it
        await call.drain(self.config.max_body)
        body = json.dumps(refusal.envelope()).encode()
        closing = {} if call.received_all else {"connection": "close"}
        await call.answer(refusal.status, body, {"content-type": "application/json", **closing, **refusal.headers})


class _Call:
    """One request and its answer: knows whether the body was read to its end and whether the answer has begun. Each
    piece of the body must come within `seconds`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, seconds: float) -> None:
        self.id = f"req_{secrets.token_hex(16)}"
        self.began = time.monotonic()
        self.started = False
        self.headers: Mapping[str, str] = {}
        self.received_all = False
        self._asked_to_send = False
        self._seconds = seconds
        self._scope = scope
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """What comes next. Raises Refusal (408) for a body that stops coming; who has sent all of it may stay."""
        if self.received_all:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds):
                return await self._next()
        except TimeoutError:
            message = f"The body stopped coming: nothing of it came for {self._seconds:g} seconds."
            raise Refusal(message, status=408, code="request_timeout") from None

    async def _next(self) -> Message:
        self._asked_to_send = True
        message = await self._receive()
        self.received_all = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = {"x-request-id": self.id, "openai-processing-ms": self._elapsed()}
            _decorate(message, {**own, **CORS, **self.headers})
        await self._send(message)

    async def answer(self, status: int, body: bytes, headers: MutableMapping[str, str]) -> None:
        """Send a whole answer; HEAD gets its head alone."""
        head = [(name.encode(), value.encode()) for name, value in headers.items()]
        if status != 204:
            head.append((b"content-length", str(len(body)).encode()))
        await self.send({"type": "http.response.start", "status": status, "headers": head})
        await self.send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})

    async def drain(self, limit: int) -> None:
        """Read what is left of the body and already on its way, up to `limit` bytes: a caller that is cut off while it
        sends would see a broken connection in place of the answer. One that asks before it sends is not told to."""
        if Headers(scope=self._scope).get("expect", "").lower() == "100-continue" and not self._asked_to_send:
            return
        received = 0
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.received_all and received <= limit:
                    async with asyncio.timeout(PAUSE_SECONDS):
                        received += len((await self._next()).get("body", b""))
        except TimeoutError:
            log.debug("request %s: the caller did not finish its body", self.id)

    def _elapsed(self) -> str:
        return str(round((time.monotonic() - self.began) * 1000))


CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": METHODS,
    "access-control-expose-headers": "x-request-id, openai-processing-ms, retry-after, retry-after-ms, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests",
}


def _preflight(scope: Scope) -> dict[str, str]:
    """The answer to a browser that asks whether it may call: it may send what it asks to, which the wildcard would not
    say of Authorization, and pages of the public network may call this one."""
    asked = Headers(scope=scope)
    answer = {
        "access-control-allow-headers": asked.get("access-control-request-headers", "authorization, content-type"),
        "access-control-max-age": str(PREFLIGHT_SECONDS),
    }
    if asked.get("access-control-request-private-network") == "true":
        answer["access-control-allow-private-network"] = "true"
    return answer


def _decorate(message: MutableMapping[str, Any], headers: MutableMapping[str, str]) -> None:
    MutableHeaders(scope=message).update(headers)
