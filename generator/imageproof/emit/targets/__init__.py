"""The targets: what a description can be turned into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Target:
    """`module` has `pages(subject, name) -> list[Page]`; its subject is the described API, or the document itself."""

    name: str
    module: str
    subject: Literal["api", "document"]
    what: str


TARGETS = {
    target.name: target
    for target in (
        Target("python", "imageproof.emit.targets.python", "api", "a typed Python client"),
        Target(
            "openapi", "imageproof.emit.targets.openapi", "document", "the document with every model family's rules"
        ),
    )
}
