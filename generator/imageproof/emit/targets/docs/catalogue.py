"""What belongs to our own contract alone: its rules, its sources, and what was found in each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from imageproof.contract.decisions import decisions
from imageproof.contract.document import Document, canonical
from imageproof.contract.examples import Example, examples, real_answers
from imageproof.contract.findings import Finding, findings
from imageproof.contract.providers import Provider, load_provider, names
from imageproof.contract.reconcile import Discrepancy, Reconciliation, reconcile
from imageproof.contract.requirements import Requirement, requirements
from imageproof.contract.sources import Source, sources


@dataclass(frozen=True)
class Account:
    """One source: its differences and notes (`discrepancies`), its examples with their verdicts, and how many of the
    contract's own examples of answers its schemas can hold: `fit` of `answers`."""

    source: Source
    discrepancies: tuple[Discrepancy, ...]
    examples: tuple[Example, ...]
    fit: int
    answers: int

    def kinds(self) -> Counter[str]:
        """How many discrepancies of each kind; "note" for notes."""
        return Counter(one.difference.kind if one.difference else "note" for one in self.discrepancies)

    def broken(self) -> int:
        """How many examples break the contract."""
        return sum(bool(one.contract) for one in self.examples)


@dataclass(frozen=True)
class Catalogue:
    """Requirements by id, what they carry by id, sources by id, what was decided, and profiles of providers by name."""

    requirements: Mapping[str, Requirement]
    seen: Mapping[str, Finding]
    accounts: Mapping[str, Account]
    found: Reconciliation
    providers: Mapping[str, Provider]


def known_of(document: Document) -> Catalogue | None:
    """What is known of our contract without its overlays; None for a document that is not our contract."""
    contract = base(document)
    if _title(contract) != _title(canonical()):
        return None
    known = sources()
    found = reconcile(contract, known, decisions())
    accounts = {name: _account(contract, one, found) for name, one in known.items()}
    profiles = {name: load_provider(name) for name in names()}
    return Catalogue(requirements(), findings(), accounts, found, profiles)


def base(document: Document) -> Document:
    """The document without what overlays laid over it."""
    return document.origin.document if document.origin else document


def _title(document: Document) -> str:
    return str(document.data["info"]["title"])


def _account(contract: Document, source: Source, found: Reconciliation) -> Account:
    own = tuple(one for one in found.discrepancies if one.source == source.id)
    fit, answers = real_answers(contract, source)
    return Account(source, own, tuple(examples(contract, source)), fit, answers)
