"""`imageproof spec show`: the canonical YAML, or one model's contract, or one operation of either."""

from __future__ import annotations

from typing import Any

import click

from imageproof.cli.spec.options import MODEL, with_family
from imageproof.contract.document import Document, load
from imageproof.contract.dump import yaml_text
from imageproof.contract.families import families
from imageproof.contract.narrow import narrow, only
from imageproof.contract.overlay import overlaid
from imageproof.errors import UsageError

EPILOG = """\b
Examples:
  imageproof spec show | less
  imageproof spec show --model gpt-image-2 --operation createImage
"""


@click.command(epilog=EPILOG)
@MODEL
@click.option("--operation", metavar="ID", help="Only this operation, such as createImage.")
@click.option(
    "--overlay", "overlays", multiple=True, metavar="FILE", help="OpenAPI Overlay to lay over it. Repeatable."
)
def show(model: str | None, operation: str | None, overlays: tuple[str, ...]) -> None:
    """Print the contract as YAML: OpenAPI 3.1 that any tool reads."""
    document = overlaid(load(), overlays)
    families(document)  # an overlay may break what they are
    if model is None and operation is None and not overlays:
        click.echo(_text(document), nl=False)
        return
    data = document.data if model is None else _narrowed(document, model)
    if operation is not None:
        if operation not in document.operations():
            raise UsageError(f"no operation {operation!r}; known: {', '.join(document.operations())}")
        data = only(data, operation)
        if not data["paths"]:
            raise UsageError(f"{model} has no {operation}; leave out --operation to see what it has")
    if model is not None:
        click.echo(
            "# The contract as it is for one model. Where a form has `image`, a list travels as parts `image[]`."
        )
    click.echo(yaml_text(data), nl=False)


def _text(document: Document) -> str:
    """The canonical file as it is, comments included."""
    with click.open_file(document.source, encoding="utf-8") as file:
        return str(file.read())


def _narrowed(document: Document, told: str) -> dict[str, Any]:
    name, family = with_family(document, told)
    return narrow(document, name, family=family)
