"""What the provider says to ordinary mistakes: the place as its caller knows it, and what to do."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image
from unit.reference.raw_http import IMAGE, MASK

EDIT = {"model": "gpt-image-1", "prompt": "x"}


def reference(data: bytes) -> dict[str, str]:
    return {"image_url": f"data:image/png;base64,{base64.b64encode(data).decode()}"}


def large() -> bytes:
    stream = io.BytesIO()
    Image.new("1", (12000, 12000)).save(stream, "PNG")
    return stream.getvalue()


UNREADABLE = "cannot be read as a picture; it must be one of png, webp, jpeg."
TOO_LARGE = "is too large: this server opens pictures of up to 64000000 pixels."
FILES = {
    "empty": (b"", UNREADABLE),
    "no picture": (b"hello", UNREADABLE),
    "too large": (large(), TOO_LARGE),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("data", "said"), FILES.values(), ids=FILES)
def test_files_are_named_as_they_were_sent(client: httpx.Client, data: bytes, said: str) -> None:
    form = client.post("images/edits", data=EDIT, files={"image": ("a.png", data)}).json()["error"]
    assert (form["param"], form["message"]) == ("image", f"image {said}")
    images = [reference(IMAGE), reference(data)]
    body = client.post("images/edits", json={**EDIT, "images": images}).json()["error"]
    assert (body["param"], body["message"]) == ("images", f"images[1] {said}")


@pytest.mark.parametrize("link", ["", "file:///etc/passwd", "a.png"])
def test_what_is_no_link_is_told_as_such(client: httpx.Client, link: str) -> None:
    found = client.post("images/edits", json={**EDIT, "images": [{"image_url": link}]}).json()["error"]
    assert found["code"] == "invalid_image_url" and "neither a data URL" in found["message"]


def test_a_mask_is_told_by_its_own_name(client: httpx.Client) -> None:
    body = {**EDIT, "images": [reference(MASK)], "mask": reference(IMAGE)}
    found = client.post("images/edits", json=body).json()["error"]
    assert (found["param"], found["message"]) == ("mask", "mask must have an alpha channel.")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("gpt-image-2.6", "Did you mean gpt-image-2.6-sunburst or "),
        ("gtp-image-1", "Did you mean gpt-image-1"),
        ("stable-diffusion", "does not exist."),
        ("", "is empty"),
    ],
)
def test_models_that_may_be_meant_are_named(client: httpx.Client, model: str, said: str) -> None:
    answers: list[Any] = [
        client.post("images/generations", json={"model": model, "prompt": "x"}),
        client.get(f"models/{model}"),
    ]
    for answer in answers:
        found = answer.json()["error"]
        assert (answer.status_code, found["param"], found["code"]) == (404, "model", "model_not_found")
        assert said in found["message"] and ("mean" in found["message"]) is ("mean" in said)
