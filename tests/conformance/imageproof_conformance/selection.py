"""The expression of -k: checked before anything is sent, and what to say when it selects nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from imageproof.errors import UsageError

if TYPE_CHECKING:
    from _pytest.mark.expression import Expression

CLOSE = 5  # ids that a message names


def compiled(text: str) -> Expression:
    """The expression. UsageError when it cannot be read."""
    from _pytest.mark.expression import Expression  # 0.1 s that a run without -k need not pay

    try:
        return Expression.compile(text)
    except SyntaxError as error:
        raise UsageError(f"-k {text!r} cannot be read: {error}; type for example -k 'SIZE and not EDIT'") from None


def chosen(text: str, items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rules with their models that an expression selects, as pytest does it: parts of names, in any case."""
    if not text:
        return list(items)
    expression = compiled(text)
    return [item for item in items if expression.evaluate(_Part(f"{item[0]}@{item[1]}".lower()))]


class _Part:
    """What a name in an expression means: a part of one id."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, part: str, /, **_: str | int | bool | None) -> bool:
        return part.lower() in self._name


def nothing(text: str, planned: Collection[str], known: Collection[str]) -> str:
    """Why an expression selects nothing: rules that no call of the run asks for, or which ids come close."""
    words = [word.strip("()") for word in text.split() if word not in ("and", "or", "not")]
    beside = [one for one in known if one not in planned and any(word.upper() in one for word in words if word)]
    if beside:
        more = f" and {len(beside) - CLOSE} more" if len(beside) > CLOSE else ""
        return f"-k {text} selects no rule: no planned call asks for {', '.join(beside[:CLOSE])}{more}"
    near = list(dict.fromkeys(one for word in words for one in get_close_matches(word.upper(), planned, CLOSE, 0.5)))
    hint = f"; close to it: {', '.join(near[:CLOSE])}" if near else ""
    return f"-k {text} selects no rule{hint}; `imageproof conform URL --dry-run` lists them"
