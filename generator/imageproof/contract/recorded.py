"""What a recording is on disk: a folder of its own, `transcript.jsonl` in it, and large bodies beside that.

The suite records its runs in this way, and the reference provider what arrives at it. A body that is large or no text
lies in `bodies/`, gzipped, named by the SHA-256 of its bytes, so that the same picture is kept once. A mask hides
secrets before anything is written; it keeps the length of what it masks.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

FORMAT = 1
LINES = "transcript.jsonl"
BODIES = "bodies"
_DIGEST = re.compile(r"[0-9a-f]{64}")
INLINE = 4096  # bytes; a longer body gets a file of its own
PIECE = 256 * 1024  # bytes of a body that comes piece by piece, masked and written at a time
EDGE = 16 * 1024  # bytes around each cut that are masked with both sides of it: more than any secret has

Mask = Callable[[bytes], bytes]


def new_folder(out: Path, started: float, host: str) -> Path:
    """`<out>/<time>-<host>`, made; one of the same second gets a number. `started` is in Unix seconds.

    Raises OSError where it cannot be made.
    """
    when = datetime.fromtimestamp(started, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = re.sub(r"[^a-z0-9.-]+", "-", host.lower()) or "target"
    for number in range(1, 1000):
        folder = out / (f"{when}-{name}" if number == 1 else f"{when}-{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(str(out))


class Bodies:
    """The bodies of a recording in `folder`. Where one is stands in its line as a place: `{"text": ...}` or
    `{"sha256": ..., "bytes": ...}`."""

    def __init__(self, folder: Path, mask: Mask) -> None:
        self._folder = folder / BODIES
        self._mask = mask

    def keep(self, data: bytes) -> dict[str, Any]:
        """The place of these bytes, masked. Raises OSError where they cannot be written."""
        incoming = self.incoming()
        incoming.feed(data)
        return incoming.end()

    def incoming(self) -> Incoming:
        return Incoming(self._folder, self._mask)


def load(folder: Path, place: dict[str, Any]) -> bytes:
    """The bytes at a place of a recording in `folder`. ValueError says what is wrong with a place, or with its file."""
    if set(place) == {"text"} and isinstance(place["text"], str):
        return place["text"].encode()
    digest, size = place.get("sha256"), place.get("bytes")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or not isinstance(size, int) or size < 0:
        raise ValueError("a body is neither text nor a file of that name")
    name = f"{BODIES}/{digest}.gz"
    try:
        with gzip.open(folder / name) as file:
            data = file.read(size + 1)  # no more, whatever is in the file
    except FileNotFoundError:
        raise ValueError(f"{name} is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{name} cannot be read: {error}") from None
    if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name} was changed: it is not what its name says")
    return data


class Incoming:
    """A body that comes piece by piece. `write` moves what has come to the disk, which is due once `due` is true; so a
    body of any length takes little memory. A file gets its name when it is whole."""

    def __init__(self, folder: Path, mask: Mask) -> None:
        self._folder = folder
        self._mask = mask
        self._kept = bytearray()  # as it came: what is not written yet, behind up to EDGE bytes that are
        self._written = 0  # how many of these
        self._file: _File | None = None

    @property
    def due(self) -> bool:
        return len(self._kept) >= PIECE

    def feed(self, data: bytes) -> None:
        self._kept += data

    def write(self) -> None:
        """Mask and write all but the last EDGE bytes, where a secret may have begun. Raises OSError."""
        self._put(self._mask(bytes(self._kept)), len(self._kept) - EDGE)

    def end(self) -> dict[str, Any]:
        """The place of the body. Raises OSError."""
        data = self._mask(bytes(self._kept))
        if self._file is None and len(data) <= INLINE:
            try:
                return {"text": data.decode("utf-8")}
            except UnicodeDecodeError:
                pass
        self._put(data, len(data))
        assert self._file is not None
        place, self._file = self._file.close(), None
        return place

    def drop(self) -> None:
        """Forget a body that will not be kept."""
        self._kept.clear()
        if self._file is not None:
            self._file.drop()
            self._file = None

    def _put(self, masked: bytes, until: int) -> None:
        if self._file is None:
            self._file = _File(self._folder)
        self._file.write(masked[self._written : until])
        cut = max(0, until - EDGE)
        del self._kept[:cut]
        self._written = until - cut


class _File:
    """A file of a body: under a passing name until its digest is known."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / f".{secrets.token_hex(8)}"
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._raw: IO[bytes] = self._path.open("xb")
        self._zip = gzip.GzipFile("", "wb", 1, self._raw, mtime=0)

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._bytes += len(data)
        try:
            self._zip.write(data)
        except OSError:
            self.drop()
            raise

    def close(self) -> dict[str, Any]:
        try:
            self._zip.close()
            self._raw.close()
        except OSError:
            self.drop()
            raise
        digest = self._digest.hexdigest()
        self._path.replace(self._path.with_name(f"{digest}.gz"))
        return {"sha256": digest, "bytes": self._bytes}

    def drop(self) -> None:
        for stream in (self._zip, self._raw):
            with suppress(OSError):
                stream.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
