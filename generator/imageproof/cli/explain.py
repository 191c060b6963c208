"""`imageproof explain`: one requirement, where it comes from, and what its breach breaks."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import click

from imageproof.contract.clients import clients
from imageproof.contract.decisions import Decision, decisions
from imageproof.contract.findings import Finding, findings
from imageproof.contract.requirements import BREAKS, COSTS, Requirement, requirements
from imageproof.errors import UsageError


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def explain(ids: tuple[str, ...]) -> None:
    """Tell what a requirement asks for, who says so, what its breach breaks, and what judging it costs."""
    known = requirements()
    for index, told in enumerate(ids):
        name = told.strip().upper()
        if name in known:
            lines = _lines(known[name])
        elif name in findings():
            lines = _finding(findings()[name], known)
        elif rows := [row for row in decisions().rows.values() if name == row.id or name in row.settles]:
            lines = [line for row in rows for line in _decision(row)]
        else:
            near = difflib.get_close_matches(name, [*known, *findings(), *decisions().rows], n=3, cutoff=0.6)
            hint = f"; do you mean {', '.join(near)}?" if near else "; the docs that `generate` writes list them all"
            raise UsageError(f"no requirement, finding or decision {told!r}{hint}")
        click.echo(("\n" if index else "") + "\n".join(lines))


def _lines(row: Requirement) -> list[str]:
    seen = [findings()[one] for one in row.carries]
    facts = {
        "level": row.level,
        "since": row.since,
        "about": ", ".join(row.operations) + (f"; families {', '.join(row.families)}" if row.families else ""),
        "needs": ", ".join(row.needs),
        "breaks": "; ".join(BREAKS[one] for one in row.breaks),
        "costs": COSTS[row.cost],
        "judged": _judged(row),
        "sources": "; ".join(row.sources),
    }
    lines = [click.style(row.id, bold=True), f"  {row.sentence}", ""]
    lines += [f"  {name:8} {value}" for name, value in facts.items() if value]
    table = clients()
    reactions = [(table.clients[name].title, one) for name, found in table.of(row.id).items() for one in found]
    lines += [
        f"  {'client' if not index else '':8} {who}, when {one.when}: {one.then}"
        for index, (who, one) in enumerate(reactions)
    ]
    lines += [f"  {'seen' if index == 0 else '':8} {one.id}: {one.what}" for index, one in enumerate(seen)]
    return lines


def _reactions(row: Requirement) -> list[str]:
    """Which clients were seen to break over a rule, and how."""
    table = clients()
    found = [(table.clients[name].title, one) for name, seen in table.of(row.id).items() for one in seen]
    return [f"{title}, when {one.when}: {one.then}" for title, one in found]


def _finding(one: Finding, known: Mapping[str, Requirement]) -> list[str]:
    """What was seen in the field, or what the sources say, and the requirements that answer to it."""
    seen = "; ".join((*one.sources, *one.seen))
    carrying = [f"  {row.id}: {row.sentence}" for row in known.values() if one.id in row.carries]
    return [click.style(one.id, bold=True), f"  {one.what}", f"  from     {seen}", "", "carried by", *carrying]


def _decision(row: Decision) -> list[str]:
    """What was decided where the sources differ, and who said what."""
    said = [f"  {one.source} {', '.join(map(str, one.lines))}: {one.what}".replace(" :", ":") for one in row.says]
    told = f"{row.id}: {row.topic}" + (f" ({', '.join(row.settles)})" if row.settles else "")
    return [
        click.style(told, bold=True),
        *said,
        f"  decided  {row.decision}",
        f"  because  {row.reason}",
        f"  at       #{row.lands}",
    ]


def _judged(row: Requirement) -> str:
    if row.retired:
        return f"no longer: retired {row.retired}"
    if row.excluded:
        return f"not tested: {row.excluded}"
    return {
        "refusal": "by sending what must be refused",
        "exchange": "on the answers of the plan",
        "pending": "not yet: there is no judge for it, so it counts as not tested",
    }[row.judge]
