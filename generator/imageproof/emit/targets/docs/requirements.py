"""The catalogue of requirements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from imageproof.contract.document import Document
from imageproof.contract.findings import Finding
from imageproof.contract.requirements import BREAKS, COSTS, LEVELS, Requirement
from imageproof.emit.targets.docs.blocks import Block, Bullets, Facts, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.places import FINDINGS, OPERATIONS, REQUIREMENTS
from imageproof.emit.targets.docs.text import (
    Inline,
    Place,
    anchor,
    code,
    codes,
    counted,
    joined,
    mark,
    prose,
    text,
)

# The first word of an id says what the rule is about.
SUBJECTS = {
    "GEN": "Generations",
    "EDIT": "Edits",
    "VAR": "Variations",
    "ERR": "Errors",
    "AUTH": "Keys",
    "MODELS": "Models",
    "HTTP": "HTTP",
}
TONES = {"MUST": "bad", "SHOULD": "warn", "MAY": "quiet", "INFO": "quiet"}
MEANS = {
    "MUST": "a source says it outright, or it follows from several",
    "SHOULD": "practice says it; a breach is a warning",
    "MAY": "the official material contradicts itself, or both answers are seen: served and refused both pass",
    "INFO": "told, never judged",
}
# How a requirement stands: the title of its group, and the mark of its entry.
STANDINGS = {
    "exchange": ("what answers must keep", "judged", "good"),
    "refusal": ("requests to refuse", "judged", "good"),
    "pending": ("no judge yet", "pending", "warn"),
    "excluded": ("not judged", "excluded", "quiet"),
    "retired": ("no longer a rule", "retired", "quiet"),
}


def sheet(known: Mapping[str, Requirement], seen: Mapping[str, Finding], document: Document) -> Sheet:
    """The page of all requirements, by subject and by how they are judged."""
    groups: dict[str, list[Requirement]] = {}
    for one in known.values():
        prefix = one.id.partition("-")[0]
        groups.setdefault(SUBJECTS.get(prefix, prefix), []).append(one)
    order = sorted(groups, key=lambda name: (*SUBJECTS.values(), name).index(name))
    lead = text("Every rule of the contract by its stable id: who says so, what judging costs, whom a breach breaks.")
    blocks = (
        Section(text("In numbers"), "numbers", tuple(_summary(known))),
        *(
            Section(text(name), anchor("subject", name), tuple(_group(name, groups[name], seen, document)))
            for name in order
        ),
    )
    return Sheet(REQUIREMENTS, "Requirements", "Requirements", lead, blocks)


def standing(one: Requirement) -> str:
    """The key of STANDINGS."""
    return one.judge or ("retired" if one.retired else "excluded")


def place(identifier: str) -> Place:
    return Place(REQUIREMENTS, anchor(identifier))


def _summary(known: Mapping[str, Requirement]) -> Iterator[Block]:
    counts = Counter((one.level, STANDINGS[standing(one)][1]) for one in known.values())
    words = list(dict.fromkeys(word for _, word, _ in STANDINGS.values()))
    rows = [
        Row((mark(level, TONES[level]), text(MEANS[level]), *(text(counts[level, word]) for word in words)))
        for level in LEVELS
    ]
    heads = tuple(map(text, ("Level", "What it means", *words)))
    yield Table(text(f"{counted(len(known), 'requirement')} by level"), heads, tuple(rows))


def _group(name: str, rows: list[Requirement], seen: Mapping[str, Finding], document: Document) -> Iterator[Section]:
    for key, (title, _, _) in STANDINGS.items():
        entries = tuple(_entry(one, seen, document) for one in rows if standing(one) == key)
        if entries:
            yield Section(text(f"{name}: {title}"), anchor("subject", name, key), entries)


def _entry(one: Requirement, seen: Mapping[str, Finding], document: Document) -> Section:
    _, word, tone = STANDINGS[standing(one)]
    title = joined([code(one.id), mark(one.level, TONES[one.level]), mark(word, tone)], " ")
    facts = (
        ("Said by", text("; ".join(one.sources))),
        ("Since", text(one.since)),
        ("Operations", joined(_operation(name, document) for name in one.operations)),
        ("Places", codes(one.about)),
        ("Families", codes(one.families)),
        ("Needs", codes(one.needs)),
        ("Cost", text(COSTS[one.cost])),
        ("A breach breaks", text("; ".join(BREAKS[name] for name in one.breaks))),
        ("Judged", _judged(one)),
    )
    blocks: list[Block] = [Paragraph(prose(one.sentence)), Facts(tuple((name, said) for name, said in facts if said))]
    if one.carries:
        blocks.append(Paragraph(text("Findings that it carries:")))
        blocks.append(Bullets(tuple(_carried(seen[name]) for name in one.carries)))
    return Section(title, anchor(one.id), tuple(blocks))


def _carried(one: Finding) -> Inline:
    return joined([code(one.id, Place(FINDINGS, anchor(one.id))), prose(one.what)], ": ")


def _operation(name: str, document: Document) -> Inline:
    known = name in document.operations()
    return code(name, Place(OPERATIONS, anchor("operation", name)) if known else None)


def _judged(one: Requirement) -> Inline:
    verb = "may" if one.level == "MAY" else "must"
    told = {
        "refusal": text(f"by sending such a request, which {verb} be refused properly"),
        "exchange": text("by reading answers: a function of that id"),
        "pending": text("not yet: there is no judge for it, so it counts as not tested"),
        "excluded": joined([text("no"), prose(one.excluded)], ": "),
        "retired": joined([text("no longer, since"), prose(one.retired)], " "),
    }
    return told[standing(one)]
