"""The first page: what is here, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator

from imageproof.contract.compare import KINDS
from imageproof.contract.document import Document
from imageproof.contract.families import families
from imageproof.contract.overlay import layers
from imageproof.contract.requirements import LEVELS
from imageproof.emit.targets.docs.blocks import Block, Bullets, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.capabilities import status
from imageproof.emit.targets.docs.catalogue import Catalogue
from imageproof.emit.targets.docs.decisions import source_place
from imageproof.emit.targets.docs.places import (
    CAPABILITIES,
    DECISIONS,
    FINDINGS,
    OPERATIONS,
    PROVIDERS,
    REQUIREMENTS,
    family_place,
)
from imageproof.emit.targets.docs.text import Inline, Place, code, counted, joined, link, prose, text


def sheet(document: Document, ours: Catalogue | None) -> Sheet:
    """The first page; `ours` is None for somebody else's document."""
    info = document.data["info"]
    blocks = (
        Section(text("Pages"), "pages", tuple(_pages(document, ours))),
        Section(text("Model families"), "families", (_families(document),)),
        *(_sources(ours) if ours else ()),
    )
    lead = joined([prose(str(info.get("summary", ""))), text(f"Version {info['version']}.")], " ")
    return Sheet("index", "Overview", str(info["title"]), lead, blocks)


def _pages(document: Document, ours: Catalogue | None) -> Iterator[Block]:
    known = families(document)
    models = counted(sum(len(family.models) for family in known), "model")
    about = f"allowed values, dates and prices of {models} in {counted(len(known), 'family', 'families')}"
    schemas = counted(len(document.data.get("components", {}).get("schemas", {})), "schema")
    shared = f"{counted(len(document.operations()), 'operation')} and {schemas} that all models share"
    points = [_point("Capabilities", CAPABILITIES, about), _point("Operations and schemas", OPERATIONS, shared)]
    if ours:
        rows = ours.requirements.values()
        levels = ", ".join(f"{sum(one.level == level for one in rows)} {level}" for level in LEVELS)
        rules = f"{counted(len(rows), 'rule')} ({levels}), of which {sum(one.judged for one in rows)} are judged"
        seen = (
            f"{counted(len(ours.seen), 'rule and breach', 'rules and breaches')} from outside, which requirements carry"
        )
        settled = f"{counted(len(ours.found.decisions.rows), 'topic')} on which the sources differ, and what is true"
        points += [_point("Requirements", REQUIREMENTS, rules), _point("Findings", FINDINGS, seen)]
        points.append(_point("Decisions", DECISIONS, settled))
        documented = f"what {counted(len(ours.providers), 'provider')} document, and do otherwise than the contract"
        points.append(_point("Providers", PROVIDERS, documented))
    yield Bullets(tuple(points))
    if document.overlays:
        files = joined(code(one.name) for one in layers(document))
        yield Paragraph(joined([text("Laid over the contract:"), files], " "))
        if ours:
            yield Paragraph(text("Sources and decisions are about the contract without them."))


def _point(title: str, name: str, about: str) -> Inline:
    return joined([link(title, Place(name)), text(about)], ": ")


def _families(document: Document) -> Table:
    rows = [
        Row(
            (
                code(family.id, family_place(family)),
                status(family),
                joined(code(one) for one in family.operations),
                joined(code(one) for one in family.models),
            )
        )
        for family in families(document)
    ]
    return Table(
        text("Families and their status"), tuple(map(text, ("Family", "Status", "Operations", "Models"))), tuple(rows)
    )


def _sources(ours: Catalogue) -> Iterator[Section]:
    rows = []
    for account in ours.accounts.values():
        one, counts = account.source, account.kinds()
        rows.append(
            Row(
                (
                    link(one.title, source_place(one.id)),
                    text(one.as_of),
                    text(len(account.discrepancies)),
                    *(text(counts[kind]) for kind in KINDS),
                    text(counts["note"]),
                    text(f"{account.broken()} of {len(account.examples)}"),
                    text(f"{account.fit} of {account.answers}"),
                )
            )
        )
    heads = (
        "Source",
        "As of",
        "Differences",
        *KINDS,
        "notes",
        "Examples that break the contract",
        "Real answers that fit",
    )
    caption = text("What the contract was made from, and what each says otherwise than it")
    yield Section(text("Sources"), "sources", (Table(caption, tuple(map(text, heads)), tuple(rows)),))
