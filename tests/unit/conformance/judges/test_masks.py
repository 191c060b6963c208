"""What a mask keeps: what may differ in a kept picture, and what is another one."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from PIL import Image, ImageFilter, ImageOps

RULE = "EDIT-MASK-KEPT"


def repainted(image: Image.Image) -> Image.Image:
    """Another colour where the picture is see-through, and nowhere else."""
    made = Image.new("RGBA", image.size, (10, 250, 90, 255))
    made.alpha_composite(image.convert("RGBA"))
    return made.convert("RGB")


def pressed(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    repainted(image).save(out, "JPEG", quality=20)
    return Image.open(io.BytesIO(out.getvalue()))


CHANGES: dict[str, tuple[Callable[[Image.Image], Image.Image], str | None]] = {
    "the hole painted": (repainted, "pass"),
    "the hole painted, pressed hard": (pressed, "pass"),
    "softened": (lambda image: repainted(image).filter(ImageFilter.GaussianBlur(3)), "pass"),
    "opposite colours": (lambda image: ImageOps.invert(repainted(image)), "fail"),
    "another size": (lambda image: ImageOps.invert(repainted(image)).resize((64, 64)), None),
    "nothing in it": (lambda image: Image.new("RGB", image.size, "navy"), None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_another_picture_is_not_kept(name: str, bench: SimpleNamespace) -> None:
    change, wanted = CHANGES[name]
    probe = next(bench.passing(RULE))
    draft, out = bench.good(probe), io.BytesIO()
    change(Image.open(io.BytesIO(draft.picture(0)))).save(out, "PNG")
    draft.replace(out.getvalue())
    found = bench.judge(RULE, draft.exchange(), bench.context(probe))
    assert (found.outcome if found else None) == wanted


def test_a_model_whose_masks_are_hints_is_not_asked(bench: SimpleNamespace) -> None:
    assert {one.model for one in bench.probes() if RULE in one.rules} == {"dall-e-2"}
