"""Changes of JSON at a place: the small words that rows of dialects.yaml and faults.yaml are written in."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

Change = Callable[[Any], Any]
GONE = object()  # what a change gives for a member that is to be left out
EVERY = "*"  # a step of a path: each entry of a list


def changed(value: Any, at: str, change: Change) -> Any:
    """A copy of a JSON value in which what stands at `at` is changed: names and numbers with / between them, `*` for
    each entry of a list, "" for the whole. A place that does not exist is given to `change` as GONE when it is a member
    that is lacking; the way to it must exist, or nothing changes."""
    return _changed(value, at.split("/") if at else [], change)


def _changed(value: Any, path: list[str], change: Change) -> Any:
    if not path:
        return change(value)
    name, *rest = path
    if isinstance(value, dict) and (name in value or not rest):
        made = _changed(value.get(name, GONE), rest, change)
        return {**value, name: made} if made is not GONE else {key: one for key, one in value.items() if key != name}
    if isinstance(value, list):
        places = range(len(value)) if name == EVERY else [int(name)]
        made = [_changed(one, rest, change) if place in places else one for place, one in enumerate(value)]
        return [one for one in made if one is not GONE]
    return value


def _put(to: Any) -> Change:
    return lambda value: GONE if value is GONE else to


def _new(to: Any) -> Change:
    """As `put`, also where there was nothing."""
    return lambda value: to


def _cut(_: Any) -> Change:
    return lambda value: GONE


def _number(sum_or_product: Callable[[Any, Any], Any]) -> Callable[[Any], Change]:
    def made(by: Any) -> Change:
        def counted(value: Any) -> Any:
            return sum_or_product(value, by) if isinstance(value, int | float) else value

        return counted

    return made


def _text(pattern_and_text: list[str]) -> Change:
    pattern, to = pattern_and_text
    return lambda value: re.sub(pattern, to, value) if isinstance(value, str) else value


def _letters(old_and_new: list[str]) -> Change:
    table = str.maketrans(*old_and_new)
    return lambda value: value.translate(table) if isinstance(value, str) else value


def _within(name: str) -> Change:
    """As the only member of an object, or with "" as the only entry of a list."""
    return lambda value: value if value is GONE else {name: value} if name else [value]


def _first(count: int) -> Change:
    return lambda value: value[:count] if isinstance(value, list) else value


def _same(_: Any) -> Change:
    """A list of as many entries, all of them the first."""
    return lambda value: value[:1] * len(value) if isinstance(value, list) else value


def _member(name: str) -> Change:
    """A member in place of its object."""
    return lambda value: value.get(name) if isinstance(value, dict) else value


def _named(old_and_new: list[str]) -> Change:
    """A member of an object under another name."""
    old, new = old_and_new

    def renamed(value: Any) -> Any:
        return {new if name == old else name: one for name, one in value.items()} if isinstance(value, dict) else value

    return renamed


FORMS: Mapping[str, Change] = {
    "text": str,
    "float": float,
    "base64": lambda value: base64.b64encode(str(value).encode()).decode(),
}


def _form(name: str) -> Change:
    return lambda value: value if value is GONE or value is None else FORMS[name](value)


WORDS: Mapping[str, Callable[[Any], Change]] = {
    "put": _put,
    "new": _new,
    "cut": _cut,
    "plus": _number(lambda value, by: value + by),
    "times": _number(lambda value, by: value * by),
    "text": _text,
    "letters": _letters,
    "within": _within,
    "first": _first,
    "same": _same,
    "member": _member,
    "named": _named,
    "form": _form,
}


def word(how: Mapping[str, Any]) -> Change:
    """The change of one word and its parameter, such as {"plus": 1}. TypeError for anything else."""
    if len(how) != 1 or not set(how) <= set(WORDS):
        raise TypeError(f"one of {', '.join(WORDS)} is needed, not {', '.join(how) or 'nothing'}")
    ((name, parameter),) = how.items()
    return WORDS[name](parameter)
