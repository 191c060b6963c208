"""Negative cases that schemathesis generates, as probes: enumerated without a socket, kept only when what is on the
wire breaks exactly one rule.

Schemathesis breaks a schema one constraint at a time. What it means to break is not always broken on the wire (a form
has no types; an unknown property is legal), so each case is made into our request, read back, and judged by
`violations()`.
This is the only module that touches schemathesis.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imageproof.contract.document import Document, Operation, parameter_name
from imageproof.contract.narrow import Images, narrow
from imageproof.contract.requirements import requirements
from imageproof.contract.violations import is_file
from imageproof_conformance.encode import encode
from imageproof_conformance.exchange import Part, Probe, Request
from imageproof_conformance.meaning import read_form
from imageproof_conformance.probes import BODY_RULES, ERROR_RULES, JSON, Target, required_groups, worst
from imageproof_conformance.probes_pictures import legal
from imageproof_conformance.probes_refused import refused

FORM = "multipart/form-data"


@dataclass(frozen=True)
class Negatives:
    """The generated probes, all of them free on a target that keeps the contract, and how many cases were left out
    because they do not break exactly one rule when they are read back. Repetitions are left out too, uncounted."""

    probes: tuple[Probe, ...]
    dropped: int


@dataclass(frozen=True)
class Generated:
    """One case as schemathesis made it. `body` is a JSON value, or the parts of a form; `said` is its description."""

    operation: str
    media_type: str
    body: Any
    said: str


def negatives(document: Document, model: str, family: str | None, offered: frozenset[str]) -> Negatives:
    """The generated probes of one model, in the same order in every process. `offered` are the operationIds that the
    target answers; `family` names the family of a model that the document does not know."""
    target = Target(document, requirements(), model, family, offered)
    seen = {encode(probe.request)[0] for probe in refused(target)}
    covered: set[tuple[str, str]] = set()
    kept: list[Probe] = []
    dropped = 0
    for images, case in _cases(target):
        found = _broken(target, case)
        if found is None:
            dropped += 1
            continue
        case, found = _smaller(target, case, found)
        wire = encode(found.request)[0]
        if wire in seen or _repeats(target, case, images, found, covered):
            continue
        seen.add(wire)
        covered |= {(case.operation, found.rule), (case.operation, found.parameter)}
        kept.append(_probe(target, case, found))
    return Negatives(tuple(_numbered(kept)), dropped)


def _cases(target: Target) -> Iterator[tuple[Images, Generated]]:
    """The cases of all narrowed documents that differ: with one image, and with a list."""
    forms: tuple[Images, ...] = ("one", "list")
    operations = {one.id: one for one in target.making if target.can(one.id)}
    for images in forms:
        narrowed = narrow(target.document, target.model, images, target.family_id)
        wanted = [one for one in operations.values() if images == "one" or _has_lists(target, one)]
        for case in generate(narrowed, [one.id for one in wanted]):
            yield images, case


def _has_lists(target: Target, operation: Operation) -> bool:
    return any(
        "x-parameter" in target.property(operation.id, media_type, name) and name.endswith("[]")
        for media_type in target.media_types(operation.id)
        for name in target.schema(operation.id, media_type)["properties"]
    )


@dataclass(frozen=True)
class _Broken:
    """A case read back from the wire: the one rule that it breaks, the parameter ("" for the whole body), the body."""

    request: Request
    rule: str
    parameter: str
    body: Mapping[str, Any]


def _repeats(target: Target, case: Generated, images: Images, found: _Broken, covered: set[tuple[str, str]]) -> bool:
    """Whether a case shows nothing new: what the list form shares with the single one, and what a further media type
    shares with the first, which a target is more likely to have."""
    if images == "list" and found.parameter != "image":
        return True
    first = target.media_types(case.operation)[0]
    return case.media_type != first and {(case.operation, found.rule), (case.operation, found.parameter)} <= covered


def _probe(target: Target, case: Generated, found: _Broken) -> Probe:
    return Probe(
        id=f"{target.model}/{case.operation}/generated: {case.said}",
        operation=case.operation,
        model=target.model,
        request=found.request,
        expect="refused",
        rules=target.judged(found.rule, *ERROR_RULES, *(BODY_RULES if found.parameter != "model" else ())),
        about=found.parameter,
        asked=found.body,
        worst=worst(found.body),
        source="schemathesis",
    )


def _broken(target: Target, case: Generated) -> _Broken | None:
    """What a case breaks when it is read back; None unless it is exactly one rule that must be kept and is judged."""
    request = _request(target.document.operations()[case.operation], case)
    if request is None or case.media_type not in target.media_types(case.operation):
        return None
    body = _read(target, case.operation, case.media_type, request)
    if body is None:
        return None
    if not isinstance(body, dict):
        rule = str(target.schema(case.operation, case.media_type).get("x-rule-type", ""))
        return _Broken(request, rule, "", {}) if target.judged(rule) else None
    breaches = [one for one in target.breaches(case.operation, case.media_type, body) if not one.either]
    if len({one.rule for one in breaches}) != 1 or not target.judged(breaches[0].rule):
        return None
    parameter = breaches[0].parameter
    if parameter != "model" and body.get("model", target.model) != target.model:
        return None  # refused for a model that nobody knows, it would say nothing of the rule
    if target.family is None and target.forbidden_somewhere(case.operation, parameter):
        return None
    return _Broken(request, breaches[0].rule, parameter, body)


def _smaller(target: Target, case: Generated, found: _Broken) -> tuple[Generated, _Broken]:
    """The case with no more than it needs: what is required, the model, and what is blamed; the case itself when less
    breaks something else. A server that stumbles over one optional part must not break the rules of all others."""
    if not isinstance(case.body, dict | tuple):
        return case, found
    groups = required_groups(target.schema(case.operation, case.media_type))
    kept = {"model", *(name for group in groups for name in group)}
    breaches = target.breaches(case.operation, case.media_type, found.body)
    kept |= {one.parameter for one in breaches if not one.either}
    shrunk = True
    while shrunk:  # what a part needs can go once the part has gone
        shrunk = False
        for name in _names(case):
            prop = target.property(case.operation, case.media_type, name)
            less = _without(case, name)
            left = None if kept & {name, parameter_name(name, prop)} else _broken(target, less)
            if left is not None and (left.rule, left.parameter) == (found.rule, found.parameter):
                case, found, shrunk = less, left, True
    return case, found


def _names(case: Generated) -> list[str]:
    """The members or parts of a case, each once, in their order."""
    if case.media_type == JSON:
        return list(case.body) if isinstance(case.body, dict) else []
    return list(dict.fromkeys(part.name for part in case.body))


def _without(case: Generated, name: str) -> Generated:
    if case.media_type == JSON:
        return replace(case, body={key: value for key, value in case.body.items() if key != name})
    return replace(case, body=tuple(part for part in case.body if part.name != name))


def _request(operation: Operation, case: Generated) -> Request | None:
    if case.media_type == JSON:
        try:
            # As text and not as a value: null and other bodies that are no object stay bodies.
            raw = json.dumps(case.body, separators=(",", ":"), allow_nan=False).encode("ascii")
        except (TypeError, ValueError):
            return None
        return Request(operation.method, operation.path, raw=raw, media_type=JSON)
    return Request(operation.method, operation.path, parts=case.body) if case.media_type == FORM else None


_NULL = "null"  # a body that is null, apart from no body


def _read(target: Target, operation: str, media_type: str, request: Request) -> Any:
    """A request's body as a server reads it; None when two parts contradict each other."""
    if request.parts is None:
        read = json.loads(encode(request)[0])
        return _NULL if read is None else read
    return read_form(target, operation, media_type, request.parts)


