"""Server-sent events read as the HTML standard says (section 9.2.6), with the JSON that each carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from imageproof_conformance.answers import NO_JSON, strict

_LINE_END = re.compile(r"\r\n|\n|\r")
_DONE = "[DONE]"  # ends streams of other APIs; the official SDKs tolerate it here


@dataclass(frozen=True)
class Event:
    """One event. `name` is its `event` line, None without one; `json` its data, None when that is no JSON; `ended`
    whether a blank line follows it."""

    name: str | None
    data: str
    json: Any
    ended: bool = True

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
    """All events of a stream. Comments, unknown fields and the end marker of other APIs are passed over. A last event
    without its blank line is there too, and not `ended`: some clients see it, and those that read as the standard says
    do not."""
    found: list[Event] = []
    name: str | None = None
    data: list[str] = []
    lines = _LINE_END.split(body.decode("utf-8", errors="replace").removeprefix("\ufeff"))
    for place, line in enumerate([*lines, ""]):
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            continue
        if data and (text := "\n".join(data)).strip() != _DONE:
            found.append(Event(name, text, _json(text), ended=place < len(lines) - 1))
        name, data = None, []
    return tuple(found)


def _json(text: str) -> Any:
    found = strict(text)
    return None if found is NO_JSON else found
