"""Requests held against the rules of their model's family, before money is spent. The table is `_families.json`."""

from __future__ import annotations

import enum
import inspect
import itertools
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ._files import Upload, uploads_in
from ._model import is_list, is_mapping, is_sequence
from ._pictures import is_see_through, read_picture
from ._request import Call, Operation, Settings, is_json
from .errors import RequestRuleError

SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


class RequestRuleWarning(UserWarning):
    """A request breaks a rule of its model's family. It is sent all the same."""


@dataclass(frozen=True)
class Breach:
    """One broken rule: its id in the contract, the parameter, what is wrong, and the values that are allowed (() where
    they are not listed)."""

    rule: str
    parameter: str
    message: str
    allowed: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.message} [{self.parameter}, {self.rule}]" if self.parameter else f"{self.message} [{self.rule}]"


@dataclass(frozen=True)
class _Fault:
    """A keyword of a schema that a value breaks, with the rule nearest to it, and the faults of alternatives."""

    path: tuple[Any, ...]
    keyword: str
    limit: Any
    rule: str
    inner: tuple[_Fault, ...] = ()


def check(operation: Operation, call: Call, settings: Settings) -> None:
    """Warns of broken rules, once for each, or raises RequestRuleError with all of them, as the caller wants it."""
    validate = call.options.get("validate") or settings.validate
    if validate == "off":
        return
    found = breaches(operation, call.values, call.options.get("family"), settings.family)
    if found and validate == "error":
        said = "; ".join(map(str, found))
        raise RequestRuleError(f"{operation.name}: {said}; nothing was sent", found)
    for one in {one.rule: one for one in reversed(found)}.values():
        warnings.warn(f"{operation.name}: {one}", RequestRuleWarning, stacklevel=_outside())


def breaches(
    operation: Operation,
    values: Mapping[str, Any],
    family: str | None = None,
    default: str | Mapping[str, str] | None = None,
) -> list[Breach]:
    """The rules that arguments, by their names on the wire, break; files are Uploads. `family` overrides that of the
    model, `default` is for models that have none: those obey only what holds for all. ValueError for an unknown one."""
    table = _table()
    form = table["operations"].get(operation.name, {}).get("json" if is_json(operation, values) else "body")
    if form is None:
        return []
    body = values if form["json"] else {name: _read(form, name, one) for name, one in _parts(operation, values)}
    found = [*_missing(form, body), *_misfits(form, body)]
    model = body.get("model")
    known = _family(table["families"], model, family, default)
    if known and operation.name not in known["operations"]:
        rows = [row for row in table["families"].values() if operation.name in row["operations"]]
        offered = tuple(one for row in rows for one in row["models"])
        found.append(Breach(form["properties"]["model"]["x-rule"], "model", f"not offered by {model}", offered))
    elif known:
        mistyped = {one.parameter for one in found}
        told = known["operations"][operation.name]
        found += [one for one in _cells(form, told["cells"], body) if one.parameter not in mistyped]
        found += _cross(told["rules"], body)
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("_families.json").read_text(encoding="utf-8"))
    return table


def _family(families: Mapping[str, Any], model: Any, told: str | None, default: str | Mapping[str, str] | None) -> Any:
    own = next((name for name, row in families.items() if model in row["models"]), None)
    name = told or (default.get(str(model)) if isinstance(default, Mapping) else None) or own
    name = name or (default if isinstance(default, str) else None)
    if name is not None and name not in families:
        raise ValueError(f"no model family {name!r}; known: {', '.join(families)}")
    return families[name] if name else None


