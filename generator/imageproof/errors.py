"""Every error of imageproof.

    ImageproofError            something the user can act on; the CLI prints it without a traceback
    ├── DocumentError          a document cannot be read, or is not what it must be; exit status 2
    └── UsageError             a command was asked for something that it cannot do; exit status 2

Problems are values: they are collected, then raised together, so that one run shows all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    `file` is a path or URL as the user named it, `line` counts from 1 (None where a place has no line),
    `pointer` is a JSON pointer ("" is the whole document), `hint` says what to do next ("" for nothing to add).
    A problem of level "warning" never stops a command.
    """

    file: str
    message: str
    pointer: str = ""
    line: int | None = None
    level: Literal["error", "warning"] = "error"
    hint: str = ""

    def __str__(self) -> str:
        """One line: `file:line: #/pointer: message (hint)`."""
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        where = f" #{self.pointer}:" if self.pointer else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{where} {self.message}{hint}"


class ImageproofError(Exception):
    """Base of all errors that a user can act on. `str()` is ready for the terminal."""


class DocumentError(ImageproofError):
    """A document that cannot be used. `problems` has at least one entry."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(ImageproofError):
    """The request itself is wrong: a flag, a name, a combination. The message says what to type instead."""
