"""Steps: transformations by name, as rows of dialects.yaml and faults.yaml list them, bound to their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib.resources import files
from typing import Any

import yaml

from imageproof.errors import UsageError
from imageproof_reference.answer_steps import ANSWERS
from imageproof_reference.bodies import Body
from imageproof_reference.request_steps import BODIES, HEADS
from imageproof_reference.speech import Asked, Frame, Room, Said
from imageproof_reference.stream_steps import FRAMES, STREAMS

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # in Python, 230 faults take 0.4 s to read
Row = tuple[str, Mapping[str, Any]]  # name, parameters
Step = Callable[..., Any]
TABLES: Mapping[str, Mapping[str, Step]] = {
    "heads": HEADS,
    "bodies": BODIES,
    "answers": ANSWERS,
    "frames": FRAMES,
    "streams": STREAMS,
}


@dataclass(frozen=True)
class Steps:
    """Transformations that are ready to be applied in order; without any, all stays as it is. Those of `streams` take
    the frames of a whole stream, which is then sent in one piece."""

    heads: tuple[Callable[[Asked, Room], Asked | Said], ...] = ()
    bodies: tuple[Callable[[Body, Room], Body], ...] = ()
    answers: tuple[Callable[[Said, Room], Said], ...] = ()
    frames: tuple[Callable[[Frame, Room], Frame], ...] = ()
    streams: tuple[Callable[[tuple[Frame, ...], Room], tuple[Frame, ...]], ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


def read_table(name: str) -> list[dict[str, Any]]:
    """The rows of a YAML file beside this one."""
    text = files("imageproof_reference").joinpath(name).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = yaml.load(text, Loader=LOADER)
    return rows


def read_steps(rows: Sequence[str | Mapping[str, Mapping[str, Any]]]) -> tuple[Row, ...]:
    """Steps as they are written: each a name, or a name and its parameters."""
    return tuple((row, {}) if isinstance(row, str) else next(iter(row.items())) for row in rows)


def bound(owner: str, rows: Sequence[Row], limit: Callable[[Step], Step] = lambda step: step) -> Steps:
    """The transformations of some rows; `limit` wraps each. UsageError, which names the owner, for a name or a
    parameter that is in no table."""
    for name, _ in rows:
        if not any(name in table for table in TABLES.values()):
            raise UsageError(f"{owner} has a step {name!r} that no table of {__name__} has")
    return Steps(**{kind: tuple(map(limit, _bound(owner, rows, table))) for kind, table in TABLES.items()})


def _bound(owner: str, rows: Sequence[Row], table: Mapping[str, Step]) -> Iterator[Step]:
    for name, parameters in rows:
        if name in table:
            try:
                inspect.signature(table[name]).bind(None, None, **parameters)
            except TypeError as error:
                raise UsageError(f"{owner}, step {name!r}: {error}") from None
            yield partial(table[name], **parameters)
