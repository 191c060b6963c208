"""Two descriptions of the image operations laid beside each other: every difference, sorted by whom it hurts.

The first description is the one that clients are written against; the second says what they will meet. So a request may
ask for less than the first allows, and an answer may promise more, and nobody is broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from imageproof.contract.aspects import Kind, Pair, aspects
from imageproof.contract.fact import Fact, Facts, error_status

# What each kind means, in the order in which they are told.
KINDS: Mapping[Kind, str] = {
    "breaking": "a plain call that keeps the contract is refused or means another thing, or its answer cannot be read",
    "narrower": "some calls that the contract allows are refused, or some of an answer is missing",
    "wider": "more is taken, or may be answered, than the contract says",
    "extension": "something that the contract does not know, and that clients may ignore",
    "documentation": "said otherwise, or not said; no client is touched",
}
IGNORED_HEADERS = ("header:accept", "header:content-type", "header:authorization")  # OpenAPI: they mean nothing there


@dataclass(frozen=True)
class Difference:
    """One difference. `operation` is an operationId of the contract, "" for the whole document, or "METHOD path" for an
    operation that the contract does not have; `place` as in `fact`; `ours` and `theirs` as a person reads them;
    `requirements` the ids of the rules that it touches; `model` the one that it holds for, "" for all."""

    kind: Kind
    operation: str
    place: str
    aspect: str
    ours: str
    theirs: str
    our_pointer: str
    their_pointer: str
    requirements: tuple[str, ...] = ()
    model: str = ""

    @property
    def key(self) -> str:
        """`operation place aspect`, the name of the difference, with `@model` behind the place where it holds for one;
        "api" stands for the whole document."""
        return f"{self.operation or 'api'} {self.place}{f'@{self.model}' if self.model else ''} {self.aspect}"


def compare(ours: Facts, theirs: Facts) -> tuple[Difference, ...]:
    """All differences between two sets of facts, in the order of ours, then of theirs."""
    return (*_lost(ours, theirs), *_gained(ours, theirs))


def _lost(ours: Facts, theirs: Facts) -> Iterator[Difference]:
    for key, fact in ours.items():
        if key in theirs:
            for aspect, kind, mine, other in aspects(Pair(fact, theirs[key])):
                yield Difference(kind, *key, aspect, mine, other, fact.pointer, theirs[key].pointer)
        elif _held(fact, theirs) and not _covered(fact, theirs):
            where = _holder(fact, theirs)
            kind = _missing(fact, ours, theirs)
            yield Difference(kind, *key, PRESENCE[fact.kind], "there", "not there", fact.pointer, where)


def _gained(ours: Facts, theirs: Facts) -> Iterator[Difference]:
    for key, fact in theirs.items():
        if key not in ours and _held(fact, ours):
            where = _holder(fact, ours)
            yield Difference(_extra(fact), *key, PRESENCE[fact.kind], "not there", "there", where, fact.pointer)
    yield from _errors(ours, theirs)


def _holder(fact: Fact, others: Facts) -> str:
    """The pointer of what would hold a place in the other document."""
    holder = others.get((fact.operation, fact.parent)) or others.get((fact.operation, "operation"))
    return holder.pointer if holder else ""


def _errors(ours: Facts, theirs: Facts) -> Iterator[Difference]:
    """The bodies of error statuses that ours does not have, against the error that it has everywhere."""
    for (operation, place), fact in theirs.items():
        if fact.kind != "status" or place[:1] == "2" or (operation, place) in ours:
            continue
        status = error_status(ours, operation)
        envelope = [one for one in ours.values() if one.operation == operation and one.place.startswith(f"{status} ")]
        moved = {(operation, one.place): one for one in (_moved(fact, status, place) for fact in envelope) if status}
        bodies = {key: one for key, one in theirs.items() if key[0] == operation and key[1].startswith(f"{place} ")}
        if bodies:
            known = ours.get((operation, status)) or ours.get((operation, "operation"))
            base = replace(fact, pointer=known.pointer if known else "")
            yield from compare({(operation, place): base, **moved}, {(operation, place): fact, **bodies})


def _moved(fact: Fact, status: str, place: str) -> Fact:
    parent = place + fact.parent[len(status) :]
    return replace(fact, place=place + fact.place[len(status) :], parent=parent)


def _held(fact: Fact, others: Facts) -> bool:
    """Whether the other document has what holds this place: without that, the loss of the holder says it all."""
    if fact.kind in ("operation", "document"):
        return True
    if fact.kind in ("items", "value"):  # items are told by the type of what holds them
        return False
    if fact.parent:
        holder = others.get((fact.operation, fact.parent))
        return holder is not None and holder.says.get("described", True)
    if (fact.operation, "operation") not in others:
        return False
    body = others.get((fact.operation, "body"))
    return fact.kind != "media" or bool(body and body.says["described"])


def _covered(fact: Fact, theirs: Facts) -> bool:
    """Whether an error status is covered by a range, or by `default`."""
    first = fact.place[:1]
    ranges = (f"{first}XX", f"{first}xx", "default")
    return fact.kind == "status" and any((fact.operation, place) in theirs for place in ranges)


def _missing(fact: Fact, ours: Facts, theirs: Facts) -> Kind:
    if fact.kind == "operation":
        return "narrower" if fact.says["deprecated"] or fact.says["reads"] else "breaking"  # a list makes no picture
    if fact.kind == "status":
        return "breaking" if fact.place == "200" else "documentation"
    if fact.kind == "media":
        siblings = (one for one in ours.values() if (one.operation, one.kind) == (fact.operation, "media"))
        first = next(one for one in siblings if one.parent == fact.parent)
        return "breaking" if fact.place == first.place else "narrower"
    if fact.says.get("carrier"):  # a picture must come in one of them
        carriers = [key for key, one in ours.items() if one.says.get("carrier") and one.parent == fact.parent]
        return "narrower" if any(key in theirs for key in carriers if key[0] == fact.operation) else "breaking"
    holder = theirs.get((fact.operation, fact.parent))
    refused = not fact.answer and holder is not None and holder.says.get("closed")
    return "breaking" if fact.says.get("required") or refused else "narrower"


def _extra(fact: Fact) -> Kind:
    if fact.place.lower() in IGNORED_HEADERS:
        return "documentation"
    return "breaking" if not fact.answer and fact.says.get("required") else "extension"


# kind of a place -> the aspect under which it is told that it is there, or not
PRESENCE = {
    "operation": "offered",
    "document": "value",
    "parameter": "member",
    "member": "member",
    "media": "media",
    "status": "status",
    "body": "described",
}
