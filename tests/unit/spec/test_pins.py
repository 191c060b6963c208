"""An id keeps its meaning: each is pinned with its sentence, and only retiring takes a rule out of force."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from imageproof.contract.requirements import Requirement, requirements
from imageproof.contract.yaml_text import read_text, read_yaml

PINNED = Path(__file__).with_name("pinned_requirements.yaml")
FILE = "tests/unit/spec/pinned_requirements.yaml"


def pins() -> Mapping[str, str]:
    """Id -> sentence of every requirement that there ever was."""
    found, _ = read_yaml(read_text(PINNED), FILE)
    return dict(found)


def pin(row: Requirement) -> str:
    """The line of the pins for a row."""
    return f"{row.id}: {json.dumps(row.sentence, ensure_ascii=False)}"


def complaints(pinned: Mapping[str, str], registry: Mapping[str, Requirement]) -> Iterator[str]:
    """What to do about each id that is gone, means something else, or is not pinned yet."""
    for name, sentence in pinned.items():
        row = registry.get(name)
        if row is None:
            yield f'{name} is gone. Put its row back, with retired: "YYYY.MM: why" in the place of judge or excluded.'
        elif row.sentence != sentence:
            yield (
                f"{name} has another sentence. If it asks for something else now: put the old sentence back, retire"
                f" the row, and give the new rule an id of its own. If only the words are better: replace its line in"
                f" {FILE} by\n{pin(row)}"
            )
    yield from (f"{row.id} is new. Add to {FILE}\n{pin(row)}" for row in registry.values() if row.id not in pinned)


def test_ids_keep_their_meaning() -> None:
    assert (found := "\n".join(complaints(pins(), requirements()))) == "", f"\n{found}"


COUNT = requirements()["GEN-COUNT"]


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ([], 'GEN-COUNT is gone. Put its row back, with retired: "YYYY.MM: why"'),
        ([replace(COUNT, sentence="Another.")], f'replace its line in {FILE} by\nGEN-COUNT: "Another."'),
        ([COUNT, replace(COUNT, id="GEN-NEW")], f"GEN-NEW is new. Add to {FILE}\nGEN-NEW: "),
    ],
    ids=["vanished", "changed", "new"],
)
def test_each_breach_says_what_to_do(registry: list[Requirement], said: str) -> None:
    (complaint,) = complaints({"GEN-COUNT": COUNT.sentence}, {row.id: row for row in registry})
    assert said in complaint


def test_a_retired_row_stays_pinned() -> None:
    retired = replace(COUNT, judge="", retired="2027.01: nobody counts any more")
    assert list(complaints({"GEN-COUNT": COUNT.sentence}, {"GEN-COUNT": retired})) == []
    assert not retired.judged


def test_the_line_to_add_is_read_back() -> None:
    rows = [replace(COUNT, id="GEN-QUOTES", sentence='It says "no": always, # and `never` \\ é.'), COUNT]
    found, _ = read_yaml("\n".join(map(pin, rows)), "pins")
    assert found == {row.id: row.sentence for row in rows}
