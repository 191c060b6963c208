"""Pictures that are answered as links: kept in memory under names that nobody guesses, until they expire.

A link says when it expires and is signed, as those of object stores are: whoever has it needs no key, and nothing in
it can be changed."""

from __future__ import annotations

import hashlib
import hmac
import io
import logging
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import IO

PATH = "/files/"
MIB = 1024 * 1024
MOST_REMEMBERED = 10_000  # names of files that were dropped early
NOT_THERE = "does not exist, or has expired"
log = logging.getLogger("imageproof.reference")


@dataclass(frozen=True)
class Hosted:
    """One file; `until` is on the monotonic clock, in seconds."""

    data: bytes
    media_type: str
    until: float


@dataclass
class Shelf:
    """The files that are hosted. Beyond `limit` bytes the oldest are dropped early, which the log says once. Several
    threads may use it."""

    seconds: float
    limit: int
    _files: OrderedDict[str, Hosted] = field(default_factory=OrderedDict)
    _dropped: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, data: bytes, media_type: str, extension: str) -> str:
        """Host a file; answers with the path and query of its URL."""
        name = f"{secrets.token_urlsafe(24)}.{extension}"
        with self._lock:
            self._files[name] = Hosted(data, media_type, time.monotonic() + self.seconds)
            self._bytes += len(data)
            self._drop()
        return f"{PATH}{name}?{self._signed(name, int(time.time() + self.seconds))}"

    def get(self, path: str, query: str) -> Hosted | None:
        """The file of a path and its query, None when there is none, it has expired, or the signature is another's."""
        name = path.removeprefix(PATH)
        expires = query.removeprefix("expires=").partition("&")[0]
        if not (expires.isascii() and expires.isdigit() and len(expires) < 20):
            return None
        good = hmac.compare_digest(query.encode(), self._signed(name, int(expires)).encode())
        return self.named(name) if good else None

    def named(self, name: str) -> Hosted | None:
        """The file of a name, the last part of its path; None when there is none or it has expired."""
        with self._lock:
            self._drop()
            return self._files.get(name)

    def absence(self, path: str) -> str:
        """Why there is nothing at a path, in a sentence."""
        with self._lock:
            early = path.removeprefix(PATH) in self._dropped
        return f"The file {'was dropped early, to make room for newer ones' if early else NOT_THERE}."

    def open(self, url: str, host: str) -> IO[bytes] | None:
        """The file behind a URL of this server, which callers know as `host` (with its port), else None."""
        own = next((at for at in (f"http://{host}", f"https://{host}") if url.startswith(at + PATH)), None)
        path, _, query = url.removeprefix(own or "").partition("?")
        hosted = self.get(path, query) if own else None
        return io.BytesIO(hosted.data) if hosted else None

    def _signed(self, name: str, expires: int) -> str:
        """The query of a link; `expires` is Unix seconds."""
        signature = hmac.new(self._secret, f"{name} {expires}".encode(), hashlib.sha256).hexdigest()
        return f"expires={expires}&signature={signature}"

    def _drop(self) -> None:
        """Forget what has expired, and what is too much; the newest file always stays."""
        now = time.monotonic()
        while self._files:
            name, oldest = next(iter(self._files.items()))
            if oldest.until > now and (self._bytes <= self.limit or len(self._files) == 1):
                return
            del self._files[name]
            self._bytes -= len(oldest.data)
            if oldest.until > now:
                self._note(name, oldest.until - now)

    def _note(self, name: str, seconds: float) -> None:
        """Remember a file that was dropped so many seconds early."""
        if not self._dropped:
            full = "hosted pictures fill %d MiB: the oldest was dropped %d seconds before it expires, others follow"
            log.warning(f"{full}; --hosted-mb keeps more", self.limit // MIB, seconds)
        self._dropped[name] = None
        if len(self._dropped) > MOST_REMEMBERED:
            self._dropped.popitem(last=False)
