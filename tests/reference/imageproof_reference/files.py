"""Files that callers send: what they are, found from their bytes alone, and the pictures in them."""

from __future__ import annotations

import base64
import binascii
import io
import math
import threading
from collections.abc import Mapping
from typing import IO

from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from imageproof.contract.violations import FileFacts
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
DECODING = threading.BoundedSemaphore(2)  # pictures unpacked at the same time, each of which may fill much memory
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
SVG_LOOKAHEAD = 1024

UNREADABLE = (
    Exception  # damaged files lead Pillow's readers to any error: ValueError, AssertionError, struct.error, ...
)


def facts(file: IO[bytes], max_pixels: int) -> FileFacts:
    """The facts of a file, which is decoded whole to find them. A file that is not a picture, is cut short, or unpacks
    into more than `max_pixels` pixels, has the format ""."""
    size = file.seek(0, io.SEEK_END)
    try:
        with DECODING, _opened(file, max_pixels) as picture:
            picture.load()
            width, height = _upright(picture).size
            alpha = picture.has_transparency_data
            return FileFacts(FORMATS[str(picture.format)], width, height, size, alpha, alpha and _see_through(picture))
    except UNREADABLE:
        return FileFacts("svg" if _looks_like_svg(file) else "", 0, 0, size, False, False)


def picture_of(file: IO[bytes], max_pixels: int, width: int, height: int) -> Image.Image:
    """The picture in a file, upright, as RGBA, cut at its longer edges to the shape of a canvas of `width` by `height`
    pixels, and no larger than that needs.

    Raises Refusal for a file without a readable picture.
    """
    try:
        with DECODING, _opened(file, max_pixels) as picture:
            picture.draft("RGB", (width, height))  # lets JPEG decode at a fraction of its size
            middle = _middle(_upright(picture), width / height).convert("RGBA")
            shrink = min(middle.width // width, middle.height // height)
            return middle.reduce(shrink) if shrink > 1 else middle
    except UNREADABLE:
        raise _unreadable() from None


def upright_picture(file: IO[bytes], max_pixels: int, most: int) -> Image.Image:
    """The whole picture in a file, upright, as RGBA where it may be see-through and as RGB elsewhere, shrunk by a whole
    number to at most `most` pixels.

    Raises Refusal for a file without a readable picture.
    """
    try:
        with DECODING, _opened(file, max_pixels) as picture:
            shown = _upright(picture)
            plain = shown.convert("RGBA" if shown.has_transparency_data else "RGB")
            shrink = math.ceil(math.sqrt(plain.width * plain.height / most))
            return plain.reduce(shrink) if shrink > 1 else plain
    except UNREADABLE:
        raise _unreadable() from None


def from_data_url(url: str, parameter: str) -> IO[bytes]:
    """The file inside a data URL. Raises Refusal for one that is not base64."""
    header, comma, text = url.partition(",")
    try:
        if not comma or not header.lower().endswith(";base64"):
            raise ValueError
        return io.BytesIO(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        message = "A data URL must hold a picture in base64."
        raise Refusal(message, param=parameter, code="invalid_base64_image") from None


def _unreadable() -> Refusal:
    return Refusal("The file is not a picture that can be read.", param="image", code="invalid_image_file")


def _opened(file: IO[bytes], max_pixels: int) -> Image.Image:
    file.seek(0)
    picture = Image.open(file, formats=OPENED)
    if picture.width * picture.height > max_pixels:
        raise ValueError("too many pixels")
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as its EXIF data says that it is to be seen; EXIF data that cannot be read says nothing."""
    try:
        turn = UPRIGHT.get(picture.getexif().get(ORIENTATION))
    except UNREADABLE:
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _middle(picture: Image.Image, ratio: float) -> Image.Image:
    """The largest part around the centre that has this ratio of width to height."""
    width = min(picture.width, max(1, round(picture.height * ratio)))
    height = min(picture.height, max(1, round(picture.width / ratio)))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _see_through(picture: Image.Image) -> bool:
    lowest, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return isinstance(lowest, int) and lowest < 255


def _looks_like_svg(file: IO[bytes]) -> bool:
    file.seek(0)
    return b"<svg" in file.read(SVG_LOOKAHEAD)
