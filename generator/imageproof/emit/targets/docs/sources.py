"""Each source held against the contract: what it gets wrong, and what is true."""

from __future__ import annotations

from collections.abc import Iterator

from imageproof.contract.compare import KINDS
from imageproof.contract.decisions import Decision
from imageproof.contract.examples import Example
from imageproof.contract.reconcile import Discrepancy, Reconciliation
from imageproof.contract.sources import Source
from imageproof.emit.targets.docs.blocks import Block, Facts, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.catalogue import Account
from imageproof.emit.targets.docs.decisions import lands, lines, place, source_place
from imageproof.emit.targets.docs.places import Places
from imageproof.emit.targets.docs.text import (
    NOTHING,
    Inline,
    anchor,
    code,
    counted,
    joined,
    mark,
    prose,
    text,
)

TONES = {"breaking": "bad", "narrower": "warn", "wider": "quiet", "extension": "quiet", "documentation": "quiet"}


def sheet(account: Account, found: Reconciliation, places: Places) -> Sheet:
    """The page of one source."""
    one = account.source
    blocks = (
        _about(account),
        Section(text("What it says, and what is true"), "differences", tuple(_decided(account, found, places))),
        *_notes(one, found),
        *_examples(account),
    )
    return Sheet(source_place(one.id).page, one.id, f"Source: {one.title}", prose(one.form), blocks)


def _about(account: Account) -> Section:
    one = account.source
    facts = (
        ("Name", code(one.id)),
        ("Language", code(one.language)),
        ("As of", text(one.as_of)),
        ("Length", text(counted(one.lines, "line")) if one.lines else NOTHING),
        ("Differences", text(len(account.discrepancies))),
        (
            "Real answers",
            text(f"{account.fit} of the contract's {counted(account.answers, 'example')} of answers fit its schemas"),
        ),
    )
    counts = account.kinds()
    rows = [Row((mark(kind, TONES[kind]), text(meaning), text(counts[kind]))) for kind, meaning in KINDS.items()]
    rows.append(Row((mark("note"), text("something that an OpenAPI document cannot hold"), text(counts["note"]))))
    heads = tuple(map(text, ("Kind", "What it means", "Differences")))
    table = Table(text("Differences by whom they touch"), heads, tuple(rows))
    return Section(text("What it is"), "about", (Facts(tuple((name, said) for name, said in facts if said)), table))


def _decided(account: Account, found: Reconciliation, places: Places) -> Iterator[Block]:
    one, own = account.source, account.discrepancies
    by_decision: dict[str, list[Discrepancy]] = {}
    for discrepancy in own:
        for row in found.covering[discrepancy.key]:
            by_decision.setdefault(row.id, []).append(discrepancy)
    if not own:
        yield Paragraph(text("It says nothing otherwise than the contract."))
    for identifier, row in found.decisions.rows.items():
        if identifier in by_decision:
            yield _decision(one, row, by_decision[identifier], places)
    undecided = [discrepancy for discrepancy in own if not found.covering[discrepancy.key]]
    if undecided:
        yield Section(text("Not decided yet"), "undecided", (_table(one, undecided, places),))


def _decision(one: Source, row: Decision, covered: list[Discrepancy], places: Places) -> Section:
    says = [joined([prose(said.what), _where(lines(said.lines))], " ") for said in row.says if said.source == one.id]
    facts = (
        ("Decision", code(row.id, place(row.id))),
        ("It says", joined(says, "; ")),
        ("True is", prose(row.decision)),
        ("Why", prose(row.reason)),
        ("Lands at", lands(row.lands, places)),
    )
    shown = tuple((name, said) for name, said in facts if said)
    return Section(prose(row.topic), anchor("decision", row.id), (Facts(shown), _table(one, covered, places)))


def _where(place: Inline) -> Inline:
    return joined([text("("), place, text(")")], "") if place else NOTHING


def _table(one: Source, covered: list[Discrepancy], places: Places) -> Table:
    heads = tuple(map(text, ("Where", "It says", "The contract says", "Kind", "Told in")))
    caption = text(counted(len(covered), "difference"))
    return Table(caption, heads, tuple(_discrepancy(one, discrepancy, places) for discrepancy in covered))


def _discrepancy(one: Source, discrepancy: Discrepancy, places: Places) -> Row:
    note, difference = discrepancy.note, discrepancy.difference
    if note:
        return Row((code(note.id), prose(note.says), NOTHING, mark(note.kind), _told_in(note.lines, note.origins)))
    assert difference is not None  # a discrepancy is one or the other
    named = code(f"{difference.operation or 'api'} {difference.place}", places.at(difference.our_pointer))
    where = joined([named, text(difference.aspect)], " ")
    told = _told_in(discrepancy.lines, () if discrepancy.lines else one.origins(difference.their_pointer))
    kind = mark(difference.kind, TONES[difference.kind])
    return Row((where, text(difference.theirs), text(difference.ours), kind, told))


def _told_in(numbers: tuple[int, ...], origins: tuple[str, ...]) -> Inline:
    return lines(numbers) or text(", ".join(origins))


def _notes(one: Source, found: Reconciliation) -> Iterator[Section]:
    if one.notes:
        rows = [
            Row(
                (
                    code(note.id),
                    mark(note.kind),
                    prose(note.says),
                    _told_in(note.lines, note.origins),
                    joined(code(row.id, place(row.id)) for row in found.covering.get(f"{one.id} note {note.id}", ())),
                ),
            )
            for note in one.notes
        ]
        heads = tuple(map(text, ("Note", "Kind", "Says", "Told in", "Decided by")))
        caption = text("What OpenAPI cannot hold: a defect of the document, a claim, a piece of advice")
        yield Section(text("Notes"), "notes", (Table(caption, heads, tuple(rows)),))


def _examples(account: Account) -> Iterator[Section]:
    rows = [_example(example) for example in account.examples]
    if rows:
        heads = tuple(map(text, ("Example", "Of", "Line", "Its own document says", "The contract says")))
        caption = text("Each example of the source, against its own document and against the contract")
        yield Section(text("Examples"), "examples", (Table(caption, heads, tuple(rows)),))


def _example(example: Example) -> Row:
    of = "request" if example.place == "request" else f"answer {example.place}"
    return Row(
        (
            code(example.name),
            joined([code(example.operation), text(of)], " "),
            text(example.line or ""),
            _verdict(example.own),
            _verdict(example.contract),
        )
    )


def _verdict(faults: tuple[str, ...]) -> Inline:
    return text("; ".join(faults)) if faults else mark("fits", "good")
