"""Secrets leave nothing behind: the key and the signatures of signed URLs are masked before anything is kept.

A mask is as long as what it hides, so the offsets and the arrival times of chunks stay true.
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

# A shorter "key" would turn up in ordinary text by chance, and masking it would damage the evidence.
SHORTEST = 4

_SIGNED = re.compile(
    rb"([?&](?:sig|signature|token|key|api[-_]?key|access_token|x-amz-signature|x-amz-security-token|x-amz-credential"
    rb"|x-goog-signature|x-goog-credential|skoid|sktid)=)([^&#\"'\s\\<>]+)",
    re.IGNORECASE,
)
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"})


class Redactor:
    """Masks one key in bytes, texts and headers. An empty key masks nothing but URL signatures and cookies."""

    def __init__(self, key: str = "") -> None:
        self._forms = _forms(key) if len(key) >= SHORTEST else ()

    def data(self, value: bytes) -> bytes:
        """The same bytes with every form of the key masked; same length."""
        for form in self._forms:
            if form in value:
                value = value.replace(form, b"*" * len(form))
        return value

    def text(self, value: str) -> str:
        """Like `data`, and the values of signature parameters in URLs are masked too."""
        return signatures(self.data(value.encode("utf-8", "surrogateescape"))).decode("utf-8", "surrogateescape")

    def headers(self, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Headers that carry secrets keep their name and their scheme only."""
        return tuple((name, self._header(name, value)) for name, value in pairs)

    def _header(self, name: str, value: str) -> str:
        if name.lower() not in _SECRET_HEADERS:
            return self.text(value)
        scheme, space, rest = value.partition(" ")
        return f"{scheme} {'*' * 8}" if space and rest and name.lower().endswith("authorization") else "*" * 8


def signatures(value: bytes) -> bytes:
    """URL parameters that hold a signature or a credential, masked; same length."""
    if b"=" not in value:
        return value
    return _SIGNED.sub(lambda match: match[1] + b"*" * len(match[2]), value)


def _forms(key: str) -> tuple[bytes, ...]:
    """The ways in which a server may write the key back: as it is, escaped for a URL or JSON, or in base64."""
    plain = key.encode()
    spelled = {key, quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    encoded = {base64.b64encode(plain).rstrip(b"="), base64.urlsafe_b64encode(plain).rstrip(b"=")}
    return tuple(sorted({form.encode() for form in spelled} | encoded, key=len, reverse=True))
