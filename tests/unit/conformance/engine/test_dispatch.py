"""Many workers, one outcome: what is sent does not depend on which call is faster."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest

from imageproof_conformance.budget import NEVER_SENT, Budget
from imageproof_conformance.dispatch import Dispatcher, Skipped
from imageproof_conformance.exchange import Chunk, Exchange, Probe, Request
from imageproof_conformance.money import Cost

RULES = frozenset({"R1", "R2", "R3"})


def probe(name: str, rule: str = "", worst: int = 1, key: Any = "yes") -> Probe:
    request = Request("POST", "/x", json={}, key=key)
    return Probe(
        name, "createImage", "m", request, "refused" if rule else "served", (rule,) if rule else (), worst=worst
    )


def answer(one: Probe, status: int | None, images: int = 0) -> Exchange:
    body = b'{"data": [' + b",".join([b"{}"] * images) + b"]}"
    failure = "" if status else f"{NEVER_SENT}: gone"
    return Exchange(
        one, "", (), b"", status, (("content-type", "application/json"),), (Chunk(0, body),), failure=failure
    )


def outcome(
    probes: list[Probe], serves: set[str], cap: int, workers: int, seed: int
) -> tuple[list[str], list[str], int]:
    chance, lock, made = random.Random(seed), threading.Lock(), [0]

    def send(one: Probe) -> Exchange:
        time.sleep(chance.random() / 1000)
        images = one.worst if one.id in serves else 0
        with lock:
            made[0] += images
        return answer(one, 200 if images else 400, images)

    budget = Budget(cap)
    exchanges, skipped = Dispatcher(send, budget, workers, RULES).run(probes)
    assert made[0] == budget.spent.pictures <= cap
    return [one.probe.id for one in exchanges], [f"{one.probe.id} {one.kind}" for one in skipped], budget.spent.pictures


@pytest.mark.parametrize("seed", range(12))
def test_eight_workers_do_what_one_would(seed: int) -> None:
    chance = random.Random(seed)
    probes = [probe(f"p{i}", chance.choice(["", "R1", "R2", "R3"]), chance.choice([0, 1, 1, 2, 11])) for i in range(40)]
    serves = {one.id for one in probes if chance.random() < 0.4}
    cap = chance.randint(0, 20)
    assert outcome(probes, serves, cap, 8, seed) == outcome(probes, serves, cap, 1, seed)


def test_a_rule_is_left_alone_once_an_invalid_request_was_served() -> None:
    probes = [probe(f"a{i}", "R1") for i in range(5)] + [probe("b", "R2")]
    sent, skipped, spent = outcome(probes, {"a0", "a1", "a2"}, 12, 8, 0)
    assert sent == ["a0", "b"]
    assert skipped == [f"a{i} stopped" for i in range(1, 5)]
    assert spent == 1


def test_single_pictures_are_risked_before_many_and_every_rule_once_before_twice() -> None:
    order: list[str] = []

    def send(one: Probe) -> Exchange:
        order.append(one.id)
        return answer(one, 400)

    probes = [probe("n11", "R1", 11), probe("a", "R2"), probe("b", "R2"), probe("c", "R3"), probe("served")]
    Dispatcher(send, Budget(12), 1, RULES).run(probes)
    assert order == ["served", "a", "c", "b", "n11"]


def test_a_target_that_stops_answering_is_left_alone() -> None:
    sent: list[str] = []

    def send(one: Probe) -> Exchange:
        sent.append(one.id)
        return answer(one, None)

    exchanges, skipped = Dispatcher(send, Budget(50), 1, RULES).run([probe(f"p{i}") for i in range(9)])
    assert len(exchanges) == len(sent) == 4
    assert {one.kind for one in skipped} == {"silent"}


def test_a_sender_that_fails_ends_the_run_and_hangs_nobody() -> None:
    def send(one: Probe) -> Exchange:
        raise RecursionError("ours")

    budget = Budget(cap=50)
    with pytest.raises(RecursionError, match="ours"):
        Dispatcher(send, budget, 2, RULES).run([probe(f"p{i}", "R1") for i in range(9)])
    assert budget.outstanding == Cost(0) and budget.spent == Cost(9)


def test_a_wrong_key_is_tried_twice_at_most() -> None:
    probes = [probe(f"p{i}", key="bad") for i in range(4)]
    exchanges, skipped = Dispatcher(lambda one: answer(one, 401), Budget(9), 1, RULES).run(probes)
    assert (len(exchanges), len(skipped)) == (2, 2)
    assert isinstance(skipped[0], Skipped)
