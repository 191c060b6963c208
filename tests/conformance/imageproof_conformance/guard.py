"""Which URLs of an answer may be fetched. A URL in an answer was written by the target, so it is not trusted.

A public target may only name public addresses; a target on this machine or network may only name its own host or
other addresses of that kind, so that a mock never makes the suite talk to the outside. The name is resolved here and
the connection goes to the address that was checked, so a second look-up cannot change the answer.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], tuple[str, ...]]


@dataclass(frozen=True)
class Place:
    """Where a URL may be fetched: connect to one of `addresses`, ask for `host`. `refused` says why not."""

    scheme: str = ""
    host: str = ""
    port: int = 0
    addresses: tuple[str, ...] = ()
    target: str = ""  # path and query
    refused: str = ""


def resolve(host: str, port: int) -> tuple[str, ...]:
    """All addresses of a host, in the order of the system; () when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def is_private(address: str) -> bool:
    """Whether an address is of this machine or a private network. An IPv4 address inside an IPv6 one is unwrapped."""
    return not _bare(address).is_global


def place(url: str, target_host: str, target_private: bool, resolver: Resolver = resolve) -> Place:
    """Check one URL against the rule of this module."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return Place(refused="not fetched: the URL cannot be read")
    scheme = parts.scheme.lower()
    if not scheme or (scheme in ("http", "https") and not parts.hostname):
        return Place(refused="not fetched: the URL is not absolute")
    if scheme not in ("http", "https"):
        return Place(refused=f"not fetched: scheme {scheme[:20]}")
    host = (parts.hostname or "").lower()
    port = port or (443 if scheme == "https" else 80)
    addresses = resolver(host, port)
    if not addresses:
        return Place(refused="no answer: the host has no address")
    refused = _refusal(host, addresses, target_host, target_private)
    path = parts.path or "/"
    return Place(scheme, host, port, addresses, f"{path}?{parts.query}" if parts.query else path, refused)


def bracketed(host: str) -> str:
    """A host or address as a URL writes it."""
    return f"[{host}]" if ":" in host else host


_LOCAL_NETWORK = "not fetched: the address is link-local or multicast, or a metadata service's"
_PRIVATE = "not fetched: a public target names a private address"
INNER = (_LOCAL_NETWORK, _PRIVATE)  # why a URL is not fetched that leads to no public host

# Metadata services of clouds that are not at a link-local address: AWS (IPv6), Alibaba, Oracle.
_METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "192.0.0.192"})


def _refusal(host: str, addresses: tuple[str, ...], target_host: str, target_private: bool) -> str:
    """Every address must be allowed: a name with one good and one bad address is refused."""
    if host == target_host.lower():
        return ""
    for address in addresses:
        bare = _bare(address)
        if bare.is_link_local or bare.is_multicast or bare.is_unspecified or str(bare) in _METADATA:
            return _LOCAL_NETWORK
        if target_private and bare.is_global:
            return "not fetched: a target on this network names a host outside it"
        if not target_private and not bare.is_global:
            return _PRIVATE
    return ""


def _bare(address: str) -> Address:
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped or found.sixtofour or found
    return found
