"""All pairs of parameter values of an operation, in as few pictures as will do: the paid calls of tier `full`.

Which values a parameter has stands in the model's cells and in the schemas: the members of an enumeration, both ends
and the middle of a range, of free sizes the cheapest lying, standing and square one, one and two pictures, files.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imageproof.contract.document import Operation, parameter_name, request_content
from imageproof.contract.families import Grid, listed
from imageproof.contract.violations import is_file
from imageproof_conformance.exchange import Probe
from imageproof_conformance.judges.served import sole
from imageproof_conformance.pairs import Pair, Row, covering
from imageproof_conformance.probes import JSON, Body, Target, base, cheapest_quality, probe
from imageproof_conformance.probes_pictures import legal
from imageproof_conformance.probes_refused import mentioned
from imageproof_conformance.probes_served import grid_sizes, sizes
from imageproof_conformance.probes_shown import picture_rules

MOST = 40  # pictures of one operation, with those of the cheaper tiers
WIDE_MOST = 75  # where the model draws gif or svg
COUNT = "n"
COUNTS = (1, 2)

# What a call asks for, as parameter and value (None: any) -> the rule that is to blame when it is refused for that.
_LEADS: Mapping[str, tuple[tuple[str, Any, str], ...]] = {
    "GEN": (("stream", True, "GEN-STREAM-TYPE"), ("output_format", "gif", "GEN-GIF-FRAMES"),
            ("output_format", "svg", "GEN-SVG-ROOT")),
    "EDIT": (("stream", True, "EDIT-STREAM-TYPE"), ("output_format", "gif", "EDIT-GIF-FRAMES"),
             ("output_format", "svg", "EDIT-SVG-ROOT"), ("mask", None, "EDIT-MASK-SERVED"),
             ("image[]", None, "EDIT-IMAGE-LIST"), ("image", None, "EDIT-IMAGE-SINGLE")),
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A value of a parameter, as the members that a body has for it, and how it is called."""

    said: str
    members: Mapping[str, Any]


@dataclass(frozen=True)
class Paired:
    """The calls of an operation, by its operationId, and which pairs of values they hold: how many that go together,
    which cannot, and how many had no room."""

    operation: str
    probes: tuple[Probe, ...]
    possible: int = 0
    impossible: tuple[str, ...] = ()
    left: int = 0


def paired(target: Target, operation: Operation, made: Sequence[Probe]) -> Paired:
    """The calls that `made`, the paid ones of the cheaper tiers, lack. Nothing for a model that is not known."""
    if target.family is None or not target.can(operation.id):
        return Paired(operation.id, ())
    media_type = target.media_types(operation.id)[0]
    found = factors(target, operation, media_type)
    plain = {name: value for name, value in base(target, operation.id, media_type).items() if name != "quality"}

    def body(row: Row) -> dict[str, Any]:
        return _body(plain, [found[name][value] for name, value in row.items()])

    counts = {name: len(values) for name, values in found.items()}
    array = covering(
        counts,
        _Rules(target, operation, media_type, body).lacking,
        [_row(found, one.asked) for one in made if _alike(one, media_type)],
        COUNT,
    )
    room = most(target, operation) - sum(one.legal_images for one in made)
    probes: list[Probe] = []
    for number, row in enumerate(array.rows, 1):
        one = made_of(
            target, operation, media_type, _cheap(target, operation, media_type, body(row)), f"pairs-{number}"
        )
        if one.images <= room and all(one.asked != other.asked for other in probes):
            probes.append(one)
            room -= one.images
    held = {pair for one in (*made, *probes) if _alike(one, media_type) for pair in _pairs(_row(found, one.asked))}
    lost = sum(pair not in held for pair in array.possible)
    impossible = tuple(_said(found, one) for one in array.impossible)
    return Paired(operation.id, tuple(probes), len(array.possible) - lost, impossible, lost)


def most(target: Target, operation: Operation) -> int:
    """Pictures that an operation may cost in all tiers."""
    cell = target.cell(operation.id, "output_format")
    wide = {"gif", "svg"} & set(listed(cell.schema) if cell is not None else ())
    return WIDE_MOST if wide else MOST


