"""Streams: frames as they are made, previews that sharpen, one completed event for each picture."""

from __future__ import annotations

import base64
import io
import itertools
import json
import time
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from imageproof_reference.config import Config
from imageproof_reference.serving import running

PATH = "images/generations"
FIELDS = {"type", "b64_json", "created_at", "size", "quality", "background", "output_format"}


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream; each frame is an event line that repeats the type, and a data line."""
    found = []
    for frame in text.removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def stream(client: httpx.Client, **body: Any) -> list[dict[str, Any]]:
    answer = client.post(PATH, json={"model": "gpt-image-1", "prompt": "a fox", "stream": True, **body})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events(answer.text)


def picture(event: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(event["b64_json"], validate=True)))


@pytest.mark.parametrize("partials", [None, 0, 1, 3])
@pytest.mark.parametrize("n", [1, 2])
def test_previews_then_the_picture(client: httpx.Client, partials: int | None, n: int) -> None:
    found = stream(client, partial_images=partials, n=n, size="1024x1024", safety_identifier="s1")
    expected = [*(("partial_image", at) for at in range(partials or 0)), ("completed", None)] * n
    kinds = [(event["type"].removeprefix("image_generation."), event.get("partial_image_index")) for event in found]
    assert kinds == expected
    for event in found:
        completed = {"usage", "safety_identifier"} if event["type"].endswith("completed") else {"partial_image_index"}
        assert set(event) == FIELDS | completed
        assert picture(event).size == (1024, 1024) and event["size"] == "1024x1024"
        assert "auto" not in (event["quality"], event["background"])
        assert abs(event["created_at"] - time.time()) < 60
        if "usage" in event:
            assert event["usage"]["total_tokens"] == event["usage"]["input_tokens"] + event["usage"]["output_tokens"]
            assert "output_tokens_details" not in event["usage"]


def test_previews_come_nearer_to_the_picture(client: httpx.Client) -> None:
    *previews, final = map(picture, stream(client, partial_images=3, output_format="png"))
    distances = [
        sum(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), final.convert("RGB"))).mean) for one in previews
    ]
    assert distances == sorted(distances, reverse=True)


def test_the_final_picture_is_the_one_without_a_stream(client: httpx.Client) -> None:
    body = {"model": "gpt-image-1", "prompt": "a fox", "output_format": "webp", "background": "transparent"}
    plain = client.post(PATH, json=body).json()["data"][0]["b64_json"]
    found = stream(client, **body, partial_images=1)
    assert found[-1]["b64_json"] == plain
    assert {picture(event).format for event in found} == {"WEBP"}
    assert {event["background"] for event in found} == {"transparent"}


def test_edits_stream_under_their_own_names(client: httpx.Client) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    data = {"model": "gpt-image-1", "prompt": "snow", "stream": "true", "partial_images": "1"}
    answer = client.post("images/edits", data=data, files={"image": ("a.png", file.getvalue())})
    assert [event["type"] for event in events(answer.text)] == ["image_edit.partial_image", "image_edit.completed"]


def test_what_the_caller_accepts_does_not_decide(client: httpx.Client) -> None:
    body = {"model": "gpt-image-1", "prompt": "a fox"}
    kinds = [
        client.post(PATH, json={**body, "stream": wanted}, headers={"Accept": accept}).headers["content-type"]
        for wanted, accept in ((True, "application/json"), (False, "text/event-stream"))
    ]
    assert kinds[0].startswith("text/event-stream") and kinds[1] == "application/json"


def test_frames_are_sent_as_they_are_made() -> None:
    with running(Config(key="k", pause_seconds=0.2)) as url:
        body = {"model": "gpt-image-1", "prompt": "a fox", "stream": True, "partial_images": 2}
        arrived = []
        with httpx.stream("POST", f"{url}/{PATH}", json=body, headers={"Authorization": "Bearer k"}) as answer:
            for line in answer.iter_lines():
                if line.startswith("event:"):
                    arrived.append(time.monotonic())
        assert len(arrived) == 3
        assert all(later - earlier > 0.1 for earlier, later in itertools.pairwise(arrived))
