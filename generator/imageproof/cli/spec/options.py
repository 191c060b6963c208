"""Options that the commands of `imageproof spec` share."""

from __future__ import annotations

import click

from imageproof.contract.document import Document
from imageproof.contract.families import families, family_of
from imageproof.errors import UsageError

MODEL = click.option(
    "--model", metavar="NAME[=FAMILY]", help="The contract as it is for this model; FAMILY for an alias."
)


def with_family(document: Document, told: str) -> tuple[str, str | None]:
    """The model and the family of `--model`. UsageError for a model that no family names, and for an unknown family."""
    name, _, family = told.partition("=")
    if family_of(document, name, family or None) is None:
        models = ", ".join(one for row in families(document) for one in row.models)
        raise UsageError(
            f"no family names the model {name!r}; for an alias type --model {name}=FAMILY, "
            f"with one of {', '.join(row.id for row in families(document))}; known models: {models}"
        )
    return name, family or None
