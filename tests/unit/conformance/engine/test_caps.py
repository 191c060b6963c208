"""No schedule passes a cap: whatever a target answers, however many workers there are, whatever is repeated."""

from __future__ import annotations

import re
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageproof_conformance.budget import MOST_BAD_KEYS, NEVER_SENT, Budget, pictures
from imageproof_conformance.dispatch import Dispatcher
from imageproof_conformance.exchange import Chunk, Exchange, Probe, Request
from imageproof_conformance.money import NO_LIMIT, Cost
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import run

from .conftest import Asked, Says, Serve

RULES = frozenset({"R1", "R2", "R3"})
PRICE = 7  # of a picture, in millionths
# What a target may do with a call, and whether it makes the pictures of it.
DEEDS = ("serve", "refuse", "refuse", "hang up", "gone", "cut", "unreadable", "gateway", "busy", "fail")
MAKES = frozenset({"serve", "hang up", "cut", "unreadable", "gateway"})


@dataclass
class Wild:
    """A target that does as it is told, and counts; its clock goes on by a second a call."""

    deeds: dict[str, list[str]]
    budget: Budget | None = None
    now: float = 0.0
    made: int = 0
    starts: list[float] = field(default_factory=list)
    leaks: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, probe: Probe) -> Exchange:
        """As the wire does: a call that was turned away is repeated while the budget allows it."""
        assert self.budget is not None
        exchange = self._once(probe, 0)
        for again in range(1, 3):
            cost = pictures(exchange)
            if exchange.status not in (429, 500) or not self.budget.again(Cost(cost, cost * PRICE), 1.0):
                break
            exchange = self._once(probe, again)
        return exchange

    def _once(self, probe: Probe, turn: int) -> Exchange:
        deed = self.deeds[probe.id][turn]
        with self.lock:
            self.starts.append(self.now)
            self.now += 1.0
            made = deed in MAKES or (deed == "fail" and probe.expect == "served")
            self.made += probe.worst if made else 0
            if deed == "serve" and probe.expect == "refused":
                self.leaks[probe.rules[0]] += 1
        body = b'{"data": [' + b",".join([b"{}"] * probe.worst) + b"]}" if deed == "serve" else b"?"
        status = {"serve": 200, "cut": 200, "unreadable": 200, "refuse": 400, "gateway": 504, "busy": 429, "fail": 500}
        failure = {"hang up": "no answer", "gone": f"{NEVER_SENT}: gone", "cut": "the answer was cut"}.get(deed, "")
        kind = (("content-type", "application/json"),)
        return Exchange(probe, "", (), b"", status.get(deed), kind, (Chunk(0, body),), failure=failure)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[list[Probe], dict[str, list[str]], dict[str, Any]]:
    """Calls, what the target does with each, and limits."""
    probes = []
    for index in range(draw(st.integers(1, 24))):
        rule = draw(st.sampled_from(["", "R1", "R2", "R3"]))
        request = Request("POST", "/x", json={}, key=draw(st.sampled_from(["yes", "yes", "yes", "bad"])))
        worst = draw(st.sampled_from([0, 1, 1, 2, 11]))
        rules = (rule,) if rule else ()
        probes.append(Probe(f"p{index}", "o", "m", request, "refused" if rule else "served", rules, worst=worst))
    deeds = {one.id: [draw(st.sampled_from(DEEDS)) for _ in range(3)] for one in probes}
    limits = {
        "cap": draw(st.integers(0, 30)),
        "max_requests": draw(st.none() | st.integers(1, 20)),
        "max_time": draw(st.none() | st.integers(1, 20)),
        "max_cost": draw(st.none() | st.integers(0, 30 * PRICE)),
    }
    return probes, deeds, {**limits, "workers": draw(st.integers(1, 8)), "keep": draw(st.integers(0, 10))}


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(schedules())
def test_no_schedule_passes_a_limit(schedule: tuple[list[Probe], dict[str, list[str]], dict[str, Any]]) -> None:
    probes, deeds, limits = schedule
    workers, keep = limits.pop("workers"), Cost(limits["keep"], limits.pop("keep") * PRICE)
    wild = Wild(deeds)
    wild.budget = Budget(**limits, clock=lambda: wild.now)

    def cost(probe: Probe, count: int) -> Cost:
        return Cost(count, count * PRICE)

    exchanges, skipped = Dispatcher(wild.send, wild.budget, workers, RULES, cost=cost).run(probes, keep)
    assert len(exchanges) + len(skipped) == len(probes)
    assert wild.made <= wild.budget.spent.pictures <= limits["cap"]
    assert wild.budget.spent.micros <= (NO_LIMIT if limits["max_cost"] is None else limits["max_cost"])
    assert wild.budget.spent.micros == wild.budget.spent.pictures * PRICE
    assert len(wild.starts) == wild.budget.requests <= (limits["max_requests"] or len(wild.starts))
    late = workers  # calls that were decided on and whose clock had not moved yet
    assert not limits["max_time"] or max(wild.starts, default=0) < limits["max_time"] + late
    assert max(wild.leaks.values(), default=0) <= 1, "a served refusal ends its family"
    assert sum(one.probe.request.key == "bad" for one in exchanges) <= MOST_BAD_KEYS
    assert wild.budget.outstanding == Cost()


