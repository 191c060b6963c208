"""Faults: each shows in plain calls, in just the places that fault_shows.yaml names, and the rest of the server is
sound. None of this asks the suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import yaml
from unit.reference.plain_calls import CALLS, CONTROLS, Caller, differences, tell

from imageproof.contract.document import load
from imageproof.contract.families import families
from imageproof.contract.requirements import requirements
from imageproof.errors import UsageError
from imageproof_reference.config import Config
from imageproof_reference.dialects import dialects
from imageproof_reference.faults import ANYTHING, Fault, faults, steps
from imageproof_reference.members import WORDS
from imageproof_reference.picture_steps import FILES
from imageproof_reference.serving import running
from imageproof_reference.steps import TABLES

HERE = Path(__file__).parent
SHOWS: dict[str, dict[str, list[str]]] = yaml.safe_load((HERE / "fault_shows.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sound() -> Iterator[Callable[[str], dict[str, str]]]:
    """What a call shows of a sound server, by the name of the call."""
    with running(Config(key="k", pause_seconds=0.0)) as url, httpx.Client(base_url=f"{url}/", timeout=60) as client:
        caller = Caller(client, "k")
        yield cache(lambda name: caller.tell(CALLS[name]))


@pytest.mark.parametrize("fault", faults())
def test_a_fault_shows_where_it_should_and_nowhere_else(fault: str, sound: Callable[[str], dict[str, str]]) -> None:
    shown = SHOWS[fault]
    assert shown
    for name, told in tell(fault, (*shown, *CONTROLS)).items():
        assert differences(sound(name), told) == shown.get(name, []), name


@pytest.mark.parametrize("fault", faults())
def test_a_row_names_what_exists(fault: str) -> None:
    row, document, registry = faults()[fault], load(), requirements()
    assert row.what.endswith(".") and row.id == fault
    assert set(row.families) <= {family.id for family in families(document)}
    assert row.operations == (ANYTHING,) or set(row.operations) <= set(document.operations())
    named = [rule for ids in row.rules.values() for rule in ids]
    assert len({*named, *row.unjudged, *row.elsewhere}) == len([*named, *row.unjudged, *row.elsewhere]) > 0
    for operation, ids in row.rules.items():
        assert operation == ANYTHING or all(operation in registry[rule].operations for rule in ids)
    assert [rule for rule in named if not registry[rule].judged] == [], "has no judge: move it to unjudged"
    assert [rule for rule in row.unjudged if registry[rule].judged] == [], "has a judge: move it to rules"
    assert row.seen in findings()


@cache
def findings() -> set[str]:
    """The ids of what was seen on servers, and of the rules of the sources."""
    return {one for row in requirements().values() for one in row.carries}


def test_every_rule_that_must_be_kept_is_broken_by_a_fault() -> None:
    broken = {rule for one in faults().values() for rule in (*ids_of(one), *one.unjudged, *one.elsewhere)}
    must = {one.id for one in requirements().values() if one.level == "MUST" and not (one.excluded or one.retired)}
    assert must - broken == set()
    assert len(faults()) >= 120


def ids_of(fault: Fault) -> list[str]:
    return [rule for ids in fault.rules.values() for rule in ids]


def test_every_transformation_is_used() -> None:
    rows = [
        *(row for one in faults().values() for row in one.steps),
        *(row for one in dialects().values() for row in one.steps),
    ]
    assert {name for table in TABLES.values() for name in table} == {name for name, _ in rows}
    words = {word for _, parameters in rows for word in parameters}
    assert set(WORDS) - words == set()
    assert set(FILES) - words == set()


def test_the_tellings_are_of_faults_that_exist() -> None:
    assert list(SHOWS) == list(faults())
    assert {call for shown in SHOWS.values() for call in shown} <= set(CALLS)


def test_a_fault_that_does_not_exist() -> None:
    with pytest.raises(
        UsageError, match=r"^no fault 'wrong-sizes'; did you mean wrong-size\? --list-faults names all$"
    ):
        steps("wrong-sizes")
    with pytest.raises(UsageError, match=r"^no fault 'x'; --list-faults names all$"):
        steps("x")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("telepathy", {}), r"^fault 'wrong-size' has a step 'telepathy' that no table "),
        (("status", {"too": 5}), r"^fault 'wrong-size', step 'status': missing a required argument: 'to'$"),
    ],
)
def test_a_row_that_no_code_fits(row: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"wrong-size": replace(faults()["wrong-size"], steps=(row,))}
    monkeypatch.setattr("imageproof_reference.faults.faults", lambda: broken)
    with pytest.raises(UsageError, match=said):
        steps("wrong-size")
