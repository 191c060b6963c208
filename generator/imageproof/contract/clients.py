"""The clients that are known to break when a server breaks a rule, read from `spec/clients.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.findings import field_problems, frozen, kind_problem
from imageproof.contract.locate import spec_file
from imageproof.contract.pointers import join
from imageproof.contract.requirements import Requirement, requirements
from imageproof.contract.yaml_text import read_text, read_yaml
from imageproof.errors import DocumentError


@dataclass(frozen=True)
class Client:
    """One client as it was driven.

    title     its name and version, for people
    official  whether it is an SDK that the API's own makers publish and keep
    date      the day on which it was driven, YYYY-MM-DD
    """

    id: str
    title: str
    official: bool
    date: str


@dataclass(frozen=True)
class Reaction:
    """What some clients make of a server that breaks one of some rules: `when` it does so, `then` they do that. `seen`
    is the word that an answer must fit for it, "" where any breach is meant."""

    rules: tuple[str, ...]
    when: str
    clients: tuple[str, ...]
    then: str
    seen: str = ""


@dataclass(frozen=True)
class Clients:
    """All clients by id, and how they react, both in file order; `seen` says what its words mean."""

    clients: Mapping[str, Client]
    reactions: tuple[Reaction, ...]
    seen: Mapping[str, str] = field(default_factory=dict)

    def of(self, rule: str) -> dict[str, tuple[Reaction, ...]]:
        """Who breaks over a rule, by id of the client, and how; {} when none is known to."""
        about = [one for one in self.reactions if rule in one.rules]
        named = [name for name in self.clients if any(name in one.clients for one in about)]
        return {name: tuple(one for one in about if name in one.clients) for name in named}


CLIENT_KINDS: Mapping[str, type] = {"title": str, "official": bool, "date": str}
REACTION_KINDS: Mapping[str, type] = {"rules": tuple, "when": str, "clients": tuple, "then": str, "seen": str}
OPTIONAL = ("seen",)
DATE = re.compile(r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)


@lru_cache(maxsize=1)
def clients() -> Clients:
    """The table of the contract. Raises DocumentError with every row that is not one."""
    path = spec_file("clients.yaml")
    return read_clients(read_text(path), str(path), requirements())


def read_clients(text: str, source: str, registry: Mapping[str, Requirement]) -> Clients:
    """The table of a YAML text, whose rules stand in `registry`. Raises DocumentError as `clients` does."""
    data, tree = read_yaml(text, source)
    document = Document({}, source, tree)
    problems = [document.problem(pointer, message) for pointer, message in _problems(data, registry)]
    if problems:
        raise DocumentError(problems)
    return Clients(
        {name: Client(name, **row) for name, row in data["clients"].items()},
        tuple(Reaction(**frozen(row)) for row in data["reactions"]),
        data.get("seen", {}),
    )


def _problems(data: Any, registry: Mapping[str, Requirement]) -> Iterator[tuple[str, str]]:
    if not isinstance(data, dict) or {*data} - {*OPTIONAL} != {"clients", "reactions"}:
        yield "", "must be a mapping of clients and reactions"
        return
    known, reactions, seen = data["clients"], data["reactions"], data.get("seen", {})
    if not isinstance(seen, dict) or not all(isinstance(one, str) for pair in seen.items() for one in pair):
        yield join("seen"), "must be a mapping of words to what they say"
        return
    if not isinstance(known, dict) or not all(isinstance(row, dict) for row in known.values()):
        yield join("clients"), "must be a mapping of clients by id, each with title, official, date"
        return
    if not isinstance(reactions, list) or not all(isinstance(row, dict) for row in reactions):
        yield join("reactions"), "must be a list of mappings, each with rules, when, clients, then"
        return
    for name, row in known.items():
        yield from _row_problems(("clients", name), row, CLIENT_KINDS)
        if isinstance(row.get("date"), str) and not DATE.fullmatch(row["date"]):
            yield join("clients", name, "date"), f"{row['date']!r} must be a day, YYYY-MM-DD"
    for index, row in enumerate(reactions):
        found = list(_row_problems(("reactions", index), row, REACTION_KINDS))
        yield from found or _strangers(index, row, known, registry)
        if row.get("seen", "") not in ("", *seen):
            yield join("reactions", index, "seen"), f"{row['seen']!r} stands nowhere under seen"


def _row_problems(place: tuple[str | int, ...], row: Mapping[str, Any], kinds: Mapping[str, type]) -> Iterator[Any]:
    needed = [name for name in kinds if kinds[name] is not bool and name not in OPTIONAL]
    for key, message in field_problems(row, needed, kinds):
        yield join(*place, key) if key else join(*place), message
    for key, kind in kinds.items():
        if kind is bool and not isinstance(row.get(key), bool):
            yield join(*place), f"{key} must be true or false"
        elif kind is not bool and key in row and (message := kind_problem(row[key], kind)):
            yield join(*place, key), f"{key}: {message}"


def _strangers(
    index: int, row: Mapping[str, Any], known: Mapping[str, Any], registry: Mapping[str, Requirement]
) -> Iterator[tuple[str, str]]:
    """Names that stand nowhere, and rules that would break an official client although their row says otherwise."""
    for key, names in (("rules", registry), ("clients", known)):
        if unknown := [one for one in row[key] if one not in names]:
            yield join("reactions", index, key), f"not known: {', '.join(unknown)}"
    official = [one for one in row["clients"] if known.get(one, {}).get("official") is True]
    quiet = [one for one in row["rules"] if one in registry and "sdk" not in registry[one].breaks]
    if official and quiet:
        message = f"{', '.join(official)} is official: `breaks` of {', '.join(quiet)} must have sdk"
        yield join("reactions", index, "rules"), message
