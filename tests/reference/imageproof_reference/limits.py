"""How many requests are answered in a minute, and the headers that say so."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from imageproof_reference.refusal import Refusal

WINDOW = 60  # seconds


def retry_after(seconds: float) -> dict[str, str]:
    """The headers that tell a caller how long to wait, for clients that read seconds and for those that read more."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}


class RateLimit:
    """Counts requests in windows of a minute, the first of which begins with the first request. For one thread."""

    def __init__(self, requests: int) -> None:
        self._limit = requests
        self._count = 0
        self._ends = 0.0

    def take(self) -> None:
        """Count a request. Raises Refusal (429) for one too many."""
        now = time.monotonic()
        if now >= self._ends:
            self._count, self._ends = 0, now + WINDOW
        if self._count >= self._limit:
            wait = max(self._ends - now, 0.001)
            raise Refusal(
                f"Requests come too fast: {self._limit} are answered in a minute. Try again in {wait:.1f} seconds.",
                status=429,
                kind="rate_limit_error",
                code="slow_down",
                headers=retry_after(wait),
            )
        self._count += 1

    def headers(self) -> Mapping[str, str]:
        """What the next answer says of the limit."""
        left = max(0.0, self._ends - time.monotonic())
        minutes, seconds = divmod(math.ceil(left), 60)
        return {
            "x-ratelimit-limit-requests": str(self._limit),
            "x-ratelimit-remaining-requests": str(self._limit - self._count if left else self._limit),
            "x-ratelimit-reset-requests": f"{minutes}m{seconds}s" if minutes else f"{seconds}s",
        }
