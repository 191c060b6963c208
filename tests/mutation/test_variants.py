"""Servers that answer otherwise than the reference provider: what the contract leaves open stays green, what it does
not is named by its own ids, and an ability that is refused properly is no failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mutation.variants import KEY, Said, Variant, refuse, rewritten, rules, varied

from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run

GPT, DALL_E = "gpt-image-1", "dall-e-2"


def beside(**members: Any) -> Variant:
    """More members beside each picture."""
    return rewritten(lambda body: [entry.update({**members, **entry}) for entry in body["data"]] and None)


def named(change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> Variant:
    return lambda said: replace(said, headers=tuple(change(*pair) for pair in said.headers))


def stream(old: bytes, new: bytes) -> Variant:
    return lambda said: replace(said, body=said.body.replace(old, new)) if said.streamed else said


def done(said: Said) -> Said:
    return replace(said, body=b": hello\n\nretry: 5\n\n" + said.body + b"data: [DONE]\n\n") if said.streamed else said


def no_event_lines(said: Said) -> Said:
    lines = [line for line in said.body.split(b"\n") if not line.startswith(b"event:")]
    return replace(said, body=b"\n".join(lines)) if said.streamed else said


def charset(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value + b"; charset=UTF-8" if name == b"content-type" else value


BENIGN: dict[str, Variant] = {
    "other order and more members": rewritten(lambda body: {"x": 1, **dict(reversed(body.items())), "y": [None]}),
    "blanks before the JSON": lambda said: replace(said, body=b"\r\n \n" + said.body) if said.json else said,
    "charset": named(charset),
    "header names in capitals": named(lambda name, value: (name.upper(), value)),
    "events with CRLF": stream(b"\n", b"\r\n"),
    "no event lines": no_event_lines,
    "comments and an end marker": done,
    "small pieces": lambda said: replace(said, piece=8000),
}

# variant -> model, what must fail, what must be unsupported
ODD: dict[str, tuple[str, Variant, str, str]] = {
    "nulls beside b64_json": (GPT, beside(url=None, revised_prompt=None), "GEN-ITEM-ABSENT EDIT-ITEM-ABSENT", ""),
    "empty texts beside b64_json": (GPT, beside(url=""), "GEN-ITEM-ABSENT EDIT-ITEM-ABSENT", ""),
    "streams refused by their parameter": (
        GPT,
        refuse(lambda said: said.asks("stream"), param="stream"),
        "",
        "GEN-STREAM-TYPE GEN-STREAM-NAMES GEN-STREAM-FIELDS GEN-STREAM-ORDER GEN-STREAM-TERMINAL GEN-STREAM-PICTURES"
        " GEN-STREAM-USAGE",
    ),
    "streams refused for another reason": (
        GPT,
        refuse(lambda said: said.asks("stream")),
        "GEN-STREAM-TYPE EDIT-STREAM-TYPE",
        "",
    ),
    "a carrier refused": (
        DALL_E,
        refuse(lambda said: said.asks("response_format"), message="response_format is not supported"),
        "",
        "GEN-B64-PLAIN",
    ),
    "all edits refused": (GPT, refuse(lambda said: "edits" in said.path, param="image"), "EDIT-SERVED", ""),
    "no route for edits": (GPT, lambda said: missing(said), "", "EDIT-SERVED EDIT-IMAGE-LIST"),
    "usage of a chat": (
        GPT,
        rewritten(lambda body: {**body, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        "GEN-USAGE-PRESENT EDIT-USAGE-PRESENT",
        "",
    ),
    "images instead of data": (
        GPT,
        rewritten(lambda body: {("images" if name == "data" else name): one for name, one in body.items()}),
        "GEN-COUNT EDIT-COUNT",
        "",
    ),
    "a job instead of pictures": (
        GPT,
        rewritten(lambda body: {"created": body["created"], "task_id": "t", "status": "queued"}),
        "GEN-COUNT EDIT-COUNT GEN-USAGE-PRESENT EDIT-USAGE-PRESENT",
        "",
    ),
}


def missing(said: Said) -> Said:
    return replace(said, status=404, body=b'{"detail":"Not Found"}') if "edits" in said.path else said


def judged(url: str, model: str) -> Run:
    return run(Profile(url, key=KEY, models=(ModelChoice(model),), tier="core", workers=8))


@pytest.mark.parametrize("name", BENIGN)
def test_what_the_contract_leaves_open_stays_green(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with varied(BENIGN[name], monkeypatch) as url:
        found = judged(url, GPT)
    assert rules(found, "fail", "warn", "error", "blocked", "unsupported") == set()
    assert found.verdict.exit_status == 0
    assert found.spent == found.planned


@pytest.mark.parametrize("name", ODD)
def test_a_deviation_is_named_by_its_own_rules(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, variant, broken, unsupported = ODD[name]
    with varied(variant, monkeypatch) as url:
        found = judged(url, model)
    assert rules(found, "fail", "warn", "error") == set(broken.split())
    assert set(unsupported.split()) <= rules(found, "unsupported")
    assert bool(unsupported) == bool(rules(found, "unsupported"))
    assert found.verdict.exit_status == (1 if rules(found, "fail") else 0)
    assert rules(found, "blocked") == set() or found.verdict.exit_status
