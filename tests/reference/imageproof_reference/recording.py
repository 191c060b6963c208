"""`--record`: every exchange that arrives, written down as it came, in the format in which the suite records its runs.

What ASGI tells is what is written: names of headers are in lower case, a body is out of its chunks, and what the HTTP
server adds on the way out (`date`, `server`, the framing) is not there. Nothing that reads as a key reaches the disk.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imageproof import __version__
from imageproof.contract.document import Document
from imageproof.contract.overlay import layers
from imageproof.contract.recorded import FORMAT, LINES, Bodies, Incoming, new_folder
from imageproof.contract.redact import is_secret
from imageproof.errors import UsageError
from imageproof_reference.config import Config
from imageproof_reference.masks import ExchangeMask

ROOM = 64 * 1024  # bytes that a disk must have left when a recording begins
LEFT = "the connection ended before the answer was whole"
BROKEN = "the answer broke off"
UNREAD = "the body was not read to its end"
log = logging.getLogger("imageproof.reference")

EMPTY = {"text": ""}

Headers = tuple[tuple[str, str], ...]


class Recording:
    """The folder of one start of a server: `server.json` says which it was, `transcript.jsonl` grows by a line an
    exchange."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.key = config.key
        self.operations = tuple(_operations(config.document))
        self.numbers = itertools.count(1)
        self._lock = threading.Lock()

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a line. Raises OSError, and leaves no part of the line behind then."""
        line = json.dumps(record, ensure_ascii=True).encode() + b"\n"
        with self._lock, (self.folder / LINES).open("r+b", buffering=0) as lines:
            end = lines.seek(0, 2)
            try:
                _write_all(lines.write, line)
            except OSError:
                lines.truncate(end)
                raise

    def operation(self, method: str, path: str) -> str:
        """The operationId of a request, whatever its path is below; "" for one that the contract does not know."""
        return next((id for verb, shape, id in self.operations if verb == method and shape.search(path)), "")


def start_recording(out: Path, config: Config, url: str, host: str) -> Recording:
    """A recording in a new folder below `out`. Raises UsageError where it cannot be written."""
    began = time.time()
    about = {
        "format": FORMAT,
        "server": {"name": "imageproof", "version": __version__},
        "contract": str(config.document.data.get("info", {}).get("version", "")),
        "overlays": [{"name": one.name, "digest": one.digest} for one in layers(config.document)],
        "url": url,
        "fault": config.fault,
        "dialect": config.dialect,
        "started": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
    }
    folder = None
    try:
        folder = new_folder(out, began, host)
        (folder / LINES).write_bytes(bytes(ROOM))
        (folder / LINES).write_bytes(b"")
        (folder / "server.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        reason = error.strerror or "there are too many recordings of this second"
        raise UsageError(f"--record {out}: nothing can be recorded there: {reason}; name another folder") from None
    return Recording(folder, config)


class Recorder:
    """ASGI application around the whole server. An exchange is on the disk before its caller has the end of the answer.
    One that cannot be written is answered all the same, and logged."""

    def __init__(self, app: ASGIApp, recording: Recording) -> None:
        self.app = app
        self.recording = recording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        notes = _Notes(self.recording, scope)

        async def heard() -> Message:
            message = await receive()
            await notes.heard(message)
            return message

        async def said(message: Message) -> None:
            await notes.said(message)
            await send(message)

        try:
            await self.app(scope, heard, said)
        finally:
            notes.broken_off()


class _Notes:
    """One exchange while it happens. A note that cannot be taken is the last one."""

    def __init__(self, recording: Recording, scope: Scope) -> None:
        self._recording = recording
        self._clock, self._began = time.monotonic(), time.time()
        self._number = next(recording.numbers)
        self._scope = scope
        self._headers = _pairs(scope["headers"])
        self._target = _target(scope)
        self._mask = ExchangeMask(recording.key, self._headers, self._target)
        bodies = Bodies(recording.folder, self._mask)
        self._sent, self._body = bodies.incoming(), bodies.incoming()
        self._place: dict[str, Any] | None = None  # of the body that was sent, once it is kept
        self._whole = False  # that body, as far as the server asked for it
        self._left = False
        self._done = False
        self._lock = threading.Lock()  # a call that is cancelled ends while a note is still being written
        self._status: int | None = None
        self._answered: Headers = ()
        self._arrivals: list[tuple[float, int]] = []

    async def heard(self, message: Message) -> None:
        """Something of the request came, or the caller left."""
        if message["type"] != "http.request":
            self._left = True
            return
        self._whole = not message.get("more_body", False)
        await self._take(self._sent, message.get("body", b""))

    async def said(self, message: Message) -> None:
        """Something of the answer goes out."""
        if message["type"] == "http.response.start":
            self._status, self._answered = message["status"], _pairs(message.get("headers", ()))
            if self._whole:  # so that the keys in the body are known before an answer repeats them
                await asyncio.to_thread(self._guarded, self._keep_sent)
            return
        data = message.get("body", b"")
        if data and not self._done:
            self._arrivals.append((self._elapsed(), len(data)))
        await self._take(self._body, data)
        if not message.get("more_body", False):
            await asyncio.to_thread(self._guarded, self._finish)

    def broken_off(self) -> None:
        """The server is done with the exchange, also where nothing was answered."""
        self._guarded(lambda: self._finish(LEFT if self._left else BROKEN))

    async def _take(self, body: Incoming, data: bytes) -> None:
        if self._done:
            return
        body.feed(data)
        if body.due:
            await asyncio.to_thread(self._guarded, body.write)

    def _guarded(self, work: Callable[[], object]) -> None:
        with self._lock:
            if self._done:
                return
            try:
                work()
            except Exception as error:
                self._forget()
                reason = getattr(error, "strerror", None) or error or type(error).__name__
                folder = self._recording.folder
                log.error("request %d is answered but not recorded in %s: %s", self._number, folder, reason)

    def _forget(self) -> None:
        self._done = True
        self._sent.drop()
        self._body.drop()

    def _finish(self, failure: str = "") -> None:
        self._recording.append(self._record(failure or ("" if self._whole or not self._expects_body() else UNREAD)))
        self._done = True

    def _keep_sent(self) -> dict[str, Any]:
        if self._place is None:
            self._place = self._sent.end()
        return self._place

    def _record(self, failure: str) -> dict[str, Any]:
        # The bodies come first: a key that stands in one is masked everywhere then.
        sent, body = self._keep_sent(), self._body.end()
        redactor, target = self._mask.redactor, self._mask.target(self._target)
        method, headers = self._scope["method"], redactor.headers(self._headers)
        return {
            "format": FORMAT,
            "probe": {
                "id": f"{self._number:06} {method} {target} HTTP/{self._scope['http_version']}",
                "operation": self._recording.operation(method, self._scope["path"]),
                "model": "",
                "expect": "either",
                "rules": [],
                "tier": "free",
                "images": 0,
                "worst": 0,
                "source": "recorded",
                "asked": {},
                "request": {
                    "method": method,
                    "path": target,
                    "json": None,
                    "parts": None,
                    "raw": sent if sent != EMPTY else None,
                    "media_type": _header(self._headers, "content-type"),
                    "headers": headers,
                    "key": self._key(),
                },
            },
            "url": redactor.text(self._origin()) + target,
            "sent_headers": headers,
            "sent_body": sent,
            "status": self._status,
            "headers": redactor.headers(self._answered),
            "body": body,
            "arrivals": self._arrivals,
            "seconds": self._elapsed(),
            "started": self._began,
            "failure": failure,
            "downloads": [],
        }

    def _key(self) -> str:
        shown = [value for name, value in self._headers if is_secret(name) and "cookie" not in name]
        good = any(self._recording.key in value.split() for value in shown)
        return "yes" if good else "bad" if shown else "none"

    def _origin(self) -> str:
        """What stands before the target in a URL; nothing, where the target is one."""
        host = _header(self._headers, "host") or ""
        return f"{self._scope['scheme']}://{host}" if self._target.startswith("/") else ""

    def _expects_body(self) -> bool:
        length = _header(self._headers, "content-length")
        return _header(self._headers, "transfer-encoding") is not None or length not in (None, "0")

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._clock, 6)


def _operations(document: Document) -> Iterator[tuple[str, re.Pattern[str], str]]:
    for operation in document.operations().values():
        shape = re.sub(r"\\\{[^{}]*\\\}", "[^/].*", re.escape(operation.path))
        yield operation.method, re.compile(f"{shape}$"), operation.id


def _target(scope: Scope) -> str:
    """The target of the request line, as it came."""
    query = scope["query_string"].decode("latin-1")
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    return f"{path}?{query}" if query else path


def _pairs(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _header(headers: Headers, name: str) -> str | None:
    return next((value for one, value in headers if one == name), None)


def _write_all(write: Callable[[bytes], int | None], data: bytes) -> None:
    while data:
        data = data[write(data) or 0 :]
