"""Python source as text: literals, docstrings, imports. What it lays out, `ruff format` at 120 columns leaves alone."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120
QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'[^']*'|^\w+(?=: )""")  # literals, and the name that a line declares
LIST_ITEM = re.compile(r"^\s*([-*+]|\d+[.)])\s|^\s{4,}|^\s*\|")


def literal(value: object) -> str:
    """A scalar as Python writes it, in the quotes that a formatter would choose."""
    if not isinstance(value, str):
        return repr(value)
    if '"' in value and "'" not in value and "\\" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=not value.isprintable())


def docstring(text: str, indent: int) -> str:
    """A docstring, quotes and all, to stand at `indent` columns; its later lines are indented, its first is not."""
    body = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in wrapped(text, WIDTH - indent)]
    if not body:
        return ""
    if body[-1].endswith('"') and not body[-1].endswith('\\"'):
        body[-1] = f'{body[-1][:-1]}\\"'
    if len(body) == 1 and len(body[0]) + indent + 6 <= WIDTH:
        return f'"""{body[0]}"""'
    if len(body[0]) + indent + 3 > WIDTH:  # the opening quotes take room from the first line
        body = [*textwrap.wrap(body[0], WIDTH - indent - 3), *body[1:]]
    pad = " " * indent
    lines = [body[0], *(f"{pad}{line}" if line else "" for line in body[1:])]
    return '"""' + "\n".join(lines) + f'\n{pad}"""'


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns; paragraphs are filled, and lists and tables keep their lines."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", printable(text).strip("\n")):
        rows = [row.rstrip() for row in paragraph.split("\n")]
        if any(LIST_ITEM.match(row) for row in rows):
            for row in rows:
                margin = " " * (len(row) - len(row.lstrip()) + 2)
                lines += _fill(row, width, "", margin) or [""]
        else:
            lines += _fill(" ".join(rows), width)
        lines.append("")
    while lines and not lines[-1]:
        lines.pop()
    return lines


def section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """A block of a docstring, such as `Args:`, with an entry for each name that has something said of it."""
    rows: list[str] = []
    for name, text in entries:
        told = " ".join(printable(text).split())
        if told:
            rows += _fill(f"{name}: {told}", WIDTH - 16, "    ", "        ")
    return "\n".join([f"{title}:", *rows]) if rows else ""


def printable(text: str) -> str:
    """Text without control characters, which a document may hold and source must not."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text.expandtabs())


def imported(module: str, names: Iterable[str]) -> str:
    """`from module import names`, in order, on one line when it fits; "" for no names."""
    ordered = sorted(set(names), key=member_order)
    if not ordered:
        return ""
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def used(names: Iterable[str], texts: Sequence[str]) -> list[str]:
    """Those of the names that some text mentions as code: not inside a literal, nor as the name that it declares."""
    words = {word for text in texts for word in re.findall(r"\w+", QUOTED.sub("", text))}
    return [name for name in names if name in words]


def member_order(name: str) -> tuple[int, list[tuple[int, str]], str]:
    """The order of names in an import: constants, classes, others; numbers by value, capitals like small letters."""
    return _kind(name), _pieces(name.lower()), name


def export_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """The order of names in `__all__`, which tells capitals and small letters apart."""
    return _kind(name), _pieces(name)


def _kind(name: str) -> int:
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2


def _pieces(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", name)]


def alternatives(name: str, kinds: Sequence[str], values: Sequence[str]) -> str:
    """`name: TypeAlias = Literal[...] | str`, broken over lines where it is long."""
    tail = "".join(f" | {kind}" for kind in kinds)
    line = f"{name}: TypeAlias = Literal[{', '.join(values)}]{tail}"
    if len(line) <= WIDTH:
        return line
    rows = [f"        {value}," for value in values]
    return "\n".join(
        [f"{name}: TypeAlias = (", "    Literal[", *rows, "    ]", *(f"    | {kind}" for kind in kinds), ")"]
    )


def joined(name: str, kinds: Sequence[str]) -> str:
    """`name: TypeAlias = A | B`, broken over lines where it is long."""
    line = f"{name}: TypeAlias = {' | '.join(kinds)}"
    if len(line) <= WIDTH:
        return line
    rows = [f"    {kinds[0]}", *(f"    | {kind}" for kind in kinds[1:])]
    return "\n".join([f"{name}: TypeAlias = (", *rows, ")"])


def _fill(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
