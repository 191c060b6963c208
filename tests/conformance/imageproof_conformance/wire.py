"""The only module that opens a connection. It sends what is planned and keeps the whole exchange.

Redirects are never followed for a call, the key is masked in whatever is kept, and nothing that a target does raises:
a failure is a text in the exchange.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from imageproof.contract.redact import Redactor
from imageproof_conformance import guard
from imageproof_conformance.address import is_loopback
from imageproof_conformance.answers import MISCODED, urls
from imageproof_conformance.budget import CUT_SHORT, LATE, MOST_BAD_KEYS, NEVER_SENT, UNSENT
from imageproof_conformance.encode import encode
from imageproof_conformance.exchange import Chunk, Download, Exchange, Probe
from imageproof_conformance.profile import Profile
from imageproof_conformance.version import VERSION

if TYPE_CHECKING:
    import httpx2

MAX_PICTURE = 64 * 2**20  # bytes; a 3840x2160 picture as raw PNG is about 32 MB, 43 MB as base64
MAX_BODY = 4 * MAX_PICTURE  # of one answer, whatever it was asked for; ten large pictures are about 200 MB
KEPT = 2**20  # bytes of an answer that was too long
DOWNLOAD_SECONDS = 120.0  # for all links of one answer
GRACE = 1.0  # seconds beyond a time limit, for the limits of the HTTP client to come first
CONNECT_SECONDS = 15.0
MAX_REDIRECTS = 3  # of a download; calls follow none
RETRIES = 3  # of a call that was turned away with 429, which costs nothing
HICCUPS = {500: (0.1, 0.4), 503: (0.1, 0.4)}  # seconds before such an answer is believed; the SDKs repeat twice too
LONGEST_WAIT = 60.0  # seconds; a longer Retry-After is an answer, not an invitation
BAD_KEY = "imageproof-a-key-that-no-target-knows"

_CUT = "the answer was cut"


class Wire:
    """Sends probes to one target. Thread-safe; close it, or use it as a context manager.

    `again` is asked before a call is repeated, with what its first sending came to and the seconds to wait; it says
    whether the budget allows it. `link` says why a link must not be fetched, "" when it may. `left` are the seconds
    that the run still has: nothing outlasts them.
    """

    def __init__(
        self,
        profile: Profile,
        again: Callable[[Exchange, float], bool] = lambda exchange, wait: True,
        link: Callable[[], str] = lambda: "",
        left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        import httpx2  # 0.1 s that `--help` and usage errors need not pay

        self.redactor = Redactor(profile.key, *profile.sending.secrets)
        self._profile = profile
        self._again, self._link, self._left = again, link, left
        self._bad_keys = 0
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
        """One call, repeated only while it is turned away with 429 and a Retry-After that is worth waiting for, and
        twice when the target failed: one failure says nothing of the request."""
        exchange, earlier = self._send_once(probe), list[Exchange]()
        for attempt in range(RETRIES):
            wait = _wait(exchange, attempt)
            if probe.request.key == "bad" and self._bad_keys >= MOST_BAD_KEYS:
                break
            if wait is None or not self._again(exchange, wait):
                break
            if self._closing.wait(wait):
                break
            earlier.append(exchange)
            exchange = self._send_once(probe)
        return replace(exchange, earlier=tuple(earlier)) if earlier else exchange

    def wait(self, seconds: float) -> None:
        """Wait so long, unless the wire is closed or the time of the run is over meanwhile."""
        if seconds > 0:
            self._closing.wait(min(seconds, self._left(), threading.TIMEOUT_MAX))

    def look_again(self, exchange: Exchange) -> Exchange:
        """The same exchange with what its links give now, of those that gave a picture at once."""
        good = [one.url for one in exchange.downloads if one.status == 200 and not one.failure]
        after, clock = time.time() - exchange.started - exchange.seconds, time.monotonic()
        found = tuple(replace(self._in_time(url, clock), body=b"") for url in good)
        return replace(exchange, later=found, later_after=max(after, 0.0))

    def _send_once(self, probe: Probe) -> Exchange:
        self._limit.wait(self._closing, self._left())
        self._bad_keys += probe.request.key == "bad"  # never two at once: the dispatcher sends them one by one
        body, media_type = encode(probe.request)
        headers = self._headers(probe, media_type)
        url = self._profile.url(probe.request.path, probe.model)
        started, clock, timeout, left = time.time(), time.monotonic(), self._profile.timeout, self._left()
        heard = _Heard(min(MAX_PICTURE * max(probe.worst, 1), MAX_BODY))
        if left <= 0:
            heard.failure = UNSENT
        elif not _within(
            min(timeout + GRACE, left),
            lambda: self._exchange(probe.request.method, url, headers, body, clock, heard),
        ):
            heard = replace(heard, failure=_late(heard.status, timeout), chunks=list(heard.chunks))
        if left > 0 >= self._left() and heard.failure and not heard.failure.startswith(NEVER_SENT):
            heard = replace(heard, failure=CUT_SHORT)  # it was the run that had no more time
        exchange = Exchange(
            probe=probe,
            url=self.redactor.text(url),
            sent_headers=self._profile.sending.written(self.redactor.headers(headers)),
            sent_body=self.redactor.data(body),
            status=heard.status,
            headers=self.redactor.headers(heard.headers),
            chunks=_masked(tuple(heard.chunks), self.redactor),
            seconds=time.monotonic() - clock,
            started=started,
            failure=self.redactor.text(heard.failure),
        )
        return self._with_downloads(exchange)

    def _headers(self, probe: Probe, media_type: str | None) -> tuple[tuple[str, str], ...]:
        own = {"User-Agent": f"imageproof/{VERSION}", "Accept": "*/*", "Accept-Encoding": "identity"}
        if media_type:
            own["Content-Type"] = media_type
        key = {"yes": self._profile.key, "none": "", "bad": BAD_KEY}[probe.request.key]
        sending = self._profile.sending
        if key:
            own[sending.key_header] = sending.key_value(key)
        return sending.beside(own, probe.request.headers)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        clock: float,
        heard: _Heard,
    ) -> None:
        """Make a call, and write down what is heard as it arrives."""
        import httpx2

        timeout = self._profile.timeout
        try:
            request = self._client.build_request(
                method, url, headers=list(headers), content=body or None, timeout=_timeout(timeout)
            )
            response = self._client.send(request, stream=True)
            try:
                heard.status, heard.headers = response.status_code, tuple(response.headers.multi_items())
                heard.failure = _read(response.iter_bytes(), heard.chunks, clock, timeout, heard.most)
            finally:
                response.close()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            heard.failure = f"{NEVER_SENT}: {_said(error)}"
        except httpx2.TimeoutException:
            heard.failure = _late(heard.status, timeout)
        except httpx2.DecodingError as error:
            heard.failure = f"{MISCODED}: {_said(error)}"
        except Exception as error:  # whatever a hostile answer does to the client is a fact about the target
            heard.failure = f"{_CUT if heard.status else 'no answer'}: {_said(error)}"

    def _with_downloads(self, exchange: Exchange) -> Exchange:
        found = urls(exchange)
        if not found:
            return exchange
        clock = time.monotonic()
        return replace(exchange, downloads=tuple(self._in_time(url, clock) for url in found))

    def _in_time(self, url: str, clock: float) -> Download:
        """Fetch a URL of an answer unless the time for all of them is over, or ends meanwhile."""
        fetched: list[Download] = []
        left = clock + min(DOWNLOAD_SECONDS, self._profile.timeout) - time.monotonic()
        most = min(left + GRACE, self._left())
        if left > 0 and most > 0 and _within(most, lambda: fetched.append(self._download(url, clock))):
            return fetched[0]
        return Download(url, failure="not fetched: the time for the links of an answer was over")

    def _download(self, url: str, clock: float) -> Download:
        """Fetch a URL: no key, bounded, and only where `guard` allows; each redirect is checked again."""
        here, scheme = url, url.partition(":")[0].strip().lower()
        for _ in range(MAX_REDIRECTS + 1):
            place = guard.place(here, self._profile.host, self.private)
            if place.refused or place.scheme != scheme:
                return Download(url, failure=place.refused or "not fetched: redirected to another scheme")
            if spent := self._link():
                return Download(url, failure=f"not fetched: {spent}")
            result = self._fetch(url, place, clock)
            if isinstance(result, Download):
                return result
            try:
                here = urljoin(here, result)
            except ValueError:
                return Download(url, failure="no answer: redirected to what is no URL")
        return Download(url, failure=f"no answer: more than {MAX_REDIRECTS} redirects")

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
        return Download(url, failure=self.redactor.text(f"no answer: {failure}"))

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
            failure = _read(response.iter_bytes(), chunks, clock, DOWNLOAD_SECONDS, MAX_PICTURE)
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        finally:
            response.close()
        body = self.redactor.data(b"".join(chunk.data for chunk in chunks))
        return Download(url, response.status_code, media_type, body, failure)


@dataclass
class _Heard:
    """An answer as it comes in: at most `most` bytes of body."""

    most: int
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunks: list[Chunk] = field(default_factory=list)
    failure: str = ""


def _within(seconds: float, job: Callable[[], None]) -> bool:
    """Whether a job is done in time. It is left behind when it is not: a target that sends one byte now and then, or a
    name server that never answers, keeps every single read within its limit."""
    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _late(status: int | None, seconds: float) -> str:
    return f"{LATE} {seconds:g} s" if status is None else f"{_CUT}: time-out"


class _Limiter:
    """Lets calls start at most `rate` times a second, evenly spaced."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, closing: threading.Event, most: float) -> None:
        """Wait for the turn of a call, at most so many seconds."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            mine = max(self._next, now)
            self._next = mine + self._gap
        if mine > now:
            closing.wait(min(mine - now, most))


def _read(stream: Iterator[bytes], chunks: list[Chunk], clock: float, seconds: float, most: int) -> str:
    """Keep chunks with their arrival time; what was wrong, or ""."""
    size = 0
    for data in stream:
        at = time.monotonic() - clock
        size += len(data)
        if size > most:
            del chunks[sum(1 for kept in itertools.accumulate(len(one.data) for one in chunks) if kept <= KEPT) :]
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
    if exchange.status in HICCUPS:
        return next(iter(HICCUPS[exchange.status][attempt:]), None)
    if exchange.status != 429 or b"insufficient_quota" in exchange.body:
        return None
    seconds = _retry_after(exchange.header("retry-after") or "", time.time())
    return max(seconds, 0.1 * (attempt + 1)) if 0 <= seconds <= LONGEST_WAIT else None


def _retry_after(text: str, now: float) -> float:
    """Seconds that a Retry-After asks to wait, from its number or its date (RFC 9110, 10.2.3); -1 for neither."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return -1.0


def _timeout(seconds: float) -> httpx2.Timeout:
    import httpx2

    return httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS), pool=None)


def _said(error: Exception) -> str:
    """What an exception of the client says, in one short line."""
    return " ".join(f"{str(error) or type(error).__name__}".split())[:200]
