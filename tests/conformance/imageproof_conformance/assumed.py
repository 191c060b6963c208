"""What is taken to be so until a picture shows it: by what a free call says, else by what the provider declares, else
by the model's family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imageproof.contract.families import Family
from imageproof.contract.providers import Offers, Provider
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.discover import Encoding
from imageproof_conformance.encodings import JSON
from imageproof_conformance.offered import Offer
from imageproof_conformance.profile import REQUIRABLE

JSON_EDITS = "JSON edits"
_EDITS = REQUIRABLE["edits"]


@dataclass(frozen=True)
class Assumed:
    """One thing that no picture has shown. `value` is a carrier, or "yes" or "no"; `by` who says so: "free call",
    "provider" or "family"."""

    what: str
    value: str
    by: str

    @property
    def said(self) -> str:
        return f"{self.what}: {self.value} ({_WHO[self.by]})"


_WHO = {"free call": "by a free call", "provider": "declared by the provider", "family": "by its family"}


def assumed(
    offer: Offer, plan: ModelPlan, provider: Provider | None, encodings: Iterable[Encoding]
) -> Iterator[Assumed]:
    """What is assumed of a model, of all that its calls did not settle; nothing where nobody says anything. `encodings`
    are those that free calls found."""
    edits, family = _EDITS in offer.operations, plan.family
    declared = provider.offers if provider else Offers()
    if not offer.carriers:
        yield from _one("carrier", declared.carrier, family.returns.carriers[0] if family else None)
    if "stream" not in offer.abilities:
        yield from _one("streaming", declared.stream, family.returns.stream if family else None)
    if edits and "mask" not in offer.abilities:
        yield from _one("mask", declared.mask, _takes(family, "mask"))
    if edits and JSON_EDITS not in offer.abilities:
        listed = None if declared.encodings is None else JSON in declared.encodings
        yield from _one(JSON_EDITS, listed, _takes(family, "images"), by_free_call(encodings))


def by_free_call(encodings: Iterable[Encoding]) -> bool | None:
    """Whether edits are taken as JSON, as far as a free call settled it."""
    return next((yes for operation, kind, yes in encodings if (operation, kind) == (_EDITS, JSON)), None)


def _one(
    what: str, declared: str | bool | None, usual: str | bool | None, found: bool | None = None
) -> Iterator[Assumed]:
    for value, by in ((found, "free call"), (declared, "provider"), (usual, "family")):
        if value is not None:
            yield Assumed(what, value if isinstance(value, str) else "yes" if value else "no", by)
            return


def _takes(family: Family | None, parameter: str) -> bool | None:
    """Whether a family has a parameter of edits; None for a model of no family."""
    if family is None:
        return None
    cell = family.cell(_EDITS, parameter)
    return cell is None or cell.schema is not False
