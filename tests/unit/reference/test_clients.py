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


STAINLESS = (
    "Accept: application/json\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 3.52.0\r\n"
    "X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.13.1\r\nX-Stainless-Async: async:asyncio\r\nX-Stainless-Retry-Count: 2\r\n"
    "X-Stainless-Read-Timeout: 600\r\nOpenAI-Organization: org-x\r\nOpenAI-Project: proj_x\r\n"
)
NODE_HEAD = "User-Agent: OpenAI/JS 7.55.0\r\nAccept-Language: *\r\nSec-Fetch-Mode: cors\r\nAccept: application/json\r\n"
AI_HEAD = "User-Agent: ai/7.0.173 ai-sdk-provider-utils/5.0 runtime/node.js/22\r\nAccept: */*\r\n"

# client -> (head, chunk, body as it is written, what each picture comes as, how many pictures)
GENERATIONS: dict[str, tuple[str, int, str, str, int]] = {
    "openai-python, raw UTF-8, compact, null where None was given": (
        f"User-Agent: OpenAI/Python 3.52.0\r\n{STAINLESS}",
        0,
        '{"model":"gpt-image-1","prompt":"Schnee ❄","n":2,"background":null,"output_format":null,"size":"auto"}',
        "b64_json",
        2,
    ),
    "openai-python, asynchronous": (
        f"User-Agent: AsyncOpenAI/Python 2.54.0\r\n{STAINLESS}",
        0,
        '{"model":"dall-e-2","prompt":"x","n":1,"response_format":"b64_json","size":"256x256"}',
        "b64_json",
        1,
    ),
    "openai-node, null kept, the caller's order of keys": (
        NODE_HEAD,
        0,
        '{"prompt":"x","n":null,"stream":false,"model":"gpt-image-1"}',
        "b64_json",
        1,
    ),
    "AI SDK, n and response_format for a model that it does not know": (
        AI_HEAD,
        0,
        '{"model":"dall-e-3","prompt":"x","n":1,"size":"1024x1024","response_format":"b64_json"}',
        "b64_json",
        1,
    ),
    "AI SDK, an image model of now": (AI_HEAD, 0, '{"model":"gpt-image-1","prompt":"x","n":1}', "b64_json", 1),
    "AI SDK compatible, options of a provider spread into the body": (
        AI_HEAD,
        0,
        '{"model":"gpt-image-2","prompt":"x","n":2,"seed":7,"guidance":{"scale":7.5},"loras":["a"]}',
        "b64_json",
        2,
    ),
    "openai-python 0.28, ASCII with spaces": (
        "User-Agent: OpenAI/v1 PythonBindings/0.28.1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
        'X-OpenAI-Client-User-Agent: {"bindings_version": "0.28.1", "lang": "python"}\r\n',
        0,
        '{"prompt": "Schnee \\u2744", "n": 2, "size": "256x256"}',
        "url",
        2,
    ),
    "npm openai 3": (
        "User-Agent: OpenAI/NodeJS/3.3.0\r\nAccept: application/json, text/plain, */*\r\n",
        0,
        '{"prompt":"x","n":1,"size":"512x512","user":"u"}',
        "url",
        1,
    ),
    "LangChain JS": (
        NODE_HEAD.replace("7.55.0", "6.49.0"),
        0,
        '{"model":"dall-e-3","prompt":"x","n":1,"size":"1024x1024","response_format":"url","style":"vivid",'
        '"quality":"standard"}',
        "url",
        1,
    ),
    "LiteLLM": (
        f"User-Agent: AsyncOpenAI/Python 2.54.0\r\n{STAINLESS}",
        0,
        '{"model":"gpt-image-1","prompt":"x"}',
        "b64_json",
        1,
    ),
    "in chunks": (NODE_HEAD, 7, '{"model":"gpt-image-1","prompt":"x"}', "b64_json", 1),
}


