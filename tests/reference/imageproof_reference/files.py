"""Files that callers send: what they are, found from their bytes alone, and the pictures in them."""

from __future__ import annotations

import base64
import binascii
import io
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from imageproof.contract.violations import FileFacts
from imageproof_reference.memory import Gate
from imageproof_reference.refusal import Refusal

# Nothing else is opened: some of Pillow's readers start other programs. Naming the readers also loads them, which
# Image.open leaves undone for formats that are asked for by name.
READERS = (
    PngImagePlugin.PngImageFile,
    JpegImagePlugin.JpegImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
)
OPENED = tuple(reader.format for reader in READERS)
# Pillow's name -> ours. MPO is a JPEG of several pictures, as phones make them; the JPEG reader finds it.
FORMATS: Mapping[str, str] = {"PNG": "png", "JPEG": "jpeg", "MPO": "jpeg", "WEBP": "webp", "GIF": "gif"}
DECODING = Gate(16_000_000)  # 4 bytes each, and up to twice that where one picture is made of another
KEPT_IN_MEMORY = 1024 * 1024  # bytes; larger files go to the disk
ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT: Mapping[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = (5, 6, 7, 8)  # orientations that swap width and height
REDUCIBLE = ("L", "LA", "RGB", "RGBA")
MODES_WITH_ALPHA = ("LA", "RGBA")
SVG_LOOKAHEAD = 1024

UNREADABLE = (
    Exception  # damaged files lead Pillow's readers to any error: ValueError, AssertionError, struct.error, ...
)


def facts(file: IO[bytes], max_pixels: int) -> FileFacts:
    """The facts of a file, which is decoded whole to find them. A file that is not a picture, is cut short, or unpacks
    into more than `max_pixels` pixels, has the format ""."""
    size = file.seek(0, io.SEEK_END)
    try:
        with _opened(file, max_pixels) as picture:
            picture.load()
            picture.crop((0, 0, 1, 1)).convert("RGBA")  # not every one that can be read can be shown
            across, down = picture.size if _orientation(picture) not in ON_ITS_SIDE else reversed(picture.size)
            alpha = picture.has_transparency_data
            return FileFacts(FORMATS[str(picture.format)], across, down, size, alpha, alpha and _see_through(picture))
    except UNREADABLE:
        return FileFacts("svg" if _looks_like_svg(file) else "", 0, 0, size, False, False)


def too_many_pixels(file: IO[bytes], max_pixels: int) -> bool:
    """Whether a file that was not decoded is a picture, but one of more pixels than that."""
    file.seek(0)
    try:
        with Image.open(file, formats=OPENED) as picture:
            return picture.width * picture.height > max_pixels
    except Image.DecompressionBombError:
        return True
    except UNREADABLE:
        return False


def picture_of(file: IO[bytes], max_pixels: int, width: int, height: int) -> Image.Image:
    """The picture in a file, upright, as RGBA, cut at its longer edges to the shape of a canvas of `width` by `height`
    pixels, and no larger than that needs.

    Raises Refusal for a file without a readable picture.
    """
    try:
        with _opened(file, max_pixels) as picture:
            picture.draft("RGB", (width, height))  # lets JPEG decode at a fraction of its size
            upright = _upright(_reducible(picture))
            box = _middle(upright, width / height)
            shrink = min((box[2] - box[0]) // width, (box[3] - box[1]) // height)
            return (upright.reduce(shrink, box) if shrink > 1 else upright.crop(box)).convert("RGBA")
    except UNREADABLE:
        raise _unreadable() from None


def upright_picture(file: IO[bytes], max_pixels: int, most: int) -> Image.Image:
    """The whole picture in a file, upright, as RGBA where it may be see-through and as RGB elsewhere, shrunk by a whole
    number to at most `most` pixels.

    Raises Refusal for a file without a readable picture.
    """
    try:
        with _opened(file, max_pixels) as picture:
            shown = _upright(_reducible(picture))
            shrink = math.ceil(math.sqrt(shown.width * shown.height / most))
            fitting = shown.reduce(shrink) if shrink > 1 else shown
            return fitting.convert("RGBA" if fitting.has_transparency_data else "RGB")
    except UNREADABLE:
        raise _unreadable() from None


def from_data_url(url: str, parameter: str) -> IO[bytes]:
    """The file inside a data URL. Raises Refusal for one that is not base64."""
    header, comma, text = url.partition(",")
    try:
        if not comma or not header.lower().endswith(";base64"):
            raise ValueError
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        message = "A data URL must hold a picture in base64."
        raise Refusal(message, param=parameter, code="invalid_base64_image") from None
    file = spooled()
    file.write(data)
    file.seek(0)
    return file


def spooled() -> IO[bytes]:
    """A file for what callers send, which is on the disk once it is large. Who asks for it closes it."""
    return tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY)


def _unreadable() -> Refusal:
    return Refusal("The file is not a picture that can be read.", param="image", code="invalid_image_file")


@contextmanager
def _opened(file: IO[bytes], max_pixels: int) -> Iterator[Image.Image]:
    """The picture of a file, not yet unpacked, once there is room for its pixels."""
    file.seek(0)
    with Image.open(file, formats=OPENED) as picture:
        pixels = picture.width * picture.height
        if pixels > max_pixels:
            raise ValueError("too many pixels")
        with DECODING.entered(pixels):
            yield picture


def _reducible(picture: Image.Image) -> Image.Image:
    """The picture in a mode that can be shrunk. Those of most files can, which saves a copy of all pixels."""
    clear = picture.mode not in MODES_WITH_ALPHA and picture.has_transparency_data
    if picture.mode in REDUCIBLE and not clear:
        return picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _orientation(picture: Image.Image) -> object:
    """How EXIF data says that a picture is to be seen; EXIF data that cannot be read says nothing."""
    try:
        return picture.getexif().get(ORIENTATION)
    except UNREADABLE:
        return None


def _upright(picture: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _middle(picture: Image.Image, ratio: float) -> tuple[int, int, int, int]:
    """The box of the largest part around the centre that has this ratio of width to height."""
    width = min(picture.width, max(1, round(picture.height * ratio)))
    height = min(picture.height, max(1, round(picture.width / ratio)))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return left, top, left + width, top + height


def _see_through(picture: Image.Image) -> bool:
    shown = picture if picture.mode in MODES_WITH_ALPHA else picture.convert("RGBA")
    lowest, _ = shown.getchannel("A").getextrema()
    return isinstance(lowest, int) and lowest < 255


def _looks_like_svg(file: IO[bytes]) -> bool:
    file.seek(0)
    return b"<svg" in file.read(SVG_LOOKAHEAD)
