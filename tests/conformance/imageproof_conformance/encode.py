"""A planned request made into the bytes that go over the wire. Same request, same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from imageproof_conformance.exchange import Part, Request


def encode(request: Request) -> tuple[bytes, str | None]:
    """The body and its media type (None when there is no body)."""
    if request.parts is not None:
        boundary = _boundary(request.parts)
        return multipart(request.parts, boundary), request.media_type or f"multipart/form-data; boundary={boundary}"
    if request.raw is not None:
        return request.raw, request.media_type
    if request.json is not None:
        # ASCII only: a lone surrogate in a generated text stays sendable.
        return json.dumps(request.json, separators=(",", ":")).encode("ascii"), request.media_type or "application/json"
    return b"", request.media_type


def multipart(parts: Sequence[Part], boundary: str) -> bytes:
    """multipart/form-data as RFC 7578 has it; names are quoted as browsers quote them (WHATWG)."""
    out = bytearray()
    for part in parts:
        disposition = f'form-data; name="{_quoted(part.name)}"'
        if part.filename is not None:
            disposition += f'; filename="{_quoted(part.filename)}"'
        out += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        if part.media_type:
            out += f"Content-Type: {part.media_type}\r\n".encode()
        out += b"\r\n" + part.data + b"\r\n"
    return bytes(out + f"--{boundary}--\r\n".encode())


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _boundary(parts: Sequence[Part]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr((part.name, part.filename, part.media_type, len(part.data))).encode())
        digest.update(part.data)
    boundary = f"imageproof-{digest.hexdigest()[:32]}"
    while any(boundary.encode() in part.data for part in parts):
        boundary += "x"
    return boundary
