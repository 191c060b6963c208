"""OpenAPI Overlay 1.0: what a provider or a team adds to a document, changes or takes away, without a copy of it.

Source: Overlay Specification 1.0.0 (OpenAPI Initiative, 2024). What it leaves open of a merge is done as 1.1.0 has it:
lists that meet are joined, single values are replaced, anything else that meets does not fit. Unlike there, an action
that matches nothing is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias

from jsonpath import JSONPath

from imageproof.contract.document import Document, faults
from imageproof.contract.origins import Origin
from imageproof.contract.overlay_file import PATHS, REFUSALS, Action, Overlay, read_overlay
from imageproof.contract.pointers import join
from imageproof.contract.yaml_text import MAX_DEPTH, TOO_DEEP
from imageproof.errors import DocumentError, Problem

MOST_VALUES = 5_000_000  # with aliases written out; the largest published documents stay well below
MOST_MATCHES = 100_000  # of one action
MOST_PROBLEMS = 10  # of actions; those that come after a failed one may only fail because of it
TOO_LARGE = f"larger than {MOST_VALUES:,} values, aliases written out"
HOLDER = "name the mapping or the list that holds it"


# The places that an action matches, as a tree of keys and indexes; None stands for the value itself.
Chosen: TypeAlias = dict[str | int | None, "Chosen"]


@dataclass(frozen=True)
class Part:
    """A value of the document while overlays are applied, and where it was written. Neither is ever changed: the base
    document shares values between places, by anchors, and an edit of one place must not reach another."""

    value: Any
    origin: Origin


Change: TypeAlias = Callable[[str, Part], Part | None]  # of the value at a pointer


def applied(document: Document, paths: Sequence[str]) -> Document:
    """The document after the actions of overlays, as `overlay.overlaid` tells."""
    overlays = _read(paths)
    files = (*document.overlays, *(overlay.document for overlay in overlays))
    measured = _Measure()
    _refuse([Problem(one.source, fault) for one in (document, *files) for fault in measured.faults(one.data)])
    whole = _all_applied(Part(document.data, document.origin or Origin(document)), overlays, measured)
    result = Document(whole.value, document.source, overlays=files, origin=whole.origin)
    _refuse([_told(problem, paths) for problem in faults(result)])
    return result


def _read(paths: Sequence[str]) -> list[Overlay]:
    """All overlays; DocumentError with the problems of all of them."""
    overlays: list[Overlay] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            overlays.append(read_overlay(path))
        except DocumentError as error:
            problems += error.problems
    _refuse(problems)
    return overlays


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise DocumentError(problems)


def _told(problem: Problem, paths: Sequence[str]) -> Problem:
    """A problem of the result. One that stands where no overlay wrote is of their making all the same."""
    if problem.file in paths:
        return problem
    blamed = f"it was in order before {' and '.join(paths)}"
    return replace(problem, hint=f"{problem.hint}; {blamed}" if problem.hint else blamed)


def _all_applied(whole: Part, overlays: Sequence[Overlay], measured: _Measure) -> Part:
    """The document after all actions of all overlays; DocumentError with the problems of those that failed."""
    problems: list[Problem] = []
    for overlay, action in [(one, action) for one in overlays for action in one.actions]:
        try:
            made = _applied(whole, overlay, action)
            for fault in measured.faults(made.value):
                raise _refused(overlay, action, f"after this action the document is {fault}")
            whole = made
        except DocumentError as error:
            problems += error.problems
            if len(problems) == MOST_PROBLEMS:
                break
    _refuse(problems)
    return whole


def _applied(whole: Part, overlay: Overlay, action: Action) -> Part:
    """The document after one action."""
    found = _matches(whole, overlay, action)
    if action.remove and () in found:
        raise _refused(overlay, action, "the whole document cannot be removed", "name what must go")
    update = Part(action.update, Origin(overlay.document, f"{action.pointer}/update"))

    def change(where: str, part: Part) -> Part | None:
        return None if action.remove else _updated(overlay, action, where, update, part)

    return _changed(whole, _tree(found), change) or whole


def _matches(whole: Part, overlay: Overlay, action: Action) -> list[tuple[str | int, ...]]:
    """The paths that an action's target selects, each once, in document order; DocumentError for none."""
    try:
        selected = islice(action.target.finditer(whole.value), MOST_MATCHES + 1)
        found = list(dict.fromkeys(tuple(match.parts) for match in selected))
    except REFUSALS as error:
        raise _refused(overlay, action, f"target cannot be followed: {error.args[0]}") from None
    if not found:
        raise _refused(overlay, action, f"matches nothing: {action.text}", _nearest(action.target, whole.value))
    if len(found) > MOST_MATCHES:
        raise _refused(overlay, action, f"matches more than {MOST_MATCHES:,} values: {action.text}")
    return found


def _nearest(target: JSONPath, data: Any) -> str:
    """How far a target that matches nothing gets."""
    for count in range(len(target.segments) - 1, 0, -1):
        known = JSONPath(env=PATHS, segments=target.segments[:count])
        if next(iter(known.finditer(data)), None) is not None:
            return f"{known} is there, {target.segments[count]} below it is not"
    first = str(target.segments[0])
    return "" if first.startswith("..") else f"{first} is not at the root"


