"""A filter for prompts, read from a file: so that a client's handling of blocked requests can be tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imageproof.errors import UsageError
from imageproof_reference.refusal import Refusal

HEADING = re.compile(r"\[(.+)\]")


@dataclass(frozen=True)
class Banned:
    """One line of the file: what a prompt may not contain, case folded, and its category ("": none)."""

    text: str
    category: str = ""


def read_filter(path: str) -> tuple[Banned, ...]:
    """The lines of a filter file.

    A line is a text that no prompt may contain, in any case; no regular expression, since one prompt could stop the
    server with it. `[violence]` names the category of the lines below it. Empty lines and those that begin with # say
    nothing. Raises UsageError for a file that cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--moderation {path}: cannot be read: {reason}") from None
    found: list[Banned] = []
    category = ""
    for line in map(str.strip, lines):
        if heading := HEADING.fullmatch(line):
            category = heading[1]
        elif line and not line.startswith("#"):
            found.append(Banned(line.casefold(), category))
    return tuple(found)


def refuse_banned(prompt: str, banned: Sequence[Banned]) -> None:
    """Raises Refusal for a prompt that a filter stops."""
    folded = prompt.casefold()
    stopped = [one for one in banned if one.text in folded]
    if stopped:
        categories = list(dict.fromkeys(one.category for one in stopped if one.category))
        raise Refusal(
            "The safety system stopped this request.",
            kind="image_generation_user_error",
            code="moderation_blocked",
            members={"moderation_details": {"moderation_stage": "input", "categories": categories}},
        )
