"""File bytes from pictures, in every format that a family may answer with."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from PIL import Image

from imageproof_reference.drawing import Canvas
from imageproof_reference.scene import Colour, Scene

Encoder = Callable[[Image.Image, int], bytes]

MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}


def encode(picture: Image.Image, file_format: str, compression: int) -> bytes:
    """The file of a still picture. `compression` is 0 (smallest) to 100 (best) and means nothing for PNG.

    KeyError for a format that stills do not have.
    """
    return ENCODERS[file_format](picture, compression)


def encode_frames(frames: Iterable[Image.Image], milliseconds: int) -> bytes:
    """An endless animated GIF that shows each frame for `milliseconds`, rounded to the 10 that the format can hold."""
    duration = round(min(milliseconds, 655350) / 10) * 10  # the format counts hundredths in 16 bits
    first, *others = _told_apart(frames)
    return _saved(first, "GIF", save_all=True, append_images=others, duration=duration, loop=0, disposal=1)


def svg(shown: Scene, canvas: Canvas, backdrop: bytes = b"") -> bytes:
    """A scene as SVG text. `backdrop` is a PNG shown in place of the sky; a transparent canvas has neither."""
    width, height = canvas.size
    ground = _sky(shown) if not backdrop else _backdrop(backdrop)
    circle = (
        f'<circle cx="{shown.sun[0] * width:.1f}" cy="{shown.sun[1] * height:.1f}" '
        f'r="{shown.radius * min(width, height):.1f}" fill="{_hex(shown.sun_colour)}"/>'
    )
    hills = "".join(
        f'<polygon fill="{_hex(hill.colour)}" points="0,{height} {_points(hill.ridge, canvas)} {width},{height}"/>'
        for hill in shown.hills
    )
    return _svg(canvas, f"{'' if canvas.transparent else ground}{circle}{hills}")


def svg_around(png: bytes, canvas: Canvas) -> bytes:
    """A picture of pixels as an SVG that shows it and nothing else."""
    return _svg(canvas, _backdrop(png))


def _svg(canvas: Canvas, shapes: str) -> bytes:
    width, height = canvas.size
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return f"{head}{shapes}</svg>".encode()


def _told_apart(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
    """The frames, with one pixel changed in each that equals the one before it: Pillow would make them one frame."""
    before = b""
    for frame in frames:
        shown = frame
        if shown.tobytes() == before:
            shown = frame.convert("RGB")
            brightness = shown.convert("L").getpixel((0, 0))
            shown.putpixel((0, 0), (0, 0, 0) if isinstance(brightness, int) and brightness > 127 else (255, 255, 255))
        before = shown.tobytes()
        yield shown


def _sky(shown: Scene) -> str:
    top, horizon = map(_hex, shown.sky)
    return (
        '<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{horizon}"/>'
        '</linearGradient></defs><rect width="100%" height="100%" fill="url(#sky)"/>'
    )


def _backdrop(png: bytes) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<image width="100%" height="100%" preserveAspectRatio="xMidYMid slice" href="data:image/png;base64,{data}"/>'
    )


def _png(picture: Image.Image, _: int) -> bytes:
    return _saved(picture, "PNG", compress_level=1)  # three times as fast as the default, for little more size


def _jpeg(picture: Image.Image, compression: int) -> bytes:
    return _saved(picture.convert("RGB"), "JPEG", quality=max(1, compression))  # Pillow reads 0 as "use 75"


def _webp(picture: Image.Image, compression: int) -> bytes:
    return _saved(picture, "WEBP", quality=compression, method=0)


def _gif(picture: Image.Image, _: int) -> bytes:
    return _saved(picture, "GIF")


def _saved(picture: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _points(ridge: Sequence[tuple[float, float]], canvas: Canvas) -> str:
    return " ".join(f"{x * canvas.width:.1f},{y * canvas.height:.1f}" for x, y in ridge)


ENCODERS: Mapping[str, Encoder] = {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif}
