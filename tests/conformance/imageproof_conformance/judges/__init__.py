"""The judges: pure functions of one exchange, each registered under the requirement ids that it speaks for."""

from __future__ import annotations

from imageproof_conformance.exchange import Exchange, Finding

# Each of these registers its judges when it is imported.
from imageproof_conformance.judges import errors, http, links, pictures, refusal, served, streams, usage  # noqa: F401
from imageproof_conformance.judges.served import declined, plain_rule
from imageproof_conformance.judges.table import Breach, Context, found, judged_ids

__all__ = ["Context", "declined", "judge", "judged_ids", "plain_rule"]


def judge(rule: str, exchange: Exchange, context: Context) -> Finding | None:
    """What an exchange says of a requirement; None when it says nothing: not asked, not answered, or broken in a way
    that another rule names. KeyError for a rule that nobody judges. Never raises for what a target sent."""
    speak = found(rule)
    if rule not in exchange.probe.rules or exchange.status is None:
        return None
    said = speak(exchange, context)
    if said is None:
        return None
    if isinstance(said, Breach):
        return Finding(rule, "fail", said.message, said.asked, said.got)
    return Finding(rule, "pass")
