"""Every picture says which prompt it was made for, and which one of the answer it is."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx2 as httpx
import pytest
from PIL import Image

from imageproof_reference.captions import MOST_BYTES, packet
from imageproof_reference.config import Config
from imageproof_reference.renderers import Partial, RenderRequest
from imageproof_reference.serving import running

RDF, DC, OWN = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://purl.org/dc/elements/1.1/}", "{urn:imageproof}"
PROMPT = 'snow & "otters" <ü❄>\r\n\t'


def read(found: bytes | str) -> tuple[str, int]:
    """Prompt and number of an XMP packet."""
    root = ElementTree.fromstring(found)
    text, index = root.find(f".//{DC}description//{RDF}li"), root.find(f".//{OWN}index")
    assert text is not None and index is not None
    return text.text or "", int(index.text or "")


def said(file: bytes) -> tuple[str, int]:
    """Prompt and number that a file tells."""
    if file.startswith(b"<svg"):
        return read(file)
    picture = Image.open(io.BytesIO(file))
    return read(picture.info["comment" if picture.format == "GIF" else "xmp"])


@pytest.mark.parametrize("prompt", ["", "a fox", PROMPT, "&" * 3, "𐍈"])
def test_a_packet_gives_back_what_went_in(prompt: str) -> None:
    assert read(packet(prompt, 7)) == (prompt, 7)


def test_what_xml_cannot_hold_is_replaced() -> None:
    assert read(packet("a\0b\ud800c\x1bd\uffff", 0)) == ("a\ufffdb\ufffdc\ufffdd\ufffd", 0)


@pytest.mark.parametrize(
    "prompt", ["x" * 32000, "&" * 32000, "ü" * 32000, "a" + "❄" * 32000, "a" + "𐍈" * 32000, "\0" * 32000]
)
def test_a_long_prompt_is_cut_to_what_a_jpeg_can_hold(prompt: str) -> None:
    whole = packet(prompt, 0)
    text, _ = read(whole)
    assert len(whole) < MOST_BYTES + 1000
    assert prompt.replace("\0", "\ufffd").startswith(text) and len(text.encode()) >= min(
        len(prompt), MOST_BYTES // 5 - 5
    )


FORMATS: list[dict[str, Any]] = [
    {"output_format": "png"},
    {"output_format": "png", "background": "transparent"},
    {"output_format": "jpeg"},
    {"output_format": "webp"},
    {"output_format": "webp", "background": "transparent"},
    {"output_format": "gif", "frame_count": 2},
    {"output_format": "svg"},
]


def rendered(request: RenderRequest) -> Iterator[Any]:
    """A renderer whose pictures come with notes of their own."""
    for _ in range(request.count):
        shown = Image.new("RGBA", (request.width, request.height), "red")
        shown.info = {"comment": "x" * 100_000, "icc_profile": b"x" * 100, "xmp": b"x", "background": "?", "loop": "?"}
        yield Partial(shown)
        yield shown if request.frames == 1 else [shown] * request.frames


@pytest.fixture(scope="module", params=["drawn", "rendered"])
def served(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    config = Config(key="k", pause_seconds=0, renderer=rendered if request.param == "rendered" else None)
    with (
        running(config) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize("edit", [False, True], ids=["generation", "edit"])
@pytest.mark.parametrize("extra", FORMATS, ids=lambda extra: "-".join(map(str, extra.values())))
def test_every_file_tells_its_prompt_and_number(served: httpx.Client, extra: dict[str, Any], edit: bool) -> None:
    n = 1 if extra["output_format"] == "svg" else 2
    body = {"model": "gpt-image-2.6-flare", "prompt": PROMPT, "n": n, "size": "1024x1024", **extra}
    if edit:
        stream = io.BytesIO()
        notes = {"comment": "x" * 100_000, "icc_profile": b"y" * 100, "xmp": b"x" * 100_000}
        Image.new("RGB", (64, 64), "blue").save(stream, "WEBP", **notes)
        link = f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
        answer = served.post("images/edits", json={**body, "images": [{"image_url": link}]})
    else:
        answer = served.post("images/generations", json=body)
    assert answer.status_code == 200, answer.text
    assert [said(base64.b64decode(one["b64_json"])) for one in answer.json()["data"]] == [
        (PROMPT, at) for at in range(n)
    ]


def test_previews_tell_it_too(served: httpx.Client) -> None:
    body = {"model": "gpt-image-2", "prompt": PROMPT, "n": 2, "stream": True, "partial_images": 1, "size": "1024x1024"}
    answer = served.post("images/generations", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [said(base64.b64decode(one["b64_json"])) for one in events] == [(PROMPT, at) for at in (0, 0, 1, 1)]
