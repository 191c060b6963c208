"""Judges of streams: the media type, the kinds, fields and order of events, and the previews.

The final picture of a stream is judged by the same rules as that of a plain answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator

from imageproof.contract.document import Document
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, lenient, shown
from imageproof_conformance.judges.events import Event
from imageproof_conformance.judges.picture import look
from imageproof_conformance.judges.pictures import wanted_format
from imageproof_conformance.judges.served import asked, refused_feature
from imageproof_conformance.judges.table import EDIT, GEN, Breach, Context, Said, each, judges
from imageproof_conformance.judges.usage import misshapen

UNKNOWN_KIND = "an event is of no known kind"


@lru_cache(maxsize=8)
def kinds(document: Document, operation: str) -> Mapping[str, dict[str, Any]]:
    """The kinds of events of an operation, type -> schema, as the document describes its stream; {} without one."""
    node = document.operations()[operation].node
    content = document.resolve(node.get("responses", {}).get("200", {})).get("content", {})
    frame = document.resolve(content.get("text/event-stream", {}).get("schema", {}))
    data = frame.get("properties", {}).get("data", {})
    event = document.resolve(data.get("contentSchema", {}))
    found = (document.resolve(one) for one in event.get("oneOf", ()) or event.get("anyOf", ()))
    return {one["properties"]["type"]["const"]: one for one in found}


def is_preview(event: Event, context: Context, operation: str) -> bool:
    """Whether an event carries a picture that is not finished, as the document describes the operation's stream."""
    return "partial_image_index" in kinds(context.document, operation).get(event.type, {}).get("required", ())


def _known(exchange: Exchange, context: Context) -> bool:
    """Whether this is a stream all of whose events are of known kinds: only then can order and fields be judged."""
    found = answer(exchange)
    names = kinds(context.document, exchange.probe.operation)
    return found.served and found.streamed and all(event.type in names or event.failed for event in found.events)


def _previews(exchange: Exchange, context: Context) -> Iterator[tuple[int, Event]]:
    for place, event in enumerate(answer(exchange).events):
        if is_preview(event, context, exchange.probe.operation):
            yield place, event


def _typed(rule: str) -> None:
    @judges(rule)
    def stream_type(exchange: Exchange, context: Context) -> Said:
        found = answer(exchange)
        if not found.served:
            return refused_feature(exchange, context, rule, "a stream was refused")
        if found.streamed:
            return True
        return Breach("a stream was asked for and none came", asked(exchange), exchange.media_type or "no type")


for _rule in each("STREAM-TYPE", GEN, EDIT):
    _typed(_rule)


