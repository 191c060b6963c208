"""A renderer that costs nothing."""

from __future__ import annotations

from PIL import Image

from imageproof_reference.renderers import RenderRequest


def render(request: RenderRequest) -> list[Image.Image]:
    """Plain red pictures, of one frame each."""
    return [Image.new("RGBA", (request.width, request.height), "red")] * request.count
