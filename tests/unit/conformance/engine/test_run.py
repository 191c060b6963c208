"""Whole runs against real targets: what is bought, what is never passed, and which exit status comes of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imageproof.errors import UsageError
from imageproof_conformance import report, transcript
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, Session, run

from .conftest import Asked, Handle, Says, Serve

MODEL = "gpt-image-1"
KEY = "sk-canary-e1f2"


def profile(url: str, **options: Any) -> Profile:
    given = {"models": (ModelChoice(MODEL),), "timeout": 5.0, "workers": 8, **options}
    return Profile(url, KEY, "IMAGEPROOF_API_KEY", **given)


def always(says: Says) -> Handle:
    return lambda asked: says


def lax(made: list[int]) -> Handle:
    """A target that serves whatever it is sent, and counts the pictures that it would bill."""

    def handle(asked: Asked) -> Says:
        if asked.method != "POST":
            return Says(body={"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        found = re.search(rb'"n":\s*(\d+)|name="n"\r\n\r\n(\d+)', asked.body)
        count = int(found[1] or found[2]) if found else 1
        made.append(count)
        return Says(body={"created": int(time.time()), "data": [{"b64_json": "AAAA"}] * count})

    return handle


@pytest.mark.parametrize("tier", ["free", "core"])
@pytest.mark.parametrize("cap", [0, 1, 3, 12, 30])
def test_a_target_that_serves_everything_never_costs_more_than_the_cap(serve: Serve, cap: int, tier: Any) -> None:
    made: list[int] = []
    result = run(profile(serve(lax(made)).url, tier=tier, max_images=cap))
    assert sum(made) <= cap
    assert result.spent <= cap
    assert result.verdict.exit_status in (1, 3, 4)
    assert result.verdict.exit_status == 1 or cap == 0


def test_leaks_do_not_eat_what_the_paid_calls_need(serve: Serve) -> None:
    made: list[int] = []
    result = run(profile(serve(lax(made)).url, tier="core", max_images=20))
    paid = [one for one in result.exchanges if one.probe.tier == "core" and one.probe.images]
    assert sum(one.probe.images for one in paid) == result.planned == 8
    assert sum(made) <= 20


def test_what_was_not_answered_counts_as_spent(serve: Serve) -> None:
    calls: list[str] = []

    def handle(asked: Asked) -> Says | None:
        if asked.method == "POST" and len(calls) > 3:
            calls.append("hung up")
            return None
        calls.append(asked.path)
        return Says(400, {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}})

    result = run(profile(serve(handle).url, max_images=5, tier="free"))
    assert calls.count("hung up") <= 5
    assert result.spent <= 5
    assert result.verdict.exit_status in (1, 3)


@pytest.mark.parametrize(
    ("says", "trouble"),
    [
        (Says(401, {"error": {"message": "no", "type": "x", "param": None, "code": "invalid_api_key"}}), "auth"),
        (Says(429, {"error": {"message": "slow", "type": "x", "param": None, "code": "rate_limit_exceeded"}}), "quota"),
        (Says(503), "outage"),
        (Says(404, {"detail": "Not Found"}), "nothing"),
    ],
)
@pytest.mark.parametrize("money", [{"tier": "free"}, {"tier": None, "max_images": 20}])
def test_targets_without_an_answer_get_no_verdict(serve: Serve, says: Says, trouble: str, money: Any) -> None:
    result = run(profile(serve(always(says)).url, **money))
    assert (result.verdict.exit_status, result.discovery.trouble, result.spent) == (3, trouble, 0)
    assert result.verdict.count("pass") == 0
    assert result.verdict.headline.startswith("No verdict: ")


def test_a_url_that_nobody_listens_on_gets_no_verdict() -> None:
    result = run(profile("http://127.0.0.1:1/v1"))
    assert (result.verdict.exit_status, result.discovery.trouble) == (3, "unreachable")


def test_a_target_that_gives_up_half_way_gets_no_verdict_on_the_rest(serve: Serve) -> None:
    calls: list[str] = []

    def handle(asked: Asked) -> Says | None:
        calls.append(asked.path)
        refusal = {"message": "no", "type": "invalid_request_error", "param": "prompt", "code": "bad"}
        return Says(400, {"error": refusal}) if len(calls) < 9 else Says(429)

    result = run(profile(serve(handle).url, tier="free", workers=1))
    assert result.verdict.exit_status in (1, 3)
    assert any(rule.cause == "no-answer" for rule in result.verdict.rules)
    assert len(calls) < 20


def test_no_call_succeeded_is_said_and_no_pass(serve: Serve) -> None:
    says = Says(400, {"error": {"message": "no fixture", "type": "x", "param": None, "code": "none"}})
    result = run(profile(serve(always(says)).url, tier="core"))
    assert result.verdict.exit_status in (1, 3)
    assert "No call succeeded (status 400: no fixture)" in result.verdict.headline


def test_what_is_required_and_not_offered_is_a_failure(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if "edits" in asked.path:
            return Says(404, {"error": {"message": "no"}})
        return Says(400, {"error": {"message": "no", "type": "x", "param": None, "code": None}})

    result = run(profile(serve(handle).url, require=frozenset({"createImage", "createImageEdit"})))
    assert result.verdict.exit_status == 1
    assert result.verdict.missing == ("createImageEdit",)


Reference = Callable[..., str]


def test_the_reference_provider_keeps_the_contract_for_what_was_planned(reference: Reference) -> None:
    result = run(profile(reference(KEY), tier="core"))
    assert broken(result) == []
    assert result.verdict.exit_status == 0
    assert result.spent == result.planned > 0


def test_a_free_run_of_a_behaving_target_costs_nothing_and_claims_little(reference: Reference) -> None:
    result = run(profile(reference(KEY), tier="free"))
    assert (broken(result), result.verdict.exit_status, result.spent, result.planned) == ([], 0, 0, 0)
    assert "eeps the contract" not in result.verdict.headline
    assert re.match(r"\d+ rules judged, none broken", result.verdict.headline)


def test_a_selection_buys_what_it_needs_and_no_more(reference: Reference) -> None:
    whole = run(profile(reference(KEY), tier="core"))
    free = run(profile(reference(KEY), tier="core"), selection=["GEN-N-RANGE"])
    assert free.spent == 0
    assert [rule.rule for rule in free.verdict.rules] == ["GEN-N-RANGE"]
    one = run(profile(reference(KEY), tier="core"), selection=["GEN-TRANSPARENT-ALPHA"])
    assert 0 < one.spent < whole.spent
    with pytest.raises(UsageError, match="selects no rule"):
        run(profile(reference(KEY), tier="core"), selection=["NO-SUCH-RULE"])


def test_the_tier_is_the_larger_one_that_the_money_is_enough_for(reference: Reference) -> None:
    url = reference(KEY)

    def tier(limit: int) -> tuple[str, int]:
        with Session(profile(url, tier=None, max_images=limit)) as session:
            session.prepare()
            return session.tier, session.planned + session.optional

    core, standard = tier(1)[1], tier(500)[1]
    assert tier(standard)[0] == "standard"
    assert tier(standard - 1) == ("core", core)
    assert tier(core)[0] == "core"


def test_a_budget_that_ends_early_is_its_own_exit_status(reference: Reference) -> None:
    result = run(profile(reference(KEY), tier="core", max_images=1))
    assert (broken(result), result.verdict.exit_status, result.spent) == ([], 4, 1)


def test_two_runs_of_one_target_send_the_same_and_say_the_same(reference: Reference) -> None:
    url = reference(KEY)
    first, second = (run(profile(url, tier="free", workers=workers)) for workers in (1, 8))
    assert [one.probe.id for one in first.exchanges] == [one.probe.id for one in second.exchanges]
    assert [one.sent_body for one in first.exchanges] == [one.sent_body for one in second.exchanges]
    assert [(one.rule, one.status) for one in first.verdict.rules] == [
        (one.rule, one.status) for one in second.verdict.rules
    ]


def test_a_transcript_is_judged_again_without_a_socket(reference: Reference, tmp_path: Path) -> None:
    with Session(profile(reference(KEY, "wrong-size"), tier="core")) as session:
        session.prepare()
        session.buy("core")
        live = session.finish()
        transcript.write(tmp_path, live.exchanges, session.wire.redactor)
        session._state.exchanges = list(transcript.read(tmp_path))[len(live.discovery.exchanges) :]
        again = session.finish()
    assert broken(live) == ["EDIT-SIZE-PIXELS", "GEN-SIZE-PIXELS"]
    assert again.verdict == live.verdict


DEEP = b'{"data":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
LONE = b'{"error": {"message": "\\ud800", "type": "\\udfff", "param": "\\udc80", "code": "\\ud800"}}'


@pytest.mark.parametrize(
    "says", [Says(body=DEEP), Says(400, DEEP), Says(400, LONE), Says(body=b'{"created": ' + b"9" * 5000 + b"}")]
)
def test_answers_that_break_readers_do_not_break_the_run(serve: Serve, tmp_path: Path, says: Says) -> None:
    with Session(profile(serve(always(says)).url, tier="core", max_images=10, out=tmp_path)) as session:
        session.prepare()
        session.buy("core")
        result = session.finish()
        report.write(result, session.document, session.registry, session.wire.redactor)
    assert result.verdict.exit_status in (1, 3)
    assert result.spent <= 10
    assert [rule.reason for rule in result.verdict.rules if rule.status == "error"] == []


def test_a_server_that_fails_now_and_then_breaks_no_rule_by_that(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        refusal = {"message": "no", "type": "invalid_request_error", "param": "prompt", "code": "bad"}
        return Says(500 if len(target.asked) % 3 == 0 else 400, {"error": refusal})

    target = serve(handle)
    result = run(profile(target.url, tier="free", workers=1, models=(ModelChoice("dall-e-3"),)))
    judged = {rule.rule for rule in result.verdict.rules if rule.status == "pass"}
    assert {"GEN-N-RANGE", "GEN-SIZE-VALUES", "EDIT-MODEL-FAMILY"} <= judged
    assert not [rule for rule in broken(result) if not rule.startswith("AUTH-")]


def test_time_that_ends_in_discovery_leaves_rules_unjudged_and_not_unsupported(serve: Serve) -> None:
    def slow(asked: Asked) -> Says:
        time.sleep(5.0 if asked.method == "POST" else 0.0)
        return Says(400, {"error": {"message": "no", "type": "x", "param": None, "code": None}})

    result = run(profile(serve(slow).url, tier="free", workers=1, max_time=1.0))
    assert result.verdict.exit_status == 4
    assert result.verdict.count("unsupported") == 0
    assert "the time of the run was over" in result.verdict.headline
    assert {rule.cause for rule in result.verdict.rules if rule.status == "not-run"} <= {"budget", "tier", "option"}


def broken(result: Run) -> list[str]:
    return sorted(rule.rule for rule in result.verdict.rules if rule.status in ("fail", "error"))


def test_a_target_that_fails_on_all_it_must_refuse_is_judged_when_a_legal_call_is_served(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        legal = b'"prompt": "' in asked.body or b'"prompt":"' in asked.body
        return Says(200, {"created": 1, "data": [{}]}) if legal else Says(500, {"error": {"message": "oops"}})

    free = run(profile(serve(handle).url, tier="free", models=(ModelChoice("dall-e-3"),)))
    assert (free.verdict.exit_status, free.plans) == (3, ())
    paid = run(profile(serve(handle).url, tier="core", max_images=8, models=(ModelChoice("dall-e-3"),)))
    assert paid.verdict.exit_status == 1
    assert "GEN-JSON-MALFORMED" in broken(paid)


def test_a_target_that_fails_on_everything_gets_no_verdict(serve: Serve) -> None:
    down = serve(lambda asked: Says(500, {"error": {"message": "down"}}))
    result = run(profile(down.url, tier="core", max_images=8, models=(ModelChoice("dall-e-3"),)))
    assert result.verdict.exit_status == 3
    assert result.spent <= 8 and len(down.asked) < 25


@pytest.mark.parametrize("dies", [True, False])
def test_a_target_that_dies_of_what_it_must_refuse_is_told_of(serve: Serve, dies: bool) -> None:
    dead: list[str] = []

    def handle(asked: Asked) -> Says | None:
        if dead:
            return None
        if dies and b'"n":0' in asked.body:
            dead.append(asked.path)
        if asked.method == "GET":
            return Says(body={"object": "list", "data": [{"id": "dall-e-3", "object": "model"}]})
        return Says(400, {"error": {"message": "no", "type": "x", "param": None, "code": None}})

    result = run(profile(serve(handle).url, tier="free", workers=1, models=(ModelChoice("dall-e-3"),)))
    (alive,) = [rule for rule in result.verdict.rules if rule.rule == "HTTP-ALIVE"]
    assert alive.status == ("warn" if dies else "pass")
    assert alive.evidence[0].exchange == len(result.exchanges) - 1, "it is asked last"
    assert bool([one for one in result.skipped if one.kind == "silent"]) == dies


def test_a_rule_that_compares_answers_is_judged_by_itself_too(reference: Reference) -> None:
    alone = run(profile(reference(KEY), tier="free"), selection=["EDIT-BOUNDARY"])
    sent = [one.probe.id.rpartition("/")[2] for one in alone.exchanges if one.probe.tier == "free" and one.probe.about]
    assert sent == ["n=0", "quoted-boundary"]
    assert [(one.rule, one.status) for one in alone.verdict.rules] == [("EDIT-BOUNDARY", "pass")]


def test_what_must_be_asked_for_waits_and_says_so(reference: Reference) -> None:
    url, model = reference(KEY), (ModelChoice("dall-e-3"),)
    plain = run(profile(url, tier="free", models=model))
    waiting = {rule.rule: rule.reason for rule in plain.verdict.rules if rule.cause == "option"}
    assert set(waiting) == {"GEN-SIZE-HUGE", "ERR-MODERATION"} and "--heavy" in waiting["GEN-SIZE-HUGE"]
    asked = run(profile(url, tier="free", models=model, heavy=True, moderation="anything"))
    status = {rule.rule: rule.status for rule in asked.verdict.rules}
    assert status["GEN-SIZE-HUGE"] == "pass"
    assert status["ERR-MODERATION"] == "not-run"  # the reference provider has no filter here, and served it


def test_links_are_looked_at_when_they_are_as_old_as_was_asked(reference: Reference) -> None:
    url, model = reference(KEY), (ModelChoice("dall-e-3"),)
    found = run(profile(url, tier="core", models=model, url_age=0.3))
    ages = [one.later_after for one in found.exchanges if one.later]
    assert ages and min(ages) >= 0.3
    (lasts,) = [rule for rule in found.verdict.rules if rule.rule == "GEN-URL-LASTS"]
    assert lasts.status == "pass" and "--url-age 60" in lasts.reason
