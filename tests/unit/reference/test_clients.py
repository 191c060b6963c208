"""What other clients than the installed SDK put on the wire, byte by byte, as each was seen to send it."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from unit.reference.raw_http import IMAGE, MASK, call, file, form, pieces

KEY = b"Authorization: Bearer sk-test-provider\r\n"


def exchange(url: str, path: str, head: str, content: bytes, chunk: int = 0) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a request sent as these bytes: with a length, or in chunks of so many bytes."""
    body = pieces(content, chunk) if chunk else [content]
    answer = call(url, f"POST /v1/{path} HTTP/1.1", head + KEY.decode(), *body)
    return int(answer.split()[1]), json.loads(answer.partition(b"\r\n\r\n")[2])


NODE = "openai-0.8372615"
UNDICI = "----formdata-undici-012345678901"
AXIOS = "-" * 26 + "0123456789abcdef01234567"
REQUESTS = "0123456789abcdef0123456789abcdef"

# client -> (head, chunk, boundary, parts)
EDITS: dict[str, tuple[str, int, str, tuple[tuple[str, bytes | str], ...]]] = {
    "openai-node, a read stream written first": (
        "User-Agent: OpenAI/JS 7.55.0\r\nAccept-Language: *\r\nSec-Fetch-Mode: cors\r\n",
        16384,
        NODE,
        (
            (file("image", "otter ü%22.png", "application/octet-stream"), IMAGE),
            ('name="model"', "gpt-image-1"),
            ('name="prompt"', "Schnee ❄"),
            ('name="partial_images"', "0"),
            ('name="stream"', "false"),
        ),
    ),
    "openai-node, a list and an object": (
        "User-Agent: OpenAI/JS 7.55.0\r\n",
        100,
        NODE,
        (
            ('name="model"', "gpt-image-2.6-flare"),
            ('name="prompt"', "x"),
            ('name="svg[model]"', "gpt-5"),
            ('name="svg[reasoning][effort]"', "low"),
            ('name="output_format"', "svg"),
            (file("image[]", "unknown_file", "application/octet-stream"), IMAGE),
            (file("image[]", "blob", "application/octet-stream"), IMAGE),
        ),
    ),
    "AI SDK": (
        "User-Agent: ai/7.0.173 ai-sdk-provider-utils/5.0\r\nAccept: */*\r\n",
        0,
        UNDICI,
        (
            ('name="model"', "gpt-image-1"),
            ('name="prompt"', "x"),
            (file("image[]", "blob", "image/png"), IMAGE),
            (file("image[]", "blob", "image/png"), IMAGE),
            (file("mask", "blob", "image/png"), MASK),
            ('name="n"', "2"),
        ),
    ),
    "npm openai 3": (
        "User-Agent: OpenAI/NodeJS/3.3.0\r\n",
        65536,
        AXIOS,
        (
            (file("image", "a.png", "image/png"), IMAGE),
            (file("mask", "m.png", "image/png"), MASK),
            ('name="prompt"', "x"),
            ('name="n"', "1"),
            ('name="size"', "256x256"),
            ('name="response_format"', "url"),
            ('name="user"', "u"),
        ),
    ),
    "openai-python 0.28": (
        "User-Agent: OpenAI/v1 PythonBindings/0.28.1\r\nAccept: */*\r\n",
        0,
        REQUESTS,
        (
            ('name="prompt"', "x"),
            ('name="n"', "2"),
            ('name="size"', "512x512"),
            (file("image", "image", "application/octet-stream"), IMAGE),
            (file("mask", "mask", "application/octet-stream"), MASK),
        ),
    ),
}


@pytest.mark.parametrize(("head", "chunk", "boundary", "parts"), EDITS.values(), ids=EDITS.keys())
def test_edits_as_clients_send_them(
    url: str, head: str, chunk: int, boundary: str, parts: tuple[tuple[str, bytes | str], ...]
) -> None:
    head += f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
    status, body = exchange(url, "images/edits", head, form(boundary, *parts), chunk)
    assert status == 200, body
    assert len(body["data"]) == next((int(str(data)) for name, data in parts if name == 'name="n"'), 1)


def test_a_variation_of_an_image_part_alone(url: str) -> None:
    content = form(REQUESTS, (file("image", "image.png", "image/png"), IMAGE))
    head = f'Content-Type: multipart/form-data; boundary="{REQUESTS}"\r\nUser-Agent: litellm/1.106.2\r\n'
    status, body = exchange(url, "images/variations", head, content)
    assert status == 200 and set(body["data"][0]) == {"url"}


# Bodies that name no model, and the carriers that their senders look for.
NAMELESS: dict[str, tuple[dict[str, Any], str]] = {
    "openai 0.28": ({"prompt": "x", "n": 2, "size": "256x256"}, "url"),
    "npm openai 3": ({"prompt": "x", "size": "512x512", "response_format": "b64_json"}, "b64_json"),
    "a link": ({"prompt": "x", "response_format": "url"}, "url"),
    "hd": ({"prompt": "x", "quality": "hd"}, "url"),
    "a current parameter": ({"prompt": "x", "output_format": "webp"}, "b64_json"),
    "an animation": ({"prompt": "x", "output_format": "gif"}, "b64_json"),
}


@pytest.mark.parametrize(("body", "carrier"), NAMELESS.values(), ids=NAMELESS.keys())
def test_without_a_model_one_is_found_that_takes_the_request(
    client: httpx.Client, body: dict[str, Any], carrier: str
) -> None:
    answer = client.post("images/generations", json=body)
    assert answer.status_code == 200, answer.text
    assert carrier in answer.json()["data"][0]


def test_what_no_model_takes_is_refused_as_the_first_current_one_would(client: httpx.Client) -> None:
    for extra, param in (({"n": 11}, "n"), ({"size": "17x17"}, "size"), ({"prompt": "x" * 32001}, "prompt")):
        answer = client.post("images/generations", json={"prompt": "x", **extra})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_requests_sent_before_the_answers_are_answered_in_order(url: str) -> None:
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    names = ("dall-e-2", "no-such", "gpt-image-2")
    with socket.create_connection((host, port), timeout=60) as raw:
        raw.sendall(
            b"".join(f"GET /v1/models/{name} HTTP/1.1\r\nHost: x\r\n".encode() + KEY + b"\r\n" for name in names)
        )
        received = b""
        while received.count(b"HTTP/1.1") < 3 or not received.endswith(b"}"):
            received += raw.recv(65536)
    places = [received.index(b"200 OK"), received.index(b"404"), received.rindex(b"200 OK")]
    assert places == sorted(places)


def test_http_1_0(url: str) -> None:
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    with socket.create_connection((host, port), timeout=60) as raw:
        raw.sendall(b"GET /v1/models/dall-e-2 HTTP/1.0\r\n" + KEY + b"\r\n")
        received = b"".join(iter(lambda: raw.recv(65536), b""))
    assert b" 200 OK" in received and received.endswith(b'"owned_by":"imageproof"}')
