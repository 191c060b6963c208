"""The input pictures of the probes: small real files, legal ones and ones that break a single fact."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from imageproof.contract.violations import FileFacts
from imageproof_conformance.judges.picture import look

EDGE = 256  # pixels; the smallest edge that every known model takes


@dataclass(frozen=True)
class Picture:
    """A file to send. `name` is its file name; `facts` are those that rules ask of a file."""

    name: str
    data: bytes
    facts: FileFacts

    @property
    def media_type(self) -> str:
        return f"image/{self.facts.format}" if self.facts.format else "image/png"


def file_facts(data: bytes) -> FileFacts:
    """What rules may ask of a file, found by decoding it; format "" when it cannot be read."""
    seen = look(data)
    if seen.problem:
        return FileFacts("", 0, 0, len(data), False, False)
    return FileFacts(seen.format, seen.width, seen.height, len(data), seen.alpha, seen.lowest < 255)


@lru_cache(maxsize=1)
def legal() -> tuple[Picture, ...]:
    """Square PNGs with a see-through middle, each of another colour: legal as image, mask and markup of every model."""
    colours = ((200, 60, 40), (40, 120, 200))
    return tuple(
        _picture(f"picture-{index}.png", "PNG", "RGBA", (EDGE, EDGE), one, 0) for index, one in enumerate(colours)
    )


@lru_cache(maxsize=1)
def illegal() -> Mapping[str, Picture]:
    """Files that differ from the legal ones in one fact, by what that is."""
    colour, square = (60, 140, 60), (EDGE, EDGE)
    unreadable = b"this is no picture\n" * 8
    return {
        "unreadable": Picture("unreadable.png", unreadable, file_facts(unreadable)),
        "without-alpha": _picture("without-alpha.png", "PNG", "RGB", square, colour, 255),
        "other-size": _picture("other-size.png", "PNG", "RGBA", (EDGE // 2, EDGE // 2), colour, 0),
        "not-square": _picture("not-square.png", "PNG", "RGBA", (EDGE, EDGE // 2), colour, 0),
        "opaque": _picture("opaque.png", "PNG", "RGBA", square, colour, 255),
        "gif": _picture("picture.gif", "GIF", "RGB", square, colour, 255),
        "webp": _picture("picture.webp", "WEBP", "RGBA", square, colour, 0),
    }


@lru_cache(maxsize=4)
def in_format(form: str) -> Picture:
    """A legal picture in another file format, as JPEG without its alpha."""
    mode, hole = ("RGB", 255) if form == "jpeg" else ("RGBA", 0)
    return _picture(f"picture.{form}", form.upper(), mode, (EDGE, EDGE), (120, 60, 160), hole)


@lru_cache(maxsize=2)
def of_bytes(count: int) -> Picture:
    """A legal PNG of so many bytes. The rest stands in private chunks that readers pass over."""
    plain = legal()[0]
    end = len(plain.data) - 12  # where the last chunk, IEND, begins
    left, filler = count - len(plain.data), bytearray()
    while left:
        size = left - 12 if left <= _CHUNK else min(_CHUNK, left - 12 - 12) - 12
        body = b"paDd" + bytes(size)
        filler += size.to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        left -= size + 12
    data = plain.data[:end] + bytes(filler) + plain.data[end:]
    return Picture("large.png", data, replace(plain.facts, bytes=len(data)))


_CHUNK = 2**20  # readers may refuse larger ones


def _picture(
    name: str, form: str, mode: str, size: tuple[int, int], colour: tuple[int, int, int], hole: int
) -> Picture:
    """A disc on a plain ground. `hole` is the alpha of the disc."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", size, (*colour, 255))
    box = (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4)
    ImageDraw.Draw(image).ellipse(box, fill=(255, 240, 200, hole))
    out = io.BytesIO()
    image.convert(mode).save(out, form)
    return Picture(name, out.getvalue(), file_facts(out.getvalue()))
