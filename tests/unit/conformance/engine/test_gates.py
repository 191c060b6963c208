"""The two questions and the gate: which broken rules decide the exit status, and what the sentence claims."""

from __future__ import annotations

from typing import Any

import pytest

from imageproof_conformance.gates import Gate, Terms, answers
from imageproof_conformance.verdict import RuleVerdict, Situation, Status, Verdict, conclude

ITEM = ("GEN-X", "m")


def rule(status: Status, level: str = "MUST", *breaks: str, **known: Any) -> RuleVerdict:
    return RuleVerdict(known.pop("id", "GEN-X"), "m", status, level, "It holds.", breaks, **known)


BROKEN_PLAIN, BROKEN_SDK = rule("fail"), rule("fail", "MUST", "sdk", "application")
WARNS, WARNS_SDK = rule("warn", "SHOULD", "application"), rule("warn", "SHOULD", "sdk")
PASSES = rule("pass", "MUST", "sdk", id="GEN-Y")


@pytest.mark.parametrize(
    ("broken", "contract", "sdk", "both"),
    [
        (BROKEN_PLAIN, "broken", "beside", "broken"),
        (BROKEN_SDK, "broken", "broken", "broken"),
        (WARNS, "", "", ""),
        (WARNS_SDK, "", "broken", "broken"),
        (PASSES, "", "", ""),
        (rule("blocked", "MUST", "sdk"), "", "", ""),
    ],
)
def test_what_a_rule_means_for_each_gate(broken: RuleVerdict, contract: str, sdk: str, both: str) -> None:
    gates: tuple[tuple[Gate, str], ...] = (("contract", contract), ("sdk", sdk), ("both", both))
    for gate, expected in gates:
        assert Terms(gate).standing(broken) == expected, gate
        status = conclude((broken, PASSES), Situation(terms=Terms(gate))).exit_status
        assert status == (1 if expected == "broken" else 0), gate


def test_an_excuse_is_for_one_model_and_a_later_rule_is_told_and_not_scored() -> None:
    assert Terms(excused={ITEM: "why"}).standing(BROKEN_SDK) == "expected"
    assert Terms(excused={("GEN-X", "other"): "why"}).standing(BROKEN_SDK) == "broken"
    assert Terms("both", later=frozenset({"GEN-X"})).standing(BROKEN_SDK) == "beside"
    assert Terms("both", later=frozenset({"GEN-X"})).standing(WARNS_SDK) == ""


def said(*rules: RuleVerdict, **terms: Any) -> Verdict:
    return conclude(rules, Situation(paid=True, tried=1, succeeded=1, terms=Terms(**terms)))


def test_the_sentence_claims_what_the_gate_asked_and_hides_nothing() -> None:
    clean = said(PASSES, gate="sdk")
    assert clean.headline == "Works with the official SDKs in all 1 rule judged."
    beside = said(BROKEN_PLAIN, PASSES, gate="sdk")
    assert (beside.exit_status, beside.headline.partition(". ")[2]) == (
        0,
        "Not scored: 1 broken rule beside the gate sdk.",
    )
    excused = said(BROKEN_SDK, PASSES, excused={ITEM: "known"})
    assert excused.exit_status == 0
    assert (
        "eeps the contract" not in excused.headline
        and "none broken but 1 that the baseline expects" in excused.headline
    )
    lapsed = said(PASSES, lapses=("expired on 2026-01-01: GEN-X", *"abc"))
    assert lapsed.exit_status == 1
    assert lapsed.headline.startswith(
        "0 of 1 judged rule are broken. The baseline does not hold: expired on 2026-01-01"
    )
    assert lapsed.headline.endswith("b and 1 more.")


@pytest.mark.parametrize(("cause", "status"), [("budget", 4), ("no-answer", 3)])
def test_what_the_gate_does_not_ask_may_be_left_unjudged(cause: Any, status: int) -> None:
    unrun = rule("not-run", cause=cause, reason="no money")
    assert said(unrun, PASSES).exit_status == status
    assert said(unrun, PASSES, gate="sdk").exit_status == 0
    assert said(rule("not-run", "MUST", "sdk", cause=cause), PASSES, gate="sdk").exit_status == status


def test_an_answer_keeps_breadth_apart_from_conformity() -> None:
    rules = [BROKEN_SDK, PASSES, WARNS_SDK, rule("unsupported"), rule("not-run"), rule("blocked", "MUST", "sdk")]
    contract, sdk = answers(rules)
    assert (contract.judged, contract.kept, contract.broken) == (2, 1, ("GEN-X",))
    assert (contract.unsupported, contract.unknown, contract.all) == (1, 2, 5)
    assert (sdk.judged, sdk.kept, sdk.unsupported, sdk.unknown) == (3, 1, 0, 1)
    assert contract.told == (
        "the contract (MUST rules): 1 of 2 judged rules kept; "
        "2 of 5 that apply were judged (1 not offered, 2 not judged)"
    )
    assert "nothing judged; 0 of 0" in answers([])[0].told
