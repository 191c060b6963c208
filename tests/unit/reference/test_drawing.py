"""Pictures: every format decodes, in the exact size, with alpha where it was asked for."""

from __future__ import annotations

import io
import itertools
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageChops, ImageStat

from imageproof_reference.captions import packet
from imageproof_reference.drawing import Canvas, draw, edit, paint, preview
from imageproof_reference.encoding import encode, encode_drawn, encode_frames, svg
from imageproof_reference.scene import scene

SQUARE = Canvas(96, 64)
CLEAR = Canvas(96, 64, transparent=True)
SAID = packet("a fox", 0)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def difference(first: Image.Image, second: Image.Image) -> float:
    """The mean distance of two RGB pictures, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean) / 3


@pytest.mark.parametrize("file_format", ["png", "jpeg", "webp", "gif"])
def test_a_still_decodes_in_its_size(file_format: str) -> None:
    picture = opened(encode(draw(scene("a fox", 0), SQUARE), file_format, 100, SAID))
    assert picture.size == SQUARE.size
    assert str(picture.format).lower() == file_format
    assert not picture.has_transparency_data


@pytest.mark.parametrize("file_format", ["png", "webp"])
def test_a_transparent_background_has_alpha_0_and_solid_pixels(file_format: str) -> None:
    picture = opened(encode(draw(scene("a fox", 0), CLEAR), file_format, 100, SAID))
    assert picture.mode == "RGBA"
    assert picture.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize("file_format", ["jpeg", "webp"])
def test_compression_changes_the_size_of_the_file(file_format: str) -> None:
    picture = draw(scene("a fox", 0), Canvas(256, 256))
    small, middle, large = (len(encode(picture, file_format, level, SAID)) for level in (0, 50, 100))
    assert small < middle < large


def test_the_same_words_give_the_same_bytes_and_another_index_another_picture() -> None:
    files = [
        encode(draw(scene(prompt, index), SQUARE), "png", 100, SAID) for prompt in ("a", "b") for index in range(10)
    ]
    assert len(set(files)) == 20
    assert files[0] == encode(draw(scene("a", 0), SQUARE), "png", 100, SAID)


def test_a_prompt_need_not_be_valid_unicode() -> None:
    assert draw(scene("\ud800", 0), SQUARE).size == SQUARE.size


@pytest.mark.parametrize(("asked", "shown"), [(200, 200), (204, 200), (205, 200), (206, 210), (9_999_999, 655350)])
def test_an_animation_has_its_frames_and_delays(asked: int, shown: int) -> None:
    frames = [paint(scene("a fox", 0, frame, 5), SQUARE) for frame in range(5)]
    picture = Image.open(io.BytesIO(encode_frames(frames, asked, SAID)))
    assert getattr(picture, "n_frames", 0) == 5
    seen = []
    for frame in range(5):
        picture.seek(frame)
        assert picture.info["duration"] == shown
        seen.append(picture.convert("RGB"))
    assert all(difference(one, two) > 0 for one, two in itertools.pairwise(seen))


@pytest.mark.parametrize("mode", ["RGB", "P", "L"])
@pytest.mark.parametrize("shade", [0, 127, 128, 255])
def test_frames_that_are_alike_stay_frames(mode: str, shade: int) -> None:
    frames = [Image.new(mode, SQUARE.size, shade if mode != "RGB" else (shade, shade, shade))] * 5
    assert getattr(Image.open(io.BytesIO(encode_frames(frames, 100, SAID))), "n_frames", 0) == 5


def test_a_delay_may_be_any_number() -> None:
    frames = [paint(scene("a fox", 0, frame, 2), SQUARE) for frame in range(2)]
    assert Image.open(io.BytesIO(encode_frames(frames, 10**400, SAID))).info["duration"] == 655350


@pytest.mark.parametrize("backdrop", [b"", encode(draw(scene("b", 0), SQUARE), "png", 100, SAID)])
def test_svg_is_xml_with_an_svg_root_of_the_size(backdrop: bytes) -> None:
    root = ElementTree.fromstring(svg(scene('<&">', 0), SQUARE, SAID, backdrop))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root.get("width"), root.get("height")) == ("96", "64")
    assert svg(scene("a", 0), CLEAR, SAID).count(b"<rect") == 0


def test_an_edit_starts_from_the_picture_and_keeps_what_the_mask_covers() -> None:
    source = Image.new("RGB", SQUARE.size, (200, 40, 40))
    mask = Image.new("RGBA", SQUARE.size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 48, 64))  # the left half is to be edited
    result = edit(scene("snow", 0), SQUARE, [source], mask)
    left, right = (0, 0, 48, 64), (48, 0, 96, 64)
    assert result.mode == "RGB"
    assert difference(result.crop(right), source.crop(right)) == 0
    assert (
        5
        < difference(result.crop(left), source.crop(left))
        < difference(draw(scene("snow", 0), SQUARE).crop(left), source.crop(left))
    )


def test_an_edit_shows_every_source_and_fits_any_mode_and_size() -> None:
    sources = [Image.new(mode, (30, 70)) for mode in ("RGB", "L", "LA", "P", "RGBA", "CMYK", "1", "I;16")]
    one, many = edit(scene("x", 0), SQUARE, sources[:1]), edit(scene("x", 0), SQUARE, sources)
    assert one.size == many.size == SQUARE.size
    assert difference(one, many) > 0


def test_an_edit_on_a_transparent_canvas_has_clear_corners() -> None:
    result = edit(scene("x", 0), CLEAR, [Image.new("RGB", (10, 10), "blue")])
    assert result.mode == "RGBA"
    assert result.getpixel((0, 0))[3] == 0 and result.getpixel((48, 32))[3] == 255  # type: ignore[index]  # RGBA pixel


def test_previews_sharpen() -> None:
    picture = draw(scene("a fox", 0), Canvas(256, 256))
    distances = [difference(preview(picture, step, 3), picture) for step in range(3)]
    assert distances == sorted(distances, reverse=True) and distances[-1] > 0
    assert preview(picture, 0, 3).size == picture.size


@pytest.mark.parametrize("canvas", [SQUARE, CLEAR, Canvas(1, 1), Canvas(1, 300), Canvas(2000, 3), Canvas(1024, 1536)])
def test_the_quick_png_is_the_same_picture(canvas: Canvas) -> None:
    picture = draw(scene("a fox", 0), canvas)
    quick, plain = (opened(make(picture, "png", 100, SAID)) for make in (encode_drawn, encode))
    assert (quick.mode, quick.size, quick.info.keys()) == (plain.mode, plain.size, plain.info.keys())
    assert quick.tobytes() == plain.tobytes() == picture.tobytes()
