"""Files that callers send: told by their bytes, whatever is done to them."""

from __future__ import annotations

import io
import queue
import struct
import threading
import zlib

import pytest
from PIL import Image, ImageOps

from imageproof_reference.files import facts, from_data_url, picture_of, upright_picture
from imageproof_reference.memory import Gate
from imageproof_reference.refusal import Refusal

LIMIT = 1_000_000


def saved(picture: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, name, **options)
    return file.getvalue()


@pytest.mark.parametrize(("name", "ours"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp"), ("GIF", "gif")])
def test_facts_of_a_plain_picture(name: str, ours: str) -> None:
    data = saved(Image.new("RGB", (30, 20), "red"), name)
    found = facts(io.BytesIO(data), LIMIT)
    assert (found.format, found.width, found.height, found.bytes) == (ours, 30, 20, len(data))
    assert not found.alpha and not found.transparent


@pytest.mark.parametrize(("alpha", "transparent"), [(255, False), (254, True), (0, True)])
def test_an_alpha_channel_and_a_transparent_pixel_are_two_things(alpha: int, transparent: bool) -> None:
    found = facts(io.BytesIO(saved(Image.new("RGBA", (4, 4), (1, 2, 3, alpha)), "PNG")), LIMIT)
    assert found.alpha and found.transparent is transparent


def test_a_palette_with_a_transparent_colour_has_alpha() -> None:
    picture = Image.new("P", (4, 4), 0)
    found = facts(io.BytesIO(saved(picture, "PNG", transparency=0)), LIMIT)
    assert found.alpha and found.transparent


def test_size_is_the_one_after_orientation() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.new("RGB", (30, 20)), "JPEG", exif=exif)
    found = facts(io.BytesIO(data), LIMIT)
    assert (found.width, found.height) == (20, 30)
    assert picture_of(io.BytesIO(data), LIMIT, 200, 300).size == (20, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    drawn = Image.effect_noise((30, 20), 90)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(saved(drawn, "PNG", exif=exif)))).convert("RGBA")
    found = picture_of(io.BytesIO(saved(drawn, "PNG", exif=exif)), LIMIT, *expected.size)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("kind", [b"\x00\x02", b"\x00\x07", b"\x00\x0c", b"\xff\xff"])
def test_exif_data_that_makes_no_sense_is_passed_over(kind: bytes) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12" + kind + b"\0\0\0\x01a\0\0\0\0\0\0\0"
    data = saved(Image.new("RGB", (30, 20)), "JPEG", exif=exif)
    assert facts(io.BytesIO(data), LIMIT).width == 30
    assert picture_of(io.BytesIO(data), LIMIT, 30, 20).size == (30, 20)


PNG = saved(Image.effect_noise((64, 64), 50), "PNG")
BAD = {
    "empty": b"",
    "text": b"not a picture",
    "cut short": PNG[: len(PNG) // 2],
    "head alone": PNG[:8],
    "other format": saved(Image.new("RGB", (4, 4)), "BMP"),
    "zeros": bytes(1000),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_no_picture_has_no_format(data: bytes) -> None:
    assert facts(io.BytesIO(data), LIMIT).format == ""
    with pytest.raises(Refusal):
        picture_of(io.BytesIO(data), LIMIT, 10, 10)


def test_a_small_file_with_too_many_pixels_is_not_unpacked() -> None:
    bomb = saved(Image.new("1", (2000, 2000)), "PNG")
    assert len(bomb) < 10_000
    assert facts(io.BytesIO(bomb), LIMIT).format == ""


def test_svg_is_told_but_not_read() -> None:
    assert facts(io.BytesIO(b'<?xml version="1.0"?><svg xmlns="x"/>'), LIMIT).format == "svg"


def test_a_picture_is_reduced_to_what_is_needed() -> None:
    data = saved(Image.new("RGB", (800, 600)), "PNG")
    assert picture_of(io.BytesIO(data), LIMIT, 100, 100).size == (100, 100)


@pytest.mark.parametrize(("width", "height"), [(5000, 20), (20, 5000)])
def test_a_long_picture_is_cut_to_its_middle(width: int, height: int) -> None:
    drawn = Image.new("RGB", (width, height))
    drawn.paste("red", (width // 2 - 10, height // 2 - 10, width // 2 + 10, height // 2 + 10))
    found = picture_of(io.BytesIO(saved(drawn, "PNG")), LIMIT, 100, 100)
    assert found.size == (20, 20) and found.getcolors() == [(400, (255, 0, 0, 255))]


def test_data_urls() -> None:
    assert from_data_url("data:image/png;base64,aGk=", "images").read() == b"hi"
    for url in ("data:image/png;base64,a!", "data:image/png,hi", "data:", "data:image/png;base64,aGk"):
        with pytest.raises(Refusal):
            from_data_url(url, "images")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_picture_of_any_mode_is_shrunk_upright(mode: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.new(mode, (300, 200)).save(stream, "JPEG" if mode == "CMYK" else "PNG", exif=exif)
    size = (100, 67) if orientation == 1 else (67, 100)
    assert upright_picture(stream, 10**6, 10_000).size == size
    assert picture_of(stream, 10**6, 50, 50).size == (50, 50)
    found = facts(stream, 10**6)
    assert (found.width, found.height) == ((300, 200) if orientation == 1 else (200, 300))


def test_a_palette_without_colours_is_no_picture() -> None:
    head = struct.pack(">IIBBBBB", 16, 16, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(17 * 16))), (b"IEND", b"")]
    data = b"".join(struct.pack(">I", len(b)) + a + b + struct.pack(">I", zlib.crc32(a + b)) for a, b in chunks)
    assert facts(io.BytesIO(b"\x89PNG\r\n\x1a\n" + data), 10**6).format == ""


def test_pictures_wait_at_the_gate_until_there_is_room() -> None:
    gate, inside = Gate(10), queue.SimpleQueue[int]()

    def enter(pixels: int) -> None:
        with gate.entered(pixels):
            inside.put(pixels)

    with gate.entered(6):
        threads = [threading.Thread(target=enter, args=(pixels,)) for pixels in (4, 100)]
        threads[0].start()
        assert inside.get(timeout=10) == 4
        threads[1].start()
        with pytest.raises(queue.Empty):
            inside.get(timeout=0.1)
    assert inside.get(timeout=10) == 100  # more than there is room for, but alone
    for thread in threads:
        thread.join()
