"""Judges of `safety_identifier`: whose request it was, as the answer repeats it."""

from __future__ import annotations

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.served import refused_feature
from imageproof_conformance.judges.table import Breach, Context, Said, judges


def _echoed(rule: str) -> None:
    @judges(rule)
    def echoed(exchange: Exchange, context: Context) -> Said:
        found = answer(exchange)
        if not found.served:
            return refused_feature(exchange, context, rule, "the parameter was refused")
        if not found.head or not found.items:
            return None
        given = exchange.probe.asked
        wanted = given.get("safety_identifier") or given.get("user")
        got = found.head.get("safety_identifier")
        if got != wanted:
            return Breach("safety_identifier is not the one that was sent", shown(wanted), shown(got))
        return True if wanted else None  # silence alone proves nothing


for _rule in ("GEN-SAFETY-ECHO", "GEN-SAFETY-USER", "EDIT-SAFETY-ECHO"):
    _echoed(_rule)