@pytest.mark.parametrize(("head", "chunk", "body", "carrier", "n"), GENERATIONS.values(), ids=GENERATIONS.keys())
def test_generations_as_clients_send_them(url: str, head: str, chunk: int, body: str, carrier: str, n: int) -> None:
    head += "Content-Type: application/json\r\n"
    status, found = exchange(url, "images/generations", head, body.encode(), chunk)
    assert status == 200, found
    assert [carrier in item for item in found["data"]] == [True] * n


def test_a_number_as_text_is_none_in_json_and_one_in_a_form(client: httpx.Client) -> None:
    answer = client.post("images/generations", json={"model": "gpt-image-1", "prompt": "x", "n": "2"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n")
    data = {"model": "gpt-image-1", "prompt": "x", "n": "2"}
    answer = client.post("images/edits", data=data, files={"image": ("a.png", IMAGE)})
    assert (answer.status_code, len(answer.json()["data"])) == (200, 2)


# How a caller gave the file -> the head of the part that the client makes of it.
FILE_PARTS = {
    "openai-python, an open file": file("image", "otter.png", "image/png"),
    "openai-python, bytes": file("image", "upload", "application/octet-stream"),
    "openai-python, a name beyond ASCII": file("image", "ötter ❄.png", "image/png"),
    "openai-python, a quote in the name": file("image", "a%22b.png", "image/png"),
    "openai-python, a list of one": file("image[]", "otter.png", "image/png"),
    "openai-node, a read stream": file("image", "otter.png", "application/octet-stream"),
    "openai-node, a Blob": file("image", "blob", "application/octet-stream"),
    "openai-node, toFile without a name": file("image", "unknown_file", "application/octet-stream"),
    "openai-node, a File with a type that it is not": file("image", "a.jpg", "image/jpeg"),
    "openai-node, a fetched answer": file("image", "path%20of%20it", "image/png"),
    "openai-node, a list of one": file("image[]", "otter.png", "application/octet-stream"),
    "AI SDK": file("image", "blob", "image/png"),
    "openai-python 0.28": file("image", "image", "application/octet-stream"),
    "LiteLLM": file("image[]", "image.png", "image/png"),
    "curl": file("image", "otter", "application/octet-stream"),
    "no type": 'name="image"; filename="otter.png"',
}
OTHERS: tuple[tuple[str, bytes | str], ...] = (('name="model"', "gpt-image-1"), ('name="prompt"', "x"))


@pytest.mark.parametrize("head", FILE_PARTS.values(), ids=FILE_PARTS.keys())
@pytest.mark.parametrize(("place", "chunk"), [(0, 50), (1, 0), (2, 50)], ids=["first", "between", "last"])
def test_file_parts_as_clients_make_them(url: str, head: str, place: int, chunk: int) -> None:
    parts = [*OTHERS[:place], (head, IMAGE), *OTHERS[place:]]
    kind = f"Content-Type: multipart/form-data; boundary={REQUESTS}\r\n"
    status, body = exchange(url, "images/edits", kind, form(REQUESTS, *parts), chunk)
    assert status == 200, body
    assert set(body["data"][0]) == {"b64_json"}


def test_lists_and_objects_of_extra_parameters_in_a_form(url: str) -> None:
    extras = (('name="arr[]"', "a"), ('name="arr[]"', "b"), ('name="o[k]"', "1"), ('name="o[deep][k]"', "true"))
    kind = f"Content-Type: multipart/form-data; boundary={REQUESTS}\r\n"
    content = form(REQUESTS, *OTHERS, *extras, (file("image[]", "upload", "application/octet-stream"), IMAGE))
    status, body = exchange(url, "images/edits", kind, content)
    assert status == 200, body


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/event-stream", "image/png", ""])
def test_a_stream_is_asked_for_by_the_body_alone(client: httpx.Client, accept: str) -> None:
    body = {"model": "gpt-image-1", "prompt": "x"}
    for stream, kind in ((True, "text/event-stream"), (False, "application/json")):
        answer = client.post("images/generations", json={**body, "stream": stream}, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)


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
