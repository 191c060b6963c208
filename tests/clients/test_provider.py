"""The emitted client against the reference provider, over a real connection."""

from __future__ import annotations

import io
from collections.abc import Iterator

import imageproof_client as api
import pytest
from imageproof_client import Client
from PIL import Image

from imageproof_reference.config import Config
from imageproof_reference.serving import running

KEY = "sk-provider-key"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running(Config(key=KEY)) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def live(provider: str) -> Iterator[Client]:
    with Client(KEY, base_url=provider, timeout=30) as client:
        yield client


def picture(width: int = 64, height: int = 64, mode: str = "RGBA") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def size(content: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(content)).size


def test_generate(live: Client) -> None:
    answer = live.images.generate(model="gpt-image-1", prompt="a fox", n=2, size="1024x1536", output_format="webp")
    assert [size(image.to_bytes()) for image in answer.data] == [(1024, 1536)] * 2
    assert answer.output_format == "webp"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.request_id


def test_a_hosted_picture(live: Client) -> None:
    answer = live.images.generate(model="dall-e-3", prompt="a fox", response_format="url")
    assert answer.data[0].b64_json is None
    assert size(answer.data[0].to_bytes()) == (1024, 1024)


def test_edit_one_list_and_mask(live: Client) -> None:
    one = live.images.edit(model="gpt-image-1", image=picture(), prompt="snow", size="1024x1024")
    several = live.images.edit(model="gpt-image-1", image=[picture(), picture(32, 32)], prompt="snow")
    masked = live.images.edit(model="gpt-image-1", image=picture(), mask=picture(), prompt="snow")
    assert all(answer.data[0].to_bytes() for answer in (one, several, masked))


def test_variation(live: Client) -> None:
    answer = live.images.create_variation(image=picture(), model="dall-e-2", n=2, size="256x256")
    assert [size(image.to_bytes()) for image in answer.data] == [(256, 256)] * 2


def test_stream(live: Client) -> None:
    with live.images.generate(model="gpt-image-1", prompt="a fox", stream=True, partial_images=2) as events:
        found = list(events)
    assert isinstance(found[-1], api.ImageGenerationCompletedEvent)
    assert size(found[-1].to_bytes())
    assert all(isinstance(event, api.ImageGenerationPartialImageEvent) for event in found[:-1])


def test_models(live: Client) -> None:
    listed = live.models.list()
    assert "gpt-image-1" in [model.id for model in listed.data]
    assert live.models.retrieve("gpt-image-1").id == "gpt-image-1"
    with pytest.raises(api.NotFoundError):
        live.models.retrieve("no-such-model")


def test_errors_have_code_and_param(live: Client, provider: str) -> None:
    with (
        pytest.raises(api.InvalidParameterError) as caught,
        pytest.warns(api.RequestRuleWarning, match="GEN-SIZE-VALUES"),
    ):
        live.images.generate(model="gpt-image-1", prompt="a fox", size="7x7")
    assert caught.value.param == "size"
    assert caught.value.code
    with Client("sk-wrong-key", base_url=provider) as stranger, pytest.raises(api.AuthenticationError):
        stranger.images.generate(model="gpt-image-1", prompt="a fox")
