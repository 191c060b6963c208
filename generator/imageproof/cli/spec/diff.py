"""`imageproof spec diff`: what a provider's own document says otherwise than the contract, or what moved in ours."""

from __future__ import annotations

from collections.abc import Mapping

import click

from imageproof.cli.spec.options import MODEL, with_family
from imageproof.cli.spec.report import FORMATS, Report
from imageproof.contract.compare import KINDS, Difference, compare
from imageproof.contract.document import load
from imageproof.contract.facts import contract_facts, model_facts, read_facts
from imageproof.contract.families import KEY, families, family_of
from imageproof.contract.foreign import read_foreign
from imageproof.contract.overlay import overlaid
from imageproof.contract.requirements import requirements
from imageproof.contract.states import changes, state
from imageproof.contract.touched import with_requirements
from imageproof.errors import UsageError

EPILOG = """\b
Examples:
  imageproof spec diff https://host/openapi.json
  imageproof spec diff provider.yaml --model gpt-image-1 --fail-on any
  imageproof spec diff --from 2026.11                     what an upgrade of the contract breaks
\b
Exit status: 0 nothing that --fail-on names, 1 something, 2 the document cannot be read."""


@click.command(epilog=EPILOG, context_settings={"max_content_width": 110})
@click.argument("document", metavar="FILE-OR-URL", required=False)
@MODEL
@click.option("--from", "old", metavar="VERSION-OR-FILE", help="Compare with this state of our own contract.")
@click.option("--prefix", metavar="PATH", help="Where its image operations stand, if there are several places.")
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "any"]),
    default="breaking",
    show_default=True,
    help="Exit 1 for differences that break clients, or for any but those of the documentation.",
)
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option(
    "--overlay", "overlays", multiple=True, metavar="FILE", help="OpenAPI Overlay over the contract. Repeatable."
)
def diff(
    document: str | None,
    model: str | None,
    old: str | None,
    prefix: str | None,
    fail_on: str,
    form: str,
    overlays: tuple[str, ...],
) -> int:
    """Compare a document of OpenAPI 3.0 or 3.1, YAML or JSON, with the contract.

    Its image operations are found under whatever prefix they have. Each difference is sorted: breaking for clients,
    narrower, wider, an extension, or of the documentation alone.
    """
    if old is not None:
        if prefix is not None:
            raise UsageError("--prefix is for a provider's document; --from compares states of our own contract")
        report = _states(old, document, model, overlays)
    elif document is None:
        raise UsageError("compare what? type: imageproof spec diff FILE-OR-URL, or --from VERSION-OR-FILE")
    else:
        report = _provider(document, model, prefix, overlays)
    click.echo(FORMATS[form](report), nl=False)
    counted = [one for one in report.differences if one.kind in FAILS[fail_on]]
    return 1 if counted else 0


FAILS: Mapping[str, frozenset[str]] = {
    "breaking": frozenset({"breaking"}),
    "any": frozenset(KINDS) - {"documentation"},
}


def _provider(place: str, model: str | None, prefix: str | None, overlays: tuple[str, ...]) -> Report:
    contract = overlaid(load(), overlays)
    name = f"contract {contract.data['info']['version']}"
    general = contract_facts(contract)
    ours = general
    if model is not None:
        name_of_model, family = with_family(contract, model)
        ours = model_facts(contract, contract, name_of_model, family)
        name += f" for {model}"
    theirs = read_foreign(place)
    reading = read_facts(contract, theirs, prefix, model.partition("=")[0] if model else None)
    found = with_requirements(compare(ours, reading.facts), general, requirements())
    read = f"read under {reading.surface.prefix or '/'}"
    if reading.surface.others:
        others = ", ".join(one or "/" for one in reading.surface.others)
        read += f" (there are image operations under {others} too; --prefix chooses)"
    return Report(name, place, read, found, reading.notes, theirs)


def _states(old: str, new: str | None, model: str | None, overlays: tuple[str, ...]) -> Report:
    before = state(old)
    after = overlaid(load(new), overlays)
    if KEY not in after.data:
        raise UsageError(f"{new} has no {KEY}, so it is no state of our contract; compare it without --from")
    found = with_requirements(changes(before, after), contract_facts(before), requirements())
    if model is not None:
        known = before if family_of(before, model.partition("=")[0]) else after
        name, family = with_family(known, model)
        named = name if family is None else next(one.models[0] for one in families(known) if one.id == family)
        found = tuple(one for one in found if _of_model(one, named))
    names = (f"contract {one.data['info']['version']}" for one in (before, after))
    laid = "".join(f" with {one}" for one in overlays)
    read = "in what they allow and answer; their sentences are not compared"
    return Report(f"{next(names)} ({old})", f"{next(names)} ({new or 'built in'}){laid}", read, found, (), after)


def _of_model(difference: Difference, model: str) -> bool:
    """Whether a change touches a model: what moved for all does."""
    return (difference.model or difference.place.partition("model:")[2]) in ("", model)
