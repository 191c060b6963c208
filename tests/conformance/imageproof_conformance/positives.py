"""Legal requests that Hypothesis makes up: values from within ranges and lists, more of them at once than pairs need.

The same model gets the same requests in every process: they are derandomised, and nothing is kept between runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageproof.contract.document import Operation, parameter_name
from imageproof.contract.families import Grid, listed
from imageproof.contract.violations import is_file
from imageproof_conformance.exchange import Probe
from imageproof_conformance.probes import PROMPT, Body, Target, base
from imageproof_conformance.probes_pairs import COUNT, COUNTS, foreign, made_of
from imageproof_conformance.properties import quietly

TRIES = 40  # bodies that are drawn for the few that are sent
MOST = 4  # such requests of an operation


def positives(target: Target, operation: Operation, room: int) -> Iterator[Probe]:
    """Up to four requests of an operation that the contract allows, of no more than `room` pictures together. None for
    a model that is not known."""
    if target.family is None or not target.can(operation.id) or room < 1:
        return
    media_type = target.media_types(operation.id)[0]
    sent: list[dict[str, Any]] = []
    for drawn in _drawn(target, operation, media_type):
        body = _legal(target, operation, media_type, drawn)
        count = body.get(COUNT) or 1
        if len(sent) < MOST and count <= room and body not in sent:
            sent.append(body)
            room -= count
            yield made_of(target, operation, media_type, body, f"made-up-{len(sent)}")


def _drawn(target: Target, operation: Operation, media_type: str) -> list[dict[str, Any]]:
    """Members of bodies as Hypothesis draws them, those with most members first."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    values = {name: _values(target, operation, name) for name in _names(target, operation, media_type)}
    chosen = {name: one for name, one in values.items() if one is not None}
    found: dict[str, dict[str, Any]] = {}

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=TRIES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.fixed_dictionaries({}, optional=chosen))
    def draw(members: dict[str, Any]) -> None:
        found.setdefault(repr(members), members)

    with quietly():
        draw()
    return sorted(found.values(), key=lambda members: -len(members))


def _names(target: Target, operation: Operation, media_type: str) -> list[str]:
    found = target.schema(operation.id, media_type)["properties"]
    props = {name: target.property(operation.id, media_type, name) for name in found}
    return [
        name
        for name, prop in props.items()
        if name != "model" and not is_file(prop) and not foreign(target, operation, name, parameter_name(name, prop))
    ]


def _values(target: Target, operation: Operation, name: str) -> Any:
    """A strategy for the values of a parameter; None for what has no simple ones."""
    from hypothesis import strategies as st

    prop = target.property(operation.id, target.media_types(operation.id)[0], name)
    cell = target.cell(operation.id, name)
    schema = cell.schema if cell is not None and isinstance(cell.schema, dict) else {}
    kinds, words = prop.get("type", ()), PROMPT.replace(",", "").split()
    if name == COUNT:
        return st.sampled_from(COUNTS)
    if name == "prompt":
        return st.lists(st.sampled_from(words), min_size=1, max_size=12).map(" ".join)
    if cell is not None and cell.grid is not None:
        return _sizes(cell.grid)
    if values := [one for one in listed(schema) or listed(prop) if one is not None]:
        return st.sampled_from(values)
    if "boolean" in kinds:
        return st.booleans()
    if "integer" in kinds:
        return st.integers(*_range({**prop, **schema}))
    return st.sampled_from(words) if name in ("user", "safety_identifier") else None


def _range(schema: Mapping[str, Any]) -> tuple[int, int]:
    low = int(schema.get("minimum", 0))
    return low, int(schema.get("maximum", low + 1000))


def _sizes(grid: Grid) -> Any:
    """Legal sizes of no more than twice the fewest pixels: larger ones show no more, and cost more."""
    from hypothesis import strategies as st

    step = grid.multiple_of
    edges = st.integers(1, grid.max_edge // step).map(lambda one: one * step)
    least = 2 * grid.min_pixels
    fits = st.tuples(edges, edges).filter(lambda one: one[0] * one[1] <= least and not grid.breach(*one))
    return fits.map(lambda one: f"{one[0]}x{one[1]}")


def _legal(target: Target, operation: Operation, media_type: str, members: Body) -> dict[str, Any]:
    """The plain body with as many of the members as go together, each kept where those before it allow it."""
    body = base(target, operation.id, media_type)
    for _ in range(2):  # what one needs may come after it
        for name, value in members.items():
            tried = {**body, name: value}
            if not target.breaches(operation.id, media_type, tried):
                body = tried
    return body
