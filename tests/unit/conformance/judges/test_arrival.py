"""When previews arrive: what is told as held back, and what is a slow line, a queue or a fast server."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imageproof_conformance.exchange import Chunk
from imageproof_conformance.judges import lacking

RULE = "GEN-STREAM-EARLY"

# name -> (when each quarter of the preview came, when the picture began to come), seconds; what is said
ARRIVALS: dict[str, tuple[tuple[float, ...], float, str | None]] = {
    "in the middle": ((2.0, 2.0, 2.0, 2.1), 5.0, "pass"),
    "shortly before the end": ((18.2, 18.2, 18.2, 18.3), 20.0, "pass"),
    "over a slow line that never rests": ((1.2, 2.4, 3.6, 4.8), 4.8, "pass"),
    "after a long queue": ((30.0, 30.0, 30.0, 30.1), 31.0, "pass"),
    "all at the end": ((4.5, 4.5, 4.5, 4.5), 4.5, "fail"),
    "all at the end, over a line that takes a little": ((5.0, 5.05, 5.1, 5.15), 5.2, "fail"),
    "its last piece at the end": ((1.0, 1.0, 1.0, 8.0), 8.0, "fail"),
    "all at the end of a short call": ((1.4, 1.4, 1.4, 1.4), 1.4, None),
}


def arrived(bench: SimpleNamespace, quarters: tuple[float, ...], done: float) -> tuple[Any, Any]:
    """A stream whose pieces came at these times; with it what a judge knows of it."""
    probe = next(bench.passing(RULE))
    preview, rest = [chunk.data for chunk in bench.good(probe).exchange().chunks]
    edge = len(preview) // 4
    pieces = [preview[:edge], preview[edge : 2 * edge], preview[2 * edge : 3 * edge], preview[3 * edge :], rest]
    chunks = tuple(Chunk(at, data) for at, data in zip((*quarters, done), pieces, strict=True))
    return replace(bench.good(probe).exchange(), chunks=chunks, seconds=done), bench.context(probe)


@pytest.mark.parametrize("name", ARRIVALS)
def test_a_preview_that_was_held_back_is_told_from_a_slow_one(name: str, bench: SimpleNamespace) -> None:
    quarters, done, wanted = ARRIVALS[name]
    exchange, context = arrived(bench, quarters, done)
    found = bench.judge(RULE, exchange, context)
    assert (found.outcome if found else None) == wanted
    assert bool(lacking(RULE, exchange, context)) == (wanted is None)


def test_an_archive_without_times_says_nothing(bench: SimpleNamespace) -> None:
    exchange, context = arrived(bench, (5.0, 5.0, 5.0, 5.0), 5.0)
    whole = replace(exchange, chunks=(Chunk(5.0, exchange.body),), probe=replace(exchange.probe, source="recorded"))
    assert bench.judge(RULE, exchange, context).outcome == "fail"
    assert bench.judge(RULE, replace(whole, probe=exchange.probe), context).outcome == "fail"
    assert bench.judge(RULE, whole, context) is None
