"""One exchange with the server: request out, answer in, errors told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import httpx2

from ._files import form_parts, form_texts, json_of, text_of
from ._model import Model, NotGiven
from ._stream import Stream
from .errors import APIConnectionError, APIResponseValidationError, APITimeoutError, status_error

T = TypeVar("T")
CONNECT_TIMEOUT = 10.0  # seconds; a server that is there accepts a connection soon, however long it then works
SECRET_LENGTH = 6  # what is shorter, such as "EMPTY", is no secret, and may be part of any word
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Http:
    """The connection of a client. It holds the key, and is the only thing that does."""

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        auth: tuple[str, str],
        headers: Mapping[str, str],
        timeout: float | None,
        http_client: httpx2.Client | None,
    ) -> None:
        self.base_url, _, self._query = base_url.partition("?")
        self.timeout = timeout
        self._key = key
        self._secret = _spellings(key) if len(key) >= SECRET_LENGTH else None
        self._auth = auth
        self._headers = dict(headers)
        self._own = http_client is None
        self._client = http_client or httpx2.Client()

    def __repr__(self) -> str:
        return f"Http({self.base_url!r})"

    def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        if self._own:
            self._client.close()

    def call(
        self, verb: str, path: str, *, decode: Callable[[Any], T], timeout: float | NotGiven | None, **told: Any
    ) -> T:
        """Send a request and decode its JSON answer."""
        return self._answer(self._read(verb, path, "application/json", timeout, told), decode)

    def fetch(self, verb: str, path: str, *, timeout: float | NotGiven | None, **told: Any) -> bytes:
        """Send a request whose answer is a file."""
        return self._read(verb, path, "*/*", timeout, told).content

    def fetch_text(self, verb: str, path: str, *, timeout: float | NotGiven | None, **told: Any) -> str:
        """Send a request whose answer is plain text."""
        return self._read(verb, path, "text/plain", timeout, told).text

    def send(self, verb: str, path: str, *, timeout: float | NotGiven | None, **told: Any) -> None:
        """Send a request that is answered by its status alone."""
        self._read(verb, path, "application/json", timeout, told)

    def _read(
        self, verb: str, path: str, accept: str, timeout: float | NotGiven | None, told: Mapping[str, Any]
    ) -> httpx2.Response:
        response = self._send(verb, path, timeout=timeout, accept=accept, **told)
        try:
            response.read()
        except httpx2.TimeoutException:
            raise APITimeoutError("the answer did not come in time", request_id=_request_id(response)) from None
        except httpx2.HTTPError as error:
            raise APIConnectionError(f"the answer broke off: {error}", request_id=_request_id(response)) from None
        finally:
            response.close()
        return response

    def stream(
        self,
        verb: str,
        path: str,
        *,
        decode: Callable[[Any], T],
        member: str,
        last: Collection[str],
        timeout: float | NotGiven | None,
        **told: Any,
    ) -> Stream[T]:
        """Send a request and read its answer as events."""
        response = self._send(verb, path, timeout=timeout, accept="text/event-stream, application/json", **told)
        if "text/event-stream" not in response.headers.get("content-type", ""):
            response.read()
            self._answer(response, Model.decode)  # an error, most often
            raise self._invalid("asked for events, and got a single answer", response)
        return Stream(
            response,
            decode=decode,
            member=member,
            last=last,
            request_id=_request_id(response),
            clean=self._clean,
        )

    def _send(
        self,
        verb: str,
        path: str,
        *,
        timeout: float | NotGiven | None,
        accept: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        **body: Any,
    ) -> httpx2.Response:
        if self._client.is_closed:
            raise APIConnectionError("the client is closed: make a new one, or call inside its `with` block")
        seconds = self.timeout if isinstance(timeout, NotGiven) else timeout
        limits = httpx2.Timeout(seconds, connect=CONNECT_TIMEOUT if seconds is None else min(seconds, CONNECT_TIMEOUT))
        sent = {name: text_of(name, value) for name, value in _given(headers or {}).items() if value is not None}
        content, form, media_type = _body(**body)
        try:
            request = self._client.build_request(
                verb,
                self._url(path, {**(query or {}), **(extra_query or {})}),
                headers={**self._base_headers(accept, media_type), **sent, **(extra_headers or {})},
                content=content,
                files=form,
                timeout=limits,
            )
            response = self._client.send(request, stream=True, follow_redirects=False)
        except httpx2.TimeoutException:
            raise APITimeoutError(f"no answer from {self.base_url} in {seconds} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise APIConnectionError(self._clean(f"no answer from {self.base_url}: {error}")) from None
        if not response.is_success:
            self._refuse(response)
        return response

    def _base_headers(self, accept: str, media_type: str) -> dict[str, str]:
        headers = {"Accept": accept, **self._headers}
        if media_type:
            headers["Content-Type"] = media_type
        if self._key:
            header, prefix = self._auth
            headers[header] = f"{prefix}{self._key}"
        return headers

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        pairs = [pair for name, value in _given(query).items() for pair in form_texts(name, value, name)]
        whole = "&".join(part for part in (self._query, urlencode(pairs)) if part)
        return f"{self.base_url}{path}?{whole}" if whole else f"{self.base_url}{path}"

    def _refuse(self, response: httpx2.Response) -> None:
        try:
            response.read()
            text = response.text
        except httpx2.HTTPError:  # the status alone is worth telling
            text = ""
        finally:
            response.close()
        headers = self._headers_of(response)
        raise status_error(response.status_code, self._clean(text), _request_id(response), headers)

    def _answer(self, response: httpx2.Response, decode: Callable[[Any], T]) -> T:
        try:
            data = json.loads(response.content.removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError):
            raise self._invalid("the answer is not JSON", response) from None
        if isinstance(data, dict) and data.get("error"):
            raise self._invalid("the answer is an error", response)
        decoded = decode(data)
        if isinstance(decoded, Model):
            decoded.__dict__["request id"] = _request_id(response)
        return decoded

    def _invalid(self, message: str, response: httpx2.Response) -> APIResponseValidationError:
        return APIResponseValidationError(
            message,
            status_code=response.status_code,
            raw=self._clean(response.text),
            request_id=_request_id(response),
            headers=self._headers_of(response),
        )

    def _clean(self, text: str) -> str:
        """A server's text without the key: some repeat it in their errors."""
        return self._secret.sub("[key]", text) if self._secret else text

    def _headers_of(self, response: httpx2.Response) -> httpx2.Headers:
        return httpx2.Headers([(name, self._clean(value)) for name, value in response.headers.multi_items()])


