"""What `imageproof serve` can be told beside the contract: how long links work, filters, limits, hosts."""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from click.testing import CliRunner
from PIL import Image

from imageproof.cli.serve import serve
from imageproof.contract.document import load
from imageproof.errors import UsageError
from imageproof_reference import remote
from imageproof_reference.config import Config
from imageproof_reference.moderation import read_filter
from imageproof_reference.refusal import Refusal
from imageproof_reference.remote import allowed_host, fetch
from imageproof_reference.serving import running

GOOD = {"model": "gpt-image-1", "prompt": "a fox"}


@contextmanager
def served(**settings: Any) -> Iterator[httpx.Client]:
    key = {"Authorization": "Bearer k"}
    with running(Config(key="k", **settings)) as url, httpx.Client(base_url=url, headers=key, timeout=60) as client:
        yield client


def generate(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("images/generations", json={**GOOD, **body})


def test_links_end_when_they_are_told_to() -> None:
    with served(url_seconds=0.5) as client:
        link = generate(client, model="dall-e-2").json()["data"][0]["url"]
        assert httpx.get(link).status_code == 200
        assert re.search(r"/files/[\w-]{32}\.png\?expires=[0-9]{10}&signature=[0-9a-f]{64}$", link)
        time.sleep(0.6)
        assert httpx.get(link).status_code == 404


def test_links_beyond_the_room_end_early_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    with served(max_hosted=1) as client:
        first, second, third = (generate(client, model="dall-e-2").json()["data"][0]["url"] for _ in range(3))
        assert [httpx.get(link).status_code for link in (first, second, third)] == [404, 404, 200]
        assert "dropped early" in httpx.get(first).json()["error"]["message"]
        unknown = httpx.get(third.replace("/files/", "/files/x")).json()["error"]["message"]
        assert "expired" in unknown and "early" not in unknown
    assert [record.message for record in caplog.records if "--hosted-mb" in record.message] == caplog.messages != []
    assert len(caplog.messages) == 1


def test_a_link_is_of_no_use_once_anything_in_it_is_changed() -> None:
    with served() as client:
        link = generate(client, model="dall-e-2").json()["data"][0]["url"]
        start, _, name = link.rpartition("/")
        for damaged in (
            name[1:],
            name.swapcase(),
            name[:-4],
            f"{name}0",
            f"x{name}",
            name.partition("?")[0],
            name.replace("expires=1", "expires=2"),
            name.replace("expires=1", "expires="),
            name.replace("expires=", "expires=%C2%B2"),
            name.replace("&", "&expires=9999999999&"),
            re.sub("signature=.", "signature=x", name),
            f"{name}%00",
            f"%2e/{name}",
            "",
        ):
            assert httpx.get(f"{start}/{damaged}").status_code == 404, damaged
        assert httpx.get(link).status_code == 200


def test_a_hosted_picture_is_a_file_by_its_name() -> None:
    with served() as client:
        link = generate(client, model="dall-e-2").json()["data"][0]["url"]
        body = {
            "model": "gpt-image-1",
            "prompt": "x",
            "images": [{"file_id": link.rpartition("/")[2].partition("?")[0]}],
        }
        answer = client.post("images/edits", json=body)
        assert answer.status_code == 200 and answer.json()["usage"]["input_tokens_details"]["image_tokens"] == 32 * 32


FILTER = """
# what is not to be drawn
a plain word
[violence]
blud
[sexual]
nude
blood moon
"""


def test_moderation(tmp_path: Path) -> None:
    (tmp_path / "banned").write_text(FILTER, encoding="utf-8")
    with served(moderation=read_filter(str(tmp_path / "banned"))) as client:
        for prompt, categories in (
            ("A Plain Word here", []),
            ("a BLUD", ["violence"]),
            ("Blood moon and blud", ["violence", "sexual"]),
        ):
            answer = generate(client, prompt=prompt)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "moderation_blocked")
            assert error["type"] == "image_generation_user_error" and error["param"] is None
            assert error["moderation_details"] == {"moderation_stage": "input", "categories": categories}
        assert generate(client, prompt="bloody").status_code == 200
        picture = io.BytesIO()
        Image.new("RGB", (64, 64)).save(picture, "PNG")
        form = {"model": "gpt-image-1", "prompt": "nude"}
        answer = client.post("images/edits", data=form, files={"image": ("a.png", picture.getvalue())})
        assert answer.json()["error"]["code"] == "moderation_blocked"
        assert generate(client, prompt="nude", size="1x1").json()["error"]["code"] == "invalid_size"  # that comes first


