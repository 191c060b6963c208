"""Pictures on other hosts, which JSON edits may point to where the server was told so: `--allow-host`."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from imageproof.errors import UsageError
from imageproof_reference.files import spooled
from imageproof_reference.refusal import Refusal

PORTS = {"http": 80, "https": 443}
SECONDS = 15  # for all pictures of a request together
MOST_REDIRECTS = 3
MOST_BYTES = 50 * 1024 * 1024  # of a picture; the contract allows less than that
CHUNK = 64 * 1024
NOT_QUOTED = "/%:@!$&'()*+,;=~?"
UNICAST = ipaddress.ip_network("2000::/3")
# Of the public ranges those that stand for other addresses (6to4, Teredo and its neighbours), and IETF's own.
SPECIAL = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/23", "192.0.0.0/24")))
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Host:
    """A host that pictures may be loaded from. `port` is None for the usual one of the scheme. Addresses that only this
    network knows are reached when the host names one (127.0.0.1, localhost), never through a public name."""

    name: str
    port: int | None = None

    @property
    def private(self) -> bool:
        return self.name == "localhost" or _is_address(self.name)


@dataclass(frozen=True)
class _Target:
    scheme: str
    host: Host
    port: int
    path: str


def allowed_host(text: str) -> Host:
    """The host that `--allow-host` names: a name or an address, with a port or without. Raises UsageError."""
    try:
        parts = urlsplit(f"//{text.strip()}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        name, port = "", None
    if not name or not name.isascii() or set(text) & set("/@?#*\\ "):
        raise UsageError(f"--allow-host {text!r}: type a host such as pictures.example.com or 127.0.0.1:9000")
    return Host(name.rstrip("."), port)


def fetch(url: str, hosts: Sequence[Host], parameter: str, until: float) -> IO[bytes]:
    """The picture at a URL of an allowed host, at its beginning; `until` is on the monotonic clock.

    Raises Refusal for another host, also one that a redirect leads to, and for what cannot be loaded.
    """
    for _ in range(MOST_REDIRECTS + 1):
        target = _target(url, hosts)
        if target is None:
            raise _refused("it is on a host that this server loads nothing from", parameter)
        try:
            with _answer(target, until) as answer:
                place = answer.headers.get("location")
                if answer.status not in REDIRECTS or not place:
                    return _read(answer, parameter, until)
                url = urljoin(url, place)
        except (OSError, http.client.HTTPException, ValueError):
            reason = "it took too long" if time.monotonic() >= until else "its host did not answer as it should"
            raise _refused(reason, parameter) from None
    raise _refused("it is redirected too often", parameter)


def _refused(reason: str, parameter: str) -> Refusal:
    return Refusal(f"The picture was not loaded: {reason}.", param=parameter, code="invalid_image_url")


def _target(url: str, hosts: Sequence[Host]) -> _Target | None:
    """What a URL points to, None where that is not allowed."""
    try:
        parts = urlsplit(url)
        usual = PORTS.get(parts.scheme, 0)
        port = parts.port or usual
        path = quote(urlunsplit(("", "", parts.path or "/", parts.query, "")), safe=NOT_QUOTED)
    except ValueError:  # also of a text that no encoding can carry
        return None
    name = (parts.hostname or "").rstrip(".")
    if not usual or parts.username is not None:
        return None
    found = next((host for host in hosts if host.name == name and (host.port or usual) == port), None)
    return _Target(parts.scheme, found, port, path) if found else None


@contextmanager
def _answer(target: _Target, until: float) -> Iterator[http.client.HTTPResponse]:
    """The answer of a target. Everything is cut off at `until`, however slowly it trickles in."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    connection = http.client.HTTPConnection(target.host.name, target.port)
    # Connected here, to the very address that was looked at: a second look-up might give another one.
    plain = socket.create_connection((_address(target), target.port), seconds)
    connection.sock = held = plain
    end = threading.Timer(seconds, lambda: _cut_off(held))
    end.start()
    try:
        if target.scheme == "https":
            context = ssl.create_default_context()
            held = context.wrap_socket(plain, server_hostname=target.host.name, do_handshake_on_connect=False)
            connection.sock = held
            held.do_handshake()
        port = "" if target.port == PORTS[target.scheme] else f":{target.port}"
        name = f"[{target.host.name}]" if ":" in target.host.name else target.host.name
        headers = {"Host": f"{name}{port}", "Accept": "image/*", "Accept-Encoding": "identity"}
        connection.request("GET", target.path, headers=headers)
        with connection.getresponse() as answer:
            yield answer
    finally:
        end.cancel()
        connection.close()


def _cut_off(held: socket.socket) -> None:
    """End whatever waits for this socket. TLS would first say goodbye, which may wait too."""
    with suppress(OSError):
        socket.socket.shutdown(held, socket.SHUT_RDWR)


def _address(target: _Target) -> str:
    """An address of a host. Raises OSError where it has none that may be reached."""
    for *_, found in socket.getaddrinfo(target.host.name, target.port, type=socket.SOCK_STREAM):
        text = str(found[0])
        if target.host.private or _is_public(text.partition("%")[0]):
            return text
    raise OSError("no public address")


def _is_public(text: str) -> bool:
    """Whether an address is one of the public network, and does not stand for one that is not: IPv6 has several ways to
    write an IPv4 address, and gateways that take them apart again."""
    address = ipaddress.ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in one for one in SPECIAL)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _read(answer: http.client.HTTPResponse, parameter: str, until: float) -> IO[bytes]:
    if answer.status != 200:
        raise _refused(f"its host answered with status {answer.status}", parameter)
    file = spooled()
    received = 0
    while chunk := answer.read(CHUNK):
        received += len(chunk)
        if received > MOST_BYTES:
            file.close()
            raise _refused(f"it has more than {MOST_BYTES} bytes", parameter)
        file.write(chunk)
    if answer.length or time.monotonic() >= until:
        file.close()
        raise http.client.IncompleteRead(b"", answer.length)
    file.seek(0)
    return file
