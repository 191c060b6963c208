"""JSON pointers and references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

# Keys whose values are data of the API, not of the document: a "$ref" inside them is no reference.
OPAQUE = frozenset({"example", "examples", "enum", "const", "default"})
# Keys whose values map names to objects: there, `example` or `x-request-id` is a name.
NAMED = frozenset({"properties", "patternProperties", "schemas", "parameters", "headers", "responses"})


def split(pointer: str) -> list[str]:
    """Tokens of a pointer such as `/paths/~1images/post`."""
    if not pointer:
        return []
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.removeprefix("/").split("/")]


def target(reference: str) -> str:
    """The pointer of a local `$ref`: a URL, so the percent-encoding of `#/components/schemas/My%20Model` is undone."""
    return unquote(reference.removeprefix("#"))


def join(*tokens: str | int) -> str:
    """A pointer made of unescaped tokens."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def follow(data: Any, pointer: str) -> Any:
    """The value at a pointer. KeyError where it leads nowhere."""
    for token in split(pointer):
        if isinstance(data, list):
            if not token.isdecimal() or int(token) >= len(data):
                raise KeyError(pointer)
            data = data[int(token)]
        elif isinstance(data, dict) and token in data:
            data = data[token]
        else:
            raise KeyError(pointer)
    return data


def references(data: Any) -> Iterator[tuple[str, str]]:
    """(pointer, reference) of every `$ref` in a document, each container entered once."""
    seen: set[int] = set()
    stack: list[tuple[str, Any, bool]] = [("", data, False)] if isinstance(data, dict | list) else []
    while stack:
        pointer, node, named = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, list):
            stack.extend(
                (f"{pointer}/{index}", item, False) for index, item in enumerate(node) if isinstance(item, dict | list)
            )
            continue
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield pointer, reference
        stack.extend(
            (pointer + join(key), value, not named and key in NAMED)
            for key, value in node.items()
            if isinstance(value, dict | list) and (named or (key not in OPAQUE and not key.startswith("x-")))
        )
