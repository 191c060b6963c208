"""Judges are functions of what a stranger sent: they never raise, and the decoders are bounded."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imageproof_conformance.exchange import Finding
from imageproof_conformance.judges.answer import lenient, plain
from imageproof_conformance.judges.events import events
from imageproof_conformance.judges.picture import MAX_PIXELS, look

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("data:,") | st.just("=")
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


def spoiled(value: Any, choose: Any) -> Any:
    """A JSON value with one member somewhere replaced, dropped or doubled."""
    if isinstance(value, dict) and value and choose(st.integers(0, 3)):
        name = choose(st.sampled_from(sorted(value)))
        return {**value, name: spoiled(value[name], choose)}
    if isinstance(value, list) and value and choose(st.integers(0, 3)):
        return [spoiled(value[0], choose), *value[1:], *value[: choose(st.integers(0, 1))]]
    return choose(VALUES)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_no_body_makes_a_judge_raise(bench: SimpleNamespace, data: st.DataObject) -> None:
    probe = data.draw(st.sampled_from([one for one in bench.probes() if one.expect != "refused" or "=" not in one.id]))
    draft = bench.good(probe)
    if draft.events is not None:
        place = data.draw(st.integers(0, len(draft.events) - 1))
        name, event = draft.events[place]
        draft.events[place] = (name, spoiled(event, data.draw))
    else:
        draft.json = spoiled(draft.json, data.draw)
    draft.status = data.draw(st.sampled_from([draft.status, 200, 202, 307, 400, 404, 500]))
    if data.draw(st.booleans()):
        draft.raw = draft.body()[: data.draw(st.integers(0, 40))] + data.draw(st.binary(max_size=20))
    exchange = draft.exchange()
    for rule in probe.rules:
        assert silent_or_named(bench.judge(rule, exchange, bench.context(probe)), rule)


def silent_or_named(finding: Finding | None, rule: str) -> bool:
    """What a judge may answer: nothing, or a finding on the rule that it was asked about."""
    return finding is None or (finding.rule == rule and finding.outcome in ("pass", "fail"))


@pytest.mark.parametrize(
    "raw", [b"", b"[" * 100_000, b"null", b"\xff\xfe", b'{"data": [[[]]]}', b"data: {\n\n", b"NaN"]
)
@pytest.mark.parametrize("media_type", ["application/json", "text/event-stream", ""])
def test_no_bytes_make_a_judge_raise(bench: SimpleNamespace, raw: bytes, media_type: str) -> None:
    for probe in bench.probes():
        if probe.images:
            draft = bench.good(probe)
            draft.raw, draft.headers["content-type"] = raw, media_type
            exchange = draft.exchange()
            for rule in probe.rules:
                assert silent_or_named(bench.judge(rule, exchange, bench.context(probe)), rule)


def test_a_picture_that_unpacks_into_all_memory_is_not_decoded() -> None:
    edge = 60_000
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 999)),
        (b"IEND", b""),
    ]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    assert edge * edge > MAX_PIXELS
    assert look(bomb).problem


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"<svg", b"x" * 99]
)
def test_what_is_no_picture_has_a_problem_or_no_pixels(data: bytes) -> None:
    found = look(data)
    assert found.problem or not found.width


def test_base64_is_read_with_indulgence_and_judged_without() -> None:
    text = base64.b64encode(b"\xfb\xef picture!").decode()
    for sloppy in (
        f"data:image/png;base64,{text}",
        text.rstrip("="),
        text.replace("+", "-").replace("/", "_"),
        text[:4] + "\n" + text[4:],
    ):
        assert lenient(sloppy) == b"\xfb\xef picture!"
        assert not plain(sloppy)
    assert plain(text) and lenient("###") is None and not plain("")


def test_streams_are_read_as_the_standard_says() -> None:
    one, two = json.dumps({"type": "a"}), json.dumps({"type": "b"}, indent=1)
    text = f"\ufeff: hello\r\nevent: a\r\ndata: {one}\r\n\r\nid: 7\n" + "".join(
        f"data:{line}\n" for line in two.split("\n")
    )
    found = events((text + "\ndata: [DONE]\n\ndata: {").encode())
    assert [(event.name, event.type) for event in found] == [("a", "a"), (None, "b"), (None, "")]
