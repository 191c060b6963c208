"""Verdicts and exit statuses: their order, and that silence is never green."""

from __future__ import annotations

from typing import Any

import pytest

from imageproof.contract.requirements import Requirement
from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import Chunk, Exchange, Finding, Probe, Request
from imageproof_conformance.verdict import (
    Evidence,
    RuleVerdict,
    Situation,
    conclude,
    key_works,
    no_answer,
    rule_verdict,
)

PROBE = Probe("p", "createImage", "m", Request("POST", "/x", json={}), "served", ("GEN-COUNT",), images=1, worst=1)
REFUSED = Probe("r", "createImage", "m", Request("POST", "/x", json={}), "refused", ("GEN-N-RANGE",), worst=11)
PASS, FAIL = (Evidence(0, Finding("GEN-COUNT", outcome)) for outcome in ("pass", "fail"))


def requirement(level: str = "MUST") -> Requirement:
    return Requirement("GEN-COUNT", level, "There are n pictures.", ("a source",), "2026.11")


def verdict(level: str = "MUST", **known: Any) -> RuleVerdict:
    empty: dict[str, Any] = {"evidence": (), "silences": (), "skipped": (), "blockers": ()}
    return rule_verdict(requirement(level), "m", **{**empty, **known})


def skipped(kind: Any) -> Skipped:
    return Skipped(REFUSED, kind, f"because of {kind}")


@pytest.mark.parametrize(
    ("known", "status", "cause"),
    [
        ({"evidence": (PASS, PASS)}, "pass", ""),
        ({"evidence": (PASS, FAIL)}, "fail", ""),
        ({"evidence": (FAIL,), "level": "SHOULD"}, "warn", ""),
        ({"evidence": (FAIL,), "level": "MAY"}, "warn", ""),
        ({"evidence": (PASS,), "error": "a judge fell over"}, "error", ""),
        ({"evidence": (PASS,), "skipped": (skipped("budget"),)}, "pass", ""),
        ({"evidence": (PASS,), "skipped": (Skipped(PROBE, "budget", "no money"),)}, "pass", "budget"),
        ({"skipped": (skipped("budget"),)}, "not-run", "budget"),
        ({"skipped": (skipped("budget"),), "heard": True}, "not-run", "no-evidence"),
        ({"skipped": (Skipped(PROBE, "budget", "no money"),), "heard": True}, "not-run", "budget"),
        ({"blockers": ("GEN-SERVED",), "absent": "the answer does not name it"}, "not-run", "no-evidence"),
        ({"evidence": (FAIL,), "absent": "the answer does not name it"}, "fail", ""),
        ({"skipped": (skipped("budget"), skipped("silent"))}, "not-run", "no-answer"),
        ({"skipped": (skipped("stopped"),)}, "not-run", "stopped"),
        ({"skipped": (skipped("open"),)}, "not-run", "declared"),
        ({"silences": ("quota",), "skipped": (skipped("budget"),)}, "not-run", "no-answer"),
        ({"blockers": ("GEN-SERVED",)}, "blocked", ""),
        ({}, "not-run", "no-evidence"),
    ],
)
def test_a_rule_gets_one_verdict(known: dict[str, Any], status: str, cause: str) -> None:
    found = verdict(**known)
    assert (found.status, found.cause) == (status, cause)


def test_failures_come_first_in_the_evidence() -> None:
    assert [one.finding.outcome for one in verdict(evidence=(PASS, FAIL, PASS)).evidence] == ["fail", "pass", "pass"]


GREEN, RED = verdict(evidence=(PASS,)), verdict(evidence=(FAIL,))
BROKE, MUTE, ILL = verdict(skipped=(skipped("budget"),)), verdict(silences=("quota",)), verdict(error="oops")


