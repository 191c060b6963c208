"""The judges that read words, addresses and files: on both sides of each limit, and bounded on hostile input."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.links import private_name
from imageproof_conformance.judges.motion import delays, root


def said(bench: SimpleNamespace, rule: str, change: Any, **context: Any) -> str:
    """What is said of a rule where a correct answer is changed: pass, fail, or nothing."""
    probe = next(one for one in bench.probes() if rule in one.rules)
    draft = bench.good(probe)
    change(draft)
    exchange = draft if isinstance(draft, Exchange) else draft.exchange()
    found = bench.judge(rule, exchange, replace(bench.context(probe), **context))
    return found.outcome if found else ""


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "10.0.0.5", "192.168.1.9", "::1", "minio", "a.internal", "127.1", "0x7f.1"]
)
def test_hosts_that_nobody_outside_reaches(host: str) -> None:
    assert private_name(host)


@pytest.mark.parametrize("host", ["example.com", "8.8.8.8", "cdn.example.co.uk", "2606:4700::1111"])
def test_hosts_that_anybody_may_reach(host: str) -> None:
    assert not private_name(host)


def test_a_private_link_is_fine_where_the_target_is_private_too(bench: SimpleNamespace) -> None:
    def inner(draft: Any) -> None:
        draft.pictures[0]["url"] = "http://127.0.0.1:9/x.png"

    assert said(bench, "VAR-URL-HOST", inner, target_private=True) == "pass"
    assert said(bench, "VAR-URL-HOST", inner) == "fail"


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("Not Found", "pass"),
        ("Not Found: GET /v1/images/imageproof-no-such-path", "pass"),
        ("Unknown request URL: GET /api/v1/images/imageproof-no-such-path. See https://example.com/docs/api", "pass"),
        ("either/or, 1/2/3 and 24/7 fail", "pass"),
        ("open /srv/app/index.html", "fail"),
        ("[Errno 2] No such file or directory: 'x'", "fail"),
        ("C:\\models\\flux is missing", "fail"),
        ("404 page not found at http://localhost:7860/sdapi", "fail"),
        ("backend: /sdapi/v1/img2img not found", "fail"),
    ],
)
def test_a_404_is_about_what_was_called(bench: SimpleNamespace, message: str, outcome: str) -> None:
    def told(draft: Any) -> None:
        draft.status = 404
        draft.json["error"]["message"] = message

    probe = next(one for one in bench.probes() if one.id.endswith("/no-route"))
    draft = bench.good(probe)
    told(draft)
    assert bench.judge("ERR-NOT-FOUND", draft.exchange(), bench.context(probe)).outcome == outcome


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("1", "pass"), ("120", "pass"), ("0", "fail"), ("-1", "fail"), ("1.5", "fail"), ("soon", "fail"), ("", "fail"),
     ("Wed, 21 Oct 2026 07:28:00 GMT", "fail"), ("\u0661", "fail")],
)  # fmt: skip
def test_a_wait_is_whole_seconds(bench: SimpleNamespace, value: str, outcome: str) -> None:
    assert said(bench, "ERR-RETRY-AFTER", lambda draft: draft.headers.update({"retry-after": value})) == outcome


def test_a_call_that_was_turned_away_before_it_was_served_is_judged_by_that(bench: SimpleNamespace) -> None:
    probe = next(one for one in bench.probes() if one.id == "gpt-image-1/createImage/plain")
    draft = bench.good(probe)
    away = replace(draft.exchange(), status=429, headers=(("Retry-After", "0.5"),), chunks=())
    served = replace(draft.exchange(), earlier=(away,))
    assert bench.judge("ERR-LIMIT", served, bench.context(probe)).outcome == "fail"
    assert bench.judge("ERR-RETRY-AFTER", served, bench.context(probe)).outcome == "fail"
    assert bench.judge("ERR-LIMIT", draft.exchange(), bench.context(probe)) is None


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (400, {}, {"error": {}}, "pass"),
        (404, {}, {"error": {}}, "pass"),
        (404, {}, {"detail": "Not Found"}, ""),  # another rule names it
        (308, {"location": "/v1/images/generations"}, None, "pass"),
        (307, {}, None, "fail"),
        (302, {"location": "/v1/images/generations"}, None, "fail"),
        (200, {}, {"created": 1}, "pass"),
        (200, {}, [], "fail"),
        (405, {}, {"error": {}}, "fail"),
        (500, {}, {"error": {}}, "fail"),
        (401, {}, {"error": {}}, ""),
    ],
)
def test_what_a_slash_at_the_end_may_do(
    bench: SimpleNamespace, status: int, headers: dict[str, str], body: Any, outcome: str
) -> None:
    def change(draft: Any) -> None:
        draft.status, draft.json = status, body
        draft.headers.update(headers)

    assert said(bench, "HTTP-TRAILING-SLASH", change) == outcome


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"access-control-allow-headers": "Authorization,Content-Type"}, "pass"),
        ({"access-control-allow-headers": "*, authorization"}, "pass"),
        ({"access-control-allow-headers": "*"}, "fail"),  # does not cover Authorization
        ({"access-control-allow-origin": "https://imageproof.example"}, "pass"),
        ({"access-control-allow-origin": "https://other.example"}, "fail"),
        ({"access-control-allow-origin": ""}, "fail"),
    ],
)
def test_what_a_preflight_must_grant(bench: SimpleNamespace, headers: dict[str, str], outcome: str) -> None:
    assert said(bench, "HTTP-CORS", lambda draft: draft.headers.update(headers)) == outcome


def test_links_that_were_not_waited_for_pass_with_a_note(bench: SimpleNamespace) -> None:
    probe = next(bench.passing("GEN-URL-LASTS"))
    exchange = bench.good(probe).exchange()
    old, young, never = exchange, replace(exchange, later_after=3.0), replace(exchange, later=())
    found = [bench.judge("GEN-URL-LASTS", one, bench.context(probe)) for one in (old, young, never)]
    assert (found[0].outcome, found[0].message) == ("pass", "")
    assert found[1].outcome == "pass" and "3 s after the answer" in found[1].message and "--url-age" in found[1].message
    assert found[2] is None


def gif(count: int, duration: int) -> bytes:
    frames = [Image.new("RGB", (8, 8), (place * 9, 0, 0)) for place in range(count)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)
    return out.getvalue()


def test_frames_are_counted_and_timed() -> None:
    assert delays(gif(5, 120)) == [120] * 5
    assert delays(gif(1, 0)) == [0]


def test_a_gif_that_breaks_off_anywhere_is_bounded() -> None:
    whole = gif(3, 50)
    for size in range(len(whole)):
        assert delays(whole[:size]) in (None, []) or size == len(whole)
    assert delays(b"") is None and delays(b"GIF89a" + b"\x21" * 99) is None


@pytest.mark.parametrize("text", ["<svg/>", '<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"/>'])
def test_an_svg_has_an_svg_root(text: str) -> None:
    assert root(text.encode()) == "svg"


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(9))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<svg>",
        "<svg></g>",
        "no",
        f"<!DOCTYPE svg [{LAUGHS}]><svg>&a8;</svg>",
        "<svg/><svg/>",
        "\ud800",
        '<?xml version="1.0" encoding="none"?><svg/>',
    ],
)
def test_what_is_no_document_has_no_root(text: str) -> None:
    with pytest.raises(ValueError):
        root(text.encode("utf-8", "surrogatepass"))


def test_the_root_is_told_whatever_it_is() -> None:
    assert root(b"<html><svg/></html>") == "html"


@pytest.mark.parametrize(
    ("about", "error", "outcome"),
    [
        ("n", {"param": "n"}, "pass"),
        ("n", {"message": "Not allowed."}, "fail"),
        ("n", {"message": "`n` must be 1 or more."}, "pass"),
        ("output_format", {"message": "Unknown output format."}, "pass"),
        ("images", {"param": "images[0].image_url"}, "pass"),
        ("images", {"message": "An image is required."}, "pass"),
        ("image", {"param": "image[]"}, "pass"),
        ("size", {"message": "Invalid value."}, "fail"),
        ("size", {"param": "resize"}, "fail"),
        ("images", {"message": "Send multipart/form-data."}, ""),  # not about what is in the body
        ("size", {"code": "model_not_found"}, ""),
    ],
)
def test_a_refusal_names_what_it_is_over(bench: SimpleNamespace, about: str, error: Any, outcome: str) -> None:
    probe = next(one for one in bench.probes() if one.about == "size" and "ERR-NAMES-PARAM" in one.rules)
    draft = bench.good(replace(probe, about=about))
    draft.refuse(**error)
    found = bench.judge("ERR-NAMES-PARAM", draft.exchange(), bench.context(probe))
    assert (found.outcome if found else "") == outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (404, {"error": {"message": "no"}}, "pass"),
        (404, {"error": "no"}, "fail"),
        (404, {"detail": "no"}, "fail"),
        (404, None, "fail"),
        (200, {"hello": "world"}, "fail"),
        (400, {"error": {"message": "no"}}, "fail"),
        (500, {"error": {"message": "no"}}, "fail"),
        (405, {"error": {"message": "no"}}, ""),  # something is there
        (301, None, ""),
        (401, {"error": {"message": "no"}}, ""),
    ],
)
def test_what_a_path_that_is_not_there_may_answer(bench: SimpleNamespace, status: int, body: Any, outcome: str) -> None:
    probe = next(one for one in bench.probes() if one.id.endswith("/no-route"))
    draft = bench.good(probe)
    draft.status, draft.json = status, body
    found = bench.judge("ERR-NO-ROUTE", draft.exchange(), bench.context(probe))
    assert (found.outcome if found else "") == outcome


def test_a_stream_that_is_cut_inside_its_first_preview_breaks_no_rule_of_order(bench: SimpleNamespace) -> None:
    probe = next(one for one in bench.probes() if "GEN-STREAM-ORDER" in one.rules)
    whole = bench.good(probe).exchange()
    found = {
        cut: bench.judge(
            "GEN-STREAM-ORDER",
            replace(whole, chunks=(replace(whole.chunks[0], data=whole.body[:cut]),), failure=failure),
            bench.context(probe),
        )
        for cut, failure in ((200, "the connection was closed"), (len(whole.body), ""))
    }
    assert [one.outcome for one in found.values()] == ["pass", "pass"]
