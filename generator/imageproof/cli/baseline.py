"""`imageproof baseline update`: the failures of a run become those that are expected, for review."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

_RUN = click.Path(path_type=Path)


@click.group("baseline")
def baseline() -> None:
    """Which failures of a target are expected: `imageproof conform URL --baseline FILE` fails on all others."""


@baseline.command()
@click.argument("run", type=_RUN)
@click.option("--baseline", "file", type=_RUN, metavar="FILE", required=True, help="Written, or brought up to date.")
@click.option("--owner", metavar="NAME", required=True, help="Who answers for the new entries.")
@click.option("--reason", metavar="TEXT", default="", help="Of new entries. Default: what was seen, to be reviewed.")
@click.option("--expiry", metavar="DATE", default="", help="Last day of new entries. Default: 90 days from the run.")
@click.option("--again", type=_RUN, metavar="RUN", help="A second run. Default: the first one, judged again.")
def update(run: Path, file: Path, owner: str, reason: str, expiry: str, again: Path | None) -> None:
    """Write the failures that RUN, a folder of `imageproof conform`, shows twice.

    Entries that still fail stay as people wrote them, those that pass now go. Comments in the file are lost."""
    suite = importlib.import_module("imageproof_conformance.baseline_update")  # by name: no import of the suite
    for line in suite.update(suite.Wanted(run, file, owner, reason, expiry, again)) or ["nothing changed"]:
        click.echo(line)
    click.echo(f"written: {file}")
