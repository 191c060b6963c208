"""File bytes from pictures, in every format that a family may answer with."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from PIL import Image

from imageproof_reference.drawing import Canvas
from imageproof_reference.scene import Colour, Scene

Encoder = Callable[[Image.Image, int, bytes], bytes]

PNG_HEAD = 8  # bytes before the first chunk of a PNG file
COLOUR_TYPES = {"RGB": 2, "RGBA": 6}  # of PNG
XMP_CHUNK = b"XML:com.adobe.xmp\0\0\0\0\0"  # its keyword, and that nothing is compressed or translated

MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}


def encode(picture: Image.Image, file_format: str, compression: int, packet: bytes) -> bytes:
    """The file of a still picture, with an XMP packet in it. `compression` is 0 (smallest) to 100 (best) and means
    nothing for PNG.

    KeyError for a format that stills do not have.
    """
    return ENCODERS[file_format](picture, compression, packet)


def encode_drawn(picture: Image.Image, file_format: str, compression: int, packet: bytes) -> bytes:
    """The same for a picture of few colours, RGB or RGBA, which makes a PNG in less than half the time."""
    if file_format != "png":
        return encode(picture, file_format, compression, packet)
    return _with_packet(_unfiltered_png(picture), packet)


def encode_frames(frames: Iterable[Image.Image], milliseconds: int, packet: bytes) -> bytes:
    """An endless animated GIF that shows each frame for `milliseconds`, rounded to the 10 that the format can hold. The
    packet is its comment."""
    duration = round(min(milliseconds, 655350) / 10) * 10  # the format counts hundredths in 16 bits
    first, *others = _told_apart(frames)
    timed = {"duration": duration, "loop": 0, "disposal": 1}
    return _saved(first, "GIF", save_all=True, append_images=others, comment=packet, **timed)


def svg(shown: Scene, canvas: Canvas, packet: bytes, backdrop: bytes = b"") -> bytes:
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
    return _svg(canvas, packet, f"{'' if canvas.transparent else ground}{circle}{hills}")


def svg_around(png: bytes, canvas: Canvas, packet: bytes) -> bytes:
    """A picture of pixels as an SVG that shows it and nothing else."""
    return _svg(canvas, packet, _backdrop(png))


def _svg(canvas: Canvas, packet: bytes, shapes: str) -> bytes:
    width, height = canvas.size
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return f"{head}<metadata>{packet.decode()}</metadata>{shapes}</svg>".encode()


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


def _png(picture: Image.Image, _: int, packet: bytes) -> bytes:
    # Level 1 is three times as fast as the default, for little more size.
    return _with_packet(_saved(picture, "PNG", compress_level=1), packet)


def _jpeg(picture: Image.Image, compression: int, packet: bytes) -> bytes:
    quality = max(1, compression)  # Pillow reads 0 as "use 75"
    return _saved(picture.convert("RGB"), "JPEG", quality=quality, xmp=packet)


def _webp(picture: Image.Image, compression: int, packet: bytes) -> bytes:
    return _saved(picture, "WEBP", quality=compression, method=0, xmp=packet)


def _gif(picture: Image.Image, _: int, packet: bytes) -> bytes:
    return _saved(picture, "GIF", comment=packet)


def _unfiltered_png(picture: Image.Image) -> bytes:
    """A PNG file whose rows are packed as they are. Pillow tries five filters on each row, which takes most of its time
    and gains nothing where colours are flat; only rows of palette indices it leaves alone. So the bytes of each row are
    packed as if they were such indices, and the head says what they are."""
    width, height = picture.size
    rows = Image.frombuffer("P", (width * len(picture.mode), height), picture.tobytes(), "raw", "P", 0, 1)
    rows.putpalette(bytes(3 * 256))  # so many colours take a byte each
    head = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[picture.mode], 0, 0, 0)
    file = _saved(rows, "PNG", compress_level=1)
    packed = b"".join(_chunk(name, data) for name, data in _chunks(file) if name == b"IDAT")
    return file[:PNG_HEAD] + _chunk(b"IHDR", head) + packed + _chunk(b"IEND", b"")


def _with_packet(png: bytes, packet: bytes) -> bytes:
    """A PNG file with an XMP packet after its first chunk, the head."""
    at = PNG_HEAD + len(_chunk(*next(_chunks(png))))
    return png[:at] + _chunk(b"iTXt", XMP_CHUNK + packet) + png[at:]


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = PNG_HEAD
    while at < len(png):
        size, name = struct.unpack_from(">I4s", png, at)
        yield name, png[at + 8 : at + 8 + size]
        at += 12 + size


def _chunk(name: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", zlib.crc32(name + data))))


def _saved(picture: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _points(ridge: Sequence[tuple[float, float]], canvas: Canvas) -> str:
    return " ".join(f"{x * canvas.width:.1f},{y * canvas.height:.1f}" for x, y in ridge)


ENCODERS: Mapping[str, Encoder] = {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif}
