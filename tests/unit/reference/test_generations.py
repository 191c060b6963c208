"""Generations over HTTP: every family is answered from its cells."""

from __future__ import annotations

import base64
import io
import time
from typing import Any
from xml.etree import ElementTree

import httpx2 as httpx
import pytest
from PIL import Image

from imageproof.contract.document import load
from imageproof.contract.families import Family, allowed_values, families
from imageproof.contract.violations import SIZE

DOCUMENT = load()
PATH = "images/generations"


def generate(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={"prompt": "a fox in the snow", **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bytes_of(item: dict[str, str]) -> bytes:
    return base64.b64decode(item["b64_json"], validate=True) if "b64_json" in item else httpx.get(item["url"]).content


def picture(item: dict[str, str]) -> Image.Image:
    opened = Image.open(io.BytesIO(bytes_of(item)))
    opened.load()
    return opened


@pytest.mark.parametrize("family", families(DOCUMENT), ids=lambda family: family.id)
def test_the_shortest_request_is_answered_as_the_family_answers(client: httpx.Client, family: Family) -> None:
    body = generate(client, model=family.models[0])
    (item,) = body["data"]
    assert set(item) == {family.returns.carriers[0], *(["revised_prompt"] if family.returns.revised_prompt else [])}
    shown = picture(item)
    assert (shown.format, shown.mode) == ("PNG", "RGB")
    echoed = {name for name in ("size", "quality", "background", "output_format") if name in body}
    assert echoed == set(family.returns.echo)
    assert "auto" not in body.values()
    assert ("usage" in body) is family.returns.usage
    assert abs(body["created"] - time.time()) < 60
    if "size" in echoed:
        assert body["size"] == f"{shown.width}x{shown.height}"


SIZES = [
    (family.models[0], str(size))
    for family in families(DOCUMENT)
    for size in allowed_values(DOCUMENT, "createImage", "size", model=family.models[0])
]


@pytest.mark.parametrize(("model", "size"), [*SIZES, ("gpt-image-2", "3840x2160"), ("gpt-image-2.5-flare", "1024x640")])
def test_pixels_are_those_asked_for(client: httpx.Client, model: str, size: str) -> None:
    body = generate(client, model=model, size=size)
    width, height = picture(body["data"][0]).size
    assert size in ("auto", f"{width}x{height}")
    assert SIZE.match(body.get("size", f"{width}x{height}"))


LOOKS = [
    *((file_format, background) for file_format in ("png", "jpeg", "webp") for background in ("opaque", "auto")),
    ("png", "transparent"),
    ("webp", "transparent"),
]


@pytest.mark.parametrize(("file_format", "background"), LOOKS)
def test_format_and_background(client: httpx.Client, file_format: str, background: str) -> None:
    body = generate(client, model="gpt-image-1", output_format=file_format, background=background)
    shown = picture(body["data"][0])
    assert str(shown.format).lower() == body["output_format"] == file_format
    assert body["background"] == ("opaque" if background == "auto" else background)
    assert shown.has_transparency_data is (background == "transparent")


def test_compression_makes_files_smaller(client: httpx.Client) -> None:
    sizes = [
        len(bytes_of(generate(client, model="gpt-image-1", output_format="webp", output_compression=level)["data"][0]))
        for level in (0, 50, 100)
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("n", [1, 2, 10])
def test_n_pictures_that_differ(client: httpx.Client, n: int) -> None:
    data = generate(client, model="gpt-image-1", n=n)["data"]
    assert len({bytes_of(item) for item in data}) == n


def test_an_animation(client: httpx.Client) -> None:
    shown = picture(generate(client, model="gpt-image-2.6-flare", output_format="gif")["data"][0])
    assert (shown.format, getattr(shown, "n_frames", 0), shown.info["duration"]) == ("GIF", 9, 200)
    own = generate(client, model="gpt-image-2.6-flare", output_format="gif", frame_count=3, frame_duration_ms=87)
    shown = picture(own["data"][0])
    assert (getattr(shown, "n_frames", 0), shown.info["duration"]) == (3, 90)


def test_a_drawing_in_svg(client: httpx.Client) -> None:
    body = generate(client, model="gpt-image-2.6-sunburst", output_format="svg", svg={"model": "gpt-5"})
    assert ElementTree.fromstring(bytes_of(body["data"][0])).tag.endswith("}svg")
    tokens = body["svg_usage"]
    assert tokens["model"] == "gpt-5"
    assert tokens["total_tokens"] == tokens["input_tokens"] + tokens["output_tokens"] > 0


def test_usage_adds_up_and_grows_with_quality_and_number(client: httpx.Client) -> None:
    usages = [
        generate(client, model="gpt-image-1", quality=quality, n=n)["usage"]
        for quality, n in (("low", 1), ("medium", 1), ("high", 1), ("high", 2))
    ]
    for usage in usages:
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] == usage["input_tokens_details"]["text_tokens"] > 0
        assert usage["input_tokens_details"]["image_tokens"] == 0
        assert usage["output_tokens"] == sum(usage["output_tokens_details"].values())
    made = [usage["output_tokens"] for usage in usages]
    assert made == sorted(set(made))
    assert made[3] == 2 * made[2]


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ({}, None),
        ({"user": "u1"}, "u1"),
        ({"safety_identifier": "s1", "user": "u1"}, "s1"),
        ({"safety_identifier": "", "user": "u1"}, "u1"),
        ({"safety_identifier": None}, None),
    ],
)
def test_the_identifier_comes_back(client: httpx.Client, sent: dict[str, Any], echoed: str | None) -> None:
    assert generate(client, model="gpt-image-1", **sent).get("safety_identifier") == echoed


def test_null_counts_as_left_out_and_unknown_members_are_ignored(client: httpx.Client) -> None:
    plain = generate(client, model="gpt-image-1")
    nulls = generate(client, model="gpt-image-1", n=None, size=None, quality=None, stream=None, x_probe=[1, {}])
    assert plain["data"] == nulls["data"]


def test_without_a_model_the_first_current_one_draws(client: httpx.Client) -> None:
    assert "b64_json" in generate(client)["data"][0]


@pytest.mark.parametrize("carrier", ["url", "b64_json"])
def test_dalle_answers_with_the_carrier_asked_for(client: httpx.Client, carrier: str) -> None:
    body = generate(client, model="dall-e-3", response_format=carrier)
    assert set(body["data"][0]) == {carrier, "revised_prompt"}
    assert body["data"][0]["revised_prompt"]


@pytest.mark.parametrize("name", ["image", "image[]", "images", "mask", "markup", "files", "extras", "model_name"])
@pytest.mark.parametrize("value", ["x", ["x"], [None], [{"image_url": "x"}], {"a": 1}, 3], ids=str)
def test_members_that_are_parameters_elsewhere_mean_nothing_here(client: httpx.Client, name: str, value: Any) -> None:
    generate(client, model="gpt-image-2.6-flare", output_format="svg", **{name: value})
