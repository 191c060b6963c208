"""Judges of what every served request keeps: that it is served, the envelope, the count and the carriers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from imageproof_conformance.answers import MISCODED, said
from imageproof_conformance.encodings import encoding_refused
from imageproof_conformance.exchange import Exchange, Probe
from imageproof_conformance.judges.answer import Item, answer, shown, whole
from imageproof_conformance.judges.table import EDIT, GEN, VAR, Breach, Context, Said, each, judges

SKEW = 600.0  # seconds that a target's clock may be off
_CLOSED = frozenset({401, 402, 403, 404, 405, 407, 408, 425, 429, 501})  # says nothing of the request

# Rules of a feature: when a probe that lists one is refused, the feature is to blame, not the operation. The parameters
# are those that an error may name when it is this feature that it objects to; () is the only feature of its probe.
_FEATURES: Mapping[str, tuple[str, ...]] = {
    "EDIT-MASK-SERVED": ("mask",),
    "EDIT-IMAGE-LIST": (),
    "EDIT-IMAGE-SINGLE": ("image", "image[]"),
    "EDIT-JSON-SERVED": (),
    "GEN-NULL-OMITTED": (),
    "GEN-SAFETY-ECHO": ("safety_identifier",),
    "GEN-SAFETY-USER": ("user",),
    "EDIT-SAFETY-ECHO": ("safety_identifier", "user"),
    "GEN-SIZE-AUTO": ("size",),
    "EDIT-SIZE-AUTO": ("size",),
    "GEN-STREAM-TYPE": (),
    "EDIT-STREAM-TYPE": (),
    "GEN-STREAM-BARE": ("partial_images",),
    "EDIT-STREAM-BARE": ("partial_images",),
    "GEN-GIF-FRAMES": (),
    "EDIT-GIF-FRAMES": (),
    "GEN-SVG-ROOT": (),
    "EDIT-SVG-ROOT": (),
}


# What a target may lack if it says so: the parameter by which a call asks for it, and how an error may speak of it.
# All else that a family has is no ability of its own: a target that offers the model offers that.
_ABILITIES: Mapping[str, re.Pattern[str]] = {
    "stream": re.compile(r"\bstream", re.IGNORECASE),
    "response_format": re.compile(r"\bresponse_format\b"),
}


def declined(exchange: Exchange) -> str:
    """How a legal call was told that the target lacks an ability that it asked for, "" when it was not: 4xx with an
    error that names the ability, or 415 for a media type that only some targets take."""
    found, probe = answer(exchange), exchange.probe
    if probe.expect == "refused" or not found.refused or found.status in _CLOSED or found.error is None:
        return ""
    if _named_parameter(exchange) == "partial_images" and not probe.asked.get("partial_images"):
        return ""  # it streams, but not without previews
    said = shown(found.error.get("message"), 80)
    if found.status == 415 and "EDIT-JSON-SERVED" in probe.rules:
        return f"refused properly: status 415: {said}"
    param = found.error.get("param")
    for name, spoken in _ABILITIES.items():
        named = param == name if param else any(spoken.search(str(found.error.get(key))) for key in ("message", "code"))
        if named and probe.asked.get(name):
            return f"{name} is refused properly: status {found.status}: {said}"
    return ""


def objections(exchange: Exchange) -> frozenset[str]:
    """The optional parameters of a call that its error is about: those that it names, else abilities that it speaks
    of."""
    error = answer(exchange).error or {}
    param, words = str(error.get("param") or "").partition("[")[0], f"{said(exchange)} {error.get('code')}"
    given = [name for name, value in exchange.probe.asked.items() if value is not None and name not in _ANY_CALL]
    if param in given:
        return frozenset({param})
    spoken = [name for name in given if re.search(rf"\b{re.escape(name)}(?!\w)", words)]
    return frozenset(spoken or (name for name in given if name in _ABILITIES and _ABILITIES[name].search(words)))


_ANY_CALL = ("model", "prompt")  # no call does without them


def sole(rule: str) -> bool:
    """Whether a rule of a feature is to blame for any refusal of its probe, whatever the error names."""
    return rule in _FEATURES and not _FEATURES[rule]


def plain_rule(probe: Probe) -> str:
    """The rule that the operation serves legal requests, where a probe gives evidence for it; else ""."""
    return next((rule for rule in probe.rules if rule.endswith("-SERVED") and rule not in _FEATURES), "")


def blamed(exchange: Exchange, context: Context) -> str:
    """The one rule that a refused legal request breaks: that of a feature which its error names; where it names what no
    feature is about, that the operation serves legal requests; else the rule of the only feature of the probe, unless
    that works in another call; else that of the operation. The last alone where it serves none."""
    plain, probe = plain_rule(exchange.probe), exchange.probe
    if context.served is not None and probe.operation not in context.served:
        return plain
    if exchange.status == 406 and "GEN-ACCEPT-JSON" in probe.rules:
        return "GEN-ACCEPT-JSON"
    if plain and encoding_refused(exchange):
        return plain
    param = _named_parameter(exchange)
    listed = [rule for rule in _FEATURES if rule in probe.rules]
    named = [rule for rule in listed if param and param.partition("[")[0] in _FEATURES[rule]]
    only = [rule for rule in listed if not _FEATURES[rule] and not (plain and _works(rule, exchange, context))]
    if param and only and not named and _refused_without(only, param, exchange, context):
        return plain
    others = [plain] if plain and not named and isinstance(probe.asked.get(param), str | int) else []
    return next(iter([*named, *others, *only, plain]), "")


def _refused_without(rules: Collection[str], param: str, exchange: Exchange, context: Context) -> bool:
    """Whether another call of the operation, without these features, is refused over the same parameter."""
    mine = exchange.probe
    others = (one for one in context.others if (one.probe.model, one.probe.operation) == (mine.model, mine.operation))
    plain = (one for one in others if one.probe.expect == "served" and not {*rules} & {*one.probe.rules})
    return any(answer(one).refused and param in objections(one) for one in plain)


def _works(rule: str, exchange: Exchange, context: Context) -> bool:
    """Whether another call of the operation that asks for the same feature is served."""
    mine = exchange.probe
    others = (one for one in context.others if one.probe.id != mine.id and one.probe.model == mine.model)
    return any(
        rule in one.probe.rules and one.probe.operation == mine.operation and answer(one).served for one in others
    )


def _named_parameter(exchange: Exchange) -> str:
    """The parameter that an error is about: its `param`, without one the previews, which may be missed, or the only
    optional one of the call that its words name."""
    error = answer(exchange).error or {}
    if error.get("param"):
        return str(error["param"])
    named = {"partial_images"} if "partial_images" in str(error.get("message")) else objections(exchange)
    return next(iter(named)) if len(named) == 1 else ""


def serving(rule: str) -> Any:
    """The judge that a legal request is served, for the rule that is to blame when it is not."""

    def served(exchange: Exchange, context: Context) -> Said:
        found = answer(exchange)
        if found.served:  # of what is no answer at all nobody can say what it serves
            return True if found.streamed or isinstance(found.json, dict) else None
        return refused_feature(exchange, context, rule, "a request that the contract allows was not served")

    return judges(rule)(served)


def asked(exchange: Exchange, *names: str) -> str:
    """What a probe asked for, for a message: the named parameters, or all but prompt, model and files."""
    given = exchange.probe.asked
    chosen = names or tuple(name for name, value in given.items() if isinstance(value, str | int) or value is None)
    shy = ("prompt", "model")
    return shown(
        ", ".join(f"{name}={shown(given[name], 30)}" for name in chosen if name in given and name not in shy), 120
    )


def legal_pictures(exchange: Exchange) -> tuple[Item, ...]:
    """The pictures of a served call that was meant to be served."""
    return answer(exchange).items if exchange.probe.expect != "refused" else ()


_OTHERWISE_JUDGED = (
    *("GEN-SAFETY-ECHO", "GEN-SAFETY-USER", "EDIT-SAFETY-ECHO"),
    *each("STREAM-TYPE", GEN, EDIT),
    *each("STREAM-BARE", GEN, EDIT),
    *each("GIF-FRAMES", GEN, EDIT),
    *each("SVG-ROOT", GEN, EDIT),
)
for _rule in (*each("SERVED", GEN, EDIT, VAR), *(rule for rule in _FEATURES if rule not in _OTHERWISE_JUDGED)):
    serving(_rule)


@judges(*each("CONTENT-TYPE", GEN, EDIT, VAR))
def content_type(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served:
        return None
    if exchange.failure.startswith(MISCODED):
        return Breach(MISCODED, "", shown(f"content-encoding: {exchange.header('content-encoding')}"))
    if found.streamed and "GEN-ACCEPT-JSON" in exchange.probe.rules:
        return None  # that rule names it
    if exchange.media_type != "application/json":
        return Breach("a served request is not application/json", asked(exchange), exchange.media_type or "no type")
    return True if isinstance(found.json, dict) else Breach("the body is no JSON object", "", shown_body(exchange))


def shown_body(exchange: Exchange) -> str:
    return shown(exchange.body[:80].decode("utf-8", errors="replace"))


@judges(*each("CREATED-SECONDS", GEN, EDIT, VAR))
def created(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served or not found.head:
        return None
    name = "created_at" if found.streamed else "created"
    value: Any = found.head.get(name)
    if not whole(value):
        return Breach(f"{name} is no whole number", "", f"{name}: {shown(value)}" if name in found.head else "absent")
    if not exchange.started - SKEW <= value <= exchange.started + exchange.seconds + SKEW:
        return Breach(f"{name} is not the time of the call in seconds", f"about {exchange.started:.0f}", shown(value))
    return True


@judges(*each("COUNT", GEN, EDIT, VAR))
def count(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served or found.streamed or not isinstance(found.json, dict):
        return None
    wanted = exchange.probe.asked.get("n") or 1
    if not isinstance(found.data, list):
        got = f"data: {shown(found.data)}" if "data" in found.json else f"keys: {shown(', '.join(found.json))}"
        return Breach("data is no list", f"n={wanted}", got)
    if len(found.data) != wanted:
        return Breach("another number of pictures than was asked for", f"n={wanted}", f"{len(found.data)} in data")
    return True


@judges(*each("ONE-CARRIER", GEN, EDIT, VAR))
def one_carrier(exchange: Exchange, context: Context) -> Said:
    for index, item in enumerate(answer(exchange).items):
        if not isinstance(item.raw, dict):
            return Breach("an entry of data is no object", "", f"data[{index}]: {shown(item.raw)}")
        if bool(item.b64) == bool(item.url):
            got = "both url and b64_json" if item.b64 else f"neither; keys: {shown(', '.join(item.raw))}"
            return Breach("a picture does not come as exactly one of url and b64_json", "", f"data[{index}]: {got}")
    return True if answer(exchange).items else None


@judges(*each("CARRIER", GEN, EDIT, VAR))
def carrier(exchange: Exchange, context: Context) -> Said:
    wanted = wanted_carrier(exchange, context)
    carriers = [(item.b64, item.url) for item in legal_pictures(exchange) if item.b64 or item.url]
    if not wanted or not carriers:
        return None
    if all(b64 if wanted == "b64_json" else url for b64, url in carriers):
        return True
    other = "url" if wanted == "b64_json" else "b64_json"
    return Breach("the pictures come in another carrier", wanted, other)


def wanted_carrier(exchange: Exchange, context: Context) -> str:
    """The carrier that an answer must use: the one asked for where there is a choice, else the model's; "" unknown."""
    named = exchange.probe.asked.get("response_format")
    if context.family is None:
        return named if named in ("url", "b64_json") else ""
    own = context.family.returns.carriers
    return str(named) if named in own else own[0]


