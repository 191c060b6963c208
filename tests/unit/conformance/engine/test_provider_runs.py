"""Runs with a profile against the reference provider, which speaks like the provider that is documented."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imageproof_conformance.recheck import Asked, recheck
from imageproof_conformance.report.json_report import SCHEMA_FILE
from imageproof_conformance.transcript import read
from imageproof_reference.config import Config
from imageproof_reference.serving import running

from .conftest import Asked as Request
from .conftest import Says, Serve

KEY = "sk-imageproof-provider-runs"
BESIDE = ("suite", "notes", "recheck")  # members of the report that are no part of the verdict
HEAD = 'name: Mine\nstatus: documented, not verified\nsource: mine.example/docs\ndate: "2026-11-20"\n'
SECRET = "gw-7f3a9c55e1d20b48"


@dataclass(frozen=True)
class Made:
    """A run of the command line: its status, what it printed, its report, and the folder of its files."""

    status: int
    shown: str
    report: dict[str, Any]
    folder: Path

    def rule(self, name: str) -> dict[str, Any]:
        return next(one for one in self.report["rules"] if one["id"] == name)

    @property
    def differences(self) -> set[str]:
        return {
            one["id"] for one in self.report["rules"] if one["id"].startswith("DECLARED-") and one["status"] == "warn"
        }


Conform = Callable[..., Made]


@pytest.fixture
def conform(tmp_path: Path) -> Iterator[Conform]:
    """`imageproof conform`, as a user types it, with the key in the environment."""

    def made(*words: str, key: str = KEY) -> Made:
        out = tmp_path / "runs"
        told = command("conform", *words, "--out", str(out), key=key)
        (folder,) = out.iterdir()
        report = json.loads((folder / "report.json").read_text())
        jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(report)
        return Made(told.returncode, told.stdout + told.stderr, report, folder)

    yield made


def command(*words: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    env |= {"IMAGEPROOF_API_KEY": key} if key else {}
    return subprocess.run(
        [sys.executable, "-m", "imageproof", *words], env=env, capture_output=True, text=True, timeout=120
    )


def origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


def mine(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return str(path)


def again(folder: Path, out: Path) -> Path:
    """The folder of a recheck, where no socket can be made."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was asked for")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("socket", "create_connection", "getaddrinfo"):
            patch.setattr(socket, name, refuse)
        recheck(Asked(str(folder), out=str(out)))
    (made,) = out.iterdir()
    return made


def verdict(folder: Path) -> bytes:
    found = json.loads((folder / "report.json").read_text())
    return json.dumps({name: value for name, value in found.items() if name not in BESIDE}).encode()


def test_azure_is_asked_as_it_documents_and_judged_the_same_again(conform: Conform, tmp_path: Path) -> None:
    with running(Config(key=KEY, dialect="azure", pause_seconds=0.0)) as url:
        words = ("--provider", "azure", "--model", "gpt-image-1", "--tier", "core", "--max-images", "20")
        made = conform(f"{origin(url)}?api-version=2026-01-01", *words)
    assert made.status == 0, made.shown
    calls = [one for one in read(made.folder) if one.probe.request.method == "POST"]
    assert {one.url.partition("/images/")[0] for one in calls} == {f"{origin(url)}/openai/deployments/gpt-image-1"}
    assert {one.url.partition("?")[2] for one in calls} == {"api-version=2026-01-01"}
    names = {name.lower() for one in calls for name, _ in one.sent_headers}
    assert "api-key" in names and "authorization" not in names
    assert KEY not in (made.folder / "transcript.jsonl").read_text() + made.shown
    known = made.rule("GEN-MODEL-UNKNOWN")
    assert known["status"] == "warn" and known["documented"]["by"] == "Azure OpenAI"
    assert f"{origin(url)}/openai/deployments/gpt-image-1/images/generations?api-version=2026-01-01" in made.shown
    assert '-H "api-key: $IMAGEPROOF_API_KEY"' in made.shown
    assert verdict(again(made.folder, tmp_path / "again")) == verdict(made.folder)


