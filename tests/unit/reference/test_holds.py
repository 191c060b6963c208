"""The provider under many clients and under malformed requests: short forms of what tests/bench does at length."""

from __future__ import annotations

import asyncio

import pytest
from bench.fuzz import fuzz, works
from bench.load import CALLS, Wrong, check, load
from bench.malformed import KINDS, Case, cases
from bench.server import serving

from imageproof_reference.captions import packet
from imageproof_reference.drawing import Canvas, draw
from imageproof_reference.encoding import encode
from imageproof_reference.scene import scene


def test_no_answer_is_lost_or_mixed_up_among_many_clients() -> None:
    with serving() as server:
        tally = asyncio.run(load(server.url, server.headers, clients=24, seconds=3))
        assert tally.clean, tally
        assert tally.right.keys() == {call.__name__ for call in CALLS}
        assert server.log.read_text() == ""


@pytest.mark.parametrize("fault", ["wrong-size", "n-ignored"])
def test_the_load_sees_answers_that_are_not_right(fault: str) -> None:
    with serving(["--fault", fault]) as server:
        tally = asyncio.run(load(server.url, server.headers, clients=8, seconds=1.5))
    assert tally.wrong and tally.right and not tally.lost and not tally.failed


def test_an_answer_to_another_is_told_from_ones_own() -> None:
    file = encode(draw(scene("a fox", 1), Canvas(64, 48)), "png", 100, packet("a fox", 1))
    check(file, "a fox", 1, "64x48", "png")
    for prompt, index, size, kind in [
        ("an otter", 1, "64x48", "png"),
        ("a fox", 0, "64x48", "png"),
        ("a fox", 1, "48x64", "png"),
        ("a fox", 1, "64x48", "webp"),
    ]:
        with pytest.raises(Wrong):
            check(file, prompt, index, size, kind)


def test_malformed_requests_are_no_failure_of_the_server() -> None:
    with serving() as server:
        found = asyncio.run(fuzz(server.url, cases(seed=2026, count=500)))
        asyncio.run(works(server))
        assert not found.bad
        assert found.statuses["400"] > 200 and found.statuses["200"] > 5
        assert server.log.read_text() == ""


def test_a_failure_of_the_server_is_found() -> None:
    with serving(["--fault", "missing-prompt-500"]) as server:
        found = asyncio.run(fuzz(server.url, [*cases(seed=1, count=50), Case("no prompt", NO_PROMPT)]))
    assert any(one.startswith("no prompt") for one in found.bad)


NO_PROMPT = (
    b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-bench\r\n"
    b"Content-Type: application/json\r\nContent-Length: 23\r\nConnection: close\r\n\r\n"
    b'{"model":"gpt-image-1"}'
)


def test_the_same_seed_gives_the_same_requests() -> None:
    first, again, other = (list(cases(seed, 200)) for seed in (3, 3, 4))
    assert first == again != other
    assert {one.kind for one in first} >= KINDS.keys()
