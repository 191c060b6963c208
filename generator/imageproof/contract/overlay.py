"""Overlays as commands and reports know them: laid over a document, and named. `overlay_actions` does the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imageproof.contract.document import Document
from imageproof.contract.dump import fingerprint


@dataclass(frozen=True)
class Layer:
    """An overlay as reports and manifests name it: its file name, and the digest of its content."""

    name: str
    digest: str


def overlaid(document: Document, paths: Sequence[str]) -> Document:
    """The document with overlays laid over it, in their order; without any the document itself, which never changes.

    Raises DocumentError with all problems: of the files (see `read_overlay`), of actions that match nothing or do not
    fit what they match, and of a result that is no usable OpenAPI document, each where it was written.
    """
    if not paths:
        return document
    from imageproof.contract.overlay_actions import applied  # with the JSONPath library, which most runs do without

    return applied(document, paths)


def layers(document: Document) -> tuple[Layer, ...]:
    """The overlays that were laid over a document, in order."""
    return tuple(Layer(Path(one.source).name, fingerprint(one.data)) for one in document.overlays)