def _tree(paths: Iterable[Sequence[str | int]]) -> Chosen:
    tree: Chosen = {}
    for path in paths:
        node = tree
        for token in path:
            node = node.setdefault(token, {})
        node[None] = {}
    return tree


def _changed(part: Part, chosen: Chosen, change: Change, where: str = "") -> Part | None:
    """A part with the chosen values changed, outer ones first; what becomes None is gone. What lies on the way to them
    is copied, all else is shared. `where` is the pointer of the part in the document."""
    made = change(where, part) if None in chosen else part
    if made is None or not chosen.keys() - {None}:
        return made
    value: Any = list(made.value) if isinstance(made.value, list) else dict(made.value)
    origins: dict[str | int, Origin] = {}
    gone = set()
    for token, below in chosen.items():
        if token is None:
            continue
        inner = _changed(Part(value[token], made.origin.part(token)), below, change, where + join(token))
        if inner is None:
            gone.add(token)
        else:
            value[token], origins[token] = inner.value, inner.origin
    return _without(gone, Part(value, made.origin.having(origins)))


def _without(gone: Container[str | int], part: Part) -> Part:
    """A list without some items, or a mapping without some members."""
    if isinstance(part.value, list):
        kept = [index for index in range(len(part.value)) if index not in gone]
        if len(kept) == len(part.value):
            return part
        return Part([part.value[index] for index in kept], part.origin.renumbered(kept))
    return Part({key: value for key, value in part.value.items() if key not in gone}, part.origin)


def _updated(overlay: Overlay, action: Action, where: str, update: Part, part: Part) -> Part:
    """What a target becomes: a list gets one more item, a mapping is merged."""
    if isinstance(part.value, list) and isinstance(update.value, list):
        message = f"a list for the list #{where}: Overlay 1.0 makes it one item, and 1.1 joins the two"
        hint = "update the mapping that holds the list: lists that meet there are joined"
        raise DocumentError([overlay.document.problem(update.origin.pointer, message, hint=hint)])
    if isinstance(part.value, list):
        return _joined(part, [update])
    if isinstance(part.value, dict) and isinstance(update.value, dict):
        return _merged(where, part, update)
    if isinstance(part.value, dict):
        raise _unfit(where, part, update)
    raise _refused(overlay, action, f"matches {_kind(part.value)}, which cannot be updated: #{where}", HOLDER)


def _merged(where: str, part: Part, update: Part) -> Part:
    """A mapping with the members of another: new ones are added, mappings merged, lists joined, single values replaced.
    `where` is the pointer of the part in the document."""
    value = dict(part.value)
    origins: dict[str | int, Origin] = {}
    for key, given in update.value.items():
        mine, theirs = Part(value.get(key), part.origin.part(key)), Part(given, update.origin.part(key))
        if key not in value:
            made = theirs
        elif isinstance(mine.value, dict) and isinstance(given, dict):
            made = _merged(where + join(key), mine, theirs)
        elif isinstance(mine.value, list) and isinstance(given, list):
            made = _joined(mine, [Part(item, theirs.origin.part(index)) for index, item in enumerate(given)])
        elif isinstance(mine.value, dict | list) or isinstance(given, dict | list):
            raise _unfit(where + join(key), mine, theirs)
        else:
            made = theirs
        value[key], origins[key] = made.value, made.origin
    return Part(value, part.origin.having(origins))


def _joined(part: Part, more: Sequence[Part]) -> Part:
    start = len(part.value)
    origins: dict[str | int, Origin] = {start + index: item.origin for index, item in enumerate(more)}
    return Part([*part.value, *(item.value for item in more)], part.origin.having(origins))


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a single value"


def _unfit(where: str, part: Part, update: Part) -> DocumentError:
    """An update that cannot be merged with what stands at `where` in the document."""
    message = f"must be {_kind(part.value)}, as #{where or '/'} of the document is, not {_kind(update.value)}"
    hint = "to replace it, remove it by an action before this one"
    return DocumentError([update.origin.document.problem(update.origin.pointer, message, hint=hint)])


def _refused(overlay: Overlay, action: Action, message: str, hint: str = "") -> DocumentError:
    return DocumentError([overlay.document.problem(f"{action.pointer}/target", message, hint=hint)])


class _Measure:
    """How large and how deep a document is. Values are remembered, so that after an action only what it copied is
    measured, and alias bombs stay cheap."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, int, int]] = {}  # id -> the value, kept so that ids stay; count; levels

    def faults(self, value: Any) -> list[str]:
        """What makes a document too large to work with."""
        try:
            count, levels = self._measured(value)
        except RecursionError:
            return [TOO_DEEP]
        return [*([TOO_LARGE] if count > MOST_VALUES else []), *([TOO_DEEP] if levels > MAX_DEPTH else [])]

    def _measured(self, value: Any) -> tuple[int, int]:
        if not isinstance(value, dict | list):
            return 1, 0
        if id(value) not in self._known:
            parts = [self._measured(one) for one in (value.values() if isinstance(value, dict) else value)]
            count, levels = sum(one for one, _ in parts), max((one for _, one in parts), default=0)
            self._known[id(value)] = value, count + 1, levels + 1
        return self._known[id(value)][1:]
