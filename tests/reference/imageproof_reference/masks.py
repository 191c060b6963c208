"""What of an exchange is masked before it is recorded: the server's key, and whatever else its caller shows as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from imageproof.contract.redact import LONG, Redactor, fields, is_secret

LONGEST = 512  # characters of a key that is masked elsewhere than in its own place
MOST = 16  # such keys of one exchange


class ExchangeMask:
    """Masks bytes at their own length. It learns: what a body has under the name of a key is masked from then on
    wherever it stands, in the same piece of the body too."""

    def __init__(self, key: str, headers: Iterable[tuple[str, str]], target: str) -> None:
        self._keys = tuple(dict.fromkeys((key, *_shown(headers, target))))[:MOST]

    @property
    def redactor(self) -> Redactor:
        """Knows the keys that were found so far."""
        return _redactor(self._keys)

    def __call__(self, data: bytes) -> bytes:
        masked, found = fields(data)
        if found:
            self._keys = tuple(dict.fromkeys((*self._keys, *_keys(found))))[:MOST]
        return self.redactor.clean(masked)

    def target(self, target: str) -> str:
        """The target of a request line."""
        path, mark, query = target.partition("?")
        return self.redactor.text(f"{path}{mark}{fields(query.encode())[0].decode()}")


def _keys(shown: Iterable[str]) -> Iterator[str]:
    """The words of texts such as `Bearer KEY` that are long enough to be no ordinary ones."""
    return (word for text in shown for word in text.split() if LONG <= len(word) <= LONGEST)


@lru_cache(maxsize=64)
def _redactor(keys: tuple[str, ...]) -> Redactor:
    return Redactor(*keys)


def _shown(headers: Iterable[tuple[str, str]], target: str) -> Iterator[str]:
    """What callers show as a key: in a header, or as a parameter of the URL."""
    yield from _keys(value for name, value in headers if is_secret(name) and "cookie" not in name)
    _, found = fields(target.partition("?")[2].encode())
    yield from _keys((*found, *map(unquote, found)))
