"""Curl lines: pasted into a shell they do again what the suite did, and no key is in them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imageproof_conformance import report
from imageproof_conformance.encode import encode
from imageproof_conformance.exchange import Exchange, Part, Probe, Request
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.report.curl import LONGEST, curl
from imageproof_conformance.run import Session
from imageproof_conformance.sending import MASK, Sending

from .conftest import Asked, Says, Serve

KEY = "sk-canary-c0c0"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

# Fault -> a rule that it breaks: JSON and forms, with files and without, methods, keys, headers.
FAULTS = {
    "long-prompt-served": "GEN-PROMPT-LENGTH",
    "any-mask-served": "EDIT-MASK-FILE",
    "many-images-served": "EDIT-IMAGE-COUNT",
    "no-key-400": "AUTH-NO-KEY",
    "bad-key-403": "AUTH-BAD-KEY",
    "get-served": "HTTP-METHOD",
    "wrong-size": "EDIT-SIZE-PIXELS",
}


def report_of(url: str, folder: Path, model: str, **options: Any) -> dict[str, Any]:
    """The report of a run that lies below `folder`, with paths as seen from there."""
    profile = Profile(url, KEY, models=(ModelChoice(model),), out=Path("my runs"), workers=8, **options)
    with Session(profile) as session:
        session.prepare()
        session.buy(session.tier)
        run = session.finish()
        files = report.write(run, session.document, session.registry, session.wire.redactor)
    found: dict[str, Any] = json.loads((folder / files[0]).read_text())
    return found


def shell(line: str, folder: Path) -> tuple[int, str]:
    """Status and media type of what a pasted line is answered."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env={**os.environ, "IMAGEPROOF_API_KEY": KEY},
        capture_output=True,
        check=False,
        timeout=60,
    )
    head = done.stdout.partition(b"\r\n\r\n")[0].decode()
    if "100 Continue" in head:
        head = done.stdout.split(b"\r\n\r\n")[1].decode()
    status = re.match(r"HTTP/1\.1 (\d+)", head)
    assert status is not None, f"{line[:300]}\n{done.stderr.decode()}{head[:200]}"
    kind = re.search(r"(?im)^content-type: ([^;\r\n]*)", head)
    return int(status[1]), kind[1] if kind else ""


@needs_curl
@pytest.mark.parametrize("fault", FAULTS)
def test_every_line_of_a_report_does_it_again(
    reference: Callable[..., str], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tier = "core" if fault == "wrong-size" else "free"
    found = report_of(reference(KEY, fault), tmp_path, "gpt-image-1", tier=tier)
    rules = {one["id"]: one for one in found["rules"] if one["status"] in ("fail", "warn")}
    assert FAULTS[fault] in rules
    for rule in rules.values():
        for one in (one for one in rule["evidence"] if one["outcome"] == "fail"):
            assert KEY not in one["curl"]
            status, kind = shell(one["curl"], next(tmp_path.rglob("report.json")).parent)
            assert status == one["status"], one["curl"][:300]
            assert one["answer"].startswith(f"{status} {kind}")


def test_made_up_calls_that_show_the_same_are_one_finding(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def handle(asked: Asked) -> Says:
        listing = {"object": "list", "data": [{"id": "gpt-image-1", "object": "model"}]}
        return Says(body=listing) if asked.method == "GET" else Says(422, {"detail": "no"})

    found = report_of(serve(handle).url, tmp_path, "gpt-image-1")
    every = [one for rule in found["rules"] for one in rule["evidence"] if one["outcome"] == "fail"]
    folded = [one for one in every if "also" in one]
    assert folded and all(isinstance(name, str) and name != one["probe"] for one in folded for name in one["also"])
    for rule in found["rules"]:
        failed = [one for one in rule["evidence"] if one["outcome"] == "fail" and "generated" in one["probe"]]
        told = [*(one["probe"] for one in failed), *(name for one in failed for name in one.get("also", ()))]
        assert len(told) == len(set(told))
        alike = {(one["probe"].split("/")[1], one["message"], one["status"]) for one in failed}
        assert len(alike) == len(failed)


def sent(request: Request, **options: Any) -> Exchange:
    body, media_type = encode(request)
    headers = (("Content-Type", media_type),) if media_type else ()
    probe = Probe("p", "createImageEdit", "m", request, "refused", ())
    return Exchange(probe, "http://h/v1/x", (*headers, *options.get("headers", ())), body, 400)


def test_what_no_line_can_hold_lies_in_a_file() -> None:
    long = curl(sent(Request("POST", "/x", json={"prompt": "a" * LONGEST})), Profile("http://h/v1"), "runs/a b")
    (name,) = long.files
    assert f"--data-binary '@runs/a b/uploads/{name}'" in long.line and name.endswith("-body.json")
    wild = Request("POST", "/x", raw=b"\x1b[2J\n", media_type="application/json")
    assert list(curl(sent(wild), Profile("http://h/v1")).files.values()) == [b"\x1b[2J\n"]


@pytest.mark.parametrize(
    "part",
    [
        Part("a;type=b", b"x"),
        Part("a", b"x\ny"),
        Part("a", b"x", 'n"x.png', "image/png"),
        Part("a", b"x", "n.png", None),
        Part("a", b"\xff"),
    ],
)
def test_a_form_that_curl_would_write_otherwise_is_sent_as_it_was(part: Part) -> None:
    request = Request("POST", "/x", parts=(Part("model", b"m"), part))
    found = curl(sent(request), Profile("http://h/v1"))
    assert list(found.files.values()) == [encode(request)[0]]
    assert "boundary=" in found.line and "-F" not in found.line


def test_a_plain_form_is_told_by_its_parts() -> None:
    parts = (Part("prompt", b"@a < b"), Part("image[]", b"1", "a.png", "image/png"))
    found = curl(sent(Request("POST", "/x", parts=parts)), Profile("http://h/v1"), "r")
    (name,) = found.files
    assert found.line == (
        "curl -sS -i --form-string 'prompt=@a < b' "
        f"""-F 'image[]=@"r/uploads/{name}";filename=a.png;type=image/png' http://h/v1/x"""
    )


def test_a_masked_header_stands_in_a_variable() -> None:
    sending = Sending(headers=(("X-Tenant", "secret"),), hidden=frozenset({"x-tenant"}))
    profile = Profile("http://h/v1", sending=sending)
    found = curl(sent(Request("GET", "/x"), headers=(("X-Tenant", MASK),)), profile)
    assert found.line == 'curl -sS -i -H "X-Tenant: $HEADER_X_TENANT" http://h/v1/x'
