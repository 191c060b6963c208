"""What a target wrote is harmless when it is shown."""

from __future__ import annotations

import pytest

from imageproof_conformance.report.clean import line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\r\nb\tc", "a b c"),
        ("a\x00\x08b\x9bc", "a b c"),
        ("right\u202eleft\u2066x", "right left x"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("[bold]no markup[/bold]", "[bold]no markup[/bold]"),
        ("line\u2028line", "line line"),
        ("\ud800lone", "lone"),
        ("plain é 漢字", "plain é 漢字"),
    ],
)
def test_one_line_of_visible_characters(hostile: str, shown: str) -> None:
    assert line(hostile) == shown


def test_long_texts_are_cut_and_counted() -> None:
    assert line("x" * 1000, 10) == "x" * 10 + "… (990 more characters)"
    assert len(line("\x1b" * 10_000_000)) < 1000
