"""Two descriptions of the image operations laid beside each other: every difference, sorted by whom it hurts.

The first description is the one that clients are written against; the second says what they will meet. So a request may
ask for less than the first allows, and an answer may promise more, and nobody is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from imageproof.contract.facts import Fact, Facts
from imageproof.contract.schemas import FILE, LIMITS, LOWER

Kind = Literal["breaking", "narrower", "wider", "extension", "documentation"]
# What each kind means, in the order in which they are told.
KINDS: Mapping[Kind, str] = {
    "breaking": "a client that keeps the contract is refused, or cannot read the answer",
    "narrower": "less is taken, or less is answered, than the contract has",
    "wider": "more is taken than the contract asks for",
    "extension": "something that the contract does not know, and that clients may ignore",
    "documentation": "said otherwise, or not said; no client is touched",
}
IGNORED_HEADERS = ("header:accept", "header:content-type", "header:authorization")  # OpenAPI: they mean nothing there
HOLDERS = frozenset({"object", "array"})
SCALARS = frozenset({"string", "integer", "number", "boolean"})
SILENT = "says nothing"
REQUEST_MEDIA = ("json", "form", "urlencoded")


@dataclass(frozen=True)
class Difference:
    """One difference. `operation` is an operationId of the contract, "" for the whole document, or "METHOD path" for an
    operation that the contract does not have; `place` as in `facts`; `ours` and `theirs` as a person reads them;
    `requirements` the ids of the rules that it touches."""

    kind: Kind
    operation: str
    place: str
    aspect: str
    ours: str
    theirs: str
    our_pointer: str
    their_pointer: str
    requirements: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`operation place aspect`, the name of the difference; "api" stands for the whole document."""
        return f"{self.operation or 'api'} {self.place} {self.aspect}"


@dataclass(frozen=True)
class Pair:
    """One place as both documents have it, and what the comparison of an aspect needs to know of it."""

    ours: Fact
    theirs: Fact

    @property
    def request(self) -> bool:
        return not self.ours.place[:1].isdigit()

    @property
    def form(self) -> bool:
        return self.ours.place.startswith("form:")


# aspect, kind, what ours says, what theirs says
Found = tuple[str, Kind, str, str]


def compare(ours: Facts, theirs: Facts) -> tuple[Difference, ...]:
    """All differences between two sets of facts, in the order of ours, then of theirs."""
    return (*_lost(ours, theirs), *_gained(ours, theirs))


def _lost(ours: Facts, theirs: Facts) -> Iterator[Difference]:
    for key, fact in ours.items():
        if key in theirs:
            pair = Pair(fact, theirs[key])
            for aspect, kind, mine, other in _aspects(pair):
                yield Difference(kind, *key, aspect, mine, other, fact.pointer, theirs[key].pointer)
        elif _held(fact, theirs) and not _covered(fact, theirs):
            holder = theirs.get((fact.operation, fact.parent)) or theirs.get((fact.operation, "operation"))
            where = holder.pointer if holder else ""
            yield Difference(_missing(fact, ours), *key, _what(fact), "there", "not there", fact.pointer, where)


def _gained(ours: Facts, theirs: Facts) -> Iterator[Difference]:
    for key, fact in theirs.items():
        if key not in ours and _held(fact, ours):
            holder = ours.get((fact.operation, fact.parent)) or ours.get((fact.operation, "operation"))
            where = holder.pointer if holder else ""
            yield Difference(_extra(fact), *key, _what(fact), "not there", "there", where, fact.pointer)
    yield from _errors(ours, theirs)


def _errors(ours: Facts, theirs: Facts) -> Iterator[Difference]:
    """The bodies of error statuses that ours does not have, against the error that it has everywhere."""
    for (operation, place), fact in theirs.items():
        if fact.parent or place[:1] not in ("4", "5", "d") or (operation, place) in ours:
            continue
        envelope = {
            (operation, place + one.place[3:]): _moved(one, place)
            for (name, where), one in ours.items()
            if name == operation and where.startswith("400 ")
        }
        bodies = {key: one for key, one in theirs.items() if key[0] == operation and key[1].startswith(f"{place} ")}
        if bodies:
            yield from compare({(operation, place): fact, **envelope}, {(operation, place): fact, **bodies})


