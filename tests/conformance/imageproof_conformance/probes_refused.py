"""Requests that must be refused, derived from the document: values just outside each schema and cell, what is missing,
files with one fact wrong, and bodies that break one cross rule.

A candidate becomes a probe only when `violations()` names exactly one rule for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from imageproof.contract.document import Operation, parameter_name
from imageproof.contract.families import CrossRule, Grid, allowed_values, listed
from imageproof.contract.violations import is_file
from imageproof_conformance.exchange import Probe
from imageproof_conformance.probes import (
    BODY_RULES,
    ERROR_RULES,
    JSON,
    Body,
    Target,
    base,
    data_url,
    probe,
    required_groups,
)
from imageproof_conformance.probes_pictures import illegal, legal

UNKNOWN = "imageproof-unknown"
PLACEHOLDER = "imageproof"  # for texts that nothing narrows
MOST_CHARACTERS = 2**17  # a limit above this is not probed: the body would be a heavy upload

Candidate = tuple[str, dict[str, Any]]  # label, body


def refused(target: Target) -> Iterator[Probe]:
    """All refusal probes of a target's operations: `refused` ones, and `either` ones where both answers conform."""
    for operation in target.making:
        seen: set[tuple[str, str]] = set()
        for media_type in _media_types(target, operation):
            mark = "json-" if media_type == JSON and seen else ""
            first = frozenset(seen)
            for label, body in _candidates(target, operation, media_type):
                made = _judged(target, operation, media_type, body, f"{mark}{label}")
                # A further media type adds only what the first cannot express.
                if made is not None and (made[1], label.partition("=")[0]) not in first:
                    seen.add((made[1], label.partition("=")[0]))
                    yield made[0]


def _media_types(target: Target, operation: Operation) -> tuple[str, ...]:
    return target.media_types(operation.id) if target.can(operation.id) else target.media_types(operation.id)[:1]


def _judged(target: Target, operation: Operation, media_type: str, body: Body, label: str) -> tuple[Probe, str] | None:
    """A probe of a candidate and its rule, None unless exactly one judged rule is broken."""
    breaches = target.breaches(operation.id, media_type, body)
    rules = {one.rule for one in breaches}
    if len(rules) != 1 or not target.judged(*rules):
        return None
    rule, parameters = rules.pop(), {one.parameter for one in breaches}
    about = parameters.pop() if len(parameters) == 1 else ""
    told = (rule, *_riders(target, rule), *ERROR_RULES, *(BODY_RULES if about != "model" else ()))
    if all(one.either for one in breaches):
        made = probe(target, operation, media_type, body, label, "either", told, "standard")
    else:
        made = probe(target, operation, media_type, body, label, "refused", told)
    return replace(made, about=about), rule


# What a refusal shows beside its rule, since all else in the call is legal.
_RIDERS: Mapping[str, tuple[str, ...]] = {"GEN-N-RANGE": ("MODELS-USABLE",), "EDIT-N-RANGE": ("EDIT-MODEL-NAME",)}


def _riders(target: Target, rule: str) -> tuple[str, ...]:
    """Those whose operations are all offered."""
    return tuple(one for one in _RIDERS.get(rule, ()) if target.offered.issuperset(target.registry[one].operations))


def _candidates(target: Target, operation: Operation, media_type: str) -> Iterator[Candidate]:
    plain = base(target, operation.id, media_type)
    if not target.can(operation.id):
        yield "model=foreign", {name: value for name, value in plain.items() if name != "quality"}
        return
    yield from _missing(target, operation, media_type, plain)
    for name in target.schema(operation.id, media_type)["properties"]:
        if name == "model" or (target.family is None and target.forbidden_somewhere(operation.id, name)):
            continue
        prop = target.property(operation.id, media_type, name)
        for label, value in _outside(target, operation, name, prop):
            yield f"{name}={label}", _repaired(target, operation, media_type, _with(plain, name, value, prop, target))
    for rule in target.family.rules if target.family else ():
        if rule.operation == operation.id:
            yield from _crossed(target, operation, media_type, plain, rule)


