"""Secrets leave nothing behind: the key and the signatures of signed URLs are masked before anything is kept.

A mask is as long as what it hides, so the offsets and the arrival times of chunks stay true.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

# A shorter "key" would turn up in ordinary text by chance, and masking it would damage the evidence. One below LONG
# turns up inside the base64 of a picture by chance, so it is masked as a word only.
SHORTEST = 4
LONG = 8
PICTURE = 2**14  # bytes; what is shorter is searched for escapes too

_SIGNED = re.compile(  # also as JSON and HTML write a URL: `&` as `\u0026` or `&amp;`, `/` as `\/`, `+` as `\u002b`
    rb"((?:[?&]|\\u0026|&amp;)(?:sig|signature|token|key|api[-_]?key|access_token|x-amz-signature"
    rb"|x-amz-security-token|x-amz-credential|x-goog-signature|x-goog-credential|skoid|sktid)(?:=|\\u003d))"
    rb"((?:[^&#\"'\s\\<>]|\\/|\\u00(?!2[0236]|3[ce])[0-9a-f]{2})+)",
    re.IGNORECASE,
)
_CHARACTER = re.compile(rb"\\u00[0-9a-f]{2}|\\?.", re.IGNORECASE | re.DOTALL)  # of such a value
_MASKED = re.compile(rb"\*+[0-9]{0,3}")
# What a body may call a key: the member of a JSON object, the part or the field of a form. The last group is its value.
_NAME = rb"(?:api[-_]?key|(?:access|auth|security)[-_]?token|authorization|(?:client[-_]?)?secret|password|token|key)"
_WORDS = (b"key", b"token", b"secret", b"password", b"authorization")  # one of which each of these names has
_FIELDS = (
    re.compile(rb'("' + _NAME + rb'"\s*:\s*")((?:[^"\\]|\\.)+)', re.IGNORECASE | re.DOTALL),
    re.compile(  # bounded everywhere, so that no body makes the search long
        rb'(name="?(?:[^"\r\n;]{0,200}\[)?'
        + _NAME
        + rb'\]?"?(?:;[^\r\n]{0,1000})?\r\n(?:[^\r\n]{1,1000}\r\n){0,16}\r\n)([^\r\n]+)',
        re.IGNORECASE,
    ),
    re.compile(rb"((?:^|&)" + _NAME + rb"=)([^&\s]+)", re.IGNORECASE),
)
_SECRET_HEADER = re.compile(
    r"(?:^|-)(?:authorization|cookie2?|credentials?|password|secret|api-?key|subscription-key|(?:auth|access|security"
    r"|session|csrf|xsrf)-token)$",
    re.IGNORECASE,
)


class Redactor:
    """Masks keys in bytes, texts and headers. An empty key masks nothing but URL signatures and cookies."""

    def __init__(self, *keys: str) -> None:
        self._keys = tuple(_Key(key) for key in keys if len(key) >= SHORTEST)

    def data(self, value: bytes) -> bytes:
        """The same bytes with every form of the keys masked; same length."""
        for key in self._keys:
            value = key.masked(value)
        return value

    def clean(self, value: bytes, seen: dict[bytes, int] | None = None) -> bytes:
        """Like `data`, and the values of signature parameters in URLs are masked too; `seen` as in `signatures`."""
        return signatures(self.data(value), seen)

    def text(self, value: str, seen: dict[bytes, int] | None = None) -> str:
        """Like `clean`."""
        return self.clean(value.encode("utf-8", "surrogatepass"), seen).decode("utf-8", "surrogatepass")

    @property
    def unlikely(self) -> Redactor:
        """One for our own words: it leaves short keys alone, since such a word may stand there by chance."""
        made = Redactor()
        made._keys = tuple(key for key in self._keys if key.long)
        return made

    def headers(self, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Headers that carry secrets keep their name and their scheme only."""
        return tuple((name, self._header(name, value)) for name, value in pairs)

    def _header(self, name: str, value: str) -> str:
        if not is_secret(name):
            return self.text(value)
        scheme, space, rest = value.partition(" ")
        return f"{scheme} {'*' * 8}" if space and rest and name.lower().endswith("authorization") else "*" * 8


def is_secret(header: str) -> bool:
    """Whether a header of this name carries a key or a cookie."""
    return _SECRET_HEADER.search(header) is not None


class _Key:
    """One key, in all the forms that it may take."""

    def __init__(self, key: str) -> None:
        self.long = len(key) >= LONG
        self._pattern = _pattern(key)
        self._literal = tuple(_literals(key.encode())) if len(key) >= LONG else ()
        self._start = _start(key.encode()) if len(key) >= LONG else None
        self._edge = 32 * len(key)  # bytes; longer than any form

    def masked(self, value: bytes) -> bytes:
        lowered = value.lower()
        for form in self._literal:
            if form.lower() in lowered:
                value = re.sub(re.escape(form) + b"[A-Za-z0-9+/_-]?", _stars, value, flags=re.IGNORECASE)
        # Inside a picture in base64 nothing is escaped or split, and a picture is long.
        out, start = [], 0
        for run in _RUN.finditer(value) if self._literal and len(value) > PICTURE else ():
            first, last = run.start() + self._edge, run.end() - self._edge
            if last - first > PICTURE:
                out += [self._spelled(value[start:first]), value[first:last]]
                start = last
        return b"".join([*out, self._spelled(value[start:])])

    def _spelled(self, value: bytes) -> bytes:
        """The value with all forms masked. The pattern is tried only where two bytes look like the start of one, which
        is many times faster in the bytes of a file."""
        if self._start is None:
            return self._pattern.sub(_stars, value)
        out, start = [], 0
        for place in self._start.finditer(value):
            if place.start() >= start and (found := self._pattern.match(value, place.start())):
                out += [value[start : found.start()], _stars(found)]
                start = found.end()
        return b"".join([*out, value[start:]])


