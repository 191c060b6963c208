"""The interpreter: stands between callers and the server, and has both speak a dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageproof_reference.bodies import Body
from imageproof_reference.config import Config
from imageproof_reference.dialects import Steps, steps
from imageproof_reference.encoding import MEDIA_TYPES
from imageproof_reference.hosting import PATH, Shelf
from imageproof_reference.speech import Asked, Frame, Headers, Room, Said

HEARD = "imageproof.heard"  # key of a scope: how the body of the request is to be understood
FRAME_END = b"\n\n"


def heard(scope: Mapping[str, Any], body: Body) -> Body:
    """A body as the dialect of the server understands it. Raises Refusal for what it does not take."""
    understood: Callable[[Body], Body] | None = scope.get(HEARD)
    return body if understood is None else understood(body)


class Interpreter:
    """ASGI middleware around everything, the edge included. Preflights and hosted files pass as they are, answers to
    HEAD too."""

    def __init__(self, app: ASGIApp, *, config: Config, shelf: Shelf) -> None:
        self.app = app
        self.config = config
        self.shelf = shelf
        self.steps: Steps = steps(config.dialect)
        self.base = config.base_path
        self.paths = {operation.path: operation for operation in config.document.operations().values()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = scope["type"] != "http" or scope["method"] == "OPTIONS" or scope["path"].startswith(PATH)
        if plain or self.steps == Steps():
            await self.app(scope, receive, send)
            return
        room = self._room(scope)
        asked = self._understood(_asked(scope), room)
        if isinstance(asked, Said):
            await _send(asked, send)
            return
        room = replace(room, operation=self._operation(asked), deployment=asked.deployment)
        if scope["method"] == "HEAD":  # an answer without a body has nothing to be said otherwise
            await self.app(self._scope(scope, asked, room), receive, send)
            return
        spoken = _Spoken(self.steps, room, send)
        await self.app(self._scope(scope, asked, room), receive, spoken.send)

    def _understood(self, asked: Asked, room: Room) -> Asked | Said:
        """The head of a request as the contract has it, or the answer that it gets at once."""
        for step in self.steps.heads:
            found = step(asked, room)
            if isinstance(found, Said):
                return found
            asked = found
        return asked

    def _operation(self, asked: Asked) -> str:
        """The operationId of a request, "" where no path without a variable is asked."""
        found = next((one for path, one in self.paths.items() if self.base + path == asked.path), None)
        return found.id if found is not None and found.method == asked.method else ""

    def _room(self, scope: Scope) -> Room:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")

        def link(data: bytes, file_format: str) -> str:
            path = self.shelf.put(data, MEDIA_TYPES[file_format], file_format)
            return f"{scope['scheme']}://{host}{path}"

        def fetch(url: str) -> bytes | None:
            opened = self.shelf.open(url, host)
            return opened.read() if opened is not None else None

        return Room(self.config.document, self.base, self.config.key, "", "", link, fetch)

    def _scope(self, scope: Scope, asked: Asked, room: Room) -> Scope:
        def understood(body: Body) -> Body:
            for step in self.steps.bodies:
                body = step(body, room)
            return body

        return {
            **scope,
            "path": asked.path,
            "raw_path": asked.path.encode(),
            "query_string": asked.query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers],
            HEARD: understood,
        }


@dataclass
class _Spoken:
    """One answer on its way out: kept until it is whole, or changed frame by frame where it is a stream."""

    steps: Steps
    room: Room
    onward: Send
    start: Message | None = None
    streamed: bool = False
    kept: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self.streamed:
            await self._stream(message)
        else:
            self.kept += message.get("body", b"")
            if not message.get("more_body", False):
                await _send(self._whole(), self.onward)

    async def _begin(self, message: Message) -> None:
        self.start = message
        self.streamed = any(pair == ("content-type", "text/event-stream") for pair in _types(message["headers"]))
        if self.streamed:
            await self.onward(message)
            await self._put(self._spoken(Frame("opening")))

    async def _stream(self, message: Message) -> None:
        self.kept += message.get("body", b"")
        *whole, self.kept = self.kept.split(FRAME_END)
        text = "".join(self._spoken(_frame(one)) for one in whole)
        if message.get("more_body", False):
            await self._put(text)
            return
        text += self._spoken(Frame("closing"))
        await self.onward({"type": "http.response.body", "body": text.encode() + self.kept})

    async def _put(self, text: str) -> None:
        if text:
            await self.onward({"type": "http.response.body", "body": text.encode(), "more_body": True})

    def _spoken(self, frame: Frame) -> str:
        for step in self.steps.frames:
            frame = step(frame, self.room)
        return frame.text()

    def _whole(self) -> Said:
        assert self.start is not None
        headers = tuple(pair for pair in _pairs(self.start["headers"]) if pair[0] != "content-length")
        is_json = ("content-type", "application/json") in headers
        said = Said(self.start["status"], headers, json.loads(self.kept) if is_json else None, self.kept)
        for step in self.steps.answers:
            said = step(said, self.room)
        return said


async def _send(said: Said, send: Send) -> None:
    body = said.payload()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said.headers]
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _asked(scope: Scope) -> Asked:
    query = scope["query_string"].decode("latin-1")
    return Asked(scope["method"], scope["path"], query, _pairs(scope["headers"]))


def _pairs(headers: Any) -> Headers:
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)


def _types(headers: Any) -> Headers:
    """Headers without the parameters of media types."""
    return tuple((name, value.partition(";")[0].strip()) for name, value in _pairs(headers))


def _frame(text: bytes) -> Frame:
    """An event of the server, whose frames are an event line and one line of data."""
    lines = dict(line.split(": ", 1) for line in text.decode().split("\n"))
    return Frame("event", lines.get("event"), json.loads(lines["data"]))
