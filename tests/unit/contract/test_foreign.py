"""Somebody else's document, from a file or over HTTP, good and bad."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from imageproof.contract import foreign
from imageproof.contract.foreign import read_foreign
from imageproof.errors import DocumentError

GOOD = {"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {}}
BODIES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/openapi.json": (200, {"Content-Type": "application/json"}, json.dumps(GOOD).encode()),
    "/moved": (302, {"Location": "/openapi.json"}, b""),
    "/file": (302, {"Location": "file:///etc/hostname"}, b""),
    "/docs": (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Docs</title>"),
    "/nothing": (404, {}, b"{}"),
    "/large": (200, {}, b" " * 2000),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = BODIES.get(self.path, BODIES["/nothing"])
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/openapi.json", "/moved"])
def test_a_url(host: str, path: str) -> None:
    assert read_foreign(host + path).data == GOOD


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/docs", "an HTML page, not an OpenAPI document"),
        ("/nothing", "answered 404"),
        ("/file", "file:///etc/hostname' is not allowed"),
    ],
)
def test_a_url_that_has_none(host: str, path: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        read_foreign(host + path)


def test_a_host_that_is_not_there() -> None:
    with pytest.raises(DocumentError, match="cannot be fetched"):
        read_foreign("http://127.0.0.1:9/openapi.json")


@pytest.fixture
def odd_server() -> Iterator[Callable[[bytes, float], str]]:
    """A server that sends what it is told to one caller, one part each `pause` seconds, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve(body: bytes, pause: float) -> str:
        def answer() -> None:
            with suppress(OSError):
                caller, _ = listener.accept()
                with caller:
                    caller.recv(65536)
                    step = 20 if pause else max(1, len(body))
                    for start in range(0, len(body), step):
                        caller.sendall(body[start : start + step])
                        time.sleep(pause)

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/openapi.json"

    yield serve
    listener.close()


@pytest.mark.parametrize(
    ("body", "pause", "message"),
    [
        (b"garbage\r\n\r\n", 0.0, "cannot be fetched: garbage"),
        (b"", 0.0, "cannot be fetched"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", 0.0, "cut short: 48 bytes did not come"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b" " * 900, 0.1, "not all of it came within 1 seconds"),
    ],
)
def test_a_server_that_is_none(
    odd_server: Callable[[bytes, float], str], monkeypatch: pytest.MonkeyPatch, body: bytes, pause: float, message: str
) -> None:
    monkeypatch.setattr(foreign, "TIMEOUT", 1.0)
    with pytest.raises(DocumentError, match=message):
        read_foreign(odd_server(body, pause))


@pytest.mark.parametrize("path", ["/api docs", "/\u00fc", "/a\nb"])
def test_a_url_with_what_no_url_has(host: str, path: str) -> None:
    with pytest.raises(DocumentError, match=r"answered 404|cannot be fetched"):
        read_foreign(host + path)


def test_too_large(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "MAX_BYTES", 1000)
    with pytest.raises(DocumentError, match="more than 0 MiB"):
        read_foreign(f"{host}/large")


@pytest.mark.parametrize("text", [json.dumps(GOOD), json.dumps(GOOD, indent="\t"), "openapi: 3.1.0\npaths: {}\n"])
def test_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8-sig")
    assert read_foreign(str(tmp_path / "x")).data["paths"] == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"swagger: '2.0'\n", "it is Swagger 2.0"),
        (b"openapi: 4.0.0\n", "openapi is '4.0.0'"),
        (b"a: b\n", "there is no `openapi` key"),
        (b"- a\n", "not a mapping"),
        (b"", "not a mapping"),
        (b"{", "not YAML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a: &a [*a]\n", "refers to itself"),
        (b"a: " + b"[" * 5000, "levels deep"),
        (b"openapi: 3.1\n", "openapi is the number 3.1, not a text"),
        (b'{"openapi": "3.1.0", "a": 1, "a": 2}', "stands twice"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "x.yaml").write_bytes(body)
    with pytest.raises(DocumentError, match=message) as caught:
        read_foreign(str(tmp_path / "x.yaml"))
    assert caught.value.problems[0].file == str(tmp_path / "x.yaml")


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b"])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read_foreign(f"{tmp_path}/{name}")


def test_aliases_that_explode_are_cheap(tmp_path: Path) -> None:
    """A billion laughs: nine anchors, each of ten of the one before."""
    lines = ["openapi: 3.1.0", "paths: {}", "x-0: &a0 [lol]"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert read_foreign(str(tmp_path / "bomb.yaml")).data["openapi"] == "3.1.0"
