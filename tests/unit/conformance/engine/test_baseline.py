"""The baseline: every mistake in it is told by its line, and every state of an entry has its own end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.requirements import requirements
from imageproof.errors import DocumentError, UsageError
from imageproof_conformance.baseline import Baseline, parse_baseline, read_baseline
from imageproof_conformance.expect import terms
from imageproof_conformance.gates import Terms
from imageproof_conformance.offered import Offer, lacking, lacks
from imageproof_conformance.profile import Profile, Settings, base_url, build
from imageproof_conformance.verdict import Cause, RuleVerdict, Situation, Status, conclude

REGISTRY = requirements()
URL = "https://host/v1"
GOOD = """\
rules: "2026.11"
expected:
- {id: GEN-COUNT, target: "https://host/v1", model: m, reason: known, owner: me, expiry: "2027-02-01"}
offered:
- {target: "https://host/v1", model: m, has: [createImage, stream, b64_json by default]}
"""


def read(text: str) -> Baseline:
    return parse_baseline(text, "known.yaml", base_url, REGISTRY)


def test_a_baseline_is_read() -> None:
    found = read(GOOD.replace("https://host/v1", "HTTPS://host/v1/images/generations"))
    assert found.expected[0].target == found.offered[0].target == URL
    assert (found.expected[0].expiry, found.expected[0].flaky, found.expected[0].place) == (
        date(2027, 2, 1),
        False,
        "known.yaml:3",
    )
    assert read('rules: "2026.11"\n').expected == ()


BAD = {
    "an id": (
        "GEN-COUNT",
        "GEN-COUNTS",
        "known.yaml:3: #/expected/0/id: id: no requirement GEN-COUNTS; do you mean GEN-C",
    ),
    "a target": (
        '"https://host/v1", model: m, reason',
        "'ftp://host', reason",
        ":3: #/expected/0/target: target: ftp is not",
    ),
    "a day": ("2027-02-01", "2027-02-30", ":3: #/expected/0/expiry: expiry: '2027-02-30' is no day, YYYY-MM-DD"),
    "a week": ("2027-02-01", "2027-W05-1", ":3: #/expected/0/expiry: expiry: '2027-W05-1' is no day"),
    "no owner": ("owner: me, ", "", "known.yaml:3: #/expected/0: lacks owner"),
    "an empty reason": ("known", '"  "', ":3: #/expected/0/reason: reason: must say something"),
    "flaky": ("reason: known", "flaky: often", ":3: #/expected/0/flaky: flaky: must be true or false"),
    "a stray": ("reason: known", "why: known", ":3: #/expected/0/why: unknown field; known are expiry, flaky, id,"),
    "a number": ("owner: me", "owner: 7", ":3: #/expected/0/owner: owner: must be text: write it in quotes, not as 7"),
    "newer": ("2026.11", "2099.01", ":1: #/rules: rule set 2099.01 is newer than this suite, which knows "),
    "a rule set": ('"2026.11"', "2026.11", ":1: #/rules: must be text"),
    "no rule set": ('rules: "2026.11"', "{}", "known.yaml"),
    "a list": (
        "has: [createImage, stream, b64_json by default]",
        "has: createImage",
        ":5: #/offered/0/has: has: must be a list",
    ),
    "a row": ("- {target", "- 1\n- {target", ":5: #/offered/0: must be a mapping with target, model, has"),
    "twice": (
        "offered:\n",
        "offered:\n- {target: host, model: m, has: [stream]}\n",
        ":6: #/offered/1: https://host/v1 m stands",
    ),
    "a stray name": ("offered:", "offers:", ":4: #/offers: unknown field; known are expected, offered, rules"),
}


@pytest.mark.parametrize(("old", "new", "said"), BAD.values(), ids=BAD)
def test_a_mistake_is_told_by_its_line(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError) as told:
        read(GOOD.replace(old, new, 1))
    assert said in str(told.value)


@pytest.mark.parametrize(
    "text", ["", "7", "[]", "rules: [1]\nexpected: {}\noffered: 1", "a: &a [*a]", "\x00", "rules: 1\nexpected: [[]]"]
)
def test_odd_files_are_told(text: str) -> None:
    with pytest.raises(DocumentError):
        read(text)


def test_a_baseline_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"none\.yaml: cannot be read"):
        read_baseline(tmp_path / "none.yaml", base_url)
    with pytest.raises(UsageError, match="--baseline"):
        build(Settings(URL, no_key=True, stale="warn"), {})


def rule(status: Status, model: str = "m", cause: Cause = "", id: str = "GEN-COUNT") -> RuleVerdict:
    return RuleVerdict(id, model, status, "MUST", "It holds.", ("sdk",), cause=cause)


TODAY = date(2027, 1, 1)
STARTED = datetime(2027, 1, 1, 12, tzinfo=UTC).timestamp()


def held(*rules: RuleVerdict, baseline: str = GOOD, strict: bool = True, offers: Any = (), **more: Any) -> Terms:
    profile = Profile(URL, baseline=read(baseline), strict=strict)
    return terms(profile, REGISTRY, rules, offers, more.get("tier", "core"), STARTED, more.get("trouble", ""))


def entry(days: int, **more: str) -> str:
    text = GOOD.replace("2027-02-01", str(TODAY + timedelta(days=days)))
    return text.replace("owner: me", "owner: me" + "".join(f", {name}: {value}" for name, value in more.items()))


STALE, EXPIRED, SOON, UNJUDGED = (
    "stale, it passes now: GEN-COUNT",
    "expired on ",
    "expires on ",
    "expected failures that were not",
)
NO_ROOM = "expected failures that the limits of the run left no room"
# What the rule did, days to the expiry, flaky -> exit status, begin of the lapse, begin of the note.
STATES: dict[str, tuple[RuleVerdict, int, bool, int, str, str]] = {
    "failing": (rule("fail"), 30, False, 0, "", ""),
    "failing, flaky": (rule("fail"), 30, True, 0, "", ""),
    "failing, on the last day": (rule("fail"), 0, False, 0, "", SOON),
    "failing, two weeks left": (rule("fail"), 14, False, 0, "", SOON),
    "failing, more than two weeks left": (rule("fail"), 15, False, 0, "", ""),
    "failing, expired": (rule("fail"), -1, False, 1, EXPIRED, ""),
    "failing, expired, flaky": (rule("fail"), -1, True, 1, EXPIRED, ""),
    "passing": (rule("pass"), 30, False, 1, STALE, ""),
    "passing, flaky": (rule("pass"), 30, True, 0, "", ""),
    "passing, expired": (rule("pass"), -1, False, 1, EXPIRED, ""),
    "passing in part": (rule("pass", cause="budget"), 30, False, 0, "", NO_ROOM),
    "not run": (rule("not-run"), 30, False, 0, "", UNJUDGED),
    "not offered": (rule("unsupported"), 30, False, 0, "", UNJUDGED),
    "blocked": (rule("blocked"), 30, False, 0, "", UNJUDGED),
    "of another model": (rule("pass", "other"), 30, False, 0, "", UNJUDGED),
    "not run, expired": (rule("not-run"), -1, False, 1, EXPIRED, UNJUDGED),
}


@pytest.mark.parametrize(("found", "days", "flaky", "status", "lapse", "note"), STATES.values(), ids=STATES)
def test_every_state_of_an_entry(
    found: RuleVerdict, days: int, flaky: bool, status: int, lapse: str, note: str
) -> None:
    rules = (found, rule("pass", id="GEN-SERVED"))
    text = entry(days, **({"flaky": "true"} if flaky else {}))
    strict, soft = held(*rules, baseline=text), held(*rules, baseline=text, strict=False)
    assert conclude(rules, Situation(terms=strict)).exit_status == status
    assert conclude(rules, Situation(terms=soft)).exit_status == 0
    assert [one.startswith(lapse) for one in strict.lapses] == ([True] if lapse else [])
    assert [one.startswith(note) for one in strict.notes] == ([True] if note else [])
    assert soft.lapses == () and set(soft.notes) == {*strict.lapses, *strict.notes}
    assert all("owner me, known.yaml:3" in one for one in strict.lapses)


def test_an_entry_that_names_no_model_is_for_all_and_stale_only_when_all_pass() -> None:
    text = GOOD.replace(" model: m, reason", " reason")
    rules = (rule("fail"), rule("pass", "other"))
    assert conclude(rules, Situation(terms=held(*rules, baseline=text))).exit_status == 0
    assert held(rule("pass"), rule("pass", "other"), baseline=text).lapses
    assert not held(rule("pass"), rule("not-run", "other"), baseline=text).lapses


def test_a_cheaper_tier_cannot_show_that_a_failure_is_gone() -> None:
    text = entry(30, tier="core")
    assert held(rule("pass"), baseline=text, tier="free").lapses == ()
    assert all(held(rule("pass"), baseline=text, tier=tier).lapses for tier in ("core", "standard"))
    assert held(rule("fail"), baseline=text, tier="free").excused
    with pytest.raises(DocumentError, match=r":3: #/expected/0/tier: tier: 'cheap' is none of free, core, standard"):
        read(entry(30, tier="cheap"))


def test_what_is_not_expected_fails_and_other_targets_excuse_nothing() -> None:
    other = rule("fail", id="GEN-SERVED")
    assert conclude((rule("fail"), other), Situation(terms=held(rule("fail"), other))).exit_status == 1
    found = held(rule("fail"), baseline=GOOD.replace("//host", "//elsewhere"))
    assert found.excused == {} and found.notes == ("expected failures of other targets: 1",)
    assert held(rule("fail"), baseline=GOOD.replace('"https://host/v1"', '"*"')).excused


def test_a_rule_that_came_later_than_the_baseline_is_not_scored() -> None:
    newer = {**REGISTRY, "GEN-SERVED": replace(REGISTRY["GEN-SERVED"], since="2027.01")}
    broken = rule("fail", id="GEN-SERVED")
    found = terms(Profile(URL, baseline=read(GOOD)), newer, (broken, rule("fail")), (), "core", STARTED)
    assert "GEN-SERVED" in found.later and "GEN-COUNT" not in found.later
    alone = terms(Profile(URL, rules="2026.11"), newer, (), (), "core", STARTED)
    assert (alone.rules, alone.later) == (found.rules, found.later)
    assert (
        terms(Profile(URL, baseline=read(GOOD), rules="2027.01"), newer, (), (), "core", STARTED).later == frozenset()
    )
    verdict = conclude((broken, rule("fail")), Situation(terms=found))
    assert verdict.exit_status == 0 and "Not scored: 1 broken rule" in verdict.headline


OFFER = Offer("m", ("createImage",), {"stream": True}, ("b64_json",))


@pytest.mark.parametrize(
    ("offer", "gone"),
    [
        (OFFER, ""),
        (replace(OFFER, operations=()), "createImage"),
        (replace(OFFER, abilities={"stream": False}), "stream"),
        (replace(OFFER, abilities={}, carriers=()), ""),  # not asked about
        (replace(OFFER, carriers=("url",)), "b64_json by default"),
        (replace(OFFER, operations=(), abilities={"stream": False}), "createImage, stream"),
        (replace(OFFER, model="other", operations=()), ""),
    ],
)
def test_lost_breadth_fails_whatever_stale_says(offer: Offer, gone: str) -> None:
    for strict in (True, False):
        lost = held(offers=(offer,), strict=strict).lapses
        assert lost == ((f"no longer offered (m): {gone}",) if gone else ())


def test_without_a_verdict_nothing_has_lapsed() -> None:
    lost = replace(OFFER, operations=())
    assert held(rule("not-run"), baseline=entry(-1), offers=(lost,), trouble="the target is unreachable").lapses == ()


def test_a_name_is_lacking_when_it_was_asked_for_in_vain() -> None:
    assert lacks("mask", (), ("mask",)) and not lacks("mask", (), ())
    assert lacks("createImage", (), ()) and not lacks("createImage", ("createImage",), ())


@pytest.mark.parametrize(
    ("offer", "asked", "missing"),
    [
        (OFFER, {("stream", "m")}, ()),
        (replace(OFFER, abilities={"stream": False}), {("stream", "m")}, ("stream",)),
        (replace(OFFER, abilities={}), {("stream", "m")}, ()),  # planned, and left to the verdict
        (replace(OFFER, abilities={}), {("stream", "other"), ("mask", "m")}, ("stream",)),
    ],
)
def test_streaming_can_be_required(offer: Offer, asked: set[tuple[str, str]], missing: tuple[str, ...]) -> None:
    assert lacking({"createImage", "stream"}, {"createImage"}, (offer,), asked) == missing
    assert lacking({"createImage", "stream"}, (), (offer,), asked) == ("createImage", *missing)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("2099.01", "newer than this suite"),
        ("newest", "'newest'"),
        ("2026.1", "'2026.1'"),
        ("2020.01", "no rule set 2020.01; known are 2026.11, "),
    ],
)
def test_a_rule_set_that_there_is_not_is_told(rules: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"--rules: .*{said}"):
        build(Settings(URL, no_key=True, rules=rules), {})


def test_streaming_is_not_required_of_a_run_without_pictures() -> None:
    with pytest.raises(UsageError, match="--require stream: only a picture shows it; add --max-images N"):
        build(Settings(URL, no_key=True, require="generations,stream"), {})
    assert "stream" in build(Settings(URL, no_key=True, require="stream", max_images=9), {}).require
