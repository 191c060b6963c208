"""The targets: what a description can be turned into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Target:
    """`module` has `pages(subject, name) -> list[Page]`; its subject is the described API, or the document itself.
    `families` says that it is of use for documents with model families alone."""

    name: str
    module: str
    subject: Literal["api", "document"]
    what: str
    families: bool = False


TARGETS = {
    target.name: target
    for target in (
        Target("python", "imageproof.emit.targets.python", "api", "a typed Python client"),
        Target("typescript", "imageproof.emit.targets.typescript", "api", "a typed TypeScript client"),
        Target(
            "openapi", "imageproof.emit.targets.openapi", "document", "the document with every model family's rules"
        ),
        Target("docs", "imageproof.emit.targets.docs", "document", "what a person reads, as HTML and Markdown", True),
    )
}
