"""Transformations of pictures: how the files differ that servers send. Each is a pure function of the bytes of one file
and of parameters; a file that it cannot read stays as it is."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageOps, ImageSequence

FileStep = Callable[..., bytes]  # (bytes, **parameters)
LOSSY = {"quality": 80}
OPAQUE = 255


def cut(data: bytes, *, share: float) -> bytes:
    """The beginning of a file, so much of it."""
    return data[: max(1, int(len(data) * share))]


def damaged(data: bytes) -> bytes:
    """Zeros in the middle of a file, where its pixels are."""
    middle, length = len(data) // 2, min(64, len(data) // 4)
    return data[:middle] + bytes(length) + data[middle + length :]


def checksummed(data: bytes) -> bytes:
    """A PNG of whose pixels the checksum is another, and that is right otherwise."""
    place, first = data.rfind(b"IEND") - 8, data[:1]
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :] if first == b"\x89" else data


def blank(data: bytes) -> bytes:
    """All pixels are black; as see-through as they were."""

    def blackened(image: Image.Image) -> Image.Image:
        black = Image.new("RGBA", image.size, (0, 0, 0, OPAQUE))
        if _lowest(data) < OPAQUE:
            black.putalpha(0)
        return black if image.has_transparency_data else black.convert("RGB")

    return _redrawn(data, blackened)


def text(data: bytes, *, text: str) -> bytes:
    """No picture at all."""
    return text.encode()


def encoded(data: bytes, *, file_format: str) -> bytes:
    """The same picture in another file format. One that is see-through stays as it is: it would lose that too."""
    return _redrawn(data, lambda image: image, file_format) if _lowest(data) == OPAQUE else data


def sized(data: bytes, *, width: float, height: float) -> bytes:
    """So many times as wide and as high."""
    return _redrawn(data, lambda image: image.resize((round(image.width * width), round(image.height * height))))


def turned(data: bytes) -> bytes:
    """Height for width. A square has no other side."""
    return _redrawn(data, lambda image: image.transpose(Image.Transpose.ROTATE_90))


def flat(data: bytes, *, alpha: bool) -> bytes:
    """Nothing is see-through any more; with `alpha` there is an alpha channel all the same."""

    def flattened(image: Image.Image) -> Image.Image:
        ground = Image.new("RGBA", image.size, (255, 255, 255, OPAQUE))
        ground.alpha_composite(image.convert("RGBA"))
        return ground if alpha else ground.convert("RGB")

    return _redrawn(data, flattened) if _lowest(data) < OPAQUE else data


def veiled(data: bytes, *, alpha: int) -> bytes:
    """All of it is see-through, where the file format can have that."""

    def through(image: Image.Image) -> Image.Image:
        image = image.convert("RGBA")
        image.putalpha(alpha)
        return image

    return _redrawn(data, through) if _opened(data, "PNG", "WEBP") is not None else data


def inverted(data: bytes) -> bytes:
    """Each colour is its opposite; as see-through as before."""

    def opposite(image: Image.Image) -> Image.Image:
        made = ImageOps.invert(image.convert("RGB"))
        if image.has_transparency_data:
            made.putalpha(image.convert("RGBA").getchannel("A"))
        return made

    return _redrawn(data, opposite)


def still(data: bytes) -> bytes:
    """The first frame of a moving picture alone."""
    return _frames(data, 1, None)


def paced(data: bytes, *, milliseconds: int) -> bytes:
    """Each frame of a moving picture for so long."""
    return _frames(data, None, milliseconds)


FILES: Mapping[str, FileStep] = {
    "cut": cut,
    "damaged": damaged,
    "checksummed": checksummed,
    "blank": blank,
    "text": text,
    "encoded": encoded,
    "sized": sized,
    "turned": turned,
    "flat": flat,
    "veiled": veiled,
    "inverted": inverted,
    "still": still,
    "paced": paced,
}


def file_step(how: Mapping[str, Any]) -> Callable[[bytes], bytes]:
    """The transformation of one name and its parameters, such as {"cut": {"share": 0.5}}. TypeError for another."""
    if len(how) != 1 or not set(how) <= set(FILES):
        raise TypeError(f"one of {', '.join(FILES)} is needed, not {', '.join(how) or 'nothing'}")
    ((name, parameters),) = how.items()
    return lambda data: FILES[name](data, **(parameters or {}))


def _frames(data: bytes, count: int | None, milliseconds: int | None) -> bytes:
    image = _opened(data, "GIF")
    if image is None:
        return data
    duration = image.info.get("duration", 0) if milliseconds is None else milliseconds
    first, *others = [frame.copy() for frame in ImageSequence.Iterator(image)][:count]
    out = io.BytesIO()
    first.save(out, "GIF", save_all=bool(others), append_images=others, duration=duration, loop=0)
    return out.getvalue()


def _opened(data: bytes, *formats: str) -> Image.Image | None:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for files that it cannot read
        return None
    return image if not formats or image.format in formats else None


def _lowest(data: bytes) -> int:
    """The lowest alpha of a picture; 255 for one without, or that cannot be read."""
    image = _opened(data)
    if image is None or not image.has_transparency_data:
        return OPAQUE
    lowest = image.convert("RGBA").getchannel("A").getextrema()[0]
    return int(lowest) if isinstance(lowest, int | float) else OPAQUE


def _redrawn(data: bytes, change: Callable[[Image.Image], Image.Image], file_format: str = "") -> bytes:
    """Read, changed and written again, in its own format or another. Moving pictures stay as they are."""
    image = _opened(data)
    if image is None or image.format is None or getattr(image, "n_frames", 1) > 1:
        return data
    out = io.BytesIO()
    wanted = (file_format or image.format).upper()
    made = change(image)
    made = made.convert("RGB") if wanted == "JPEG" else made
    made.save(out, wanted, **(LOSSY if wanted in ("JPEG", "WEBP") else {}))
    return out.getvalue()
