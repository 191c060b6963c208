"""The odd words that malformed requests are made of, from a table, and the bytes of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

TABLES: Mapping[str, list[Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


def lines_of(name: str, *more: bytes) -> list[bytes]:
    return [text.encode("latin-1") for text in TABLES[name]] + list(more)


# What the tables say, and what is too long to stand in them.
NESTED = '{"a":' * 70 + "1" + "}" * 70
LITERALS = [
    *TABLES["literals"],
    *("9" * 400, "9" * 5000, "[" * 100_000, "[" * 3000 + "]" * 3000, f'"{"x" * 40_000}"', NESTED),
]
VALUES = [*TABLES["values"], "x" * 33_000]
NAMES = [*TABLES["names"], "a" * 5000]
HEADERS = lines_of("headers", b"X: " + b"a" * 70_000, b"\r\n".join(b"X-%d: y" % at for at in range(300)))
KEYS = lines_of("keys", b"Authorization: Bearer " + b"a" * 20_000)
TYPES = lines_of("types", b"Content-Type: multipart/form-data; boundary=" + b"b" * 5000)
TARGETS = [*TABLES["targets"], "/v1/models?" + "a=b&" * 3000, "/v1/models/" + "%C3%BC" * 500]
METHODS = [*TABLES["methods"], "X" * 300]
NOT_HTTP = lines_of("not_http", bytes(500), b"\xff" * 70_000, b"A" * 100_000)
DISPOSITIONS = [*TABLES["dispositions"], 'form-data; name="' + "n" * 9000 + '"']


def request(target: str, head: Sequence[bytes], body: bytes, method: str = "POST", length: bool = True) -> bytes:
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1", "replace"), *head]
    names = b"\n".join(head).lower()
    if b"host:" not in names:
        lines.append(b"Host: 127.0.0.1")
    if b"authorization" not in names:
        lines.append(b"Authorization: Bearer sk-bench")
    if length and b"content-length" not in names and b"transfer-encoding" not in names:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*(line for line in lines if line), b"Connection: close", b"", body])