def test_rate_limits() -> None:
    limit, remaining, reset = (f"x-ratelimit-{name}-requests" for name in ("limit", "remaining", "reset"))
    with served(requests_per_minute=3) as client:
        answers = [generate(client), generate(client, size="1x1"), client.get("models"), generate(client)]
        assert [answer.status_code for answer in answers] == [200, 400, 200, 429]
        assert [answer.headers[limit] for answer in answers] == ["3"] * 4
        assert [answer.headers[remaining] for answer in answers] == ["2", "1", "0", "0"]
        assert all(re.fullmatch(r"1m0s|\d\ds", answer.headers[reset]) for answer in answers)
        last = answers[-1]
        assert 0 < int(last.headers["retry-after"]) <= 60
        assert int(last.headers["retry-after-ms"]) <= 1000 * int(last.headers["retry-after"])
        error = last.json()["error"]
        assert (error["type"], error["code"]) == ("rate_limit_error", "slow_down")
        wrong = client.get("models", headers={"Authorization": "Bearer wrong"})
        assert (wrong.status_code, wrong.headers[remaining]) == (401, "0")
        documented = load().data["components"]["responses"]["TooManyRequests"]["headers"]
        assert {"Retry-After", "retry-after-ms", limit, remaining, reset} <= set(documented)
        exposed = last.headers["access-control-expose-headers"]
        assert limit in exposed and "retry-after-ms" in exposed
    with served() as client:
        assert limit not in client.get("models").headers


def test_the_limit_starts_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageproof_reference.limits.WINDOW", 0.5)
    with served(requests_per_minute=1) as client:
        statuses = [client.get("models").status_code for _ in range(2)]
        time.sleep(0.6)
        assert [*statuses, client.get("models").status_code] == [200, 429, 200]


PNG = io.BytesIO()
Image.effect_noise((200, 200), 50).convert("RGB").save(PNG, "PNG")
Answer = Callable[[BaseHTTPRequestHandler], None]


