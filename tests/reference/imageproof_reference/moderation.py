"""A filter for prompts, read from a file: so that a client's handling of blocked requests can be tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imageproof.errors import UsageError
from imageproof_reference.refusal import Refusal

HEADING = re.compile(r"\[(.+)\]")
PATTERN = re.compile(r"/(.+)/")


@dataclass(frozen=True)
class Banned:
    """One line of the file: what a prompt may not contain, and what it is taken for; "" where the file says nothing."""

    pattern: re.Pattern[str]
    category: str = ""


def read_filter(path: str) -> tuple[Banned, ...]:
    """The lines of a filter file.

    A line is a text that no prompt may contain, in any case, or a regular expression between slashes. `[violence]`
    names the category of the lines below it. Empty lines and those that begin with # say nothing. Raises UsageError
    with file and line for what cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--moderation {path}: cannot be read: {reason}") from None
    found: list[Banned] = []
    category = ""
    for number, line in enumerate(map(str.strip, lines), start=1):
        if heading := HEADING.fullmatch(line):
            category = heading[1]
        elif line and not line.startswith("#"):
            found.append(Banned(_pattern(line, f"{path}:{number}"), category))
    return tuple(found)


def refuse_banned(prompt: str, banned: Sequence[Banned]) -> None:
    """Raises Refusal for a prompt that a filter stops."""
    stopped = [one for one in banned if one.pattern.search(prompt)]
    if stopped:
        categories = list(dict.fromkeys(one.category for one in stopped if one.category))
        raise Refusal(
            "The safety system stopped this request.",
            kind="image_generation_user_error",
            code="moderation_blocked",
            members={"moderation_details": {"moderation_stage": "input", "categories": categories}},
        )


def _pattern(line: str, place: str) -> re.Pattern[str]:
    written = PATTERN.fullmatch(line)
    try:
        return re.compile(written[1] if written else re.escape(line), re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"{place}: {line} is no regular expression: {error}") from None
