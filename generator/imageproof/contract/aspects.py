"""One place of two documents, aspect by aspect: a rule for each says whether they differ, and whom that hurts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from imageproof.contract.fact import Fact
from imageproof.contract.schema import FILE, LIMITED, LIMITS, LOWER, UNSTATED

Kind = Literal["breaking", "narrower", "wider", "extension", "documentation"]
HOLDERS = frozenset({"object", "array"})
SCALARS = frozenset({"string", "integer", "number", "boolean"})
SUCCESSES = ("200", "201", "2XX", "2xx", "default")  # statuses whose answers clients read as they read 200
SILENT = "says nothing"


@dataclass(frozen=True)
class Pair:
    """One place as both documents have it."""

    ours: Fact
    theirs: Fact

    @property
    def request(self) -> bool:
        return not self.ours.answer

    @property
    def form(self) -> bool:
        return self.ours.place.startswith("form:")

    def said(self, aspect: str) -> tuple[Any, Any]:
        """What both say of an aspect, None for nothing."""
        return self.ours.says.get(aspect), self.theirs.says.get(aspect)


# aspect, kind, what ours says, what theirs says
Aspect = tuple[str, Kind, str, str]


def aspects(pair: Pair) -> Iterator[Aspect]:
    """Every aspect in which the two sides of a place differ."""
    for aspect in dict.fromkeys((*pair.ours.says, *pair.theirs.says)):
        rule = RULES.get(aspect)
        if rule is not None:
            yield from rule(pair, aspect)


def _type(pair: Pair, aspect: str) -> Iterator[Aspect]:
    mine, other = (_sent(pair, types) for types in pair.said("type"))
    if mine == other or (other is None and pair.ours.says.get("described")):  # then that is what is told
        return
    shown = _types(mine), _types(other)
    if other is None:
        yield aspect, "wider" if pair.request else "documentation", *shown
    elif mine is None:
        yield aspect, "narrower", *shown
    elif pair.form and mine | other <= SCALARS:  # all of them are text in a form
        yield aspect, "documentation", *shown
    elif other < mine:
        yield aspect, "narrower", *shown
    elif mine < other and pair.request:
        yield aspect, "wider", *shown
    else:
        yield aspect, "breaking", *shown


def _sent(pair: Pair, types: frozenset[str] | None) -> frozenset[str] | None:
    """The types of what is sent: a number may be whole, and in a form a list of files is a part that comes more than
    once, so that it takes one file too."""
    if types and "number" in types:
        types |= {"integer"}
    return types | {FILE} if pair.form and types and "array" in types and "parts" in pair.ours.says else types


def _null(pair: Pair, aspect: str) -> Iterator[Aspect]:
    mine, other = pair.said("null")
    untyped = any(one.says.get("type") is None and one.says.get("values") is None for one in (pair.ours, pair.theirs))
    if pair.form or untyped or mine == other or None in (mine, other):  # a form has no null
        return
    # A null in place of an optional member of an answer is read as its absence by nearly all clients.
    needed = not pair.request and pair.ours.says.get("required")
    null: Kind = "narrower" if mine else "breaking" if needed else "wider"
    yield aspect, null, NULLS[bool(mine)], NULLS[bool(other)]


def _values(pair: Pair, aspect: str) -> Iterator[Aspect]:
    """Closed lists, and open ones with the values that are known. What theirs adds is told apart from what it lacks."""
    mine, other = (_texts(pair, values) for values in pair.said("values"))
    known, told = (_texts(pair, values) or () for values in pair.said("known"))
    listed, given = mine if mine is not None else known, other if other is not None else told
    lost = [value for value in listed if value not in given]
    new = [value for value in given if value not in listed]
    if other is None and mine is not None:
        yield aspect, "wider" if pair.request else "documentation", _listed(mine), f"any value{_such(told)}"
    elif other is None:
        if told and (lost or new):
            yield aspect, "documentation", f"any value{_such(known)}", f"any value{_such(told)}"
    else:
        if lost or (mine is None and not known):
            free = mine is None and not known and pair.request and pair.ours.says.get("required")
            kind: Kind = "breaking" if free or (listed and len(lost) == len(listed)) else "narrower"
            yield aspect, kind, _listed(mine) if mine is not None else f"any value{_such(known)}", _listed(other)
        if new and listed:
            more: Kind = "breaking" if mine is not None and not pair.request else "extension"
            yield "more-values", more, _listed(listed), f"also {_listed(new)}"


def _texts(pair: Pair, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Values as they travel: in a form all of them are text."""
    return tuple(map(_shown, values)) if values is not None and pair.form else values


def _limit(pair: Pair, aspect: str) -> Iterator[Aspect]:
    mine, other = pair.said(aspect)
    types = [one.says.get("type") for one in (pair.ours, pair.theirs)]
    if mine == other or any(one is not None and not one & LIMITED[aspect] for one in types):
        return
    if mine is None or other is None:
        looser = other is None
    elif aspect == "pattern":
        yield aspect, "narrower", mine, other
        return
    else:
        looser = other < mine if aspect in LOWER else other > mine
    kind: Kind = "narrower" if not looser else "wider" if pair.request else "documentation"
    if kind == "narrower" and _refuses(aspect, other, pair.ours.says.get("default")):
        kind = "breaking"  # the plain call, which leaves it out, means the default
    yield aspect, kind, _stated(mine), _stated(other)


