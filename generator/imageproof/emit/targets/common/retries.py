"""Which calls the client repeats: one table, from which its code, its README and its tests are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What happened, and whether a call is repeated then: one that only reads (GET, HEAD), and one that makes something
    and costs money. `why` is for the reader."""

    id: str
    what: str
    reading: bool
    making: bool
    why: str


POLICY = (
    Row("unsent", "no connection: refused, no such host, none in time", True, True, "nothing was sent"),
    Row("busy", "429", True, True, "refused before any work"),
    Row("unavailable", "503", True, True, "refused before any work"),
    Row("hopeless", "429 for want of money or quota", False, False, "waiting does not mend it"),
    Row("told", "`x-should-retry: false`, or more than 120 s to wait", False, False, "the server says so"),
    Row("failed", "408, 500, 502, 504 and above", True, False, "the work may be done, and billed"),
    Row("broken", "the connection broke, or no answer in time", True, False, "the work may be done, and billed"),
    Row("other", "any other status, or an answer that is none", False, False, "it would be the same again"),
)
# Codes and types of a 429 that waiting does not mend.
HOPELESS = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
)