@pytest.mark.parametrize(
    ("rules", "situation", "status"),
    [
        ((GREEN,), {}, 0),
        ((GREEN, verdict("SHOULD", evidence=(FAIL,))), {}, 0),
        ((GREEN, RED), {}, 1),
        ((GREEN, RED, BROKE, MUTE), {}, 1),
        ((GREEN, RED, ILL), {}, 5),
        ((GREEN,), {"suite_error": "x"}, 5),
        ((GREEN,), {"missing": ("createImageEdit",)}, 1),
        ((), {"trouble": "unreachable: no"}, 3),
        ((), {}, 3),
        ((GREEN, MUTE, BROKE), {}, 3),
        ((GREEN, BROKE), {}, 4),
        ((BROKE,), {}, 4),
        ((GREEN,), {"unknown": "the target does not know the model x"}, 3),
        ((GREEN,), {"paid": True, "tried": 2, "succeeded": 1}, 0),
        ((GREEN, BROKE), {"paid": True, "tried": 0, "succeeded": 0}, 4),
        ((GREEN,), {"paid": True, "tried": 2, "succeeded": 0, "refused": "status 404"}, 3),
        ((GREEN, RED), {"paid": True, "tried": 2, "succeeded": 0}, 1),
        ((GREEN, RED), {"interrupted": True}, 130),
    ],
)
def test_exit_statuses_in_their_order(rules: tuple[RuleVerdict, ...], situation: dict[str, Any], status: int) -> None:
    assert conclude(rules, Situation(**situation)).exit_status == status


def test_what_the_sentence_says() -> None:
    free = conclude((GREEN,), Situation()).headline
    assert "1 rule judged" in free and "eeps" not in free
    assert "Keeps the contract" in conclude((GREEN,), Situation(paid=True, tried=1, succeeded=1)).headline
    for rules in ((GREEN,), (GREEN, RED)):
        said = conclude(rules, Situation(paid=True, tried=1, refused="status 404: no fixture")).headline
        assert "No call succeeded (status 404: no fixture)" in said
    assert conclude((RED,), Situation(interrupted=True)).headline.startswith("Interrupted.")
    partly = verdict(evidence=(PASS,), skipped=(Skipped(PROBE, "budget", "no money"),))
    said = conclude((GREEN, partly), Situation(paid=True, tried=1, succeeded=1)).headline
    assert said.startswith("2 rules kept, 1 of them judged only in part (budget).")
    assert "createImage" in conclude((GREEN,), Situation(missing=("createImage",))).headline


def exchange(status: int | None, probe: Probe = PROBE, body: bytes = b"{}", failure: str = "") -> Exchange:
    headers = (("content-type", "text/event-stream" if body.startswith(b"data") else "application/json"),)
    return Exchange(probe, "", (), b"", status, headers, (Chunk(0, body),), failure=failure)


@pytest.mark.parametrize(
    ("found", "works", "silent"),
    [
        (exchange(200), True, False),
        (exchange(400), True, False),
        (exchange(500), True, False),
        (exchange(404), True, False),
        (exchange(None, failure="no answer within 1 s"), True, True),
        (exchange(429), True, True),
        (exchange(402), True, True),
        (exchange(400, body=b'{"error": {"code": "billing_hard_limit_reached"}}'), True, True),
        (exchange(503), True, True),
        (exchange(504, REFUSED), True, True),
        (exchange(401), True, True),
        (exchange(401, REFUSED), True, False),
        (exchange(401, REFUSED), False, True),
        (exchange(200, failure="the answer was cut"), True, True),
        (exchange(200, body=b"data: {}", failure="the answer was cut"), True, False),
        (exchange(200, body=b"data: {}", failure="the answer was cut: time-out"), True, True),
    ],
)
def test_which_answers_say_nothing(found: Exchange, works: bool, silent: bool) -> None:
    assert bool(no_answer(found, works)) == silent


def test_a_key_works_when_any_call_was_let_in() -> None:
    assert key_works([exchange(401), exchange(400)])
    assert not key_works([exchange(401), exchange(None)])


def test_a_pass_says_what_it_does_not_cover() -> None:
    noted = Evidence(0, Finding("GEN-COUNT", "pass", "seen once"))
    assert verdict(evidence=(PASS, noted)).reason == "seen once"
    assert not verdict(evidence=(PASS, noted)).partial


def test_rules_that_wait_to_be_asked_for_are_told_and_end_nothing() -> None:
    waiting = RuleVerdict("GEN-SIZE-HUGE", "m", "not-run", "SHOULD", "…", reason="--heavy", cause="option")
    found = conclude([verdict(evidence=(PASS,)), waiting], Situation(paid=True, tried=1, succeeded=1))
    assert found.exit_status == 0 and "1 rule more when asked for" in found.headline
