"""What every call of a run has beside what is planned for it: how the key is shown, the query, further headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from imageproof.contract.providers import OF_THE_BODY, VARIABLE, Provider
from imageproof.contract.redact import is_secret
from imageproof.errors import UsageError
from imageproof_conformance.shell import said

Pairs = tuple[tuple[str, str], ...]

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
# What a header that carries a secret may be called, and what a secret looks like in one of another name.
_SECRET_NAME = re.compile(r"auth|key|token|secret|passw|credential|cookie|session|sign", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(?=[A-Za-z0-9_.+/=~-]*[0-9])(?=[A-Za-z0-9_.+/=~-]*[A-Za-z])[A-Za-z0-9_.+/=~-]{16,}")
MASK = "*" * 8


@dataclass(frozen=True)
class Sending:
    """key_header  header that shows the key, key_scheme the word before it, "" for none
    query       parameters of every call
    headers     headers of every call, as they are sent
    hidden      names, in lower case, of those whose values are never written down: all that were typed
    secrets     what of them must be masked wherever it stands, in answers too
    """

    key_header: str = "Authorization"
    key_scheme: str = "Bearer"
    query: Pairs = ()
    headers: Pairs = field(default=(), repr=False)
    hidden: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def key_value(self, key: str) -> str:
        """What the header says that shows a key."""
        return f"{self.key_scheme} {key}" if self.key_scheme else key

    def url(self, base_url: str, path: str, model: str) -> str:
        """Where a call goes that is about a model."""
        base = base_url.replace(VARIABLE, quote(model, safe=""))
        return f"{base}{path}?{urlencode(self.query)}" if self.query else base + path

    def beside(self, own: Mapping[str, str], planned: Pairs) -> Pairs:
        """The headers of a call: `own` are the suite's, which further ones replace; what is planned wins."""
        further = {name.lower() for name, _ in self.headers}
        said = {name.lower() for name, _ in planned}
        mine = [(name, value) for name, value in own.items() if name.lower() not in further]
        return (*((name, value) for name, value in (*mine, *self.headers) if name.lower() not in said), *planned)

    def written(self, sent: Pairs) -> Pairs:
        """The headers of a call as they may be written down."""
        return tuple((name, MASK if name.lower() in self.hidden else value) for name, value in sent)


def sending(provider: Provider | None, url: str, given: Iterable[str], keyed: bool) -> Sending:
    """What is sent to a provider (None: nothing is known of it). `url` is as the user typed it, whose query names
    parameters of the provider otherwise; `given` are the options --header; `keyed` says that a key is sent. UsageError
    for what is no header, and for those that the suite says itself."""
    header, scheme = (provider.key_header, provider.key_scheme) if provider else ("Authorization", "Bearer")
    shows_key = header.lower() if keyed else ""
    typed = tuple(_header(text, shows_key) for text in given)
    named = {name.lower() for name, _ in typed}
    documented = tuple(one for one in (provider.headers if provider else ()) if one[0].lower() not in named)
    return Sending(
        header,
        scheme,
        _query(provider, url),
        (*documented, *typed),
        frozenset(named),
        tuple(dict.fromkeys(secret for name, value in typed for secret in _secrets(name, value))),
    )


def overriding(provider: Provider | None, url: str) -> Pairs:
    """Parameters of the provider that the query of a typed URL names otherwise."""
    known = {name for name, _ in provider.query} if provider else set()
    return tuple((name, value) for name, value in _typed(url) if name in known)


def left_out(provider: Provider | None, url: str) -> bool:
    """Whether the query of a typed URL has what no call is sent with."""
    return len(_typed(url)) > len(overriding(provider, url)) or bool(urlsplit(url).fragment)


def shown(given: Iterable[str]) -> Iterator[str]:
    """Options --header as they may be printed: the value stands in a variable of the shell."""
    yield from (said(text.partition(":")[0].strip()) for text in given)


def _query(provider: Provider | None, url: str) -> Pairs:
    typed = dict(overriding(provider, url))
    return tuple((name, typed.get(name, value)) for name, value in (provider.query if provider else ()))


def _typed(url: str) -> Pairs:
    return tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _header(text: str, shows_key: str) -> tuple[str, str]:
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not _NAME.fullmatch(name):
        raise UsageError("--header: type 'Name: value'; a name has letters, digits and hyphens, and no blanks")
    if not all(32 <= ord(char) <= 126 for char in value):
        raise UsageError(f"--header {name}: its value has characters that no header can carry")
    if name.lower() == shows_key:
        raise UsageError(f"--header {name}: that shows the key; name the key with --key-env NAME or --key-file FILE")
    if name.lower() in OF_THE_BODY:
        raise UsageError(f"--header {name}: each call says that of its own body; leave it out")
    return name, value


def _secrets(name: str, value: str) -> Iterator[str]:
    """The secret of a header: its value, without the word before it. A value that is an ordinary word, such as the name
    of a model, is none: it may stand in answers for reasons of its own."""
    if is_secret(name) or _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
        _, _, last = value.rpartition(" ")
        yield last
        if last != value and len(value.split(" ")) > 2:
            yield value
