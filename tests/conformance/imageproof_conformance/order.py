"""The order of a stage: what tells most of a target goes first, and what must see all the rest goes last."""

from __future__ import annotations

from collections.abc import Collection

from imageproof_conformance.dispatch import UNKNOWN_AFTER
from imageproof_conformance.exchange import Probe


def in_parts(probes: Collection[Probe]) -> tuple[list[Probe], ...]:
    """What is sent after what: first, of each model, the calls that show whether it is known, and the plainest one that
    makes a picture; last what shows whether the target lives after all of it."""
    models = dict.fromkeys(one.model for one in probes)
    first = [probe for model in models for probe in _telling([one for one in probes if one.model == model])]
    last = [one for one in probes if one.last]
    return first, [one for one in probes if one not in first and one not in last], last


def _telling(probes: Collection[Probe]) -> list[Probe]:
    """Of the calls of one model: two that must be refused for something else than the model, and a paid one, in JSON
    and no stream if there is one."""
    named = [one for one in probes if one.asked.get("model") == one.model and one.request.key == "yes"]
    whole = [one for one in named if one.expect == "refused" and one.about in one.asked]  # nothing is left out
    refused = [one for one in whole if "MODEL" not in "".join(one.rules[:1])]
    paid = [one for one in named if one.images]
    plain = [one for one in paid if one.request.json is not None and not one.asked.get("stream")]
    return [*sorted(refused, key=lambda one: one.worst)[:UNKNOWN_AFTER], *(plain or paid)[:1]]
