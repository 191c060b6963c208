"""One defect for each of the rules that a rewritten answer can break, on a real server: reported by the rule's own id
and by no other. What a server on this machine cannot break is tried on exchanges, in tests/unit/conformance/judges."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from mutation.variants import KEY, Said, Variant, rewritten, rules, varied
from PIL import Image, ImageSequence

from imageproof_conformance.exchange import Tier
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import run
from imageproof_reference.moderation import Banned

GPT, NEWEST, DALL_E_2, DALL_E_3 = "gpt-image-1", "gpt-image-2.6-flare", "dall-e-2", "dall-e-3"
ERROR = {"message": "Not here.", "type": "invalid_request_error", "param": None, "code": None}
Seed = Callable[[], Variant]  # made afresh for each run: some count the calls


@dataclass(frozen=True)
class Case:
    """A model, the tier that shows the rules, a defect, and what must be told of: rules with `fail` or `warn`."""

    model: str
    seed: Seed
    rules: str
    tier: Tier = "free"
    exit_status: int = 0
    asked: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)


def answered(when: Callable[[Said], bool], status: int = 400, body: Any = None, **error: Any) -> Seed:
    """Another answer for some calls: an error, or `body`."""
    text = json.dumps(body if body is not None else {"error": {**ERROR, **error}}).encode()

    def variant(said: Said) -> Said:
        if not when(said):
            return said
        kept = tuple(pair for pair in said.headers if pair[0] != b"content-type")
        return replace(said, status=status, headers=(*kept, (b"content-type", b"application/json")), body=text)

    return lambda: variant


def errors(change: Callable[[dict[str, Any]], Any]) -> Seed:
    """All error objects changed in place."""

    def variant(said: Said) -> Said:
        if said.status < 400:
            return said
        body = json.loads(said.body)
        change(body["error"])
        return replace(said, body=json.dumps(body).encode())

    return lambda: variant


def headed(name: bytes, value: bytes, when: Callable[[Said], bool]) -> Seed:
    """A header with another value in some answers."""

    def variant(said: Said) -> Said:
        others = tuple(pair for pair in said.headers if pair[0] != name)
        return replace(said, headers=(*others, (name, value))) if when(said) else said

    return lambda: variant


def status(value: int, when: Callable[[Said], bool]) -> Seed:
    return lambda: lambda said: replace(said, status=value) if when(said) else said


def pictures(change: Callable[[dict[str, Any]], Any], when: Callable[[Said], bool] = lambda said: True) -> Seed:
    """JSON answers with pictures changed in place."""
    changed = rewritten(lambda body: change(body) and None)
    return lambda: lambda said: changed(said) if when(said) else said


def nth(count: int, when: Callable[[Said], bool], change: Variant) -> Seed:
    """Calls of a kind changed from the `count`th on."""

    def seed() -> Variant:
        calls = itertools.count(1)
        return lambda said: change(said) if when(said) and next(calls) >= count else said

    return seed


def form(said: Said) -> bool:
    """An edit as a form whose `n` is 0: one of those that ask without a picture."""
    return said.path.endswith("/edits") and b'name="n"\r\n\r\n0\r\n' in said.sent


def files_first(said: Said) -> bool:
    return -1 < said.sent.find(b'name="image"') < said.sent.find(b'name="model"')


def generation(said: Said) -> bool:
    return said.path.endswith("/images/generations") and said.method == "POST"


def asks(text: bytes) -> Callable[[Said], bool]:
    return lambda said: text in said.sent


def listed(said: Said) -> bool:
    return said.method == "GET" and said.path.endswith("/models")


def has_header(name: bytes, text: bytes) -> Callable[[Said], bool]:
    return lambda said: any(key == name and text in value for key, value in said.sent_headers)


def slower(body: dict[str, Any]) -> None:
    """GIFs whose frames are shown for longer."""
    for entry in body["data"]:
        data = base64.b64decode(entry["b64_json"])
        if data.startswith(b"GIF"):
            with Image.open(io.BytesIO(data)) as image:
                frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
            out = io.BytesIO()
            frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=500, loop=0)
            entry["b64_json"] = base64.b64encode(out.getvalue()).decode()


def unclosed(body: dict[str, Any]) -> None:
    """SVGs without their end tag."""
    for entry in body["data"]:
        data = base64.b64decode(entry["b64_json"])
        entry["b64_json"] = base64.b64encode(data.removesuffix(b"</svg>")).decode()


def unread(body: dict[str, Any]) -> None:
    """The same image tokens, however many images were sent."""
    usage = body["usage"]
    usage["input_tokens_details"]["image_tokens"] = 64
    usage["input_tokens"] = usage["input_tokens_details"]["text_tokens"] + 64
    usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]


def unwritten(body: dict[str, Any]) -> None:
    usage = body["usage"]
    usage.update(output_tokens=0, output_tokens_details={"text_tokens": 0, "image_tokens": 0})
    usage["total_tokens"] = usage["input_tokens"]


def as_events(said: Said) -> Said:
    """A JSON answer as the stream that its Accept header asks for."""
    body = said.json
    if body is None or not has_header(b"accept", b"event-stream")(said):
        return said
    kind = "image_generation.completed"
    done = {**body, **body["data"][0], "type": kind, "created_at": body["created"]}
    kept = tuple(pair for pair in said.headers if pair[0] != b"content-type")
    text = f"event: {kind}\ndata: {json.dumps(done)}\n\n".encode()
    return replace(said, headers=(*kept, (b"content-type", b"text/event-stream")), body=text)


def previewed(said: Said) -> Said:
    """A preview in streams that were asked for without."""
    if not said.streamed or b"partial_images" in said.sent:
        return said
    data = said.body.decode().strip().partition("\n")[2]
    event = json.loads(data.removeprefix("data: "))
    del event["usage"]
    event |= {"type": event["type"].replace("completed", "partial_image"), "partial_image_index": 0}
    text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    return replace(said, body=text + said.body)


def set_to(**members: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body.update(members)


CASES: dict[str, Case] = {
    "a list of one is no image": Case(
        GPT,
        answered(
            lambda said: form(said) and b'name="image[]"' in said.sent, message="An image is missing.", param="image"
        ),
        "EDIT-IMAGE-LIST-OF-ONE",
        exit_status=1,
    ),
    "files must not come first": Case(
        GPT,
        answered(
            lambda said: form(said) and b'name="quality"' in said.sent and files_first(said),
            message="A prompt is missing.",
            param="prompt",
        ),
        "EDIT-PART-ORDER",
        exit_status=1,
    ),
    "a quoted boundary is not read": Case(
        GPT,
        answered(has_header(b"content-type", b'boundary="'), message="There is no form."),
        "EDIT-BOUNDARY",
        exit_status=1,
    ),
    "untyped files fail": Case(GPT, answered(asks(b"application/octet-stream"), 500), "EDIT-PART-TYPE"),
    "no webp": Case(
        GPT,
        answered(lambda said: form(said) and b"image/webp" in said.sent, message="PNG only.", param="image"),
        "EDIT-INPUT-FORMATS",
        exit_status=1,
    ),
    "edits do not know the model": Case(
        GPT,
        answered(lambda said: said.path.endswith("/edits") and b"gpt-image-1" in said.sent, code="model_not_found"),
        "EDIT-MODEL-NAME",
    ),
    "a remote image fails": Case(GPT, answered(asks(b"imageproof.invalid"), 500), "EDIT-REMOTE-IMAGE"),
    "a large file fails": Case(DALL_E_2, answered(lambda said: len(said.sent) > 4_000_000, 500), "EDIT-FILE-BYTES"),
    "10 MB are too much": Case(
        GPT,
        answered(lambda said: 10_000_000 < len(said.sent) < 20_000_000, 413, message="The body is too large."),
        "EDIT-UPLOAD-SIZE",
        exit_status=1,
        asked={"heavy": True},
    ),
    "a huge size fails": Case(DALL_E_3, answered(asks(b"100000x100000"), 500), "GEN-SIZE-HUGE", asked={"heavy": True}),
    "a stopped prompt has no code": Case(
        DALL_E_3,
        answered(asks(b"forbidden fruit"), message="Not that."),
        "ERR-MODERATION",
        asked={"moderation": "a forbidden fruit"},
        config={"moderation": (Banned("forbidden fruit"),)},
    ),
    "unknown parameters fail": Case(DALL_E_3, answered(asks(b"imageproof_unknown"), 500), "GEN-UNKNOWN-PARAM"),
    "no model fails": Case(
        DALL_E_3,
        answered(lambda said: b'"n":0' in said.sent and b'"model"' not in said.sent, 500),
        "GEN-MODEL-DEFAULT",
    ),
    "a listed model is unknown": Case(
        DALL_E_3,
        answered(lambda said: said.status == 400 and b"dall-e-3" in said.sent, code="model_not_found"),
        "MODELS-USABLE",
        exit_status=3,
    ),
    "refusals hint at a wait in words": Case(
        DALL_E_3, headed(b"retry-after", b"soon", lambda said: said.status == 400), "ERR-RETRY-AFTER"
    ),
    "a limit in another shape": Case(
        DALL_E_3,
        answered(lambda said: said.sent == b'{"model": "', 429, {"detail": "Slow down."}),
        "ERR-LIMIT",
        exit_status=3,
    ),
    "nothing is named": Case(DALL_E_3, errors(set_to(param=None, message="Invalid request.")), "ERR-NAMES-PARAM"),
    "422 for 400": Case(DALL_E_3, status(422, lambda said: said.status == 400), "ERR-STATUS"),
    "types are empty": Case(DALL_E_3, errors(set_to(type="")), "ERR-WORDS"),
    "codes are statuses": Case(DALL_E_3, errors(set_to(code="400")), "ERR-WORDS"),
    "a page for any path": Case(
        DALL_E_3, answered(lambda said: "no-such-path" in said.path, 200, {"hello": "world"}), "ERR-NO-ROUTE"
    ),
    "unknown paths have no error": Case(
        DALL_E_3, answered(lambda said: "no-such-path" in said.path, 404, {"detail": "Not Found"}), "ERR-NO-ROUTE"
    ),
    "a 404 of something behind": Case(
        DALL_E_3,
        answered(
            lambda said: "no-such-path" in said.path, 404, message="404 for http://10.1.2.3:7860/sdapi/v1/txt2img"
        ),
        "ERR-NOT-FOUND",
    ),
    "it fails at the end": Case(
        DALL_E_3, nth(3, listed, lambda said: replace(said, status=500, body=b'{"error": {}}')), "HTTP-ALIVE"
    ),
    "preflights grant too little": Case(
        DALL_E_3,
        headed(b"access-control-allow-headers", b"content-type", lambda said: said.method == "OPTIONS"),
        "HTTP-CORS",
    ),
    "errors name no origin": Case(
        DALL_E_3, headed(b"access-control-allow-origin", b"null", lambda said: said.status >= 400), "HTTP-CORS"
    ),
    "a slash redirects as 301": Case(
        DALL_E_3, status(301, lambda said: said.path.endswith("/")), "HTTP-TRAILING-SLASH"
    ),
    "one request id for all": Case(DALL_E_3, headed(b"x-request-id", b"r", lambda said: True), "HTTP-REQUEST-ID-OWN"),
    "events for an Accept header": Case(GPT, lambda: as_events, "GEN-ACCEPT-JSON", "core"),
    "gifs are slower": Case(NEWEST, pictures(slower), "GEN-GIF-FRAMES EDIT-GIF-FRAMES", "core", 1),
    "svgs break off": Case(NEWEST, pictures(unclosed), "GEN-SVG-ROOT EDIT-SVG-ROOT", "core", 1),
    "no echo of the quality": Case(
        GPT, pictures(lambda body: body.pop("quality")), "GEN-ECHO-PRESENT EDIT-ECHO-PRESENT", "core"
    ),
    "no echo at all": Case(
        GPT,
        pictures(lambda body: [body.pop(name) for name in ("size", "quality", "background", "output_format")]),
        "GEN-ECHO-PRESENT EDIT-ECHO-PRESENT",
        "core",
    ),
    "user is not repeated": Case(
        GPT,
        pictures(set_to(safety_identifier=None), lambda said: generation(said) and b'"user":"' in said.sent),
        "GEN-SAFETY-USER",
        "core",
        1,
    ),
    "edits do not repeat who asks": Case(
        GPT, pictures(set_to(safety_identifier=None), lambda said: "edits" in said.path), "EDIT-SAFETY-ECHO", "core", 1
    ),
    "size auto is refused": Case(
        GPT,
        answered(
            lambda said: b'"size":"auto"' in said.sent or b'name="size"\r\n\r\nauto' in said.sent,
            message="Unknown size.",
            param="size",
        ),
        "GEN-SIZE-AUTO EDIT-SIZE-AUTO",
        "core",
        1,
    ),
    "usage where none is counted": Case(
        DALL_E_2, pictures(set_to(usage={"total_tokens": 1})), "GEN-USAGE-NONE EDIT-USAGE-NONE VAR-USAGE-NONE", "core"
    ),
    "no output is counted": Case(GPT, pictures(unwritten), "GEN-USAGE-OUTPUT EDIT-USAGE-OUTPUT", "core", 1),
    "a second image is not read": Case(
        GPT, pictures(unread, lambda said: "edits" in said.path), "EDIT-USAGE-IMAGES", "core"
    ),
    "links are gone at the end": Case(
        DALL_E_3,
        nth(4, lambda said: "/files/" in said.path, lambda said: replace(said, status=404)),
        "GEN-URL-LASTS",
        "core",
    ),
    "previews that nobody asked for": Case(GPT, lambda: previewed, "GEN-STREAM-BARE EDIT-STREAM-BARE", "standard", 1),
    "streams must have previews": Case(
        GPT,
        answered(
            lambda said: said.streamed and b"partial_images" not in said.sent,
            message="stream needs partial_images.",
        ),
        "GEN-STREAM-BARE EDIT-STREAM-BARE",
        "standard",
        1,
    ),
    "members without a value": Case(
        DALL_E_2,
        pictures(lambda body: [entry.update(embedding=None) for entry in body["data"]]),
        "GEN-ITEM-ABSENT EDIT-ITEM-ABSENT VAR-ITEM-ABSENT",
        "core",
    ),
    "foreign parameters get an error as a success": Case(
        DALL_E_3,
        lambda: (
            lambda said: replace(said, status=200) if b'"background":' in said.sent and said.status == 400 else said
        ),
        "GEN-PARAM-FAMILY ERR-STATUS ERR-NO-DATA",
        "standard",
        1,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_defect_is_told_by_its_own_rule_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    with varied(case.seed(), monkeypatch, **case.config) as url:
        profile = Profile(url, key=KEY, models=(ModelChoice(case.model),), tier=case.tier, workers=8, **case.asked)
        found = run(profile)
    assert rules(found, "fail", "warn", "error") == set(case.rules.split())
    assert found.verdict.exit_status == case.exit_status


def test_what_an_answer_may_leave_out_is_not_judged_and_blocks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with varied(CASES["no echo at all"].seed(), monkeypatch) as url:
        found = run(Profile(url, key=KEY, models=(ModelChoice(GPT),), tier="core", workers=8))
    echoes = {one.rule: one for one in found.verdict.rules if one.rule.endswith("BACKGROUND-ECHO")}
    assert {one.status for one in echoes.values()} == {"not-run"} and len(echoes) == 2
    assert all("does not name its" in one.reason for one in echoes.values())
    assert rules(found, "blocked") == set()


@pytest.mark.parametrize("model", [NEWEST, "gpt-image-2.5-flare"])
def test_without_a_defect_nothing_is_told_with_all_that_can_be_asked(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    banned = (Banned("forbidden fruit"),)
    with varied(lambda said: said, monkeypatch, moderation=banned) as url:
        asked: dict[str, Any] = {"heavy": True, "moderation": "a forbidden fruit"}
        found = run(Profile(url, key=KEY, models=(ModelChoice(model),), tier="standard", workers=8, **asked))
    assert rules(found, "fail", "warn", "error", "blocked") == set()
    unseen = {
        "ERR-LIMIT",
        "ERR-RETRY-AFTER",
        "GEN-STREAM-EARLY",
        "EDIT-STREAM-EARLY",
    }  # it limits nothing, and is quick
    assert {one.rule for one in found.verdict.rules if one.status == "not-run"} <= unseen
    either = sum(one.probe.images for one in found.exchanges if one.probe.expect == "either")
    assert found.verdict.exit_status == 0 and found.planned - either <= found.spent <= found.planned <= 20