# What stands behind a byte of a run cannot begin one: without that, the search takes the square of the length of a run
# that is too short.
_RUN = re.compile(rb"[A-Za-z0-9+/=_-](?<![A-Za-z0-9+/=_-]{2})[A-Za-z0-9+/=_-]{%d,}" % PICTURE)


def _stars(match: re.Match[bytes]) -> bytes:
    return b"*" * len(match[0])


def signatures(value: bytes, seen: dict[bytes, int] | None = None) -> bytes:
    """URL parameters that hold a signature or a credential, masked; same length, also in characters once it is read as
    JSON. `seen` numbers the values that were met, so that masks of two which differ differ too: the second of them ends
    in 2, and so on."""
    if not any(mark in value for mark in (b"?", b"&", b"\\u00")):
        return value

    def stars(match: re.Match[bytes]) -> bytes:
        if _MASKED.fullmatch(match[2]):
            return match[0]
        plain = b"\\" not in match[2] and b"/" not in match[2]
        characters = [] if plain else _CHARACTER.findall(match[2])
        length = len(match[2]) if plain else len(characters)
        number = 1
        if seen is not None:
            number = seen.setdefault(match[2] if plain else _read(characters), len(seen) + 1)
        tail = str(number).encode() if 1 < number < 10 ** min(3, length - 1) else b""
        mask = (b"*" * length + tail)[-length:]
        if plain:
            return match[1] + mask
        return match[1] + b"".join(_as(one, char) for one, char in zip(characters, mask, strict=True))

    return _SIGNED.sub(stars, value)


def _read(characters: list[bytes]) -> bytes:
    """What the characters of a URL mean once its JSON is read."""
    return b"".join(bytes([int(one[4:], 16)]) if len(one) > 2 else one[-1:] for one in characters)


def _as(written: bytes, char: int) -> bytes:
    """A character of a mask, as long as the one that it stands for; a slash stays: no escape of it is a star."""
    if written[-1:] == b"/":
        return written
    return b"\\u00%02x" % char if len(written) > 2 else bytes([char])


def fields(value: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A body whose fields and members with the name of a key (`api_key`, `token`, ...) are masked, at the same length,
    and the values that stood there, as they were written."""
    lowered = value.lower()
    if not any(word in lowered for word in _WORDS):
        return value, ()
    found: list[str] = []

    def stars(match: re.Match[bytes]) -> bytes:
        found.append(match[2].decode("utf-8", "replace"))
        return match[1] + b"*" * len(match[2])

    for pattern in _FIELDS:
        value = pattern.sub(stars, value)
    return value, tuple(found)


def _pattern(key: str) -> re.Pattern[bytes]:
    """The ways in which a server may write a key back: each character as it is, in the other case, or escaped for JSON,
    a URL or HTML, also with blanks between them; in hexadecimal; and in base64, also behind other text (`user:KEY`)."""
    plain = key.encode()
    blanks = rb"(?:\s|\\[nrt])*"
    spelled = blanks.join(_character(char) for char in plain)
    if len(key) < LONG:
        encoded = [base64.b64encode(plain).rstrip(b"="), base64.urlsafe_b64encode(plain).rstrip(b"=")]
        either = b"|".join([spelled, *map(re.escape, encoded)])
        return re.compile(rb"(?<![A-Za-z0-9+/])(?:" + either + rb")(?![A-Za-z0-9+/])")
    # The character behind base64 may hold some bits of the key.
    shared = [re.escape(form) + b"[A-Za-z0-9+/_-]?" for form in _literals(plain)]
    return re.compile(b"|".join([spelled, *shared]))


def _start(plain: bytes) -> re.Pattern[bytes]:
    """Finds each byte with which a form of the key may begin, in front of one with which it may go on."""
    cases = [bytes({char, *bytes([char]).lower(), *bytes([char]).upper()}) for char in plain[:2]]
    first, then = (b"".join(form[at : at + 1] for form in _literals(plain)) for at in range(2))
    first += cases[0] + b"\\%&"  # escapes begin with these,
    then += cases[0] + cases[1] + b"\\%&u#0123456789 \t\n\r\f\v"  # and go on with these; or blanks stand between
    return re.compile(b"[" + re.escape(first) + b"](?=[" + re.escape(then) + b"])")


def _literals(plain: bytes) -> dict[bytes, None]:
    """The spellings without an escape."""
    encoded = (_inside(encode, plain, shift) for encode in _ENCODERS for shift in range(3))
    return dict.fromkeys([plain, plain.hex().encode(), plain.hex().upper().encode(), *encoded])


_ENCODERS = (base64.b64encode, base64.urlsafe_b64encode)


def _character(char: int) -> bytes:
    """All spellings of one character, each beginning with a plain one so that a search skips quickly."""
    cases = sorted({bytes([char]), bytes([char]).lower(), bytes([char]).upper()})
    number = b"|".join(rb"%%%02x|%%%02X|\\u00%02x|\\u00%02X|&#x%02x;|&#x%02X;" % ((one[0],) * 6) for one in cases)
    decimal = b"|".join(b"&#0*%d;" % one[0] for one in cases)
    literal = b"|".join(re.escape(one) for one in cases)
    return b"(?:" + b"|".join([literal, rb"\\" + re.escape(bytes([char])), number, decimal]) + b")"


def _inside(encode: Callable[[bytes], bytes], plain: bytes, shift: int) -> bytes:
    """The base64 characters that depend on nothing but the key, when `shift` bytes (modulo 3) stand before it."""
    text = encode(b"\0" * shift + plain)
    return text[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6]