def chaos(seed: int, bills: list[int], keys: list[str]) -> Callable[[Asked], Says | None]:
    """A target that serves, refuses, turns away, fails, hangs up and cuts, by the digest of what it is sent, and counts
    the pictures that it would bill. A call is answered otherwise the second time."""
    turns: Counter[bytes] = Counter()

    def handle(asked: Asked) -> Says | None:
        keys.append(asked.headers.get("Authorization", ""))
        if asked.method != "POST":
            return Says(body={"object": "list", "data": [{"id": "gpt-image-1", "object": "model"}]})
        if keys[-1] not in ("", "Bearer sk-right"):
            return Says(429, {"error": {"message": "slow down"}}, headers=(("Retry-After", "0"),))
        turns[asked.body] += 1
        chance = zlib.crc32(b"%d %d " % (seed, turns[asked.body]) + asked.body) % 10
        found = re.search(rb'"n":\s*(\d+)|name="n"\r\n\r\n(\d+)', asked.body)
        count = max(int(found[1] or found[2]) if found else 1, 1)
        if chance in (0, 1):
            return Says(429, {"error": {"message": "slow down"}}, headers=(("Retry-After", "0"),))
        if chance == 2:
            return Says(500, {"error": {"message": "oops"}})
        if chance == 3:
            return Says(400, {"error": {"message": "no", "type": "x", "param": None, "code": None}})
        bills.append(count)
        if chance == 4:
            return None
        body = {"created": 1, "data": [{"b64_json": "AAAA"}] * count}
        return Says(504 if chance == 5 else 200, body, cut=chance == 6)

    return handle


# A tier, and limits in pictures and in millionths where a picture costs 10 000.
WILD: tuple[tuple[Any, dict[str, int]], ...] = (
    ("core", {"max_cost": 120_000}),
    ("standard", {"max_images": 9}),
    (None, {"max_cost": 60_000, "max_images": 30}),
    ("free", {"max_cost": 1}),
)


@pytest.mark.parametrize("seed", range(len(WILD)))
def test_no_run_against_a_wild_target_passes_a_limit(serve: Serve, seed: int) -> None:
    bills: list[int] = []
    keys: list[str] = []
    target = serve(chaos(seed, bills, keys))
    tier, limits = WILD[seed]
    found = run(
        Profile(
            target.url,
            "sk-right",
            models=(ModelChoice("gpt-image-1"),),
            timeout=5.0,
            workers=8,
            tier=tier,
            price_per_image=10_000,
            max_requests=80,
            max_images=limits.get("max_images"),
            max_cost=limits.get("max_cost"),
        )
    )
    most = min(limits.get("max_images", 10**6), limits.get("max_cost", 10**12) // 10_000)
    assert sum(bills) <= found.spent <= most
    assert found.bill and found.bill.spent == pytest.approx(found.spent * 0.01)
    assert len(target.asked) <= 80
    assert sum(key not in ("", "Bearer sk-right") for key in keys) <= MOST_BAD_KEYS
    served = Counter(
        one.probe.rules[0]
        for one in found.exchanges
        if one.probe.expect == "refused" and one.status == 200 and not one.failure
        if one.probe.rules and one.probe.source == "schemathesis"
    )
    assert max(served.values(), default=0) <= 1


def test_waiting_for_a_busy_target_stays_inside_the_time(serve: Serve) -> None:
    busy: list[str] = []

    def handle(asked: Asked) -> Says:
        busy.append(asked.path)
        if len(busy) == 1:
            return Says(429, {"error": {"message": "slow"}}, headers=(("Retry-After", "0"),))
        return Says(429, {"error": {"message": "slow"}}, headers=(("Retry-After", "50"),))

    found = run(Profile(serve(handle).url, "sk-x", models=(ModelChoice("dall-e-3"),), timeout=5.0, max_time=20.0))
    assert found.verdict.exit_status in (3, 4) and found.seconds < 20
    assert busy[0] == busy[1], "what fits is waited for"
    assert len([one for one in found.exchanges if one.earlier]) == 1


@pytest.mark.parametrize("tier", ["free", "core", "standard"])
def test_what_was_planned_is_spent_on_a_behaving_target(reference: Callable[..., str], tier: Any) -> None:
    found = run(Profile(reference("sk-x"), "sk-x", models=(ModelChoice("dall-e-2"),), workers=8, tier=tier))
    assert (found.verdict.exit_status, found.spent) == (0, found.planned)
    assert found.bill and found.bill.spent == found.bill.planned


def test_a_wrong_key_that_is_turned_away_is_tried_twice_at_most(serve: Serve) -> None:
    keys: list[str] = []

    def handle(asked: Asked) -> Says:
        keys.append(asked.headers.get("Authorization", ""))
        if keys[-1] not in ("", "Bearer sk-right"):
            return Says(429, {"error": {"message": "slow"}}, headers=(("Retry-After", "0"),))
        return Says(400, {"error": {"message": "no", "type": "x", "param": None, "code": None}})

    run(Profile(serve(handle).url, "sk-right", models=(ModelChoice("dall-e-3"),), timeout=5.0, workers=8))
    assert sum(key not in ("", "Bearer sk-right") for key in keys) == MOST_BAD_KEYS
