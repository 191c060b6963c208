"""The states of our own contract: the present one, those that were released before, and any file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from imageproof.contract.aspects import Kind
from imageproof.contract.compare import Difference, compare
from imageproof.contract.document import Document, canonical, load
from imageproof.contract.fact import Facts
from imageproof.contract.facts import contract_facts, knowing, model_facts, read_facts
from imageproof.contract.families import KEY, Family, Grid, Returns, families
from imageproof.contract.locate import spec_files
from imageproof.errors import UsageError


def state(name: str) -> Document:
    """The contract of a version such as 2026.11, or of a file. UsageError where there is neither."""
    released = spec_files("versions")
    if name == canonical().data["info"]["version"]:
        return canonical()
    if name in released:
        return load(released[name])
    if not Path(name).exists():
        known = ", ".join([*released, canonical().data["info"]["version"]])
        raise UsageError(f"--from {name}: no version of the contract, and no file; versions: {known}")
    return load(name)


def changes(old: Document, new: Document) -> tuple[Difference, ...]:
    """What moved from one state of the contract to another, for clients that were written against the old one.

    What holds for one model stands at `place@model`, where it is not what moved for all.
    """
    found = [*compare(contract_facts(old), _as_contract(old, new))]
    general = {_moved(one) for one in found}
    before = {model: family for family in families(old) for model in family.models}
    after = {model: family for family in families(new) for model in family.models}
    by_family: dict[tuple[str, str], tuple[Difference, ...]] = {}
    for model in dict.fromkeys((*before, *after)):
        was, now = before.get(model), after.get(model)
        if was is None or now is None:
            told = _model(model, "offered", PRESENCE[was is not None], PRESENCE[now is not None])
            found.append(replace(told, our_pointer=_row(old, model), their_pointer=_row(new, model)))
            continue
        if (was.id, now.id) not in by_family:  # the models of a family have the same facts
            by_family[was.id, now.id] = compare(model_facts(old, old, model), model_facts(old, new, model))
        for one in by_family[was.id, now.id]:
            if _moved(one) not in general:
                found.append(replace(one, model=model))
        for one in _family_changes(model, was, now):
            found.append(replace(one, our_pointer=_row(old, model), their_pointer=_row(new, model)))
    return tuple(found)


def _moved(one: Difference) -> tuple[str, ...]:
    return (one.operation, one.place, one.aspect, one.ours, one.theirs)


def _as_contract(old: Document, new: Document) -> Facts:
    """A later state read as a contract is, its families' values known; the operations are found as the old one has
    them."""
    facts = read_facts(old, new).facts
    return {key: knowing(new, fact) for key, fact in facts.items()} if KEY in new.data else facts


def _family_changes(model: str, was: Family, now: Family) -> Iterator[Difference]:
    """What a family tells beside the schemas of its cells: rules across parameters, what it answers, what it asks of
    files and sizes, its status, its prices."""
    yield from _returns(model, was.returns, now.returns)
    yield from _cells(model, was, now)
    for aspect, mine, other in (
        ("status", _status(was), _status(now)),
        ("prices", _prices(was), _prices(now)),
    ):
        if mine != other:
            yield _model(model, aspect, mine, other)
    rules = [{(rule.id, rule.operation): rule for rule in family.rules} for family in (was, now)]
    for key in dict.fromkeys((*rules[0], *rules[1])):
        if key[1] not in was.operations or key[1] not in now.operations:  # that says more
            continue
        mine_rule, other_rule = rules[0].get(key), rules[1].get(key)
        if mine_rule != other_rule:
            shown = [rule.message if rule else "no such rule" for rule in (mine_rule, other_rule)]
            yield _model(model, f"rule:{key[0]}", *shown)


def _returns(model: str, was: Returns, now: Returns) -> Iterator[Difference]:
    """What a family answers: clients read what it had, and ignore what came."""
    for field in fields(Returns):
        mine, other = getattr(was, field.name), getattr(now, field.name)
        if mine != other:
            lost = bool(mine and not other) if isinstance(mine, bool) else bool(set(mine) - set(other))
            breaks: Kind = "breaking" if field.name == "carriers" else "narrower"
            one = _model(model, f"returns.{field.name}", _told(mine), _told(other))
            yield replace(one, kind=breaks if lost else "extension")


def _cells(model: str, was: Family, now: Family) -> Iterator[Difference]:
    """What JSON Schema cannot say of a parameter: facts of files, size grids, and whether a refusal is due."""
    for operation, cells in was.cells.items():
        for name, mine in cells.items():
            other = now.cell(operation, name)
            for aspect in ("file", "grid", "either") if other else ():
                before, after = getattr(mine, aspect), getattr(other, aspect)
                if before != after:
                    eased = not after if aspect != "either" else bool(after)
                    shown = _model(model, aspect, _told(before), _told(after))
                    where = replace(shown, operation=operation, place=name, model=model, requirements=(mine.rule,))
                    yield replace(where, kind="wider" if eased else "narrower")


def _told(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "yes", False: "no"}[value]
    if isinstance(value, Grid):
        return ", ".join(f"{field.name} {getattr(value, field.name)}" for field in fields(Grid))
    if isinstance(value, Mapping):
        return json.dumps(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _model(model: str, aspect: str, mine: str, other: str) -> Difference:
    kind = _kind(aspect, mine, other)
    return Difference(kind, "", f"model:{model}", aspect, mine, other, f"/{KEY}", f"/{KEY}", _ids(aspect))


def _row(document: Document, model: str) -> str:
    """The pointer of the family row that names a model."""
    rows = document.data.get(KEY, [])
    return next((f"/{KEY}/{index}" for index, row in enumerate(rows) if model in row.get("models", ())), f"/{KEY}")


def _kind(aspect: str, mine: str, other: str) -> Kind:
    if aspect == "offered":
        return "extension" if mine == PRESENCE[False] else "breaking"
    if aspect.startswith("rule:"):
        return "wider" if other == "no such rule" else "narrower"
    return "breaking" if aspect == "status" and other.startswith("retired") else "documentation"


def _ids(aspect: str) -> tuple[str, ...]:
    return (aspect.removeprefix("rule:"),) if aspect.startswith("rule:") else ()


def _status(family: Family) -> str:
    return f"{family.status.state} {family.status.until}".strip()


def _prices(family: Family) -> str:
    return (
        f"those of {family.prices.date}, {family.prices.rows} {dict(family.prices.tokens)}" if family.prices else "none"
    )


PRESENCE = ("not there", "there")
