"""JavaScript and its declarations as text: literals, names, comments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from imageproof.api.names import snake
from imageproof.emit.targets.common.text import filled, printable, wrapped

WIDTH = 120
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def literal(value: Any) -> str:
    """A JSON value as JavaScript writes it, on one line."""
    if isinstance(value, Mapping):
        members = ", ".join(f"{key(str(name))}: {literal(one)}" for name, one in value.items())
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return json.dumps(value)


def laid(value: Any, indent: int, before: int, after: int = 1) -> str:
    """A JSON value as JavaScript writes it, over lines where it is long. `before` and `after` are the columns that
    stand around it on its line."""
    line = literal(value)
    if before + len(line) + after <= WIDTH or not isinstance(value, Mapping | list | tuple) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, Mapping):
        starts = [f"{key(str(name))}: " for name in value]
        rows = [
            f"{pad}{start}{laid(one, indent + 2, indent + 2 + len(start))},"
            for start, one in zip(starts, value.values(), strict=True)
        ]
        return "\n".join(["{", *rows, f"{' ' * indent}}}"])
    rows = [f"{pad}{laid(one, indent + 2, indent + 2)}," for one in value]
    return "\n".join(["[", *rows, f"{' ' * indent}]"])


def key(name: str) -> str:
    """A member's name as an object or an interface writes it. A quoted `__proto__` would still be no member."""
    if name == "__proto__":
        return '["__proto__"]'
    return name if IDENTIFIER.fullmatch(name) else literal(name)


def camel(text: str) -> str:
    """`createVariation`."""
    first, *others = snake(text).split("_")
    return first + "".join(one[:1].upper() + one[1:] for one in others)


def comment(text: str, indent: int, *sections: tuple[str, str]) -> str:
    """A documentation comment that ends its line, to stand at `indent` columns, "" for nothing to say. `sections` are
    tags with their texts, such as ("@deprecated", "")."""
    lines = wrapped(_safe(text), WIDTH - indent - 3)
    for tag, told in sections:
        lines += filled(" ".join(f"{tag} {printable(_safe(told))}".split()), WIDTH - indent - 3, "", "  ")
    if not lines:
        return ""
    pad = " " * indent
    if len(lines) == 1 and len(lines[0]) + indent + 7 <= WIDTH:
        return f"{pad}/** {lines[0]} */\n"
    rows = "".join(f"{pad} * {line}".rstrip() + "\n" for line in lines)
    return f"{pad}/**\n{rows}{pad} */\n"


def indented(rows: Iterable[str], columns: int) -> str:
    """Rows that may have several lines, moved to the right."""
    return "\n".join(f"{' ' * columns}{line}" for row in rows for line in row.split("\n"))


def _safe(text: str) -> str:
    """Text that does not end its comment, nor begins a tag: the documents' own `@` stand for themselves."""
    return re.sub(r"(^|\s|\{)@(?=\w)", r"\1\\@", text.replace("*/", "*\\/"))
