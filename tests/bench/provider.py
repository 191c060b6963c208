"""What a picture of the reference provider costs in CPU time: `python tests/bench/provider.py`.

Each kind is made once a round, as the server makes it, beside the floor: Pillow writing the same drawn picture as a PNG
file with its quickest setting. The figures are the best of all rounds in milliseconds, and how many floors that is. The
last lines are whole requests, as a server of its own spends its time on them, and how long one takes to start.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import httpx2 as httpx
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.server import Server, serving

from imageproof_reference.captions import packet
from imageproof_reference.drawing import Canvas, draw, edit, preview
from imageproof_reference.encoding import encode, encode_drawn, svg
from imageproof_reference.memory import settle
from imageproof_reference.scene import scene

ROUNDS = 15
REQUESTS = 100
STARTS = 5
PROMPT = "a fox in the snow"
SIZES = {"1024x1024": Canvas(1024, 1024), "1024x1024 clear": Canvas(1024, 1024, True), "3840x2160": Canvas(3840, 2160)}
Work = Callable[[int], bytes]


def floor(picture: Image.Image, index: int) -> bytes:
    """Pillow's own PNG file of a picture that is there already."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def drawn(canvas: Canvas, file_format: str, index: int) -> bytes:
    return encode_drawn(draw(scene(PROMPT, index), canvas), file_format, 100, packet(PROMPT, index))


def edited(canvas: Canvas, source: Image.Image, index: int) -> bytes:
    return encode(edit(scene(PROMPT, index), canvas, [source]), "png", 100, packet(PROMPT, index))


def previewed(canvas: Canvas, index: int) -> bytes:
    picture = preview(draw(scene(PROMPT, index), canvas), index % 3, 3)
    return encode(picture, "png", 100, packet(PROMPT, index))


def kinds(canvas: Canvas) -> Mapping[str, Work]:
    """What is measured of a size; the floor is the first."""
    source = draw(scene("a cat", 0), canvas)
    stills = ("png", "webp") if canvas.transparent else ("png", "jpeg", "webp")
    return {
        "floor": partial(floor, source),
        **{name: partial(drawn, canvas, name) for name in stills},
        "svg": lambda index: svg(scene(PROMPT, index), canvas, packet(PROMPT, index)),
        "png of a preview": partial(previewed, canvas),
        "png of an edit": partial(edited, canvas, source),
    }


def best(works: Mapping[str, Work]) -> dict[str, float]:
    """Milliseconds of CPU time of each, the best of all rounds."""
    found = dict.fromkeys(works, float("inf"))
    for index in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            work(index)
            found[name] = min(found[name], (time.process_time() - began) * 1000)
    return found


def spent(server: Server, body: dict[str, object]) -> float:
    """Milliseconds of CPU time that the server spends on one request, all of it; no two prompts are the same."""
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=60) as client:
        began = 0.0
        for number in range(-5, REQUESTS):  # a few to warm up
            began = server.cpu_seconds() if number == 0 else began
            answer = client.post("images/generations", json={**body, "prompt": f"{PROMPT} {number} {id(body)}"})
            answer.raise_for_status()
        return (server.cpu_seconds() - began) * 1000 / REQUESTS


def started() -> float:
    """Milliseconds from the start of a server's process to its first answer, the best of a few."""
    found = float("inf")
    for _ in range(STARTS):
        began = time.monotonic()
        with serving() as server:
            httpx.get(f"{server.url}/models", headers=server.headers).raise_for_status()
            found = min(found, (time.monotonic() - began) * 1000)
    return found


def main() -> None:
    settle()
    for name, canvas in SIZES.items():
        found = best(kinds(canvas))
        for kind, milliseconds in found.items():
            print(f"{name:17}{kind:18}{milliseconds:8.1f} ms{milliseconds / found['floor']:8.2f} floors")
    print(f"{'start':17}{'to first answer':18}{started():8.1f} ms")
    with serving() as server:
        for fields in ({"size": "1024x1024"}, {"size": "1024x1024", "output_format": "jpeg"}, {"size": "3840x2160"}):
            said = " ".join(fields.values())
            print(f"{'request':17}{said:18}{spent(server, {'model': 'gpt-image-2', **fields}):8.1f} ms")


if __name__ == "__main__":
    main()
