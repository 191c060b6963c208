"""The hard cap: no call starts unless its worst case still fits, and what is unknown counts as spent.

Reservations make it hold with many workers: `reserve` sets the worst case aside before the call, `settle` replaces it
by what the call cost. A target that makes more pictures than it was asked for can bill beyond any cap; what it
returns is counted, and stops the run.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from imageproof_conformance.exchange import Exchange

# A gateway that gave up waiting does not know what happened behind it; the picture may well have been made.
_UNKNOWN_STATUS = frozenset({408, 499, 502, 504, 520, 522, 524})


KEPT = "kept for the calls that must be served"
REQUESTS_OVER = "the requests of the run were used"
TIME_OVER = "the time of the run was over"


def many(count: int, what: str) -> str:
    """A number and its noun: 1 picture, 2 pictures."""
    return f"{count} {what}{'' if count == 1 else 's'}"


class Budget:
    """Pictures, requests and time of one run. Thread-safe.

    cap           pictures at most
    max_requests  calls at most, None for no limit
    max_time      seconds from now after which no call starts, None for no limit
    """

    def __init__(self, cap: int, max_requests: int | None = None, max_time: float | None = None) -> None:
        self.cap = cap
        self.max_requests = max_requests
        self._deadline = None if max_time is None else time.monotonic() + max_time
        self._spent = 0
        self._reserved = 0
        self._requests = 0
        self._changed = threading.Condition()

    @property
    def spent(self) -> int:
        with self._changed:
            return self._spent

    @property
    def outstanding(self) -> int:
        """Pictures set aside for calls that have not been settled."""
        with self._changed:
            return self._reserved

    @property
    def requests(self) -> int:
        with self._changed:
            return self._requests

    def refusal(self, worst: int, keep: int = 0) -> str:
        """Why a call that may make `worst` pictures must not start; "" when it may, and then it is reserved.

        `keep` pictures are meant for later calls, and the worst case must leave them, unless nothing was spent so far:
        a target that refuses what it must is not believed to bill for the next such call.
        Waits while calls in flight may still give pictures back, so the answer does not depend on which
        of them is faster: it is the one that a single worker would get.
        """
        with self._changed:
            own = max(self.cap - keep, 0)
            while worst and self._reserved and not self._fits(worst, own if keep else None):
                self._changed.wait()
            if worst and keep and self._spent and self._spent + worst > own:
                kept = many(self.cap - own, "picture")
                return f"budget: the last {kept} {'is' if self.cap - own == 1 else 'are'} {KEPT}"
            if self._spent + self._reserved + worst > self.cap and worst:
                left = max(self.cap - self._spent, 0)
                return f"budget: could make {many(worst, 'picture')}, {left} left of {self.cap}"
            if self.max_requests is not None and self._requests >= self.max_requests:
                return f"budget: {REQUESTS_OVER} ({self.max_requests})"
            if self._deadline is not None and time.monotonic() >= self._deadline:
                return f"budget: {TIME_OVER}"
            self._reserved += worst
            self._requests += 1
            return ""

    def allows(self) -> bool:
        """Whether calls may still start, as far as their number and the time go."""
        with self._changed:
            over = self._deadline is not None and time.monotonic() >= self._deadline
            return not over and (self.max_requests is None or self._requests < self.max_requests)

    def _fits(self, worst: int, own: int | None) -> bool:
        """Whether a call may start whatever the calls in flight cost."""
        pending = self._spent + self._reserved
        return pending + worst <= self.cap and (own is None or not pending or pending + worst <= own)

    def again(self, cost: int = 0) -> bool:
        """Whether a call may be sent once more, though its first sending may have cost `cost` pictures; books both."""
        with self._changed:
            if cost and self._spent + self._reserved + cost > self.cap:
                return False
            if self.max_requests is not None and self._requests >= self.max_requests:
                return False
            if self._deadline is not None and time.monotonic() >= self._deadline:
                return False
            self._spent += cost
            self._requests += 1
            return True

    def settle(self, worst: int, actual: int) -> None:
        """Give the reservation of a call back and book what it cost."""
        with self._changed:
            self._reserved -= worst
            self._spent += actual
            self._changed.notify_all()


def pictures(exchange: Exchange) -> int:
    """Pictures that a call cost: those seen in a success (at least one), none for a refusal.

    Without an answer, with one that was cut or cannot be read, with a gateway's time-out, and where a call that should
    have been served failed on the target's side, it is the worst case.
    """
    worst = exchange.probe.worst
    if worst == 0:
        return 0
    if exchange.status is None:
        return 0 if exchange.failure.startswith(NEVER_SENT) else worst
    if exchange.status in _UNKNOWN_STATUS or (exchange.status >= 500 and exchange.probe.expect != "refused"):
        return worst
    if not 200 <= exchange.status < 300:
        return 0
    seen = _seen(exchange)
    return max(seen or 0, worst) if seen is None or exchange.failure else max(seen, 1)


NEVER_SENT = "no connection"  # how a failure begins that came before a byte was sent


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