class _Rules:
    """Asks what a row lacks. A rule spans few parameters, so of most rows it was asked before."""

    def __init__(
        self, target: Target, operation: Operation, media_type: str, body: Callable[[Row], dict[str, Any]]
    ) -> None:
        self._target, self._operation, self._media_type, self._body = target, operation, media_type, body
        rules = [one for one in (target.family.rules if target.family else ()) if one.operation == operation.id]
        self._rules = [(one, {name.partition("[")[0] for name in mentioned(one)}) for one in rules]
        self._known: dict[tuple[int, tuple[tuple[str, int], ...]], tuple[str, ...] | None] = {}

    def lacking(self, row: Row) -> tuple[str, ...] | None:
        """None for a legal row; else what the broken rules ask for and the row leaves out: () where one asks for
        another value of what is there."""
        asked = [self._of(place, row) for place in range(len(self._rules))]
        found = [names for names in asked if names is not None]
        if not found:
            return None
        return tuple(dict.fromkeys(itertools.chain(*found))) if all(found) else ()

    def _of(self, place: int, row: Row) -> tuple[str, ...] | None:
        """The same of one rule."""
        rule, span = self._rules[place]
        told = place, tuple((name, value) for name, value in row.items() if name in span)
        if told not in self._known:
            body = self._body(dict(told[1]))
            found = self._target.breaches(self._operation.id, self._media_type, body)
            broken = any(one.rule == rule.id for one in found)
            self._known[told] = _absent(rule.then, body) if broken else None
        return self._known[told]


def _absent(then: Any, body: Body) -> tuple[str, ...]:
    """What a rule requires that a body leaves out."""
    return tuple(name for name in then.get("required", ()) if name not in body) if isinstance(then, Mapping) else ()


def factors(target: Target, operation: Operation, media_type: str) -> dict[str, tuple[Value, ...]]:
    """The values of each parameter that the model has, by its name."""
    found: dict[str, list[Value]] = {}
    for name in target.schema(operation.id, media_type)["properties"]:
        prop = target.property(operation.id, media_type, name)
        parameter = parameter_name(name, prop)
        if name not in ("model", "prompt") and not foreign(target, operation, name, parameter):
            found.setdefault(parameter, []).extend(_values(target, operation, name, parameter, prop))
    own: dict[str, tuple[Value, ...]] = {}
    plain = base(target, operation.id, media_type)
    for name, values in found.items():
        kept = tuple(one for one in values if _possible(target, operation, media_type, plain, one))
        if kept and (len(kept) > 1 or name not in plain):
            own[name] = kept
    # A parameter with many values first: the others find their place beside it.
    return dict(sorted(own.items(), key=lambda item: -len(item[1])))


def foreign(target: Target, operation: Operation, name: str, parameter: str) -> bool:
    """Whether the model lacks a parameter, or may."""
    cells = [target.cell(operation.id, one) for one in (name, parameter)]
    return any(cell is not None and (cell.schema is False or cell.either) for cell in cells)


def _values(
    target: Target, operation: Operation, name: str, parameter: str, prop: Mapping[str, Any]
) -> Iterator[Value]:
    cell = target.cell(operation.id, name) or target.cell(operation.id, parameter)
    schema = cell.schema if cell is not None and isinstance(cell.schema, dict) else {}
    kinds = prop.get("type", ())
    if parameter == "svg":
        yield from _drawing(target, operation, name)
    elif name == COUNT:
        yield from (Value(f"{name}={one}", {name: one}) for one in COUNTS)
    elif is_file(prop):
        yield Value(name, {name: legal()[1] if name != parameter or name == "mask" else legal()[0]})
    elif "array" in kinds:
        yield Value(name, {name: list(legal()[: min(2, schema.get("maxItems", 2))])})
    elif cell is not None and cell.grid is not None:
        yield from (Value(f"{name}={one}", {name: one}) for one in _free_sizes(target, operation, cell.grid))
    elif chosen := listed(schema) or listed(prop):
        yield from (Value(f"{name}={_word(one)}", {name: one}) for one in dict.fromkeys(chosen) if one is not None)
    elif "boolean" in kinds:
        yield from (Value(f"{name}={_word(one)}", {name: one}) for one in (False, True))
    elif "integer" in kinds:
        default = target.family.defaults.get(name) if target.family else None
        yield from (Value(f"{name}={one}", {name: one}) for one in _points({**prop, **schema}, default))


def _points(schema: Mapping[str, Any], default: Any) -> list[int]:
    """Both ends of a range and its middle; of one that is open, its end and the default."""
    low, high = schema.get("minimum"), schema.get("maximum")
    middle = (low + high) // 2 if low is not None and high is not None else default
    return sorted({one for one in (low, middle, high) if isinstance(one, int)})


