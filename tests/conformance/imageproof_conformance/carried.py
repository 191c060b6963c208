"""Paid calls of an operation whose form is not taken, as free calls have it, said in JSON instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from imageproof_conformance.discover import Encoding
from imageproof_conformance.exchange import Part, Probe, Request
from imageproof_conformance.probes import JSON, Target, data_url, required_groups, typed
from imageproof_conformance.probes_pictures import Picture, file_facts

# Rules of a form's parts, which no JSON shows.
_OF_PARTS = ("EDIT-IMAGE-SINGLE", "EDIT-IMAGE-LIST")


def as_taken(
    target: Target, probes: Sequence[Probe], encodings: Iterable[Encoding]
) -> tuple[tuple[Probe, ...], tuple[Probe, ...]]:
    """The probes, with the paid ones in JSON of operations that take JSON and no form. The first of each stays as it
    is: it shows what is not taken, and costs nothing there; so does what JSON cannot say. Beside them the first ones
    in JSON, to stand in for those."""
    settled = {(operation, kind): yes for operation, kind, yes in encodings}
    lacking = {
        operation
        for (operation, kind), yes in settled.items()
        if kind != JSON and yes is False and settled.get((operation, JSON))
    }
    forms = [one for one in probes if one.operation in lacking and one.tier != "free" and one.request.parts is not None]
    first = {one.operation: one for one in reversed(forms)}
    said = {one.id: json for one in forms if (json := _in_json(target, one)) is not None}
    kept = {one.id for one in first.values()}
    twins = [replace(said[one], id=f"{one}-in-json") for one in kept if one in said]
    return tuple(one if one.id in kept else said.get(one.id, one) for one in probes), tuple(twins)


def _in_json(target: Target, probe: Probe) -> Probe | None:
    """A call in JSON; None where the model takes no such body."""
    if JSON not in target.media_types(probe.operation):
        return None
    body = _body(target, probe.operation, probe.request.parts or ())
    if target.breaches(probe.operation, JSON, body) and probe.expect == "served":
        return None
    sent = Request(probe.request.method, probe.request.path, json=body, headers=probe.request.headers)
    plain = f"{target.prefix(probe.operation)}-SERVED"
    rules = tuple(rule for rule in probe.rules if rule not in _OF_PARTS)
    lost = _OF_PARTS[1] in probe.rules and plain not in rules
    return replace(probe, request=sent, rules=target.judged(*([plain] if lost else []), *rules))


def _body(target: Target, operation: str, parts: Iterable[Part]) -> dict[str, Any]:
    """The members that say what some parts say: pictures as data URLs, in the list that the operation requires."""
    schema = target.schema(operation, JSON)
    required = [name for group in required_groups(schema) for name in group]
    several = next(name for name in required if target.property(operation, JSON, name).get("type") == "array")
    body: dict[str, Any] = {}
    for part in parts:
        if part.filename is None:
            text = part.data.decode("utf-8", "replace")
            body[part.name] = typed(target.property(operation, JSON, part.name), text)
            continue
        link = {"image_url": data_url(Picture(part.filename, part.data, file_facts(part.data)))}
        if part.name in schema["properties"]:
            body[part.name] = link
        else:
            body[several] = [*body.get(several, []), link]
    return body