def _parts(operation: Operation, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Arguments as the parts of a form: lists and members of objects under names of their own, null as nothing."""
    for name, value in values.items():
        if is_mapping(value) and name not in operation.documents:
            yield from _parts(operation, {f"{name}[{key}]": item for key, item in value.items()})
        elif value is not None:
            yield operation.lists.get(name, name) if is_sequence(value) else name, value


def _read(form: Mapping[str, Any], name: str, value: Any) -> Any:
    """A value of a form as its server reads it: a text that is a number is one, where one is wanted."""
    value = value.value if isinstance(value, enum.Enum) else value
    wanted = form["properties"].get(name, {}).get("type", "string")
    if isinstance(value, str) and wanted in ("integer", "number", "boolean"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _missing(form: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Breach]:
    for names in form["required"]:
        if not any(name in body for name in names):
            rules = (form["properties"].get(name, {}).get("x-rule-missing") for name in names)
            yield Breach(next(filter(None, rules), ""), names[0], f"{' or '.join(names)} is required")


def _misfits(form: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Breach]:
    """Breaches of what holds for every model."""
    for name, value in body.items():
        schema = form["properties"].get(name)
        if schema is None:
            continue
        parameter = schema.get("x-parameter", name)
        if isinstance(value, Upload) and not schema.get("file"):
            yield Breach(form["type_rule"], parameter, f"{name} must not be a file")
            continue
        for fault in _faults(schema, _bare(value)):
            while fault.inner:
                fault = max(fault.inner, key=lambda one: len(one.path))
            rule = form["type_rule"] if fault.keyword == "type" else fault.rule
            yield Breach(rule, parameter, f"{name}{_place(fault)} {_said(fault)}", _listed(schema))


def _cells(form: Mapping[str, Any], cells: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Breach]:
    """Breaches of what a family says of one parameter."""
    for name, value in body.items():
        schema = form["properties"].get(name)
        if value is None or schema is None:
            continue
        parameter = schema.get("x-parameter", name)
        for cell in filter(None, map(cells.get, dict.fromkeys((name, parameter)))):
            told = cell["schema"]
            if told is False:
                yield Breach(cell["rule"], parameter, f"{parameter} is not a parameter of this model")
                continue
            said = [f"{_place(fault)} {_said(fault)}" for fault in _faults(told, _bare(value))]
            said += [_off_grid(told.get("x-size-grid"), value)]
            if "file" in cell:
                facts = [_facts(file, cell["file"], body) for file in uploads_in(value)]
                faults = [fault for one in facts for fault in _faults(cell["file"], one)]
                said += [f"'s {_place(fault)[1:]} {_said(fault)}" for fault in faults]
            yield from (Breach(cell["rule"], parameter, f"{name}{one}", _listed(told)) for one in said if one)


def _cross(rules: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> Iterator[Breach]:
    """Breaches of what spans parameters."""
    given = {name: _bare(value) for name, value in body.items() if value is not None}
    for rule in rules:
        if not any(_faults(rule["when"], given)) and any(_faults(rule["then"], given)):
            then: dict[str, Any] = rule["then"].get("properties", {}) if rule["then"] else {}
            names: tuple[str, ...] = (*then, *rule["when"].get("properties", {}), *rule["when"].get("required", ()))
            named = next((one for one in names if one in given), next(iter(names), ""))
            yield Breach(rule["id"], named, rule["message"])


def _off_grid(grid: Mapping[str, int] | None, value: Any) -> str:
    match = SIZE.fullmatch(value) if grid and isinstance(value, str) else None
    if grid is None or match is None:
        return ""
    width, height = int(match[1]), int(match[2])
    if width % grid["multiple_of"] or height % grid["multiple_of"]:
        return f" {value}: both edges must be multiples of {grid['multiple_of']}"
    if max(width, height) > grid["max_edge"]:
        return f" {value}: no edge may be longer than {grid['max_edge']}"
    if max(width, height) > grid["max_ratio"] * min(width, height):
        return f" {value}: the longer edge may be at most {grid['max_ratio']} times the shorter"
    if not grid["min_pixels"] <= width * height <= grid["max_pixels"]:
        return f" {value}: the area must be between {grid['min_pixels']} and {grid['max_pixels']} pixels"
    return ""


def _facts(file: Upload, schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What rules may ask of a file; what its header does not tell is left out, and breaks none."""
    told = read_picture(file.head())
    images = (*uploads_in(body.get("image")), *uploads_in(body.get("image[]")))
    first = read_picture(images[0].head()) if images else None
    facts = {"format": told.format, "bytes": file.size, "alpha": told.alpha, "masked": "mask" in body}
    if told.width:
        same = first is not None and (first.width, first.height) == (told.width, told.height)
        facts |= {"width": told.width, "height": told.height, "square": told.width == told.height, "same_size": same}
    if "transparent" in schema.get("properties", {}):
        found = is_see_through(b"".join(file.pieces())) if told.format == "png" else None
        facts |= {} if found is None else {"transparent": found}
    return facts


def _bare(value: Any) -> Any:
    """A value as JSON Schema sees it: a file is some text."""
    if isinstance(value, Upload):
        return ""
    return [_bare(item) for item in value] if is_sequence(value) else value


def _faults(schema: Any, value: Any, path: tuple[Any, ...] = (), rule: str = "") -> Iterator[_Fault]:
    """The keywords of a JSON Schema that a value breaks."""
    if isinstance(schema, bool):
        if not schema:
            yield _Fault(path, "false", None, rule)
        return
    rule = schema.get("x-rule", rule)
    for keyword, limit in schema.items():
        if keyword in _KEYWORDS and _KEYWORDS[keyword][0](value) and not _KEYWORDS[keyword][1](limit, value):
            yield _Fault(path, keyword, limit, rule)
    if isinstance(value, list | dict):
        yield from _below(schema, value, path, rule)
    if _COMPOSED & schema.keys():
        yield from _composed(schema, value, path, rule)


def _below(schema: Mapping[str, Any], value: Any, path: tuple[Any, ...], rule: str) -> Iterator[_Fault]:
    """Faults of members and items."""
    if is_list(value) and "items" in schema:
        for index, item in enumerate(value):
            yield from _faults(schema["items"], item, (*path, index), rule)
    if is_mapping(value):
        known: dict[str, Any] = schema.get("properties", {})
        for name in known.keys() & value.keys():
            yield from _faults(known[name], value[name], (*path, name), rule)
        if schema.get("additionalProperties") is False and value.keys() - known.keys():
            yield _Fault(path, "additionalProperties", sorted(known), rule)


def _composed(schema: Mapping[str, Any], value: Any, path: tuple[Any, ...], rule: str) -> Iterator[_Fault]:
    for part in schema.get("allOf", ()):
        yield from _faults(part, value, path, rule)
    for keyword in ("anyOf", "oneOf"):
        found = [tuple(_faults(part, value, path, rule)) for part in schema.get(keyword, ())]
        good = sum(not one for one in found)
        if found and (not good or (keyword == "oneOf" and good > 1)):
            yield _Fault(path, keyword, None, rule, () if good else tuple(fault for one in found for fault in one))
    if "not" in schema and not any(_faults(schema["not"], value)):
        yield _Fault(path, "not", None, rule)
    if "if" in schema:
        branch = "else" if any(_faults(schema["if"], value)) else "then"
        yield from _faults(schema.get(branch, True), value, path, rule)


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_any(value: Any) -> bool:
    return True


def _is_type(limit: Any, value: Any) -> bool:
    return any(_TYPES[one](value) for one in (limit if is_list(limit) else [limit]))


def _is_unique(limit: Any, value: Any) -> bool:
    return not limit or all(not _equal(one, other) for one, other in itertools.combinations(value, 2))


_COMPOSED = {"allOf", "anyOf", "oneOf", "not", "if"}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": is_list,
    "object": is_mapping,
}
# Keyword of JSON Schema -> the values that it judges, how, by its limit and a value, and what is said of a bad one.
_KEYWORDS: dict[str, tuple[Callable[[Any], bool], Callable[[Any, Any], bool], str]] = {
    "type": (_is_any, _is_type, "must be of type {}"),
    "enum": (_is_any, lambda limit, value: any(_equal(value, one) for one in limit), "must be one of {}"),
    "const": (_is_any, _equal, "must be {}"),
    "minimum": (_is_number, lambda limit, value: value >= limit, "must be at least {}"),
    "maximum": (_is_number, lambda limit, value: value <= limit, "must be at most {}"),
    "exclusiveMinimum": (_is_number, lambda limit, value: value > limit, "must be more than {}"),
    "exclusiveMaximum": (_is_number, lambda limit, value: value < limit, "must be less than {}"),
    "multipleOf": (_is_number, lambda limit, value: value % limit == 0, "must be a multiple of {}"),
    "minLength": (_is_text, lambda limit, value: len(value) >= limit, "must have at least {} characters"),
    "maxLength": (_is_text, lambda limit, value: len(value) <= limit, "must have at most {} characters"),
    "pattern": (_is_text, lambda limit, value: bool(re.search(_ecma(limit), value)), "must match {}"),
    "minItems": (is_list, lambda limit, value: len(value) >= limit, "must have at least {} items"),
    "maxItems": (is_list, lambda limit, value: len(value) <= limit, "must have at most {} items"),
    "uniqueItems": (is_list, _is_unique, "must not have an item twice"),
    "minProperties": (is_mapping, lambda limit, value: len(value) >= limit, "must have at least {} members"),
    "maxProperties": (is_mapping, lambda limit, value: len(value) <= limit, "must have at most {} members"),
    "required": (is_mapping, lambda limit, value: all(name in value for name in limit), "must have the members {}"),
}


def _ecma(pattern: str) -> str:
    """A pattern whose `$` is the end, and not the place before a last newline too."""
    return re.sub(r"(?<!\\)\$(?=$|[)|])", r"\\Z", pattern)


def _said(fault: _Fault) -> str:
    limit = ", ".join(map(str, fault.limit)) if is_list(fault.limit) else str(fault.limit)
    return _KEYWORDS.get(fault.keyword, (0, 0, f"breaks `{fault.keyword}: {{}}`"))[2].format(limit[:200])


def _place(fault: _Fault) -> str:
    """Where a value is at fault, such as `[0].image_url`."""
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in fault.path)


def _listed(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values that a schema names."""
    own = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    own = [one for one in own if not isinstance(one, list | dict)]
    return (*own, *(value for part in schema.get("anyOf", ()) for value in _listed(part)))


def _outside() -> int:
    """How far up the caller of this package is, for warnings to point at."""
    level, frame = 0, inspect.currentframe()
    here = str(Path(__file__).parent)
    while frame is not None and frame.f_code.co_filename.startswith(here):
        frame, level = frame.f_back, level + 1
    return level
