"""What is said of a target's abilities: founded on an answer, and never that nobody asked where somebody did."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from imageproof_conformance.exchange import Chunk, Exchange, Probe, Request
from imageproof_conformance.offered import ABLE, offers
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.report.breadth import told
from imageproof_conformance.run import Run, run

from .conftest import Asked, Says, Serve, forward

KEY = "sk-canary-b4ea"
MODEL = "gpt-image-1"
Reference = Callable[..., str]


def made(url: str, **options: Any) -> Run:
    given = {"models": (ModelChoice(MODEL),), "workers": 8, "tier": "standard", **options}
    return run(Profile(url, KEY, "IMAGEPROOF_API_KEY", again=(url,), **given))


def abilities(found: Run) -> str:
    return next(text for text in told(found) if text.startswith(f"{MODEL}: "))


def refusal(message: str, param: str | None = None, status: int = 400) -> Says:
    return Says(status, {"error": {"message": message, "type": "x", "param": param, "code": None}})


def test_edits_are_paid_for_in_json_where_no_form_is_taken(serve: Serve, reference: Reference) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        form = "multipart" in asked.headers.get("Content-Type", "")
        return refusal("This endpoint only accepts application/json.") if form else forward(asked, url)

    found = made(serve(handle).url)
    edits = [one for one in found.exchanges if one.probe.operation == "createImageEdit" and one.probe.images]
    forms = [one for one in edits if one.probe.request.parts is not None]
    assert [(one.status, one.probe.id.rpartition("/")[2]) for one in forms] == [(400, "list")]
    assert len(edits) > 4 and {one.status for one in edits if one not in forms} == {200}
    assert "streaming: yes, mask: yes, JSON edits: yes" in abilities(found)
    broken = {rule.rule for rule in found.verdict.rules if rule.status == "fail"}
    assert broken == {"EDIT-SERVED"}


def test_what_is_refused_for_something_else_is_not_settled(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "GET":
            return Says(body={"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        return refusal("Argument not supported: quality") if b"quality" in asked.body else refusal("No", "prompt")

    found = made(serve(handle).url)
    assert "streaming: asked, and not settled, mask: asked, and not settled, JSON edits" in abilities(found)
    assert "not asked" not in abilities(found)


def test_what_fails_is_not_said_to_be_unasked(serve: Serve, reference: Reference) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        return Says(502) if b'"stream":true' in asked.body or b'"stream"' in asked.body else forward(asked, url)

    found = made(serve(handle).url, tier="core")
    assert "streaming: asked, and not settled, mask: yes" in abilities(found)


def test_an_operation_that_a_model_lacks_is_not_offered(serve: Serve, reference: Reference) -> None:
    url = reference(KEY)
    refused = Says(404, {"error": {"message": "It does not edit.", "param": "model", "code": "model_not_found"}})

    def handle(asked: Asked) -> Says:
        return refused if "edits" in asked.path and MODEL.encode() in asked.body else forward(asked, url)

    target = serve(handle).url
    found = made(target, tier="core", require=("createImageEdit",))
    assert "refused for this model: createImageEdit" in abilities(found) and "JSON edits: not asked" in abilities(found)
    assert found.verdict.exit_status == 1 and found.verdict.missing == ("createImageEdit",)
    kept = {one.rule: one for one in found.verdict.rules}
    assert kept["EDIT-SERVED"].status == kept["EDIT-IMAGE-LIST"].status == "unsupported"
    assert "It does not edit." in kept["EDIT-SERVED"].reason
    assert not [one for one in found.verdict.rules if one.status in ("fail", "blocked")]
    assert "createImageEdit" not in next(iter(found.offers)).names
    assert made(target, tier="core").verdict.exit_status == 0


def test_what_was_asked_again_is_told(serve: Serve, reference: Reference) -> None:
    url, sent = reference(KEY), list[Asked]()

    def handle(asked: Asked) -> Says:
        sent.append(asked)
        return Says(503) if asked.method == "POST" and len(sent) % 9 == 0 else forward(asked, url)

    found = made(serve(handle).url, tier="free", workers=1)
    count = sum(len(one.earlier) for one in found.exchanges)
    assert count > 5
    assert f"of {len(sent)} requests {count} were turned away and asked again: {count} with status 503" in found.notes


def test_a_free_call_is_no_silence_about_json(reference: Reference) -> None:
    found = made(reference(KEY), tier="free")
    assert "streaming: not asked, mask: not asked, JSON edits: yes, by a free call" in abilities(found)


def exchange(status: int, error: dict[str, Any] | None, **asked: Any) -> Exchange:
    probe = Probe("s", "createImage", MODEL, Request("POST", "/x", json={}), "served", (), asked=asked, images=1)
    body = json.dumps({"error": error} if error else {"data": []}).encode()
    return Exchange(probe, "http://h/x", (), b"", status, (("content-type", "application/json"),), (Chunk(0, body),))


@pytest.mark.parametrize(
    ("status", "error", "settled"),
    [
        (200, None, False),  # JSON in the place of a stream
        (400, {"message": "no", "param": "stream"}, False),
        (400, {"message": "Streaming is not supported"}, False),
        (400, {"message": "Not supported"}, None),  # nothing was served that tells it from any other call
        (400, {"message": "no", "param": "quality"}, None),
        (400, {"message": "quality is not supported"}, None),
        (500, {"message": "stream"}, None),
        (429, {"message": "stream"}, None),
    ],
)
def test_no_stream_takes_an_answer_that_says_so(status: int, error: Any, settled: bool | None) -> None:
    from imageproof_conformance.bench import ModelPlan

    plan = ModelPlan(ModelChoice(MODEL), None, (), ())
    asked = exchange(status, error, stream=True, quality="low")
    (offer,) = offers(("createImage",), [plan], [asked])
    assert offer.abilities.get("stream") is settled
    if settled is None and status == 400 and "quality" not in str(error):
        (offer,) = offers(("createImage",), [plan], [asked, exchange(200, None, n=1)])
        assert offer.abilities.get("stream") is False  # all but the stream was served
    assert set(ABLE) == {"stream", "mask", "JSON edits", "url", "b64_json"}
