"""Names: words out of what a document writes, identifiers out of words, and clashes resolved for all names at once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NOT_WORD = re.compile(r"[\W_]+")


def words(text: str) -> tuple[str, ...]:
    """Lower-case words of `createImage`, `image[]`, `gpt-image-2.5`, `HTTPServer`; () without a letter or digit."""
    return tuple(part.lower() for part in _parts(text))


def snake(*texts: str) -> str:
    """`image_edit`; a name that would start with a digit starts with `n`."""
    return _legal("_".join(word for text in texts for word in words(text)), "n")


def pascal(*texts: str) -> str:
    """`ImageEdit`; capitals that a text already has inside a word stay (`gptIMAGE` is `GptIMAGE`)."""
    parts = [part for text in texts for part in _parts(text)]
    return _legal("".join(part[0].upper() + part[1:] for part in parts), "N")


def constant(*texts: str) -> str:
    """`IMAGE_EDIT`."""
    return snake(*texts).upper()


def unreserved(name: str, reserved: Collection[str]) -> str:
    """The name, with an underscore behind it where a language or a runtime has it already."""
    return f"{name}_" if name in reserved else name


def assign(wanted: Mapping[K, Sequence[str]], taken: Collection[str] = ()) -> dict[K, str]:
    """key -> name. Each key brings its candidates, from the plainest to the fullest.

    All keys ask for their first candidate at once; a name that several ask for, or that is taken, goes to none of them,
    and they ask for their next. When candidates run out the last one is numbered in the order of the keys.
    """
    names: dict[K, str] = {}
    used = set(taken)
    for turn in range(max(map(len, wanted.values()), default=0)):
        asking = {key: options[turn] for key, options in wanted.items() if key not in names and turn < len(options)}
        claims = Counter(asking.values())
        granted = {key: name for key, name in asking.items() if claims[name] == 1 and name not in used}
        names |= granted
        used |= set(granted.values())
    for key, options in wanted.items():
        if key not in names:
            number = next(one for one in range(2, len(wanted) + len(used) + 3) if f"{options[-1]}_{one}" not in used)
            names[key] = f"{options[-1]}_{number}"
            used.add(names[key])
    return {key: names[key] for key in wanted}


def _parts(text: str) -> list[str]:
    """Words as they are written, in the one spelling (NFKC) that languages compare identifiers by."""
    return [part for part in NOT_WORD.split(HUMP.sub(" ", unicodedata.normalize("NFKC", text))) if part]


def _legal(name: str, prefix: str) -> str:
    name = "".join(letter for letter in name if f"a{letter}".isidentifier())
    if not name:
        return prefix
    return name if not name[0].isdigit() else prefix + name
