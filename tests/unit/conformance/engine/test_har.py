"""Traffic in HAR files: what real tools wrote, and each way in which a tool may keep a body or leave it out."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from imageproof.errors import DocumentError, UsageError
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.recheck import Asked, recheck
from imageproof_conformance.run import Run, Session

from .test_recheck import verdict

pytestmark = pytest.mark.xdist_group("har")
HARS = Path(__file__).parent / "hars"
KEY = "sk-har-canary-7731"
ORIGIN = "https://api.example.com/openai/v1"
PICTURE_RULES = ("GEN-SIZE-PIXELS", "GEN-IMAGE-DECODES", "GEN-COUNT")


@dataclass(frozen=True)
class Found:
    """What a HAR came to: exit status, the report, the status of each rule, and every file that was written."""

    status: int
    report: dict[str, Any]
    rules: dict[str, str]
    folder: Path

    def noted(self, text: str) -> bool:
        return any(text in note for note in self.report["notes"])


def judge(har: Path | dict[str, Any], out: Path, **options: Any) -> Found:
    """A HAR judged where no socket can be made."""
    path = har
    if isinstance(har, dict):
        path = out.with_suffix(".har")
        path.write_text(json.dumps(har))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("socket", "create_connection", "getaddrinfo"):
            patch.setattr(socket, name, None)
        status = recheck(Asked(str(path), out=str(out), **options))
    (folder,) = out.iterdir()
    verdict(folder)  # valid against the schema
    report = json.loads((folder / "report.json").read_text())
    return Found(status, report, {rule["id"]: rule["status"] for rule in report["rules"]}, folder)


def test_a_har_of_a_browser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Chromium, written down by Playwright, at a server that makes pictures of the wrong size."""
    found = judge(HARS / "playwright.har", tmp_path / "out")
    assert found.status == 1
    assert [rule for rule, status in found.rules.items() if status == "fail"] == ["GEN-SIZE-PIXELS"]
    passed = (
        "GEN-N-RANGE",
        "GEN-URL-FETCH",
        "GEN-URL-TYPE",
        "GEN-DISTINCT",
        "GEN-SERVED",
        "MODELS-LIST",
        "ERR-ENVELOPE",
    )
    assert {found.rules[rule] for rule in passed} == {"pass"}
    assert found.noted("1 call with several rules broken at once (GEN-N-RANGE, GEN-SIZE-VALUES)")
    assert found.noted("1 call whose request body is not in the file")  # a form: Playwright leaves it out
    shown = capsys.readouterr().out
    assert "asked size=256x256, got data[0]: 192x192" in shown and "none made now" in shown
    assert KEY in (HARS / "playwright.har").read_text() and KEY not in shown
    assert not [path for path in found.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_har_of_a_proxy(tmp_path: Path) -> None:
    """curl through mitmproxy: files stand in the text of the body, a byte a character."""
    found = judge(HARS / "mitmproxy.har", tmp_path / "out")
    assert found.status == 0 and "fail" not in found.rules.values()
    passed = ("EDIT-IMAGE-SINGLE", "EDIT-SERVED", "EDIT-N-RANGE", "GEN-N-RANGE", "EDIT-COUNT")
    assert {found.rules[rule] for rule in passed} == {"pass"}
    assert found.rules["GEN-URL-FETCH"] == "not-run"  # nobody followed the links


def test_what_was_made_of_a_har_is_a_run(tmp_path: Path) -> None:
    found = judge(HARS / "playwright.har", tmp_path / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", None)
        assert recheck(Asked(str(found.folder), out=str(tmp_path / "again"))) == 1
    (folder,) = (tmp_path / "again").iterdir()
    assert verdict(folder) == verdict(found.folder)


def test_a_recording_of_the_provider_is_traffic_too(tmp_path: Path) -> None:
    from imageproof_reference.config import Config
    from imageproof_reference.serving import running

    config = Config(key=KEY, fault="wrong-size", pause_seconds=0.0, record=tmp_path / "rec")
    with running(config) as url, Session(_profile(url)) as session:
        session.prepare()
        session.buy("core")
        live = {rule.rule: rule.status for rule in session.finish().verdict.rules}
    (folder,) = (tmp_path / "rec").iterdir()
    found = judge(folder, tmp_path / "out")
    assert {rule for rule, status in found.rules.items() if status == "fail"} == {"EDIT-SIZE-PIXELS", "GEN-SIZE-PIXELS"}
    same = [rule for rule, status in found.rules.items() if live.get(rule) == status == "pass"]
    assert len(same) > 60


def _profile(url: str, model: str = "gpt-image-1") -> Profile:
    return Profile(url, KEY, "IMAGEPROOF_API_KEY", models=(ModelChoice(model),), tier="core", timeout=5.0, workers=8)


# Each shape of a body, on the calls of a whole run.


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    from imageproof_reference.config import Config
    from imageproof_reference.serving import running

    made = {}
    for fault in ("", "wrong-size"):
        with running(Config(key=KEY, fault=fault, pause_seconds=0.0)) as url, Session(_profile(url, "dall-e-2")) as one:
            one.prepare()
            one.buy("core")
            made[fault] = one.finish()
    return made


Post = Callable[[Exchange], dict[str, Any] | None]


def _media(exchange: Exchange) -> str:
    return next((value for name, value in exchange.sent_headers if name.lower() == "content-type"), "")


def _base64(exchange: Exchange) -> dict[str, Any]:
    text = base64.b64encode(exchange.sent_body).decode()
    return {"mimeType": _media(exchange), "text": text, "encoding": "base64"}


def _latin(exchange: Exchange) -> dict[str, Any]:
    return {"mimeType": _media(exchange), "text": exchange.sent_body.decode("latin-1")}


def _replaced(exchange: Exchange) -> dict[str, Any]:
    return {"mimeType": _media(exchange), "text": exchange.sent_body.decode("utf-8", "replace")}


def _params(exchange: Exchange) -> dict[str, Any]:
    """The parts as rows; files by name alone."""
    if not exchange.probe.request.parts:
        return _latin(exchange)
    rows = [
        {"name": one.name, "fileName": one.filename, "contentType": one.media_type}
        if one.filename
        else {"name": one.name, "value": one.data.decode()}
        for one in exchange.probe.request.parts
    ]
    return {"mimeType": _media(exchange), "params": rows}


def _moved(text: bytes, exchange: Exchange) -> bytes:
    """An answer as the target of the file gives it: its links lead to that host, not to this machine."""
    here, there = ("://".join(urlsplit(one)[:2]).encode() for one in (exchange.url, ORIGIN))
    return text.replace(here, there)


def entry(exchange: Exchange, post: Post = _latin, encoded: bool = False) -> dict[str, Any]:
    when = datetime.fromtimestamp(exchange.started, UTC).isoformat().replace("+00:00", "Z")
    body = _moved(exchange.body, exchange)
    text = base64.b64encode(body).decode() if encoded else body.decode("utf-8", "replace")
    content = {"size": len(body), "mimeType": exchange.header("content-type") or "", "text": text}
    headers = [{"name": name, "value": value} for name, value in exchange.headers]
    sent = [{"name": name, "value": value} for name, value in (*exchange.sent_headers, (":method", "POST"))]
    request: dict[str, Any] = {
        "method": exchange.probe.request.method,
        "url": ORIGIN + exchange.probe.request.path,
        "headers": sent,
    }
    if exchange.sent_body:
        request["postData"] = post(exchange)
    return {
        "startedDateTime": when,
        "time": exchange.seconds * 1000,
        "request": request,
        "response": {
            "status": exchange.status,
            "headers": headers,
            "content": {**content, **({"encoding": "base64"} if encoded else {})},
        },
    }


def pictures(exchange: Exchange) -> list[dict[str, Any]]:
    """The calls that fetched the pictures of an answer."""
    head = {"headers": [{"name": "content-type", "value": "image/png"}]}
    when = datetime.fromtimestamp(exchange.started + 1, UTC).isoformat()
    return [
        {
            "startedDateTime": when,
            "time": 3,
            "request": {"method": "GET", "url": _moved(one.url.encode(), exchange).decode(), "headers": []},
            "response": {
                "status": 200,
                **head,
                "content": {"size": len(one.body), "encoding": "base64", "text": base64.b64encode(one.body).decode()},
            },
        }
        for one in exchange.downloads
    ]


def har(*entries: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "tests", "version": "1"}, "entries": list(entries)}}


