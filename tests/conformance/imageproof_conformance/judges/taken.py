"""Judges of what a request may contain, asked without a picture being made: the call is legal in what it asks about,
and breaks one other rule on purpose. Refused for that one rule, the rest of it was taken.

A refusal that names nothing shows nothing. One that is about something else shows that the rest was not taken only
where the same call without the feature (its twin, among the refusals of the plan) is refused for the right reason.
"""

from __future__ import annotations

import re
from typing import Any

from imageproof_conformance.answers import unknown_model
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.refusal import CLOSED, refused, said_by
from imageproof_conformance.judges.table import Breach, Context, Said, judges

PATIENCE = 10.0  # seconds within which what is far beyond every limit must be refused
_UNSUPPORTED = re.compile(r"octet-stream|mime|media.?type|content.?type|unsupported|format|extension", re.IGNORECASE)
_REMOTE = re.compile(r"image|url|fetch|download|load|host|resolve|reach", re.IGNORECASE)


def named(text: Any, name: str) -> bool:
    """Whether a text names a parameter as a word of its own: `n`, not a letter within another word."""
    return isinstance(text, str) and bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text))


def about(exchange: Exchange, name: str) -> bool:
    """Whether an error is about a parameter: that of its `param`, without one a parameter that its message names."""
    error = answer(exchange).error or {}
    param = error.get("param")
    return named(param if param else error.get("message"), name)


def turned_down(exchange: Exchange) -> bool:
    """Whether a call was refused: an error status, or an error under a status of success."""
    return (exchange.status or 0) >= 400 or answer(exchange).error is not None


def right_reason(exchange: Exchange) -> bool:
    """Whether a call was served, or refused for what it breaks on purpose."""
    return about(exchange, exchange.probe.about) if turned_down(exchange) else answer(exchange).served


def otherwise(exchange: Exchange, context: Context) -> bool:
    """Whether a call is refused for something else than its twin, which is refused for the right reason."""
    if not turned_down(exchange) or right_reason(exchange):
        return False
    if exchange.status in CLOSED or (exchange.status or 0) < 400 or unknown_model(exchange):
        return False
    if exchange.status and exchange.status < 500 and answer(exchange).error is None:
        return False  # it does not say what it is about
    return any(_is_twin(one, exchange) and turned_down(one) and right_reason(one) for one in context.others)


def _is_twin(one: Exchange, exchange: Exchange) -> bool:
    """Whether a refusal of the plan breaks the same rule by the same value, on the same operation and carrier."""
    mine, other = exchange.probe, one.probe
    return (
        (other.model, other.operation, other.rules[:1]) == (mine.model, mine.operation, (mine.breaks,))
        and other.about == mine.about
        and other.asked.get(mine.about) == mine.asked.get(mine.about)
        and (other.request.json is None) == (mine.request.json is None)
    )


def _label(exchange: Exchange) -> str:
    return shown(exchange.probe.id.rpartition("/")[2])


@judges("EDIT-IMAGE-LIST-OF-ONE", "EDIT-PART-ORDER", "EDIT-BOUNDARY", "EDIT-INPUT-FORMATS", "EDIT-UPLOAD-SIZE")
def taken(exchange: Exchange, context: Context) -> Said:
    if right_reason(exchange):
        return True
    if exchange.status == 413 or otherwise(exchange, context):
        return Breach("what the contract allows is refused", _label(exchange), said_by(exchange))
    return None


@judges("EDIT-PART-TYPE")
def part_type(exchange: Exchange, context: Context) -> Said:
    error = answer(exchange).error or {}
    words = " ".join(str(error.get(name)) for name in ("message", "code"))
    if right_reason(exchange) or (answer(exchange).refused and error and _UNSUPPORTED.search(words)):
        return True
    if otherwise(exchange, context):
        return Breach(
            "an untyped part is neither taken nor refused as unsupported", _label(exchange), said_by(exchange)
        )
    return None


@judges("GEN-UNKNOWN-PARAM")
def unknown_parameter(exchange: Exchange, context: Context) -> Said:
    if right_reason(exchange):
        return True
    if not otherwise(exchange, context):
        return None
    if answer(exchange).refused:
        return True
    return Breach("a parameter that no document names is no refusal but a failure", _label(exchange), said_by(exchange))