def _refuses(limit: str, value: Any, default: Any) -> bool:
    if isinstance(default, bool) or not isinstance(default, int | float) or limit not in ("minimum", "maximum"):
        return False
    return bool(default < value if limit == "minimum" else default > value)


def _default(pair: Pair, aspect: str) -> Iterator[Aspect]:
    """A default of null is none, for what is sent."""
    mine, other = (_default_of(pair, one) for one in (pair.ours, pair.theirs))
    if mine != other:
        kind: Kind = "breaking" if pair.request and UNSTATED not in (mine, other) else "documentation"
        shown = [SILENT if one is UNSTATED else _shown(one) for one in (mine, other)]
        yield aspect, kind, shown[0], shown[1]


def _default_of(pair: Pair, fact: Fact) -> Any:
    told = fact.says.get("default", UNSTATED)
    if told is None and pair.request:
        return UNSTATED
    return _shown(told) if pair.form and told is not UNSTATED else told


def _required(pair: Pair, aspect: str) -> Iterator[Aspect]:
    mine, other = (bool(one) for one in pair.said(aspect))
    if mine != other and (pair.ours.kind != "body" or pair.theirs.says["described"]):
        worse = other if pair.request else mine
        yield aspect, "breaking" if worse else "wider" if pair.request else "narrower", NEEDS[mine], NEEDS[other]


def _parts(pair: Pair, aspect: str) -> Iterator[Aspect]:
    mine, other = (one or () for one in pair.said(aspect))
    if set(mine) - set(other):
        yield aspect, "breaking", ", ".join(mine), ", ".join(other) or "no file"
    elif set(other) - set(mine):
        yield aspect, "extension", ", ".join(mine), ", ".join(other)


def _content(pair: Pair, aspect: str) -> Iterator[Aspect]:
    """The media types that `encoding` allows for the parts of a form; a wildcard stands for all of its kind."""
    mine, other = (one or {} for one in pair.said(aspect))
    both = [part for part in mine if part in other and mine[part] != other[part]]
    if not both:
        return
    lost = [one for part in both for one in mine[part] if not any(_matches(one, told) for told in other[part])]
    shown = ["; ".join(f"{part}: {', '.join(sorted(told[part]))}" for part in both) for told in (mine, other)]
    yield aspect, "narrower" if lost else "wider", shown[0], shown[1]


def _matches(media_type: str, pattern: str) -> bool:
    return pattern in (media_type, "*/*", f"{media_type.partition('/')[0]}/*", "application/octet-stream")


def _closed(pair: Pair, aspect: str) -> Iterator[Aspect]:
    """Whether other members than those that are described are refused; of an answer that is a promise."""
    mine, other = (bool(one) for one in pair.said(aspect))
    if mine != other:
        kind: Kind = ("narrower" if other else "wider") if pair.request else "documentation"
        yield aspect, kind, MORE[mine], MORE[other]


def _flag(pair: Pair, aspect: str) -> Iterator[Aspect]:
    types = pair.theirs.says.get("type")
    if aspect == "described" and types and not types <= HOLDERS:  # a text has nothing inside to describe
        return
    mine, other = (bool(one) for one in pair.said(aspect))
    if mine != other:
        yield aspect, "documentation", FLAGS[aspect][mine], FLAGS[aspect][other]


def _value(pair: Pair, aspect: str) -> Iterator[Aspect]:
    """What an operation has one of: its path, its base, its ways to show a key."""
    mine, other = pair.said(aspect)
    if mine == other:
        return
    if isinstance(mine, frozenset) and isinstance(other, frozenset):
        yield aspect, _ways(mine, other), " or ".join(sorted(mine)), " or ".join(sorted(other))
    else:
        empty = pair.ours.kind == "status" and pair.ours.place == "200" and other not in SUCCESSES
        kind: Kind = "breaking" if pair.ours.place == "path" or empty else "documentation"
        yield aspect, kind, _stated(mine), _stated(other)


def _ways(mine: frozenset[str], other: frozenset[str]) -> Kind:
    """Ways to show a key: a client uses any one of ours, or none where that is one of them."""
    if "none" in other:
        return "wider" if "none" not in mine else "extension" if mine <= other else "narrower"
    if "none" in mine or not mine & other:
        return "breaking"
    return "narrower" if mine - other else "extension"


def _types(types: frozenset[str] | None) -> str:
    return "any type" if types is None else " or ".join(sorted(types, key=lambda one: (one != FILE, one))) or "nothing"


def _listed(values: Any) -> str:
    return ", ".join(map(_shown, values)) or "none"


def _such(known: tuple[Any, ...]) -> str:
    return f", such as {_listed(known)}" if known else ""


def _stated(value: Any) -> str:
    return SILENT if value is None else _shown(value)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if value != "" else "''"


NULLS = ("not allowed", "allowed")
MORE = ("other members are taken", "no other members")
NEEDS = ("optional", "required")
FLAGS = {
    "deprecated": ("not deprecated", "deprecated"),
    "described": ("not described", "described"),
    "named": ("its media type is not told", "named"),
}
RULES: Mapping[str, Callable[[Pair, str], Iterator[Aspect]]] = {
    "type": _type,
    "null": _null,
    "values": _values,
    "default": _default,
    "required": _required,
    "parts": _parts,
    "content": _content,
    "closed": _closed,
    "value": _value,
    **dict.fromkeys(LIMITS, _limit),
    **dict.fromkeys(FLAGS, _flag),
}
