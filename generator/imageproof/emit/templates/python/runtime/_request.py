"""Requests, made of what a caller gave: what goes where, under which name, in which form. Nothing is sent here."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import httpx2

from ._files import Form, form_of, form_texts, is_content, joined, json_of, text_of, upload_of
from ._model import Decoder, NotGiven, as_is, is_mapping, is_several
from ._retry import Retry

CONNECT_TIMEOUT = 10.0  # seconds; a server that is there accepts a connection soon, however long it then works
SECRET_LENGTH = 6  # a key that is shorter may be part of any word
NO_SECRETS = ("EMPTY", "none", "null", "true", "false", *map(str, range(10)))  # what servers without keys are given
LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])([:/]|$)", re.IGNORECASE)
CARRIERS = re.compile("authorization|api-?key|token", re.IGNORECASE)  # in the names of headers that carry keys
SLIP = re.compile(r"https?(:/?|//?)(?!/)|/", re.IGNORECASE)  # what looks like a scheme or a path, and is no host
# Arguments that every call takes.
OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout", "validate", "family")


@dataclass(frozen=True)
class Service:
    """What a document says of its API as a whole: default base URL, paths without parameters, where the key goes
    (header, prefix), names of the environment's key and base URL, members that hold files in base64; `accounts` are
    header and name in the environment of what else tells who pays; `check` holds a call against the rules of its
    model's family."""

    base_url: str
    paths: Collection[str]
    auth: tuple[str, str]
    key_variable: str
    url_variable: str
    inline: Collection[str] = ()
    accounts: Mapping[str, tuple[str, str]] = field(default_factory=lambda: dict[str, tuple[str, str]]())
    check: Callable[[Operation, Call, Settings], None] | None = None


@dataclass(frozen=True)
class Operation:
    """One call. `arguments` are its arguments by name and under their names on the wire; `query` and `headers` those
    that do not go into the body, `commas` lists that travel as one text.

    Of a form, `files`, `lists` and `documents` are as `form_of` takes them; `json` are the arguments that only the JSON
    body `json_media_type` knows, `references` files that are references there. `whole` names the argument that is the
    whole body, `raw` says that it is a file. `accept` is what the answer may be. Of a stream, `events` decodes events,
    `member` tells them apart, `last` are its values that may end it, and `switch` is the argument that asks for it.
    """

    name: str
    verb: str
    path: str
    arguments: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    required: Collection[str] = ()
    query: Collection[str] = ()
    headers: Collection[str] = ()
    commas: Collection[str] = ()
    media_type: str = ""
    files: Collection[str] = ()
    lists: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    documents: Collection[str] = ()
    json: Collection[str] = ()
    json_media_type: str = ""
    whole: str = ""
    raw: bool = False
    accept: str = "application/json"
    events: Decoder = as_is
    switch: str = ""
    member: str = ""
    last: Collection[str] = ()


