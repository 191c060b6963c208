"""Words out of names, names out of words, and clashes."""

from __future__ import annotations

import itertools

import pytest

from imageproof.api.names import assign, constant, pascal, snake, unreserved, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("createImage", ("create", "image")),
        ("image[]", ("image",)),
        ("gpt-image-2.5", ("gpt", "image", "2", "5")),
        ("HTTPServer", ("http", "server")),
        ("b64_json", ("b64", "json")),
        ("größe Ñandú", ("größe", "ñandú")),
        ("+-", ()),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_styles() -> None:
    assert snake("createImage", "SVG author") == "create_image_svg_author"
    assert pascal("create_image", "svg") == "CreateImageSvg"
    assert pascal("ImageURLPart") == "ImageURLPart"
    assert constant("createImage") == "CREATE_IMAGE"


@pytest.mark.parametrize("text", ["2nd", "+1", "", "²", "日本", "a b", "$ref", "x" * 300])
def test_every_name_is_an_identifier(text: str) -> None:
    for style in (snake, pascal, constant):
        assert style(text).isidentifier()


def test_reserved() -> None:
    assert (unreserved("class", {"class"}), unreserved("klass", {"class"})) == ("class_", "klass")


def test_a_clash_gives_the_name_to_nobody() -> None:
    wanted = {"one": ("Size", "GenerateSize"), "two": ("Size", "EditSize"), "three": ("Quality", "GenerateQuality")}
    assert assign(wanted) == {"one": "GenerateSize", "two": "EditSize", "three": "Quality"}


def test_a_taken_name_is_left_alone() -> None:
    assert assign({"one": ("Any", "AnyModel")}, {"Any"}) == {"one": "AnyModel"}


def test_numbers_come_last_and_never_collide() -> None:
    names = assign({"a": ("X",), "b": ("X",), "c": ("X_2",)})
    assert len(set(names.values())) == 3
    assert names["c"] == "X_2"


def test_the_order_of_asking_does_not_matter_before_numbers() -> None:
    wanted = {"a": ("X", "AX"), "b": ("X", "BX"), "c": ("AX", "CAX"), "d": ("Y", "DY")}
    results = [assign(dict(order)) for order in itertools.permutations(wanted.items())]
    assert all(result == results[0] for result in results)
