"""What providers document of themselves: `spec/providers/NAME.yaml`, or a file of the user's in the same grammar.

`spec/provider.schema.json` says what a profile may have. Nothing of it was tried: a profile tells where to ask, by
which rules to judge and what to expect, and the suite tells where the target does otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imageproof.contract.document import Document
from imageproof.contract.families import KEY, families
from imageproof.contract.locate import spec_file, spec_files
from imageproof.contract.misfits import Misfits, misfits
from imageproof.contract.origins import Origin
from imageproof.contract.pointers import join, split
from imageproof.contract.requirements import requirements
from imageproof.contract.yaml_text import read_text, read_yaml
from imageproof.errors import DocumentError, Problem, UsageError

FOLDER = "providers"
MOST_BYTES = 2**20  # of a profile; those of the project have a few thousand
OF_THE_BODY = (
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
)  # headers that each call says itself
VARIABLE = "{model}"  # in a base URL or path: the name of the model that a call is about


@dataclass(frozen=True)
class Deviation:
    """Rules that a provider (`by`) documents not to keep, what it does instead, and where and when that is said."""

    by: str
    rules: tuple[str, ...]
    what: str
    source: str
    date: str

    @property
    def said(self) -> str:
        return f"documented by {self.by}, {self.source} {self.date}"


@dataclass(frozen=True)
class Offers:
    """What a provider says that it offers; None where it says nothing. `carrier` is "b64_json" or "url", `encodings`
    are the media types of edits."""

    operations: frozenset[str] | None = None
    carrier: str | None = None
    encodings: frozenset[str] | None = None
    stream: bool | None = None
    mask: bool | None = None


@dataclass(frozen=True)
class Provider:
    """A profile, checked. `id` is its name in `spec/providers`, or the path of the user's file.

    base_url    "" where each customer has a host of their own; base_path "" where nothing is said of it. Both may have
                {model} in them
    query       parameters of every call; headers: the same
    key_header  header that shows the key, key_scheme the word before it, "" for none; key_needed: whether one is sent
                that nobody named
    models      name -> family id; behaves_as: the family of all others that the contract does not know, "" for none
    rows        families of its own, as x-model-families has them
    document    its file, which knows the lines
    """

    id: str
    name: str
    about: str
    status: str
    source: str
    date: str
    base_url: str
    base_path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    key_header: str
    key_scheme: str
    key_needed: bool
    models: Mapping[str, str]
    behaves_as: str
    rows: tuple[dict[str, Any], ...]
    offers: Offers
    deviations: tuple[Deviation, ...]
    document: Document = field(repr=False)

    @property
    def said(self) -> str:
        return f"{self.name} ({self.status}; {self.source}, {self.date})"

    def deviation(self, rule: str) -> Deviation | None:
        """What is documented of a rule, None for nothing."""
        return next((one for one in self.deviations if rule in one.rules), None)


def names() -> tuple[str, ...]:
    """The profiles of the project, by name."""
    return tuple(spec_files(FOLDER))


def load_provider(name: str) -> Provider:
    """The profile of a name in `spec/providers`, else that of a file. UsageError for neither, DocumentError with all
    problems of what is no profile."""
    known = spec_files(FOLDER)
    if name in known:
        return read_provider(str(known[name]), name)
    if name and (Path(name).exists() or Path(name).suffix in (".yaml", ".yml", ".json") or "/" in name):
        return read_provider(name, name)
    near = get_close_matches(name, known, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"no provider profile {name!r}: {meant}type one of {', '.join(known)}, or the path of a YAML file of yours"
    )


def read_provider(path: str, name: str) -> Provider:
    """The profile in a file. DocumentError as `load_provider`."""
    return parse_provider(*read_yaml(read_text(path, MOST_BYTES), path), path, name)


def parse_provider(data: Any, tree: Any, source: str, name: str) -> Provider:
    """A profile from JSON values, and the tree that knows their lines (None for none)."""
    document = Document(data if isinstance(data, dict) else {}, source, tree)
    problems = [document.problem(*one[:2], hint=one[2]) for one in _problems(data)]
    if problems:
        raise DocumentError(problems)
    endpoint, key = data.get("endpoint", {}), data.get("key", {})
    return Provider(
        id=name,
        name=data["name"],
        about=data.get("about", ""),
        status=data["status"],
        source=data["source"],
        date=data["date"],
        base_url=endpoint.get("url", "").rstrip("/"),
        base_path=endpoint.get("path", urlsplit(endpoint.get("url", "")).path).rstrip("/"),
        query=tuple(endpoint.get("query", {}).items()),
        headers=tuple(endpoint.get("headers", {}).items()),
        key_header=key.get("header", "Authorization"),
        key_scheme=key.get("scheme", "" if "header" in key else "Bearer"),
        key_needed=key.get("needed", True),
        models=data.get("models", {}),
        behaves_as=data.get("behaves_as", ""),
        rows=tuple(data.get("families", ())),
        offers=_offers(data.get("offers", {})),
        deviations=tuple(_deviation(data["name"], row) for row in data.get("deviations", ())),
        document=document,
    )


def extended(document: Document, provider: Provider | None) -> Document:
    """The document with a provider's own families behind those that it has. DocumentError, with the line of the
    profile, for families that do not fit, and for names of operations and families that there are not."""
    if provider is None:
        return document
    told = _with_rows(document, provider)
    try:
        known = {one.id for one in families(told)}
    except DocumentError as error:  # a row's place in the profile, not in the list that it is part of here
        raise DocumentError(_placed(one, provider, len(document.data.get(KEY, ()))) for one in error.problems) from None
    problems = list(_strange(told, provider, known))
    if problems:
        raise DocumentError(provider.document.problem(*one) for one in problems)
    return told


def _with_rows(document: Document, provider: Provider) -> Document:
    if not provider.rows:
        return document
    own = document.data.get(KEY, [])
    whole = document.origin or Origin(document)
    written = Origin(provider.document, join("families"))
    rows = whole.part(KEY).having({len(own) + place: written.part(place) for place in range(len(provider.rows))})
    data = {**document.data, KEY: [*own, *provider.rows]}
    return Document(data, document.source, overlays=document.overlays, origin=whole.having({KEY: rows}))


def _placed(problem: Problem, provider: Provider, before: int) -> Problem:
    tokens = split(problem.pointer)
    if problem.file != provider.document.source or len(tokens) < 2:
        return problem
    return replace(problem, pointer=join("families", int(tokens[1]) - before, *tokens[2:]))


def _strange(document: Document, provider: Provider, known: set[str]) -> Iterator[tuple[str, str]]:
    """Operations and families that a profile names and the contract has not."""
    named = [(join("models", name), family) for name, family in provider.models.items()]
    named += [(join("behaves_as"), provider.behaves_as)] if provider.behaves_as else []
    for pointer, family in named:
        if family not in known:
            yield pointer, f"no model family {family!r}; known: {', '.join(sorted(known))}"
    operations = document.operations()
    listed = provider.document.data.get("offers", {}).get("operations", ())
    for index, operation in enumerate(listed):
        if operation not in operations:
            place = join("offers", "operations", index)
            yield place, f"no operation {operation!r}; known: {', '.join(operations)}"


def _offers(row: Mapping[str, Any]) -> Offers:
    operations, encodings = (frozenset(row[key]) if key in row else None for key in ("operations", "edit_encodings"))
    return Offers(operations, row.get("carrier"), encodings, row.get("stream"), row.get("mask"))


def _deviation(by: str, row: Mapping[str, Any]) -> Deviation:
    return Deviation(by, tuple(row["rules"]), row["what"], row["source"], row["date"])


@lru_cache(maxsize=1)
def _grammar() -> Misfits:
    return misfits(spec_file("provider.schema.json"), spec_file("vocabulary.schema.json"))


def _problems(data: Any) -> Iterator[tuple[str, str, str]]:
    """(pointer, message, hint) of all that is wrong with a profile by itself."""
    if not isinstance(data, dict):
        yield "", "not a provider profile: it must be a mapping with name, status, source and date", ""
        return
    found = list(_grammar()(data))
    yield from found
    if found:
        return
    yield from _dates(data, "")
    shows_key = data.get("key", {}).get("header", "Authorization").lower()
    for name in data.get("endpoint", {}).get("headers", {}):
        if name.lower() in (shows_key, *OF_THE_BODY):
            yield join("endpoint", "headers", name), f"{name} is said by each call itself", "leave it out"
    known = requirements()
    for pointer, rule in _rules(data):
        if rule not in known:
            near = get_close_matches(rule, known, 1)
            hint = f"did you mean {near[0]}?" if near else "`imageproof explain` knows them"
            yield pointer, f"no requirement {rule}", hint
    seen: set[str] = set()
    for pointer, rule in _documented(data):
        if rule in seen:
            yield pointer, f"{rule} stands twice among the deviations", "say what it does in one of them"
        seen.add(rule)


def _documented(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The rules of its deviations, each with its place."""
    for index, row in enumerate(data.get("deviations", ())):
        yield from ((join("deviations", index, "rules", place), rule) for place, rule in enumerate(row["rules"]))


def _rules(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The requirements that a profile names, each with its place."""
    yield from _documented(data)
    for index, row in enumerate(data.get("families", ())):
        for operation, cells in row.get("cells", {}).items():
            for name, cell in cells.items():
                if cell is not None:
                    yield join("families", index, "cells", operation, name, "rule"), cell["rule"]
        for place, rule in enumerate(row.get("rules", ())):
            yield join("families", index, "rules", place, "id"), rule["id"]


def _dates(node: Any, pointer: str) -> Iterator[tuple[str, str, str]]:
    """Dates that look like one and are none."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in parts:
        where = pointer + join(key)
        if key == "date" and isinstance(value, str):
            try:
                date.fromisoformat(f"{value}-01-01"[:10] if len(value) < 7 else f"{value}-01"[:10])
            except ValueError:
                yield where, f"{value} is not in the calendar", "write YYYY, YYYY-MM or YYYY-MM-DD"
        else:
            yield from _dates(value, where)
