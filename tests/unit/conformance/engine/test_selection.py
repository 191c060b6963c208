"""The expression of -k, before anything is sent."""

from __future__ import annotations

import pytest

from imageproof.errors import UsageError
from imageproof_conformance.selection import chosen, compiled, nothing

ITEMS = [("GEN-N-RANGE", "dall-e-2"), ("EDIT-N-RANGE", "dall-e-2"), ("GEN-COUNT", "gpt-image-1")]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", ["GEN-N-RANGE", "EDIT-N-RANGE", "GEN-COUNT"]),
        ("n-range and not EDIT", ["GEN-N-RANGE"]),
        ("gpt-image-1", ["GEN-COUNT"]),
        ("STREAM", []),
    ],
)
def test_an_expression_selects_by_parts_of_names(text: str, rules: list[str]) -> None:
    assert [rule for rule, _ in chosen(text, ITEMS)] == rules


def test_what_cannot_be_read_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        compiled("a or or")


def test_why_nothing_is_selected() -> None:
    planned = [rule for rule, _ in ITEMS]
    assert "close to it: GEN-COUNT" in nothing("GEN-COUNTS", planned, planned)
    assert "no planned call asks for GEN-STREAM-TYPE" in nothing("STREAM", planned, [*planned, "GEN-STREAM-TYPE"])
    assert "--dry-run" in nothing("zzzzzz", planned, planned)
