"""What servers answer, row by row, and what becomes of it: at least what the best of eight other clients makes."""

from __future__ import annotations

import base64
import json
from typing import Any

import imageproof_client as api
import pytest
from clients.loopback import Answer, Loopback, frames
from clients.pictures import PNG
from imageproof_client import Client

ENCODED = base64.b64encode(PNG).decode()
ITEM: dict[str, Any] = {"b64_json": ENCODED}
DONE: dict[str, Any] = {"type": "image_generation.completed", "b64_json": ENCODED}


def ok(**told: Any) -> Answer:
    return Answer(body=json.dumps({"created": 1, "data": [ITEM], **told}).encode())


def without_created() -> Answer:
    return Answer(body=json.dumps({"data": [ITEM]}).encode())


SURVIVED: dict[str, Answer] = {
    "b64_json only": ok(),
    "created missing": without_created(),
    "created as text": ok(created="1"),
    "explicit nulls": ok(data=[{**ITEM, "url": None, "revised_prompt": None}], usage=None, size=None),
    "unknown fields": ok(seed=7, data=[{**ITEM, "id": "i"}]),
    "unknown values": ok(size="7x7", quality="best", output_format="avif"),
    "base64 as a data URL": ok(data=[{"b64_json": f"data:image/png;base64,{ENCODED}"}]),
    "JSON as text/plain": Answer(body=ok().body, type="text/plain"),
    "JSON with a byte order mark": Answer(body=b"\xef\xbb\xbf" + ok().body),
    "chunked JSON": Answer(chunks=[bytes([one]) for one in ok().body]),
    "padding before the JSON": Answer(body=b"   \n\n" + ok().body),
    "usage in the shape of chat": ok(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
}


@pytest.mark.parametrize("row", SURVIVED)
def test_survived(client: Client, server: Loopback, row: str) -> None:
    server.answer(SURVIVED[row])
    assert client.images.generate(prompt="x").data[0].to_bytes() == PNG


def test_url_only(client: Client, server: Loopback) -> None:
    server.answer(ok(data=[{"url": f"{server.origin}/a.png"}]), Answer(body=PNG, type="image/png"))
    assert client.images.generate(prompt="x").data[0].to_bytes() == PNG


NAMED: dict[str, tuple[Answer, type[api.APIError], str]] = {
    "data missing": (Answer(body=b'{"created": 1}'), api.APIResponseValidationError, "holds no file"),
    "data empty": (ok(data=[]), api.APIResponseValidationError, "holds no file"),
    "an item without a payload": (ok(data=[{}]), api.APIResponseValidationError, "holds no file"),
    "not base64": (ok(data=[{"b64_json": "!"}]), api.APIResponseValidationError, "not base64"),
    "events although not asked": (
        Answer(body=b"data: {}\n\n", type="text/event-stream"),
        api.APIResponseValidationError,
        "got a stream of events",
    ),
    "an envelope": (
        Answer(400, b'{"error": {"message": "bad size", "type": "t", "param": "size", "code": "invalid_size"}}'),
        api.InvalidParameterError,
        "bad size",
    ),
    "an error that is a text": (Answer(400, b'{"error": "bad size"}'), api.BadRequestError, "bad size"),
    "an error that is a text, with its code beside it": (
        Answer(400, b'{"error": "bad size", "code": "c"}'),
        api.BadRequestError,
        "bad size",
    ),
    "detail": (Answer(422, b'{"detail": [{"loc": ["size"]}]}'), api.UnprocessableEntityError, "size"),
    "HTML": (Answer(502, b"<html>Bad Gateway</html>", "text/html"), api.InternalServerError, "answered 502"),
    "nothing": (Answer(500, b""), api.InternalServerError, "answered 500"),
    "an error under 200": (Answer(body=b'{"error": {"message": "quota"}}'), api.APIResponseValidationError, "quota"),
    "HTML under 200": (Answer(body=b"<html>", type="text/html"), api.APIResponseValidationError, "not JSON"),
    "a body cut short": (Answer(body=ok().body[:40], cut=True), api.APIConnectionError, "broke off"),
    "JSON cut short": (Answer(body=ok().body[:40]), api.APIResponseValidationError, "not JSON"),
    "a job": (Answer(202, b'{"task_id": "t", "status": "queued"}'), api.APIResponseValidationError, "holds no file"),
}


@pytest.mark.parametrize("row", NAMED)
def test_named(client: Client, server: Loopback, row: str) -> None:
    answer, kind, said = NAMED[row]
    server.answer(answer)
    with pytest.raises(kind, match=said) as caught:
        client.with_options(max_retries=0).images.generate(prompt="x").data[0].to_bytes()
    found = caught.value
    if kind is not api.APIConnectionError and "neither" not in said and "base64" not in said:
        assert found.raw == answer.body.decode() and found.status_code == answer.status


STREAMS: dict[str, bytes] = {
    "no event line": f"data: {json.dumps(DONE)}\n\n".encode(),
    "CRLF": f"event: image_generation.completed\r\ndata: {json.dumps(DONE)}\r\n\r\n".encode(),
    "comments": b": ping\n\n" + b"".join(frames(DONE)) + b": ping\n\n",
    "[DONE]": b"".join(frames(DONE)) + b"data: [DONE]\n\n",
    "no last blank line": b"".join(frames(DONE)).rstrip(),
    "type only in the event line": f"event: {DONE['type']}\ndata: {json.dumps(ITEM)}\n\n".encode(),
}


@pytest.mark.parametrize("row", STREAMS)
def test_streams(client: Client, server: Loopback, row: str) -> None:
    server.answer(Answer(type="text/event-stream", body=STREAMS[row]))
    with client.images.generate(prompt="x", stream=True) as stream:
        assert stream.final_image().to_bytes() == PNG


BROKEN: dict[str, tuple[Answer, type[api.APIError], str]] = {
    "an error event": (
        Answer(type="text/event-stream", body=b'event: error\ndata: {"message": "boom", "code": "c", "type": "t"}\n\n'),
        api.APIError,
        "boom",
    ),
    "no completed event": (
        Answer(type="text/event-stream", body=b": ping\n\n"),
        api.APIResponseValidationError,
        "ended",
    ),
    "one answer to a stream": (ok(), api.APIResponseValidationError, "got a single answer"),
    "a refusal": (Answer(400, b'{"error": {"message": "no"}}'), api.BadRequestError, "no"),
    "an error under 200": (Answer(body=b'{"error": {"message": "no"}}'), api.APIResponseValidationError, "no"),
}


@pytest.mark.parametrize("row", BROKEN)
def test_broken_streams(client: Client, server: Loopback, row: str) -> None:
    answer, kind, said = BROKEN[row]
    server.answer(answer)
    with pytest.raises(kind, match=said):
        client.images.generate(prompt="x", stream=True).final_image()
