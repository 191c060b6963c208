"""An example of a renderer: pipelines of the diffusers library behind the Images API.

    pip install torch diffusers transformers
    DIFFUSION_MODEL=FOLDER-OR-NAME imageproof serve --renderer imageproof_reference.diffusion:render

Any model that diffusers' AutoPipeline classes load will do. Copy this file and change what your model does otherwise.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from PIL import ImageOps

from imageproof_reference.refusal import Refusal
from imageproof_reference.renderers import Partial, Rendered, RenderRequest

MODEL = "DIFFUSION_MODEL"  # the environment variable that says what to load
PREVIEW_STEPS = 0.25  # the first partial picture takes this share of the steps, the next ones more
STEPS: Mapping[str, int] = {"low": 12, "medium": 25, "high": 50}
VARIED = 0.6  # how far a picture may go from the one it starts from; 1 forgets it
PAINTED = 0.999  # the same inside a mask

Pictures = Callable[[RenderRequest], Iterator[Rendered]]


def render(request: RenderRequest) -> Iterator[Rendered]:
    """Pictures of the model that the environment names. It is loaded by the first request."""
    yield from _loaded()(request)


def renderer(pipeline: Any) -> Pictures:
    """A renderer of a text-to-image pipeline, whose parts edits and variations use too.

    `seed` is taken beyond the contract: picture number i starts from the noise of `seed` + i.
    """
    diffusers = importlib.import_module("diffusers")
    torch = importlib.import_module("torch")

    @lru_cache(maxsize=3)
    def pipeline_for(kind: str) -> Any:
        return getattr(diffusers, kind).from_pipe(pipeline) if kind else pipeline

    def pictures(request: RenderRequest) -> Iterator[Rendered]:
        if request.frames > 1:
            raise Refusal("This model makes no animations.", param="output_format", code="invalid_value")
        kind, given = _inputs(request)
        run = pipeline_for(kind)
        seed = _seed(request)
        for index in range(request.count):

            def made(steps: int, at: int = index) -> Any:
                noise = torch.Generator("cpu").manual_seed(seed + at)
                return run(request.prompt, num_inference_steps=steps, generator=noise, **given).images[0]

            yield from _sharpening(made, STEPS.get(request.quality, 25), request.partials)

    return pictures


@lru_cache(maxsize=1)
def _loaded() -> Pictures:
    name = os.environ.get(MODEL, "")
    if not name:
        raise RuntimeError(f"set {MODEL} to the folder or the name of a model")
    diffusers = importlib.import_module("diffusers")
    torch = importlib.import_module("torch")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return renderer(diffusers.AutoPipelineForText2Image.from_pretrained(name).to(device))


def _inputs(request: RenderRequest) -> tuple[str, dict[str, Any]]:
    """The class of the pipeline, "" for the one from text, and what it takes beside the prompt."""
    size = request.width, request.height
    if not request.images:
        return "", {"width": size[0], "height": size[1]}
    image = ImageOps.fit(request.images[0].convert("RGB"), size)
    if request.mask is None:
        return "AutoPipelineForImage2Image", {"image": image, "strength": VARIED}
    mask = ImageOps.fit(request.mask, size)
    given = {"image": image, "mask_image": mask, "strength": PAINTED, "width": size[0], "height": size[1]}
    return "AutoPipelineForInpainting", given


def _sharpening(made: Callable[[int], Any], steps: int, partials: int) -> Iterator[Rendered]:
    """A picture in `steps` steps, after `partials` that take fewer from the same noise."""
    for number in range(partials):
        share = PREVIEW_STEPS + (1 - PREVIEW_STEPS) * number / (partials + 1)
        yield Partial(made(max(2, round(steps * share))))
    yield made(steps)


def _seed(request: RenderRequest) -> int:
    try:
        return int(request.extras.get("seed") or 0) % 2**63
    except (TypeError, ValueError):
        raise Refusal("seed must be a whole number.", param="seed", code="invalid_value") from None
