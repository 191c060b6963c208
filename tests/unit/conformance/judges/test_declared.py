"""Every judge of what a provider declares passes a target that does the same and fails one that does otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof.contract.providers import Offers, read_provider
from imageproof.contract.requirements import requirements
from imageproof_conformance.exchange import Chunk, Exchange, Probe
from imageproof_conformance.intent import whole_plan
from imageproof_conformance.judges import Context, judge
from imageproof_conformance.probes_spared import NO_EXTRAS
from imageproof_conformance.profile import ModelChoice

MODEL = "gpt-image-1"
DOCUMENT, REGISTRY = load(), requirements()
DECLARES = read_provider(str(Path(__file__).parents[1] / "declares.yaml"), "declares")
PLAN = whole_plan(DOCUMENT, REGISTRY, ModelChoice(MODEL), frozenset(DOCUMENT.operations()), NO_EXTRAS, DECLARES)
CONTEXT = Context(DOCUMENT, family_of(DOCUMENT, MODEL), MODEL, provider=DECLARES)
RULES = [rule for rule in REGISTRY if rule.startswith("DECLARED-")]


def probe(rule: str, *, operation: str = "", label: str = "") -> Probe:
    """The first planned call that shows a rule."""
    return next(
        one
        for one in PLAN.probes
        if rule in one.rules and operation in ("", one.operation) and one.id.endswith(label or one.id)
    )


def refusal(status: int, message: str, param: str | None = None) -> tuple[int, Any]:
    kind = {"type": "invalid_request_error", "code": None}
    return status, {"error": {"message": message, "param": param, **kind}}


def said(rule: str, one: Probe, answer: tuple[int, Any], media_type: str = "application/json", **offers: Any) -> Any:
    """What the judge of a rule says of an answer, where the provider declares `offers` otherwise."""
    status, body = answer
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = Exchange(one, "http://t/v1", (), b"", status, (("content-type", media_type),), (Chunk(0.1, data),))
    provider = replace(DECLARES, offers=replace(DECLARES.offers, **offers))
    found = judge(rule, sent, replace(CONTEXT, provider=provider))
    return found and found.outcome


PICTURE = 200, {"created": 1, "data": [{"b64_json": "aGVsbG8="}]}
LINK = 200, {"created": 1, "data": [{"url": "https://p.example/1.png"}]}
LIST = 200, {"object": "list", "data": [{"id": MODEL}, {"id": "another"}]}
NO_ROUTE, NO_PROMPT = refusal(404, "no such path"), refusal(400, "prompt is required", "prompt")
NO_IMAGE, NO_JSON = refusal(400, "image is required", "image"), refusal(400, "use multipart/form-data")
NO_STREAM, NO_MASK = refusal(400, "stream is not supported", "stream"), refusal(400, "mask is not taken", "mask")
EVENTS = 200, b"event: image_generation.completed\ndata: {}\n\n"


def test_every_rule_has_a_pair_here() -> None:
    assert {rule for rule, *_ in KEPT} == {rule for rule, *_ in BROKEN} == set(RULES)


KEPT: list[tuple[Any, ...]] = [
    ("DECLARED-OPERATIONS", {}, NO_PROMPT),
    ("DECLARED-OPERATIONS", {"operation": "createImageVariation"}, NO_ROUTE),
    ("DECLARED-OPERATIONS", {}, refusal(404, "no such model", "model")),
    ("DECLARED-MODELS", {}, LIST),
    ("DECLARED-ENCODINGS", {"label": "declared-json"}, NO_IMAGE),
    ("DECLARED-ENCODINGS", {"label": "declared-form"}, PICTURE),
    ("DECLARED-CARRIER", {}, PICTURE),
    ("DECLARED-STREAM", {}, EVENTS),
    ("DECLARED-MASK", {}, PICTURE),
]
BROKEN: list[tuple[Any, ...]] = [
    ("DECLARED-OPERATIONS", {}, NO_ROUTE, {}),
    ("DECLARED-OPERATIONS", {"operation": "createImageVariation"}, NO_PROMPT, {}),
    ("DECLARED-MODELS", {}, (200, {"data": [{"id": "another"}]}), {}),
    ("DECLARED-ENCODINGS", {"label": "declared-json"}, NO_JSON, {}),
    ("DECLARED-ENCODINGS", {"label": "declared-json"}, NO_PROMPT, {}),  # it was there, so the body was not read
    ("DECLARED-ENCODINGS", {"label": "declared-json"}, refusal(415, "no"), {}),
    ("DECLARED-ENCODINGS", {"label": "declared-json"}, NO_IMAGE, {"encodings": frozenset({"multipart/form-data"})}),
    ("DECLARED-CARRIER", {}, LINK, {}),
    ("DECLARED-CARRIER", {}, PICTURE, {"carrier": "url"}),
    ("DECLARED-STREAM", {}, NO_STREAM, {}),
    ("DECLARED-STREAM", {}, PICTURE, {}),
    ("DECLARED-STREAM", {}, EVENTS, {"stream": False}),
    ("DECLARED-MASK", {}, NO_MASK, {}),
    ("DECLARED-MASK", {}, PICTURE, {"mask": False}),
]
SILENT: list[tuple[Any, ...]] = [
    *((rule, {}, answer) for rule in RULES for answer in (refusal(401, "who?"), refusal(429, "later"))),
    ("DECLARED-ENCODINGS", {"label": "declared-json"}, refusal(400, "no")),
    ("DECLARED-OPERATIONS", {}, refusal(503, "later")),
    ("DECLARED-MODELS", {}, (200, {"models": [MODEL]})),
    ("DECLARED-MASK", {}, refusal(400, "the model is loading", "model")),
]


@pytest.mark.parametrize(("rule", "of", "answer"), KEPT)
def test_a_target_that_does_as_declared_is_told_so(rule: str, of: Any, answer: Any) -> None:
    media_type = "text/event-stream" if answer is EVENTS else "application/json"
    assert said(rule, probe(rule, **of), answer, media_type) == "pass"


@pytest.mark.parametrize(("rule", "of", "answer", "offers"), BROKEN)
def test_a_target_that_does_otherwise_is_told_so(rule: str, of: Any, answer: Any, offers: Any) -> None:
    media_type = "text/event-stream" if answer is EVENTS else "application/json"
    assert said(rule, probe(rule, **of), answer, media_type, **offers) == "fail"


@pytest.mark.parametrize(("rule", "of", "answer"), SILENT)
def test_an_answer_that_settles_nothing_is_no_evidence(rule: str, of: Any, answer: Any) -> None:
    assert said(rule, probe(rule, **of), answer) is None


@pytest.mark.parametrize("rule", [one for one in RULES if one != "DECLARED-MODELS"])
def test_what_is_not_said_is_not_compared(rule: str) -> None:
    nothing = replace(DECLARES, offers=Offers())
    data = (Chunk(0.1, json.dumps(PICTURE[1]).encode()),)
    sent = Exchange(probe(rule), "http://t/v1", (), b"", 200, (("content-type", "application/json"),), data)
    assert judge(rule, sent, replace(CONTEXT, provider=nothing)) is None
    assert judge(rule, sent, replace(CONTEXT, provider=None)) is None
