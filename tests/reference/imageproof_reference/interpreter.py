"""The interpreter: stands between callers and the server, and has both speak a dialect, or one thing break."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageproof.contract.document import Operation
from imageproof_reference import dialects, faults
from imageproof_reference.bodies import Body
from imageproof_reference.config import Config
from imageproof_reference.encoding import MEDIA_TYPES
from imageproof_reference.hosting import PATH, Shelf
from imageproof_reference.speech import Asked, Frame, Headers, Room, Said
from imageproof_reference.steps import Steps

HEARD = "imageproof.heard"  # key of a scope: how the body of the request is to be understood
FRAME_END = b"\n\n"


def heard(scope: Mapping[str, Any], body: Body) -> Body:
    """A body as the dialect of the server understands it. Raises Refusal for what it does not take."""
    understood: Callable[[Body], Body] | None = scope.get(HEARD)
    return body if understood is None else understood(body)


# What was refused before the first call of a server, for the fault that gives each caller the refusal before.
NOBODYS = {
    "error": {"message": "No prompt.", "type": "invalid_request_error", "param": "prompt", "code": "missing_parameter"}
}


class Interpreter:
    """ASGI middleware around everything, the edge included: a request is understood by the dialect and then by the
    fault, its answer changed by the fault and then spoken in the dialect. Answers to HEAD pass as they are; preflights
    and hosted files know no dialect."""

    def __init__(self, app: ASGIApp, *, config: Config, shelf: Shelf) -> None:
        self.app = app
        self.config = config
        self.shelf = shelf
        self.spoken: Steps = dialects.steps(config.dialect)
        self.broken: Steps = faults.steps(config.fault)
        self.base = config.base_path
        self.operations = tuple(map(_addressed, config.document.operations().values()))
        self.refused = 0
        self.former: Any = NOBODYS  # what the last refusal said

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (self.spoken or self.broken):
            await self.app(scope, receive, send)
            return
        asked = _asked(scope)
        room = self._room(scope, asked)
        apart = _apart(scope)
        if apart:
            spoken = _Spoken(Steps(answers=self.broken.answers), replace(room, operation=apart), send, self._count)
            await self.app(scope, receive, send if scope["method"] == "HEAD" else spoken.send)
            return
        understood = self._understood(asked, room)
        if isinstance(understood, Said):
            await _send(understood, send)
            return
        room = replace(room, operation=self._operation(understood), deployment=understood.deployment)
        if scope["method"] == "HEAD":  # an answer without a body has nothing to be said otherwise
            await self.app(self._scope(scope, understood, lambda body: body), receive, send)
            return
        spoken = _Spoken(self._outward(), room, send, self._count)

        def body_understood(body: Body) -> Body:
            for step in (*self.spoken.bodies, *self.broken.bodies):
                body = step(body, room)
            spoken.room = replace(room, asked=body.values)
            return body

        await self.app(self._scope(scope, understood, body_understood), receive, spoken.send)

    def _outward(self) -> Steps:
        """The transformations of answers, in their order."""
        return Steps(
            answers=(*self.broken.answers, *self.spoken.answers),
            frames=(*self.broken.frames, *self.spoken.frames),
            streams=(*self.broken.streams, *self.spoken.streams),
        )

    def _count(self, said: Said) -> Any:
        """Note an answer as it is without a fault; what the refusal before it said."""
        former, self.former = self.former, said.body if said.status == 400 else self.former
        self.refused += said.failed
        return former

    def _understood(self, asked: Asked, room: Room) -> Asked | Said:
        """The head of a request as the contract has it, or the answer that it gets at once."""
        for step in (*self.spoken.heads, *self.broken.heads):
            found = step(asked, replace(room, operation=self._operation(asked)))
            if isinstance(found, Said):
                return found
            asked = found
        return asked

    def _operation(self, asked: Asked) -> str:
        """The operationId of a request, "" for none."""
        if not asked.path.startswith(self.base):
            return ""
        path = asked.path[len(self.base) :]
        return next(
            (one.id for one, pattern in self.operations if one.method == asked.method and pattern.fullmatch(path)), ""
        )

    def _room(self, scope: Scope, asked: Asked) -> Room:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")

        def link(data: bytes, file_format: str) -> str:
            path = self.shelf.put(data, MEDIA_TYPES[file_format], file_format)
            return f"{scope['scheme']}://{host}{path}"

        def fetch(url: str) -> bytes | None:
            opened = self.shelf.open(url, host)
            return opened.read() if opened is not None else None

        return Room(
            self.config.document, self.base, self.config.key, "", "", link, fetch, head=asked, refused=self.refused
        )

    def _scope(self, scope: Scope, asked: Asked, understood: Callable[[Body], Body]) -> Scope:
        return {
            **scope,
            "path": asked.path,
            "raw_path": asked.path.encode(),
            "query_string": asked.query.encode("latin-1"),
            "headers": _encoded(asked.headers),
            HEARD: understood,
        }


@dataclass
class _Spoken:
    """One answer on its way out: kept until it is whole, or changed frame by frame where it is a stream."""

    steps: Steps
    room: Room
    onward: Send
    count: Callable[[Said], Any]
    start: Message | None = None
    streamed: bool = False
    kept: bytes = b""
    frames: tuple[Frame, ...] = ()
    ended: bool = False

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
        self.streamed = ("content-type", "text/event-stream") in _types(message["headers"])
        if self.streamed:
            headed = self._changed(Said(message["status"], _pairs(message["headers"])))
            await self.onward({**message, "status": headed.status, "headers": _encoded(headed.headers)})
            await self._put((Frame("opening"),))

    async def _stream(self, message: Message) -> None:
        self.kept += message.get("body", b"")
        *whole, self.kept = self.kept.split(FRAME_END)
        frames = tuple(map(_frame, whole))
        if message.get("more_body", False):
            await self._put(frames)
            return
        await self._put((*frames, Frame("closing")), end=True)
        if not self.ended:
            await self.onward({"type": "http.response.body", "body": self.kept})

    async def _put(self, frames: tuple[Frame, ...], end: bool = False) -> None:
        """Send frames as they are to be spoken; those of a stream that is changed as a whole at its end alone."""
        if self.steps.streams:
            self.frames += frames
            if not end:
                return
            frames = self.frames
            for step in self.steps.streams:
                frames = step(frames, self.room)
        for frame in frames:
            for change in self.steps.frames:
                frame = change(frame, self.room)
            text = frame.text().encode()
            if text and not self.ended:
                sent = text[: len(text) // 2] if frame.last else text
                await self.onward({"type": "http.response.body", "body": sent, "more_body": True})
            self.ended = self.ended or frame.last

    def _whole(self) -> Said:
        assert self.start is not None
        headers = tuple(pair for pair in _pairs(self.start["headers"]) if pair[0] != "content-length")
        is_json = ("content-type", "application/json") in headers
        said = Said(self.start["status"], headers, json.loads(self.kept) if is_json else None, self.kept)
        self.room = replace(self.room, former=self.count(said))
        return self._changed(said)

    def _changed(self, said: Said) -> Said:
        for step in self.steps.answers:
            said = step(said, self.room)
        return said


async def _send(said: Said, send: Send) -> None:
    body = said.payload()
    headers = [pair for pair in said.headers if said.status != 204 or pair[0] != "content-type"]
    if not any(name == "content-length" for name, _ in headers):
        headers.append(("content-length", str(len(body))))
    await send({"type": "http.response.start", "status": said.status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def _addressed(operation: Operation) -> tuple[Operation, re.Pattern[str]]:
    """An operation and its paths, with what its variables may be."""
    return operation, re.compile(re.sub(r"\\{[^{}]*\\}", ".+", re.escape(operation.path)))


def _apart(scope: Scope) -> str:
    """What a request asks for that is no operation, as `Room.operation` has it; "" for the rest."""
    if scope["method"] == "OPTIONS":
        return "preflight"
    return "hosted" if scope["path"].startswith(PATH) else ""


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


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
