"""What large requests take of the provider's memory: `python tests/bench/large.py`.

Each case has a server of its own, and sends its requests all at the same time. Printed is the resident memory at most
and at the end, in MiB, beside what the requests unpack into, if all of them were in memory: 4 bytes a pixel.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2 as httpx
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.server import Server, serving

MIB = 1024 * 1024
RENDERER = ("--renderer", "bench.renderer:render")
FIELDS = {"model": "gpt-image-2", "prompt": "x", "size": "1024x1024"}


@dataclass(frozen=True)
class Case:
    """So many requests at once; `pixels` is what one of them brings along or asks for."""

    name: str
    requests: int
    pixels: int
    send: Callable[[Server], httpx.Response]
    options: Sequence[str] = ()


@cache
def noisy(edge: int) -> bytes:
    """A PNG file that cannot be packed: some 2 bytes a pixel."""
    file = io.BytesIO()
    Image.effect_noise((edge, edge), 100).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


@cache
def plain(edge: int) -> bytes:
    """A JPEG file that unpacks into far more than it has."""
    file = io.BytesIO()
    Image.new("RGB", (edge, edge), "red").save(file, "JPEG")
    return file.getvalue()


@cache
def referring(edge: int, count: int) -> bytes:
    link = f"data:image/png;base64,{base64.b64encode(noisy(edge)).decode()}"
    return json.dumps({**FIELDS, "images": [{"image_url": link}] * count}).encode()


def generate(body: Mapping[str, Any], server: Server) -> httpx.Response:
    sent = {**FIELDS, **body}
    return httpx.post(f"{server.url}/images/generations", headers=server.headers, json=sent, timeout=600)


def edit(data: bytes, count: int, server: Server) -> httpx.Response:
    files = [("image[]", ("a", data))] * count
    return httpx.post(f"{server.url}/images/edits", headers=server.headers, data=FIELDS, files=files, timeout=600)


def edit_json(edge: int, count: int, server: Server) -> httpx.Response:
    headers = {**server.headers, "Content-Type": "application/json"}
    content = referring(edge, count)
    return httpx.post(f"{server.url}/images/edits", headers=headers, content=content, timeout=600)


CASES = (
    Case("3840x2160, 4 of each", 32, 4 * 3840 * 2160, lambda server: generate({"size": "3840x2160", "n": 4}, server)),
    Case("edits of a file of 34 MB", 8, 4000**2, lambda server: edit(noisy(4000), 1, server)),
    Case("edits of 62 million pixels", 16, 7900**2, lambda server: edit(plain(7900), 1, server)),
    Case("the same by a renderer", 16, 7900**2, lambda server: edit(plain(7900), 1, server), RENDERER),
    Case("16 data URLs, 222 MB", 3, 16 * 2200**2, lambda server: edit_json(2200, 16, server)),
)


def main() -> None:
    for case in CASES:
        with serving(case.options, {"PYTHONPATH": str(Path(__file__).parents[1])}) as server:
            began = time.monotonic()
            with ThreadPoolExecutor(case.requests) as pool:
                for answer in pool.map(lambda _, case=case, server=server: case.send(server), range(case.requests)):
                    answer.raise_for_status()
            seconds, whole = time.monotonic() - began, case.requests * case.pixels * 4 / MIB
            print(f"{case.name:28}{server.peak:6.0f} at most{server.memory():6.0f} at the end; ", end="")
            print(f"{whole:6.0f} if all were unpacked at once; {seconds:5.1f} s", flush=True)


if __name__ == "__main__":
    main()
