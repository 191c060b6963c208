"""The model families of a document: what each narrows, returns and costs, read from `x-model-families`."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from imageproof.contract.document import Document, parameter_name, property_schema, request_content
from imageproof.contract.locate import spec_file
from imageproof.contract.pointers import follow, join
from imageproof.errors import DocumentError, UsageError

KEY = "x-model-families"
GRID = "x-size-grid"


@dataclass(frozen=True)
class Grid:
    """Which free WIDTHxHEIGHT sizes are legal: both edges multiples of `multiple_of` pixels and at most `max_edge`,
    the longer at most `max_ratio` times the shorter, and the area between `min_pixels` and `max_pixels`."""

    multiple_of: int
    max_edge: int
    max_ratio: int
    min_pixels: int
    max_pixels: int

    def breach(self, width: int, height: int) -> str:
        """What is wrong with a size, "" when it is legal."""
        if width % self.multiple_of or height % self.multiple_of:
            return f"both edges must be multiples of {self.multiple_of}"
        if max(width, height) > self.max_edge:
            return f"no edge may be longer than {self.max_edge}"
        if max(width, height) > self.max_ratio * min(width, height):
            return f"the longer edge may be at most {self.max_ratio} times the shorter"
        if not self.min_pixels <= width * height <= self.max_pixels:
            return f"the area must be between {self.min_pixels} and {self.max_pixels} pixels"
        return ""


@dataclass(frozen=True)
class Cell:
    """What a family says of one parameter. `schema` is over the non-null values (False forbids the parameter), `file` a
    schema over the facts of a file (see `violations.FileFacts`), `rule` the requirement that a breach violates;
    with `either`, served and refused both keep the contract."""

    schema: Mapping[str, Any] | bool
    rule: str
    either: bool = False
    file: Mapping[str, Any] | None = None
    grid: Grid | None = None


@dataclass(frozen=True)
class CrossRule:
    """A rule that spans parameters: a body for which the schema `when` holds must satisfy `then`. Null members count as
    absent. `id` is the requirement that a breach violates."""

    id: str
    operation: str
    when: Mapping[str, Any]
    then: Mapping[str, Any] | bool
    either: bool = False
    message: str = ""


@dataclass(frozen=True)
class Returns:
    """What a family answers. `carriers` holds "b64_json" and "url", the default first; `echo` the parameters that the
    JSON answer repeats."""

    carriers: tuple[str, ...]
    usage: bool
    revised_prompt: bool
    stream: bool
    echo: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """`state` is "current", "scheduled" (shut down on `until`) or "retired" (on `until`); dates are YYYY-MM-DD."""

    state: str
    released: str
    until: str
    source: str


@dataclass(frozen=True)
class Price:
    """The list price of one picture. `size` and `quality` None stand for any."""

    price: float
    size: str | None
    quality: str | None


@dataclass(frozen=True)
class Prices:
    """List prices: per picture in `rows`, per million tokens in `tokens`; both in `currency`, as of `date`."""

    currency: str
    date: str
    source: str
    rows: tuple[Price, ...]
    tokens: Mapping[str, float]


@dataclass(frozen=True)
class Family:
    """One model family, with what it inherits by `like` already folded in. `cells` is operationId -> parameter -> Cell,
    `defaults` what the family does about a parameter that is omitted."""

    id: str
    models: tuple[str, ...]
    operations: tuple[str, ...]
    cells: Mapping[str, Mapping[str, Cell]]
    rules: tuple[CrossRule, ...]
    defaults: Mapping[str, Any]
    returns: Returns
    status: Status
    prices: Prices | None

    def cell(self, operation: str, parameter: str) -> Cell | None:
        """The cell of a parameter, None where the family says nothing of it."""
        return self.cells.get(operation, {}).get(parameter)


@lru_cache(maxsize=32)
def families(document: Document) -> tuple[Family, ...]:
    """All families, in document order; () for a document without them. Raises DocumentError for rows that break the
    vocabulary, inherit from a family that is not above them, or name operations and parameters that do not exist."""
    rows = document.data.get(KEY, [])
    _check(document, list(_vocabulary_problems(document, rows)))
    _check(document, [problem for index, row in enumerate(rows) for problem in _unusable(row, join(KEY, index))])
    folded: dict[str, dict[str, Any]] = {}
    for index, row in enumerate(rows):
        base = folded.get(row.get("like", ""))
        if "like" in row and base is None:
            _check(document, [(join(KEY, index, "like"), f"no family {row['like']!r} above this one")])
        folded[row["id"]] = _inherit(base, row) if base else row
    found = tuple(_family(document, row) for row in folded.values())
    _check(document, list(_stray_names(document, rows, found)) + list(_twice(rows)))
    return found


def family_of(document: Document, model: str, family: str | None = None) -> Family | None:
    """The family of a model, None for a model that no family names. `family` names one for an alias; UsageError when
    there is no such family."""
    if family is not None:
        found = next((one for one in families(document) if one.id == family), None)
        if found is None:
            known = ", ".join(one.id for one in families(document)) or "none"
            raise UsageError(f"no model family {family!r}; known: {known}")
        return found
    return next((one for one in families(document) if model in one.models), None)


def allowed_values(
    document: Document, operation: str, parameter: str, model: str | None = None, family: str | None = None
) -> tuple[Any, ...]:
    """The values that cells list for a parameter, without repeats, in document order; of all families when neither
    model nor family is named. () where nothing is listed."""
    if model is None and family is None:
        chosen: Iterable[Family | None] = families(document)
    else:
        chosen = [family_of(document, model or "", family)]
    cells = [one.cell(operation, parameter) for one in chosen if one is not None]
    return tuple(dict.fromkeys(value for cell in cells if cell for value in listed(cell.schema)))


def listed(schema: Mapping[str, Any] | bool) -> tuple[Any, ...]:
    """The values that a cell's schema names: `enum`, `const`, and those of its `anyOf` alternatives."""
    if isinstance(schema, bool):
        return ()
    own = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    return (*own, *(value for choice in schema.get("anyOf", ()) for value in listed(choice)))


