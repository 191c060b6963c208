"""Python source as text: literals, docstrings, imports. What it lays out, `ruff format` at 120 columns leaves alone."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence

from imageproof.emit.targets.common.text import filled, printable, wrapped

WIDTH = 120
QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'[^']*'|^\w+(?=: )""")  # literals, and the name that a line declares
LITERAL = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'[^']*'""")
CLOSING = {")": "(", "]": "[", "}": "{"}  # bracket -> what it closes


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


def section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """A block of a docstring, such as `Args:`, with an entry for each name that has something said of it."""
    rows: list[str] = []
    for name, text in entries:
        told = " ".join(printable(text).split())
        if told:
            rows += filled(f"{name}: {told}", WIDTH - 8, "    ", "        ")
    return "\n".join([f"{title}:", *rows]) if rows else ""


def imported(module: str, names: Iterable[str]) -> str:
    """`from module import names`, in order, on one line when it fits; "" for no names."""
    ordered = sorted(set(names), key=member_order)
    if not ordered:
        return ""
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def renamed(module: str, names: Iterable[str], plain: Sequence[str] = ()) -> list[str]:
    """Import lines of names of a module of ours under the same names with an underscore before them; `plain` are those
    that keep their names, in one line."""
    lines = [(member_order(name[1:]), f"from .{module} import {name[1:]} as {name}") for name in names]
    lines += [(member_order(plain[0]), imported(f".{module}", plain))] if plain else []
    return [line for _, line in sorted(lines)]


def used(names: Iterable[str], texts: Sequence[str]) -> list[str]:
    """Those of the names that some text mentions as code: not inside a literal, nor as the name that it declares."""
    words = {word for text in texts for word in re.findall(r"\w+", QUOTED.sub("", text))}
    return [name for name in names if name in words]


def member_order(name: str) -> tuple[int, list[tuple[int, str]], str]:
    """The order of names in an import: constants, classes, others; numbers by value, capitals like small letters."""
    return _kind(name), _pieces(name.lower()), name


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
    rows: list[str] = []
    for value in values:  # several literals mean what one with all their values means, and take fewer lines
        if rows and len(rows[-1]) + len(value) + 9 <= WIDTH:
            rows[-1] += f", {value}"
        else:
            rows.append(f"    | Literal[{value}")
    told = [f"{row}]" for row in rows] + [f"    | {kind}" for kind in kinds]
    told[0] = told[0].replace("| ", "", 1)
    whole = f"    {' '.join(row.strip() for row in told)}"
    return "\n".join([f"{name}: TypeAlias = (", *([whole] if len(whole) <= WIDTH else told), ")"])


def called(start: str, arguments: Sequence[str], indent: int) -> str:
    """`start(arguments)`, to stand at `indent` columns; broken over lines where it is long. Its first line is not
    indented, its later ones are."""
    return "\n".join(laid(f"{start}({', '.join(arguments)})", indent)).lstrip()


def signature(start: str, parameters: Sequence[str], ending: str, indent: int) -> str:
    """`start(parameters)ending`, as `called` does it."""
    line = f"{start}({', '.join(parameters)}){ending}"
    if len(line) + indent <= WIDTH:
        return line
    pad = " " * indent
    inner = ", ".join(parameters)
    rows = [inner] if len(inner) + indent + 4 <= WIDTH else [f"{one}," for one in parameters]
    return "\n".join([f"{start}(", *(f"{pad}    {one}" for one in rows), f"{pad}){ending}"])


def laid(text: str, indent: int, tail: str = "") -> list[str]:
    """Lines of an expression: on one line where it fits, else what its last brackets hold on lines of its own; the
    arguments of a call on one where they fit, the items of a collection on one each."""
    pad = " " * indent
    if indent + len(text) + len(tail) <= WIDTH or text[-1:] not in CLOSING:
        return [f"{pad}{text}{tail}"]
    start = _opening(text)
    inner = text[start + 1 : -1]
    if not inner:
        return [f"{pad}{text}{tail}"]
    is_call = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_])")
    if is_call and indent + 4 + len(inner) <= WIDTH and not inner.endswith(","):
        rows = [f"{pad}    {inner}"]
    else:
        rows = [row for one in _divided(inner) for row in laid(one, indent + 4, ",")]
    return [f"{pad}{text[: start + 1]}", *rows, f"{pad}{text[-1]}{tail}"]


def _opening(text: str) -> int:
    """Where the bracket is opened that the end of a text closes."""
    open_at: list[int] = []
    for at, letter in _outside_literals(text):
        if letter in CLOSING.values():
            open_at.append(at)
        elif letter in CLOSING and at < len(text) - 1:
            open_at.pop()
    return open_at[-1]


def _divided(text: str) -> list[str]:
    """A text divided at its commas, but for those inside brackets and literals."""
    pieces, start, depth = [], 0, 0
    for at, letter in _outside_literals(text):
        depth += (letter in CLOSING.values()) - (letter in CLOSING)
        if letter == "," and not depth:
            pieces.append(text[start:at].strip())
            start = at + 1
    return [one for one in (*pieces, text[start:].strip()) if one]


def _outside_literals(text: str) -> Iterable[tuple[int, str]]:
    """(place, letter) of what stands in no literal."""
    hidden = LITERAL.sub(lambda found: " " * len(found[0]), text)
    return enumerate(hidden)


def joined(name: str, kinds: Sequence[str]) -> str:
    """`name: TypeAlias = A | B`, broken over lines where it is long."""
    line = f"{name}: TypeAlias = {' | '.join(kinds)}"
    if len(line) <= WIDTH:
        return line
    rows = [f"    {kinds[0]}", *(f"    | {kind}" for kind in kinds[1:])]
    return "\n".join([f"{name}: TypeAlias = (", *rows, ")"])
