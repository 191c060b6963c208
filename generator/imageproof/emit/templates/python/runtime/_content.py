"""Files that come in an answer: as base64 inside it, or behind a URL."""

from __future__ import annotations

import binascii
import errno
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast
from urllib.parse import unquote_to_bytes

import httpx2
import pybase64

from ._answer import Inline, Origin, media_type_of
from ._model import Model, is_object
from ._pictures import HEAD, Picture, read_picture, sniff
from ._wire import AsyncWire, Wire, run
from .errors import APIConnectionError, APIResponseValidationError, APITimeoutError, status_error

SECONDS = 60.0  # for a download in all
MAX_BYTES = 256 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
MAX_REDIRECTS = 5
MEDIA_OF_FILES = ("", "application/octet-stream", "binary/octet-stream")  # what a server says that knows no better
T = TypeVar("T")
_URL_SAFE = str.maketrans("-_", "+/")
if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # before Python 3.12 Path itself is no base


class _AtOnce:
    """A value that may be awaited, as what is behind a URL must be in the asynchronous client, so that one line serves
    both."""

    def __await__(self) -> Generator[None, None, Self]:
        yield from ()
        return self


class FileBytes(_AtOnce, bytes):
    """The bytes of a file that came inside an answer, which may be awaited."""


class FileText(_AtOnce, str):
    """A text, which may be awaited."""


class FilePath(_AtOnce, _Path):
    """Where a file was written, which may be awaited."""