def _free_sizes(target: Target, operation: Operation, grid: Grid) -> list[str]:
    """The cheapest lying, standing and square size of a grid, by their pixels."""
    step = grid.multiple_of
    squares = (side for side in range(step, grid.max_edge + 1, step) if not grid.breach(side, side))
    square = next(squares, 0)
    pairs = sorted(grid_sizes(grid), key=lambda one: one[0] / one[1])
    return [f"{width}x{height}" for width, height in (*pairs[:1], *pairs[-1:], *([(square, square)] if square else []))]


def _drawing(target: Target, operation: Operation, name: str) -> Iterator[Value]:
    """What is said of a drawing: the model that writes it, alone and with the least effort; from the examples of the
    document, since the model is a free text. In a form the parts of one parameter come together."""
    media = request_content(target.document, "createImage").get(JSON, {})
    shown = [one.get("value", {}).get("svg") for one in media.get("examples", {}).values()]
    model = next((one["model"] for one in shown if isinstance(one, dict) and "model" in one), None)
    efforts = target.property("createImageEdit", "multipart/form-data", "svg[reasoning][effort]").get("enum", ())
    if model is None or name not in ("svg", "svg[model]"):
        return
    form = name == "svg[model]"
    yield Value("svg with a model", {name: model} if form else {name: {"model": model}})
    for effort in efforts[:1]:
        members = (
            {name: model, "svg[reasoning][effort]": effort}
            if form
            else {name: {"model": model, "reasoning": {"effort": effort}}}
        )
        yield Value(f"svg with effort {effort}", members)


def _possible(target: Target, operation: Operation, media_type: str, plain: Body, value: Value) -> bool:
    """Whether the model takes a value at all: what breaks a rule breaks one that spans parameters."""
    rules = {one.id for one in (target.family.rules if target.family else ()) if one.operation == operation.id}
    breaches = target.breaches(operation.id, media_type, _body(plain, [value]))
    return all(one.rule in rules for one in breaches)


def _body(plain: Body, values: Sequence[Value]) -> dict[str, Any]:
    """A body with some values; a list of pictures takes the place of a single one."""
    body = {**plain, **{name: one for value in values for name, one in value.members.items()}}
    return {name: one for name, one in body.items() if not (name == "image" and "image[]" in body)}


def _cheap(target: Target, operation: Operation, media_type: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body with the cheapest of what a row leaves free."""
    quality = cheapest_quality(target, operation.id)
    small = sorted(sizes(target, operation.id), key=lambda one: (one[0] * one[1], one))
    for name, value in (("quality", quality), ("size", "{}x{}".format(*small[0]) if small else None)):
        tried = {**body, name: value}
        if value is not None and name not in body and not target.breaches(operation.id, media_type, tried):
            body = tried
    return body


def made_of(target: Target, operation: Operation, media_type: str, body: dict[str, Any], label: str) -> Probe:
    """The paid call of a legal body."""
    prefix = target.prefix(operation.id)
    leads = [
        rule
        for name, value, rule in _LEADS.get(prefix, ())
        if name in body and (value is None or body[name] is value or body[name] == value)
    ]
    plain = [] if any(sole(one) for one in leads) else [f"{prefix}-SERVED"]
    rules = (*leads, *plain, *picture_rules(target, operation.id, body))
    return probe(target, operation, media_type, body, label, "served", rules, "full", body.get(COUNT) or 1)


def _alike(made: Probe, media_type: str) -> bool:
    """Whether a call of a cheaper tier is written in the media type of the pairs."""
    return made.expect == "served" and (made.request.json is not None) == (media_type == JSON)


def _row(found: Mapping[str, Sequence[Value]], asked: Mapping[str, Any]) -> dict[str, int]:
    """The values that a call holds. What it leaves out it does not hold, whatever the default is."""
    row: dict[str, int] = {}
    for name, values in found.items():
        for place, value in enumerate(values):
            if all(asked.get(member) == _facts(one) and member in asked for member, one in value.members.items()):
                row[name] = place  # the last one that fits says most
    return row


def _facts(value: Any) -> Any:
    if isinstance(value, list):
        return [_facts(one) for one in value]
    return getattr(value, "facts", value)


def _pairs(row: Row) -> Iterator[Pair]:
    for one, first in row.items():
        yield from ((one, first, other, second) for other, second in row.items() if other != one)


def _said(found: Mapping[str, Sequence[Value]], pair: Pair) -> str:
    return f"{found[pair[0]][pair[1]].said} with {found[pair[2]][pair[3]].said}"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
