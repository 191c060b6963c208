"""A real HTTP server on 127.0.0.1 that records what it gets and answers what a test says."""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clients.pictures import PNG

# What the server says when a test does not care: one picture.
GOOD: dict[str, Any] = {"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode()}]}


@dataclass(frozen=True)
class Part:
    """One part of a multipart body; `filename` None for a text part, `type` "" where the part says none."""

    name: str
    filename: str | None
    type: str
    data: bytes


@dataclass(frozen=True)
class Received:
    """One request."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def parts(self) -> list[Part]:
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = message_from_bytes(head + self.body, policy=HTTP)
        return [
            Part(
                str(part.get_param("name", header="content-disposition")),
                part.get_filename(),
                part.get("content-type", ""),
                bytes(part.get_payload(decode=True)),
            )
            for part in message.walk()
            if not part.is_multipart()
        ]


@dataclass
class Answer:
    """What the server says next. `chunks` are sent one by one, each when `gates` lets it go (at once without any)."""

    status: int = 200
    body: bytes = json.dumps(GOOD).encode()
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] | None = None
    gates: list[threading.Event] = field(default_factory=list)
    cut: bool = False


class Loopback:
    """`base_url` ends in /v1; `received` is in order; `answers` are used up in order, and the last one stays."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[Answer] = [Answer()]
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.received.append(Received(self.command, self.path, headers, self.rfile.read(length)))
                _send(self, owner.next_answer())

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                """Tests say what is worth saying."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.base_url = f"{self.origin}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def answer(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def json(self, data: Any, status: int = 200, **headers: str) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer(Answer(status, json.dumps(data).encode(), headers=told))

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, as tests make it do, is no error of the server's."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    handler.send_response(answer.status)
    handler.send_header("content-type", answer.type)
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    if answer.chunks is None:
        handler.send_header("content-length", str(len(answer.body) + (10 if answer.cut else 0)))
        handler.end_headers()
        handler.wfile.write(answer.body)
        handler.close_connection = answer.cut
        return
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for index, chunk in enumerate(answer.chunks):
        if index < len(answer.gates):
            answer.gates[index].wait(10)
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        handler.wfile.flush()
    if answer.cut:
        handler.close_connection = True
    else:
        handler.wfile.write(b"0\r\n\r\n")


def frames(*events: dict[str, Any]) -> Iterator[bytes]:
    """Server-sent events as a well-behaved server writes them."""
    for event in events:
        yield f"event: {event.get('type', 'message')}\ndata: {json.dumps(event)}\n\n".encode()
