"""What `imageproof spec diff` prints: text for a terminal, JSON for a program, Markdown for a summary."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import click

from imageproof.contract.compare import KINDS, Difference
from imageproof.contract.document import Document
from imageproof.errors import Problem


@dataclass(frozen=True)
class Report:
    """What is told: which documents were compared, how the second was read, and how they differ."""

    ours: str
    theirs: str
    read: str
    differences: tuple[Difference, ...]
    notes: tuple[Problem, ...]
    document: Document


def _text(report: Report) -> str:
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.theirs} against {report.ours}" + (f", {report.read}" if report.read else "")
    yield from (f"note: {one}" for one in _merged(report.notes))
    for kind, meaning in KINDS.items():
        mine = [one for one in report.differences if one.kind == kind]
        if mine:
            yield ""
            yield click.style(f"{kind} ({len(mine)}): {meaning}", bold=True)
        for one in mine:
            ids = f"  [{', '.join(one.requirements)}]" if one.requirements else ""
            yield f"  {one.key}: {one.ours} -> {one.theirs}{ids}"
            yield click.style(
                f"      contract #{one.our_pointer}   document #{one.their_pointer}{_line(report, one)}", dim=True
            )
    yield ""
    yield _counts(report)


def _line(report: Report, one: Difference) -> str:
    file, line = report.document.place(one.their_pointer)
    where = "" if file == report.document.source else f"{file} "
    return "" if line is None else f" ({where}line {line})"


def _counts(report: Report) -> str:
    counts = Counter(one.kind for one in report.differences)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) or "no differences"


def _merged(notes: tuple[Problem, ...]) -> Iterator[str]:
    """Notes that say the same of many places are told once, with the first place and a count."""
    by_message: dict[str, list[Problem]] = {}
    for note in notes:
        by_message.setdefault(note.message, []).append(note)
    for same in by_message.values():
        yield str(same[0]) + (f" (and {len(same) - 1} places more)" if len(same) > 1 else "")


def _json(report: Report) -> str:
    told = {
        "contract": report.ours,
        "document": report.theirs,
        "read": report.read,
        "counts": {kind: sum(one.kind == kind for one in report.differences) for kind in KINDS},
        "notes": [str(one) for one in report.notes],
        "differences": [
            {
                "kind": one.kind,
                "operation": one.operation,
                "place": one.place,
                "aspect": one.aspect,
                "contract": one.ours,
                "document": one.theirs,
                "contract_pointer": one.our_pointer,
                "document_pointer": one.their_pointer,
                "line": report.document.line(one.their_pointer),
                "requirements": list(one.requirements),
            }
            for one in report.differences
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _markdown(report: Report) -> str:
    lines = [
        f"# {_cell(report.theirs)} against {_cell(report.ours)}",
        "",
        f"{_counts(report)}. {report.read}".strip(),
        "",
    ]
    lines += [f"- {_cell(note)}" for note in _merged(report.notes)]
    for kind, meaning in KINDS.items():
        mine = [one for one in report.differences if one.kind == kind]
        if mine:
            lines += ["", f"## {kind.capitalize()} ({len(mine)})", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
            lines += ["| where | contract | document | requirements | pointers |", "|---|---|---|---|---|"]
        for one in mine:
            pointers = f"`#{_cell(one.our_pointer)}` `#{_cell(one.their_pointer)}`"
            cells = (f"`{_cell(one.key)}`", _cell(one.ours), _cell(one.theirs), ", ".join(one.requirements), pointers)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text of somebody else's document inside a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


FORMATS = {"text": _text, "json": _json, "markdown": _markdown}
