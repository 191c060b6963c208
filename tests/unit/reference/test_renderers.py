"""`--renderer`: plain functions behind the whole contract, over HTTP."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image

from imageproof_reference.config import Config
from imageproof_reference.refusal import Refusal
from imageproof_reference.renderers import Partial, Rendered, RenderRequest
from imageproof_reference.serving import running

BLUE, RED, GREEN = (0, 0, 255), (200, 30, 30), (0, 200, 0)
SEEN: list[RenderRequest] = []  # what the last calls brought
CALLING = threading.Lock()


def plain(request: RenderRequest, color: Any = BLUE, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (request.width, request.height), color)


def sharpening(request: RenderRequest) -> Iterator[Rendered]:
    """Blue pictures after green ones, with whatever the prompt says is wrong with them."""
    assert CALLING.acquire(blocking=False), "two calls at once"
    try:
        SEEN.append(request)
        for index in range(request.count):
            for number in range(3):  # more than some ask for
                yield Partial(plain(request, (0, 100 + 50 * number, 0)))
            yield plain(request, (index, 0, 255))
            if request.prompt == "slow":
                time.sleep(0.2)
    finally:
        CALLING.release()


BROKEN: dict[str, Any] = {
    "raises": lambda request: 1 / 0,
    "exits": lambda request: exit(3),
    "gives nothing": lambda request: None,
    "gives too few": lambda request: [plain(request)] * (request.count - 1),
    "gives something else": lambda request: ["a picture"],
    "gives another size": lambda request: Image.new("RGB", (request.width - 1, request.height)),
    "gives a partial one of another size": lambda request: [Partial(Image.new("RGB", (8, 8))), plain(request)],
    "has no alpha": lambda request: plain(request),
    "gives frames": lambda request: [[plain(request)] * 2] * request.count,
    "gives a file": lambda request: png(),
    "gives numbers without a scale": lambda request: [plain(request, 0.5, "F")] * request.count,
    "stops in the middle": lambda request: (plain(request) if not at else 1 / 0 for at in range(2)),
}


def failing(request: RenderRequest) -> Iterator[Image.Image]:
    try:
        for _ in range(request.count):
            yield plain(request)
    finally:
        raise ZeroDivisionError("no more memory to free")


def render(request: RenderRequest) -> Any:
    """What all requests of this file are served by."""
    if request.prompt == "refuse":
        raise Refusal("Not this one.", param="prompt", code="moderation_blocked")
    if request.prompt == "fails at the end":
        return failing(request)
    if request.prompt == "one":
        return plain(request, (*GREEN, 100), "RGBA")
    if request.frames > 1:
        return ([plain(request, (at * 20, 0, 0)) for at in range(request.frames)] for _ in range(request.count))
    return BROKEN.get(request.prompt, sharpening)(request)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    config = Config(key="k", pause_seconds=0, renderer=render, max_pixels=2_000_000)
    with (
        running(config) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, timeout=60) as opened,
    ):
        yield opened


def generate(client: httpx.Client, prompt: str, **body: Any) -> httpx.Response:
    return client.post("images/generations", json={"model": "gpt-image-1", "prompt": prompt, **body})


def png(size: tuple[int, int] = (64, 64), mode: str = "RGB", color: Any = RED) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, color).save(stream, "PNG")
    return stream.getvalue()


def pictures(answer: httpx.Response) -> list[Image.Image]:
    assert answer.status_code == 200, answer.text
    return [
        Image.open(
            io.BytesIO(base64.b64decode(item["b64_json"]) if "b64_json" in item else httpx.get(item["url"]).content)
        )
        for item in answer.json()["data"]
    ]


def pixel(picture: Image.Image, at: tuple[int, int] = (5, 5)) -> Any:
    return picture.convert("RGB").getpixel(at)


def test_a_generation(client: httpx.Client) -> None:
    answer = generate(client, "a fox", n=2, size="1536x1024", quality="high", seed=7)
    first, second = pictures(answer)
    assert (first.size, pixel(first), pixel(second)) == ((1536, 1024), (0, 0, 255), (1, 0, 255))
    assert answer.json()["usage"]["total_tokens"] > 0 and answer.json()["size"] == "1536x1024"
    request = SEEN[-1]
    assert (request.operation, request.model, request.prompt) == ("createImage", "gpt-image-1", "a fox")
    assert (request.width, request.height, request.count, request.quality) == (1536, 1024, 2, "high")
    assert (request.images, request.mask, request.partials, request.extras["seed"]) == ((), None, 0, 7)


@pytest.mark.parametrize("file_format", ["png", "jpeg", "webp"])
def test_files_are_packed_as_asked(client: httpx.Client, file_format: str) -> None:
    (picture,) = pictures(generate(client, "one", output_format=file_format))
    assert (picture.format, picture.mode) == (file_format.upper(), "RGB")
    assert all(abs(a - b) < 6 for a, b in zip(pixel(picture), (155, 233, 155), strict=True))  # laid on white


def test_a_transparent_background_keeps_the_alpha_channel(client: httpx.Client) -> None:
    (picture,) = pictures(generate(client, "one", background="transparent"))
    assert picture.getpixel((5, 5)) == (*GREEN, 100)


def test_animations_and_svg(client: httpx.Client) -> None:
    body = {"model": "gpt-image-2.6-flare", "frame_count": 9, "frame_duration_ms": 100}
    (animation,) = pictures(generate(client, "a fox", **body, output_format="gif"))
    assert getattr(animation, "n_frames", 0) == 9
    answer = generate(client, "a fox", model="gpt-image-2.6-flare", output_format="svg", svg={"model": "gpt-5"})
    assert base64.b64decode(answer.json()["data"][0]["b64_json"]).startswith(b"<svg"), answer.text


def test_a_stream_with_partial_pictures(client: httpx.Client) -> None:
    answer = generate(client, "a fox", stream=True, partial_images=2, n=2)
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
    kinds = [(event["type"].removeprefix("image_generation."), event.get("partial_image_index")) for event in events]
    assert kinds == [("partial_image", 0), ("partial_image", 1), ("completed", None)] * 2
    colors = [pixel(Image.open(io.BytesIO(base64.b64decode(event["b64_json"])))) for event in events]
    assert colors == [(0, 100, 0), (0, 150, 0), (0, 0, 255), (0, 100, 0), (0, 150, 0), (1, 0, 255)]
    assert SEEN[-1].partials == 2


def test_an_edit_with_a_mask_keeps_what_the_mask_keeps(client: httpx.Client) -> None:
    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    stream = io.BytesIO()
    mask.save(stream, "PNG")
    files = [
        ("image[]", ("a.png", png())),
        ("image[]", ("b.png", png((30, 20)))),
        ("mask", ("m.png", stream.getvalue())),
    ]
    data = {"model": "gpt-image-1", "prompt": "snow", "size": "1024x1024", "seed": "7"}
    (picture,) = pictures(client.post("images/edits", data=data, files=files))
    assert (pixel(picture, (100, 500)), pixel(picture, (900, 500))) == (BLUE, RED)
    request = SEEN[-1]
    assert [image.size for image in request.images] == [(64, 64), (30, 20)]
    assert request.mask is not None and request.mask.mode == "L" and request.mask.size == (64, 64)
    assert (request.mask.getpixel((5, 5)), request.mask.getpixel((60, 5))) == (255, 0)
    assert request.extras["seed"] == "7"


def test_a_picture_that_is_its_own_mask(client: httpx.Client) -> None:
    picture = Image.new("RGBA", (64, 64), (*RED, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 32, 64))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    data = {"model": "dall-e-2", "prompt": "snow", "size": "256x256"}
    (edited,) = pictures(client.post("images/edits", data=data, files={"image": ("a.png", stream.getvalue())}))
    assert (pixel(edited, (20, 20)), pixel(edited, (200, 20))) == (BLUE, RED)


def test_markup_is_shown_to_the_renderer(client: httpx.Client) -> None:
    files = {"image": ("a.png", png()), "markup": ("m.png", png((64, 64), "RGBA", (255, 255, 0, 90)))}
    data = {"model": "gpt-image-2.5-flare", "prompt": "snow"}
    pictures(client.post("images/edits", data=data, files=files))
    request = SEEN[-1]
    assert request.mask is None and request.markup is not None
    assert request.markup.getpixel((5, 5)) == (255, 255, 0, 90)


def test_a_variation(client: httpx.Client) -> None:
    answer = client.post("images/variations", data={"n": "2", "size": "256x256"}, files={"image": ("a.png", png())})
    assert [picture.size for picture in pictures(answer)] == [(256, 256)] * 2
    assert (SEEN[-1].operation, SEEN[-1].prompt) == ("createImageVariation", "")
    assert SEEN[-1].images[0].getpixel((5, 5)) == RED


def test_large_inputs_are_shrunk_so_that_all_of_them_fit(client: httpx.Client) -> None:
    files = [("image[]", ("a.png", png((1400, 1400)))), ("image[]", ("b.png", png((1000, 900))))]
    pictures(client.post("images/edits", data={"model": "gpt-image-1", "prompt": "snow"}, files=files))
    assert [image.size for image in SEEN[-1].images] == [(700, 700), (1000, 900)]


@pytest.mark.parametrize("prompt", BROKEN)
def test_a_renderer_that_does_not_do_its_part_is_a_500_without_details(client: httpx.Client, prompt: str) -> None:
    body: dict[str, Any] = {"n": 2, "background": "transparent" if prompt == "has no alpha" else None}
    if "partial" in prompt:
        body = {"stream": True, "partial_images": 1}
    answer = generate(client, prompt, **body)
    if "partial" in prompt:
        (event,) = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        found = event["error"]
    else:
        assert answer.status_code == 500
        found = answer.json()["error"]
    expected = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
    assert found == expected
    assert generate(client, "a fox").status_code == 200  # and the next caller is served


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("gives nothing", "returned NoneType in place of a PIL picture"),
        ("gives a file", "returned bytes in place of a PIL picture"),
        ("gives numbers without a scale", "mode F came"),
    ],
)
def test_the_log_says_what_came(client: httpx.Client, caplog: pytest.LogCaptureFixture, prompt: str, said: str) -> None:
    assert generate(client, prompt, n=1).status_code == 500
    assert said in caplog.text


def test_what_fails_after_the_last_picture_is_logged_and_takes_none_away(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(pictures(generate(client, "fails at the end", n=1))) == 1
    assert "failed after its pictures" in caplog.text
    stream = generate(client, "fails at the end", stream=True).text
    assert stream.count("event: image_generation.completed") == 1 and '"error"' not in stream


def test_a_renderer_says_no_in_its_own_words(client: httpx.Client) -> None:
    answer = generate(client, "refuse")
    error = {
        "message": "Not this one.",
        "type": "invalid_request_error",
        "param": "prompt",
        "code": "moderation_blocked",
    }
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert "moderation_blocked" in generate(client, "refuse", stream=True).text


def test_a_caller_who_leaves_a_stream_ends_the_work(client: httpx.Client) -> None:
    body = {"model": "gpt-image-1", "prompt": "slow", "n": 10, "stream": True}
    with client.stream("POST", "images/generations", json=body) as answer:
        next(answer.iter_raw())
    began = time.monotonic()
    assert generate(client, "a fox").status_code == 200
    assert time.monotonic() - began < 1.5  # all ten take two seconds


def test_others_are_answered_while_it_works_and_too_many_are_sent_away() -> None:
    go, began = threading.Event(), threading.Event()

    def waiting(request: RenderRequest) -> Image.Image:
        began.set()
        go.wait(30)
        return plain(request)

    with running(Config(key="k", renderer=waiting)) as url:
        key = {"Authorization": "Bearer k"}
        answers: list[httpx.Response] = []

        def ask() -> None:
            answer = httpx.post(f"{url}/images/generations", json={"prompt": "a fox"}, headers=key, timeout=60)
            answers.append(answer)

        threads = [threading.Thread(target=ask) for _ in range(36)]
        for thread in threads:
            thread.start()
        assert began.wait(10)
        assert httpx.get(f"{url}/models", headers=key, timeout=5).status_code == 200
        while len(answers) < 4 and any(thread.is_alive() for thread in threads):
            time.sleep(0.01)
        assert {answer.status_code for answer in answers[:4]} == {503}
        assert {answer.headers["retry-after"] for answer in answers[:4]} == {"10"}
        go.set()
        for thread in threads:
            thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 32 + [503] * 4
