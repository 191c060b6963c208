"""The providers whose documents are written down: where they are, what they offer, and what they do otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageproof.contract.providers import Deviation, Offers, Provider
from imageproof.emit.targets.docs.blocks import Block, Facts, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.places import PROVIDERS, Places
from imageproof.emit.targets.docs.text import Inline, Place, anchor, code, codes, counted, joined, prose, text


def sheet(known: Mapping[str, Provider], places: Places) -> Sheet:
    """The page of all providers."""
    lead = prose(
        f"What {counted(len(known), 'provider')} document, read and not tried. "
        "`imageproof conform --provider NAME` asks where a profile says, judges by its families, and tells where the "
        "target does otherwise. A documented deviation still fails, labelled as known."
    )
    heads = ("Profile", "Provider", "Base path", "Key", "Models", "Deviations", "Source", "Date")
    rows = tuple(_row(one, places) for one in known.values())
    table = Table(text("Providers, and what they document"), tuple(map(text, heads)), rows, wide=True)
    sections = tuple(_section(one, places) for one in known.values())
    return Sheet(PROVIDERS, "Providers", "Providers", lead, (Section(text("All"), "all", (table,)), *sections))


def _row(one: Provider, places: Places) -> Row:
    rules = [rule for deviation in one.deviations for rule in deviation.rules]
    return Row(
        (
            code(one.id, Place(PROVIDERS, anchor("provider", one.id))),
            text(one.name),
            code(one.base_path or "/v1"),
            code(_key(one)),
            codes(one.models) or text("as the user names them"),
            joined(map(places.rule, rules)) or text("none"),
            text(one.source),
            text(one.date),
        )
    )


def _section(one: Provider, places: Places) -> Section:
    return Section(text(one.name), anchor("provider", one.id), tuple(_blocks(one, places)))


def _blocks(one: Provider, places: Places) -> Iterator[Block]:
    if one.about:
        yield Paragraph(prose(one.about))
    facts = (
        ("Status", text(one.status)),
        ("Source", text(f"{one.source}, {one.date}")),
        ("Base URL", code(one.base_url) if one.base_url else text("a host of one's own")),
        ("Base path", code(one.base_path or "/v1")),
        ("Query", codes(f"{name}={value}" for name, value in one.query)),
        ("Key", code(_key(one))),
        ("Models", joined(joined([code(name), code(family)], " as ") for name, family in one.models.items())),
        ("Families of its own", joined(map(_family, one.rows))),
        ("Other models", code(one.behaves_as) if one.behaves_as else ()),
        *_offers(one.offers),
    )
    yield Facts(tuple((name, said) for name, said in facts if said))
    if one.deviations:
        heads = tuple(map(text, ("Rules", "What it does", "Source", "Date")))
        yield Table(text("Documented deviations"), heads, tuple(_deviation(row, places) for row in one.deviations))


def _family(row: Mapping[str, Any]) -> Inline:
    """A family in short: what it is like, and of which day its prices are."""
    said = [text("like"), code(row["like"])] if "like" in row else []
    said += [text(f"with prices of {row['prices']['date']}")] if "prices" in row else []
    return joined([code(row["id"]), *said], " ")


def _deviation(one: Deviation, places: Places) -> Row:
    return Row((joined(map(places.rule, one.rules)), prose(one.what), text(one.source), text(one.date)))


def _offers(offers: Offers) -> Iterator[tuple[str, Inline]]:
    if offers.operations is not None:
        yield "Operations", codes(sorted(offers.operations)) or text("none under the paths of the contract")
    if offers.carrier:
        yield "Carrier", code(offers.carrier)
    if offers.encodings is not None:
        yield "Edits as", codes(sorted(offers.encodings))
    for name, value in (("Streams", offers.stream), ("Masks", offers.mask)):
        if value is not None:
            yield name, text("yes" if value else "no")


def _key(one: Provider) -> str:
    shown = f"{one.key_header}: {one.key_scheme} KEY".replace(":  ", ": ")
    return shown if one.key_needed else f"none, or {shown}"
