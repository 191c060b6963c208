"""What the Python programs here tell: pictures as files, and one line of JSON with the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Told:
    """Pictures in files of the working folder, types of events, and the error, if there was one."""

    def __init__(self) -> None:
        self._all: dict[str, Any] = {"pictures": [], "events": []}

    def picture(self, data: bytes, event: str = "") -> None:
        name = f"picture-{len(self._all['pictures'])}"
        Path(name).write_bytes(data)
        self._all["pictures"].append(name)
        self._all["events"] += [event] if event else []

    def error(self, error: Any, kind: type) -> None:
        """An error that was caught as one of this kind."""
        members = {name: getattr(error, name) for name in ("message", "param", "code")}
        self._all = {"error": {"type": kind.__name__, "status": error.status_code, **members}}

    def say(self) -> None:
        print(json.dumps(self._all))
