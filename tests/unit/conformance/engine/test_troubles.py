"""Targets that no verdict is possible on: what is asked of them, what is said of them, and what to type next."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from imageproof.errors import UsageError
from imageproof_conformance.baseline import Baseline, Expected
from imageproof_conformance.profile import ModelChoice, Profile, Settings, build
from imageproof_conformance.report.next import next_command
from imageproof_conformance.run import Run, Session, run
from imageproof_conformance.sending import Sending

from .conftest import Asked, Says, Serve, forward

KEY = "sk-canary-19ab"
MODEL = "gpt-image-1"
PAGE = b"<!DOCTYPE html><html><title>Welcome</title></html>"
LIST = Says(body={"object": "list", "data": [{"id": "acme-image-1", "object": "model"}]})


def made(url: str, **options: Any) -> Run:
    given = {"models": (ModelChoice(MODEL),), "workers": 8, **options}
    return run(Profile(url, KEY, "IMAGEPROOF_API_KEY", again=(url,), **given))


def refusal(status: int, message: str, **error: Any) -> Says:
    return Says(status, {"error": {"message": message, "type": "x", "param": None, "code": None, **error}})


@pytest.fixture
def hang() -> Iterator[Callable[[], None]]:
    """Waits until the test is over."""
    over = threading.Event()

    def wait() -> None:
        over.wait(60)

    yield wait
    over.set()


@pytest.mark.parametrize("listed", [True, False])
def test_a_target_that_hangs_is_asked_little_and_given_more_time(serve: Serve, hang: Any, listed: bool) -> None:
    target = serve(lambda asked: LIST if listed and asked.method == "GET" else hang())
    found = made(target.url, timeout=0.3)
    assert (found.verdict.exit_status, found.discovery.trouble) == (3, "silent")
    assert found.verdict.headline == "No verdict: the target does not answer: no answer within 0.3 s."
    assert len(target.asked) == 2 + listed
    assert next_command(found) == f"imageproof conform {target.url} --timeout 3"


def test_answers_that_never_end_are_none(serve: Serve, hang: Any) -> None:
    target = serve(lambda asked: Says(pieces=(b" ", b"{}"), before=lambda index: hang() if index else None))
    found = made(target.url, timeout=0.5)
    assert (found.verdict.exit_status, found.discovery.trouble, len(target.asked)) == (3, "silent", 2)
    assert next_command(found).endswith(" --timeout 5")


def test_nothing_before_the_end_of_the_run_is_no_verdict(serve: Serve, hang: Any) -> None:
    target = serve(lambda asked: hang())
    found = made(target.url, max_time=0.5)
    assert found.verdict.exit_status == 3
    assert found.verdict.headline == (
        "No verdict: the target does not answer: nothing came before the time of the run was over (0.5 s)."
    )
    assert next_command(found).endswith(" --max-time 5")


def test_what_the_end_of_the_run_cuts_is_the_budget_and_no_picture(serve: Serve, hang: Any) -> None:
    found = made(serve(lambda asked: LIST if asked.method == "GET" else hang()).url, max_time=1)
    assert (found.verdict.exit_status, found.spent) == (4, 0)
    assert "the time of the run was over" in found.verdict.headline
    assert next_command(found).endswith(" --max-time 10")


def test_paid_calls_that_hang_ask_for_more_patience(serve: Serve, hang: Any, reference: Callable[..., str]) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says | None:
        says = forward(asked, url)
        return hang() if asked.method == "POST" and says.status == 200 else says

    found = made(serve(handle).url, timeout=2, tier="core", models=(ModelChoice("dall-e-3"),))
    assert found.verdict.exit_status == 3
    assert found.verdict.headline == "No verdict. No call succeeded (no answer within 2 s)."
    assert next_command(found).endswith(" --tier core --timeout 20")


@pytest.mark.parametrize(
    ("status", "trouble", "said"),
    [
        (200, "website", "No verdict: this is a web site and no Images API: calls are answered with a page for people"),
        (404, "nothing", "No verdict: no operation of the Images API answers here (status 404, by a web page)."),
        (403, "auth", "No verdict: the key is not accepted: every call was answered 403, by a web page; "),
        (502, "outage", "No verdict: the target is failing: every call was answered 502, by a web page."),
    ],
)
def test_pages_for_people_are_no_api(serve: Serve, status: int, trouble: str, said: str) -> None:
    found = made(serve(lambda asked: Says(status, PAGE, "text/html")).url, tier="core")
    assert (found.verdict.exit_status, found.discovery.trouble) == (3, trouble)
    assert found.verdict.headline.startswith(said)
    assert found.discovery.offered == frozenset()
    assert status == 502 or found.spent == 0


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("place", ["https://api.example.com", "/login?next="])
def test_who_sends_callers_elsewhere_gets_no_verdict(serve: Serve, lists: bool, place: str) -> None:
    def handle(asked: Asked) -> Says:
        if lists and asked.method == "GET":
            return LIST
        return Says(302, headers=(("Location", place + asked.path),))

    target = serve(handle)
    found = made(target.url, tier="core")
    assert (found.verdict.exit_status, found.discovery.trouble, found.spent) == (3, "elsewhere", 0)
    assert place in found.verdict.headline
    assert next_command(found).startswith("type the URL of the API itself: ")
    assert len(target.asked) < 8


def test_a_redirect_within_the_host_is_what_to_type(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        return Says(308, headers=(("Location", f"/api{asked.path}"),))

    url = serve(handle).url
    assert next_command(made(url)) == f"imageproof conform {url.removesuffix('/v1')}/api/v1"


def test_a_slash_at_the_end_is_a_broken_rule_and_no_trouble(serve: Serve) -> None:
    found = made(serve(lambda asked: Says(307, headers=(("Location", f"{asked.path}/"),))).url)
    assert (found.verdict.exit_status, found.discovery.trouble) == (1, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "the key is not accepted: every call was answered 401: No such key; the key from IMAGEPROOF_API_KEY was"),
        ({}, "was shown as `Authorization: Bearer ...`."),
        ({"sending": Sending("api-key", "")}, "was shown as `api-key: ...`."),
    ],
)
def test_a_key_that_is_refused_is_told_with_where_it_came_from(serve: Serve, options: Any, said: str) -> None:
    found = made(serve(lambda asked: refusal(401, "No such key.")).url, **options)
    assert said in found.verdict.headline and KEY not in found.verdict.headline


def test_a_target_that_wants_a_key_is_told_so_where_none_was_shown(serve: Serve) -> None:
    url = serve(lambda asked: refusal(401, "Key?")).url
    profile = Profile(url, "", "--no-key", models=(ModelChoice(MODEL),), again=(url, "--no-key"))
    found = run(profile)
    assert "the target wants a key: every call was answered 401: Key?; none was shown (--no-key)." in (
        found.verdict.headline
    )
    assert next_command(found) == f"export IMAGEPROOF_API_KEY=...; imageproof conform {url}"


UNKNOWN = [
    refusal(404, "The model `gpt-image-1` does not exist", code="model_not_found"),
    refusal(400, "Unknown model.", param="model"),
    Says(404, {"detail": "model 'gpt-image-1' not found"}),
    Says(404, {"object": "error", "message": "The model `gpt-image-1` does not exist.", "code": 404}),
    refusal(400, "Invalid model name passed in model=gpt-image-1. Call `/v1/models`", code="400"),
    refusal(403, "Project does not have access to model `gpt-image-1`", code="model_not_found"),
]


@pytest.mark.parametrize("says", UNKNOWN)
def test_a_model_that_is_not_listed_and_not_known_is_asked_for_twice(serve: Serve, says: Says) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "GET":
            return LIST if asked.path.endswith("models") else refusal(404, "no", param="model")
        return says if b"gpt-image-1" in asked.body else refusal(400, "A prompt is missing", param="prompt")

    target = serve(handle)
    found = made(target.url, tier="core")
    assert found.verdict.exit_status == 3
    assert found.verdict.headline == (
        "No verdict: the target does not know the model gpt-image-1; it lists acme-image-1."
    )
    assert sum(b"gpt-image-1" in asked.body for asked in target.asked) == 2
    assert found.spent == 0 and {one.kind for one in found.skipped} == {"unknown"}


def test_an_alias_that_is_not_listed_is_judged(reference: Callable[..., str]) -> None:
    found = made(reference(KEY), models=(ModelChoice("dall-e-3"),), tier="free")
    assert found.verdict.exit_status == 0 and found.skipped == ()


def test_the_first_paid_call_goes_alone_and_plainly(serve: Serve) -> None:
    """Where it is turned away for its model, one more is made and no third."""
    paid: list[Asked] = []

    def handle(asked: Asked) -> Says:
        if asked.method == "GET":
            return Says(body={"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        refused = [b'"n":0', b'"n":11', b'"n":"', b"imageproof-no", b'"prompt":""', b'"prompt":7', b"a" * 1000]
        if any(one in asked.body for one in refused) or b"quality" not in asked.body:
            return refusal(400, "No", param="n")
        paid.append(asked)
        return refusal(404, "The model gpt-image-1 is not available", code="model_not_found")

    found = made(serve(handle).url, tier="core")
    made_paid = [one for one in found.exchanges if one.probe.images]
    assert len(made_paid) == 2 and found.unknown == (MODEL,)
    assert made_paid[0].probe.request.json is not None and not made_paid[0].probe.asked.get("stream")


def test_a_masked_header_is_a_variable_of_the_shell(serve: Serve) -> None:
    url = serve(lambda asked: Says(503)).url
    settings = Settings(url, header=("X-Tenant: acme co",), model=(MODEL,), rate=50.0, workers=2)
    found = run(replace(build(settings, {"IMAGEPROOF_API_KEY": KEY}), timeout=5.0))
    command = next_command(found)
    assert '--header "X-Tenant: $HEADER_X_TENANT"' in command and "acme" not in command
    assert command.endswith("  # HEADER_X_TENANT has the value of X-Tenant")
    assert shlex.split(command.partition("then: ")[2], comments=True)[:2] == ["imageproof", "conform"]
    assert "--rate 50" in command and "--workers 2" in command


def test_an_expected_leak_is_told_with_what_it_cost(serve: Serve) -> None:
    """A target that serves whatever it is sent, which its baseline expects, uses up a tight limit."""

    def handle(asked: Asked) -> Says:
        listed = Says(body={"object": "list", "data": [{"id": "dall-e-3", "object": "model"}]})
        return listed if asked.method == "GET" else Says(body={"created": 1, "data": [{"url": ""}]})

    url, model = serve(handle).url, (ModelChoice("dall-e-3"),)
    broken = {one.rule for one in made(url, models=model).verdict.rules if one.status in ("fail", "warn")}
    entries = tuple(Expected(rule, "*", "It is lax.", "me", date(2126, 1, 1)) for rule in sorted(broken))
    found = made(url, models=model, max_images=4, baseline=Baseline("known.yaml", "", entries))
    assert found.verdict.exit_status == 4
    assert "; 4 went to invalid requests that were served). " in found.verdict.headline
    (note,) = found.verdict.terms.notes
    assert note.startswith("expected failures that the limits of the run left no room to judge in full: ")


def test_no_sentence_ends_twice(serve: Serve) -> None:
    entry = Expected("ERR-ENVELOPE", "*", "It will be mended soon.", "me", date(2020, 1, 1))
    target = serve(lambda asked: refusal(400, "A prompt is needed.", param="prompt"))
    found = made(target.url, baseline=Baseline("known.yaml", "", (entry,)))
    assert "The baseline does not hold: expired on 2020-01-01: " in found.verdict.headline
    assert ".." not in found.verdict.headline and found.verdict.headline.endswith(".")
    silent = made(serve(lambda asked: refusal(401, "Wrong key.")).url)
    assert ".." not in silent.verdict.headline.replace("...", "")


def test_what_is_closed_to_a_key_is_not_offered_to_it(serve: Serve, reference: Callable[..., str]) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        closed = asked.method == "GET" or asked.path.endswith("edits")
        return refusal(403, "Not in your plan") if closed else forward(asked, url)

    found = made(serve(handle).url, models=(ModelChoice("dall-e-2"),), tier="core")
    assert found.verdict.exit_status == 0
    assert found.discovery.offered == {"createImage", "createImageVariation"}
    assert "closed to this key, and so taken as not offered: createImageEdit, listModels, retrieveModel" in found.notes
    lacking = made(
        serve(handle).url, models=(ModelChoice("dall-e-2"),), tier="free", require=frozenset({"createImageEdit"})
    )
    assert lacking.verdict.exit_status == 1


@pytest.mark.parametrize(("status", "media_type"), [(400, "text/plain"), (426, "text/plain"), (400, "application/xml")])
def test_a_server_of_another_kind_is_no_api(serve: Serve, status: int, media_type: str) -> None:
    found = made(serve(lambda asked: Says(status, b"<no/>", media_type)).url)
    assert (found.verdict.exit_status, found.discovery.trouble) == (3, "nothing")
    assert found.verdict.headline == (
        f"No verdict: whatever is asked is answered {status}, with no JSON object ({media_type}): "
        "this is no Images API."
    )


@pytest.mark.parametrize("status", [200, 400])
def test_the_same_answer_to_everything_is_no_api(serve: Serve, status: int) -> None:
    found = made(serve(lambda asked: Says(status, {"status": "ok"})).url, tier="core")
    assert (found.verdict.exit_status, found.discovery.trouble) == (3, "nothing")
    assert found.discovery.offered == frozenset()
    assert "by the same words each time: this is no Images API." in found.verdict.headline


def test_a_server_without_pictures_is_told_as_one(serve: Serve) -> None:
    found = made(serve(lambda asked: LIST if asked.method == "GET" else Says(404, {"detail": "Not Found"})).url)
    assert found.verdict.headline == (
        "No verdict: no operation of the Images API answers here (status 404); "
        "it has a list of models, so it may be a server that makes no pictures."
    )


@pytest.mark.parametrize(
    ("status", "error", "change"),
    [
        (
            429,
            {"code": "insufficient_quota"},
            "wait, raise the quota of the key, or ask more slowly (--rate N), then: ",
        ),
        (402, {}, "wait, raise the quota of the key, or ask more slowly (--rate N), then: "),
        (504, {}, "find out why the server fails (its log says more), then: "),
    ],
)
def test_what_no_paid_call_gets_past_is_what_to_change(
    serve: Serve, reference: Callable[..., str], status: int, error: Any, change: str
) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        says = forward(asked, url)
        return refusal(status, "No", **error) if asked.method == "POST" and says.status == 200 else says

    found = made(serve(handle).url, models=(ModelChoice("dall-e-2"),), tier="core")
    assert found.verdict.exit_status == 3
    assert next_command(found).startswith(change)
    away = {one.why for one in found.skipped if one.kind == "silent"}
    assert away == (set() if status == 504 else {f"calls were turned away one after the other (status {status})"})


def test_a_plan_without_an_answer_says_so() -> None:
    given = Profile("http://127.0.0.1:1/v1", KEY, models=(ModelChoice(MODEL),))
    with Session(given) as session:
        session.prepare(assume=True)
        (note,) = session.notes
    assert note.startswith("the target is unreachable: ") and note.endswith("; the plan is made without an answer")
    with Session(replace(given, models=())) as session, pytest.raises(UsageError) as error:
        session.prepare(assume=True)
    assert str(error.value).startswith("the target is unreachable: ") and "name a model with --model" in str(
        error.value
    )


def test_a_model_beside_the_list_is_noted(serve: Serve) -> None:
    with Session(Profile(serve(lambda asked: LIST).url, KEY, models=(ModelChoice("mine", "dall-e-3"),))) as session:
        session.prepare(assume=True)
        assert session.notes == ("not in the target's list of models: mine",)


def test_requests_that_end_in_discovery_are_raised_to_more_than_one_more(reference: Callable[..., str]) -> None:
    url = reference(KEY)
    found = made(url, max_requests=1)
    assert found.verdict.exit_status == 4
    assert next_command(found) == f"imageproof conform {url} --max-requests 100"


def test_where_calls_are_sent_is_told(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        return LIST if asked.method == "GET" else Says(307, headers=(("Location", f"{asked.path}/"),))

    found = made(serve(handle).url, tier="core", models=(ModelChoice("dall-e-3"),))
    assert "No call succeeded (status 307: sent to /v1/images/generations/)." in found.verdict.headline
