"""`imageproof spec`: the contract read, compared and accounted for."""

from __future__ import annotations

import click

from imageproof.cli.spec.diff import diff
from imageproof.cli.spec.reconcile import reconcile
from imageproof.cli.spec.show import show


@click.group()
def spec() -> None:
    """Read the contract, compare it with another document, or see what it was reconciled from."""


spec.add_command(show)
spec.add_command(diff)
spec.add_command(reconcile)