def _numbered(probes: Iterable[Probe]) -> Iterator[Probe]:
    """The probes with ids that differ."""
    count: dict[str, int] = {}
    for probe in probes:
        count[probe.id] = number = count.get(probe.id, 0) + 1
        fields = {name: getattr(probe, name) for name in probe.__dataclass_fields__}
        yield Probe(**{**fields, "id": f"{probe.id} ({number})"}) if number > 1 else probe


def generate(document: Mapping[str, Any], operations: Iterable[str]) -> Iterator[Generated]:
    """The negative cases of schemathesis' coverage phase for some operations of a plain document, in document order.

    No socket is opened, nothing is written where the user stands, and what is registered is taken back.
    """
    wanted = set(operations)
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.core.result import Ok

    with _isolated():
        schema = schemathesis.openapi.from_dict(_without_file_examples(document))
        for result in schema.get_all_operations():
            operation = result.ok() if isinstance(result, Ok) else None
            if operation is None:  # a narrowed document is valid, so this is schemathesis' own trouble
                continue
            if operation.definition.raw.get("operationId") not in wanted:
                continue
            name = str(operation.definition.raw["operationId"])
            settings = schema.config.generation_for(operation=operation)
            settings.update(codec="ascii", allow_x00=False)
            cases = schema.iter_coverage_cases(
                operation, generation_modes=[GenerationMode.NEGATIVE], generation_config=settings
            )
            for case in cases:
                if case.method.upper() == operation.method.upper() and case.media_type in (JSON, FORM):
                    yield from _generated(name, case)