def calls(run: Run) -> list[Exchange]:
    """The calls of a run that were made with its key."""
    return [one for one in run.exchanges if one.probe.request.key == "yes" and one.probe.model]


def whole(run: Run, post: Post, encoded: bool) -> dict[str, Any]:
    return har(*(row for one in calls(run) for row in (entry(one, post, encoded), *pictures(one))))


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("post", [_base64, _latin, _replaced, _params])
@pytest.mark.parametrize("fault", ["", "wrong-size"])
def test_no_shape_of_a_body_accuses_wrongly(
    runs: dict[str, Run], fault: str, post: Post, encoded: bool, tmp_path: Path
) -> None:
    found = judge(whole(runs[fault], post, encoded), tmp_path / "out")
    live = {rule.rule for rule in runs[fault].verdict.rules if rule.status == "fail"}
    assert {rule for rule, status in found.rules.items() if status == "fail"} == live
    assert found.status == (1 if fault else 0)
    assert {found.rules[rule] for rule in ("GEN-N-RANGE", "GEN-COUNT", "EDIT-COUNT", "VAR-COUNT")} == {"pass"}
    # Whether the file was legal is known only where the bytes are.
    assert ("EDIT-SERVED" in found.rules) == (post in (_base64, _latin))


# One call, and what may stand around it.


