"""Pictures that are answered as links: kept in memory under names that nobody guesses, until they expire."""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import IO

PATH = "/files/"


@dataclass(frozen=True)
class Hosted:
    """One file; `until` is on the monotonic clock, in seconds."""

    data: bytes
    media_type: str
    until: float


@dataclass
class Shelf:
    """The files that are hosted. Beyond `limit` bytes the oldest are dropped early. Several threads may use it."""

    seconds: float
    limit: int
    _files: OrderedDict[str, Hosted] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, data: bytes, media_type: str, extension: str) -> str:
        """Host a file; answers with the path of its URL."""
        name = f"{secrets.token_urlsafe(24)}.{extension}"
        with self._lock:
            self._files[name] = Hosted(data, media_type, time.monotonic() + self.seconds)
            self._bytes += len(data)
            self._drop()
        return PATH + name

    def get(self, path: str) -> Hosted | None:
        """The file of a path, None when there is none or it has expired."""
        with self._lock:
            self._drop()
            return self._files.get(path.removeprefix(PATH))

    def open(self, url: str, host: str) -> IO[bytes] | None:
        """The file behind a URL of this server, which callers know as `host` (with its port), else None."""
        own = next((at for at in (f"http://{host}", f"https://{host}") if url.startswith(at + PATH)), None)
        hosted = self.get(url.removeprefix(own)) if own else None
        return io.BytesIO(hosted.data) if hosted else None

    def _drop(self) -> None:
        """Forget what has expired, and what is too much; the newest file always stays."""
        now = time.monotonic()
        while self._files:
            name, oldest = next(iter(self._files.items()))
            if oldest.until > now and (self._bytes <= self.limit or len(self._files) == 1):
                return
            del self._files[name]
            self._bytes -= len(oldest.data)
