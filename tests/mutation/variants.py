"""The reference provider with its answers changed on their way out: what the tests of this folder share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from imageproof_conformance.run import Run
from imageproof_reference import app, serving
from imageproof_reference.config import Config

KEY = "sk-imageproof-variants"


@dataclass(frozen=True)
class Said:
    """A request, and the answer of the reference provider that a variant changes. `piece`: bytes sent at once."""

    path: str
    sent: bytes
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    piece: int = 2**30
    method: str = "POST"
    sent_headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def json(self) -> Any:
        """The body of a success with pictures; None for anything else."""
        made = self.status == 200 and b"/images/" in self.path.encode() and self.body.startswith(b"{")
        return json.loads(self.body) if made else None

    @property
    def streamed(self) -> bool:
        return any(value.startswith(b"text/event-stream") for _, value in self.headers)

    def asks(self, name: str) -> bool:
        """Whether a parameter was sent, with another value than null."""
        return f'name="{name}"'.encode() in self.sent or (
            f'"{name}":'.encode() in self.sent and f'"{name}":null'.encode() not in self.sent
        )


Variant = Callable[[Said], Said]


def rewritten(change: Callable[[dict[str, Any]], Any]) -> Variant:
    """A variant of the JSON answers with pictures."""

    def variant(said: Said) -> Said:
        body = said.json
        if body is None:
            return said
        return replace(said, body=json.dumps(change(body) or body).encode())

    return variant


def refuse(when: Callable[[Said], bool], status: int = 400, **error: Any) -> Variant:
    """What would be served is refused when `when` says so."""
    whole = {"message": "Not here.", "type": "invalid_request_error", "param": None, "code": None, **error}
    body = json.dumps({"error": whole}).encode()

    def variant(said: Said) -> Said:
        head = ((b"content-type", b"application/json"), *(pair for pair in said.headers if pair[0] == b"x-request-id"))
        return replace(said, status=status, headers=head, body=body) if served(said) and when(said) else said

    return variant


def served(said: Said) -> bool:
    return said.status == 200 and "/images/" in said.path


@contextmanager
def varied(variant: Variant, monkeypatch: pytest.MonkeyPatch, **config: Any) -> Iterator[str]:
    """The reference provider with a variant of its answers; gives its base URL. `config` is that of the provider."""
    made = app.create_app
    monkeypatch.setattr(serving, "create_app", lambda config: wrapped(made(config), variant))
    with serving.running(Config(key=KEY, pause_seconds=0.0, **config)) as url:
        yield url


def wrapped(inner: Any, variant: Variant) -> Any:
    async def changed(scope: Any, receive: Any, send: Any) -> None:
        asked, heads, bodies = bytearray(), [], bytearray()

        async def listen() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                heads.append(message)
            else:
                bodies.extend(message.get("body", b""))

        await inner(scope, listen, keep)
        kept = tuple((name, value) for name, value in heads[0]["headers"] if name.lower() != b"content-length")
        call = Said(
            scope["path"],
            bytes(asked),
            heads[0]["status"],
            kept,
            bytes(bodies),
            method=scope["method"],
            sent_headers=tuple(scope["headers"]),
        )
        said = variant(call)
        await send({"type": "http.response.start", "status": said.status, "headers": list(said.headers)})
        for start in range(0, len(said.body), said.piece):
            piece = said.body[start : start + said.piece]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return changed


def rules(found: Run, *statuses: str) -> set[str]:
    return {one.rule for one in found.verdict.rules if one.status in statuses}