@judges("GEN-MODEL-DEFAULT")
def model_default(exchange: Exchange, context: Context) -> Said:
    error = answer(exchange).error or {}
    spoken = " ".join(str(error.get(name)) for name in ("message", "code", "param"))
    if right_reason(exchange) or (answer(exchange).refused and "model" in spoken.lower()):
        return True
    if otherwise(exchange, context):
        return Breach("without a model a call is refused for something else", "no model", said_by(exchange))
    return None


@judges("EDIT-MODEL-NAME")
def model_name(exchange: Exchange, context: Context) -> Said:
    if right_reason(exchange):
        return True
    if not _disowned(exchange):
        return None
    known = [one for one in context.others if one.probe.operation != exchange.probe.operation and _knows(one, exchange)]
    if not known:
        return None
    return Breach("a model that other calls know is unknown to edits", exchange.probe.model, said_by(exchange))


@judges("MODELS-USABLE")
def usable(exchange: Exchange, context: Context) -> Said:
    if not any(context.model in _listed(one) for one in context.others):
        return None
    if right_reason(exchange):
        return True
    if _disowned(exchange):
        return Breach("a model that is listed is refused for its name", context.model, said_by(exchange))
    return None


def _disowned(exchange: Exchange) -> bool:
    """Whether a refusal is about the model that was named."""
    message = (answer(exchange).error or {}).get("message")
    told = named(message, "model") and exchange.probe.model in str(message)
    return answer(exchange).refused and exchange.status not in (401, 403) and (unknown_model(exchange) or told)


def _knows(one: Exchange, exchange: Exchange) -> bool:
    """Whether another call shows that the model is known: it was served, or refused for what it breaks."""
    asked = one.probe.asked.get("model") == exchange.probe.model
    return asked and one.status is not None and (answer(one).served or bool(one.probe.about and right_reason(one)))


def _listed(exchange: Exchange) -> list[Any]:
    """The ids of a list of models, [] for any other answer."""
    found = answer(exchange)
    if exchange.probe.request.method != "GET" or not found.served or not isinstance(found.data, list):
        return []
    return [one.get("id") for one in found.data if isinstance(one, dict)]


@judges("EDIT-REMOTE-IMAGE")
def remote_image(exchange: Exchange, context: Context) -> Said:
    found, status = answer(exchange), exchange.status or 0
    if found.served and found.error is None:
        return Breach("an edit was served whose image cannot be fetched", _label(exchange), said_by(exchange))
    if status >= 500 and status != 501:
        understood = any(_understood(one, exchange) for one in context.others)
        message = "an image that cannot be fetched is no refusal but a failure"
        return Breach(message, _label(exchange), said_by(exchange)) if understood else None
    if not found.refused or status in CLOSED or status == 415 or found.error is None:
        return None
    words = " ".join(str(found.error.get(name)) for name in ("message", "code", "param"))
    return True if _REMOTE.search(words) else None


def _understood(one: Exchange, exchange: Exchange) -> bool:
    """Whether another edit in JSON was read: served, or refused."""
    same = one.probe.operation == exchange.probe.operation and one.probe.request.json is not None
    answered = one.status is not None and one.status < 500 and one.status not in (*CLOSED, 415)
    return same and answered and one.probe.id != exchange.probe.id


@judges("EDIT-FILE-BYTES")
def file_bytes(exchange: Exchange, context: Context) -> Said:
    return refused(exchange, context)


@judges("GEN-SIZE-HUGE", of_silence=True)
def huge(exchange: Exchange, context: Context) -> Said:
    slow = f"nothing within {PATIENCE:g} s"
    if exchange.status is None:
        waited = exchange.failure.startswith("no answer") and exchange.seconds > PATIENCE
        return (
            Breach("a size far beyond every limit is not refused in time", _label(exchange), slow) if waited else None
        )
    said = refused(exchange, context)
    if said is True and exchange.seconds > PATIENCE:
        got = f"after {exchange.seconds:.0f} s"
        return Breach("a size far beyond every limit is not refused in time", _label(exchange), got)
    return said