class File(Model):
    """An object of an answer that carries a file."""

    _inline: ClassVar[str] = "b64_json"
    _link: ClassVar[str] = "url"  # what servers send instead, declared or not

    @classmethod
    def decode(cls, data: Any, origin: Any = None) -> Self:
        """As Model.decode; base64 that is still inside the answer stays there until it is asked for. What is no object
        is one without a file, with what came as `item`."""
        made = super().decode(data if is_object(data) else {"item": data} if data is not None else {}, origin)
        held = made.__dict__.get(cls._inline)
        if isinstance(held, Inline):
            if not isinstance(cls.__dict__.get(cls._inline), _Text):
                setattr(cls, cls._inline, _Text(cls._inline))
            del made.__dict__[cls._inline]
            made.__dict__["inline file"] = origin.take(held)
        return made

    @property
    def picture(self) -> Picture:
        """Format, width and height from the file's header, which is not decoded. Nothing is fetched for it: of a URL
        that was not downloaded yet the format is ""."""
        inline = self.__dict__.get("inline file")
        try:
            start = _decode(inline.span[: HEAD // 3 * 4]) if inline is not None else self._at_hand()
        except APIResponseValidationError:
            return Picture("")
        return read_picture(start[:HEAD])

    def holds_files(self) -> bool:
        """Whether there is a file, or a link to one."""
        return bool(self._base64() or self._url())

    def _base64(self) -> str | memoryview:
        inline = self.__dict__.get("inline file")
        text: Any = inline.span if inline is not None else getattr(self, self._inline)
        return text if isinstance(text, str | memoryview) else ""

    def _at_hand(self) -> bytes:
        """The file as far as it came already, b"" for none."""
        link = self._url()
        text = self._base64() or (link if link.startswith("data:") else "")
        if text:
            return _decode(text)
        known: tuple[str, bytes] = self.__dict__.get("downloaded file", ("", b""))
        return known[1] if known[0] == link else b""

    def _url(self) -> str:
        link = getattr(self, self._link, None)
        return link if isinstance(link, str) else ""

    def __getstate__(self) -> dict[str, Any]:
        """As of Model, with the text of the file."""
        getattr(self, self._inline)
        return {name: value for name, value in super().__getstate__().items() if name != "inline file"}

    async def _fetched(self, wire: type[Wire], timeout: float = SECONDS, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes, fetched by the client's wire, or by one of its own where that is closed or not there. What was
        fetched is fetched once: it was paid for, and links expire."""
        found, url = self._at_hand(), self._url()
        if not found and url:
            origin = self.__dict__.get("file origin") or Origin()
            used = origin.wire if origin.wire is not None and origin.wire.is_open else wire()
            try:
                found = await fetch(used, origin, url, timeout, max_bytes)
            finally:
                if used is not origin.wire:
                    await used.end()
            self.__dict__["downloaded file"] = (url, found)
        if not found:
            raise APIResponseValidationError(f"the answer holds no file: neither {self._inline} nor {self._link}")
        if "downloaded file" in self.__dict__ and len(found) > max_bytes:
            raise APIResponseValidationError(f"the file is larger than {max_bytes} bytes")
        return found

    async def _saved(self, wire: type[Wire], path: str | Path, *limits: Any) -> Path:
        target = _target(path)
        return _write(target, await self._fetched(wire, *limits))

    async def _shown(self, wire: type[Wire]) -> str:
        return data_url(await self._fetched(wire))


class Sized(File):
    """A file that knows its size, where no member of the answer goes by these names."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels from the file's header; None where they are not known, see `picture`."""
        found = self.picture
        return (found.width, found.height) if found.width else None

    @property
    def format(self) -> str:
        """ "png", "jpeg", "webp", "gif" or "svg" by the file's first bytes, "" for anything else; see `picture`."""
        return self.picture.format


class Content(File):
    """An object that carries its file inside, so that nothing is fetched for it in either client; but a server that
    sends a link instead is followed, and with the client that waits each of these must then be awaited."""

    def to_bytes(self) -> FileBytes:
        """The bytes of the file. Raises APIResponseValidationError when there is none or it cannot be decoded."""
        return self._now(FileBytes, self._fetched)

    def save(self, path: str | Path) -> FilePath:
        """Write the file, and say where. A path without a suffix gets the one that the bytes call for.

        OSError where it cannot be written, APIResponseValidationError as `to_bytes`; an empty file is never written.
        """
        return self._now(FilePath, self._saved, path)

    def data_url(self) -> FileText:
        """The file as a data URL, such as pages show and JSON edits take."""
        return self._now(FileText, self._shown)

    def _now(self, kind: Callable[[Any], T], told: Callable[..., Awaitable[Any]], *arguments: Any) -> T:
        origin: Origin | None = self.__dict__.get("file origin")
        if origin is not None and isinstance(origin.wire, AsyncWire) and not self._base64() and self._url():
            return cast("T", told(AsyncWire, *arguments))
        return kind(run(told(Wire, *arguments)))


class Linked(File):
    """An object whose file may be behind a URL."""

    def to_bytes(self, *, timeout: float = SECONDS, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes of the file, from its base64 or else downloaded from its URL.

        The download carries no key, goes to no private address unless the API is at one, stops at `max_bytes` or after
        `timeout` seconds in all, and is made once: its bytes stay in this object. Raises APIResponseValidationError
        when there is no file or it cannot be decoded, APIConnectionError or APIStatusError when it cannot be fetched.
        """
        return run(self._fetched(Wire, timeout, max_bytes))

    def save(self, path: str | Path, *, timeout: float = SECONDS, max_bytes: int = MAX_BYTES) -> Path:
        """As Content.save, with what `to_bytes` raises; a folder that is not there is told before the download."""
        return run(self._saved(Wire, path, timeout, max_bytes))

    def data_url(self) -> str:
        """The file as a data URL, such as pages show and JSON edits take."""
        return run(self._shown(Wire))


class AsyncLinked(File):
    """As Linked, for `await`."""

    async def to_bytes(self, *, timeout: float = SECONDS, max_bytes: int = MAX_BYTES) -> bytes:
        """As Linked.to_bytes."""
        return await self._fetched(AsyncWire, timeout, max_bytes)

    async def save(self, path: str | Path, *, timeout: float = SECONDS, max_bytes: int = MAX_BYTES) -> Path:
        """As Linked.save."""
        return await self._saved(AsyncWire, path, timeout, max_bytes)

    async def data_url(self) -> str:
        """As Linked.data_url."""
        return await self._shown(AsyncWire)


class _Text:
    """Base64 as text, made when somebody asks for it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: File | None, kind: type[File]) -> str | None:
        inline = owner.__dict__.get("inline file") if owner is not None else None
        if owner is None or inline is None:
            return None
        text: str = owner.__dict__.setdefault(self.name, inline.text())
        return text


def data_url(content: bytes) -> str:
    """A data URL of a file; its media type is read from its bytes."""
    media_type = sniff(content)[2] or "application/octet-stream"
    return f"data:{media_type};base64,{pybase64.b64encode_as_string(content)}"


def _target(path: str | Path) -> Path:
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder: add the name of a file", str(target))
    return target


def _write(target: Path, content: bytes) -> Path:
    suffix = sniff(content)[1]
    if suffix and not target.suffix.strip(".0123456789"):  # "sketch", and "gpt-image-1.5" too
        target = target.with_name(f"{target.name}.{suffix}")
    target.write_bytes(content)
    return target


def _decode(text: str | memoryview) -> bytes:
    """Bytes of base64, with or without a `data:` prefix, white space, padding, and the letters that URLs want."""
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        plain = text if isinstance(text, str) else str(text, "ascii", "replace")
    if plain.startswith("data:"):
        head, _, plain = plain.partition(",")
        if not head.endswith(";base64"):
            return unquote_to_bytes(plain)
    plain = "".join(plain.split()).rstrip("=").translate(_URL_SAFE)
    try:
        return pybase64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise APIResponseValidationError(f"the file in the answer is not base64: {error}") from None


async def fetch(wire: Wire, origin: Origin, link: str, timeout: float, max_bytes: int) -> bytes:
    """What is behind a URL that a server named, which is not trusted: it gets no key and no cookie, leads to no private
    address unless the API is at one, and is left by no redirect to another scheme."""
    url = _checked(link, origin)
    scheme, end = url.scheme, time.monotonic() + timeout
    private = await wire.blocking(_is_private, origin.base_url)
    try:
        for _ in range(1 + MAX_REDIRECTS):
            request = _request(url, await wire.blocking(addresses, url), private, end - time.monotonic())
            response = await wire.send(request, auth=None)
            try:
                if not response.has_redirect_location:
                    return await _body(wire, response, f"the download from {url.host}", timeout, end, max_bytes)
            finally:
                await wire.close(response)
            url = url.join(response.headers["location"])
            if url.scheme != scheme:
                raise APIResponseValidationError(f"not fetched: a redirect from {scheme} to {url.scheme}")
    except httpx2.TimeoutException:
        raise _late(timeout) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise APIConnectionError(f"the file could not be downloaded: {error}") from None
    raise APIConnectionError(f"the file could not be downloaded: more than {MAX_REDIRECTS} redirects")


async def _body(wire: Wire, response: httpx2.Response, place: str, timeout: float, end: float, max_bytes: int) -> bytes:
    content = bytearray()
    limit = max_bytes if response.is_success else MAX_ERROR_BYTES
    async for chunk in wire.chunks(response):
        content += chunk
        if len(content) > limit:
            break
        if time.monotonic() > end:
            raise _late(timeout)
    if not response.is_success:
        text = content[:limit].decode("utf-8", "replace")
        raise status_error(response.status_code, text, None, response.headers, place)
    if len(content) > limit or not content:
        said = f"larger than {max_bytes} bytes" if content else "empty"
        raise APIResponseValidationError(f"the file behind the URL is {said}")
    media_type = media_type_of(response)
    if _is_text(bytes(content[:HEAD]), media_type):
        raise APIResponseValidationError(
            f"{place} is no picture but {media_type or 'a text'}: the link may have expired"
        )
    return bytes(content)


def _is_text(head: bytes, media_type: str) -> bool:
    """Whether a file that should be a picture is a page, JSON or a sentence, whatever the server calls it."""
    if not head or sniff(head)[0] or b"\0" in head:
        return False
    named = media_type.startswith("image/") or media_type in MEDIA_OF_FILES
    return not named or head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{", b"[")


def _checked(link: str, origin: Origin) -> httpx2.URL:
    try:
        url = httpx2.URL(link)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise APIResponseValidationError(f"not a URL that can be downloaded: {origin.clean(link)[:200]}")
    return url


def _request(url: httpx2.URL, found: Sequence[str], private: bool, seconds: float) -> httpx2.Request:
    """A request to the address that was checked, so that a second look-up cannot change it. Where this machine knows no
    address, it is up to a proxy."""
    headers = {"Accept": "*/*"}
    extensions: dict[str, Any] = {"timeout": httpx2.Timeout(max(seconds, 0.001)).as_dict()}
    if not private and found:
        if not all(map(is_public, found)):
            raise APIResponseValidationError(f"not fetched: {url.host} is at a private address")
        headers["Host"] = url.netloc.decode("ascii")
        extensions["sni_hostname"] = url.raw_host.decode("ascii")
        url = url.copy_with(host=found[0])
    return httpx2.Request("GET", url, headers=headers, extensions=extensions)


def _late(timeout: float) -> APITimeoutError:
    return APITimeoutError(f"the file did not come within {timeout} seconds")


def addresses(url: httpx2.URL) -> tuple[str, ...]:
    """All addresses of a URL's host, () where this machine knows none."""
    try:
        found = socket.getaddrinfo(url.raw_host.decode("ascii"), url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the open Internet. An IPv4 address inside an IPv6 one is unwrapped."""
    found = ipaddress.ip_address(address)
    inner = (found.ipv4_mapped or found.sixtofour) if isinstance(found, ipaddress.IPv6Address) else None
    return (inner or found).is_global


@lru_cache(maxsize=64)
def _is_private(base_url: str) -> bool:
    return bool(base_url) and not all(map(is_public, addresses(httpx2.URL(base_url))))
