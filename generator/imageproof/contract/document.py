"""An OpenAPI document, read and checked: YAML or JSON in, `Document` out, every problem with its line and pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from imageproof.contract.locate import spec_file
from imageproof.contract.origins import Origin
from imageproof.contract.pointers import follow, join, references, target
from imageproof.contract.shape import OPENAPI_VERSION, misshapen
from imageproof.contract.yaml_text import line_of, read_text, read_yaml
from imageproof.errors import DocumentError, Problem

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Operation:
    """One operation. `id` is its operationId, else `METHOD path`; `method` is upper case; `pointer` leads to `node`,
    the operation object."""

    id: str
    method: str
    path: str
    pointer: str
    node: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Document:
    """A document, read. `data` is plain JSON values, never changed; `source` is as the user named it.
    `overlays` are the files that were laid over it, in order, and `origin` knows what they wrote; None without any.

    Documents compare by identity, so that what is derived from one can be cached by it.
    """

    data: dict[str, Any]
    source: str
    tree: yaml.Node | None = field(default=None, repr=False)
    overlays: tuple[Document, ...] = field(default=(), repr=False)
    origin: Origin | None = field(default=None, repr=False)

    def at(self, pointer: str) -> Any:
        """The value at a JSON pointer. KeyError where it leads nowhere."""
        return follow(self.data, pointer)

    def resolve(self, node: Any) -> Any:
        """The node that a chain of local `$ref` means; the node itself when it is no reference."""
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = self.at(target(node["$ref"]))
        return node

    def line(self, pointer: str) -> int | None:
        """The line (from 1) of the value at a pointer, or of its nearest parent that has one; in the file that `place`
        names."""
        return self.place(pointer)[1]

    def place(self, pointer: str) -> tuple[str, int | None]:
        """File and line of the value at a pointer: those of the overlay that wrote it, where one did."""
        if self.origin is None:
            return self.source, line_of(self.tree, pointer)
        found = self.origin.at(pointer)
        return found.document.place(found.pointer)

    def problem(
        self, pointer: str, message: str, *, hint: str = "", level: Literal["error", "warning"] = "error"
    ) -> Problem:
        """A problem of the value at a pointer, with its file and line."""
        file, line = self.place(pointer)
        return Problem(file, message, pointer, line, level, hint)

    def operations(self) -> dict[str, Operation]:
        """All operations by id, in document order; one table for each document, not to be changed."""
        return _operation_table(self)


@lru_cache(maxsize=1)
def canonical() -> Document:
    """The project's own document, `spec/openapi.yaml`, read once."""
    return load(spec_file("openapi.yaml"))


def load(path: Path | str | None = None) -> Document:
    """Read and check a document of OpenAPI 3.0 or 3.1, YAML or JSON; without a path the canonical one.

    Raises DocumentError with all problems: not there, not text, not YAML, not OpenAPI, misshapen, dangling `$ref`.
    """
    if path is None:
        return canonical()
    text = read_text(path)
    return parse(text, str(path))


def parse(text: str, source: str) -> Document:
    """Check the text of a document. Raises DocumentError as `load` does."""
    data, tree = read_yaml(text, source)
    document = Document(data, source, tree)
    problems = faults(document)
    if problems:
        raise DocumentError(problems)
    return document


def faults(document: Document) -> list[Problem]:
    """All that keeps a document from being a usable one of OpenAPI 3.0 or 3.1."""
    found = [document.problem(pointer, message, hint=hint) for pointer, message, hint in _faults(document.data)]
    return found or list(_twice(document))


def request_schema(document: Document, operation: str, media_type: str | None = None) -> dict[str, Any]:
    """The schema of an operation's request body, resolved at its top level; {} when it takes none, or takes anything.

    `media_type` is one of the body's keys; without it the first one. KeyError for an unknown operation.
    """
    content = request_content(document, operation)
    if not content:
        return {}
    entry = content[media_type] if media_type else next(iter(content.values()))
    schema = document.resolve(entry.get("schema", {}))
    return schema if isinstance(schema, dict) else {}


def request_content(document: Document, operation: str) -> dict[str, Any]:
    """Media type -> media type object of an operation's request body; {} when it takes none."""
    body = document.resolve(document.operations()[operation].node.get("requestBody", {}))
    content: dict[str, Any] = body.get("content", {})
    return content


