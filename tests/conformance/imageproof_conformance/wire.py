"""The only module that opens a connection. It sends what is planned and keeps the whole exchange.

Redirects are never followed for a call, the key is masked in whatever is kept, and nothing that a target does raises:
a failure is a text in the exchange.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from imageproof_conformance import guard
from imageproof_conformance.answers import urls
from imageproof_conformance.budget import NEVER_SENT
from imageproof_conformance.encode import encode
from imageproof_conformance.exchange import Chunk, Download, Exchange, Probe
from imageproof_conformance.profile import Profile, is_loopback
from imageproof_conformance.redact import Redactor
from imageproof_conformance.version import VERSION

if TYPE_CHECKING:
    import httpx2

MAX_BODY = 256 * 2**20  # bytes of one answer; ten large pictures as base64 are about 200 MB
MAX_DOWNLOAD = 64 * 2**20  # bytes of one fetched picture
DOWNLOAD_SECONDS = 120.0
CONNECT_SECONDS = 15.0
MAX_REDIRECTS = 3  # of a download; calls follow none
RETRIES = 3  # of a call that was turned away with 429, which costs nothing
LONGEST_WAIT = 60.0  # seconds; a longer Retry-After is an answer, not an invitation
BAD_KEY = "imageproof-a-key-that-no-target-knows"

_CUT = "the answer was cut"


class Wire:
    """Sends probes to one target. Thread-safe; close it, or use it as a context manager.

    `again` is asked before a turned-away call is repeated; it says whether the budget has a request left.
    """

    def __init__(self, profile: Profile, again: Callable[[], bool] = lambda: True) -> None:
        import httpx2  # 0.1 s that `--help` and usage errors need not pay

        self.redactor = Redactor(profile.key)
        self._profile = profile
        self._again = again
        self._limit = _Limiter(profile.rate)
        parts = urlsplit(profile.base_url)
        addresses = guard.resolve(profile.host, parts.port or (443 if parts.scheme == "https" else 80))
        self.private = is_loopback(profile.host) or (bool(addresses) and all(map(guard.is_private, addresses)))
        # A proxy from the environment could be asked for this machine, where it sees another one.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=profile.workers)
        self._client = httpx2.Client(follow_redirects=False, trust_env=not self.private, limits=limits)
        self._closing = threading.Event()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends waits and connections; a call in flight becomes a failed one."""
        self._closing.set()
        self._client.close()

    def send(self, probe: Probe) -> Exchange:
        """One call, repeated only while it is turned away with 429 and a Retry-After that is worth waiting for."""
        exchange = self._send_once(probe)
        for attempt in range(RETRIES):
            wait = _wait(exchange, attempt)
            if wait is None or not self._again():
                break
            if self._closing.wait(wait):
                break
            exchange = self._send_once(probe)
        return exchange

    def _send_once(self, probe: Probe) -> Exchange:
        self._limit.wait(self._closing)
        body, media_type = encode(probe.request)
        headers = self._headers(probe, media_type)
        url = self._profile.base_url + probe.request.path
        started, clock = time.time(), time.monotonic()
        chunks: list[Chunk] = []
        status, answered, failure = self._exchange(probe.request.method, url, headers, body, clock, chunks)
        exchange = Exchange(
            probe=probe,
            url=self.redactor.text(url),
            sent_headers=self.redactor.headers(headers),
            sent_body=self.redactor.data(body),
            status=status,
            headers=self.redactor.headers(answered),
            chunks=_masked(tuple(chunks), self.redactor),
            seconds=time.monotonic() - clock,
            started=started,
            failure=self.redactor.text(failure),
        )
        return self._with_downloads(exchange)

    def _headers(self, probe: Probe, media_type: str | None) -> tuple[tuple[str, str], ...]:
        own = {"User-Agent": f"imageproof/{VERSION}", "Accept": "*/*", "Accept-Encoding": "identity"}
        if media_type:
            own["Content-Type"] = media_type
        key = {"yes": self._profile.key, "none": "", "bad": BAD_KEY}[probe.request.key]
        if key:
            own["Authorization"] = f"Bearer {key}"
        planned = {name.lower() for name, _ in probe.request.headers}
        return (*((name, value) for name, value in own.items() if name.lower() not in planned), *probe.request.headers)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        clock: float,
        chunks: list[Chunk],
    ) -> tuple[int | None, tuple[tuple[str, str], ...], str]:
        """Status, headers and failure; the body goes to `chunks` as it arrives."""
        import httpx2

        timeout = self._profile.timeout
        status: int | None = None
        answered: tuple[tuple[str, str], ...] = ()
        try:
            request = self._client.build_request(
                method, url, headers=list(headers), content=body or None, timeout=_timeout(timeout)
            )
            response = self._client.send(request, stream=True)
            try:
                status, answered = response.status_code, tuple(response.headers.multi_items())
                failure = _read(response.iter_bytes(), chunks, clock, timeout, MAX_BODY)
            finally:
                response.close()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            return None, (), f"{NEVER_SENT}: {_said(error)}"
        except httpx2.TimeoutException:
            return status, answered, f"no answer within {timeout:g} s" if status is None else f"{_CUT}: time-out"
        except Exception as error:  # whatever a hostile answer does to the client is a fact about the target
            return status, answered, f"{_CUT if status else 'no answer'}: {_said(error)}"
        return status, answered, failure

    def _with_downloads(self, exchange: Exchange) -> Exchange:
        found = urls(exchange)
        if not found:
            return exchange
        fetched = tuple(self._download(url) for url in found)
        fields = {name: getattr(exchange, name) for name in exchange.__dataclass_fields__}
        return Exchange(**{**fields, "downloads": fetched})

    def _download(self, url: str) -> Download:
        """Fetch a URL of an answer: no key, bounded, and only where `guard` allows; each redirect is checked again."""
        here, scheme, clock = url, urlsplit(url).scheme.lower(), time.monotonic()
        for _ in range(MAX_REDIRECTS + 1):
            place = guard.place(here, self._profile.host, self.private)
            if place.refused or place.scheme != scheme:
                return Download(url, failure=place.refused or "not fetched: redirected to another scheme")
            result = self._fetch(url, place, clock)
            if isinstance(result, Download):
                return result
            here = urljoin(here, result)
        return Download(url, failure=f"not fetched: more than {MAX_REDIRECTS} redirects")

    def _fetch(self, url: str, place: guard.Place, clock: float) -> Download | str:
        """One GET to an address that was checked. A text is where a redirect points."""
        import httpx2

        failure = ""
        for address in place.addresses:
            try:
                return self._get(url, place, address, clock)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = _said(error)  # a name may have an IPv6 address that nothing listens on
            except Exception as error:  # see _exchange
                failure = _said(error)
                break
        return Download(url, failure=self.redactor.text(f"not fetched: {failure}"))

    def _get(self, url: str, place: guard.Place, address: str, clock: float) -> Download | str:
        bare, named = guard.bracketed(address), guard.bracketed(place.host)
        default = place.port == (443 if place.scheme == "https" else 80)
        request = self._client.build_request(
            "GET",
            f"{place.scheme}://{bare}:{place.port}{place.target}",
            headers=[
                ("Host", named if default else f"{named}:{place.port}"),
                ("User-Agent", f"imageproof/{VERSION}"),
                ("Accept", "image/*,*/*;q=0.5"),
                ("Accept-Encoding", "identity"),
            ],
            timeout=_timeout(DOWNLOAD_SECONDS),
            extensions={"sni_hostname": place.host} if place.scheme == "https" else {},
        )
        chunks: list[Chunk] = []
        response = self._client.send(request, stream=True)
        try:
            if response.is_redirect and "location" in response.headers:
                return str(response.headers["location"])
            failure = _read(response.iter_bytes(), chunks, clock, DOWNLOAD_SECONDS, MAX_DOWNLOAD)
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        finally:
            response.close()
        body = self.redactor.data(b"".join(chunk.data for chunk in chunks))
        return Download(url, response.status_code, media_type, body, failure)


