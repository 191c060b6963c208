"""The targets: what a description can be turned into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Target:
    """`module` has `pages(subject, name) -> list[Page]`; its subject is the described API, or the document itself.
    `families` says that it is of use for documents with model families alone, `path` that its `pages` take the path of
    the emitted module too."""

    name: str
    module: str
    subject: Literal["api", "document"]
    what: str
    families: bool = False
    path: bool = False


TARGETS = {
    target.name: target
    for target in (
        Target("python", "imageproof.emit.targets.python", "api", "a typed Python client"),
        Target("typescript", "imageproof.emit.targets.typescript", "api", "a typed TypeScript client"),
        Target("go", "imageproof.emit.targets.golang", "api", "a typed Go client", path=True),
        Target(
            "openapi", "imageproof.emit.targets.openapi", "document", "the document with every model family's rules"
        ),
        Target("docs", "imageproof.emit.targets.docs", "document", "what a person reads, as HTML and Markdown", True),
    )
}
