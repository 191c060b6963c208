"""Pictures from scenes: exact sizes, real transparency, edits that start from the pictures that were sent.

Everything is drawn with a palette first. That keeps a picture of a million pixels within a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageOps

from imageproof_reference.scene import Colour, Scene

SKY_BANDS = 96  # colours of the sky's gradient; with sun and hills they must fit a palette of 256
EDIT_STRENGTH = 0.55  # how far the new scene covers the picture that is edited
INSET_SHARE = 5  # a further input picture is shown in a box of a fifth of the edges


@dataclass(frozen=True)
class Canvas:
    """How large a picture is, in pixels, and whether its background is see-through."""

    width: int
    height: int
    transparent: bool = False

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def draw(shown: Scene, canvas: Canvas) -> Image.Image:
    """A picture of a scene: RGB, or RGBA with a sky of alpha 0 on a transparent canvas."""
    return paint(shown, canvas).convert("RGBA" if canvas.transparent else "RGB")


def edit(shown: Scene, canvas: Canvas, sources: Sequence[Image.Image], mask: Image.Image | None = None) -> Image.Image:
    """The first source with a scene laid over it and the other sources shown as insets.

    Where a mask has full alpha the first source stays as it is. Sources and mask may have any size and mode; they are
    fitted to the canvas. The result is RGB, or RGBA on a transparent canvas, where the corners have alpha 0.
    """
    original = _fitted(sources[0], canvas)
    overlay = paint(shown, Canvas(canvas.width, canvas.height)).convert("RGBA")
    edited = Image.blend(original, overlay, EDIT_STRENGTH)
    for place, source in enumerate(sources[1:]):
        _inset(edited, source, place)
    if mask is not None:
        edited = Image.composite(original, edited, _fitted(mask, canvas).getchannel("A"))
    return _cut_out(edited) if canvas.transparent else flat(edited)


def preview(picture: Image.Image, step: int, steps: int) -> Image.Image:
    """The picture as it may look after `step` of `steps` previews (from 0): the same size, blurred less each time."""
    shrink = 2 ** (steps - step + 2)
    width, height = max(1, picture.width // shrink), max(1, picture.height // shrink)
    return picture.resize((width, height), Image.Resampling.BOX).resize(picture.size, Image.Resampling.BILINEAR)


def paint(shown: Scene, canvas: Canvas) -> Image.Image:
    """A palette picture of a scene, the quickest to draw. On a transparent canvas the sky has alpha 0."""
    width, height = canvas.size
    bands = Image.new("P", (1, height))
    bands.putdata([row * SKY_BANDS // height for row in range(height)])
    painted = bands.resize(canvas.size, Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(painted)
    radius = shown.radius * min(width, height)
    across, down = shown.sun[0] * width, shown.sun[1] * height
    pen.ellipse((across - radius, down - radius, across + radius, down + radius), fill=SKY_BANDS)
    for layer, hill in enumerate(shown.hills):
        ridge = [(x * width, y * height) for x, y in hill.ridge]
        pen.polygon([(0, height), *ridge, (width, height)], fill=SKY_BANDS + 1 + layer)
    painted.putpalette(_palette(shown, 0 if canvas.transparent else 255), "RGBA")
    return painted


def _palette(shown: Scene, sky_alpha: int) -> list[int]:
    top, horizon = shown.sky
    sky = [_between(top, horizon, band / (SKY_BANDS - 1)) for band in range(SKY_BANDS)]
    solid = [shown.sun_colour, *(hill.colour for hill in shown.hills)]
    return [
        value for colours, alpha in ((sky, sky_alpha), (solid, 255)) for colour in colours for value in (*colour, alpha)
    ]


def _between(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _fitted(source: Image.Image, canvas: Canvas) -> Image.Image:
    fitted = ImageOps.fit(source.convert("RGBA"), canvas.size, Image.Resampling.BILINEAR)
    fitted.info = {}  # comments and colour profiles of an upload are not those of what is made of it
    return fitted


def _inset(edited: Image.Image, source: Image.Image, place: int) -> None:
    """Paste a further source into the grid of boxes that fills the picture from its lower left corner."""
    box = Canvas(max(1, edited.width // INSET_SHARE), max(1, edited.height // INSET_SHARE))
    row, column = divmod(place, INSET_SHARE)
    at = (column * box.width, max(0, edited.height - (row + 1) * box.height))
    edited.paste(_fitted(source, box), at)


def _cut_out(picture: Image.Image) -> Image.Image:
    """The picture inside an ellipse that touches all edges; what lies outside becomes transparent."""
    inside = Image.new("L", picture.size, 0)
    ImageDraw.Draw(inside).ellipse((0, 0, picture.width - 1, picture.height - 1), fill=255)
    picture.putalpha(ImageChops.multiply(inside, picture.getchannel("A")))
    return picture


def flat(picture: Image.Image) -> Image.Image:
    """The picture on white, without an alpha channel."""
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")
