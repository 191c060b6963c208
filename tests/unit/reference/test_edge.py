"""What holds for every request: keys, ids, CORS, and errors as JSON whatever is sent."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from imageproof_reference import edge, serving
from imageproof_reference.config import Config
from imageproof_reference.serving import running

PATH = "images/generations"
GOOD = {"model": "gpt-image-1", "prompt": "a fox"}


def error(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    found: dict[str, Any] = answer.json()["error"]
    assert set(found) == {"type", "message", "param", "code"}
    assert found["type"] and found["message"] and "Traceback" not in answer.text
    return found


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Bearer sk-test-provider2", "Basic sk-test-provider", "Bearer ü"]
)
@pytest.mark.parametrize("content", [json.dumps(GOOD).encode(), b"not json", b""])
def test_without_the_key_nothing_is_served_nor_judged(
    stranger: httpx.Client, header: str | None, content: bytes
) -> None:
    headers = {} if header is None else {b"Authorization": header.encode()}
    for path in (PATH, "images/edits", "images/variations"):
        assert error(stranger.post(path, content=content, headers=headers), 401)["code"] == "invalid_api_key"
    assert error(stranger.get("models", headers=headers), 401)
    assert error(stranger.get("no-such-path", headers=headers), 401)


def test_the_scheme_is_read_in_any_case(url: str) -> None:
    assert httpx.get(f"{url}/models", headers={"Authorization": "bearer sk-test-provider"}).status_code == 200


def test_a_large_body_without_the_key_still_gets_its_answer(url: str) -> None:
    form = {"file": ("image", bytes(20_000_000), "image/png")}
    assert error(httpx.post(f"{url}/images/edits", files=form, timeout=60), 401)


NOT_JSON = {
    "empty": b"",
    "cut short": b'{"prompt": "a',
    "text": b"prompt=a",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b'{"prompt": "\xff"}',
    "NaN": b'{"prompt": "a", "n": NaN}',
    "deep": b"[" * 100_000,
    "a huge number": b'{"n": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_a_json_object_is_refused(client: httpx.Client, content: bytes) -> None:
    error(client.post(PATH, content=content, headers={"Content-Type": "application/json"}), 400)


ODD: dict[str, Any] = {
    "surrogate": {**GOOD, "prompt": "\ud800", "size": "\udfff"},
    "huge float": {**GOOD, "n": 1e308},
    "nested": {**GOOD, "size": {"a": [[[]]]}},
    "model of a wrong type": {"model": ["gpt-image-1"], "prompt": "a"},
    "huge size": {**GOOD, "model": "gpt-image-2", "size": "100000x100000"},
    "long size": {**GOOD, "size": "9" * 100_000},
    "prompt of a wrong type": {**GOOD, "prompt": {"a": 1}},
    "deep value": {**GOOD, "n": json.loads("[" * 500 + "]" * 500)},
    "deep stranger": {**GOOD, "x_probe": json.loads('{"a":' * 500 + "1" + "}" * 500)},
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_odd_values_are_refused_and_harm_nothing(client: httpx.Client, body: dict[str, Any]) -> None:
    error(client.post(PATH, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}), 400)
    assert client.post(PATH, json=GOOD).status_code == 200


SURROGATES: dict[str, dict[str, Any]] = {
    "revised prompt": {"model": "dall-e-3", "prompt": "\ud800"},
    "identifier": {**GOOD, "safety_identifier": "\ud800"},
    "author": {"model": "gpt-image-2.6-flare", "prompt": "a", "output_format": "svg", "svg": {"model": "\ud800"}},
}


@pytest.mark.parametrize("body", SURROGATES.values(), ids=SURROGATES.keys())
def test_half_a_character_comes_back_as_it_was_sent(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post(PATH, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200 and "\\ud800" in answer.text


def test_a_missing_prompt_is_named(client: httpx.Client) -> None:
    found = error(client.post(PATH, json={"model": "gpt-image-1"}), 400)
    assert (found["param"], found["code"]) == ("prompt", "missing_required_parameter")


def test_a_parameter_of_another_family_is_unknown(client: httpx.Client) -> None:
    found = error(client.post(PATH, json={**GOOD, "response_format": "url"}), 400)
    assert (found["param"], found["code"]) == ("response_format", "unknown_parameter")
    found = error(client.post(PATH, json={**GOOD, "size": "17x17"}), 400)
    assert (found["param"], found["code"]) == ("size", "invalid_size")
    assert found["message"].startswith("size must be one of ")


def test_a_model_that_nobody_has(client: httpx.Client) -> None:
    for answer in (client.post(PATH, json={**GOOD, "model": "no-such"}), client.get("models/no-such/model")):
        assert error(answer, 404)["code"] == "model_not_found"


def test_models(client: httpx.Client) -> None:
    listed = client.get("models").json()
    names = [model["id"] for model in listed["data"]]
    assert listed["object"] == "list" and len(set(names)) == len(names) > 10
    for model in listed["data"]:
        assert (model["object"], type(model["created"])) == ("model", int)
        assert client.get(f"models/{model['id']}").json() == model


def test_other_paths_and_methods(client: httpx.Client) -> None:
    error(client.get("no-such-path"), 404)
    error(client.get(f"{PATH}/"), 404)
    assert error(client.get(PATH), 405)["code"] == "method_not_allowed" and client.get(PATH).headers["allow"] == "POST"
    error(client.request("DELETE", "models"), 405)
    error(httpx.get(str(client.base_url.join("/"))), 404)
    assert client.head("models").status_code == 200


def test_every_answer_has_an_id_of_its_own(client: httpx.Client) -> None:
    answers = [client.post(PATH, json=GOOD), client.post(PATH, json={}), client.get("x"), client.options(PATH)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(ids) and len(set(ids)) == len(ids)


def test_a_browser_may_call(url: str) -> None:
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,x-stainless-lang"
    answer = httpx.options(f"{url}/{PATH}", headers=asked)
    assert answer.status_code == 204 and "content-length" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "access-control-allow-private-network" not in answer.headers
    local = httpx.options(f"{url}/{PATH}", headers={**asked, "Access-Control-Request-Private-Network": "true"})
    assert local.headers["access-control-allow-private-network"] == "true"
    assert answer.headers["access-control-allow-headers"] == asked["Access-Control-Request-Headers"]
    assert httpx.post(f"{url}/{PATH}").headers["access-control-allow-origin"] == "*"


HOSTS = {
    "api.example": "http://api.example/files/",
    "api.example:8443": "http://api.example:8443/files/",
    "[::1]:99": "http://[::1]:99/files/",
    "[::1": None,
    "a/b?c#d": None,
    "user@elsewhere": None,
    "x:999999": None,
    "": None,
}


@pytest.mark.parametrize(("host", "expected"), HOSTS.items())
def test_links_name_the_host_that_was_called(client: httpx.Client, url: str, host: str, expected: str | None) -> None:
    body = {"model": "dall-e-2", "prompt": "a fox"}
    link = client.post(PATH, json=body, headers={"Host": host}).json()["data"][0]["url"]
    assert link.startswith(expected or url.removesuffix("v1") + "files/")
    proxied = client.post(PATH, json=body, headers={"Host": "api.example", "X-Forwarded-Proto": "https"})
    assert proxied.json()["data"][0]["url"].startswith("https://api.example/files/")


def test_links_are_fetched_without_a_key_and_expire() -> None:
    with running(Config(key="k", url_seconds=0.5)) as url:
        key = {"Authorization": "Bearer k"}
        body = {"model": "dall-e-2", "prompt": "a fox", "n": 2}
        first, second = httpx.post(f"{url}/{PATH}", json=body, headers=key).json()["data"]
        assert first["url"] != second["url"]
        assert urlsplit(first["url"]).netloc == urlsplit(url).netloc
        fetched = httpx.get(first["url"])
        assert (fetched.status_code, fetched.headers["content-type"]) == (200, "image/png")
        assert error(httpx.get(first["url"][:-6] + "zz.png"), 404)
        while (gone := httpx.get(first["url"])).status_code == 200:
            pass
        assert error(gone, 404)


def test_bodies_beyond_what_the_server_reads() -> None:
    with running(Config(key="k", max_json=1000, max_body=5000)) as url:
        key = {"Authorization": "Bearer k"}
        error(httpx.post(f"{url}/{PATH}", json={"prompt": "x" * 2000}, headers=key), 413)
        error(httpx.post(f"{url}/images/edits", files={"image": ("a", bytes(9000))}, headers=key), 413)
        assert httpx.get(f"{url}/models", headers=key).status_code == 200


def begun(url: str, head: str, body: bytes = b"") -> bytes:
    """The answer to a request of which no more is ever sent."""
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    with socket.create_connection((host, port), timeout=20) as raw:
        raw.sendall(f"POST /v1/{PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n".encode())
        raw.sendall(body)
        return b"".join(iter(lambda: raw.recv(65536), b""))


WAITING = "Content-Length: 5000\r\nExpect: 100-continue\r\n"


def test_who_asks_before_it_sends_is_refused_without_being_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "PAUSE_SECONDS", 600)
    with running(Config(key="k", max_json=1000)) as url:
        assert begun(url, WAITING).startswith(b"HTTP/1.1 401 ")
        assert begun(url, f"Authorization: Bearer k\r\n{WAITING}").startswith(b"HTTP/1.1 413 ")


def test_a_body_that_stops_coming_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "PAUSE_SECONDS", 0.05)
    with running(Config(key="k", body_seconds=0.3)) as url:
        answer = begun(url, "Authorization: Bearer k\r\nContent-Length: 50\r\n", b'{"prompt')
        assert answer.startswith(b"HTTP/1.1 408 ") and b"connection: close" in answer.lower()
        assert begun(url, "Content-Length: 50\r\n", b'{"prompt').startswith(b"HTTP/1.1 401 ")


def test_a_caller_who_hangs_up_harms_nothing(url: str, client: httpx.Client) -> None:
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    head = b"POST /v1/images/edits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-test-provider\r\n"
    for rest in (
        b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999\r\n\r\n--b\r\n",
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"garbage",
    ):
        with socket.create_connection((host, port)) as raw:
            raw.sendall(head + rest)
    assert client.post(PATH, json=GOOD).status_code == 200


def test_a_failure_of_the_server_shows_nothing_of_it(monkeypatch: pytest.MonkeyPatch, client: httpx.Client) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("imageproof_reference.studio.make", broken)
    answer = client.post(PATH, json=GOOD)
    assert error(answer, 500)["type"] == "server_error"
    assert "secret" not in answer.text and answer.headers["x-request-id"]
    stream = client.post(PATH, json={**GOOD, "stream": True})
    assert "secret" not in stream.text and "completed" not in stream.text and '"error"' in stream.text


@pytest.mark.parametrize("begun", [b"", b"GET /v1/models HTTP/1.1\r\nX: "], ids=["nothing", "half a head"])
def test_a_head_that_does_not_come_ends_the_connection(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.3)
    with running(Config(key="k")) as url:
        host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
        whole = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n"
        for before in (b"", whole):
            with socket.create_connection((host, port), timeout=20) as slow:
                slow.sendall(before + begun)
                received = b"".join(iter(lambda: slow.recv(65536), b""))  # until the server ends it
                assert received.count(b"200 OK") == before.count(b"GET")


def test_a_body_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.1)
    body = b'{"model":"gpt-image-1","prompt":"x"}'
    with running(Config(key="k")) as url:
        host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
        head = "POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, port), timeout=20) as slow:
            slow.sendall(head.encode() + body[:10])
            time.sleep(0.4)
            slow.sendall(body[10:])
            assert b"200 OK" in slow.recv(65536)
