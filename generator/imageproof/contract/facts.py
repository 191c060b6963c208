"""A document's image operations flattened into facts, so that two documents can be laid beside each other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

from imageproof.contract.document import Document
from imageproof.contract.fact import MEDIA, Fact, Facts
from imageproof.contract.fact_reader import FactReader
from imageproof.contract.families import KEY, Family, allowed_values, families, family_of
from imageproof.contract.narrow import Images, narrow
from imageproof.contract.schema import unique
from imageproof.contract.surface import Surface
from imageproof.errors import Problem

PICTURE = "200 json:data[]"  # where an answer has its pictures


@dataclass(frozen=True)
class Reading:
    """A document's facts by operation and place, where they were found, and what was read otherwise than written."""

    surface: Surface
    facts: Facts
    notes: tuple[Problem, ...]


@lru_cache(maxsize=32)
def contract_facts(contract: Document) -> Facts:
    """All facts of the contract itself. With model families it knows the values that they list."""
    facts = FactReader(contract, contract, None, None).read()
    return {key: knowing(contract, fact) for key, fact in facts.items()} if KEY in contract.data else facts


def read_facts(
    contract: Document,
    document: Document,
    prefix: str | None = None,
    model: str | None = None,
    answers: bool = True,
) -> Reading:
    """The facts of another document, as deep as the contract goes; DocumentError where it has no image operation, or
    where they cannot be read. Of a body that is told apart by its model, `model` chooses the one. Without `answers`,
    those of what is sent alone."""
    reader = FactReader(contract, document, prefix, contract_facts(contract), model, answers)
    facts = reader.read()
    return Reading(reader.surface, facts, tuple(reader.reader.notes))


def model_facts(
    contract: Document, document: Document, model: str, family: str | None = None, answers: bool = True
) -> Facts:
    """The facts of a document with families for one model: its cells folded in, its defaults told. Without `answers`,
    those of what is sent alone."""
    merged: dict[tuple[str, str], Fact] = {}
    forms: tuple[Images, Images] = ("one", "list")
    for images in forms:
        plain = Document(narrow(document, model, images, family, answers), document.source)
        for key, fact in read_facts(contract, plain, answers=answers).facts.items():
            merged[key] = _joined(merged[key], fact) if key in merged else fact
    general = contract_facts(contract)
    merged = {key: _placed(fact, general.get(key)) for key, fact in merged.items()}
    known = family_of(document, model, family)
    return {key: _of_family(fact, known) for key, fact in merged.items()} if known else merged


def _placed(fact: Fact, general: Fact | None) -> Fact:
    """A fact of a narrowed copy as it stands in the contract: its place there, and the values that are known of it."""
    if general is None:
        return fact
    known = {} if fact.says.get("known") or "known" not in general.says else {"known": general.says["known"]}
    return replace(fact, pointer=general.pointer, says={**fact.says, **known})


def _of_family(fact: Fact, family: Family) -> Fact:
    """A fact with what a family tells beside its cells: its default, and whether a picture comes in that member."""
    name = fact.place.partition(":")[2]
    if _is_parameter(fact) and name in family.defaults and "default" not in fact.says:
        return replace(fact, says={**fact.says, "default": family.defaults[name]})
    return _carrying(fact, family.returns.carriers) if fact.answer else fact


def _is_parameter(fact: Fact) -> bool:
    """Whether a fact is about a parameter of a request body, not about what is inside of one."""
    return fact.kind == "member" and not fact.answer and fact.parent in MEDIA.values()


def _joined(one: Fact, other: Fact) -> Fact:
    """A form's single file and its list are two parts of one parameter."""
    if "parts" not in other.says or one.says.get("parts") == other.says["parts"]:
        return one
    parts = (*one.says.get("parts", ()), *other.says["parts"])
    says = {**other.says, **one.says, "parts": parts, "type": one.says["type"] | other.says["type"]}
    return replace(one, says=says)


def knowing(document: Document, fact: Fact) -> Fact:
    """A parameter with the values that the document's families list for it, and a member that carries a picture for
    some family marked as such."""
    if fact.answer:
        return _carrying(fact, {carrier for family in families(document) for carrier in family.returns.carriers})
    text = _is_parameter(fact) and "string" in (fact.says["type"] or ())
    listed = allowed_values(document, fact.operation, fact.place.partition(":")[2]) if text else ()
    known = unique((*fact.says.get("known", ()), *listed))
    return replace(fact, says={**fact.says, "known": known}) if listed and fact.says["values"] is None else fact


def _carrying(fact: Fact, carriers: Collection[str]) -> Fact:
    carries = fact.parent == PICTURE and fact.place.removeprefix(f"{PICTURE}.") in carriers
    return replace(fact, says={**fact.says, "carrier": True}) if carries else fact
