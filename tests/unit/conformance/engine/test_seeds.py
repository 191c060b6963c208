"""The seeds change nothing: a short form of what tests/bench/seeds.py does at length."""

from __future__ import annotations

from bench.seeds import compare
from bench.server import serving


def test_three_seeds_and_two_hash_seeds_say_the_same() -> None:
    with serving(["--fault", "n0-accepted"]) as server:
        found = list(compare(server.url, seeds=3, hash_seeds=2, model="dall-e-2"))
    assert len(found) == 6
    assert len({tuple(sorted(told.items())) for _, _, told in found}) == 1
