"""YAML and JSON read as OpenAPI means them: values, and the lines that they stand in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from imageproof.contract.pointers import split
from imageproof.errors import DocumentError, Problem

MAX_DEPTH = 200  # levels; the deepest published documents have fewer than 40
TOO_DEEP = f"more than {MAX_DEPTH} levels deep"


def read_text(path: Path | str, most: int | None = None) -> str:
    """The text of a file. DocumentError when it is missing, a folder, unreadable, not UTF-8, or has more than `most`
    bytes."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(-1 if most is None else most + 1)
        if most is not None and len(data) > most:
            raise DocumentError([Problem(str(path), f"larger than {most // 1024} KB")])
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError([Problem(str(path), f"not UTF-8 text: byte {error.start} cannot be read")]) from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise DocumentError([Problem(str(path), f"cannot be read: {reason}", hint=_no_file(str(path)))]) from None


def _no_file(path: str) -> str:
    """What to do about a path that is no readable file."""
    if "://" in path:
        return f"a URL is not fetched; type: curl -fLo api.yaml {path}"
    return "standard input is not read; write it to a file, and name that" if path == "-" else "check the path"


def read_yaml(text: str, source: str) -> tuple[Any, yaml.Node | None]:
    """JSON values of a YAML or JSON text, and the tree that knows the lines: None where all stands in one line, as
    servers print it. DocumentError where it is neither."""
    if text.startswith("{") and "\n" not in text.rstrip():
        data = _as_json(text)
        if data is not None:
            return data, None
    loader = _Loader(text)
    try:
        tree = loader.get_single_node()
        _refuse_cycles(tree)
        data = loader.construct_document(tree) if tree is not None else None
    except yaml.YAMLError as error:
        json_data = _as_json(text)  # YAML 1.1 refuses some JSON, such as JSON indented by tabs
        if json_data is not None:
            return json_data, None
        raise DocumentError([_yaml_problem(error, source)]) from None
    except (RecursionError, ValueError) as error:
        raise DocumentError([Problem(source, f"not usable YAML: {str(error) or 'nested too deeply'}")]) from None
    finally:
        loader.dispose()
    return data, tree


def line_of(tree: yaml.Node | None, pointer: str) -> int | None:
    """The line (from 1) of the value at a pointer of a YAML tree, or of its nearest parent that has one."""
    if tree is None:
        return None
    line = tree.start_mark.line
    for token in split(pointer):
        step = _step(tree, token)
        if step is None:
            break
        line, tree = step
    return int(line) + 1


def _step(tree: yaml.Node, token: str) -> tuple[int, yaml.Node] | None:
    """The line of one key or item of a YAML node, and the node behind it."""
    if isinstance(tree, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in tree.value if key.value == token), None)
    if isinstance(tree, yaml.SequenceNode) and token.isdecimal() and int(token) < len(tree.value):
        item = tree.value[int(token)]
        return item.start_mark.line, item
    return None


def _as_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. A key that stands twice is refused, as in YAML: one of the two would be lost."""
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a key stands twice")
    return told


def _yaml_problem(error: yaml.YAMLError, source: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    message = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "nesting depth" in message:  # the YAML library's own limit, which lies above ours
        message = TOO_DEEP
    return Problem(source, f"not YAML: {message}", line=mark.line + 1 if mark else None)


def _refuse_cycles(tree: yaml.Node | None) -> None:
    """An alias inside its own anchor has no JSON value, and what reads values later goes as deep as they do. Each node
    is entered once, so alias bombs stay cheap."""
    open_nodes: set[int] = set()
    done: set[int] = set()

    def enter(node: yaml.Node) -> None:
        if id(node) in done:
            return
        if id(node) in open_nodes:
            raise yaml.MarkedYAMLError(problem="an alias refers to itself", problem_mark=node.start_mark)
        if len(open_nodes) == MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=node.start_mark)
        open_nodes.add(id(node))
        for child in _children(node):
            if len(open_nodes) == MAX_DEPTH or not isinstance(child, yaml.ScalarNode):
                enter(child)
        open_nodes.discard(id(node))
        done.add(id(node))

    if tree is not None:
        enter(tree)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        names = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be text", problem_mark=key.start_mark)
            if key.value in names:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            names.add(key.value)
            yield value


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]  # chosen at run time
    """YAML as OpenAPI means it: every key is text, dates stay text, and only true and false are booleans."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        self.flatten_mapping(node)
        return {str(key.value): self.construct_object(value, deep=deep) for key, value in node.value}


_TEXT_TAGS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _TEXT_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