def arguments(params: Any, wires: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names of arguments -> their names on the wire, out of a dictionary of arguments; `wires` where they differ."""
    own = {name: name for name in params.__annotations__ if name not in OPTIONS}
    return {**own, **(wires or {})}


@dataclass(frozen=True)
class Settings:
    """How a client calls. `key` may be a function that tells it; `query` goes with every call, `base_query` behind
    this base URL alone, and `accounts` are headers for the host `home` and those below it; `deployment` is of Azure's
    kind: None for none, "" for that of the call's model."""

    base_url: str
    key: Any = field(repr=False)  # a text, or a function that tells one
    auth: tuple[str, str]
    query: Mapping[str, Any] = field(default_factory=lambda: dict[str, Any]())
    base_query: Mapping[str, Any] = field(default_factory=lambda: dict[str, Any]())
    headers: Mapping[str, str] = field(repr=False, default_factory=lambda: dict[str, str]())
    accounts: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    home: str = ""
    timeout: float | httpx2.Timeout | None = 600.0
    max_retries: int = 2
    on_retry: Callable[[Retry], object] | None = None
    validate: str = "warn"
    family: str | Mapping[str, str] | None = None
    deployment: str | None = None


@dataclass(frozen=True)
class Call:
    """A request that is ready. `body` is bytes, a form, or None; a form can be sent again. `values` are the members of
    the body before they were written, files as Uploads, and `options` what else the caller wanted of the call."""

    verb: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | Form | None = field(repr=False)
    timeout: httpx2.Timeout
    values: Mapping[str, Any]
    options: Mapping[str, Any]


def call_of(operation: Operation, path: Mapping[str, Any], given: Mapping[str, Any], settings: Settings) -> Call:
    """The request for a call. `path` are the values of path parameters by their names on the wire, `given` the other
    arguments. TypeError and ValueError, which name the argument, for what cannot be sent."""
    told = {name: value for name, value in given.items() if not isinstance(value, NotGiven)}
    options = {name: told.pop(name) for name in OPTIONS if name in told}
    check_names(f"{operation.name}()", told, operation.arguments, ": send it by extra_body", OPTIONS)
    missing = [name for name in operation.required if name not in told]
    if missing:
        raise TypeError(f"{operation.name}() missing required argument{'s' * (len(missing) > 1)}: {', '.join(missing)}")
    extra = {one: options.get(f"extra_{one}") or dict[str, Any]() for one in ("headers", "query", "body")}
    query = dict(_taken(operation, told, operation.query))
    sent = dict(_taken(operation, told, operation.headers))
    values: dict[str, Any] = {operation.arguments[name]: value for name, value in told.items()}
    values = {**values, **extra["body"]} if not operation.whole else values
    media_type = operation.json_media_type if is_json(operation, values) else operation.media_type
    if media_type.startswith("multipart/form-data"):
        values = {name: _uploads(operation, name, value) for name, value in values.items()}
    body, media_type = _body(operation, media_type, values, extra["body"])
    sent = {name: text_of(name, value) for name, value in sent.items() if value is not None}
    own = {"Accept": operation.accept}
    own |= {settings.auth[0]: f"{settings.auth[1]}{settings.key}"} if settings.key else {}
    own |= settings.accounts if f".{urlsplit(settings.base_url).netloc.lower()}".endswith(f".{settings.home}") else {}
    fixed = {"Content-Type": media_type} if media_type else {}
    fixed |= {"Content-Length": str(body.size)} if isinstance(body, Form) else {}
    headers = merged_headers(own, settings.headers, fixed, safe_headers({**sent, **extra["headers"]}))
    url = f"{settings.base_url}{_deployed(operation, settings, values)}{_path(operation.path, path)}"
    url = _with_query(url, {**settings.base_query, **settings.query, **query, **extra["query"]})
    return Call(operation.verb, url, headers, body, limits(options.get("timeout", settings.timeout)), values, options)


def _taken(operation: Operation, told: dict[str, Any], names: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Arguments taken out of all, under their names on the wire: a body may have members of the same names."""
    for name in names:
        if name in told:
            wire, value = operation.arguments[name], told.pop(name)
            yield wire, joined(wire, value) if name in operation.commas else value


def check_names(call: str, told: Iterable[str], known: Collection[str], hint: str, more: Collection[str]) -> None:
    """Raises TypeError for an argument that is not known, with the name meant, of `more` too, or else with a hint."""
    for name in told:
        if name not in known:
            close = difflib.get_close_matches(name, [*known, *more], 1)
            hint = f"; did you mean {close[0]!r}?" if close else hint
            raise TypeError(f"{call} got an unexpected keyword argument {name!r}{hint}")


def is_json(operation: Operation, values: Mapping[str, Any]) -> bool:
    """Whether arguments, by their names on the wire, go as JSON where a form is what the call is used to."""
    if not operation.json_media_type:
        return False
    return any(name in values for name in operation.json) or any(is_mapping(values.get(one)) for one in operation.files)


def _uploads(operation: Operation, name: str, value: Any) -> Any:
    """A file, or a list of files, as Uploads; any other value as it is."""
    if value is None or not (name in operation.files or is_content(value)):
        return value
    if not is_several(value):
        return upload_of(name, value)
    if not value:
        raise ValueError(f"{name}: the list of files is empty")
    return [upload_of(name, item) for item in value]


def _body(
    operation: Operation, media_type: str, values: Mapping[str, Any], extra: Mapping[str, Any]
) -> tuple[bytes | Form | None, str]:
    """Content and media type."""
    if operation.whole and operation.whole in values:
        whole = values[operation.whole]
        if operation.raw:
            return b"".join(upload_of(operation.whole, whole).pieces()), media_type
        if not is_mapping(whole):
            if extra:
                raise TypeError("extra_body needs a body with members")
            return json_of("", whole), media_type
        values = {**whole, **extra}
    elif operation.whole or not media_type:
        return (json_of("", extra), "application/json") if extra else (None, "")
    if media_type.startswith("multipart/form-data"):
        form = form_of(values, operation.lists, operation.documents)
        return form, form.media_type
    if media_type.startswith("application/x-www-form-urlencoded"):
        pairs = [pair for name, value in values.items() for pair in form_texts(name, value, name)]
        return urlencode(pairs).encode(), media_type
    return json_of("", values), media_type


def _deployed(operation: Operation, settings: Settings, values: Mapping[str, Any]) -> str:
    """The part of an Azure path that names the deployment; calls without a body have none."""
    if settings.deployment is None or not operation.media_type:
        return ""
    name = settings.deployment or values.get("model")
    if not name:
        raise ValueError("Azure needs a deployment: give one to the client, or a model to the call")
    return f"/deployments/{quote(str(name), safe='')}"


def _path(template: str, values: Mapping[str, Any]) -> str:
    """A path with its parameters, by their names on the wire, filled in and percent-encoded."""
    for name, value in values.items():
        text = quote(text_of(name, value), safe="")
        if text in ("", ".", ".."):
            raise ValueError(f"{name} must not be {text!r}: the path would be another one")
        template = template.replace(f"{{{name}}}", text)
    return template


def _with_query(url: str, query: Mapping[str, Any]) -> str:
    pairs = [pair for name, value in query.items() for pair in form_texts(name, value, name)]
    return f"{url}?{urlencode(pairs)}" if pairs else url


def limits(seconds: float | httpx2.Timeout | None) -> httpx2.Timeout:
    """How long to wait, for each step of a call."""
    if not isinstance(seconds, int | float | httpx2.Timeout | None):
        raise TypeError(f"timeout must be seconds, an httpx2.Timeout or None, not {type(seconds).__name__}")
    if isinstance(seconds, httpx2.Timeout):
        return seconds
    return httpx2.Timeout(seconds, connect=CONNECT_TIMEOUT if seconds is None else min(seconds, CONNECT_TIMEOUT))


def safe_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that can be sent. ValueError, which names the header and does not tell its value, for others."""
    for name, value in headers.items():
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"header {name!r} must be printable ASCII")
    return dict(headers)


def merged_headers(*groups: Mapping[str, str]) -> dict[str, str]:
    """All headers, the later instead of the earlier ones, however their names are written."""
    return dict({name.lower(): (name, value) for group in groups for name, value in group.items()}.values())


def normal_base_url(url: str, default: str, paths: Collection[str]) -> tuple[str, str]:
    """The base URL that a caller means by a host, a base with or without a slash, or the whole URL of one call; and
    the query behind it. A host alone gets the path of the default, without a scheme https, or http on this machine."""
    url = "" if SLIP.match(url.strip()) else url.strip()
    if "://" not in url:
        url = f"{'http' if LOOPBACK.match(url) else 'https'}://{url}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be a URL such as https://host/v1")
    if "@" in parts.netloc:
        raise ValueError("base_url must not hold a user name or password; give the key as api_key")
    path = re.sub("/+", "/", parts.path).rstrip("/") or urlsplit(default).path.rstrip("/")
    for known in paths:
        path = path.removesuffix(known)
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), parts.query


