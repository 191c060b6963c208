"""A thousand answers that something has gone wrong with: no exception outside the client's own tree."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import imageproof_client as api
from clients.pictures import PNG
from imageproof_client import Client

ENCODED = base64.b64encode(PNG + bytes(20_000)).decode()
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_tokens_details": {"text_tokens": 1}}
WHOLE: dict[str, Any] = {
    "created": 1,
    "data": [{"b64_json": ENCODED}, {"url": "data:image/png;base64,AAAA", "revised_prompt": "é"}],
    "usage": USAGE,
    "size": "1024x1024",
}
EVENTS = [
    {"type": "image_generation.partial_image", "b64_json": ENCODED, "partial_image_index": 0},
    {"type": "image_generation.completed", "b64_json": ENCODED, "usage": USAGE},
]
ODD: list[Any] = [
    None,
    True,
    -1,
    1e300,
    "",
    "x",
    "\ud800",
    [],
    {},
    [[]],
    {"error": 1},
    {"message": []},
    10**40,
    "data:,x",
]


def spoilt(value: Any, dice: random.Random) -> Any:
    """A value with one place changed: another value, one missing, one more."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        name = dice.choice(list(value))
        kind = dice.randrange(4)
        if kind == 0:
            return {key: one for key, one in value.items() if key != name}
        if kind == 1:
            return {**value, dice.choice(["error", "detail", "type", "extra", "self", "code"]): dice.choice(ODD)}
        return {**value, name: spoilt(value[name], dice)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        at = dice.randrange(len(value))
        return [*value[:at], spoilt(value[at], dice), *value[at + dice.randrange(2) :]]
    return dice.choice(ODD)


def mangled(data: bytes, dice: random.Random) -> bytes:
    """Bytes with one place changed."""
    at = dice.randrange(len(data) + 1)
    kind = dice.randrange(3)
    if kind == 0:
        return data[:at]
    return data[:at] + dice.randbytes(dice.randrange(1, 4)) + data[at + dice.randrange(3) :]


def answers(dice: random.Random, count: int, stream: bool) -> Iterator[httpx2.Response]:
    for _ in range(count):
        events = spoilt(EVENTS, dice) if dice.random() < 0.7 else EVENTS
        values = events if isinstance(events, list) else [events]
        lines = [f"data: {json.dumps(one)}\n\n" for one in values]
        body = "".join(lines).encode() if stream else json.dumps(spoilt(WHOLE, dice)).encode()
        body = mangled(body, dice) if dice.random() < 0.4 else body
        kind = "text/event-stream" if stream and dice.random() < 0.95 else "application/json"
        status = dice.choice([200] * 9 + [400, 418, 422, 500])
        yield httpx2.Response(status, content=body, headers={"content-type": kind})


def look(answer: Any) -> None:
    for image in answer.data:
        image.to_bytes()
        repr(image), image.size, image.format, image.data_url(), image.b64_json
    repr(answer), answer.to_dict(), answer.usage, answer.created


def test_answers() -> None:
    found = list(answers(random.Random(7), 1_000, False))
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: found.pop()))
    client = Client("sk-secret-key", base_url="http://127.0.0.1:9", http_client=http, max_retries=0)
    good = 0
    while found:
        with suppress(api.APIError):
            look(client.images.generate(prompt="x"))
            good += 1
    assert 50 < good < 950


def test_streams() -> None:
    found = list(answers(random.Random(8), 1_000, True))
    http = httpx2.Client(transport=httpx2.MockTransport(lambda _: found.pop()))
    client = Client("sk-secret-key", base_url="http://127.0.0.1:9", http_client=http, max_retries=0)
    good = 0
    while found:
        with suppress(api.APIError), client.images.generate(prompt="x", stream=True) as events:
            for event in events:
                repr(event)
            good += 1
    assert 50 < good < 950
