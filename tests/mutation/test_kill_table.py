"""generated/docs/kill-table.md: all faults and no others, its own sums, and what README says of it. That the suite does
catch each fault so today is held by test_faults.py, and that it accuses no dialect by test_dialects.py."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from mutation import kills
from mutation.kills import COMMAND, GENERATED, PAGE, README, Row

from imageproof_reference.dialects import dialects
from imageproof_reference.faults import faults

ROWS = kills.read()
TEXT = (GENERATED / PAGE).read_text(encoding="utf-8")
MOST_OTHERWISE = 0.05  # of the faults may be caught by other ids than their own


def lines(title: str) -> list[list[str]]:
    """The cells of a table of the page, without its head."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0] if title else TEXT.partition("\n## ")[0]
    found = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:1] == "|"
    ]
    return found[2:]


def test_the_page_is_what_was_measured() -> None:
    assert kills.page(ROWS) == TEXT, f"run {COMMAND} --page"


def test_the_rows_are_the_catalogue() -> None:
    assert [(row.kind, row.id) for row in ROWS] == kills.servers(), f"run {COMMAND}"
    assert [row.id for row in ROWS if row.made_of != kills.made_of(row.kind, row.id)] == [], f"run {COMMAND}"
    assert [line[0].strip("`") for line in lines("Faults")] == list(faults())
    benign = [one.id for one in dialects().values() if one.kind == "benign"]
    assert [line[0].strip("`") for line in lines("Servers that keep every MUST")] == ["in order", *benign]


def test_the_ids_are_those_of_the_catalogue() -> None:
    for line in lines("Faults"):
        named = {rule for ids in faults()[line[0].strip("`")].rules.values() for rule in ids}
        assert set(re.findall(r"\[`([^`]+)`\]", line[1])) == named


def test_the_totals_are_the_sums_of_the_rows() -> None:
    broken, sound = lines("Faults"), lines("Servers that keep every MUST")
    said = {line[0]: line[1:] for line in lines("")}
    exactly = sum(line[2] == "exactly" for line in broken)
    assert said.pop("faults") == [str(len(broken))] * 2
    assert said.pop("caught by exactly the ids")[0] == str(exactly)
    for name, word in (("caught", "missed"), ("missed", "caught")):
        ours = sum(line[2].startswith("missed") == (name == "missed") for line in broken)
        assert said.pop(name) == [str(ours), str(sum(not line[5].startswith(word) for line in broken))]
    assert said.pop("servers that keep every MUST") == [str(len(sound))] * 2
    alarms = [str(sum(line[2] != "exactly" for line in sound)), str(sum(line[5] != "nothing" for line in sound))]
    assert said.pop("of those with a false alarm") == alarms
    for name, places in (("requests in all", (3, 6)), ("pictures in all", (4, 7))):
        assert said.pop(name) == [str(sum(int(line[place]) for line in [*broken, *sound])) for place in places]
    assert said == {}
    assert exactly >= (1 - MOST_OTHERWISE) * len(broken)


def test_readme_quotes_the_totals() -> None:
    readme = README.read_text(encoding="utf-8")
    assert kills.sentence(ROWS) in " ".join(readme.split())
    assert kills.quoting(readme, ROWS) == readme != kills.quoting(readme, ROWS[:-1]), f"run {COMMAND} --page"


@pytest.mark.parametrize("row", [one for one in ROWS if one.kind != "fault"], ids=lambda row: row.id)
def test_nobody_is_accused_who_keeps_every_must(row: Row) -> None:
    assert row.said == "exactly"


def test_what_was_said_of_a_server() -> None:
    row = replace(ROWS[0], must=("A", "B"))
    assert replace(row, ours=("B", "A")).said == "exactly"
    assert replace(row, ours=("A", "B", "C")).said == "more"
    assert replace(row, ours=("A", "C")).said == "missed"


def test_a_table_that_is_not_of_the_catalogue(tmp_path: Path) -> None:
    """What is kept comes back as it was, in the order of the catalogue, without what the catalogue has no more."""
    path = tmp_path / "kills.jsonl"
    kills.write([ROWS[-1], ROWS[0], replace(ROWS[1], id="gone")], path)
    assert kills.read(path) == [ROWS[0], ROWS[-1]]
    assert kills.page([*ROWS[:-1], replace(ROWS[-1], our_pictures=ROWS[-1].our_pictures + 1)]) != TEXT