def _inherit(base: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A row over the row that it is like: cells merge by operation and parameter, rules by id and operation."""
    merged = {**copy.deepcopy(base), **{key: value for key, value in row.items() if key not in ("cells", "rules")}}
    if "prices" not in row:
        merged.pop("prices", None)  # a price is never inherited: another model has another one
    cells = merged.get("cells", {})
    for operation, changed in row.get("cells", {}).items():
        kept = {**cells.get(operation, {}), **changed}
        cells[operation] = {name: cell for name, cell in kept.items() if cell is not None}
    mine = {rule["id"]: rule for rule in row.get("rules", [])}
    merged["cells"] = cells
    merged["rules"] = [rule for rule in merged.get("rules", []) if rule["id"] not in mine] + list(mine.values())
    return merged


def _family(document: Document, row: dict[str, Any]) -> Family:
    operations = tuple(row["operations"])
    cells = {
        operation: {name: _cell(cell) for name, cell in row.get("cells", {}).get(operation, {}).items()}
        for operation in operations
    }
    rules = tuple(
        CrossRule(rule["id"], operation, rule["when"], rule["then"], rule.get("either", False), rule["message"])
        for rule in row.get("rules", [])
        for operation in rule["operations"]
        if operation in operations
    )
    returns, status, prices = row["returns"], row["status"], row.get("prices")
    return Family(
        id=row["id"],
        models=tuple(row["models"]),
        operations=operations,
        cells=cells,
        rules=rules,
        defaults=row.get("defaults", {}),
        returns=Returns(
            tuple(returns["carriers"]),
            returns["usage"],
            returns["revised_prompt"],
            returns["stream"],
            tuple(returns["echo"]),
        ),
        status=Status(status["state"], status.get("released", ""), status.get("until", ""), status["source"]),
        prices=_prices(prices) if prices else None,
    )


def _cell(cell: dict[str, Any]) -> Cell:
    schema = cell["schema"]
    grid = schema.get(GRID) if isinstance(schema, dict) else None
    return Cell(schema, cell["rule"], cell.get("either", False), cell.get("file"), Grid(**grid) if grid else None)


def _prices(prices: dict[str, Any]) -> Prices:
    rows = tuple(Price(row["price"], row.get("size"), row.get("quality")) for row in prices.get("images", []))
    return Prices(prices["currency"], prices["date"], prices["source"], rows, prices.get("tokens", {}))


@lru_cache(maxsize=2)
def _vocabulary(key: str) -> Draft202012Validator:
    schema = json.loads(spec_file("vocabulary.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{key}", "$defs": schema["$defs"]})


def _vocabulary_problems(document: Document, rows: Any) -> Iterator[tuple[str, str]]:
    for error in _vocabulary(KEY).iter_errors(rows):
        yield join(KEY, *error.absolute_path), error.message[:200]


def _unusable(node: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """What the schemas of a row cannot hold: they are read on their own, and a pattern must be one."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        where = pointer + join(key)
        if key == "$ref":
            yield where, "a row stands on its own: write the schema in place of the $ref"
        elif key == GRID:
            yield from (
                (where + join(*one.absolute_path), one.message[:200]) for one in _vocabulary(GRID).iter_errors(value)
            )
        elif key == "pattern" and isinstance(value, str):
            try:
                re.compile(value)
            except re.error as error:
                yield where, f"not a regular expression: {error}"
        else:
            yield from _unusable(value, where)


def _stray_names(document: Document, rows: list[dict[str, Any]], found: Iterable[Family]) -> Iterator[tuple[str, str]]:
    """Operations and parameters that do not exist, each where a row names it; what is only inherited, not again."""
    places = {row["id"]: index for index, row in enumerate(rows)}
    told: set[tuple[str, str]] = set()
    known = {
        operation: {name for media in request_content(document, operation).values() for name in _names(document, media)}
        for operation in document.operations()
    }
    for family in found:
        index = places[family.id]
        for operation in family.operations:
            if operation not in known:
                yield _own(rows, index, "operations"), f"family {family.id}: no operation {operation!r}"
                continue
            for parameter in family.cells[operation]:
                where = _own(rows, index, "cells", operation, parameter)
                again = (operation, parameter) in told and where == join(KEY, index)
                if parameter not in known[operation] and not again:
                    told.add((operation, parameter))
                    yield where, f"family {family.id}: {operation} has no parameter {parameter!r}"


def _own(rows: list[dict[str, Any]], index: int, *tokens: str) -> str:
    """The pointer of what a row says itself; of the row where that is inherited."""
    try:
        follow(rows[index], join(*tokens))
    except KeyError:
        return join(KEY, index)
    return join(KEY, index, *tokens)


def _names(document: Document, media: dict[str, Any]) -> Iterator[str]:
    """Wire names and canonical names of a body's parameters."""
    schema = document.resolve(media.get("schema", {}))
    for name in schema.get("properties", {}) if isinstance(schema, dict) else ():
        yield from {name, parameter_name(name, property_schema(document, schema, name))}


def _twice(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, row in enumerate(rows):
        for name in [f"family {row['id']}", *(f"model {model}" for model in row["models"])]:
            if name in seen:
                yield join(KEY, index), f"{name} stands twice"
            seen.add(name)


def _check(document: Document, problems: list[tuple[str, str]]) -> None:
    if problems:
        raise DocumentError(document.problem(pointer, message) for pointer, message in problems)
