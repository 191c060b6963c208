"""The summary for a build's page, who breaks, and what is offered: small, true, and nothing that a target could use."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from imageproof.contract.clients import clients
from imageproof.contract.document import load
from imageproof_conformance.exchange import Chunk, Exchange, Finding, Probe, Request
from imageproof_conformance.gates import Terms
from imageproof_conformance.judges import Context, judge
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.report import junit, write
from imageproof_conformance.report.json_report import SCHEMA_FILE
from imageproof_conformance.report.seen import WORDS, fits
from imageproof_conformance.report.summary import plain, text
from imageproof_conformance.report.terminal import Screen
from imageproof_conformance.report.whom import whom
from imageproof_conformance.run import Run, Session, run
from imageproof_conformance.verdict import Evidence, RuleVerdict, Status

KEY = "sk-canary-c0de"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, tuple[Path, ...], str, Path]:
    """A paid run of a target that breaks base64 alone, with its files and what the terminal showed."""
    from imageproof_reference.config import Config
    from imageproof_reference.serving import running

    folder = tmp_path_factory.mktemp("summary")
    (folder / "step.md").write_text("what another step wrote\n")
    shown = io.StringIO()
    with running(Config(key=KEY, fault="b64-data-prefix", pause_seconds=0.0)) as url:
        profile = Profile(
            url, KEY, "IMAGEPROOF_API_KEY", tier="core", models=(ModelChoice("gpt-image-1"),), workers=8, gate="both",
            out=folder / "runs", summary=folder / "deep" / "summary.md", step_summary=folder / "step.md",
        )  # fmt: skip
        with Session(profile) as session:
            session.prepare()
            session.buy(session.tier)
            made = session.finish()
            files = write(made, session.document, session.registry, session.wire.redactor)
            Screen(Console(file=shown, width=200, soft_wrap=True)).result(made, ())
    return made, files, shown.getvalue(), folder


Ran = tuple[Run, tuple[Path, ...], str, Path]


def test_the_terminal_says_first_what_is_offered_then_whom_it_breaks_then_the_rules(ran: Ran) -> None:
    shown = ran[2]
    parts = [
        "offered: createImage, ",
        "streaming: yes, mask: yes",
        "spent: 8 pictures, at most ",
        "the contract (",
    ]
    parts += ["what the official SDKs need: ", "what breaks, and for whom (", "AI SDK (", "BROKEN GEN-B64-PLAIN"]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


def test_the_json_report_says_the_same(ran: Ran) -> None:
    found = json.loads(ran[1][0].read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(found)
    contract, sdk = found["answers"]
    assert contract["broken"] == ["GEN-B64-PLAIN", "EDIT-B64-PLAIN"] and sdk["broken"] == []
    assert contract["kept"] == contract["judged"] - 2 and sdk["kept"] == sdk["judged"] > 10
    assert {"stream", "mask", "createImage", "b64_json by default"} <= set(found["breadth"][0]["has"])
    assert found["breadth"][0]["seconds"] > 0 and found["gate"] == "both"
    assert [one["client"] for one in found["whom"]] == ["ai-sdk", "ai-sdk-compatible", ""]
    standings = {rule["id"]: rule["standing"] for rule in found["rules"]}
    assert (standings["GEN-B64-PLAIN"], standings["GEN-COUNT"]) == ("broken", "")


def test_the_summary_is_small_written_where_it_is_asked_for_and_renders(ran: Ran) -> None:
    made_by, files, _, folder = ran
    assert folder / "deep" / "summary.md" in files
    told = (folder / "deep" / "summary.md").read_text()
    assert told == text(made_by) and len(told) < 10_000
    assert (folder / "step.md").read_text() == f"what another step wrote\n{told}\n"
    page = MARKDOWN.render(told)
    assert page.count("<table>") == 2 and "GEN-B64-PLAIN" in page and "AI SDK (@ai-sdk/openai 4.0.118)" in page
    assert "<a " not in page and "<code>" not in page


HOSTILE = [
    *("<script>alert(1)</script>", "![x](https://evil/p.png)", "[x](javascript:alert(1))", "https://evil/"),
    *("www.evil.com", "<https://evil/>", "&lt;b&gt;&#60;img src=x&#62;", "a | b | c", "`code` **bold** __b__ ~~s~~"),
    *("# title", "- item", "1. one", "7) one", "> quote", "--- ", "=== ", "\\", "\\|", "$x$", "| --- |", "* x", "+ x"),
    *("[x]: https://evil", "a\n\n# b", "<!-- c", "\x1b[2J\u202e", "[^1]", "```", "    code", "10. ten", "<b", "&amp"),
]
MARKS = ("script", "img", "a ", "code", "strong", "em", "s>", "blockquote", "h1", "h2", "hr", "ol", "pre", "!--")


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_target_wrote_is_shown_as_text(words: str) -> None:
    for page in (
        MARKDOWN.render(plain(words)),
        MARKDOWN.render(f"- {plain(words)}"),
        MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {plain(words)} | x |"),
        MARKDOWN.render(f"### {plain(words)}"),
    ):
        assert [mark for mark in MARKS if f"<{mark}" in page] == []
        assert page.count("<td") in (0, 2)
        assert "https:" not in plain(words) and "www." not in plain(words)  # what some readers make links of
        assert page.count("<ul") <= 1 and page.count("<li") <= 1


def rule(id: str, status: Status, level: str, *breaks: str) -> RuleVerdict:
    return RuleVerdict(id, "m", status, level, "It holds.", breaks)


def answered(says: bytes, status: int = 200, media_type: str = "application/json", failure: str = "") -> Exchange:
    probe = Probe("p", "createImage", "m", Request("POST", "/x"), "served", ())
    headers = (("content-type", media_type),)
    return Exchange(probe, "http://h/x", (), b"", status, headers, (Chunk(0.0, says),), failure=failure)


def broken(id: str, *breaks: str, message: str = "") -> RuleVerdict:
    """A broken MUST that the first exchange shows."""
    return replace(rule(id, "fail", "MUST", *breaks), evidence=(Evidence(0, Finding(id, "fail", message)),))


def test_who_is_hit_is_told_by_client_then_by_group() -> None:
    count = broken("GEN-COUNT", "sdk", "application")
    seen = [answered(b'{"created": 1}')]
    found = whom([count, broken("AUTH-NO-KEY", "sdk"), broken("GEN-N-RANGE", "letter")], seen)
    named = {one.client for one in found if one.client}
    assert {"openai-python", "openai-node", "ai-sdk", "langchain-js"} <= named
    groups = {one.who: one.rules for one in found if not one.client}
    assert groups == {
        "the official SDKs": ("AUTH-NO-KEY",),
        "applications that rely on it": ("GEN-COUNT",),
        "nobody that is known, only the letter of the contract": ("GEN-N-RANGE",),
    }
    assert (
        whom([rule("GEN-COUNT", "pass", "MUST", "sdk"), rule("GEN-SIZE-PIXELS", "warn", "SHOULD", "application")], ())
        == ()
    )


def test_two_pictures_for_one_hit_applications_and_no_client() -> None:
    two = [answered(b'{"data": [{"b64_json": "AAAA"}, {"b64_json": "AAAA"}]}')]
    assert [one.who for one in whom([broken("GEN-COUNT", "sdk", "application")], two)] == [
        "applications that rely on it"
    ]


EVENTS = "text/event-stream"
PREVIEW = b'data: {"type": "image_generation.partial_image", "b64_json": "AAAA"}\n\n'
# Rule, what is answered -> what an official SDK makes of it.
SEEN: dict[str, tuple[str, Exchange, str]] = {
    "JSON to a stream": ("GEN-STREAM-TYPE", answered(b'{"data": []}'), "gives no event, without an error"),
    "a refusal of a stream": ("GEN-STREAM-TYPE", answered(b'{"error": {}}', 400), "raises an error"),
    "an end": ("GEN-STREAM-TERMINAL", answered(PREVIEW, 200, EVENTS), "ends without a picture and without an error"),
    "a cut": ("GEN-STREAM-TERMINAL", answered(PREVIEW, 200, EVENTS, "the answer was cut"), "raises APIConnectionError"),
    "a page": ("GEN-CONTENT-TYPE", answered(b"<html>", 200, "text/html"), "gives a text in place of an answer"),
    "half JSON": ("GEN-CONTENT-TYPE", answered(b'{"data"'), "raises the error of its JSON parser, none of its own"),
}


@pytest.mark.parametrize("case", SEEN)
def test_what_a_client_makes_of_a_breach_is_told_by_what_was_seen(case: str) -> None:
    id, seen, then = SEEN[case]
    told = [
        one.how.rpartition(", it ")[2] for one in whom([broken(id, "sdk")], [seen]) if one.client == "openai-python"
    ]
    assert told == [then]


# Word -> an answer that it fits, and one that it does not, with the message of the judge.
FITS: dict[str, tuple[Exchange, Exchange]] = {
    "refused": (answered(b"{}", 400), answered(b"{}")),
    "no-stream": (answered(b"{}"), answered(PREVIEW, 200, EVENTS)),
    "events": (answered(PREVIEW, 200, EVENTS), answered(b"{}")),
    "other-type": (answered(b"{}", 200, "text/plain"), answered(b"{}", 200, "application/problem+json")),
    "no-json": (answered(b"x", 200, "text/plain"), answered(b"{}", 200, "text/plain")),
    "half-json": (answered(b"{"), answered(b"{", 200, "text/plain")),
    "no-data": (answered(b'{"data": null}'), answered(b'{"data": []}')),
    "no-pictures": (answered(b'{"data": []}'), answered(b'{"data": [{}]}')),
    "no-carrier": (answered(b'{"data": [{}]}'), answered(b'{"data": [{"url": "x", "b64_json": "A"}]}')),
    "urls": (answered(b'{"data": [{"url": "x"}]}'), answered(b'{"data": [{"b64_json": "A"}]}')),
    "base64": (answered(b'{"data": [{"b64_json": "A"}]}'), answered(b'{"data": [{"url": "x"}]}')),
    "created-text": (answered(b'{"created": "1"}'), answered(b'{"created": 1}')),
    "no-base64": (answered(b'{"data": [{"b64_json": "data:x,AA"}]}'), answered(b'{"data": [{"b64_json": "A-_\\n="}]}')),
    "error-text": (answered(b'{"error": "no"}', 400), answered(b'{"error": {}}', 400)),
    "no-error": (answered(b'{"detail": "no"}', 400), answered(b'{"error": {}}', 400)),
    "page": (answered(b" <!DOCTYPE html>", 400), answered(b"no", 400)),
    "error-in-success": (answered(b'{"error": {}}'), answered(b'{"error": {}}', 400)),
    "ended": (answered(PREVIEW, 200, EVENTS), answered(PREVIEW, 200, EVENTS, "the answer was cut")),
    "cut": (answered(PREVIEW, 200, EVENTS, "the answer was cut"), answered(PREVIEW, 200, EVENTS)),
}  # fmt: skip


def test_every_word_of_the_table_fits_some_answers_and_others_not() -> None:
    assert set(clients().seen) == set(WORDS) == {*FITS, "unknown-kind"}
    for word, (fitting, other) in FITS.items():
        assert fits(word, fitting, Finding("R", "fail")), word
        assert not fits(word, other, Finding("R", "fail")), word


def test_a_wrong_event_line_is_no_unknown_kind() -> None:
    """The clients read the type of the data: a line that says otherwise hides no event from them."""
    for line, hit in ((b"event: other\n", False), (b"", True)):
        kind = b"image_generation.completed" if line else b"made.up"
        seen = answered(line + b'data: {"type": "' + kind + b'"}\n\n', 200, EVENTS)
        probe = replace(seen.probe, rules=("GEN-STREAM-NAMES",))
        finding = judge("GEN-STREAM-NAMES", replace(seen, probe=probe), Context(load(), None, "m", False))
        assert finding is not None and finding.outcome == "fail"
        assert fits("unknown-kind", seen, finding) is hit


# Status, terms -> what JUnit has of a rule that breaks SDKs.
JUNIT: dict[str, tuple[Status, Terms, str, str]] = {
    "broken": ("fail", Terms(), "failure", ""),
    "expected": (
        "fail",
        Terms(excused={("GEN-COUNT", "gpt-image-1"): "<why>"}),
        "system-out",
        "expected by the baseline (<why>)",
    ),
    "beside": ("fail", Terms(later=frozenset({"GEN-COUNT"})), "system-out", "broken, but not scored"),
    "warned": ("warn", Terms(), "system-out", "warning: "),
    "warned, for the SDKs": ("warn", Terms("sdk"), "failure", ""),
    "blocked": ("blocked", Terms(), "error", ""),
    "error": ("error", Terms(), "error", ""),
    "not run": ("not-run", Terms(), "skipped", ""),
    "unsupported": ("unsupported", Terms(), "skipped", ""),
}


@pytest.mark.parametrize(("status", "terms", "tag", "said"), JUNIT.values(), ids=JUNIT)
def test_junit_tells_every_status_apart(ran: Ran, status: Status, terms: Terms, tag: str, said: str) -> None:
    made_by = ran[0]
    evidence = next(one for one in made_by.verdict.rules if one.rule == "GEN-B64-PLAIN").evidence
    made: Any = rule("GEN-COUNT", status, "MUST" if status == "fail" else "SHOULD", "sdk")
    made = replace(made, model="gpt-image-1", evidence=evidence if status in ("fail", "warn") else ())
    root = ET.fromstring(junit.text(replace(made_by, verdict=replace(made_by.verdict, rules=(made,), terms=terms))))
    (case,) = root.findall(".//testcase[@name='GEN-COUNT']")
    assert [child.tag for child in case] == [tag]
    assert said in "".join(case.itertext())


def test_lapses_of_a_baseline_are_cases_of_their_own(ran: Ran) -> None:
    made_by = ran[0]
    verdict = replace(made_by.verdict, terms=Terms(lapses=("expired on <b>", "stale & more")))
    root = ET.fromstring(junit.text(replace(made_by, verdict=verdict)))
    suite = root.find("testsuite[@name='imageproof baseline']")
    assert suite is not None and suite.attrib["failures"] == "2"
    assert [one.attrib["message"] for one in suite.iter("failure")] == ["expired on <b>", "stale & more"]
    assert int(root.attrib["failures"]) == 2 + made_by.verdict.count("fail")


def test_an_ability_that_is_refused_is_told_and_not_missed_silently(reference: Callable[..., str]) -> None:
    profile = Profile(
        reference(KEY), KEY, tier="core", models=(ModelChoice("dall-e-3"),), workers=8, require=frozenset({"stream"})
    )
    found = run(profile)
    assert found.verdict.missing == ("stream",) and found.verdict.exit_status == 1  # dall-e-3 does not stream


def test_a_page_of_a_build_that_cannot_be_written_costs_no_verdict(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_by = ran[0]
    profile = replace(made_by.profile, out=tmp_path, summary=None, step_summary=tmp_path / "none" / "page.md")
    with Session(profile) as session:
        files = write(replace(made_by, profile=profile), session.document, session.registry, session.wire.redactor)
    assert all(path.is_file() for path in files)
    assert "page.md: the summary cannot be written: No such file" in capsys.readouterr().err