def call(body: Any, status: int = 200, answer: Any = None, path: str = "/images/generations", **more: Any) -> Any:
    now = time.time()
    given = {"created": int(now), "data": [{"b64_json": PNG}]} if answer is None else answer
    return {
        "startedDateTime": datetime.fromtimestamp(now, UTC).isoformat(),
        "time": 20.5,
        "request": {
            "method": "POST",
            "url": more.pop("url", ORIGIN + path),
            "headers": [{"name": "Authorization", "value": f"Bearer {KEY}"}],
            "postData": {"mimeType": "application/json", "text": body if isinstance(body, str) else json.dumps(body)},
            **more.pop("request", {}),
        },
        "response": {
            "status": status,
            "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "x-request-id", "value": "r"}],
            "content": {"size": 10, "mimeType": "application/json", "text": json.dumps(given)},
            **more.pop("response", {}),
        },
        **more,
    }


def _png() -> str:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (256, 256), "red").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


PNG = _png()
LEGAL = {"model": "dall-e-2", "prompt": "a", "size": "256x256", "response_format": "b64_json"}


def refusal(code: str | None = None, message: str = "no", kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("one", "rules"),
    [
        (call(LEGAL), {"GEN-SERVED": "pass", "GEN-SIZE-PIXELS": "pass", "GEN-CREATED-SECONDS": "pass"}),
        (call({**LEGAL, "seed": 7}), {"GEN-SERVED": "pass"}),
        (call(LEGAL, 400, refusal()), {"GEN-SERVED": "fail"}),
        (call({**LEGAL, "n": 11}), {"GEN-N-RANGE": "fail"}),
        (call({**LEGAL, "n": 11}, 400, refusal()), {"GEN-N-RANGE": "pass", "ERR-ENVELOPE": "pass"}),
        (call({**LEGAL, "n": 11}, 400, {"detail": "no"}), {"GEN-N-RANGE": "pass", "ERR-ENVELOPE": "fail"}),
        (call(LEGAL, 400, refusal("moderation_blocked")), {"ERR-ENVELOPE": "pass", "GEN-SERVED": None}),
        (call(LEGAL, 400, refusal(None, "content_policy_violation")), {"GEN-SERVED": None}),
        (call(LEGAL, 429, refusal("rate_limit_exceeded")), {"GEN-SERVED": "not-run"}),
        (call(LEGAL, 401, refusal("invalid_api_key")), {"GEN-SERVED": "not-run"}),
        (call(LEGAL, 503, {}), {"GEN-SERVED": "not-run"}),
        (call(LEGAL, 404, refusal("model_not_found")), {"GEN-SERVED": "not-run"}),
        (call(LEGAL, startedDateTime="yesterday"), {"GEN-SERVED": "pass", "GEN-CREATED-SECONDS": None}),
        (call({**LEGAL, "size": "512x512"}), {"GEN-SIZE-PIXELS": "fail"}),
        (call(LEGAL, url="https://x.openai.azure.com/openai/deployments/draw/images/generations?api-version=1&key=k"),
         {"GEN-SERVED": "pass"}),
        (call({**LEGAL, "model": "\ud800\x1b[2J" + "m" * 9_000}), {"GEN-SERVED": "pass"}),
        (call({**LEGAL, "prompt": "\ud800", "n": None}), {"GEN-SERVED": "pass"}),
        (call(LEGAL, url="http://[::1]:80/a/b/images/generations/"), {"GEN-SERVED": "pass"}),
    ],
)  # fmt: skip
def test_each_body_says_what_must_be_done_with_it(one: Any, rules: dict[str, str | None], tmp_path: Path) -> None:
    found = judge(har(one), tmp_path / "out")
    assert {rule: found.rules.get(rule) for rule in rules} == rules
    # A call that was turned away for its pace shows how that is said, and nothing of the target's pictures.
    heard = any(status == "pass" and rule != "ERR-LIMIT" for rule, status in found.rules.items())
    assert found.status == (1 if "fail" in found.rules.values() else 0 if heard else 3)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (call("{"), "1 call whose request body cannot be read"),
        (call("[1]"), "1 call whose request body is no JSON object"),
        (call(LEGAL, request={"postData": {"mimeType": "text/plain", "text": "a"}}), "of a media type"),
        (call(LEGAL, request={"postData": None}), "1 call whose request body is not in the file"),
        (call(LEGAL, response={"content": {"size": 99, "mimeType": "application/json"}}), "whose answer is not in"),
        (call(LEGAL, response={"content": {"size": 9, "mimeType": "application/json", "text": '{"a'}}), "not whole"),
        (call(LEGAL, response={"content": {"size": 9, "text": "a", "encoding": "rot13"}}), "whose answer is not in"),
        (call(LEGAL, response={"content": {"size": 9, "_file": "../../etc/passwd"}}), "whose answer is not in"),
        (call({**LEGAL, "n": 0, "size": "1x1"}), "with several rules broken at once (GEN-N-RANGE, GEN-SIZE-VALUES)"),
        (call(LEGAL, url="https://other.example.com/v1/images/generations"), "of another target, https://other"),
        (call(LEGAL, url="https://shop.example.com/cart"), "1 call beside the Images API"),
        (call(LEGAL, url="https://[broken/images/generations"), "1 call beside the Images API"),
        (call('{"model": "dall-e-2", "prompt": "a", "n": Infinity}'), "1 call with several rules broken at once"),
        (call('{"prompt": "a", "n": ' + "9" * 5_000 + "}"), "1 call whose request body cannot be read"),
        (call('{"a": ' * 9_000), "1 call whose request body cannot be read"),
        ({"request": {}}, "1 entries that are none (the first: entry 3)"),
        (None, "1 entries that are none (the first: entry 3)"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_counted_and_costs_nothing_else(one: Any, said: str, tmp_path: Path) -> None:
    found = judge(har(call(LEGAL), call(LEGAL), one), tmp_path / "out")
    assert found.noted(said), found.report["notes"]
    assert (found.status, found.rules["GEN-SERVED"]) == (0, "pass")


def test_a_call_that_was_aborted_says_nothing(tmp_path: Path) -> None:
    gone = call(LEGAL, 0, response={"status": 0, "content": {"size": 0}, "_error": "net::ERR_ABORTED"})
    found = judge(har(gone), tmp_path / "out")
    assert found.status == 3 and "net::ERR_ABORTED" in found.report["headline"]


def test_streams_are_read_and_say_nothing_of_when_they_came(tmp_path: Path) -> None:
    from imageproof_reference.config import Config
    from imageproof_reference.serving import running

    with running(Config(key=KEY, pause_seconds=0.0)) as url, Session(_profile(url)) as session:
        session.prepare()
        session.buy("core")
        run = session.finish()
    stream = next(one for one in run.exchanges if one.probe.id.endswith("createImage/stream"))
    found = judge(har(entry(stream)), tmp_path / "out")
    assert {found.rules[rule] for rule in ("GEN-STREAM-TYPE", "GEN-STREAM-ORDER", "GEN-STREAM-TERMINAL")} == {"pass"}
    assert found.status == 0


def test_links_that_were_followed_with_a_key_or_too_late_say_nothing(tmp_path: Path) -> None:
    link = "https://cdn.example.com/a.png?sig=abcdefgh"
    made = call({**LEGAL, "response_format": "url"}, answer={"created": int(time.time()), "data": [{"url": link}]})
    keyed = {"name": "authorization", "value": f"Bearer {KEY}"}

    def get(status: int, after: float, *headers: dict[str, str]) -> dict[str, Any]:
        when = datetime.fromtimestamp(time.time() + after, UTC).isoformat()
        content = {"size": 3, "text": PNG, "encoding": "base64"}
        answer = {"status": status, "headers": [{"name": "content-type", "value": "image/png"}], "content": content}
        request = {"method": "GET", "url": link, "headers": list(headers)}
        return {"startedDateTime": when, "time": 1, "request": request, "response": answer}

    def fetch(name: str, *rows: dict[str, Any]) -> str | None:
        found = judge(har(made, *rows), tmp_path / name)
        assert not [path for path in found.folder.rglob("*") if path.is_file() and b"abcdefgh" in path.read_bytes()]
        return found.rules.get("GEN-URL-FETCH")

    assert fetch("good", get(200, 1)) == "pass"
    assert fetch("soon", get(403, 2)) == "fail"
    assert fetch("late", get(403, 7200)) == "not-run"
    assert fetch("keyed", get(200, 1, keyed)) == "not-run"
    assert fetch("none") == "not-run"


def test_keys_are_masked_wherever_they_stand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = call(
        {**LEGAL, "api_key": "field-canary-1", "user": KEY},
        400,
        refusal(None, f"wrong key {KEY} query-canary-1 field-canary-1"),
        url=f"{ORIGIN}/images/generations?api_key=query-canary-1",
        request={"headers": [{"name": "Api-Key", "value": KEY}, {"name": "Cookie", "value": "session=cookie-canary"}]},
    )
    found = judge(har(one), tmp_path / "out")
    written = b"".join(path.read_bytes() for path in found.folder.rglob("*") if path.is_file())
    shown = capsys.readouterr().out.encode()
    for secret in (KEY, "field-canary-1", "query-canary-1", "cookie-canary"):
        assert secret.encode() not in written + shown, secret


def test_an_alias_is_held_to_the_family_that_is_named(tmp_path: Path) -> None:
    body = {**LEGAL, "model": "draw", "size": "1x1"}
    assert "GEN-SIZE-VALUES" not in judge(har(call(body)), tmp_path / "open").rules
    assert judge(har(call(body)), tmp_path / "held", model=("draw=dall-e-2",)).rules["GEN-SIZE-VALUES"] == "fail"
    with pytest.raises(UsageError, match="no model family 'no-such'"):
        judge(har(call(body)), tmp_path / "none", model=("draw=no-such",))
    with pytest.raises(UsageError, match="type NAME=FAMILY"):
        judge(har(call(body)), tmp_path / "half", model=("draw",))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b'{"log": {"entries": [\n{"a": ', 2, "no JSON"),
        (b'{"log": {}}', 1, "it has no `log` with `entries`"),
        (b"[]", 1, "it has no `log` with `entries`"),
        (b"PK\x03\x04", 1, "it is a zip archive"),
        (b"[" * 100_000, 1, ""),
    ],
)
def test_a_file_that_is_no_har_is_told_with_its_line(text: bytes, line: int, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(text)
    with pytest.raises(DocumentError) as raised:
        recheck(Asked(str(path), out=str(tmp_path / "out")))
    assert str(raised.value).startswith(f"{path}:{line}: ") and said in str(raised.value)


def test_a_har_without_a_call_of_the_api_is_wrong_usage(tmp_path: Path) -> None:
    for log in (har(), har(call(LEGAL, url="https://shop.example.com/cart"))):
        with pytest.raises(UsageError, match="calls is one of the Images API"):
            judge(log, tmp_path / "out")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(har(call(LEGAL)), indent=2).encode())
    assert judge(path, tmp_path / "out").status == 0
