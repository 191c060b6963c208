"""What is known beside the documents: rules that callers can see, and what broke for users of real servers."""

from __future__ import annotations

from collections.abc import Mapping

from imageproof.contract.findings import Finding
from imageproof.contract.requirements import BREAKS, Requirement
from imageproof.emit.targets.docs.blocks import Row, Section, Sheet, Table
from imageproof.emit.targets.docs.places import FINDINGS
from imageproof.emit.targets.docs.requirements import place
from imageproof.emit.targets.docs.text import Inline, anchor, code, counted, joined, prose, text

STRENGTHS = {
    "hard": "a source says it",
    "soft": "practice says it",
    "derived": "it follows from several",
}


def sheet(seen: Mapping[str, Finding], known: Mapping[str, Requirement]) -> Sheet:
    """The page of all findings, each with the requirements that carry it."""
    carriers: dict[str, list[Inline]] = {}
    for one in known.values():
        for name in one.carries:
            carriers.setdefault(name, []).append(code(one.id, place(one.id)))
    rules = [
        Row((code(one.id), prose(one.what), _rule(one), joined(carriers.get(one.id, ()))), anchor(one.id))
        for one in seen.values()
        if one.strength
    ]
    breaches = [
        Row(
            (code(one.id), prose(one.what), text(BREAKS[one.severity]), _seen(one), joined(carriers.get(one.id, ()))),
            anchor(one.id),
        )
        for one in seen.values()
        if one.severity
    ]
    lead = text(
        f"{counted(len(rules), 'rule')} that callers can see and {counted(len(breaches), 'breach', 'breaches')} that "
        "users of real servers met, each with the requirements that carry it."
    )
    heads = ("Id", "What", "Who says so", "Carried by")
    met = ("Id", "What", "Broke", "Seen in", "Carried by")
    blocks = (
        Section(text("Rules"), "rules", (Table(text("What sources state or imply"), _heads(heads), tuple(rules)),)),
        Section(
            text("Breaches"),
            "breaches",
            (
                Table(
                    text("What has happened; not that a release of today still does it"), _heads(met), tuple(breaches)
                ),
            ),
        ),
    )
    return Sheet(FINDINGS, "Findings", "Findings", lead, blocks)


def _heads(names: tuple[str, ...]) -> tuple[Inline, ...]:
    return tuple(map(text, names))


def _rule(one: Finding) -> Inline:
    return text(f"{STRENGTHS[one.strength]}: {'; '.join(one.sources)}")


def _seen(one: Finding) -> Inline:
    more = f", among {counted(one.threads, 'thread')}" if one.threads > len(one.seen) else ""
    return text(f"{'; '.join(one.seen)}{more}")
