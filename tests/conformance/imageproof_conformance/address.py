"""Where the operations of a target are: the URL as people type it, and the base URL that is made of it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from imageproof.contract.providers import VARIABLE, Provider
from imageproof.errors import UsageError
from imageproof_conformance.sending import left_out

_ENDPOINT = re.compile(r"/(?:images(?:/(?:generations|edits|variations))?|models(?:/[^/]*)?|chat/completions)/*$")
_VERSION_TAIL = re.compile(r"/v\d+$")
_BASE_PATH = re.compile(r"[^?#\s]*")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
USUAL_PATH = "/v1"
QUERY_LEFT_OUT = "the query of the URL is left out"


def normalise(url: str, usual: str = USUAL_PATH, path: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The base URL that the paths of the contract are appended to, and what was changed to get it.

    A bare host gets a scheme (http for this machine, https otherwise) and the usual path; a pasted endpoint loses its
    path behind the base; a base path of the provider's own is kept. `path` takes the place of the URL's, if it is
    given. UsageError for what is no http(s) URL.
    """
    text = url.strip().strip("'\"<>")
    if not text or any(ord(char) <= 32 or ord(char) == 127 for char in text):
        raise UsageError("the URL is empty or has blanks in it; type for example https://host/v1")
    notes: list[str] = []
    if "://" not in text:
        scheme = "http" if is_loopback(_bare_host(text)) else "https"
        text = f"{scheme}://{text}"
        notes.append(f"no scheme was given: {scheme} is used")
    if re.match(r"https?[:/]", text.partition("://")[2]):
        raise UsageError("the URL has its scheme wrong; type for example https://host/v1")
    parts = _split(text)
    if parts.query or parts.fragment:
        notes.append(QUERY_LEFT_OUT)
    cut = _cut(parts.path, usual, notes) if path is None else path
    for name in _PLACEHOLDER.findall(parts.netloc + cut):
        if name != VARIABLE or name in parts.netloc:
            raise UsageError(f"the URL has {name} in it, which stands for something of yours; type that in its place")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{cut}", tuple(notes)


def _cut(typed: str, usual: str, notes: list[str]) -> str:
    """The base path of a URL's path."""
    path = re.sub(r"/{2,}", "/", typed).rstrip("/")
    cut = _ENDPOINT.sub("", path)
    if cut != path:
        notes.append(f"{path[len(cut) :]} is an endpoint: the base URL ends before it")
    if not cut:
        notes.append(f"no base path was given: {usual} is used")
    elif not _VERSION_TAIL.search(cut) and usual == USUAL_PATH:
        notes.append(f"the base path {cut} is used as given, without /v1")
    return cut or usual


def address(url: str, base_path: str | None, provider: Provider | None) -> tuple[str, tuple[str, ...]]:
    """The base URL, and what is to be said of it: as typed, else the provider's; its path by --base-path, else as
    typed, else the provider's. UsageError when there is none."""
    typed = url or (provider.base_url if provider else "")
    if not typed:
        why = f"{provider.name} has no host that is the same for all" if provider else "there is no URL"
        raise UsageError(f"{why}: type the URL, for example imageproof conform https://host/v1")
    usual = (provider.base_path if provider else "") or USUAL_PATH
    base_url, notes = normalise(typed, usual, _base_path(base_path))
    if not left_out(provider, typed):
        notes = tuple(note for note in notes if note != QUERY_LEFT_OUT)
    return base_url, (*([f"provider: {provider.said}"] if provider else []), *notes)


def _base_path(text: str | None) -> str | None:
    if text is None:
        return None
    if not text or not _BASE_PATH.fullmatch(text) or "://" in text:
        raise UsageError(f"--base-path {text}: type the path alone, for example /api/v3, or / for none")
    return re.sub(r"/{2,}", "/", f"/{text}").rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine, by its spelling; nothing is resolved."""
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_openai(host: str) -> bool:
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _split(text: str) -> _Parts:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError("the URL cannot be read; type for example https://host/v1") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise UsageError(f"{parts.scheme} is not a scheme of the Images API; type an http or https URL")
    if parts.username is not None or parts.password is not None:
        raise UsageError("a URL with a name or password in it is not taken; use --key-env or --key-file")
    if not parts.hostname or port == 0:
        raise UsageError("the URL has no host; type for example https://host/v1")
    return _Parts(parts.scheme, parts.netloc, parts.path, parts.query, parts.fragment)


@dataclass(frozen=True)
class _Parts:
    scheme: str
    netloc: str
    path: str
    query: str
    fragment: str


def _bare_host(text: str) -> str:
    host = text.split("/", 1)[0]
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.split(":", 1)[0]
