"""What a target wrote, made safe to show: no control characters, no terminal sequences, no endless lines.

The text of a target is data. It may carry ANSI escapes, markup of the terminal library, bidirectional overrides or
characters that XML cannot hold.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 400  # characters of one text in a report

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|.)?", re.DOTALL)
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def line(text: str, longest: int = LONGEST) -> str:
    """One line of visible characters; what is cut off is counted."""
    return shorten(" ".join(_visible(text).split()), longest)


def shorten(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters, and a note of how many are left out."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest} more characters)"


def _visible(text: str) -> str:
    text = _ANSI.sub("", text[: 64 * LONGEST])
    return "".join(char if char in "\n\t " or unicodedata.category(char) not in _UNSAFE else " " for char in text)
