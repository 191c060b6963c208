"""The documents that the contract was reconciled from: each the OpenAPI document that it means, wrong claims included.

A file of `spec/sources/` is a plain OpenAPI document. `x-source` at its root says what it transcribes, `x-line` on a
node which line of the source says so (`x-from` in place of it where the source is no file of lines), `x-by-model` on a
property what holds for one model alone, and `x-notes` what OpenAPI cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from imageproof.contract.document import Document, load
from imageproof.contract.locate import spec_files
from imageproof.contract.pointers import join, split
from imageproof.errors import DocumentError, Problem

BY_MODEL = "x-by-model"
NOT = frozenset({"not"})
NOTE_KINDS = ("defect", "note", "advice")


@dataclass(frozen=True)
class Note:
    """What a source says and OpenAPI cannot hold. `kind` is "defect" (it is wrong as a document), "note" (a claim) or
    "advice"; `lines` of the source; `origins` names the pages of a source that has no lines."""

    id: str
    kind: Literal["defect", "note", "advice"]
    says: str
    lines: tuple[int, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One source. `form` says what kind of document it is, `as_of` how old, `lines` how long (0 where it has none)."""

    id: str
    title: str
    form: str
    language: str
    as_of: str
    lines: int
    document: Document
    notes: tuple[Note, ...]

    def line(self, pointer: str) -> int | None:
        """The line of the source that says what stands at a pointer, or what holds it."""
        found = _nearest(self.document.data, pointer, "x-line")
        return found if isinstance(found, int) else None

    def origins(self, pointer: str) -> tuple[str, ...]:
        """The pages that say what stands at a pointer, where the source has no lines."""
        found = _nearest(self.document.data, pointer, "x-from")
        return tuple(map(str, found)) if isinstance(found, list) else ()


@lru_cache(maxsize=1)
def sources() -> dict[str, Source]:
    """All sources by id, which is the name of their file. DocumentError for a file that is not one."""
    return {name: _source(name, path) for name, path in spec_files("sources").items()}


def for_model(document: Document, model: str) -> Document:
    """A source as it is for one model: what it says of that model alone folded into its properties, and properties that
    it says are not for that model taken out."""
    return Document(_folded(document.data, model), document.source)


def by_model(document: Document) -> dict[str, dict[str, Any]]:
    """Pointer of a property schema -> model -> what the source says of it: keywords, or False where it forbids it."""
    found = {}
    stack: list[tuple[str, Any]] = [("", document.data)]
    while stack:
        pointer, node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get(BY_MODEL), dict):
                found[pointer] = node[BY_MODEL]
            stack.extend((pointer + join(key), value) for key, value in node.items())
        elif isinstance(node, list):
            stack.extend((pointer + join(index), value) for index, value in enumerate(node))
    return found


def _folded(node: Any, model: str) -> Any:
    if isinstance(node, list):
        return [_folded(one, model) for one in node]
    if not isinstance(node, dict):
        return node
    said = node.get(BY_MODEL, {}).get(model, {}) if isinstance(node.get(BY_MODEL), dict) else {}
    merged = {**node, **said} if isinstance(said, dict) else node
    properties = node.get("properties")
    if isinstance(properties, dict):
        gone = [name for name, one in properties.items() if isinstance(one, dict) and _forbids(one, model)]
        merged = {**merged, "properties": {name: one for name, one in properties.items() if name not in gone}}
        if isinstance(node.get("required"), list):
            merged["required"] = [name for name in node["required"] if name not in gone]
    return {key: _folded(value, model) for key, value in merged.items() if key != BY_MODEL}


def _forbids(node: dict[str, Any], model: str) -> bool:
    said = node.get(BY_MODEL)
    return isinstance(said, dict) and said.get(model) is False


def _nearest(data: Any, pointer: str, key: str) -> Any:
    """The value of a key at a pointer, or at the nearest node above it that has the key."""
    found = data.get(key) if isinstance(data, dict) else None
    for token in split(pointer):
        data = data.get(token) if isinstance(data, dict) else data[int(token)] if isinstance(data, list) else None
        if isinstance(data, dict) and key in data:
            found = data[key]
    return found


def _source(name: str, path: Path) -> Source:
    document = load(path)
    told = document.data.get("x-source")
    problems = list(_problems(document, told))
    if problems:
        raise DocumentError(problems)
    told = cast("dict[str, Any]", told)
    notes = tuple(
        Note(
            one["id"],
            one["kind"],
            one["says"],
            tuple(one["line"] if isinstance(one.get("line"), list) else [one["line"]] if "line" in one else ()),
            tuple(one.get("from", ())),
        )
        for one in document.data.get("x-notes", [])
    )
    title, form, language, as_of = (str(told[key]) for key in ("title", "form", "language", "as_of"))
    return Source(name, title, form, language, as_of, told.get("lines", 0), document, notes)


def _problems(document: Document, told: Any) -> Iterator[Problem]:
    needed = ("title", "form", "language", "as_of")
    if not isinstance(told, dict) or not all(told.get(key) for key in needed):
        yield document.problem("/x-source", f"a source needs x-source with {', '.join(needed)}")
        return
    last = told.get("lines", 0)
    seen: set[str] = set()
    for index, note in enumerate(document.data.get("x-notes", [])):
        where = join("x-notes", index)
        if not isinstance(note, dict) or not all(isinstance(note.get(key), str) for key in ("id", "kind", "says")):
            yield document.problem(where, "a note needs id, kind and says")
            continue
        if note["kind"] not in NOTE_KINDS or note["id"] in seen:
            yield document.problem(
                where, f"{note['id']}: its kind is none of {', '.join(NOTE_KINDS)}, or its id stands twice"
            )
        seen.add(note["id"])
        lines = note.get("line", note.get("from"))
        good = all(isinstance(one, int) and 1 <= one <= last for one in (lines if isinstance(lines, list) else [lines]))
        if not (good if "line" in note else note.get("from")):
            yield document.problem(
                where, f"{note['id']}: needs `line` within the {last} lines of its source, or `from`"
            )