def property_schema(document: Document, schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The schema of a property of an object schema, folded; {} for `true` and for a property that it does not name."""
    node = folded(document, schema.get("properties", {}).get(name, {}))
    return node if isinstance(node, dict) else {}


def required_names(schema: Any) -> list[str]:
    """The members that a schema requires; none for `true`, nor for one that says it in another way than by a list."""
    told = schema.get("required") if isinstance(schema, Mapping) else None
    return list(told) if isinstance(told, list | tuple) else []


def folded(document: Document, node: Any) -> Any:
    """A schema with the target of its `$ref` folded under its own keys; anything else as it is."""
    if not isinstance(node, dict) or "$ref" not in node:
        return node
    return {**document.resolve(node), **{key: value for key, value in node.items() if key != "$ref"}}


def parameter_name(name: str, schema: Mapping[str, Any]) -> str:
    """The canonical parameter of a wire name, given its property schema: `image[]` and `image` are one."""
    return str(schema.get("x-parameter", name))


def _faults(data: Any) -> Iterator[tuple[str, str, str]]:
    """(pointer, message, hint) of everything that keeps `data` from being a usable OpenAPI document."""
    fault = version_fault(data)
    if fault:
        yield fault
        return
    yield from ((pointer, message, "") for pointer, message in misshapen(data))
    for pointer, reference in references(data):
        message = _dangling(data, reference)
        if message:
            yield pointer, message[0], message[1]


def version_fault(data: Any) -> tuple[str, str, str] | None:
    """(pointer, message, hint) of why `data` is no document of OpenAPI 3.0 or 3.1, None where it is one."""
    if not isinstance(data, dict):
        hint = "the file must start with `openapi: 3.1.0`"
        return "", "not an OpenAPI document: the top level is not a mapping", hint
    version = data.get("openapi")
    if isinstance(version, str) and OPENAPI_VERSION.match(version):
        return None
    found = f"openapi is {version!r}" if "openapi" in data else "there is no `openapi` key"
    if isinstance(version, int | float):
        return "/openapi", f"openapi is the number {version}, not a text", 'put it in quotes: openapi: "3.1.0"'
    if "swagger" in data:
        found = f"it is Swagger {data['swagger']}"
    return "/openapi" if "openapi" in data else "", f"not OpenAPI 3.0 or 3.1: {found}", "convert it to 3.0 or 3.1"


def _dangling(data: dict[str, Any], reference: str) -> tuple[str, str] | None:
    if not reference.startswith("#"):
        return f"$ref to another file is not read: {reference}", "bundle the document into one file first"
    seen = set()
    while True:
        if reference in seen:
            return f"$ref leads in a circle: {reference}", "let one of the references be a schema"
        seen.add(reference)
        try:
            found = follow(data, target(reference))
        except KeyError:
            return f"$ref leads nowhere: {reference}", "define it, or mend the pointer"
        if not (isinstance(found, dict) and isinstance(found.get("$ref"), str) and found["$ref"].startswith("#")):
            return None
        reference = found["$ref"]


@lru_cache(maxsize=32)
def _operation_table(document: Document) -> dict[str, Operation]:
    return dict(_operations(document))


def _twice(document: Document) -> Iterator[Problem]:
    """Two operations under one id: whoever looks operations up by it would lose one of them."""
    first: dict[str, Operation] = {}
    for name, operation in _operations(document):
        if name in first:
            other = first[name]
            message = f"operationId {name!r} is that of {other.method} {other.path} already"
            yield document.problem(operation.pointer, message, hint="give each operation its own")
        first.setdefault(name, operation)


def _operations(document: Document) -> Iterator[tuple[str, Operation]]:
    for path, item in document.data.get("paths", {}).items():
        pointer = join("paths", path)
        while isinstance(item.get("$ref"), str):
            pointer = target(item["$ref"])
            item = document.at(pointer)
        for method in METHODS:
            if method in item:
                node = item[method]
                name = node.get("operationId") or f"{method.upper()} {path}"
                yield name, Operation(name, method.upper(), path, pointer + join(method), node)
