"""Judges of when the previews of a stream arrive: early enough to be of use, or together with the finished picture."""

from __future__ import annotations

from collections.abc import Iterator

from imageproof_conformance.exchange import Chunk, Exchange
from imageproof_conformance.judges.answer import answer
from imageproof_conformance.judges.events import Event
from imageproof_conformance.judges.streams import is_preview
from imageproof_conformance.judges.table import EDIT, GEN, Breach, Context, Said, each, judges

LONG_ENOUGH = 4.0  # seconds: in less, a busy machine makes early and late the same, and people hardly tell them apart
TOGETHER = 0.05  # of the time until the finished picture began to arrive
MOST_TOGETHER = 0.25  # seconds: a queue before the work makes the whole long, and the work itself no shorter
HELD = 0.25  # of that time: what was waited for so long had been made before, or is no preview
EARLY = each("STREAM-EARLY", GEN, EDIT)


@judges(*EARLY)
def early(exchange: Exchange, context: Context) -> Said:
    """A preview of which some piece came after a long silence and together with the finished picture was held back, or
    made of it. One that trickles in over a slow line came as soon as it could."""
    times = _times(exchange, context)
    if times is None or times[1] < LONG_ENOUGH:
        return None
    arrivals, done = times
    share = min(TOGETHER * done, MOST_TOGETHER)
    waited = zip([0.0, *arrivals], arrivals, strict=False)
    if any(done - at <= share and at - before >= HELD * done for before, at in waited):
        message = "no preview arrives before the picture is finished: a proxy that buffers the stream does this"
        got = f"preview after {arrivals[-1]:.1f} s, picture after {done:.1f} s"
        return Breach(message, "a preview while the picture is made", got)
    return True


def unhurried(rule: str, exchange: Exchange, context: Context) -> str:
    """That a stream was over too soon to tell, where the rule is about that; else ""."""
    times = _times(exchange, context) if rule in EARLY else None
    return f"the stream took less than {LONG_ENOUGH:.0f} s" if times is not None and times[1] < LONG_ENOUGH else ""


def _times(exchange: Exchange, context: Context) -> tuple[list[float], float] | None:
    """When the pieces of the first preview came, and when the first piece of the finished picture did, in seconds; None
    where either is not there, or the arrival was not recorded."""
    found = answer(exchange)
    whole = exchange.probe.source == "recorded" and len(exchange.chunks) < 2  # HAR has no times of pieces
    if not found.served or not found.streamed or whole:
        return None
    preview = next((one for one in found.events if is_preview(one, context, exchange.probe.operation)), None)
    done = next((one for one in found.events if one.completed), None)
    if preview is None or done is None:
        return None
    body = exchange.body
    first, end = _span(body, preview, 0)
    start, _ = _span(body, done, end)
    if min(first, start) < 0:
        return None
    return list(_arrivals(exchange.chunks, first, end)), next(_arrivals(exchange.chunks, start, start + 1))


def _span(body: bytes, event: Event, after: int) -> tuple[int, int]:
    """Where the data of an event begins and ends in a body, from a place on; -1 for the beginning when it is not."""
    lines = event.data.encode().split(b"\n")
    start = body.find(lines[0], after)
    end = body.find(lines[-1], start)
    return (start, end + len(lines[-1])) if start >= 0 and end >= 0 else (-1, after)


def _arrivals(chunks: tuple[Chunk, ...], start: int, end: int) -> Iterator[float]:
    """When the chunks came that have a byte from `start` on and before `end`."""
    place = 0
    for chunk in chunks:
        if place < end and place + len(chunk.data) > start:
            yield chunk.at
        place += len(chunk.data)
