"""An exchange told to a person: what was sent and what came back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from imageproof_conformance.answers import parsed
from imageproof_conformance.exchange import Exchange, Finding, Part, Request
from imageproof_conformance.judges.events import events
from imageproof_conformance.report.clean import line, shorten

_LONG_TEXT = 60  # characters of a value inside a summary
MOST_EVENTS = 8  # of a stream, named


@dataclass(frozen=True)
class Told:
    """`sent` and `got` are one line each, safe to print."""

    sent: str
    got: str


def tell(exchange: Exchange) -> Told:
    return Told(_sent(exchange), _got(exchange))


def asked_and_got(finding: Finding) -> str:
    """The "asked …, got …" line of a finding, "" when it has neither."""
    pair = {"asked": line(finding.asked), "got": line(finding.got)}
    return ", ".join(f"{name} {text}" for name, text in pair.items() if text)


def _sent(exchange: Exchange) -> str:
    request = exchange.probe.request
    key = {"yes": "", "none": ", without a key", "bad": ", with a wrong key"}[request.key]
    return line(f"{request.method} {request.path} {_body(request)}".rstrip() + key)


def _body(request: Request) -> str:
    if request.parts is not None:
        return " ".join(_part(part) for part in request.parts)
    if request.raw is not None:
        return shorten(request.raw.decode("utf-8", "replace"), _LONG_TEXT)
    return json.dumps(brief(request.json), ensure_ascii=False) if request.json is not None else ""


def _part(part: Part) -> str:
    if part.filename is None:
        return f"{part.name}={shorten(part.data.decode('utf-8', 'replace'), _LONG_TEXT)}"
    return f"{part.name}=@{part.filename} ({part.media_type or 'no type'}, {len(part.data)} bytes)"


def _got(exchange: Exchange) -> str:
    if exchange.status is None:
        return line(exchange.failure)
    answer = parsed(exchange)
    if answer is not None:
        text = json.dumps(brief(answer), ensure_ascii=False)
    elif exchange.media_type == "text/event-stream":
        names = [event.type or "an event without a type" for event in events(exchange.body)]
        more = f" and {len(names) - MOST_EVENTS} more" if len(names) > MOST_EVENTS else ""
        text = "stream of " + (", ".join(names[:MOST_EVENTS]) + more if names else "no events")
    else:
        text = exchange.body[:LONGEST_BODY].decode("utf-8", "replace")
    cut = f" ({exchange.failure})" if exchange.failure else ""
    return line(f"{exchange.status} {exchange.media_type or 'no content type'}{cut} {text}")


LONGEST_BODY = 2000  # bytes of an answer that is not JSON


def brief(value: Any, depth: int = 4) -> Any:
    """A JSON value with long texts and lists shortened, so that a picture in base64 takes a few characters."""
    if isinstance(value, str):
        return value if len(value) <= _LONG_TEXT * 2 else f"{value[:_LONG_TEXT]}… ({len(value)} characters)"
    if depth == 0 and isinstance(value, (dict, list)):
        return "…"
    if isinstance(value, dict):
        return {str(key)[:_LONG_TEXT]: brief(one, depth - 1) for key, one in list(value.items())[:20]}
    if isinstance(value, list):
        return [brief(one, depth - 1) for one in value[:4]] + ([f"… ({len(value)} items)"] if len(value) > 4 else [])
    return value
