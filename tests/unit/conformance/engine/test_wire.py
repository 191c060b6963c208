"""The wire against real sockets: what goes out, what is kept, what is never done."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from imageproof_conformance.exchange import Exchange, Part, Probe, Request
from imageproof_conformance.profile import Profile
from imageproof_conformance.wire import BAD_KEY, Wire

from .conftest import Asked, Says, Serve

KEY = "sk-canary-7f3a9"


def call(url: str, request: Request, **options: Any) -> Exchange:
    probe = Probe("p", "createImage", "m", request, "served", (), worst=1)
    with Wire(Profile(url, KEY, **options)) as wire:
        return wire.send(probe)


POST = Request("POST", "/images/generations", json={"prompt": "a"})


def test_a_call_goes_out_as_planned_and_comes_back_whole(serve: Serve) -> None:
    target = serve(lambda asked: Says(body={"data": []}, headers=(("X-Request-Id", "r1"),)))
    found = call(target.url, POST)
    assert (found.status, found.body, found.header("x-request-id")) == (200, b'{"data": []}', "r1")
    assert found.failure == ""
    sent = target.asked[0]
    assert (sent.method, sent.path, sent.json) == ("POST", "/v1/images/generations", {"prompt": "a"})
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Accept-Encoding"] == "identity"
    assert found.sent_body == b'{"prompt":"a"}'


@pytest.mark.parametrize(("key", "header"), [("none", None), ("bad", f"Bearer {BAD_KEY}"), ("yes", f"Bearer {KEY}")])
def test_the_key_that_is_planned_is_the_one_that_goes(serve: Serve, key: Any, header: str | None) -> None:
    target = serve(lambda asked: Says(401))
    call(target.url, Request("POST", "/x", json={}, key=key))
    assert target.asked[0].headers.get("Authorization") == header


def test_a_head_that_never_ends_does_not_outlast_the_time_of_a_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            with suppress(OSError), listener.accept()[0] as one:
                one.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    one.sendall(b"X-A: b\r\n")
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        found = call(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", POST, timeout=0.5)
    assert (found.status, found.failure) == (None, "no answer within 0.5 s")
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(("statuses", "believed"), [((500, 200), 200), ((503, 500, 400), 400), ((500, 500, 500), 500)])
def test_a_failure_of_the_target_is_believed_when_it_stays(
    serve: Serve, statuses: tuple[int, ...], believed: int
) -> None:
    left = list(statuses)
    target = serve(lambda asked: Says(left.pop(0)))
    assert call(target.url, POST).status == believed
    assert left == []


def test_links_share_one_time_limit(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "POST":
            data = [{"url": f"http://{asked.headers['Host']}/{number}"} for number in range(9)]
            return Says(body={"data": data})
        return Says(pieces=(b"a",) * 100, before=lambda index: time.sleep(0.05))

    began = time.monotonic()
    found = call(serve(handle).url, POST, timeout=0.3)
    assert len(found.downloads) == 9 and all(one.failure for one in found.downloads)
    assert time.monotonic() - began < 4


def test_multipart_arrives(serve: Serve) -> None:
    target = serve(lambda asked: Says())
    call(target.url, Request("POST", "/x", parts=(Part("image", b"\x89PNG", "a.png", "image/png"),)))
    assert b'name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--' in target.asked[0].body


def test_chunks_keep_the_time_at_which_they_arrived(serve: Serve) -> None:
    says = Says(
        pieces=(b"data: 1\n\n", b"data: 2\n\n"), media_type="text/event-stream", before=lambda i: time.sleep(0.15 * i)
    )
    found = call(serve(lambda asked: says).url, POST)
    assert [chunk.data for chunk in found.chunks] == [b"data: 1\n\n", b"data: 2\n\n"]
    assert found.chunks[1].at - found.chunks[0].at > 0.1


def test_the_key_is_masked_in_all_that_is_kept_also_across_chunks(serve: Serve) -> None:
    half = len(KEY) // 2
    says = Says(
        400,
        pieces=(f"no {KEY[:half]}".encode(), f"{KEY[half:]}!".encode()),
        headers=(("X-Echo", KEY),),
        before=lambda i: time.sleep(0.05 * i),
    )
    found = call(serve(lambda asked: says).url + f"/{KEY}", Request("POST", "/x", json={"user": KEY}))
    assert KEY not in repr(found).replace(repr(found.probe), "")
    assert len(found.body) == len(f"no {KEY}!")
    assert len(found.chunks) == 2


def test_nothing_is_raised_for_what_a_target_does(serve: Serve) -> None:
    hung = call(serve(lambda asked: None).url, POST)
    assert hung.status is None and hung.failure.startswith("no answer")
    cut = call(serve(lambda asked: Says(body=b'{"data', cut=True)).url, POST)
    assert (cut.status, cut.body) == (200, b'{"data') and cut.failure.startswith("the answer was cut")
    nobody = call("http://127.0.0.1:1/v1", POST)
    assert nobody.status is None and nobody.failure.startswith("no connection")
    nowhere = call("http://no-such-host.invalid/v1", POST)
    assert nowhere.status is None and nowhere.failure.startswith("no connection")
    odd = call(serve(lambda asked: Says(headers=(("Content-Encoding", "gzip"),), body=b"not gzip")).url, POST)
    assert odd.failure


def test_time_is_bounded_also_where_bytes_keep_dripping(serve: Serve) -> None:
    slow = Says(pieces=(b"x",) * 50, before=lambda i: time.sleep(0.05))
    began = time.monotonic()
    dripped = call(serve(lambda asked: slow).url, POST, timeout=0.3)
    assert "not complete within" in dripped.failure and time.monotonic() - began < 1.5
    mute = call(serve(lambda asked: time.sleep(1)).url, POST, timeout=0.2)
    assert mute.failure == "no answer within 0.2 s"


def test_an_answer_is_bounded(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageproof_conformance.wire.MAX_BODY", 2**20)
    bomb = gzip.compress(b"\0" * 2**24)
    found = call(serve(lambda asked: Says(body=bomb, headers=(("Content-Encoding", "gzip"),))).url, POST)
    assert "more than 1 MB" in found.failure and len(found.body) <= 2**20


def test_redirects_of_a_call_are_kept_not_followed(serve: Serve) -> None:
    other = serve(lambda asked: Says())
    target = serve(lambda asked: Says(307, headers=(("Location", other.url),)))
    assert call(target.url, POST).status == 307
    assert other.asked == []


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, target = serve(lambda asked: Says(502)), serve(lambda asked: Says())
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert call(target.url, POST).status == 200
    assert proxy.asked == []


def test_429_is_tried_again_only_when_told_when_and_never_for_an_empty_purse(serve: Serve) -> None:
    answers = iter([Says(429, headers=(("Retry-After", "0"),)), Says(200)])
    assert call(serve(lambda asked: next(answers)).url, POST).status == 200
    for says in (Says(429), Says(429, headers=(("Retry-After", "3600"),))):
        target = serve(lambda asked, says=says: says)  # type: ignore[misc]  # bound early
        assert call(target.url, POST).status == 429
        assert len(target.asked) == 1
    empty = Says(429, {"error": {"code": "insufficient_quota"}}, headers=(("Retry-After", "0"),))
    target = serve(lambda asked: empty)
    call(target.url, POST)
    assert len(target.asked) == 1
    always = serve(lambda asked: Says(429, headers=(("Retry-After", "0"),)))
    call(always.url, POST)
    assert len(always.asked) == 4


def test_what_was_said_before_a_call_was_served_is_kept(serve: Serve) -> None:
    answers = iter([Says(429, {"detail": "slow"}, headers=(("Retry-After", "0"),)), Says(500), Says(200)])
    found = call(serve(lambda asked: next(answers)).url, POST)
    assert (found.status, [one.status for one in found.earlier]) == (200, [429, 500])
    assert found.earlier[0].header("retry-after") == "0" and b"slow" in found.earlier[0].body


def test_links_are_looked_at_once_more_where_they_gave_a_picture(serve: Serve) -> None:
    gone: list[str] = []

    def handle(asked: Asked) -> Says:
        if asked.method == "POST":
            return answering((f"{target.url}/a.png",), (f"{target.url}/b.png",))
        return Says(404 if asked.path.endswith("b.png") or gone else 200, b"picture", "image/png")

    target = serve(handle)
    with Wire(Profile(target.url, "sk-x", timeout=5)) as wire:
        first = wire.send(Probe("p", "createImage", "m", POST, "served", (), worst=1))
        kept = wire.look_again(first)
        gone.append("all")
        lost = wire.look_again(first)
    assert [one.status for one in first.downloads] == [200, 404]
    assert [(one.url[-5:], one.status, one.body) for one in kept.later] == [("a.png", 200, b"")]
    assert [one.status for one in lost.later] == [404] and 0 <= kept.later_after <= lost.later_after < 5


def test_a_rate_is_kept_by_all_workers_together(serve: Serve) -> None:
    target = serve(lambda asked: Says())
    probe = Probe("p", "x", "m", Request("GET", "/x"), "either", ())
    began = time.monotonic()
    with Wire(Profile(target.url, rate=20, workers=4)) as wire:
        threads = [threading.Thread(target=wire.send, args=(probe,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert time.monotonic() - began > 0.23
    assert len(target.asked) == 6


def answering(*urls: Any) -> Says:
    return Says(body={"created": 1, "data": [url if isinstance(url, str) else {"url": url[0]} for url in urls]})


def test_pictures_are_fetched_without_the_key(serve: Serve) -> None:
    def handle(asked: Asked) -> Says:
        if asked.method == "GET":
            return Says(body=b"\x89PNG", media_type="image/png; q=1")
        return answering((f"http://127.0.0.1:{port}/files/a.png?sig=abc",))

    target = serve(handle)
    port = int(target.url.split(":")[2].split("/")[0])
    (fetched,) = call(target.url, POST).downloads
    assert (fetched.status, fetched.media_type, fetched.body, fetched.failure) == (200, "image/png", b"\x89PNG", "")
    assert target.asked[1].path == "/files/a.png?sig=abc"
    assert "Authorization" not in target.asked[1].headers


def test_hosts_outside_are_not_fetched_for_a_target_on_this_machine(serve: Serve) -> None:
    found = call(
        serve(lambda asked: answering(("https://8.8.8.8/a.png",), ("/a.png",), ("file:///etc/passwd",))).url, POST
    )
    assert [one.failure.split(":")[0] for one in found.downloads] == ["not fetched"] * 3
    assert all(one.body == b"" for one in found.downloads)


def test_items_that_are_texts_are_no_urls_to_fetch(serve: Serve) -> None:
    assert call(serve(lambda asked: answering("https://8.8.8.8/a.png")).url, POST).downloads == ()


def test_redirects_of_a_picture_are_checked_and_bounded(serve: Serve) -> None:
    def moved(where: str) -> Says:
        return Says(302, headers=(("Location", where),))

    picture = serve(lambda asked: Says(body=b"ok", media_type="image/png"))
    steps = {"/a": picture.url + "/b", "/out": "http://8.8.8.8/", "/other": "https://127.0.0.1/x", "/loop": "/loop"}

    def handle(asked: Asked) -> Says:
        return moved(steps[asked.path]) if asked.method == "GET" else answering(*((here + path,) for path in steps))

    target = serve(handle)
    here = target.url.removesuffix("/v1")
    good, outside, scheme, loop = call(target.url, POST).downloads
    assert good.body == b"ok" and good.failure == ""
    assert "outside" in outside.failure
    assert "another scheme" in scheme.failure
    assert "redirects" in loop.failure
    assert [one.path for one in target.asked].count("/loop") == 4


def test_a_picture_is_bounded(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageproof_conformance.wire.MAX_PICTURE", 2**20)

    def handle(asked: Asked) -> Says:
        return Says(body=b"x" * 2**21) if asked.method == "GET" else answering((here + "/a",))

    target = serve(handle)
    here = target.url
    (fetched,) = call(target.url, POST).downloads
    assert "more than 1 MB" in fetched.failure
