"""Pictures known by their first bytes, without decoding them; and masks, which say where a picture is edited."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD = 64 * 1024  # bytes from the start of a file in which its facts stand

# First bytes of a file -> format, suffix and media type.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png", "png", "image/png"),
    (b"\xff\xd8\xff", "jpeg", "jpg", "image/jpeg"),
    (b"GIF87a", "gif", "gif", "image/gif"),
    (b"GIF89a", "gif", "gif", "image/gif"),
)
Given = bytes | str | Path
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, from 0; right and bottom are outside."""


@dataclass(frozen=True)
class Picture:
    """What a picture's header says. `format` is "png", "jpeg", "webp", "gif", "svg", or "" for anything else; `width`
    and `height` are pixels once upright, 0 where they are not known; `alpha` whether it has an alpha channel."""

    format: str
    width: int = 0
    height: int = 0
    alpha: bool = False


def sniff(content: bytes) -> tuple[str, str, str]:
    """Format, suffix and media type that the bytes of a picture tell; ("", "", "") for anything else."""
    for signature, name, suffix, media_type in _SIGNATURES:
        if content.startswith(signature):
            return name, suffix, media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp", "webp", "image/webp"
    if b"<svg" in content[:1024] and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "svg", "svg", "image/svg+xml"
    return "", "", ""


def read_picture(head: bytes) -> Picture:
    """The picture that starts with these bytes, `HEAD` of them or fewer."""
    name = sniff(head)[0]
    try:
        return _READERS[name](head) if name in _READERS else Picture(name)
    except (struct.error, IndexError):
        return Picture(name)


def is_see_through(content: bytes) -> bool | None:
    """Whether some pixel of a PNG is below full alpha; None where that cannot be told without decoding it.

    Rows are compared with what a wholly opaque row is under its filter, so none has to be reversed.
    """
    try:
        width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", content[16:29])
        if not _png(content).alpha:
            return False
        if color not in (4, 6) or interlace or depth not in (8, 16):
            return None
        data = zlib.decompressobj().decompress(b"".join(_chunks(content, b"IDAT")))
    except (struct.error, zlib.error):
        return None
    step, sample = (2 if color == 4 else 4) * depth // 8, depth // 8
    length = 1 + width * step
    if len(data) < length * height:
        return None
    for row in range(height):
        line = data[row * length : (row + 1) * length]
        for byte in range(1 + step - sample, 1 + step):
            if line[byte::step] != _opaque(line[0], width, row == 0):
                return True
    return False


def make_mask(image: Given, *boxes: Box) -> bytes:
    """A PNG mask for a picture: transparent, so edited, inside the boxes, and opaque everywhere else.

    The picture is bytes or a path; its size is read from its header. Raises ValueError for a picture whose size is not
    known, for no box, and for a box that is empty or not inside it.
    """
    told = read_picture(_bytes_of(image)[:HEAD])
    if not told.width:
        raise ValueError("the size of the picture is not known: not a PNG, JPEG, WebP or GIF")
    if not boxes:
        raise ValueError("a mask needs a box: (left, top, right, bottom)")
    for box in boxes:
        left, top, right, bottom = box
        if not (0 <= left < right <= told.width and 0 <= top < bottom <= told.height):
            raise ValueError(f"the box {box} is empty, or not inside {told.width}x{told.height}")
    edges = sorted({0, told.height, *(edge for box in boxes for edge in (box[1], box[3]))})
    rows = b"".join(_row(told.width, boxes, top) * (bottom - top) for top, bottom in itertools.pairwise(edges))
    header = struct.pack(">IIBBBBB", told.width, told.height, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def check_mask(mask: Given, image: Given) -> None:
    """Raises ValueError for a mask that servers refuse: without alpha, opaque all over, or of another size."""
    mask = _bytes_of(mask)
    told, wanted = read_picture(mask[:HEAD]), read_picture(_bytes_of(image)[:HEAD])
    if not told.alpha:
        raise ValueError(f"the mask has no alpha channel ({told.format or 'unknown format'})")
    if told.format == "png" and is_see_through(mask) is False:
        raise ValueError("the mask is opaque all over, so nothing would be edited")
    if wanted.width and (told.width, told.height) != (wanted.width, wanted.height):
        raise ValueError(f"the mask is {told.width}x{told.height}, the picture {wanted.width}x{wanted.height}")


def _bytes_of(given: Given) -> bytes:
    return given if isinstance(given, bytes) else Path(given).read_bytes()


def _row(width: int, boxes: Sequence[Box], top: int) -> bytes:
    line = bytearray(b"\0" + b"\0\0\0\xff" * width)
    for left, start, right, bottom in boxes:
        if start <= top < bottom:
            line[1 + 4 * left : 1 + 4 * right] = bytes(4 * (right - left))
    return bytes(line)


def _opaque(kind: int, width: int, first: bool) -> bytes:
    """Filtered samples of a row of full alpha, below a row of the same or as the first one (PNG, section 9)."""
    if kind == 0:
        return b"\xff" * width
    if kind == 1 or (kind == 4 and first):
        return b"\xff" + bytes(width - 1)
    if kind == 3:
        return b"\xff" + b"\x80" * (width - 1) if first else b"\x80" + bytes(width - 1)
    return b"\xff" * width if first else bytes(width)


def _png(head: bytes) -> Picture:
    width, height, _, color = struct.unpack(">IIBB", head[16:26])
    return Picture("png", width, height, color in (4, 6) or any(True for _ in _chunks(head, b"tRNS")))


def _chunks(content: bytes, wanted: bytes) -> Iterator[bytes]:
    """The chunks of one kind in a PNG."""
    at = 8
    while at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == wanted:
            yield content[at + 8 : at + 8 + length]
        at += 12 + length


def _gif(head: bytes) -> Picture:
    return Picture("gif", *struct.unpack("<HH", head[6:10]))


def _webp(head: bytes) -> Picture:
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return Picture("webp", width, height, bool(head[20] & 0x10))
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return Picture("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1))
    width, height = struct.unpack("<HH", head[26:30])
    return Picture("webp", width & 0x3FFF, height & 0x3FFF)


def _jpeg(head: bytes) -> Picture:
    at, sideways = 2, False
    while head[at] == 0xFF:
        kind, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if kind == 0xE1 and head[at + 4 : at + 10] == b"Exif\0\0":
            sideways = _orientation(head[at + 10 : at + 2 + length]) >= 5
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return Picture("jpeg", *((height, width) if sideways else (width, height)))
        at += 2 + length
    return Picture("jpeg")


def _orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; from 5 on a picture lies on its side."""
    order = "<" if exif[:2] == b"II" else ">"
    start = struct.unpack(f"{order}I", exif[4:8])[0]
    for number in range(struct.unpack(f"{order}H", exif[start : start + 2])[0]):
        entry = exif[start + 2 + 12 * number : start + 14 + 12 * number]
        if struct.unpack(f"{order}H", entry[:2])[0] == 0x0112:
            return int(struct.unpack(f"{order}H", entry[8:10])[0])
    return 1


_READERS = {"png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp}
