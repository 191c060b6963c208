"""Somebody else's OpenAPI document, from a file or a URL: read for what it says of images, and no further.

The rest of such a document may be as broken as it likes. What its image operations cannot be read from is an error with
its place; a document that is no OpenAPI 3.0 or 3.1 says what it is.
"""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import quote

from imageproof import __version__
from imageproof.contract.document import Document, version_fault
from imageproof.contract.yaml_text import read_yaml
from imageproof.errors import DocumentError, Problem

MAX_BYTES = 64 * 2**20
TIMEOUT = 30.0  # seconds, for the whole of it
ACCEPT = "application/json, application/yaml, text/yaml, */*;q=0.5"


def read_foreign(place: str) -> Document:
    """The document at a path or an http(s) URL. Raises DocumentError for what cannot be had, is not text, not YAML or
    JSON, larger than MAX_BYTES, or not OpenAPI 3.0 or 3.1."""
    body = _within_time(place) if place.lower().startswith(("http://", "https://")) else _read(place)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _failed(place, f"not UTF-8 text: byte {error.start} cannot be read") from None
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        raise _failed(place, "an HTML page, not an OpenAPI document", "servers often have it at /openapi.json")
    data, tree = read_yaml(text, place)
    fault = version_fault(data)
    document = Document(data if isinstance(data, dict) else {}, place, tree)
    if fault:
        pointer, message, hint = fault
        raise DocumentError([document.problem(pointer, message, hint=hint)])
    return document


def _failed(place: str, message: str, hint: str = "") -> DocumentError:
    return DocumentError([Problem(place, message, hint=hint)])


def _read(place: str) -> bytes:
    try:
        with Path(place).open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "cannot be opened"
        raise _failed(place, f"cannot be read: {reason}", "check the path") from None
    return _bounded(place, body)


def _within_time(url: str) -> bytes:
    """What a URL answers, in TIMEOUT seconds or not at all: a server may take its time over each line of its head."""
    told: list[bytes | DocumentError] = []

    def fetch() -> None:
        try:
            told.append(_fetched(url))
        except DocumentError as error:
            told.append(error)

    worker = threading.Thread(target=fetch, daemon=True)
    worker.start()
    worker.join(TIMEOUT + 1)
    if not told:
        raise _failed(url, f"cannot be fetched: no answer within {TIMEOUT:.0f} seconds", "check the URL")
    if isinstance(told[0], DocumentError):
        raise told[0]
    return told[0]


def _fetched(url: str) -> bytes:
    headers = {"Accept": ACCEPT, "User-Agent": f"imageproof/{__version__}"}
    try:
        request = urllib.request.Request(quote(url, safe="%/:=&?~#+!$,;'@()*[]"), headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            body = _body(response)
    except urllib.error.HTTPError as error:
        raise _failed(url, f"answered {error.code} {error.reason}", "check the URL, or save the document") from None
    except urllib.error.URLError as error:
        raise _failed(url, f"cannot be fetched: {error.reason}", "check the URL, or save the document") from None
    except (OSError, ValueError, HTTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _failed(url, f"cannot be fetched: {reason}", "check the URL, or save the document") from None
    return _bounded(url, body)


def _body(response: HTTPResponse) -> bytes:
    """The body as it comes, whole: within TIMEOUT in all, however slowly a server sends, and MAX_BYTES."""
    deadline = time.monotonic() + TIMEOUT
    parts: list[bytes] = []
    while sum(map(len, parts)) <= MAX_BYTES:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all of it came within {TIMEOUT:.0f} seconds")
        part = response.read1(2**20)
        if not part:
            break
        parts.append(part)
    if response.length:
        raise HTTPException(f"cut short: {response.length} bytes did not come")
    return b"".join(parts)


def _bounded(place: str, body: bytes) -> bytes:
    if len(body) > MAX_BYTES:
        raise _failed(place, f"more than {MAX_BYTES // 2**20} MiB", "cut it down to its image operations")
    return body