@judges(*each("STREAM-NAMES", GEN, EDIT))
def names(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served or not found.streamed or not found.events:
        return None
    known = kinds(context.document, exchange.probe.operation)
    for event in found.events:
        if event.failed:
            continue
        if event.type not in known:
            return Breach(UNKNOWN_KIND, shown(" or ".join(known), 90), shown(event.type or event.data))
        if event.name is not None and event.name != event.type:
            return Breach("the event line is not the type of its data", event.type, shown(event.name))
    return True


@judges(*each("STREAM-FIELDS", GEN, EDIT))
def fields(exchange: Exchange, context: Context) -> Said:
    if not _known(exchange, context) or not answer(exchange).events:
        return None
    schemas = kinds(context.document, exchange.probe.operation)
    last = len(answer(exchange).events) - 1
    for place, event in enumerate(answer(exchange).events):
        cut = place == last and exchange.failure and event.json is None  # another rule tells of an end that is missing
        if event.type not in schemas or cut:
            continue
        problem = _misfit(event.json, schemas[event.type])
        if problem:
            return Breach("an event does not have the fields of its kind", event.type, f"event {place}: {problem}")
        if isinstance(event.json, dict) and event.json.get("url"):
            return Breach("an event carries a url", "b64_json only", f"event {place}: {shown(event.json['url'])}")
    return True


def _misfit(data: Any, schema: Mapping[str, Any]) -> str:
    """The first field that is missing or of another JSON type. `usage` has a rule of its own, and so has base64."""
    if not isinstance(data, dict):
        return "no JSON object"
    for name in schema["required"]:
        if name == "usage":
            continue
        if name not in data:
            return f"{name} is absent"
        kind = schema["properties"][name].get("type")
        if kind and not Draft202012Validator({"type": kind}).is_valid(data[name]):
            return f"{name} is {shown(data[name], 30)}"
    return ""


@judges(*each("STREAM-ORDER", GEN, EDIT))
def order(exchange: Exchange, context: Context) -> Said:
    if not _known(exchange, context) or not answer(exchange).events:
        return None
    most = exchange.probe.asked.get("partial_images") or 0
    last = len(answer(exchange).events) - 1
    lost = last if exchange.failure and answer(exchange).events[last].json is None else -1  # cut, and no event yet
    previews = [(place, event) for place, event in _previews(exchange, context) if place != lost]
    indexes = [event.json.get("partial_image_index") if isinstance(event.json, dict) else None for _, event in previews]
    if len(previews) > most:
        return Breach("more previews than were asked for", f"partial_images={most}", f"{len(previews)} previews")
    if indexes != list(range(len(indexes))):
        return Breach("previews are not numbered from 0 without gaps", f"0 to {len(indexes) - 1}", shown(indexes))
    last = max((place for place, _ in previews), default=-1)
    if any(event.completed for event in answer(exchange).events[: last + 1]):
        return Breach("a preview comes after the completed event", "completed last", f"preview at event {last}")
    return True


def _bare(rule: str) -> None:
    @judges(rule)
    def bare(exchange: Exchange, context: Context) -> Said:
        if not answer(exchange).served:
            return refused_feature(exchange, context, rule, "a stream without previews was refused")
        if not _known(exchange, context) or exchange.probe.asked.get("partial_images"):
            return None
        previews = list(_previews(exchange, context))
        if previews:
            return Breach("previews came that were not asked for", asked(exchange), f"{len(previews)} previews")
        return True if sum(event.completed for event in answer(exchange).events) == 1 else None


for _rule in each("STREAM-BARE", GEN, EDIT):
    _bare(_rule)


@judges(*each("STREAM-TERMINAL", GEN, EDIT))
def terminal(exchange: Exchange, context: Context) -> Said:
    if not _known(exchange, context):
        return None
    found = answer(exchange).events
    done = [place for place, event in enumerate(found) if event.completed and isinstance(event.json, dict)]
    last_preview = max((place for place, _ in _previews(exchange, context)), default=-1)
    if len(done) != 1:
        kinds_seen = shown(", ".join(event.type or "?" for event in found) or "no events", 100)
        return Breach("a stream of one picture has not exactly one completed event", "1", f"{len(done)}: {kinds_seen}")
    if not found[done[0]].ended and not exchange.failure:
        return Breach("no blank line ends the completed event: clients drop it", "a blank line", "the end of the body")
    if found[done[0]].json.get("b64_json") == "":
        return Breach("the completed event carries no picture", "b64_json", "b64_json is empty")
    if done[0] != len(found) - 1 and last_preview < done[0]:  # a late preview breaks the rule on order
        return Breach("the completed event is not the last", "completed last", shown(found[-1].type))
    return True


@judges(*each("STREAM-PICTURES", GEN, EDIT))
def pictures(exchange: Exchange, context: Context) -> Said:
    wanted, said = wanted_format(exchange, context), None
    for place, event in _previews(exchange, context):
        text = event.json.get("b64_json") if isinstance(event.json, dict) else None
        data = lenient(text) if isinstance(text, str) else None
        if data is None:
            if isinstance(text, str):
                return Breach("a preview is no picture", "base64 of a picture", f"event {place}: {shown(text, 40)}")
            continue  # a missing field has a rule of its own
        facts = look(data)
        if facts.problem:
            return Breach("a preview does not decode", "", f"event {place}: {facts.problem}")
        if wanted and facts.format != wanted:
            return Breach("a preview is in another file format", wanted, f"event {place}: {facts.format}")
        said = True
    return True if said else None


@judges(*each("STREAM-USAGE", GEN, EDIT))
def usage(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    done = [event for event in found.events if event.completed and isinstance(event.json, dict)]
    if not found.served or not done:
        return None
    if context.family is not None and not context.family.returns.usage:
        return None
    for place, event in _previews(exchange, context):
        if isinstance(event.json, dict) and event.json.get("usage") is not None:
            return Breach("a preview carries usage", "on the completed event alone", f"event {place}")
    problem = misshapen(done[-1].json.get("usage")) if done[-1].json.get("usage") is not None else "usage is absent"
    return Breach("the completed event carries no usage", "usage", problem) if problem else True
