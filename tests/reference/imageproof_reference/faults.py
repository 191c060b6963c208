"""Faults: each breaks one thing, by the same named transformations as dialects, where and when its row says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from imageproof.contract.families import family_of
from imageproof.errors import UsageError
from imageproof_reference.bodies import Body
from imageproof_reference.request_steps import breaches
from imageproof_reference.speech import Room, Said
from imageproof_reference.steps import Row, Step, Steps, bound, read_steps, read_table

ANYTHING = "*"  # as an operation: any; as the value of a parameter: sent, whatever it is


@dataclass(frozen=True)
class When:
    """Where a fault takes hold: at some operations, and of them only where all the rest is so.

    sent     parameters and the values that they must have ("*" for any but null)
    unsent   parameters that must not be there, or be null
    families the model families of a request that names a model; () for any
    key      "none" where no key was shown, "wrong" where one was that is not the server's, "right"; "" for any
    but      parameters and the values that they must not have
    legal    whether the request must keep the contract
    answers  "served", "refused" or "all" of the answers
    refusal  what the error of a refusal must have, its `status` among it
    after    how many requests the server must have refused before
    """

    operations: tuple[str, ...]
    sent: Mapping[str, Any] = field(default_factory=dict)
    unsent: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    key: str = ""
    but: Mapping[str, Any] = field(default_factory=dict)
    legal: bool = False
    answers: str = "served"
    refusal: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0

    def holds(self, thing: Any, room: Room) -> bool:
        """Whether it is so for what a step is about to change."""
        here = room.operation in self.operations or (ANYTHING in self.operations and room.operation not in APART)
        asked = thing.values if isinstance(thing, Body) else room.asked
        return (
            here
            and room.refused >= self.after
            and self.key in ("", _key(room))
            and (not self.families or _family(room, asked) in ("", *self.families))
            and all(_is(asked.get(name), value) for name, value in self.sent.items())
            and all(asked.get(name) is None for name in self.unsent)
            and not any(_is(asked.get(name), value) for name, value in self.but.items())
            and not (self.legal and isinstance(thing, Body) and breaches(thing, room))
            and (not isinstance(thing, Said) or self._holds_of(thing))
        )

    def _holds_of(self, said: Said) -> bool:
        if self.answers != "all" and said.failed != (self.answers == "refused"):
            return False
        error = said.body.get("error") if isinstance(said.body, dict) else None
        members = {**(error if isinstance(error, dict) else {}), "status": said.status}
        return all(_is(members.get(name), value) for name, value in self.refusal.items())


APART = ("hosted", "preflight")  # what is no operation is only broken by name


@dataclass(frozen=True)
class Fault:
    """One row of faults.yaml; its head says what the members mean. `rules` are the requirement ids that a suite must
    report, by operation or for "*"; `settings` are members of `Config`."""

    id: str
    what: str
    operations: tuple[str, ...]
    families: tuple[str, ...]
    rules: Mapping[str, tuple[str, ...]]
    unjudged: tuple[str, ...]
    elsewhere: tuple[str, ...]
    seen: str
    when: When
    settings: Mapping[str, Any]
    steps: tuple[Row, ...]


@lru_cache(maxsize=1)
def faults() -> Mapping[str, Fault]:
    """All faults by id, in file order."""
    return {row["id"]: _fault(row) for row in read_table("faults.yaml")}


def fault(name: str) -> Fault:
    """The fault of an id. UsageError for one that does not exist."""
    if name not in faults():
        like = "".join(f"did you mean {one}? " for one in difflib.get_close_matches(name, faults(), 1))
        raise UsageError(f"no fault {name!r}; {like}--list-faults names all")
    return faults()[name]


def steps(name: str) -> Steps:
    """The transformations of a fault; "" is none. UsageError for one that does not exist, or whose row names a
    transformation or a parameter that is not in the tables."""
    if not name:
        return Steps()
    found = fault(name)

    def limited(step: Step) -> Step:
        return lambda thing, room: step(thing, room) if found.when.holds(thing, room) else thing

    return bound(f"fault {name!r}", found.steps, limited)


def _key(room: Room) -> str:
    """What there is of a key in a request: "none", "wrong" or "right"."""
    shown = room.head.header("authorization")
    return "none" if not shown else "right" if shown == f"Bearer {room.key}" else "wrong"


def _family(room: Room, asked: Mapping[str, Any]) -> str:
    """The family of the model that a request names, "" where it names none or nobody knows it."""
    family = family_of(room.document, str(asked.get("model") or ""))
    return family.id if family is not None else ""


def _is(value: Any, wanted: Any) -> bool:
    return value is not None if wanted == ANYTHING else bool(value == wanted)


def _fault(row: dict[str, Any]) -> Fault:
    when = row.get("when", {})
    return Fault(
        id=row["id"],
        what=row["what"],
        operations=tuple(row["operations"]),
        families=tuple(row["families"]),
        rules=_ids(row.get("rules", {})),
        unjudged=tuple(row.get("unjudged", ())),
        elsewhere=tuple(row.get("elsewhere", ())),
        seen=row["seen"],
        when=When(
            operations=tuple(row.get("where", row["operations"])),
            sent=when.get("sent", {}),
            unsent=tuple(when.get("unsent", ())),
            families=tuple(row["families"]) if when.get("families") else (),
            key=when.get("key", ""),
            but=when.get("but", {}),
            legal=when.get("legal", False),
            answers="refused" if "refusal" in when else when.get("answers", "served"),
            refusal=when.get("refusal", {}),
            after=when.get("after", 0),
        ),
        settings=row.get("settings", {}),
        steps=read_steps(row.get("steps", [])),
    )


def _ids(lists: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(ids) for name, ids in lists.items()}
