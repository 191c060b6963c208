"""The judges: pure functions of one exchange, each registered under the requirement ids that it speaks for."""

from __future__ import annotations

from imageproof_conformance.exchange import Exchange, Finding

# Each of these registers its judges when it is imported.
from imageproof_conformance.judges import (  # noqa: F401
    arrival,
    compression,
    declared,
    errors,
    http,
    identity,
    limits,
    links,
    masks,
    motion,
    pictures,
    refusal,
    served,
    streams,
    taken,
    usage,
)
from imageproof_conformance.judges.arrival import unhurried
from imageproof_conformance.judges.http import nameless
from imageproof_conformance.judges.pictures import unnamed
from imageproof_conformance.judges.served import declined, objections, plain_rule
from imageproof_conformance.judges.table import Breach, Context, Kept, found, judged_ids, of_silence

__all__ = ["Context", "declined", "judge", "judged_ids", "lacking", "objections", "of_silence", "plain_rule"]


def lacking(rule: str, exchange: Exchange, context: Context) -> str:
    """What an answer has not that it may lack, and that the rule is about; "" where it has it."""
    return unnamed(rule, exchange) or nameless(rule, exchange) or unhurried(rule, exchange, context)


def judge(rule: str, exchange: Exchange, context: Context) -> Finding | None:
    """What an exchange says of a requirement; None when it says nothing: not asked, not answered, or broken in a way
    that another rule names. KeyError for a rule that nobody judges. Never raises for what a target sent."""
    speak = found(rule)
    if rule not in exchange.probe.rules or (exchange.status is None and not of_silence(rule)):
        return None
    said = speak(exchange, context)
    if said is None:
        return None
    if isinstance(said, Breach):
        return Finding(rule, "fail", said.message, said.asked, said.got)
    return Finding(rule, "pass", said.note if isinstance(said, Kept) else "")
