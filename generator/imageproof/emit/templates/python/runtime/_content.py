"""Files that come in an answer: as base64 inside it, or behind a URL."""

from __future__ import annotations

import base64
import binascii
import errno
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote_to_bytes, urlsplit

import httpx2

from ._files import sniff
from .errors import APIConnectionError, APIResponseValidationError, APITimeoutError, status_error

MAX_BYTES = 256 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024


class Content:
    """An object of an answer that carries a file."""

    _inline: ClassVar[str]
    _link: ClassVar[str] = ""

    def to_bytes(self, *, timeout: float = 60.0, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes of the file, from its base64 or else downloaded from its URL.

        The download carries no key, stops at `max_bytes` or after `timeout` seconds in all, and is made once: its bytes
        stay in this object. Raises APIResponseValidationError when there is no file or it cannot be decoded,
        APIConnectionError or APIStatusError when it cannot be downloaded.
        """
        inline = getattr(self, self._inline)
        if isinstance(inline, str) and inline:
            return _decode(inline)
        link = getattr(self, self._link) if self._link else None
        if isinstance(link, str) and link:
            return _decode(link) if link.startswith("data:") else self._downloaded(link, timeout, max_bytes)
        names = " nor ".join(name for name in (self._inline, self._link) if name)
        raise APIResponseValidationError(f"the answer holds no file: neither {names}")

    def save(self, path: str | Path, *, timeout: float = 60.0, max_bytes: int = MAX_BYTES) -> Path:
        """Write the file, and say where. A path without a suffix gets the one that the bytes call for.

        OSError where it cannot be written; a folder that is not there is told before anything is downloaded.
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
        content = self.to_bytes(timeout=timeout, max_bytes=max_bytes)
        suffix, _ = sniff(content)
        if not target.suffix and suffix:
            target = target.with_name(f"{target.name}.{suffix}")
        target.write_bytes(content)
        return target

    def _downloaded(self, link: str, timeout: float, max_bytes: int) -> bytes:
        """What is behind a link, fetched once: it was paid for, and links expire."""
        known: tuple[str, bytes] = self.__dict__.get("downloaded file", ("", b""))
        content = known[1] if known[0] == link else _download(link, timeout, max_bytes)
        self.__dict__["downloaded file"] = (link, content)
        if len(content) > max_bytes:
            raise APIResponseValidationError(f"the file is larger than {max_bytes} bytes")
        return content


def _decode(text: str) -> bytes:
    """Bytes of base64, with or without a `data:` prefix in front of it."""
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        if not head.endswith(";base64"):
            return unquote_to_bytes(text)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise APIResponseValidationError(f"the file in the answer is not base64: {error}") from None


def _download(url: str, timeout: float, max_bytes: int) -> bytes:
    """Fetch a URL that a server named. It gets no key, so redirects are harmless and are followed."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise APIResponseValidationError(f"not a URL that can be downloaded: {url[:200]}")
    content = bytearray()
    end = time.monotonic() + timeout
    try:
        with (
            httpx2.Client(timeout=timeout, follow_redirects=True, max_redirects=5) as http,
            http.stream("GET", url) as response,
        ):
            limit = max_bytes if response.is_success else MAX_ERROR_BYTES
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > limit:
                    break
                if time.monotonic() > end:
                    raise APITimeoutError(f"the file did not come within {timeout} seconds")
    except httpx2.TimeoutException:
        raise APITimeoutError(f"the file did not come within {timeout} seconds") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise APIConnectionError(f"the file could not be downloaded: {error}") from None
    if not response.is_success:
        raise status_error(response.status_code, content[:limit].decode("utf-8", "replace"), None, response.headers)
    if len(content) > limit:
        raise APIResponseValidationError(f"the file is larger than {max_bytes} bytes")
    return bytes(content)