def _generated(operation: str, case: Any) -> Iterator[Generated]:
    said = case.meta.phase.data.description if case.meta else ""
    if case.media_type == JSON:
        yield Generated(operation, JSON, case.body, said)
        return
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1/v1").get("files")
    if sent:
        yield Generated(operation, FORM, tuple(_part(name, value) for name, value in sent), said)


def _part(name: str, value: tuple[Any, ...]) -> Part:
    """A part as requests has it: (file name or None, value, media type?)."""
    filename, data, *media = value
    raw = data if isinstance(data, bytes) else str(data).encode("utf-8", errors="replace")
    return Part(name, raw, filename, media[0] if media else None)


def _without_file_examples(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document whose forms have no examples: one can only name a file, and the name would be sent as its bytes."""
    plain: dict[str, Any] = json.loads(json.dumps(document))
    for item in plain["paths"].values():
        for operation in item.values():
            body = operation.get("requestBody", {}) if isinstance(operation, dict) else {}
            for media in body.get("content", {}).values():
                if any(is_file(prop) or is_file(prop.get("items", {})) for prop in _properties(media)):
                    media.pop("examples", None)
                    media.pop("example", None)
    return plain


def _properties(media: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = media.get("schema", {}).get("properties", {})
    return found.values()


def _home() -> Path:
    """Where Hypothesis keeps its character tables, which cost it seconds to make: the user's cache, never the working
    folder (it would write `.hypothesis` there)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imageproof" / "hypothesis"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return Path(tempfile.gettempdir()) / "imageproof-hypothesis"
    return cache


@contextmanager
def quietly() -> Iterator[None]:
    """Hypothesis says nothing and keeps its files in the user's cache while it lasts."""
    from hypothesis import configuration

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        configuration.set_hypothesis_home_dir(_home())
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(None)


@contextmanager
def _isolated() -> Iterator[None]:
    """Legal pictures for every file while it lasts; afterwards all that is global is as it was."""
    from hypothesis import strategies
    from schemathesis.specs.openapi import formats

    before = dict(formats.STRING_FORMATS)
    with quietly():
        formats.register_string_format("binary", strategies.just(legal()[0].data))
        try:
            yield
        finally:
            formats.unregister_string_format("binary")
            for name, strategy in before.items():
                formats.STRING_FORMATS[name] = strategy
