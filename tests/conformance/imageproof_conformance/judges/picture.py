"""One picture decoded, within bounds. The bytes are hostile: whatever is wrong with them becomes a text."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 128 * 2**20  # a 3840x2160 picture as raw PNG is about 32 MB
MAX_PIXELS = 64_000_000  # eight times the largest picture that any family makes

# First bytes of the formats that the contract knows. Sources: PNG 1.2 (3.1), JFIF 1.02, RIFF/WebP container, GIF89a.
_MAGIC: tuple[tuple[str, int, bytes], ...] = (
    ("png", 0, b"\x89PNG\r\n\x1a\n"),
    ("jpeg", 0, b"\xff\xd8\xff"),
    ("webp", 8, b"WEBP"),
    ("gif", 0, b"GIF8"),
)


@dataclass(frozen=True)
class Facts:
    """What a file turned out to be.

    format   "png", "jpeg", "webp", "gif", "svg", or "" when the first bytes are none of these
    problem  why it cannot be decoded to its last byte, "" when it can; without a problem the rest holds
    width, height  pixels of the first frame (0 for svg)
    alpha    has an alpha channel, or a transparent palette entry
    lowest   lowest alpha of any pixel, 0..255; 255 without an alpha channel
    blank    all pixels look the same: one colour, or nothing that is not see-through
    """

    format: str
    problem: str = ""
    width: int = 0
    height: int = 0
    alpha: bool = False
    lowest: int = 255
    blank: bool = False


def magic(data: bytes) -> str:
    """The format that the first bytes announce, "" for none that is known."""
    for name, offset, mark in _MAGIC:
        if data[offset : offset + len(mark)] == mark:
            return name
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "svg" if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in data[:4096].lower()) else ""


@lru_cache(maxsize=64)
def look(data: bytes) -> Facts:
    """Decode a file whole."""
    form = magic(data)
    if not data:
        return Facts("", "the file is empty")
    if len(data) > MAX_BYTES:
        return Facts(form, f"the file has {len(data)} bytes, more than is decoded")
    if form == "svg":
        return Facts(form)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(data, form)
    except Exception as error:  # decoders raise whatever they like on hostile bytes
        return Facts(form, f"cannot be decoded: {type(error).__name__}: {str(error)[:80]}")


def _decoded(data: bytes, form: str) -> Facts:
    from PIL import Image  # 0.05 s that planning need not pay

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")) as image:
        facts = Facts(form, "", image.width, image.height)
        if image.width * image.height > MAX_PIXELS:
            return replace(facts, problem=f"{image.width}x{image.height} pixels are more than is decoded")
        if not form:
            facts = replace(facts, format=(image.format or "").lower())
        image.load()
        if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
            low = image.convert("RGBA").getchannel("A").getextrema()[0]
            facts = replace(facts, alpha=True, lowest=int(low) if isinstance(low, int | float) else 255)
        facts = replace(facts, blank=_blank(image))
    if form == "png":
        with Image.open(io.BytesIO(data)) as image:
            image.verify()  # the checksums, which reading the pixels passes over
    cut = _cut(data, form)
    return replace(facts, problem=cut) if cut else facts


def _blank(image: Image.Image) -> bool:
    """Whether all pixels of the first frame look the same."""
    extremes = image.convert("RGBA").getextrema()
    lows, highs = zip(*extremes, strict=True)
    return bool(highs[-1] == 0 or lows == highs)


def _cut(data: bytes, form: str) -> str:
    """Whether the end marker is missing, which decoders forgive."""
    if form == "png" and b"IEND" not in data[-64:]:
        return "the end marker of the PNG is missing"
    if form == "jpeg" and b"\xff\xd9" not in data[-64:]:
        return "the end marker of the JPEG is missing"
    if form == "webp" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        return "the WebP file is shorter than it says"
    return ""
