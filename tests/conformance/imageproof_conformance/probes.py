"""Bodies made into probes: what the planner means, as a request and as what the judges are told of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from imageproof.contract.document import Document, Operation, request_content, request_schema
from imageproof.contract.families import Cell, Family, families, family_of, listed
from imageproof.contract.requirements import Requirement
from imageproof.contract.violations import Violation, is_file, violations
from imageproof_conformance.exchange import Expect, Part, Probe, Request, Tier
from imageproof_conformance.probes_pictures import Picture, legal

PROMPT = "A red disc on a white ground, flat colours"
JSON = "application/json"
Body = Mapping[str, Any]  # parameter or part name -> JSON value, Picture, or list of Pictures

# What any answer may show by the way.
ANY_RULES = ("ERR-LIMIT", "ERR-RETRY-AFTER")
# What any refusal is judged by, beside the rule that it is about.
ERROR_RULES = (
    "ERR-ENVELOPE",
    "ERR-FOUR-KEYS",
    "ERR-CODE",
    "ERR-PARAM",
    "ERR-CONTENT-TYPE",
    "ERR-NO-DATA",
    "ERR-NO-TRACE",
    "ERR-NOT-FOUND",
    "ERR-WORDS",
    *ANY_RULES,
)
# And where it is about the parameters of a body.
BODY_RULES = ("ERR-STATUS", "ERR-NAMES-PARAM", "ERR-OWN")


@dataclass(frozen=True)
class Target:
    """What a plan is made for. `family_id` names a family for a model that the document does not know."""

    document: Document
    registry: Mapping[str, Requirement]
    model: str
    family_id: str | None
    offered: frozenset[str]

    @cached_property
    def family(self) -> Family | None:
        return family_of(self.document, self.model, self.family_id)

    @cached_property
    def making(self) -> tuple[Operation, ...]:
        """The offered operations that take a body, in document order."""
        operations = self.document.operations().values()
        return tuple(one for one in operations if one.id in self.offered and request_content(self.document, one.id))

    def can(self, operation: str) -> bool:
        """Whether the model has an operation that is offered; a model that is not known may have any."""
        return operation in self.offered and (self.family is None or operation in self.family.operations)

    def media_types(self, operation: str) -> tuple[str, ...]:
        """The media types of a body that the model takes, the document's first one first."""
        found = tuple(request_content(self.document, operation))
        return tuple(one for one in found if not self._forbidden(operation, one))

    def schema(self, operation: str, media_type: str) -> dict[str, Any]:
        return request_schema(self.document, operation, media_type)

    def property(self, operation: str, media_type: str, name: str) -> dict[str, Any]:
        """A property's schema with the target of its $ref folded under its own keys."""
        node = self.schema(operation, media_type)["properties"].get(name, {})
        return {**self.document.resolve(node), **{key: value for key, value in node.items() if key != "$ref"}}

    def cell(self, operation: str, name: str) -> Cell | None:
        return self.family.cell(operation, name) if self.family else None

    def breaches(self, operation: str, media_type: str, body: Body) -> tuple[Violation, ...]:
        """What is wrong with a body as it is on the wire."""
        sent = asked(body)
        if media_type != JSON:
            sent = {name: self._as_text(operation, media_type, name, value) for name, value in sent.items()}
        return violations(self.document, self.model, operation, sent, media_type=media_type, family=self.family_id)

    def forbidden_somewhere(self, operation: str, name: str) -> bool:
        """Whether some family with the operation has no such parameter: a model that is not known may lack it too."""
        cells = (one.cell(operation, name) for one in families(self.document) if operation in one.operations)
        return any(cell is not None and cell.schema is False for cell in cells)

    def _as_text(self, operation: str, media_type: str, name: str, value: Any) -> Any:
        """A form has no types: a scalar travels as text, and is read as the schema of its part says."""
        if isinstance(value, str | int | float):
            return typed(self.property(operation, media_type, name), as_text(value))
        return value

    def prefix(self, operation: str) -> str:
        """How ids of an operation's rules begin, as its body schema says: GEN, EDIT, VAR."""
        first = next(iter(request_content(self.document, operation)))
        return str(self.schema(operation, first).get("x-rule-type", "")).partition("-")[0]

    def judged(self, *rules: str) -> tuple[str, ...]:
        """Those of some ids that the registry has a judge for, once each."""
        return tuple(one for one in dict.fromkeys(rules) if one in self.registry and self.registry[one].judged)

    def _forbidden(self, operation: str, media_type: str) -> bool:
        required = self.schema(operation, media_type).get("required", ())
        cells = [self.cell(operation, name) for name in required]
        return any(cell is not None and cell.schema is False for cell in cells)


