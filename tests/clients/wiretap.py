"""A wire to a server that keeps what goes over it: the bytes of both directions pass as they are."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from urllib.parse import urlsplit

from clients.loopback import Received


@dataclass
class Exchange:
    """What one connection carried so far."""

    request: bytearray = field(default_factory=bytearray)
    answer: bytearray = field(default_factory=bytearray)

    @property
    def received(self) -> Received:
        """The request, its only one. Its body is out of its chunks."""
        start, headers, body = _message(self.request)
        verb, path, _ = start.split(" ", 2)
        return Received(verb, path, headers, body)

    @property
    def answered(self) -> tuple[int, bytes]:
        """Status and body of the answer."""
        start, _, body = _message(self.answer)
        return int(start.split()[1]), body


@dataclass(frozen=True)
class Wiretap:
    """`origin` is where clients go, such as `http://127.0.0.1:40213`; `exchanges` fills while they do."""

    origin: str
    exchanges: list[Exchange] = field(default_factory=list)


@contextmanager
def tapped(url: str) -> Iterator[Wiretap]:
    """A wire from a free port of this machine to the host of a URL; cut when the block is left."""
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tap = Wiretap("http://{}:{}".format(*listener.getsockname()[:2]))
        threading.Thread(target=_accept, args=(listener, (host, port), tap), daemon=True).start()
        yield tap
        with suppress(OSError):  # wakes the thread that waits for callers
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, address: tuple[str, int], tap: Wiretap) -> None:
    with suppress(OSError):
        while True:
            caller, _ = listener.accept()
            exchange = Exchange()
            tap.exchanges.append(exchange)
            threading.Thread(target=_join, args=(caller, address, exchange), daemon=True).start()


def _join(caller: socket.socket, address: tuple[str, int], exchange: Exchange) -> None:
    with caller, suppress(OSError), socket.create_connection(address) as server:
        back = threading.Thread(target=_carry, args=(server, caller, exchange.answer), daemon=True)
        back.start()
        _carry(caller, server, exchange.request)
        back.join()


def _carry(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    """Carries one direction to its end. What passes is kept before it is sent on, so whoever has it finds it here."""
    with suppress(OSError):
        while data := source.recv(65536):
            kept += data
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _message(raw: bytes | bytearray) -> tuple[str, dict[str, str], bytes]:
    """Start line, headers by lower-case name, and body of an HTTP message."""
    head, _, body = bytes(raw).partition(b"\r\n\r\n")
    start, _, rest = head.partition(b"\r\n")
    headers = {name.lower(): str(value) for name, value in message_from_bytes(rest).items()}
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    return start.decode(), headers, b"".join(_chunks(body)) if chunked else body


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        yield body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
