"""What looks like a breach and is none, and what the suite's own failure looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imageproof_conformance.exchange import Chunk, Exchange, Probe, Request
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.report.evidence import tell
from imageproof_conformance.run import Run, run
from imageproof_conformance.wire import BAD_KEY

from .conftest import Asked, Says, Serve, forward

KEY = "sk-canary-7e57"
Reference = Callable[..., str]


def made(url: str, model: str = "dall-e-3", **options: Any) -> Run:
    return run(Profile(url, KEY, "IMAGEPROOF_API_KEY", models=(ModelChoice(model),), **{"workers": 8, **options}))


def status(found: Run, rule: str) -> str:
    return next(one.status for one in found.verdict.rules if one.rule == rule)


@pytest.mark.parametrize(("failures", "judged"), [(1, "pass"), (9, "not-run")])
def test_a_failure_over_a_wrong_key_is_no_evidence(
    serve: Serve, reference: Reference, failures: int, judged: str
) -> None:
    url, wrong = reference(KEY), list[Asked]()

    def handle(asked: Asked) -> Says:
        if BAD_KEY in asked.headers.get("Authorization", ""):
            wrong.append(asked)
            if len(wrong) <= failures:
                return Says(500, {"error": {"message": "oops", "type": "x", "param": None, "code": None}})
        return forward(asked, url)

    found = made(serve(handle).url)
    assert status(found, "AUTH-BAD-KEY") == judged
    assert status(found, "AUTH-BEFORE-BODY") == "not-run"
    assert len(wrong) == 2
    assert found.verdict.exit_status == 0


def test_a_refusal_of_the_stream_need_not_name_the_previews(serve: Serve, reference: Reference) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        if b'"stream":true' in asked.body:
            error = {"message": "streaming not supported", "type": "x", "param": None, "code": None}
            return Says(400, {"error": error}, headers=(("x-request-id", "r"),))
        return forward(asked, url)

    found = made(serve(handle).url, "gpt-image-1", tier="core")
    assert status(found, "ERR-NAMES-PARAM") == "pass"
    assert status(found, "GEN-STREAM-TYPE") == "unsupported"


def test_lines_may_end_with_carriage_returns_alone(serve: Serve, reference: Reference) -> None:
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        says = forward(asked, url)
        assert isinstance(says.body, bytes)
        body = says.body.replace(b"\n", b"\r") if says.media_type == "text/event-stream" else says.body
        return Says(says.status, body, says.media_type, says.headers)

    found = made(serve(handle).url, "gpt-image-1", tier="core")
    streams = [rule for rule in found.verdict.rules if "-STREAM-" in rule.rule and rule.status != "not-run"]
    assert len(streams) > 5 and {rule.status for rule in streams} == {"pass"}
    assert found.spent == found.planned


def test_the_events_of_a_stream_are_told_by_their_types() -> None:
    probe = Probe("s", "createImage", "m", Request("POST", "/x", json={"stream": True}), "served", ())
    body = b'event: a\rdata: {"type": "one"}\r\rdata: {"type": "two"}\r\rdata: 3\r\r'
    headers = (("content-type", "text/event-stream"),)
    seen = Exchange(probe, "http://h/x", (), b"{}", 200, headers, (Chunk(0.0, body),))
    assert tell(seen).got == "200 text/event-stream stream of one, two, an event without a type"


def test_a_failure_of_the_suite_is_its_own_status(reference: Reference, tmp_path: Path) -> None:
    """Within pytest it is an item that fails: that must not pass for a verdict."""
    (tmp_path / "sitecustomize.py").write_text(
        "import imageproof_conformance.dispatch as d\n"
        "def crash(self, *_, **__): raise RuntimeError('made to fail')\n"
        "d.Dispatcher.run = crash\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "imageproof", "conform", reference(KEY), "--model", "dall-e-3"],
        cwd=tmp_path,
        env={
            **os.environ,
            "IMAGEPROOF_API_KEY": KEY,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 5, found.stdout + found.stderr
    assert "The suite itself failed: RuntimeError: made to fail" in found.stdout


def test_what_plain_calls_are_refused_over_is_not_put_on_streams(serve: Serve, reference: Reference) -> None:
    """In words alone, without an error object, as some providers have it."""
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        if b"quality" in asked.body:
            return Says(400, {"code": "bad", "error": "Argument not supported: quality"})
        return forward(asked, url)

    found = made(serve(handle).url, "gpt-image-1", tier="core")
    assert status(found, "GEN-SERVED") == "fail"
    assert "fail" not in (status(found, "GEN-STREAM-TYPE"), status(found, "GEN-NULL-OMITTED"))


@pytest.mark.parametrize(("encoding", "judged"), [("utf-16", "fail"), ("utf-8-sig", "pass")])
def test_json_is_read_as_utf_8_alone(serve: Serve, reference: Reference, encoding: str, judged: str) -> None:
    """RFC 8259, 8.1: Python's reader guesses, other clients' do not; a mark at the beginning is passed over by all."""
    url = reference(KEY)

    def handle(asked: Asked) -> Says:
        says = forward(asked, url)
        if asked.method != "POST" or says.status != 200:
            return says
        assert isinstance(says.body, bytes)
        return Says(200, says.body.decode().encode(encoding), says.media_type, says.headers)

    found = made(serve(handle).url, tier="core")
    assert status(found, "GEN-CONTENT-TYPE") == judged
    assert found.spent == found.planned
