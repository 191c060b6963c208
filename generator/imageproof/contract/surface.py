"""Where in a document the operations of the contract stand, whatever prefix their paths have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from imageproof.contract.document import METHODS, Document
from imageproof.contract.pointers import join
from imageproof.contract.schema_reader import SchemaReader
from imageproof.errors import DocumentError, UsageError


@dataclass(frozen=True)
class Located:
    """One operation as a document has it: `path` as it is printed, `item` the path item that holds it, and where both
    stand."""

    path: str
    method: str
    pointer: str
    node: Mapping[str, Any]
    item_pointer: str
    item: Mapping[str, Any]


@dataclass(frozen=True)
class Surface:
    """The image operations of a document.

    prefix  what stands before `/images/...` in its paths, such as "/v1" or ""
    base    path that clients put before it: that of the first server and the prefix together
    found   operationId of the contract -> operation
    extra   "METHOD path" -> pointer, for what stands beside them under `<prefix>/images`
    others  further prefixes that have image operations, and are not compared
    """

    prefix: str
    base: str
    found: Mapping[str, Located]
    extra: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def locate(contract: Document, document: Document, reader: SchemaReader, prefix: str | None = None) -> Surface:
    """Find the contract's operations in a document. Without `prefix` the one with most operations is taken, then the
    one that names a version, then the shortest.

    DocumentError where there is no image operation; UsageError for a prefix that has none.
    """
    wanted = {one.id: (one.method.lower(), _segments(one.path)) for one in contract.operations().values()}
    images = {one.id for one in contract.operations().values() if one.path.startswith("/images/")}
    by_prefix: dict[str, dict[str, Located]] = {}
    extra: dict[str, dict[str, str]] = {}
    for path, method, found in _operations(document, reader):
        for name, (verb, segments) in wanted.items():
            before = _before(path, segments)
            if before is not None and verb == method:
                operations = by_prefix.setdefault(before, {})
                if name not in operations or operations[name].path.endswith("/"):  # the plain path of two is meant
                    operations[name] = found
                break
        else:
            before, images_too, _ = path.partition("/images/")
            if images_too:
                extra.setdefault(before, {})[f"{method.upper()} {path}"] = found.pointer
    offered = {one: found for one, found in by_prefix.items() if images & set(found)}
    chosen = _chosen(document, offered, prefix)
    others = tuple(sorted(set(offered) - {chosen}))
    first = next(iter(offered[chosen].values()))
    holder = next((one for one in (first.node, first.item) if "servers" in one), document.data)
    return Surface(chosen, _server(holder) + chosen, offered[chosen], extra.get(chosen, {}), others)


def _chosen(document: Document, offered: Mapping[str, Mapping[str, Located]], prefix: str | None) -> str:
    if not offered:
        paths = list(document.data.get("paths", {}))
        shown = f"{', '.join(paths[:5])}{', ...' if len(paths) > 5 else ''}" if paths else "none"
        message = f"no image operation among its {len(paths)} paths: {shown}"
        hint = "a path must end in /images/generations, /images/edits or /images/variations, and take POST"
        raise DocumentError([document.problem("/paths", message, hint=hint)])
    if prefix is not None:
        told = prefix.rstrip("/")
        if told not in offered:
            known = ", ".join(one or "''" for one in offered)
            raise UsageError(f"no image operations under {prefix!r}; there are some under {known}")
        return told
    return min(offered, key=lambda one: (-len(offered[one]), "{" in one, not re.search(r"/v\d+$", one), len(one), one))


def _operations(document: Document, reader: SchemaReader) -> Iterator[tuple[str, str, Located]]:
    """(path, method, operation) of all paths, path items by reference included."""
    paths = document.data.get("paths", {})
    if not isinstance(paths, dict):
        raise reader.problem("/paths", "must be a mapping of paths")
    for path, told in paths.items():
        if "/images/" not in path and "/models" not in path:
            continue
        item, pointer = reader.resolve(told, join("paths", path))
        if not isinstance(item, dict):
            raise reader.problem(join("paths", path), "must be a mapping (path item)")
        for method in METHODS:
            if method not in item:
                continue
            if not isinstance(item[method], dict):
                raise reader.problem(pointer + join(method), "must be a mapping (operation)")
            yield path, method, Located(path, method, pointer + join(method), item[method], pointer, item)


def operation_at(contract: Document, method: str, path: str) -> tuple[str, str] | None:
    """operationId and prefix of the operation that a request means, whatever its path begins with; None for none."""
    own = path.rstrip("/").split("/")
    for one in contract.operations().values():
        segments = _segments(one.path)
        tail = own[-len(segments) :]
        fits = len(tail) == len(segments) and all(
            part in ("{}", said) and said for part, said in zip(segments, tail, strict=True)
        )
        if fits and one.method == method:
            return one.id, "/".join(own[: -len(segments)])
    return None


def _segments(path: str) -> list[str]:
    return ["{}" if one.startswith("{") else one for one in path.strip("/").split("/")]


def _before(path: str, segments: list[str]) -> str | None:
    """What stands before the contract's segments in a path; None where the path does not end in them."""
    own = path.partition("?")[0].rstrip("/").split("/")
    tail = _segments("/".join(own[-len(segments) :]))
    return "/".join(own[: -len(segments)]) if tail == segments else None


def _server(holder: Mapping[str, Any]) -> str:
    """The path of the first server of a document, a path or an operation, with the defaults of its variables."""
    servers = holder.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    url = str(first.get("url", ""))
    variables = first.get("variables")
    for name, told in variables.items() if isinstance(variables, dict) else ():
        url = url.replace("{" + str(name) + "}", str(told.get("default", "")) if isinstance(told, dict) else "")
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
