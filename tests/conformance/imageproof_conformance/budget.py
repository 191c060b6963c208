"""The hard cap: no call starts unless its worst case still fits, and what is unknown counts as spent.

Reservations make it hold with many workers: `reserve` sets the worst case aside before the call, `settle` replaces it
by what the call cost. A target that makes more pictures than it was asked for can bill beyond any cap; what it
returns is counted, and stops the run.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from imageproof_conformance.answers import error, page
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.money import MICROS, NO_LIMIT, NOTHING, Cost, amount_text

# A gateway that gave up waiting does not know what happened behind it; the picture may well have been made.
_UNKNOWN_STATUS = frozenset({408, 499, 502, 504, 520, 522, 524})

MOST_BAD_KEYS = 2  # calls with a wrong key in a run; more look like an attack
KEPT = "kept for the calls that must be served"
REQUESTS_OVER = "the requests of the run were used"
TIME_OVER = "the time of the run was over"
COULD_COST = "could cost"


def many(count: int, what: str) -> str:
    """A number and its noun: 1 picture, 2 pictures."""
    return f"{count} {what}{'' if count == 1 else 's'}"


class Budget:
    """Pictures, money, requests and time of one run. Thread-safe.

    cap           pictures at most
    max_requests  requests at most, those for links in answers included; None for no limit
    max_time      seconds from now after which no call starts, None for no limit
    max_cost      money at most, in millionths of a currency; None for no limit
    """

    def __init__(
        self,
        cap: int,
        max_requests: int | None = None,
        max_time: float | None = None,
        max_cost: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cap = cap
        self.max_requests = max_requests
        self.max_cost = max_cost
        self._clock = clock
        self._deadline = None if max_time is None else clock() + max_time
        self._spent = NOTHING
        self._reserved = NOTHING
        self._requests = 0
        self._links = 0
        self._changed = threading.Condition()

    @property
    def spent(self) -> Cost:
        """What the settled calls came to."""
        with self._changed:
            return self._spent

    @property
    def outstanding(self) -> Cost:
        """What is set aside for calls that have not been settled."""
        with self._changed:
            return self._reserved

    @property
    def requests(self) -> int:
        """Calls so far, repeated ones included, without those for links."""
        with self._changed:
            return self._requests

    @property
    def seconds_left(self) -> float:
        """Until the time of the run is over, at least 0; infinite without a limit."""
        return math.inf if self._deadline is None else max(self._deadline - self._clock(), 0.0)

    def refusal(self, worst: Cost, keep: Cost = NOTHING) -> str:
        """Why a call that may cost `worst` must not start; "" when it may, and then it is reserved.

        `keep` is meant for later calls, and the worst case must leave it, unless nothing was spent so far: a target
        that refuses what it must is not believed to bill for the next such call.
        Waits while calls in flight may still give something back, so the answer does not depend on which
        of them is faster: it is the one that a single worker would get.
        """
        with self._changed:
            own = self._own(keep)
            while worst and self._reserved and not self._fits(worst, own if keep else None):
                self._changed.wait()
            if worst and keep and self._spent and not (self._spent + worst).within(own):
                return f"budget: {_kept(self.limit, own)} {KEPT}"
            if worst and not (self._spent + self._reserved + worst).within(self.limit):
                return self._short(worst)
            if refusal := self._ended():
                return refusal
            self._reserved += worst
            self._requests += 1
            return ""

    def allows(self) -> bool:
        """Whether calls may still start, as far as their number and the time go."""
        with self._changed:
            return not self._ended()

    def again(self, cost: Cost = NOTHING, wait: float = 0.0) -> bool:
        """Whether a call may be sent once more in `wait` seconds, though its first sending may have cost `cost`; books
        both."""
        with self._changed:
            over = not (self._spent + self._reserved + cost).within(self.limit)
            if (cost and over) or self._ended() or wait >= self.seconds_left:
                return False
            self._spent += cost
            self._requests += 1
            return True

    def link(self) -> str:
        """Why a link of an answer must not be fetched; "" when it may, and then the request is booked."""
        with self._changed:
            if refusal := self._ended():
                return refusal
            self._links += 1
            return ""

    def settle(self, worst: Cost, actual: Cost) -> None:
        """Give the reservation of a call back and book what it cost."""
        with self._changed:
            self._reserved -= worst
            self._spent += actual
            self._changed.notify_all()

    @property
    def limit(self) -> Cost:
        """What may be spent at most."""
        return Cost(self.cap, NO_LIMIT if self.max_cost is None else self.max_cost)

    def _own(self, keep: Cost) -> Cost:
        """What calls may cost that must leave something for later ones."""
        left = self.limit - keep
        return Cost(max(left.pictures, 0), NO_LIMIT if self.max_cost is None else max(left.micros, 0))

    def _fits(self, worst: Cost, own: Cost | None) -> bool:
        """Whether a call may start whatever the calls in flight cost."""
        pending = self._spent + self._reserved
        return (pending + worst).within(self.limit) and (own is None or not pending or (pending + worst).within(own))

    def _ended(self) -> str:
        """Why no request may start, whatever it costs; "" when one may."""
        if self.max_requests is not None and self._requests + self._links >= self.max_requests:
            return f"budget: {REQUESTS_OVER} ({self.max_requests})"
        return f"budget: {TIME_OVER}" if self.seconds_left <= 0 else ""

    def _short(self, worst: Cost) -> str:
        """That a call could cost more than is left."""
        left, limit = self.limit - self._spent, self.limit
        if (self._spent + self._reserved + worst).pictures > limit.pictures:
            return f"budget: could make {many(worst.pictures, 'picture')}, {max(left.pictures, 0)} left of {self.cap}"
        money = [amount_text(one / MICROS) for one in (worst.micros, max(left.micros, 0), limit.micros)]
        return f"budget: {COULD_COST} {money[0]}, {money[1]} left of {money[2]}"


def _kept(limit: Cost, own: Cost) -> str:
    """What of a limit is left alone, with its verb."""
    count = limit.pictures - own.pictures
    return f"the last {many(count, 'picture')} {'is' if count == 1 else 'are'}" if count else "the rest of the money is"


def pictures(exchange: Exchange) -> int:
    """Pictures that a call cost: those seen in a success (at least one), none for a refusal.

    Without an answer, with one that was cut or cannot be read, with a gateway's time-out, and where a call that should
    have been served failed on the target's side, it is the worst case. A call that had to be refused and is cut by the
    end of the run, or is answered with a page for people, made none.
    """
    worst, refusal = exchange.probe.worst, exchange.probe.expect == "refused"
    if worst == 0 or (refusal and (exchange.failure == CUT_SHORT or page(exchange))):
        return 0
    if exchange.status is None:
        return 0 if exchange.failure.startswith((NEVER_SENT, UNSENT)) else worst
    if exchange.status in _UNKNOWN_STATUS or (exchange.status >= 500 and not refusal):
        return worst
    if not 200 <= exchange.status < 300:
        return 0
    seen = _seen(exchange)
    if refusal and not seen and error(exchange):
        return 0  # it was refused, under a status that says otherwise
    return max(seen or 0, worst) if seen is None or exchange.failure else max(seen, 1)


LATE = "no answer within"  # how a failure begins of a call that nothing answered in its time
NEVER_SENT = "no connection"  # how a failure begins that came before a byte was sent
UNSENT = f"budget: {TIME_OVER}"  # the failure of a call that was about to be sent
CUT_SHORT = f"budget: no answer before {TIME_OVER}"  # and of one that was sent


def _seen(exchange: Exchange) -> int | None:
    """Final pictures in a success: entries of `data`, or the completed events of a stream. None: it cannot be read."""
    body = exchange.body
    if exchange.media_type == "text/event-stream":
        return sum(1 for line in body.splitlines() if line.startswith(b"data:") and b".completed" in line)
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    data = answer.get("data") if isinstance(answer, dict) else None
    return len(data) if isinstance(data, list) else 0
