"""`imageproof spec reconcile`: every difference between a source and the contract, and whether it is decided."""

from __future__ import annotations

from collections import Counter

import click

from imageproof.contract.decisions import decisions
from imageproof.contract.document import load
from imageproof.contract.examples import examples, real_answers
from imageproof.contract.reconcile import Reconciliation
from imageproof.contract.reconcile import reconcile as reconciled
from imageproof.contract.sources import Source, sources
from imageproof.errors import UsageError


@click.command()
@click.option("--check", is_flag=True, help="Print only what is not in order; exit 1 when there is something.")
@click.option("--source", metavar="NAME", help="Show the discrepancies of this source, and what was decided.")
def reconcile(check: bool, source: str | None) -> int:
    """Hold the documents that the contract was made from against it.

    Every difference must be matched by a row of spec/decisions.yaml, and every row must match one.
    """
    known = sources()
    if source is not None and source not in known:
        raise UsageError(f"no source {source!r}; known: {', '.join(known)}")
    told = reconciled(load(), known, decisions())
    for problem in told.problems:
        click.echo(str(problem), err=True)
    if source is not None:
        _discrepancies(told, known[source])
    elif not check:
        for one in known.values():
            _summary(told, one)
    settled = {one for row in told.decisions.rows.values() for one in row.settles}
    counts = f"{len(told.discrepancies)} discrepancies in {len(known)} sources, {len(told.decisions.rows)} decisions"
    problems = f"{len(told.problems) or 'no'} problem{'' if len(told.problems) == 1 else 's'}"
    click.echo(f"{counts} that settle {len(settled)} contradictions, {problems}")
    return 1 if told.problems else 0


def _summary(told: Reconciliation, source: Source) -> None:
    mine = [one for one in told.discrepancies if one.source == source.id]
    kinds = Counter(one.difference.kind if one.difference else "notes" for one in mine)
    held = list(examples(load(), source))
    fit, total = real_answers(load(), source)
    click.echo(click.style(f"{source.id}: {source.title}", bold=True))
    click.echo("  " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    click.echo(
        f"  {len(held)} examples: {sum(not one.own for one in held)} fit their own document, "
        f"{sum(not one.contract for one in held)} the contract"
    )
    if total:
        none = ", so no real answer satisfies it" if not fit else ""
        click.echo(f"  {fit} of {total} answers of the contract fit its schemas{none}")


def _discrepancies(told: Reconciliation, source: Source) -> None:
    for one in told.discrepancies:
        if one.source != source.id:
            continue
        line = f"line {', '.join(map(str, one.lines))}: " if one.lines else ""
        what = one.note.says if one.note else ""
        if one.difference:
            what = f"the contract: {one.difference.ours}; the source: {one.difference.theirs}"
        click.echo(f"{one.key.removeprefix(source.id + ' ')}\n  {line}{what}")
        for row in told.covering[one.key]:
            click.echo(f"  {row.id}: {row.decision}")
    for example in examples(load(), source):
        verdicts = [f"its own document: {'; '.join(example.own) or 'fits'}"]
        verdicts.append(f"the contract: {'; '.join(example.contract) or 'fits'}")
        click.echo(f"example {example.operation} {example.place} {example.name} (line {example.line})")
        for verdict in verdicts:
            click.echo(f"  {verdict}")
