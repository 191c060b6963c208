"""Judges of error answers: the envelope, its keys, and what must not be in it."""

from __future__ import annotations

import re

from imageproof_conformance.answers import unknown_model
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown
from imageproof_conformance.judges.refusal import CLOSED
from imageproof_conformance.judges.served import shown_body
from imageproof_conformance.judges.table import Breach, Context, Said, judges

# Marks of a stack trace in the languages that servers are written in.
_TRACE = re.compile(
    rb"Traceback \(most recent call last\)|File \\?\"[^\"]{1,200}\\?\", line \d+|\.(?:js|ts|mjs|go|java|rb|py):\d+"
    rb"|goroutine \d+ \[|\bat [\w.$<>]+ ?\([^)\n]{1,200}:\d+"
)


NEAR = 1.0  # seconds between the end of a call and the next one
_CARRIER = re.compile(r"multipart|form-data|application/json|content.?type|media.?type", re.IGNORECASE)

_STREAM = re.compile(r"\bstream", re.IGNORECASE)


def failed(exchange: Exchange) -> bool:
    return (exchange.status or 0) >= 400


@judges("ERR-ENVELOPE")
def envelope(exchange: Exchange, context: Context) -> Said:
    if not failed(exchange):
        return None
    found = answer(exchange)
    if not isinstance(found.json, dict):
        return Breach(
            "a refusal is no JSON object", "an `error` object", f"status {exchange.status}: {shown_body(exchange)}"
        )
    if found.error is None:
        got = (
            f"error: {shown(found.json['error'])}" if "error" in found.json else f"keys: {shown(', '.join(found.json))}"
        )
        return Breach("a refusal has no `error` object", "an `error` object", f"status {exchange.status}, {got}")
    message = found.error.get("message")
    if not isinstance(message, str) or not message:
        return Breach("`error` has no message", "a text", shown(message))
    return True


@judges("ERR-FOUR-KEYS")
def four_keys(exchange: Exchange, context: Context) -> Said:
    error = answer(exchange).error
    if not failed(exchange) or error is None:
        return None
    missing = [name for name in _required(context) if name not in error]
    if missing:
        return Breach("`error` lacks keys", ", ".join(missing), f"keys: {shown(', '.join(error))}")
    return (
        True
        if isinstance(error.get("type"), str)
        else Breach("`error.type` is no text", "a text", shown(error["type"]))
    )


def _required(context: Context) -> list[str]:
    """The keys that the contract requires in an error."""
    schemas = context.document.data.get("components", {}).get("schemas", {})
    envelope_schema = schemas.get("Error", {}).get("properties", {}).get("error", {})
    return list(context.document.resolve(envelope_schema).get("required", ()))


@judges("ERR-CODE")
def code(exchange: Exchange, context: Context) -> Said:
    return _text_or_null(exchange, "code")


@judges("ERR-PARAM")
def param(exchange: Exchange, context: Context) -> Said:
    return _text_or_null(exchange, "param")


def _text_or_null(exchange: Exchange, name: str) -> Said:
    error = answer(exchange).error
    if not failed(exchange) or error is None or name not in error:
        return None
    value = error[name]
    if value is None or isinstance(value, str):
        return True
    return Breach(f"`error.{name}` is neither text nor null", "a text or null", shown(value))


@judges("ERR-CONTENT-TYPE")
def content_type(exchange: Exchange, context: Context) -> Said:
    if not failed(exchange):
        return None
    if exchange.media_type == "application/json":
        return True
    return Breach("a refusal is not application/json", "application/json", exchange.media_type or "no type")