@judges("GEN-ACCEPT-JSON")
def accept_json(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served:
        return refused_feature(exchange, context, "GEN-ACCEPT-JSON", "the Accept header was refused")
    accept = next((value for name, value in exchange.probe.request.headers if name.lower() == "accept"), "")
    if found.streamed:
        return Breach("events came that were not asked for", f"Accept: {shown(accept)}", exchange.media_type)
    return True if isinstance(found.json, dict) else None


@judges(*each("ITEM-ABSENT", GEN, EDIT, VAR))
def item_absent(exchange: Exchange, context: Context) -> Said:
    entries = [item.raw for item in answer(exchange).items if isinstance(item.raw, dict)]
    for index, entry in enumerate(entries):
        for name, value in entry.items():
            if value is None or value == "":
                message = "an entry of data has a member without a value"
                return Breach(message, "left out", f"data[{index}].{shown(name, 30)}: {shown(value) or 'empty'}")
    return True if entries else None


def refused_feature(exchange: Exchange, context: Context, rule: str, message: str) -> Said:
    """A breach when the feature of a rule is to blame for a refusal; None when something else is."""
    status = exchange.status or 0
    if exchange.probe.expect != "served" or status in _CLOSED or status < 400 or declined(exchange):
        return None
    if blamed(exchange, context) != rule:
        return None
    words = (answer(exchange).error or {}).get("message")
    return Breach(message, asked(exchange), f"status {status}" + (f": {shown(words)}" if words else ""))


@judges("GEN-REVISED-PROMPT")
def revised_prompt(exchange: Exchange, context: Context) -> Said:
    for index, item in enumerate(answer(exchange).items):
        value = item.raw.get("revised_prompt") if isinstance(item.raw, dict) else None
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            return Breach("revised_prompt is no text", "", f"data[{index}]: {shown(value)}")
        if context.family is not None and not context.family.returns.revised_prompt and value:
            return Breach("a model that rewrites no prompt sent revised_prompt", "", f"data[{index}]: {shown(value)}")
    return True if answer(exchange).items else None