def required_groups(schema: Mapping[str, Any]) -> list[list[str]]:
    """What a body must have: each group is one name, or names of which one is enough."""
    alternatives = [name for choice in schema.get("anyOf", ()) for name in choice.get("required", ())]
    return [*([name] for name in schema.get("required", ())), *([alternatives] if alternatives else [])]


def base(target: Target, operation: str, media_type: str) -> dict[str, Any]:
    """The plainest legal body, at the lowest quality that the model names; the size is left to the model."""
    body: dict[str, Any] = {"model": target.model}
    for group in required_groups(target.schema(operation, media_type)):
        prop = target.property(operation, media_type, group[0])
        body[group[0]] = _sample(target, prop)
    quality = cheapest_quality(target, operation)
    return {**body, "quality": quality} if quality else body


def _sample(target: Target, prop: Mapping[str, Any]) -> Any:
    if is_file(prop):
        return legal()[0]
    if prop.get("type") == "array":
        items = target.document.resolve(prop.get("items", {}))
        return [legal()[0]] if is_file(items) else [{"image_url": data_url(legal()[0])}]
    return PROMPT


def data_url(picture: Picture) -> str:
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def cheapest_quality(target: Target, operation: str) -> str | None:
    """The cheapest quality of the model by its prices, else the first listed beside its default; None for none."""
    cell, family = target.cell(operation, "quality"), target.family
    if cell is None or family is None:
        return None
    default = family.defaults.get("quality")
    values = [value for value in listed(cell.schema) if value != default]
    priced = [row for row in (family.prices.rows if family.prices else ()) if row.quality in values]
    return min(priced, key=lambda row: row.price).quality if priced else next(iter(values), None)


def asked(body: Body) -> dict[str, Any]:
    """A body as the judges and the validator see it: files are their facts."""
    return {
        name: value.facts
        if isinstance(value, Picture)
        else [one.facts if isinstance(one, Picture) else one for one in value]
        if isinstance(value, list)
        else value
        for name, value in body.items()
    }


def request(operation: Operation, media_type: str, body: Body) -> Request:
    """A body as a request: JSON, or parts in the order of the body with text as the official SDKs write it."""
    if media_type == JSON:
        return Request(operation.method, operation.path, json=dict(body))
    parts = [part for name, value in body.items() for part in _parts(name, value)]
    return Request(operation.method, operation.path, parts=tuple(parts))


def as_text(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_WHOLE = re.compile(r"^-?[0-9]{1,18}$", re.ASCII)


def typed(prop: Mapping[str, Any], text: str) -> Any:
    """The value that a text part means under its schema; the text itself when it is not of that type."""
    kinds = prop.get("type", "string")
    if "integer" in kinds and _WHOLE.match(text):
        return int(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return text


def _parts(name: str, value: Any) -> list[Part]:
    if isinstance(value, list):
        return [part for one in value for part in _parts(name, one)]
    if isinstance(value, Picture):
        return [Part(name, value.data, value.name, value.media_type)]
    return [Part(name, as_text(value).encode())]


def worst(body: Body) -> int:
    """Pictures that a target makes of a body if it serves it."""
    n = body.get("n")
    return n if isinstance(n, int) and not isinstance(n, bool) and n > 1 else 1


def probe(
    target: Target,
    operation: Operation,
    media_type: str,
    body: Body,
    label: str,
    expect: Expect,
    rules: tuple[str, ...],
    tier: Tier = "free",
    images: int = 0,
) -> Probe:
    """A probe of a body. Its id is model/operation/label."""
    return Probe(
        id=f"{target.model}/{operation.id}/{label}",
        operation=operation.id,
        model=target.model,
        request=request(operation, media_type, body),
        expect=expect,
        rules=target.judged(*rules),
        tier=tier,
        asked=asked(body),
        images=images,
        worst=max(worst(body), images),
    )