def _moved(fact: Fact, status: str) -> Fact:
    return Fact(fact.operation, status + fact.place[3:], status + fact.parent[3:], fact.pointer, fact.says)


def _held(fact: Fact, others: Facts) -> bool:
    """Whether the other document has what holds this place: without that, the loss of the holder says it all."""
    if fact.place == "operation" or not fact.operation:
        return True
    if fact.place.endswith("[]"):  # the type of what holds the items tells that they are there
        return False
    if fact.parent:
        holder = others.get((fact.operation, fact.parent))
        return holder is not None and holder.says.get("described", True)
    if (fact.operation, "operation") not in others:
        return False
    body = others.get((fact.operation, "body"))
    return fact.place not in REQUEST_MEDIA or bool(body and body.says["described"])


def _covered(fact: Fact, theirs: Facts) -> bool:
    """Whether an error status is covered by a range, or by `default`."""
    if fact.parent or not fact.place.isdigit():
        return False
    return any((fact.operation, place) in theirs for place in (f"{fact.place[0]}XX", f"{fact.place[0]}xx", "default"))


def _what(fact: Fact) -> str:
    """The aspect under which the presence of a place is told."""
    if fact.place == "operation":
        return "offered"
    if ":" in fact.place:
        return "member"
    if " " in fact.place or fact.place in REQUEST_MEDIA:
        return "media"
    return "status" if fact.place[:1].isdigit() or fact.place == "default" else "value"


def _missing(fact: Fact, ours: Facts) -> Kind:
    if fact.place == "operation":
        return "narrower" if fact.says["deprecated"] or _optional(fact) else "breaking"
    what = _what(fact)
    if what == "status":
        return "breaking" if fact.place == "200" else "documentation"
    if what == "media":
        siblings = [one.place for one in ours.values() if one.operation == fact.operation and _what(one) == "media"]
        first = next(one for one in siblings if one[:1].isdigit() == fact.place[:1].isdigit())
        return "breaking" if fact.place == first else "narrower"
    return "breaking" if fact.says.get("required") else "narrower"


def _optional(fact: Fact) -> bool:
    return fact.pointer.endswith("/get")  # lists of models make no picture


def _extra(fact: Fact) -> Kind:
    if fact.place.lower() in IGNORED_HEADERS:
        return "documentation"
    request = not fact.place[:1].isdigit()
    return "breaking" if request and fact.says.get("required") else "extension"


def _aspects(pair: Pair) -> Iterator[Found]:
    for aspect in dict.fromkeys((*pair.ours.says, *pair.theirs.says)):
        rule = RULES.get(aspect)
        if rule is not None:
            yield from rule(pair, aspect)


def _type(pair: Pair, aspect: str) -> Iterator[Found]:
    mine, other = (_sent(pair, one.says.get("type")) for one in (pair.ours, pair.theirs))
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


def _null(pair: Pair, aspect: str) -> Iterator[Found]:
    mine, other = pair.ours.says.get("null"), pair.theirs.says.get("null")
    if pair.form or mine == other or None in (mine, other):  # a form has no null
        return
    null: Kind = "narrower" if mine else "wider" if pair.request else "breaking"
    yield aspect, null, NULLS[bool(mine)], NULLS[bool(other)]


def _values(pair: Pair, aspect: str) -> Iterator[Found]:
    """Closed lists, and open ones with the values that are known. What theirs adds is told apart from what it lacks."""
    mine, other = pair.ours.says.get("values"), pair.theirs.says.get("values")
    known, told = pair.ours.says.get("known", ()), pair.theirs.says.get("known", ())
    listed, given = mine if mine is not None else known, other if other is not None else told
    lost = [value for value in listed if value not in given]
    new = [value for value in given if value not in listed]
    if other is None and mine is not None:
        yield aspect, "wider", _listed(mine), f"any value{_such(told)}"
    elif other is None:
        if told and (lost or new):
            yield aspect, "documentation", f"any value{_such(known)}", f"any value{_such(told)}"
    else:
        if lost or (mine is None and not known):
            yield aspect, "narrower", _listed(mine) if mine is not None else f"any value{_such(known)}", _listed(other)
        if new and listed:
            more: Kind = "breaking" if mine is not None and not pair.request else "extension"
            yield "more-values", more, _listed(listed), f"also {_listed(new)}"