def test_a_documented_deviation_fails_labelled_as_known(conform: Conform, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    with running(Config(key=KEY, dialect="openai-hub", pause_seconds=0.0)) as url:
        made = conform(origin(url), "--provider", "openai-hub", "--model", "dall-e-2", "--junit", str(junit))
    known = made.rule("AUTH-NO-KEY")
    assert (made.status, known["status"], known["standing"]) == (1, "fail", "broken")
    assert known["documented"] == {
        "by": "OpenAI-Hub",
        "what": "The header with the key may be left out.",
        "source": "OpenAI-Hub API, pictures, lines 39, 107 and 172",
        "date": "2024",
    }
    said = "documented by OpenAI-Hub, OpenAI-Hub API, pictures, lines 39, 107 and 172 2024"
    assert f"{said}: The header with the key may be left out." in made.shown
    case = next(one for one in ET.parse(junit).iter("testcase") if one.get("name") == "AUTH-NO-KEY")
    failure = case.find("failure")
    assert failure is not None and said in str(failure.get("message")) and said in str(failure.text)
    assert made.report["provider"]["name"] == "OpenAI-Hub"
    assert made.report["provider"]["status"] == "documented, not verified"
    assert "documented" not in made.rule("AUTH-BAD-KEY")
    assert verdict(again(made.folder, tmp_path / "again")) == verdict(made.folder)


OTHERWISE = """
endpoint: {url: "%s", headers: {X-Title: a title}}
models: {short: gpt-image-1}
families:
  - id: mine
    like: gpt-image-1
    models: [other]
    status: {state: current, source: mine.example/docs}
    cells: {createImage: {n: {schema: {maximum: 1}, rule: GEN-N-RANGE}}}
offers:
  operations: [createImage, createImageVariation]
  carrier: url
  edit_encodings: [multipart/form-data]
  stream: false
  mask: false
deviations:
  - {rules: [GEN-COUNT], what: It makes one picture., source: mine.example/faq, date: 2026-11}
"""


def test_what_a_target_does_otherwise_than_declared_is_found(conform: Conform, tmp_path: Path) -> None:
    with running(Config(key=KEY, pause_seconds=0.0)) as url:
        words = ("--provider", mine(tmp_path, OTHERWISE % url), "--model", "gpt-image-1=mine", "--tier", "standard")
        made = conform(*words, "--header", f"X-Gateway: {SECRET}", "--header", "X-Tenant: acme")
    every = ("OPERATIONS", "MODELS", "ENCODINGS", "CARRIER", "STREAM", "MASK")
    assert made.differences == {f"DECLARED-{one}" for one in every}
    assert "createImageEdit is not declared, and is taken" in made.shown
    assert made.rule("DECLARED-CARRIER")["evidence"][0]["got"] == "b64_json"
    # Of its own family: two pictures must be refused, and the reference provider knows nothing of that.
    broken = {one["id"] for one in made.report["rules"] if one["status"] == "fail"}
    assert broken == {"GEN-N-RANGE"} and made.report["models"] == [{"name": "gpt-image-1", "family": "mine"}]
    assert "documented not to be kept, and kept here: GEN-COUNT" in made.shown
    sent = [dict(one.sent_headers) for one in read(made.folder)]
    assert all(one["X-Title"] == "a title" for one in sent)
    assert all(one["X-Tenant"] == one["X-Gateway"] == "********" for one in sent)
    files = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    assert SECRET.encode() not in files and SECRET not in made.shown
    assert '-H "X-Gateway: $HEADER_X_GATEWAY"' in made.shown
    (tmp_path / "mine.yaml").unlink()  # the run keeps what it was made with
    assert verdict(again(made.folder, tmp_path / "again")) == verdict(made.folder)


def test_a_provider_may_be_named_alone_and_its_path_be_replaced(conform: Conform, tmp_path: Path) -> None:
    with running(Config(key=KEY, dialect="volcengine", pause_seconds=0.0)) as url:
        elsewhere = mine(tmp_path, f"endpoint: {{url: '{origin(url)}/api/v2'}}\nbehaves_as: dall-e-3\n")
        made = conform("--provider", elsewhere, "--base-path", "api/v3", "--model", "dall-e-3", "-k", "AUTH or MODELS")
    assert made.status == 0, made.shown
    assert made.report["target"] == url and url.endswith("/api/v3")


def test_headers_are_sent_with_every_call_and_echoed_secrets_are_masked(conform: Conform, serve: Serve) -> None:
    def handle(asked: Request) -> Says:
        error = {
            "message": f"no prompt, said {asked.headers.get('X-Gateway')}",
            "type": "x",
            "param": None,
            "code": None,
        }
        return Says(404 if asked.method == "GET" else 400, {"error": error})

    target = serve(handle)
    words = (target.url, "--model", "dall-e-3", "-k", "ERR", "--header", f"X-Gateway: {SECRET}")
    made = conform(*words, "--header", "X-Tenant: acme", "--header", "User-Agent: mine")
    assert len(target.asked) > 20
    assert {one.headers.get("X-Gateway") for one in target.asked} == {SECRET}
    assert {(one.headers["X-Tenant"], one.headers["User-Agent"]) for one in target.asked} == {("acme", "mine")}
    files = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    assert SECRET.encode() not in files and SECRET not in made.shown and KEY.encode() not in files


def test_an_alias_has_the_family_that_is_named(conform: Conform, serve: Serve) -> None:
    def handle(asked: Request) -> Says:
        error = {"message": "prompt is missing", "type": "invalid_request_error", "param": "prompt", "code": None}
        return Says(404 if asked.method == "GET" else 400, {"error": error})

    made = conform(serve(handle).url, "--model", "flux", "--family", "dall-e-3", "-k", "GEN-STYLE")
    assert made.report["models"] == [{"name": "flux", "family": "dall-e-3"}]


def test_what_free_calls_do_not_settle_is_shown_as_assumed(conform: Conform, tmp_path: Path) -> None:
    profile = mine(tmp_path, "offers: {carrier: url, stream: false}\n")
    with running(Config(key=KEY, dialect="litellm", pause_seconds=0.0)) as url:
        made = conform(url, "--provider", profile, "--model", "gpt-image-1")
    assert made.report["pictures"]["spent"] == 0
    assert made.report["encodings"] == [
        {"operation": "createImageEdit", "media_type": "multipart/form-data", "taken": True},
        {"operation": "createImageEdit", "media_type": "application/json", "taken": False},
    ]
    assert made.report["breadth"][0]["assumed"] == [
        {"what": "carrier", "value": "url", "by": "provider"},
        {"what": "streaming", "value": "no", "by": "provider"},
        {"what": "mask", "value": "yes", "by": "family"},
        {"what": "JSON edits", "value": "no", "by": "free call"},
    ]
    assert "assumed until a picture shows it: carrier: url (declared by the provider)" in made.shown


BAD = {
    "unknown key": ("modles: {}\n", "mine.yaml:5: #/modles: unknown key"),
    "unknown requirement": (
        "deviations: [{rules: [GEN-NONE], what: w, source: s, date: 2026-01-01}]\n",
        "mine.yaml:5: #/deviations/0/rules/0: no requirement GEN-NONE",
    ),
    "unknown family": ("models: {a: nobody}\n", "mine.yaml:5: #/models/a: no model family 'nobody'"),
    "twice": ("name: Again\n", "mine.yaml:5: not YAML: the key 'name' stands twice"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_profile_is_one_sentence_and_nothing_is_sent(text: str, said: str, tmp_path: Path, serve: Serve) -> None:
    target = serve(lambda asked: Says(500))
    told = command("conform", target.url, "--provider", mine(tmp_path, text))
    assert (told.returncode, told.stdout, target.asked) == (2, "", [])
    assert said in told.stderr and len(told.stderr.splitlines()) == 1 and "Traceback" not in told.stderr


def test_without_a_target_nothing_is_done() -> None:
    told = command("conform")
    assert told.returncode == 2 and "--provider NAME" in told.stderr
    told = command("conform", "--provider", "azure")
    assert told.returncode == 2 and "type the URL" in told.stderr
    told = command("conform", "--provider", "openai", key="")
    assert told.returncode == 2 and "no key" in told.stderr
