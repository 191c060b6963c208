"""`imageproof explain`: requirements told to a person."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from imageproof.cli import main
from imageproof.contract.findings import findings
from imageproof.contract.requirements import requirements


def explain(*ids: str) -> Result:
    return CliRunner().invoke(main, ["explain", *ids])


@pytest.mark.parametrize("name", requirements())
def test_every_requirement(name: str) -> None:
    told = explain(name)
    row = requirements()[name]
    assert told.exit_code == 0
    assert told.stdout.startswith(f"{name}\n  {row.sentence}\n")
    for fact in (row.level, row.since, *row.sources, *row.operations, *(findings()[one].what for one in row.carries)):
        assert fact in told.stdout


def test_what_a_breach_breaks_and_how_it_is_judged() -> None:
    assert "plain calls of the official SDKs" in explain("gen-count").stdout
    told = {"refusal": "by sending what must be refused", "exchange": "on the answers of the plan"}
    for judge, words in told.items():
        assert words in explain(next(row.id for row in requirements().values() if row.judge == judge)).stdout
    excluded = next(row for row in requirements().values() if row.excluded)
    assert f"not tested: {excluded.excluded}" in explain(excluded.id).stdout


def test_a_finding_names_what_carries_it() -> None:
    told = explain("RW-024")
    assert told.exit_code == 0 and findings()["RW-024"].what in told.stdout and "GEN-COUNT" in told.stdout


@pytest.mark.parametrize("name", ["C001", "o1", " PATH-WITHOUT-SLASH "])
def test_a_contradiction_and_what_was_decided(name: str) -> None:
    told = explain(name)
    assert told.exit_code == 0 and "decided" in told.stdout and "because" in told.stdout


def test_two_at_once() -> None:
    assert explain("GEN-COUNT", "EDIT-COUNT").stdout.count("level") == 2


def test_an_unknown_one_names_its_neighbours() -> None:
    told = explain("GEN-CUONT")
    assert told.exit_code == 2 and "do you mean GEN-COUNT" in told.stderr
    assert "Traceback" not in told.output
