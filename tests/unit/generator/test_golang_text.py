"""What the Go target writes: identifiers, literals, comments and aligned lines."""

from __future__ import annotations

import pytest

from imageproof.emit.targets.golang.text import aligned, comment, literal
from imageproof.emit.targets.golang.types import KEYWORDS, exported, tag, unexported


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("b64_json", "B64JSON"),
        ("imageURL", "ImageURL"),
        ("gpt-image-2.5", "GPTImage2_5"),
        ("2nd", "X2nd"),
        ("日本", "X日本"),
        ("", "X"),
        ("__", "X"),
        ("élan", "Élan"),
        ("func", "Func"),
    ],
)
def test_identifiers_that_others_see(text: str, name: str) -> None:
    assert exported(text) == name


def test_identifiers_of_arguments() -> None:
    assert [unexported(text) for text in ("image_url", "2nd", "日本", "")] == ["imageURL", "x2nd", "日本", "x"]
    assert "type" in KEYWORDS


def test_literals() -> None:
    told: list[str | float | bool | None] = ['a"b\\c\n', "\x00\u202e", "\ud800", True, None, -1, 1.5]
    assert [literal(one) for one in told] == [
        *('"a\\"b\\\\c\\n"', '"\\u0000\\u202e"', '"\\ufffd"', "true", "nil", "-1", "1.5")
    ]


def test_comments_hold_nothing_that_gofmt_would_lay_out() -> None:
    assert comment("One.\n- a\n- b", "# Head", "[x]: y", "") == [
        *("// One.", "//", "// a", "//", "// b", "//", "// Head", "//", "// y")
    ]
    lines = comment("word " * 23 + "wo - more")
    assert all(not line.startswith("// -") for line in lines) and len(lines) == 1
    assert comment("a +build x") == ["// a + build x"]


def test_aligned_lines() -> None:
    assert aligned([("a", "1"), ("long", "2")], ":") == ["a:    1,", "long: 2,"]
    assert aligned([("A", "1"), ("Long", "2")], "=") == ["A    = 1", "Long = 2"]


def test_tags() -> None:
    assert tag("n") == '`api:"n"`'
    assert tag("id", "query", must=True) == '`api:"id" in:"query" must:"true"`'
    assert tag("`q`") == '"api:\\"`q`\\""'
