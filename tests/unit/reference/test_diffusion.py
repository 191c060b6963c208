"""The example with diffusers, over HTTP, around a tiny pipeline of random weights. Only where torch and diffusers are
installed: see conftest.py."""

from __future__ import annotations

import base64
import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image, ImageChops

from imageproof_reference.config import Config
from imageproof_reference.diffusion import renderer
from imageproof_reference.serving import running

BODY = {"model": "gpt-image-2", "prompt": "a fox", "quality": "low", "size": "1024x1024"}


def tiny_pipeline(folder: Path) -> Any:
    """A Stable Diffusion pipeline of a few thousand random weights. Its words are single letters."""
    diffusers, torch, transformers = map(importlib.import_module, ("diffusers", "torch", "transformers"))
    torch.manual_seed(0)
    letters = [chr(at) for at in range(33, 127)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({token: at for at, token in enumerate(tokens)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    text = transformers.CLIPTextConfig(
        vocab_size=len(tokens), hidden_size=8, intermediate_size=8, num_attention_heads=2, num_hidden_layers=1,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    unet = diffusers.UNet2DConditionModel(
        block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, cross_attention_dim=8, attention_head_dim=2,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
        mid_block_type=None, sample_size=64,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(2, 2, 2, 2), norm_num_groups=1, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        mid_block_add_attention=False,
    )  # fmt: skip
    scheduler = diffusers.DDIMScheduler(steps_offset=1, clip_sample=False)
    pipeline = diffusers.StableDiffusionPipeline(
        vae=vae, unet=unet, text_encoder=transformers.CLIPTextModel(text), scheduler=scheduler,
        tokenizer=transformers.CLIPTokenizer(
            str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77
        ),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    pipeline = tiny_pipeline(tmp_path_factory.mktemp("tiny"))
    key, config = {"Authorization": "Bearer k"}, Config(key="k", renderer=renderer(pipeline))
    with running(config) as url, httpx.Client(base_url=url, headers=key, timeout=300) as opened:
        yield opened


def png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def shown(item: dict[str, str]) -> Image.Image:
    data = base64.b64decode(item["b64_json"]) if "b64_json" in item else httpx.get(item["url"]).content
    return Image.open(io.BytesIO(data)).convert("RGB")


def generated(client: httpx.Client, **body: Any) -> list[Image.Image]:
    answer = client.post("images/generations", json={**BODY, **body})
    assert answer.status_code == 200, answer.text
    return [shown(item) for item in answer.json()["data"]]


def test_generations_follow_the_seed(client: httpx.Client) -> None:
    first, second = generated(client, model="dall-e-2", quality=None, size="256x256", n=2, seed=5)
    (again,) = generated(client, model="dall-e-2", quality=None, size="256x256", seed=6)
    assert first.size == (256, 256) and len(first.getcolors(100_000) or []) > 10
    assert first.tobytes() != second.tobytes() == again.tobytes()
    refused = client.post("images/generations", json={**BODY, "seed": "x"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "seed")


def test_partial_pictures_come_before_the_whole_one(client: httpx.Client) -> None:
    answer = client.post("images/generations", json={**BODY, "stream": True, "partial_images": 2})
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [event["type"].rpartition(".")[2] for event in events] == ["partial_image", "partial_image", "completed"]
    assert len({shown(event).tobytes() for event in events}) == 3


def test_edits_with_and_without_a_mask_and_variations(client: httpx.Client) -> None:
    picture = png(Image.new("RGB", (256, 256), (200, 30, 30)))
    mask = Image.new("RGBA", (256, 256), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 128, 256))
    data = {"model": "dall-e-2", "prompt": "snow", "size": "256x256"}
    files = {"image": ("a.png", picture), "mask": ("m.png", png(mask))}
    answer = client.post("images/edits", data=data, files=files)
    assert answer.status_code == 200, answer.text
    edited = shown(answer.json()["data"][0])
    changed = ImageChops.difference(edited, Image.new("RGB", (256, 256), (200, 30, 30))).getbbox()
    assert changed is not None and changed[2] <= 128
    whole = client.post("images/edits", data={**BODY, "prompt": "snow"}, files={"image": ("a.png", picture)})
    assert whole.status_code == 200, whole.text
    varied = client.post("images/variations", data={"size": "256x256"}, files={"image": ("a.png", picture)})
    assert shown(varied.json()["data"][0]).size == (256, 256)