def normal_key(key: Any, variable: str = "") -> Any:
    """The key, without it that of the environment, and without the white space that copying brings along; a function
    is left as it is. TypeError and ValueError, which do not tell it, for a bad one."""
    told = os.environ.get(variable, "") if key is None else key
    if callable(told):
        return told
    if not isinstance(told, str):
        raise TypeError(f"api_key must be a text, or a function that returns one, not {type(told).__name__}")
    told = told.strip()
    if not told.isascii() or not told.isprintable() or " " in told:
        raise ValueError("api_key must be printable ASCII without spaces")
    return told


def keys_in(headers: Mapping[str, str]) -> list[str]:
    """The keys that headers carry, whoever set them."""
    return [value.split()[-1] for name, value in headers.items() if value.strip() and CARRIERS.search(name)]


@lru_cache(maxsize=64)
def spellings(key: Any) -> tuple[re.Pattern[str], ...]:
    """Finds a key as it is, and as JSON and URLs may write it: serializers escape `+` and `/`, and quote at will. A
    short one, which may be part of any word, is found where it is a word of its own."""
    if not isinstance(key, str) or not key or key in NO_SECRETS:
        return ()
    letters = (f"(?:{re.escape(one)}|\\\\u00{ord(one):02x}|\\\\{re.escape(one)}|%{ord(one):02x})" for one in key)
    whole = "".join(letters)
    return (re.compile(whole if len(key) >= SECRET_LENGTH else rf"(?<![\w-]){whole}(?![\w-])", re.IGNORECASE),)
