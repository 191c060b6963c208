"""The cap holds whatever the target does and however many workers there are."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace

import pytest

from imageproof_conformance.budget import NEVER_SENT, Budget, pictures
from imageproof_conformance.exchange import Chunk, Exchange, Probe, Request
from imageproof_conformance.money import NOTHING, Cost


def exchange(
    status: int | None, body: bytes = b"", worst: int = 2, failure: str = "", kind: str = "application/json"
) -> Exchange:
    probe = Probe("p", "createImage", "m", Request("POST", "/images/generations"), "served", (), worst=worst)
    chunks = (Chunk(0.0, body),) if body else ()
    return Exchange(probe, "", (), b"", status, (("Content-Type", kind),), chunks, failure=failure)


@pytest.mark.parametrize(
    ("found", "cost"),
    [
        (exchange(200, b'{"data": [{}, {}]}'), 2),
        (exchange(200, b'{"data": [{}]}'), 1),
        (exchange(200, b'{"data": [{}, {}, {}]}'), 3),
        (exchange(200, b"<html>"), 2),
        (exchange(200, b"[" * 100_000), 2),
        (exchange(200, b'{"data": [{', failure="the answer was cut"), 2),
        (exchange(200, b'data: {"type": "image_generation.completed"}\n\n', kind="text/event-stream"), 1),
        (exchange(400), 0),
        (exchange(429), 0),
        (exchange(500), 2),
        (replace(exchange(500), probe=replace(exchange(500).probe, expect="refused")), 0),
        (exchange(504), 2),
        (exchange(None, failure="no answer within 3 s"), 2),
        (exchange(None, failure=f"{NEVER_SENT}: refused"), 0),
        (exchange(200, b"{}", worst=0), 0),
    ],
)
def test_what_a_call_cost(found: Exchange, cost: int) -> None:
    assert pictures(found) == cost


@pytest.mark.parametrize("seed", range(20))
def test_many_workers_never_pass_the_cap(seed: int) -> None:
    budget, chance, lock = Budget(cap=25), random.Random(seed), threading.Lock()
    made = most = 0

    def work(jobs: list[tuple[int, int, float]]) -> None:
        nonlocal made, most
        for worst, actual, pause in jobs:
            if budget.refusal(Cost(worst)):
                continue
            with lock:
                made += actual
                most = max(most, made)
            time.sleep(pause)
            budget.settle(Cost(worst), Cost(actual))

    def jobs() -> list[tuple[int, int, float]]:
        worsts = [chance.choice([0, 1, 1, 2, 11]) for _ in range(20)]
        return [(worst, chance.randint(0, worst), chance.random() / 2000) for worst in worsts]

    threads = [threading.Thread(target=work, args=(jobs(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most <= 25
    assert budget.spent == Cost(made)
    assert budget.outstanding == NOTHING


def test_a_call_waits_for_what_others_may_give_back() -> None:
    budget = Budget(cap=1)
    assert budget.refusal(Cost(1)) == ""
    threading.Timer(0.05, budget.settle, (Cost(1), Cost(0))).start()
    assert budget.refusal(Cost(1)) == ""
    budget.settle(Cost(1), Cost(1))
    assert budget.refusal(Cost(1)) == "budget: could make 1 picture, 0 left of 1"
    assert budget.refusal(Cost(0)) == ""


def test_what_is_kept_for_later_calls_is_not_spent_by_leaks() -> None:
    budget = Budget(cap=12)
    assert budget.refusal(Cost(1), Cost(8)) == ""
    budget.settle(Cost(1), Cost(0))
    assert budget.refusal(Cost(11), Cost(8)) == ""  # costs nothing at a target that refuses what it must
    budget.settle(Cost(11), Cost(4))
    assert "kept" in budget.refusal(Cost(1), Cost(8))
    assert budget.refusal(Cost(0), Cost(8)) == ""
    assert budget.refusal(Cost(8)) == ""


def test_nothing_that_could_cost_starts_with_a_cap_of_zero() -> None:
    budget = Budget(cap=0)
    assert budget.refusal(Cost(0)) == ""
    assert budget.refusal(Cost(1))


def test_a_repeated_call_books_what_its_first_sending_may_have_cost() -> None:
    budget = Budget(cap=5)
    assert budget.refusal(Cost(2)) == ""
    assert budget.again(Cost(2))  # two may be gone, and two more are at stake
    assert not budget.again(Cost(2))
    budget.settle(Cost(2), Cost(2))
    assert budget.spent == Cost(4)
    assert budget.again(Cost(0))


def test_requests_and_time_end_a_run_too() -> None:
    few = Budget(cap=9, max_requests=2)
    assert few.refusal(Cost(1)) == ""
    assert few.again()
    assert not few.again()
    assert "the requests of the run were used (2)" in few.refusal(Cost(0))
    late = Budget(cap=9, max_time=0.01)
    time.sleep(0.02)
    assert "time" in late.refusal(Cost(0))
    assert not late.again()
