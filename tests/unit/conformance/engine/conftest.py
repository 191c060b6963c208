"""Real targets on loopback for the engine's tests: a handler function decides what each request gets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Asked:
    """A request as the target saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """An answer. `pieces` go one by one, with `before` called ahead of each; `cut` promises more than comes."""

    status: int = 200
    body: bytes | dict[str, Any] = b""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[bytes, ...] = ()
    before: Callable[[int], None] | None = None
    cut: bool = False


@dataclass
class Target:
    """A running target. `url` ends in `/v1`; `asked` fills as requests come."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


Handle = Callable[[Asked], Says | None]  # None: hang up without an answer
Serve = Callable[[Handle], Target]


def _handler(handle: Handle, asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # head and body in one packet: two small ones wait 40 ms for each other

        def log_message(self, format: str, *args: object) -> None:
            pass

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            request = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            asked.append(request)
            says = handle(request)
            if says is None:
                self.close_connection = True
                return
            body = json.dumps(says.body).encode() if isinstance(says.body, dict) else says.body
            total = sum(map(len, says.pieces)) or len(body)
            self.send_response(says.status)
            for name, value in says.headers:
                self.send_header(name, value)
            self.send_header("Content-Type", says.media_type)
            self.send_header("Content-Length", str(total + (50 if says.cut else 0)))
            self.end_headers()
            for index, piece in enumerate(says.pieces or (body,)):
                if says.before:
                    says.before(index)
                self.wfile.write(piece)
                self.wfile.flush()
            if says.cut:
                self.close_connection = True

        do_GET = do_POST = do_OPTIONS = do_PUT = do_DELETE = do_PATCH = answer

    return Handler


@pytest.fixture
def serve() -> Iterator[Serve]:
    with targets() as start:
        yield start


@contextmanager
def targets() -> Iterator[Serve]:
    """Starts targets; they stop when the block is left."""
    servers: list[ThreadingHTTPServer] = []

    def start(handle: Handle) -> Target:
        asked: list[Asked] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(handle, asked))
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the suite hangs up on purpose
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return Target(f"http://127.0.0.1:{server.server_address[1]}/v1", asked)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def forward(asked: Asked, url: str) -> Says:
    """What another target answers to the same request; `url` is its base URL, which ends in /v1 as that of ours."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    own = ("host", "connection", "content-length")
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in own}
    connection.request(asked.method, asked.path, asked.body or None, headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    kept = tuple((name, value) for name, value in answer.getheaders() if name.lower() in ("x-request-id", "location"))
    return Says(answer.status, body, answer.getheader("content-type") or "", kept)


@pytest.fixture
def reference() -> Iterator[Callable[..., str]]:
    """Starts the reference provider with a key and a fault; gives its base URL."""
    from imageproof_reference.config import Config
    from imageproof_reference.serving import running

    with ExitStack() as stack:
        yield lambda key, fault="": stack.enter_context(running(Config(key=key, fault=fault, pause_seconds=0.0)))