def send(status: int, body: bytes = b"", **headers: str) -> Answer:
    def sent(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return sent


def trickle(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(200):
        handler.wfile.write(b"X")
        time.sleep(0.05)


PAGES: dict[str, Answer] = {
    "/a.png": send(200, PNG.getvalue()),
    "/a%20b.png?c=d%26": send(200, PNG.getvalue()),
    "/closed.png": send(200, PNG.getvalue(), connection="close"),
    "/moved": send(302, location="/a.png"),
    "/round": send(302, location="/round"),
    "/away": send(302, location="http://127.0.0.2:9/a.png"),
    "/metadata": send(302, location="http://169.254.169.254/latest"),
    "/gone": send(404, b"gone"),
    "/page": send(200, b"<html>"),
    "/short": send(200, PNG.getvalue()[:-9], content_length=str(len(PNG.getvalue()))),
    "/large": send(200, bytes(3_000_000)),
    "/endless": send(200, bytes(3_000_000), content_length=str(10**12)),
    "/trickle": trickle,
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        PAGES[self.path](self)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """`127.0.0.1:PORT` of a server of pictures and of trouble."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def client(pages: str) -> Iterator[httpx.Client]:
    """A provider that may load from `pages`."""
    with served(hosts=(allowed_host(pages),)) as opened:
        yield opened


def edit(client: httpx.Client, url: str) -> httpx.Response:
    body = json.dumps({**GOOD, "images": [{"image_url": url}]})  # a lone surrogate travels escaped
    return client.post("images/edits", content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("path", ["/a.png", "/a%20b.png?c=d%26", "/closed.png", "/moved"])
def test_pictures_of_an_allowed_host_are_loaded(client: httpx.Client, pages: str, path: str) -> None:
    answer = edit(client, f"http://{pages}{path}")
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(base64.b64decode(answer.json()["data"][0]["b64_json"])))
    assert picture.size == (1024, 1024)


def test_a_mask_is_loaded_too(client: httpx.Client, pages: str) -> None:
    body = {**GOOD, "images": [{"image_url": f"http://{pages}/a.png"}], "mask": {"image_url": f"http://{pages}/gone"}}
    error = client.post("images/edits", json=body).json()["error"]
    assert (error["param"], "status 404" in error["message"]) == ("mask", True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://HOST/round", "redirected too often"),
        ("http://HOST/away", "a host that this server loads nothing from"),
        ("http://HOST/metadata", "a host that this server loads nothing from"),
        ("http://HOST/gone", "status 404"),
        ("http://HOST/short", "did not answer as it should"),
        ("http://localhost:1/a.png", "loads nothing from"),
        ("http://127.0.0.1/a.png", "loads nothing from"),
        ("http://127.0.0.1:99999/a.png", "loads nothing from"),
        ("http://user@HOST/a.png", "loads nothing from"),
        ("https://HOST/a.png", "did not answer as it should"),
        ("ftp://HOST/a.png", "neither a data URL"),
        ("file:///etc/passwd", "neither a data URL"),
        ("http://[", "loads nothing from"),
        ("http://HOST/\ud800", "loads nothing from"),
    ],
)
def test_nothing_else_is_loaded(client: httpx.Client, pages: str, url: str, said: str) -> None:
    answer = edit(client, url.replace("HOST", pages))
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, "images", "invalid_image_url")
    assert said in error["message"]


def test_what_is_loaded_is_judged_like_an_upload(client: httpx.Client, pages: str) -> None:
    assert edit(client, f"http://{pages}/page").json()["error"]["code"] == "invalid_image_file"


@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_bytes_are_bounded(client: httpx.Client, pages: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_BYTES", 2_000_000)
    assert "more than 2000000 bytes" in edit(client, f"http://{pages}{path}").json()["error"]["message"]


def test_time_is_bounded_however_slowly_it_comes(pages: str) -> None:
    began = time.monotonic()
    with pytest.raises(Refusal, match="it took too long"):
        fetch(f"http://{pages}/trickle", [allowed_host(pages)], "images", began + 0.4)
    assert time.monotonic() - began < 2


def test_a_public_name_does_not_lead_to_a_private_address(pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = pages.rpartition(":")[2]
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *rest, **more: real("127.0.0.1", *rest, **more))

    def loaded(host: str) -> bytes:
        with fetch(
            f"http://{host}:{port}/a.png", [allowed_host(f"{host}:{port}")], "images", time.monotonic() + 5
        ) as got:
            return got.read()

    with pytest.raises(Refusal, match="did not answer"):
        loaded("pictures.test")
    assert loaded("localhost") == PNG.getvalue()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:4700::1111", True), ("10.0.0.1", False), ("169.254.169.254", False),
        ("127.0.0.1", False), ("::1", False), ("::ffff:10.0.0.1", False), ("fe80::1", False), ("224.0.0.1", False),
        ("100.64.0.1", False), ("0.0.0.0", False), ("fc00::1", False), ("2002:7f00:1::", False),
        ("64:ff9b::a9fe:a9fe", False), ("64:ff9b:1::a00:1", False), ("::7f00:1", False), ("::ffff:0:7f00:1", False),
        ("fec0::1", False), ("192.0.0.8", False), ("2001::1", False), ("2a00:1450:4001::1", True),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert remote._is_public(address) is public


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--allow-host", "http://a/b"], "type a host such as"),
        (["--allow-host", "*.example.com"], "type a host such as"),
        (["--allow-host", ""], "type a host such as"),
        (["--allow-host", "a:b"], "type a host such as"),
        (["--moderation", "no-such-file"], "no-such-file: cannot be read: No such file"),
        (["--moderation", "bytes"], "bytes: cannot be read: it is not UTF-8"),
        (["--url-seconds", "nan"], "--url-seconds nan"),
        (["--renderer", "nothing"], "type module:function"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bytes").write_bytes(b"fine\n\xff\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(serve, options)
    assert isinstance(result.exception, UsageError), result.output
    assert said in str(result.exception) and "\n" not in str(result.exception)