def _missing(target: Target, operation: Operation, media_type: str, plain: Body) -> Iterator[Candidate]:
    for group in required_groups(target.schema(operation.id, media_type)):
        yield f"{group[0]}=missing", {name: value for name, value in plain.items() if name not in group}


def _with(plain: Body, name: str, value: Any, prop: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """A body with one more value. Another part of the same parameter makes way."""
    parameter = parameter_name(name, prop)
    same = {parameter} if parameter != name else set()
    return {**{key: one for key, one in plain.items() if key not in same}, name: value}


def _outside(target: Target, operation: Operation, name: str, prop: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values just outside what the document and the family allow, each with a word for it."""
    cell = target.cell(operation.id, name) or target.cell(operation.id, parameter_name(name, prop))
    schema = cell.schema if cell is not None and isinstance(cell.schema, dict) else {}
    types = prop.get("type")
    kinds = set(types if isinstance(types, list) else [types])
    if cell is not None and cell.schema is False:
        yield from _foreign(target, operation, name, prop)
        return
    if is_file(prop):
        yield from illegal().items()
    elif kinds & {"integer", "number"}:
        yield from _beyond(prop, schema)
    elif "boolean" in kinds and (forced := listed(schema)):
        yield from ((str(value).lower(), value) for value in (True, False) if value not in forced)
    elif "string" in kinds:
        yield from _words(target, operation, name, prop, schema, cell.grid if cell else None)
    elif "array" in kinds:
        yield from _lists(target, prop)
    elif "object" in kinds:
        yield "empty", {}
    yield "mistyped", UNKNOWN if kinds & {"integer", "number", "boolean", "array", "object"} else 7


def _foreign(target: Target, operation: Operation, name: str, prop: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A value that the parameter has in some other family, or that its open schema allows."""
    known = allowed_values(target.document, operation.id, name)
    kinds = prop.get("type", ())
    if known:
        yield "foreign", known[-1]
    elif "integer" in kinds:
        yield "foreign", max(1, prop.get("minimum", 1))
    elif is_file(prop):
        yield "foreign", legal()[0]


def _beyond(prop: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    minima = [one["minimum"] for one in (prop, schema) if "minimum" in one]
    maxima = [one["maximum"] for one in (prop, schema) if "maximum" in one]
    if maxima:
        yield str(min(maxima) + 1), min(maxima) + 1
    if minima:
        yield str(max(minima) - 1), max(minima) - 1


def _words(
    target: Target,
    operation: Operation,
    name: str,
    prop: Mapping[str, Any],
    schema: Mapping[str, Any],
    grid: Grid | None,
) -> Iterator[tuple[str, Any]]:
    """Texts: an unknown one, one of another family, sizes off the grid, too long and too short ones."""
    own = {*listed(schema), *listed(prop)}
    if own or "pattern" in schema or "pattern" in prop:
        yield "unknown", UNKNOWN
    others = [value for value in allowed_values(target.document, operation.id, name) if value not in own]
    yield from ((f"foreign-{value}", value) for value in others[:1])
    if grid is not None:
        yield from off_grid(grid)
    limits = [one["maxLength"] for one in (prop, schema) if "maxLength" in one]
    if limits and min(limits) < MOST_CHARACTERS:
        yield "too-long", "a" * (min(limits) + 1)
    if any(one.get("minLength", 0) for one in (prop, schema)):
        yield "empty", ""


@lru_cache(maxsize=8)
def off_grid(grid: Grid) -> tuple[tuple[str, str], ...]:
    """One size for each bound of a grid, just beyond that bound and within the others, with a word for the bound."""
    return tuple(_off_grid(grid))


def _off_grid(grid: Grid) -> Iterator[tuple[str, str]]:
    step = grid.multiple_of
    sides = range(step, grid.max_edge + 2 * step, step)
    limits: dict[str, Callable[[int, int], bool]] = {
        "edge": lambda w, h: max(w, h) > grid.max_edge,
        "ratio": lambda w, h: max(w, h) > grid.max_ratio * min(w, h),
        "few-pixels": lambda w, h: w * h < grid.min_pixels,
        "many-pixels": lambda w, h: w * h > grid.max_pixels,
    }
    for name, broken in limits.items():
        others = [one for other, one in limits.items() if other != name]
        found = [
            (w, h) for w in sides for h in sides if w >= h and broken(w, h) and not any(one(w, h) for one in others)
        ]
        # The nearest to the bound: a server that rounds is caught too.
        near = min if name != "few-pixels" else max
        if found:
            width, height = near(found, key=lambda size: (size[0] * size[1], size))
            yield name, f"{width}x{height}"
    middle = round((grid.min_pixels * grid.max_pixels) ** 0.25) // step * step + step // 2 + 1
    yield "no-multiple", f"{middle}x{middle}"


def _lists(target: Target, prop: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    items = target.document.resolve(prop.get("items", {}))
    if is_file(items):
        one: Any = legal()[0]
        yield "unreadable", [illegal()["unreadable"]]
    else:
        one = {"image_url": data_url(legal()[0])}
        yield "neither", [{}]
        yield "both", [{name: one.get(name, UNKNOWN) for name in items.get("properties", {})}]
    if "maxItems" in prop:
        yield str(prop["maxItems"] + 1), [one] * (prop["maxItems"] + 1)
    if prop.get("minItems") and not is_file(items):  # in a form, a list of no files is no part at all
        yield "empty", []


def _repaired(target: Target, operation: Operation, media_type: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body with the cross rules satisfied that its new value needs (frames need gif): one rule is left broken."""
    broken = {one.rule for one in target.breaches(operation.id, media_type, body)}
    rules = [one for one in (target.family.rules if target.family else ()) if one.operation == operation.id]
    for rule in rules:
        then = rule.then if isinstance(rule.then, Mapping) else {}
        if rule.id in broken and len(broken) > 1:
            wanted = {name: listed(schema) for name, schema in then.get("properties", {}).items()}
            body = {**body, **{name: values[0] for name, values in wanted.items() if values}}
    return body


def _crossed(
    target: Target, operation: Operation, media_type: str, plain: Body, rule: CrossRule
) -> Iterator[Candidate]:
    """Bodies that break one cross rule and nothing else, one for each parameter that can break it."""
    properties = target.schema(operation.id, media_type)["properties"]
    names = [name for name in mentioned(rule) if name in properties]
    found: set[str] = set()
    for size in range(1, 4):
        for chosen in itertools.combinations(names, size):
            if any(name in found for name in chosen):
                continue
            for values in itertools.product(*(_inside(target, operation, media_type, name) for name in chosen)):
                body = {**plain, **dict(zip(chosen, values, strict=True))}
                broken = {one.rule for one in target.breaches(operation.id, media_type, body)}
                if broken == {rule.id}:
                    culprit = chosen[-1]
                    found.add(culprit)
                    yield f"{culprit}=with-{'-'.join(chosen[:-1]) or 'nothing-else'}", body
                    break


def mentioned(rule: CrossRule) -> list[str]:
    """The parameters that a cross rule speaks of, those of `when` first."""
    found: dict[str, None] = {}

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            found.update(dict.fromkeys(node.get("properties", {})))
            found.update(dict.fromkeys(one for one in node.get("required", ()) if isinstance(one, str)))
            for choice in (*node.get("anyOf", ()), *node.get("allOf", ())):
                walk(choice)

    walk(rule.when)
    walk(rule.then)
    return list(found)


def _inside(target: Target, operation: Operation, media_type: str, name: str) -> list[Any]:
    """Legal values of a parameter, few of them."""
    prop = target.property(operation.id, media_type, name)
    cell = target.cell(operation.id, name)
    values = listed(cell.schema) if cell is not None else ()
    kinds = prop.get("type", ())
    if is_file(prop):
        return [legal()[1]]
    if values or listed(prop):
        return [value for value in values or listed(prop) if value is not None]
    if "boolean" in kinds:
        return [True]
    if "integer" in kinds:
        low = prop.get("minimum", 1)
        return [max(low, 1), max(low, 1) + 1]
    if "object" in kinds:
        return [dict.fromkeys(prop.get("required", ()), PLACEHOLDER)]
    return [PLACEHOLDER]
