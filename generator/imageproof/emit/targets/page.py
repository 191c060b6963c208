"""What a target hands over to be laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Page:
    """One file: `path` below the target's folder, and either its `text`, or a `template` with what it shows.

    `verbatim` names a file of the template folder that is copied as it is. `header` is put in front of either.
    """

    path: str
    template: str = ""
    view: Mapping[str, Any] = field(default_factory=dict)
    verbatim: str = ""
    text: str = ""
    header: str = ""
