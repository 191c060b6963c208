"""Go source text: literals, comments that gofmt leaves as they are, and aligned lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from imageproof.api.ir import Scalar

WIDTH = 117  # characters of a comment's text
# What gofmt would take for a list, a heading or a link definition at the start of a line.
MARKED = re.compile(r"^(?:[-*+•#]|\d+[.)]|\[[^\]]*\]:)\s*")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def literal(value: Scalar | None) -> str:
    """A scalar as Go writes it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{"".join(map(_letter, value))}"'
    return str(value)


def _letter(letter: str) -> str:
    if letter in ESCAPES:
        return ESCAPES[letter]
    if letter.isprintable():
        return letter
    point = ord(letter)
    if 0xD800 <= point <= 0xDFFF:
        return "\\ufffd"  # half a pair, which is no text in Go
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def comment(*paragraphs: str) -> list[str]:
    """Lines of a comment, with an empty one between paragraphs; [] without text."""
    lines: list[str] = []
    for paragraph in filter(None, map(_plain, (part for text in paragraphs for part in _parts(text)))):
        lines += ["//"] * bool(lines)
        lines += [f"// {line}" for line in _wrapped(paragraph)]
    return lines


def _parts(text: str) -> list[str]:
    return re.split(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)])\s)", text)


def _plain(paragraph: str) -> str:
    """A paragraph that gofmt takes for nothing else: without marks, and with what cannot be shown left out."""
    text = " ".join("".join(letter for letter in paragraph if letter.isprintable() or letter.isspace()).split())
    while MARKED.match(text):
        text = MARKED.sub("", text)
    return unmarked(text)


def unmarked(text: str) -> str:
    """A text that `go vet` does not take for a condition on the build."""
    return text.replace("+build", "+ build")


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False):
        if lines and MARKED.match(line):
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(line)
    return lines


def aligned(pairs: Sequence[tuple[str, str]], between: str) -> list[str]:
    """Lines `key between value` whose values stand in one column, as gofmt has consecutive ones: `between` is ":" of a
    literal's members, or "=" of constants."""
    width = max((len(key) for key, _ in pairs), default=0)
    if between == ":":
        return [f"{key}:{' ' * (width - len(key) + 1)}{value}," for key, value in pairs]
    return [f"{key}{' ' * (width - len(key))} {between} {value}" for key, value in pairs]


def texts(values: Iterable[str]) -> str:
    """A []string, "" for none."""
    told = [literal(value) for value in values]
    return f"[]string{{{', '.join(told)}}}" if told else ""