def normal_base_url(url: str, default: str, paths: Collection[str]) -> str:
    """The base URL that a caller means by a host, a base with or without a slash, or the whole URL of one call.

    A host alone gets the path of the default; a name without a scheme gets https, or http on this machine.
    """
    url = url.strip()
    if "://" not in url:
        url = f"{'http' if url.startswith(LOOPBACK) else 'https'}://{url}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be a URL such as https://host/v1")
    if "@" in parts.netloc:
        raise ValueError("base_url must not hold a user name or password; give the key as api_key")
    path = re.sub("/+", "/", parts.path).rstrip("/") or urlsplit(default).path.rstrip("/")
    for known in paths:
        path = path.removesuffix(known)
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def normal_key(key: str | None) -> str:
    """The key without the white space that copying brings along. ValueError, which does not tell it, for a bad one."""
    key = (key or "").strip()
    if not key.isascii() or any(ord(letter) <= 32 or ord(letter) == 127 for letter in key):
        raise ValueError("api_key must be printable ASCII without spaces")
    return key


def _spellings(key: str) -> re.Pattern[str]:
    """Finds a key as it is, and as JSON and URLs may write it: serializers escape `+` and `/`, and quote at will."""
    letters = (f"(?:{re.escape(one)}|\\\\u00{ord(one):02x}|\\\\{re.escape(one)}|%{ord(one):02x})" for one in key)
    return re.compile("".join(letters), re.IGNORECASE)


def path_of(template: str, values: Mapping[str, Any]) -> str:
    """A path with its parameters filled in and percent-encoded."""
    for name, value in values.items():
        text = quote(text_of(name, value), safe="")
        if text in ("", ".", ".."):
            raise ValueError(f"{name} must not be {text!r}: the path would be another one")
        template = template.replace(f"{{{name}}}", text)
    return template


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not isinstance(value, NotGiven)}


def _body(
    *,
    body: Any = None,
    media_type: str = "",
    form: Mapping[str, Any] | NotGiven | None = None,
    files: Collection[str] = (),
    lists: Mapping[str, str] | None = None,
    documents: Collection[str] = (),
    extra_body: Mapping[str, Any] | None = None,
) -> tuple[bytes | None, Any, str]:
    """Content, parts of a multipart form, and media type ("" where a form brings its own)."""
    if isinstance(form, NotGiven) or isinstance(body, NotGiven) or (form is None and body is None and not media_type):
        return (None, None, "") if not extra_body else (json_of("", extra_body), None, "application/json")
    if form is not None and media_type.startswith("multipart/form-data"):
        return None, form_parts({**form, **(extra_body or {})}, files, lists or {}, documents), ""
    if form is not None:
        members = {**form, **(extra_body or {})}
        pairs = [pair for name, value in members.items() for pair in form_texts(name, value, name)]
        return urlencode(pairs).encode(), None, media_type
    if isinstance(body, dict):
        return json_of("", {**_given(body), **(extra_body or {})}), None, media_type
    if extra_body:
        raise TypeError("extra_body needs a body with members")
    return body if isinstance(body, bytes) else json_of("", body), None, media_type


def _request_id(response: httpx2.Response) -> str | None:
    found: str | None = response.headers.get("x-request-id")
    return found