@judges("ERR-NO-DATA")
def no_data(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not isinstance(found.json, dict):
        return None
    if failed(exchange):
        return Breach("a refusal has `data`", "", shown(found.data)) if found.data is not None else True
    if found.served and found.json.get("error") is not None:
        return Breach("a success has `error`", f"status {exchange.status}", shown(found.json["error"]))
    return True if found.served else None


@judges("ERR-STATUS")
def status_400(exchange: Exchange, context: Context) -> Said:
    status = exchange.status or 0
    wrong = 400 < status < 500 and status not in CLOSED
    if wrong or (200 <= status < 300 and answer(exchange).error is not None):
        asked = exchange.probe.id.rpartition("/")[2]
        return Breach("a request that breaks a rule is not answered 400", shown(asked), f"status {status}")
    return True if status == 400 else None


@judges("ERR-NAMES-PARAM")
def names_param(exchange: Exchange, context: Context) -> Said:
    error, name = answer(exchange).error, exchange.probe.about
    if (
        error is None
        or not name
        or not answer(exchange).refused
        or exchange.status in CLOSED
        or unknown_model(exchange)
    ):
        return None
    # images: the image, the images, image[0], image_url; output_format: the output format.
    stem = name.partition("[")[0].removesuffix("s").replace("_", "[_ -]?")
    spoken = " ".join(str(error.get(one)) for one in ("param", "message"))
    if _CARRIER.search(spoken):
        return None  # the form of the body was refused, not what is in it
    if re.search(rf"(?<![A-Za-z0-9_]){stem}(?:s|_urls?)?(?![A-Za-z0-9_])", spoken, re.IGNORECASE):
        return True
    param = error.get("param")
    if exchange.probe.asked.get("stream") and _STREAM.search(spoken):
        return None  # it is over the stream that was asked for
    if isinstance(param, str) and _plain(param) in map(_plain, exchange.probe.asked):
        return None  # it is over another parameter of this call
    got = f"param: {shown(param, 30)}, message: {shown(error.get('message'), 60)}"
    return Breach("a refusal does not name the parameter that it is over", name, got)


@judges("ERR-OWN")
def own(exchange: Exchange, context: Context) -> Said:
    """Of two calls at the same time, each about one parameter: this one is told of the other's, which it does not have,
    and the other one is told of something else."""
    named = _named(exchange)
    if not named or named == _plain(exchange.probe.about):
        return True if named else None
    if named in map(_plain, exchange.probe.asked):
        return None
    for one in context.others:
        theirs = _plain(one.probe.about) == named and one.probe.operation == exchange.probe.operation
        if theirs and _together(one, exchange) and _named(one) not in ("", named):
            message = (
                f"a refusal is about `{named}`, which this call does not have and another one at the same time has"
            )
            return Breach(message, exchange.probe.about, f"param: {shown(named, 30)}")
    return None


def _named(exchange: Exchange) -> str:
    """The `param` of the refusal of a call that is about one parameter, "" where there is none."""
    error = answer(exchange).error
    if error is None or not exchange.probe.about or exchange.status != 400 or unknown_model(exchange):
        return ""
    return _plain(error["param"]) if isinstance(error.get("param"), str) else ""


def _together(one: Exchange, other: Exchange) -> bool:
    """Whether two calls were in flight together, or one right after the other."""
    first, second = sorted((one, other), key=lambda each: each.started)
    return second.started <= first.started + first.seconds + NEAR


def _plain(name: str) -> str:
    """A parameter without what follows in brackets: image[0], image[]."""
    return name.partition("[")[0]


@judges("ERR-WORDS")
def words(exchange: Exchange, context: Context) -> Said:
    error = answer(exchange).error
    if not failed(exchange) or error is None:
        return None
    kind, code = error.get("type"), error.get("code")
    if isinstance(kind, str) and not kind.strip():
        return Breach("`error.type` is empty", "a word", shown(kind))
    text = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    if re.fullmatch(r"[1-5][0-9]{2}", text.strip(), re.ASCII):
        return Breach("`error.code` is the number of a status", "a word or null", shown(code))
    return True


@judges("ERR-NO-TRACE")
def no_trace(exchange: Exchange, context: Context) -> Said:
    if not failed(exchange):
        return None
    match = _TRACE.search(exchange.body[: 2**20])
    if match:
        return Breach("a refusal shows a stack trace", "", shown(match[0].decode("utf-8", errors="replace")))
    return True
