"""Requests byte by byte, over a socket: forms of any parts, bodies in one piece or in chunks."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from PIL import Image


def png(mode: str = "RGB", color: Any = (200, 30, 30)) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (64, 64), color).save(stream, "PNG")
    return stream.getvalue()


IMAGE, MASK = png(), png("RGBA", (0, 0, 0, 0))


def form(boundary: str, *parts: tuple[str, bytes | str]) -> bytes:
    """A form from the heads of its parts, everything after `form-data; `, and their contents."""
    whole = b""
    for head, data in parts:
        content = data.encode() if isinstance(data, str) else data
        whole += f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
    return whole + f"--{boundary}--\r\n".encode()


def file(name: str, filename: str, kind: str) -> str:
    return f'name="{name}"; filename="{filename}"\r\nContent-Type: {kind}'


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def call(url: str, start: str, head: str, *body: bytes) -> bytes:
    """The whole answer to a request, whose last lines of the head are ours. Its body has a length when it is one piece;
    of several, each is a chunk."""
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    framing = f"Content-Length: {len(body[0])}\r\n" if len(body) == 1 else "Transfer-Encoding: chunked\r\n"
    with socket.create_connection((host, port), timeout=60) as raw:
        raw.sendall(f"{start}\r\nHost: {host}:{port}\r\nConnection: close\r\n{head}{framing}\r\n".encode())
        if len(body) == 1:
            raw.sendall(body[0])
        else:
            for chunk in (*body, b""):
                raw.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        return b"".join(iter(lambda: raw.recv(65536), b""))


def unchunked(body: bytes) -> Iterator[bytes]:
    """The chunks of a body."""
    while body:
        size, _, body = body.partition(b"\r\n")
        yield body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
