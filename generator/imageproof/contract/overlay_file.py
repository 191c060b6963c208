"""An overlay as its file has it: read and checked, its targets compiled, nothing applied.

Source: Overlay Specification 1.0.0 (OpenAPI Initiative, 2024), RFC 9535 for the targets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from jsonpath import JSONPath, JSONPathEnvironment
from jsonpath.exceptions import JSONPathError

from imageproof.contract.document import Document
from imageproof.contract.pointers import join
from imageproof.contract.yaml_text import MAX_DEPTH, read_text, read_yaml
from imageproof.errors import DocumentError, Problem

# Files of 1.1 are read for what means the same in 1.0: all but `copy`, updates of single values, and a list for a list.
VERSION = re.compile(r"^1\.[01]\.\d+$")

# kind of object -> field -> its type, "" for any; `description` of an Info object came with 1.1.
FIELDS: Mapping[str, Mapping[str, type | str]] = {
    "Overlay": {"overlay": str, "info": dict, "extends": str, "actions": list},
    "Info": {"title": str, "version": str, "description": str},
    "Action": {"target": str, "description": str, "update": "", "remove": bool},
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Overlay": ("overlay", "info", "actions"),
    "Info": ("title", "version"),
    "Action": ("target",),
}
TYPES = {str: "text", dict: "a mapping", list: "a list", bool: "true or false"}


class _Paths(JSONPathEnvironment):
    """JSONPath as RFC 9535 has it, as deep as a document may be."""

    max_recursion_depth = MAX_DEPTH


PATHS = _Paths(strict=True)
# What the JSONPath library raises: its own, and what Python raises of numbers that are none, or none of a sane size.
REFUSALS = (JSONPathError, ValueError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Action:
    """One action. `pointer` leads to it in its file, `text` is its target as written; `update` has no meaning with
    `remove`."""

    pointer: str
    text: str
    target: JSONPath
    update: Any
    remove: bool


@dataclass(frozen=True)
class Overlay:
    """An overlay that can be applied; `document` is its file, which knows the lines."""

    document: Document
    actions: tuple[Action, ...]


def read_overlay(path: str) -> Overlay:
    """Read an overlay, YAML or JSON. Raises DocumentError with all problems: not there, not text, not YAML, not an
    overlay, keys that are missing, unknown or of another type, targets that are no JSONPath, actions without effect."""
    data, tree = read_yaml(read_text(path), path)
    document = Document(data if isinstance(data, dict) else {}, path, tree)
    problems = list(_problems(document, data))
    actions: list[Action] = []
    for index, node in enumerate([] if problems else data["actions"]):
        pointer = join("actions", index)
        try:
            target = cast(JSONPath, PATHS.compile(node["target"]))  # the strict grammar has no unions of paths
        except REFUSALS as error:
            problems.append(document.problem(join("actions", index, "target"), _said(error, node["target"])))
        else:
            actions.append(Action(pointer, node["target"], target, node.get("update"), node.get("remove", False)))
    if problems:
        raise DocumentError(problems)
    return Overlay(document, tuple(actions))


def _problems(document: Document, data: Any) -> Iterator[Problem]:
    version = data.get("overlay") if isinstance(data, dict) else None
    if version is None:
        hint = "the file must start with `overlay: 1.0.0`"
        if isinstance(data, dict) and "openapi" in data:
            hint = "it is an OpenAPI document itself"
        yield document.problem("", "not an OpenAPI Overlay: there is no `overlay` key", hint=hint)
        return
    if not isinstance(version, str) or not VERSION.match(version):
        yield document.problem("/overlay", f"not Overlay 1.0: overlay is {version!r}", hint="write `overlay: 1.0.0`")
        return
    yield from _misfits(document, "Overlay", data, "")
    yield from _misfits(document, "Info", data.get("info"), "/info")
    actions = data.get("actions")
    if actions == []:
        yield document.problem("/actions", "there is no action")
    for index, action in enumerate(actions if isinstance(actions, list) else ()):
        pointer = join("actions", index)
        found = list(_misfits(document, "Action", action, pointer))
        yield from found
        if not found and "update" not in action and not action.get("remove"):
            yield document.problem(pointer, "changes nothing: it has neither `update` nor `remove: true`")


def _misfits(document: Document, kind: str, node: Any, pointer: str) -> Iterator[Problem]:
    """What is wrong with the keys of one object and their types."""
    fields = FIELDS[kind]
    if not isinstance(node, dict):
        if pointer.startswith("/actions/"):  # the types of other objects are told where their parent is checked
            yield document.problem(pointer, f"must be a mapping ({kind} object)")
        return
    missing = [name for name in REQUIRED[kind] if name not in node]
    if missing:
        yield document.problem(pointer, f"{kind} object without {' and '.join(missing)}")
    for key, value in node.items():
        wanted = fields.get(key)
        if isinstance(wanted, type) and not isinstance(value, wanted):
            yield document.problem(pointer + join(key), f"must be {TYPES[wanted]}, not {value!r:.50}")
        elif wanted is None and not key.startswith("x-"):
            yield document.problem(
                pointer + join(key), f"unknown key of an {kind} object: {key}", hint=_hint(key, kind)
            )


def _hint(key: str, kind: str) -> str:
    if (kind, key) == ("Action", "copy"):
        return "`copy` came with Overlay 1.1, which is not carried out; write what is copied under `update`"
    near = get_close_matches(key, FIELDS[kind], 1)
    return f"{near[0]}?" if near else f"known: {', '.join(FIELDS[kind])}, and keys that start with x-"


def _said(error: Exception, text: str) -> str:
    """A refusal of the JSONPath library in one line, with the character (from 1) that it stopped at."""
    if not text.startswith("$"):
        return f"target is no JSONPath: it must start with $: {text:.200}"
    if not isinstance(error, JSONPathError):
        return f"target is no JSONPath: it has a number that is none: {text:.200}"
    index = error.token.index if error.token is not None else 0
    place = f"character {index + 1}" if 0 <= index < len(text) else "its end"
    return f"target is no JSONPath: {error.message}, at {place}: {text:.200}"