class _Limiter:
    """Lets calls start at most `rate` times a second, evenly spaced."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, closing: threading.Event) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            mine = max(self._next, now)
            self._next = mine + self._gap
        if mine > now:
            closing.wait(mine - now)


def _read(stream: Iterator[bytes], chunks: list[Chunk], clock: float, seconds: float, most: int) -> str:
    """Keep chunks with their arrival time; what was wrong, or ""."""
    size = 0
    for data in stream:
        at = time.monotonic() - clock
        size += len(data)
        if size > most:
            return f"{_CUT}: more than {most // 2**20} MB"
        chunks.append(Chunk(at, data))
        if at > seconds:
            return f"{_CUT}: not complete within {seconds:g} s"
    return ""


def _masked(chunks: tuple[Chunk, ...], redactor: Redactor) -> tuple[Chunk, ...]:
    """The chunks with the key masked, also where it spans two of them."""
    whole = b"".join(chunk.data for chunk in chunks)
    clean = redactor.data(whole)
    if clean == whole:
        return chunks
    masked, start = [], 0
    for chunk in chunks:
        masked.append(Chunk(chunk.at, clean[start : start + len(chunk.data)]))
        start += len(chunk.data)
    return tuple(masked)


def _wait(exchange: Exchange, attempt: int) -> float | None:
    """Seconds to wait before a call may be repeated; None when it must not be.

    Without a Retry-After there is no promise that it helps, and an exhausted quota never comes back by waiting.
    """
    if exchange.status != 429 or b"insufficient_quota" in exchange.body:
        return None
    try:
        seconds = float(exchange.header("retry-after") or "")
    except ValueError:
        return None
    return max(seconds, 0.1 * (attempt + 1)) if 0 <= seconds <= LONGEST_WAIT else None


def _timeout(seconds: float) -> httpx2.Timeout:
    import httpx2

    return httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS), pool=None)


def _said(error: Exception) -> str:
    """What an exception of the client says, in one short line."""
    return " ".join(f"{str(error) or type(error).__name__}".split())[:200]
