"""JSON Schema in words: what a parameter takes, what a model family narrows, what a file must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from imageproof.contract.families import GRID, Cell, Grid
from imageproof.contract.violations import is_file
from imageproof.emit.targets.docs.text import NOTHING, Inline, code, codes, joined, mark, shown, text

MIB = 2**20
EITHER = mark("either", "warn")
NOT_A_PARAMETER = "not a parameter"
# Keywords that tell a reader nothing beyond what other columns say.
SILENT = {"type", "description", "title", "format", "contentMediaType", "contentEncoding", "default", "deprecated"}
# least, most, more than, less than, and what is counted
BOUNDS = (
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", ""),
    ("minLength", "maxLength", "", "", "character"),
    ("minItems", "maxItems", "", "", "item"),
    ("minProperties", "maxProperties", "", "", "member"),
)
GRID_KEYS = {field.name for field in fields(Grid)}
ALTERNATIVES = re.compile(r"\^\((.*)\)\$")
WORD = re.compile(r"[\w-]+")
FLAGS = {
    "alpha": ("with an alpha channel", "without an alpha channel"),
    "transparent": ("with transparent pixels", "without transparent pixels"),
    "square": ("square", "not square"),
    "same_size": ("as large as the first image", "not as large as the first image"),
    "masked": ("with a mask", "without a mask"),
}


def family_cell(cell: Cell | None) -> Inline:
    """What a family says of a parameter; nothing where it says nothing."""
    if cell is None:
        return NOTHING
    if cell.schema is False:
        said = text(NOT_A_PARAMETER)
    else:
        parts = [*limits(cell.schema), *([joined(_file(cell.file))] if cell.file else [])]
        said = joined((one for one in parts if one), "; ")
    return joined([said, EITHER], " ") if cell.either else said


def types(schema: Mapping[str, Any]) -> str:
    """The JSON types of a schema; "file" for raw bytes."""
    if is_file(schema):
        return "file"
    told = schema.get("type", "any type")
    names = list(map(str, told)) if isinstance(told, list) else [str(told)]
    items = schema.get("items")
    if "array" in names and isinstance(items, dict) and is_file(items):
        names[names.index("array")] = "list of files"
    return " or ".join(names)


def limits(schema: Mapping[str, Any] | bool) -> Iterator[Inline]:
    """The constraints of a schema, each in a few words; those that have no words here as JSON."""
    if isinstance(schema, bool):
        return
    told = set(SILENT)
    if "const" in schema:
        told.add("const")
        yield joined([text("only"), code(shown(schema["const"]))], " ")
    elif "enum" in schema:
        yield codes(value for value in schema["enum"] if value is not None)
    grid = schema.get(GRID)
    if isinstance(grid, dict) and grid.keys() == GRID_KEYS:
        told |= {GRID, "pattern"}
        yield joined([*map(code, _words(schema.get("pattern", ""))), _grid(grid)])
    elif "pattern" in schema:
        yield joined([text("text that matches"), code(schema["pattern"])], " ")
    for *keywords, unit in BOUNDS:
        bounds = [schema.get(keyword) if keyword else None for keyword in keywords]
        told.update(keywords)
        if any(one is not None for one in bounds):
            yield text(_range(bounds, unit))
    if "anyOf" in schema:
        yield joined(map(_choice, schema["anyOf"]), " or ")
    rest = {key: value for key, value in schema.items() if key not in told | {"enum", "pattern", "anyOf"}}
    rest = {key: value for key, value in rest.items() if key == GRID or not key.startswith("x-")}
    if rest:
        yield code(shown(rest))


def _choice(schema: Mapping[str, Any] | bool) -> Inline:
    """One alternative, its type told where it has one."""
    if isinstance(schema, bool):
        return text("anything" if schema else "nothing")
    return joined([text(types(schema)) if "type" in schema else NOTHING, *limits(schema)], " ") or text("anything")


def _range(bounds: list[Any], unit: str, write: Callable[[Any], str] = str) -> str:
    least, most, more, less = bounds
    if least is not None and most is not None:
        said = write(most) if least == most else f"{write(least)} to {write(most)}"
    else:
        kinds = (("at least", least), ("at most", most), ("more than", more), ("less than", less))
        said = ", ".join(f"{word} {write(value)}" for word, value in kinds if value is not None)
    last = most if most is not None else least
    return f"{said} {unit}{'' if last == 1 else 's'}" if unit else said


def _words(pattern: str) -> list[str]:
    """The plain words among the alternatives of a pattern such as `^(auto|[0-9]+)$`."""
    found = ALTERNATIVES.fullmatch(pattern)
    return [one for one in found[1].split("|") if WORD.fullmatch(one)] if found else []


def _grid(grid: Mapping[str, int]) -> Inline:
    return joined(
        [
            code("WIDTHxHEIGHT"),
            text(
                f"of edges in multiples of {grid['multiple_of']}, at most {grid['max_edge']} each and at most "
                f"{grid['max_ratio']}:1, with {grid['min_pixels']} to {grid['max_pixels']} pixels in all"
            ),
        ],
        " ",
    )


def _file(schema: Mapping[str, Any]) -> Iterator[Inline]:
    """What a file must be, from a schema over its facts."""
    properties = schema.get("properties", {})
    for name, asked in properties.items():
        yield _fact(name, asked if isinstance(asked, dict) else {})
    if "if" in schema and "then" in schema:
        condition, then = (joined(_file(schema[key])) for key in ("if", "then"))
        yield joined([condition, then], ": ")
    rest = {key: value for key, value in schema.items() if key not in ("properties", "if", "then", "required")}
    if rest:
        yield code(shown(rest))


def _fact(name: str, asked: Mapping[str, Any]) -> Inline:
    if name in FLAGS and isinstance(asked.get("const"), bool):
        return text(FLAGS[name][not asked["const"]])
    if name == "format":
        return text(" or ".join(map(str, asked.get("enum", [asked.get("const", "any format")]))))
    keywords = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    bounds = [asked.get(keyword) for keyword in keywords]
    if set(asked) <= set(keywords) and any(one is not None for one in bounds):
        return text(_range(bounds, "", _size) if name == "bytes" else f"{name} {_range(bounds, '')}")
    return code(shown({name: asked}))


def _size(count: int) -> str:
    return f"{count // MIB} MiB" if count % MIB == 0 else f"{count} bytes"
