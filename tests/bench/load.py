"""Many clients at once, every answer checked: `python tests/bench/load.py --clients 200 --seconds 60`.

Each client makes one call after the other, drawn from all operations. A picture tells which prompt it was made for and
which one of its answer it is, so that an answer that went to another caller is found. Exit status 1 where an answer was
lost, was wrong or had a status from 500, or where the server held more than MOST_MEMORY.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

import httpx2 as httpx
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.server import serving

MOST_MEMORY = 400  # MiB
SECONDS = 120  # for one answer
PACKET = re.compile(rb'<rdf:li xml:lang="x-default">(.*?)</rdf:li>.*?<imageproof:index>(\d+)<', re.DOTALL)
GENERATIONS, EDITS, VARIATIONS = "images/generations", "images/edits", "images/variations"


class Wrong(Exception):
    """An answer that is not the one to this request."""


class ServerError(Exception):
    """An answer with a status from 500."""


@dataclass
class Tally:
    """What came of all calls: how many were answered right, by name, and what was wrong with the others."""

    right: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.wrong or self.failed)

    def __str__(self) -> str:
        bad = {"lost": self.lost, "wrong": self.wrong, "5xx": self.failed}
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.right.items()))
        told = "".join(f"\n  {name}: {one}" for name, ones in bad.items() for one in ones[:5])
        return f"{self.right.total()} right ({counts}); " + ", ".join(f"{len(v)} {k}" for k, v in bad.items()) + told


@dataclass(frozen=True)
class Asking:
    """One call: who makes it, its own prompt, and its share of chance."""

    client: httpx.AsyncClient
    prompt: str
    chance: random.Random

    async def answer(self, path: str, status: int = 200, **sent: Any) -> Any:
        """The JSON of an answer, whose status must be this one."""
        answer = await self.client.request("POST" if sent else "GET", path, **sent)
        expect_status(answer, status)
        return answer.json()


def expect_status(answer: httpx.Response, status: int) -> None:
    if answer.status_code >= 500:
        raise ServerError(f"{answer.status_code} {answer.text[:200]}")
    if answer.status_code != status:
        raise Wrong(f"status {answer.status_code} in place of {status}: {answer.text[:200]}")


def expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise Wrong(f"{found!r} in place of {wanted!r}")


def check(file: bytes, prompt: str, index: int, size: str, file_format: str) -> None:
    """Raises Wrong for a picture of another prompt, number, size or format."""
    svg = file.startswith(b"<svg")
    picture = None if svg else Image.open(io.BytesIO(file))
    expect("svg" if picture is None else str(picture.format).lower(), file_format)
    found = PACKET.search(str(picture.info["comment"], "utf-8").encode() if file_format == "gif" and picture else file)
    if found is None:
        raise Wrong("no caption")
    expect((unescape(found[1].decode()), int(found[2])), (prompt, index))
    if picture is not None:
        expect("{}x{}".format(*picture.size), size)


def check_all(data: list[dict[str, str]], asking: Asking, n: int, size: str, file_format: str) -> None:
    expect(len(data), n)
    for index, one in enumerate(data):
        check(base64.b64decode(one["b64_json"]), asking.prompt, index, size, file_format)


@lru_cache
def sample(mode: str, color: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (1024, 1024), color).save(file, "PNG")
    return file.getvalue()


async def generation(asking: Asking) -> None:
    n, size = asking.chance.choice([1, 1, 1, 2]), asking.chance.choice(["1024x1024", "1536x1024", "1024x640"])
    file_format, background = asking.chance.choice(
        [("png", "opaque"), ("jpeg", "opaque"), ("webp", "opaque"), ("png", "transparent"), ("webp", "transparent")]
    )
    body = {"model": "gpt-image-2.5-flare", "prompt": asking.prompt, "n": n, "size": size, "background": background}
    found = await asking.answer(GENERATIONS, json={**body, "output_format": file_format})
    check_all(found["data"], asking, n, size, file_format)


async def animation(asking: Asking) -> None:
    body = {"model": "gpt-image-2.6-flare", "prompt": asking.prompt, "size": "1024x640", "output_format": "gif"}
    found = await asking.answer(GENERATIONS, json={**body, "frame_count": 3})
    check_all(found["data"], asking, 1, "1024x640", "gif")


async def drawing(asking: Asking) -> None:
    body = {"model": "gpt-image-2.6-sunburst", "prompt": asking.prompt, "output_format": "svg"}
    found = await asking.answer(GENERATIONS, json=body)
    check_all(found["data"], asking, 1, "", "svg")


async def link(asking: Asking) -> str:
    """The link to a picture, once it is fetched without the key and checked."""
    body = {"model": "dall-e-2", "prompt": asking.prompt, "size": "512x512", "n": 2}
    found = (await asking.answer(GENERATIONS, json=body))["data"]
    expect(len(found), 2)
    for index, one in enumerate(found):
        answer = await asking.client.get(one["url"], headers={"Authorization": ""})
        expect_status(answer, 200)
        check(answer.content, asking.prompt, index, "512x512", "png")
    return str(found[1]["url"])


async def linked(asking: Asking) -> None:
    await link(asking)


async def chained(asking: Asking) -> None:
    """An edit of a picture that this server made and hosts, in JSON."""
    own = {"image_url": await link(asking)}
    other = {"image_url": f"data:image/png;base64,{base64.b64encode(sample('RGB', 'red')).decode()}"}
    body = {"model": "gpt-image-1.5", "prompt": asking.prompt, "size": "1024x1024", "images": [own, other]}
    found = await asking.answer(EDITS, json=body)
    check_all(found["data"], asking, 1, "1024x1024", "png")


async def masked(asking: Asking) -> None:
    """An edit of a list with a mask, as a form."""
    n = asking.chance.choice([1, 2])
    files = [("image[]", ("a.png", sample("RGB", one), "image/png")) for one in ("red", "green", "blue")]
    files.append(("mask", ("m.png", sample("RGBA", (0, 0, 0, 0)), "image/png")))
    data = {"model": "gpt-image-2", "prompt": asking.prompt, "n": str(n), "size": "1024x1024", "output_format": "jpeg"}
    found = await asking.answer(EDITS, data=data, files=files)
    check_all(found["data"], asking, n, "1024x1024", "jpeg")
    expect(found["usage"]["input_tokens_details"]["image_tokens"], 3 * 1024)


async def variation(asking: Asking) -> None:
    size, n = asking.chance.choice(["256x256", "512x512"]), asking.chance.choice([1, 3])
    data = {"n": str(n), "size": size, "response_format": "b64_json"}
    found = await asking.answer(VARIATIONS, data=data, files={"image": ("a.png", sample("RGB", "red"))})
    expect(len(found["data"]), n)
    for index, one in enumerate(found["data"]):
        check(base64.b64decode(one["b64_json"]), "", index, size, "png")


async def stream(asking: Asking) -> None:
    body = {"model": "gpt-image-2", "prompt": asking.prompt, "size": "1024x640", "stream": True, "partial_images": 2}
    kinds = []
    async with asking.client.stream("POST", GENERATIONS, json=body) as answer:
        if answer.status_code != 200:
            await answer.aread()
            expect_status(answer, 200)
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                kinds.append(event["type"].rpartition(".")[2])
                check(base64.b64decode(event["b64_json"]), asking.prompt, 0, "1024x640", "png")
    expect(kinds, ["partial_image", "partial_image", "completed"])


async def models(asking: Asking) -> None:
    name = asking.chance.choice(["dall-e-2", "gpt-image-1", "gpt-image-2.6-flare"])
    expect((await asking.answer(f"models/{name}"))["id"], name)
    expect(name in [one["id"] for one in (await asking.answer("models"))["data"]], True)


async def refusal(asking: Asking) -> None:
    name = f"none-{asking.chance.randrange(10**9)}"
    found = await asking.answer(GENERATIONS, 404, json={"model": name, "prompt": asking.prompt})
    expect(name in found["error"]["message"], True)
    found = await asking.answer(GENERATIONS, 400, json={"model": "gpt-image-1", "prompt": asking.prompt, "n": 11})
    expect(found["error"]["param"], "n")
    answer = await asking.client.get("models", headers={"Authorization": f"Bearer {name}"})
    expect_status(answer, 401)


CALLS: dict[Callable[[Asking], Awaitable[None]], int] = {  # and how often each is made
    generation: 8,
    animation: 1,
    drawing: 2,
    linked: 2,
    chained: 1,
    masked: 2,
    variation: 2,
    stream: 2,
    models: 3,
    refusal: 3,
}


async def one_client(number: int, connect: Callable[[], httpx.AsyncClient], until: float, tally: Tally) -> None:
    """The calls of a client until the time is up; the last one is waited for. First calls are of all kinds in turn."""
    chance = random.Random(number)
    first = list(CALLS)[number % len(CALLS)]
    async with connect() as client:
        call = 0
        while time.monotonic() < until:
            call += 1
            asking = Asking(client, f"client {number}, call {call} <&> \U0001f9a6", chance)
            (kind,) = chance.choices(list(CALLS), list(CALLS.values())) if call > 1 else (first,)
            name = kind.__name__
            try:
                await kind(asking)
                tally.right[name] += 1
            except (httpx.TransportError, httpx.DecodingError) as error:
                tally.lost.append(f"{name}: {error!r}")
            except ServerError as error:
                tally.failed.append(f"{name}: {error}")
            except (Wrong, ValueError, LookupError) as error:
                tally.wrong.append(f"{name}: {error!r}")


async def load(url: str, headers: dict[str, str], clients: int, seconds: float) -> Tally:
    """What came of so many clients at once for so many seconds."""
    tally, until = Tally(), time.monotonic() + seconds
    connect = partial(httpx.AsyncClient, base_url=url, headers=headers, timeout=SECONDS)
    await asyncio.gather(*(one_client(number, connect, until, tally) for number in range(clients)))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    with serving() as server:
        before = server.memory()
        tally = asyncio.run(load(server.url, server.headers, asked.clients, asked.seconds))
        print(tally)
        print(f"memory: {before:.0f} MiB at first, {server.peak:.0f} MiB at most, {server.memory():.0f} MiB at the end")
        print(f"CPU time of the server: {server.cpu_seconds():.1f} s")
        logged = server.log.read_text()
        print(f"log: {logged[:2000]!r}")
        return 0 if tally.clean and server.peak < MOST_MEMORY and not logged else 1


if __name__ == "__main__":
    sys.exit(main())
