"""The docs target: what a person reads, each page as HTML and as Markdown.

Capabilities are told of every document with model families. Requirements, sources and decisions belong to our own
contract, with or without overlays.
"""

from __future__ import annotations

from collections.abc import Iterator

from imageproof.contract.document import Document
from imageproof.contract.families import KEY, families
from imageproof.emit.targets.docs import (
    capabilities,
    decisions,
    findings,
    index,
    operations,
    providers,
    requirements,
    sources,
)
from imageproof.emit.targets.docs.blocks import Sheet
from imageproof.emit.targets.docs.catalogue import known_of
from imageproof.emit.targets.docs.places import places_of
from imageproof.emit.targets.docs.text import clean
from imageproof.emit.targets.docs.views import Entry, laid_out
from imageproof.emit.targets.page import Page
from imageproof.errors import UsageError


def pages(document: Document, name: str) -> list[Page]:
    """All pages, as HTML and as Markdown. UsageError for a document without families. `name` has no use here."""
    if not families(document):
        raise UsageError(
            f"target 'docs' tells what model families take, and {document.source} has no {KEY}; "
            "name other targets, as in --target python"
        )
    sheets = list(_sheets(document))
    navigation = [Entry(sheet.name, sheet.label) for sheet in sheets]
    return laid_out(sheets, navigation, clean(str(document.data["info"]["title"])))


def _sheets(document: Document) -> Iterator[Sheet]:
    ours = known_of(document)
    known = places_of(document, frozenset(ours.requirements if ours else ()))
    yield index.sheet(document, ours)
    yield capabilities.sheet(document, known)
    yield operations.sheet(document)
    if ours:
        yield requirements.sheet(ours.requirements, ours.seen, document)
        yield findings.sheet(ours.seen, ours.requirements)
        yield providers.sheet(ours.providers, known)
        yield decisions.sheet(ours, known)
        for account in ours.accounts.values():
            yield sources.sheet(account, ours.found, known)
