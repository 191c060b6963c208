"""What was decided where the sources differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator

from imageproof.contract.decisions import Decision
from imageproof.emit.targets.docs.blocks import Block, Facts, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.catalogue import Catalogue
from imageproof.emit.targets.docs.places import DECISIONS, Places
from imageproof.emit.targets.docs.text import Inline, Place, anchor, code, codes, counted, link, prose, text


def sheet(ours: Catalogue, places: Places) -> Sheet:
    """The page of all decisions, in file order."""
    found, known = ours.found, ours.accounts
    rows = found.decisions.rows.values()
    settled = {one for row in rows for one in row.settles}
    lead = text(
        f"{counted(len(rows), 'decision')} on what the sources say otherwise than each other or than the contract: "
        f"who says what, what the contract says, why. They settle {len(settled)} contradictions that research counted."
    )
    heads = tuple(map(text, ("Decision", "Topic", "Differences", "Settles")))
    covered = Counter((one.source, row.id) for one in found.discrepancies for row in found.covering[one.key])
    overview = [
        Row(
            (
                code(row.id, place(row.id)),
                prose(row.topic),
                text(sum(covered[name, row.id] for name in known)),
                codes(row.settles),
            )
        )
        for row in rows
    ]
    entries = [_entry(row, {name for name in known if covered[name, row.id]}, known, places) for row in rows]
    table = Table(text("All decisions, in the order in which they stand below"), heads, tuple(overview))
    blocks = (
        Section(text("Overview"), "overview", (table,)),
        Section(text("One by one"), "decisions", tuple(entries)),
    )
    return Sheet(DECISIONS, "Decisions", "Decisions", lead, blocks)


def place(decision: str) -> Place:
    return Place(DECISIONS, anchor("decision", decision))


def source_place(source: str, at: str = "") -> Place:
    return Place(f"sources/{source}", at)


def lands(pointer: str, places: Places) -> Inline:
    """Where a decision lands in the contract."""
    return code(f"#{pointer}", places.at(pointer))


def lines(numbers: Iterable[int]) -> Inline:
    """ "line 3", "lines 3, 7"; nothing for none."""
    told = ", ".join(map(str, sorted(set(numbers))))
    return text(f"line{'s' if ',' in told else ''} {told}") if told else ()


def _entry(row: Decision, covered: Container[str], known: Container[str], places: Places) -> Section:
    facts = (
        ("Decision", code(row.id)),
        ("The contract says", prose(row.decision)),
        ("Why", prose(row.reason)),
        ("Lands at", lands(row.lands, places)),
        ("Settles", codes(row.settles)),
    )
    blocks: list[Block] = [
        Table(text("Who says what"), tuple(map(text, ("Source", "Says", "Where"))), tuple(_said(row, covered, known))),
        Facts(tuple((name, said) for name, said in facts if said)),
    ]
    return Section(prose(row.topic), place(row.id).anchor, tuple(blocks))


def _said(row: Decision, covered: Container[str], known: Container[str]) -> Iterator[Row]:
    """`covered` holds the sources whose pages have an entry of this decision."""
    for said in row.says:
        there = source_place(said.source, anchor("decision", row.id) if said.source in covered else "")
        name = link(said.source, there) if said.source in known else text(said.source)
        yield Row((name, prose(said.what), lines(said.lines)))
