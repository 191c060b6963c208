"""Server-sent events read as the HTML standard says (section 9.2.6), with the JSON that each carries."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_LINE_END = re.compile(r"\r\n|\n|\r")
_DONE = "[DONE]"  # ends streams of other APIs; the official SDKs tolerate it here


@dataclass(frozen=True)
class Event:
    """One event. `name` is its `event` line, None without one; `json` its data, None when that is no JSON."""

    name: str | None
    data: str
    json: Any

    @property
    def type(self) -> str:
        """The `type` of its JSON, else its name, else ""."""
        found = self.json.get("type") if isinstance(self.json, dict) else None
        return found if isinstance(found, str) else self.name or ""

    @property
    def completed(self) -> bool:
        return self.type.endswith(".completed")

    @property
    def failed(self) -> bool:
        return self.type == "error" or (isinstance(self.json, dict) and bool(self.json.get("error")))


def events(body: bytes) -> tuple[Event, ...]:
    """All events of a stream. Comments, unknown fields and the end marker of other APIs are passed over; a last event
    without its blank line counts, since clients that read to the end see it."""
    found: list[Event] = []
    name: str | None = None
    data: list[str] = []
    for line in [*_LINE_END.split(body.decode("utf-8", errors="replace").removeprefix("\ufeff")), ""]:
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            continue
        if data and (text := "\n".join(data)).strip() != _DONE:
            found.append(Event(name, text, _json(text)))
        name, data = None, []
    return tuple(found)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
