"""The official Python SDK drives the provider, as its users would."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import openai
import pytest
from openai.types import ImagesResponse
from PIL import Image


@pytest.fixture(scope="module")
def sdk(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="sk-test-provider", max_retries=0) as opened:
        yield opened


def file(folder: Path, name: str, mode: str = "RGB", color: tuple[int, ...] = (200, 30, 30)) -> Path:
    path = folder / name
    Image.new(mode, (64, 64), color).save(path)
    return path


def picture(answer: ImagesResponse, index: int = 0) -> Image.Image:
    assert answer.data is not None
    item = answer.data[index]
    data = base64.b64decode(item.b64_json) if item.b64_json else httpx.get(str(item.url)).content
    return Image.open(io.BytesIO(data))


def test_generate(sdk: openai.OpenAI) -> None:
    answer = sdk.images.generate(
        model="gpt-image-2", prompt="a fox", size="1280x720", quality="high", output_format="webp", n=2
    )
    assert (answer.size, answer.quality, answer.output_format, answer.background) == (
        "1280x720",
        "high",
        "webp",
        "opaque",
    )
    assert [picture(answer, index).size for index in range(2)] == [(1280, 720)] * 2
    assert answer.usage is not None and answer.usage.total_tokens > 0
    assert answer._request_id


def test_generate_with_dalle(sdk: openai.OpenAI) -> None:
    answer = sdk.images.generate(model="dall-e-3", prompt="a fox", size="1792x1024", style="natural", quality="hd")
    assert picture(answer).size == (1792, 1024)
    assert answer.data is not None and answer.data[0].revised_prompt


def test_edit_one_file(sdk: openai.OpenAI, tmp_path: Path) -> None:
    with file(tmp_path, "otter.png").open("rb") as opened:
        answer = sdk.images.edit(model="gpt-image-1", image=opened, prompt="add snow", input_fidelity="high")
    assert picture(answer).size == (1024, 1024)


def test_edit_raw_bytes(sdk: openai.OpenAI, tmp_path: Path) -> None:
    answer = sdk.images.edit(model="gpt-image-1", image=file(tmp_path, "a.png").read_bytes(), prompt="add snow", n=2)
    assert answer.data is not None and len(answer.data) == 2


def test_edit_a_list(sdk: openai.OpenAI, tmp_path: Path) -> None:
    one, two = file(tmp_path, "one.png"), file(tmp_path, "two.webp")
    single = sdk.images.edit(model="gpt-image-1", image=[one], prompt="add snow")
    both = sdk.images.edit(model="gpt-image-1", image=[one, two], prompt="add snow", size="1536x1024")
    assert picture(both).size == (1536, 1024)
    assert single.usage is not None and both.usage is not None
    assert 0 < single.usage.input_tokens_details.image_tokens < both.usage.input_tokens_details.image_tokens


def test_edit_with_a_mask(sdk: openai.OpenAI, tmp_path: Path) -> None:
    mask = file(tmp_path, "mask.png", "RGBA", (0, 0, 0, 255))
    answer = sdk.images.edit(
        model="dall-e-2",
        image=file(tmp_path, "otter.png"),
        mask=mask,
        prompt="add snow",
        size="256x256",
        response_format="b64_json",
    )
    assert picture(answer).convert("RGB").getcolors() == [(256 * 256, (200, 30, 30))]  # the mask covers everything


def test_variation(sdk: openai.OpenAI, tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning):
        answer = sdk.images.create_variation(image=file(tmp_path, "otter.png"), model="dall-e-2", n=2, size="512x512")
    assert [picture(answer, index).size for index in range(2)] == [(512, 512)] * 2


def test_errors_keep_code_and_param(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.images.generate(model="gpt-image-1", prompt="a fox", size="17x17")
    assert (caught.value.code, caught.value.param, caught.value.type) == (
        "invalid_size",
        "size",
        "invalid_request_error",
    )
    assert caught.value.request_id
    with pytest.raises(openai.NotFoundError) as missing:
        sdk.images.generate(model="no-such-model", prompt="a fox")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="wrong").images.generate(model="gpt-image-1", prompt="a fox")


def test_streams(sdk: openai.OpenAI, tmp_path: Path) -> None:
    generated = [
        event.type for event in sdk.images.generate(model="gpt-image-1", prompt="a fox", stream=True, partial_images=2)
    ]
    assert generated == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    *previews, final = sdk.images.edit(
        model="gpt-image-1", image=file(tmp_path, "a.png"), prompt="snow", stream=True, partial_images=1
    )
    assert [event.type for event in previews] == ["image_edit.partial_image"]
    assert final.type == "image_edit.completed" and final.usage.input_tokens_details.image_tokens > 0


def test_models(sdk: openai.OpenAI) -> None:
    names = [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve(names[0]).id == names[0]


def test_async_calls(url: str, tmp_path: Path) -> None:
    async def calls() -> tuple[ImagesResponse, ImagesResponse, list[str]]:
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-test-provider", max_retries=0) as client:
            made, edited = await asyncio.gather(
                client.images.generate(model="gpt-image-1", prompt="a fox"),
                client.images.edit(model="gpt-image-1", image=[file(tmp_path, "a.png")], prompt="add snow"),
            )
            stream = await client.images.generate(model="gpt-image-1", prompt="x", stream=True, partial_images=1)
            return made, edited, [event.type async for event in stream]

    made, edited, events = asyncio.run(calls())
    assert picture(made).size == picture(edited).size == (1024, 1024)
    assert events == ["image_generation.partial_image", "image_generation.completed"]


def test_raw_and_streaming_responses(sdk: openai.OpenAI) -> None:
    raw = sdk.images.with_raw_response.generate(model="gpt-image-1", prompt="a fox")
    assert raw.headers["x-request-id"] and picture(raw.parse()).format == "PNG"
    with sdk.images.with_streaming_response.generate(model="gpt-image-1", prompt="a fox") as streamed:
        assert streamed.headers["content-type"] == "application/json"
        assert picture(streamed.parse()).format == "PNG"


def test_null_counts_as_left_out(sdk: openai.OpenAI) -> None:
    answer = sdk.images.generate(model="gpt-image-1", prompt="a fox", size=None, n=None, stream=None, background=None)
    assert picture(answer).size == (1024, 1024)
