"""Text of the pages: runs of words, code and marks, each of which may lead to a place of another page.

Nothing here is HTML or Markdown yet. What the document, its sources or an overlay say is foreign text, and stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

# Characters that no page may hold: controls, halves of surrogate pairs, and what turns the direction of writing.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
CODE = re.compile(r"`([^`]+)`")


class Place(NamedTuple):
    """Somewhere in the pages: a page by its name, such as "index" or "sources/official", and an anchor in it."""

    page: str
    anchor: str = ""


class Run(NamedTuple):
    """A piece of text in one manner: plain, `code`, or a `mark` of that tone; `to` makes it a link."""

    text: str
    code: bool = False
    mark: str = ""
    to: Place | None = None


Inline = tuple[Run, ...]
NOTHING: Inline = ()


def text(words: object) -> Inline:
    """Plain text."""
    return (Run(clean(str(words))),)


def code(words: object, to: Place | None = None) -> Inline:
    return (Run(clean(str(words)) or " ", code=True, to=to),)


def mark(words: str, tone: str = "quiet") -> Inline:
    """A short word that stands out; `tone` is one of the classes of the stylesheet."""
    return (Run(clean(words), mark=tone),)


def link(words: str, to: Place) -> Inline:
    return (Run(clean(words), to=to),)


def prose(sentence: str) -> Inline:
    """A sentence as the contract's files write them: what stands in backticks is code."""
    parts = CODE.split(clean(sentence).strip())
    return tuple(Run(part, code=bool(index % 2)) for index, part in enumerate(parts) if part)


def joined(parts: Iterable[Inline], separator: str = ", ") -> Inline:
    """Parts in a row, with a separator between those that are not empty."""
    runs: list[Run] = []
    for part in parts:
        if part and runs:
            runs.append(Run(separator))
        runs.extend(part)
    return tuple(runs)


def codes(values: Iterable[object], separator: str = ", ") -> Inline:
    """JSON values as code, by commas."""
    return joined((code(shown(value)) for value in values), separator)


def plain(inline: Inline) -> str:
    """The text alone."""
    return "".join(run.text for run in inline)


def shown(value: Any) -> str:
    """A JSON value as a person types it: text without quotes unless it is empty."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def clean(words: str) -> str:
    """Text on one line, without what cannot be printed."""
    if words.isprintable() and "  " not in words:
        return words
    return re.sub(r"\s+", " ", UNPRINTABLE.sub("\ufffd", words))


def anchor(*names: str) -> str:
    """An anchor made of names: letters, digits, `_`, `.` and `-` stay, and all others are told by number."""
    return ".".join(re.sub(r"[^A-Za-z0-9_.-]", lambda one: f"_{ord(one[0]):x}_", name) for name in names)


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 model", "3 models"."""
    return f"{number} {one if number == 1 else many or one + 's'}"
