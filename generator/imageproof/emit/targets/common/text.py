"""Prose of a document as the comments of any language: filled to a width, without what source must not hold."""

from __future__ import annotations

import re
import textwrap

LIST_ITEM = re.compile(r"^\s*([-*+]|\d+[.)])\s|^\s{4,}|^\s*\|")


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns; paragraphs are filled, and lists and tables keep their lines."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", printable(text).strip("\n")):
        rows = [row.rstrip() for row in paragraph.split("\n")]
        if any(LIST_ITEM.match(row) for row in rows):
            for row in rows:
                margin = " " * (len(row) - len(row.lstrip()) + 2)
                lines += filled(row, width, "", margin) or [""]
        else:
            lines += filled(" ".join(rows), width)
        lines.append("")
    while lines and not lines[-1]:
        lines.pop()
    return lines


def printable(text: str) -> str:
    """Text without control characters, which a document may hold and source must not."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text.expandtabs())


def filled(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    """Lines of at most `width` columns, the first of which begins with `first`, the others with `later`."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
