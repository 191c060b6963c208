"""Options that several commands share."""

from __future__ import annotations

import click

OVERLAY = click.option(
    "--overlay",
    "overlays",
    multiple=True,
    metavar="FILE",
    help="OpenAPI Overlay 1.0 to lay over the contract. Repeatable: each is laid over the result of those before it.",
)
