"""Every error of this client.

APIError                             something went wrong with a call; has what the server said
├── APIConnectionError               no answer, or a broken one
│   └── APITimeoutError              none in time
├── APIResponseValidationError       an answer that is no answer: not JSON, an error under status 200, no picture
├── RequestRuleError                 refused here, before anything was sent; with validate="error" alone
└── APIStatusError                   a status other than 2xx
    ├── BadRequestError 400          the parameter is wrong (InvalidParameterError), a filter objects (ModerationError)
    ├── AuthenticationError 401, PermissionDeniedError 403, NotFoundError 404
    ├── ConflictError 409, UnprocessableEntityError 422, RateLimitError 429
    └── InternalServerError          500 and above
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from ._model import is_list, is_object

_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")  # of bytes that were decoded since


class APIError(Exception):
    """Base of all errors.

    Attributes:
        message: What went wrong, in the server's words where it has some.
        code, param, type: Members of the error that the server sent, None where it sent none.
        body: The error object of the answer, else its whole JSON, else its text; None without an answer.
        raw: Text of the answer, "" without one.
        status_code: HTTP status, None without an answer.
        request_id: Id of the exchange, where the server gave one.
        headers: Headers of the answer.
        finished: Events of a stream that had brought finished pictures before it broke.
    """

    finished: Sequence[Any] = ()

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        raw: str = "",
        request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        place: str = "",
    ) -> None:
        body, said = _read(raw)
        self.message = (f"{place}: {said}" if place else said) if said else message
        self.status_code = status_code
        self.raw = raw
        self.body = body
        self.request_id = request_id
        self.headers: Mapping[str, str] = headers or {}
        members: Mapping[str, Any] = body if is_object(body) else {}
        self.code: str | None = members.get("code")
        self.param: str | None = members.get("param")
        self.type: str | None = members.get("type")
        super().__init__(self._line())

    @property
    def response(self) -> httpx2.Response | None:
        """The answer as the HTTP library has it, None without one. It knows no request, and so no key."""
        if self.status_code is None:
            return None
        return rebuilt(self.status_code, self.headers, self.raw.encode())

    def _line(self) -> str:
        facts = {"status": self.status_code, "code": self.code, "param": self.param, "request id": self.request_id}
        told = ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)
        return f"{self.message} ({told})" if told else self.message


class APIConnectionError(APIError):
    """The server could not be reached, or the connection broke."""


class APITimeoutError(APIConnectionError):
    """The server did not answer in time. It may have done the work all the same."""


class APIResponseValidationError(APIError):
    """The answer says success, but holds none."""


class RequestRuleError(APIError):
    """The request breaks rules of its model family, and was not sent. `breaches` has them all, `param` the first."""

    def __init__(self, message: str, breaches: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.breaches = tuple(breaches)
        self.param = self.breaches[0].parameter if self.breaches else None


class APIStatusError(APIError):
    """The server refused or failed."""

    status_code: int


class BadRequestError(APIStatusError):
    """400: the request is wrong, or a filter or the account refused it."""


class InvalidParameterError(BadRequestError):
    """400 that names the parameter at fault, in `param`."""


class ModerationError(BadRequestError):
    """400: a filter stopped the prompt, an input or the result. Asking again is of no use.

    Attributes:
        stage: "input", "output" or "unknown", "" where the server does not say.
        categories: What it was taken for, such as "violence"; () where the server does not say.
    """

    @property
    def stage(self) -> str:
        return str(self._details.get("moderation_stage") or "")

    @property
    def categories(self) -> tuple[str, ...]:
        told = self._details.get("categories")
        return tuple(map(str, told)) if is_list(told) else ()

    @property
    def _details(self) -> Mapping[str, Any]:
        told = self.body.get("moderation_details") if is_object(self.body) else None
        return told if is_object(told) else {}


class AuthenticationError(APIStatusError):
    """401: the key is missing or wrong."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such thing, or the server does not offer the call."""


class ConflictError(APIStatusError):
    """409: the request conflicts with another one."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well formed, and wrong."""


class RateLimitError(APIStatusError):
    """429: too many requests, or more than was paid for."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}
# Codes by which a filter is known: the official ones, and Azure's.
_FILTERED = ("moderation_blocked", "content_policy_violation", "content_filter", "contentFilter")


def status_error(
    status: int, raw: str, request_id: str | None, headers: Mapping[str, str], place: str = ""
) -> APIStatusError:
    """The error for a status that is not 2xx; `place` is what was asked, where that is not the API."""
    kind: type[APIStatusError] = _BY_STATUS.get(status, InternalServerError if status >= 500 else APIStatusError)
    message = f"{place or 'the server'} answered {status}"
    if 300 <= status < 400:
        message = f"the server answered {status}: redirects are not followed, since they would carry the key along"
    told: dict[str, Any] = {"status_code": status, "raw": raw, "request_id": request_id, "headers": headers}
    error = kind(message, **told, place=place)
    filtered = error.code in _FILTERED or (is_object(error.body) and "moderation_details" in error.body)
    if status == 400 and (filtered or error.param):
        kind = ModerationError if filtered else InvalidParameterError
        return kind(message, **told, place=place)
    return error


def rebuilt(status: int, headers: Mapping[str, str], content: bytes) -> httpx2.Response:
    """An answer as the HTTP library has it, around a body that was decoded since."""
    kept = {name: value for name, value in headers.items() if name not in _OF_THE_WIRE}
    return httpx2.Response(status, headers=kept, content=content)


def _read(raw: str) -> tuple[Any, str]:
    """The error object of an answer, and its message: servers send an envelope, a text, `detail`, HTML or nothing."""
    body: Any
    try:
        body = json.loads(raw.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return raw or None, ""
    if is_object(body) and body.get("error"):
        body = body["error"]
    if isinstance(body, str):
        return body, body
    if not is_object(body):
        return body, ""
    said = body.get("message") or body.get("detail") or ""
    return body, said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
