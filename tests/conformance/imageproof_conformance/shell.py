"""Command lines for a POSIX shell, ready to paste."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

# A header whose value is not written down: the shell has it in a variable.
_VARIABLE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]+: \$HEADER_[A-Z0-9_]+", re.ASCII)


def variable(header: str) -> str:
    """The variable that stands for the value of a header which is not written down."""
    return "HEADER_" + re.sub(r"[^A-Z0-9]", "_", header.upper())


def said(header: str) -> str:
    """A header with its value in a variable: X-Tenant: $HEADER_X_TENANT."""
    return f"{header}: ${variable(header)}"


def word(text: str) -> str:
    """A word, quoted; of a header with a variable so that the shell puts the value in."""
    if not _VARIABLE.fullmatch(text):
        return shlex.quote(text)
    name, _, value = text.rpartition(": $")
    return '"' + re.sub(r'(["\\`$])', r"\\\1", name) + f': ${value}"'


def join(words: Iterable[str]) -> str:
    return " ".join(map(word, words))