def _limit(pair: Pair, aspect: str) -> Iterator[Found]:
    mine, other = pair.ours.says.get(aspect), pair.theirs.says.get(aspect)
    if mine == other:
        return
    if mine is None or other is None:
        looser = other is None
    elif aspect == "pattern":
        yield aspect, "narrower", mine, other
        return
    else:
        looser = other < mine if aspect in LOWER else other > mine
    yield aspect, "wider" if looser else "narrower", _shown(mine), _shown(other)


def _default(pair: Pair, aspect: str) -> Iterator[Found]:
    mine, other = pair.ours.says, pair.theirs.says
    if mine.get(aspect, ...) == other.get(aspect, ...):
        return
    kind: Kind = "breaking" if aspect in mine and aspect in other and pair.request else "documentation"
    shown = [_shown(one[aspect]) if aspect in one else SILENT for one in (mine, other)]
    yield aspect, kind, shown[0], shown[1]


def _required(pair: Pair, aspect: str) -> Iterator[Found]:
    mine, other = bool(pair.ours.says.get(aspect)), bool(pair.theirs.says.get(aspect))
    if mine != other and (pair.ours.place != "body" or pair.theirs.says["described"]):
        worse = other if pair.request else mine
        yield aspect, "breaking" if worse else "wider" if pair.request else "narrower", NEEDS[mine], NEEDS[other]


def _parts(pair: Pair, aspect: str) -> Iterator[Found]:
    mine, other = pair.ours.says.get(aspect, ()), pair.theirs.says.get(aspect, ())
    if set(mine) - set(other):
        yield aspect, "breaking", ", ".join(mine), ", ".join(other) or "no file"
    elif set(other) - set(mine):
        yield aspect, "extension", ", ".join(mine), ", ".join(other)


def _flag(pair: Pair, aspect: str) -> Iterator[Found]:
    words = FLAGS[aspect]
    types = pair.theirs.says.get("type")
    if aspect == "described" and types and not types <= HOLDERS:  # a text has nothing inside to describe
        return
    mine, other = bool(pair.ours.says.get(aspect)), bool(pair.theirs.says.get(aspect))
    if mine != other:
        yield aspect, "documentation", words[mine], words[other]


def _value(pair: Pair, aspect: str) -> Iterator[Found]:
    """What an operation has one of: its path, its base, its ways to show a key."""
    mine, other = pair.ours.says.get(aspect), pair.theirs.says.get(aspect)
    if mine == other:
        return
    if isinstance(mine, frozenset) and isinstance(other, frozenset):
        kind: Kind = "breaking" if not other & (mine | {"none"}) else "wider" if "none" in other else "extension"
        yield aspect, kind, " or ".join(sorted(mine)), " or ".join(sorted(other))
    else:
        yield aspect, "breaking" if pair.ours.place == "path" else "documentation", _shown(mine), _shown(other)


def _types(types: frozenset[str] | None) -> str:
    return "any type" if types is None else " or ".join(sorted(types, key=lambda one: (one != FILE, one))) or "nothing"


def _listed(values: Any) -> str:
    return ", ".join(map(_shown, values)) or "none"


def _such(known: tuple[Any, ...]) -> str:
    return f", such as {_listed(known)}" if known else ""


def _shown(value: Any) -> str:
    if value is None:
        return SILENT
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "''"


NULLS = ("not allowed", "allowed")
NEEDS = ("optional", "required")
FLAGS = {
    "deprecated": ("not deprecated", "deprecated"),
    "described": ("not described", "described"),
    "named": ("its media type is not told", "named"),
}
RULES: Mapping[str, Callable[[Pair, str], Iterator[Found]]] = {
    "type": _type,
    "null": _null,
    "values": _values,
    "default": _default,
    "required": _required,
    "parts": _parts,
    "value": _value,
    **dict.fromkeys(LIMITS, _limit),
    **dict.fromkeys(FLAGS, _flag),
}
