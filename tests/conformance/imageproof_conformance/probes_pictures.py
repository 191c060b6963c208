"""The input pictures of the probes: small real files, legal ones and ones that break a single fact."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
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
