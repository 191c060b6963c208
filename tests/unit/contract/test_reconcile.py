"""The sources, the decisions, and that every difference between them and the contract is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from imageproof.contract.decisions import COUNTED, decisions, pattern, read_decisions
from imageproof.contract.document import load
from imageproof.contract.examples import Example, examples, real_answers
from imageproof.contract.locate import spec_file
from imageproof.contract.reconcile import Reconciliation, reconcile
from imageproof.contract.sources import Source, sources
from imageproof.contract.yaml_text import read_text
from imageproof.errors import DocumentError

SOURCES = sources()
CONTRACT = load()
ROWS: list[dict[str, Any]] = yaml.safe_load(spec_file("decisions.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def told() -> Reconciliation:
    return reconcile(CONTRACT, SOURCES, decisions())


def test_every_difference_is_decided(told: Reconciliation) -> None:
    assert [str(one) for one in told.problems] == []
    assert len(told.discrepancies) == len({one.key for one in told.discrepancies})


def test_every_known_contradiction_is_settled() -> None:
    """141 between the sources, 26 within the official material."""
    assert len(COUNTED) == 141 + 26
    assert {one for row in decisions().rows.values() for one in row.settles} == COUNTED


# What a source claims, wrong as it is: the key of a discrepancy, and what the source says there.
CLAIMS = {
    "openai-hub createImage 200 json:data[].url required": "required",
    "openai-hub createImageEdit form:n type": "string",
    "openai-hub createImage security value": "http bearer or none",
    "openai-hub createImage json:style@dall-e-3 values": "1024x1024, 1792x1024, 1024x1792",
    "openai-hub createImageEdit form named": "its media type is not told",
    "translated-reference createImageVariation form:prompt member": "there",
    "translated-reference createImageEdit form:image type": "string",
    "translated-reference createImageEdit form:mask member": "not there",
    "apifox-export createImage 200 json:created required": "optional",
    "apifox-export api servers described": "not described",
    "scraped-reference createImage path value": "/images/generations/",
    "scraped-reference api base value": "/v1/v1",
    "scraped-reference createImage json:stream type": "string",
    "scraped-reference createImage 200 json:usage required": "required",
    "new-api createImageVariation form:prompt member": "there",
    "new-api createImageEdit form:image parts": "image",
    "official createImage 200 json:data required": "optional",
    "official createImageEdit json:size values": "auto, 1024x1024, 1536x1024, 1024x1536",
}


@pytest.mark.parametrize("key", CLAIMS)
def test_wrong_claims_are_kept(told: Reconciliation, key: str) -> None:
    (found,) = [one for one in told.discrepancies if one.key == key]
    assert found.difference is not None and found.difference.theirs == CLAIMS[key]
    assert told.covering[key]


@pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))
class TestSource:
    def test_it_is_an_openapi_document(self, source: Source) -> None:
        validate(source.document.data)

    def test_every_line_is_one_of_the_source(self, source: Source) -> None:
        lines = list(_lines(source.document.data))
        assert all(1 <= line <= source.lines for line in lines)
        assert bool(lines) == bool(source.lines)

    def test_every_example_has_both_verdicts(self, source: Source) -> None:
        told = list(examples(CONTRACT, source))
        assert len(told) == len({(one.operation, one.place, one.name) for one in told})
        assert sum(_count(source.document.data)) == len(told)
        assert all(one.line is not None for one in told) or not source.lines


def _lines(node: Any) -> Iterator[int]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "x-line":
            yield value
        yield from _lines(value)


def _count(node: Any) -> Iterator[int]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "content" and isinstance(value, dict):
            yield from (len(media.get("examples", {})) for media in value.values())
        else:
            yield from _count(value)


def verdict(source: str, operation: str, place: str, name: str) -> Example:
    (found,) = [
        one
        for one in examples(CONTRACT, SOURCES[source])
        if (one.operation, one.place, one.name) == (operation, place, name)
    ]
    return found


def test_examples_against_their_own_document() -> None:
    """A mask that is an empty list, a variation without the prompt that is required, a sample with image[]."""
    assert "is not of type 'string'" in verdict("openai-hub", "createImageEdit", "request", "body").own[0]
    assert (
        "'prompt' is a required property"
        in verdict("translated-reference", "createImageVariation", "request", "curl").own[0]
    )
    assert verdict("apifox-export", "createImage", "request", "curl").own == ()


def test_examples_against_the_contract() -> None:
    assert verdict("apifox-export", "createImage", "request", "curl").contract == ()
    assert "must be a file" in " ".join(verdict("openai-hub", "createImageEdit", "request", "body").contract)
    assert "is not valid under any" in verdict("official", "createImage", "200", "partial").contract[0]


def test_what_no_real_answer_can_satisfy() -> None:
    assert {name: real_answers(CONTRACT, source)[0] for name, source in SOURCES.items()}["scraped-reference"] == 0
    assert all(real_answers(CONTRACT, SOURCES[name])[0] for name in SOURCES if name != "scraped-reference")


def without(row: str) -> list[dict[str, Any]]:
    return [one for one in ROWS if one["id"] != row]


def changed(row: str, **keys: Any) -> list[dict[str, Any]]:
    return [{**one, **(keys if one["id"] == row else {})} for one in ROWS]


ROW = "id: X, topic: t, decision: d, reason: r, covers: [c], lands: ''"
FAULTS: list[tuple[str, Callable[[], list[dict[str, Any]]], str]] = [
    (
        "a difference that no row covers",
        lambda: without("PATH-WITHOUT-SLASH"),
        "not decided: scraped-reference createImage path",
    ),
    (
        "a pattern that covers nothing",
        lambda: changed("PATH-WITHOUT-SLASH", covers=["* createImage json:none *"]),
        "covers nothing",
    ),
    (
        "a pointer that leads nowhere",
        lambda: changed("PATH-WITHOUT-SLASH", lands="/paths/none"),
        "lands nowhere: #/paths/none",
    ),
    (
        "a line that says something else",
        lambda: changed("PATH-WITHOUT-SLASH", says=[{"source": "scraped-reference", "what": "x", "line": 3}]),
        "no covered discrepancy stands in line 3",
    ),
    (
        "a source that is not named",
        lambda: changed("PATH-WITHOUT-SLASH", says=[{"source": "official", "what": "x"}]),
        "does not say what it says",
    ),
    (
        "a source that does not differ",
        lambda: changed("PATH-WITHOUT-SLASH", says=[{"source": "official", "what": "x"}]),
        "covers no discrepancy of it",
    ),
    (
        "a source that there is not",
        lambda: changed("PATH-WITHOUT-SLASH", says=[{"source": "seed-9", "what": "x"}]),
        "no source 'seed-9'",
    ),
]


@pytest.mark.parametrize(("rows", "message"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_what_is_not_in_order(rows: Callable[[], list[dict[str, Any]]], message: str) -> None:
    decided = read_decisions(yaml.safe_dump(rows(), allow_unicode=True), "decisions.yaml")
    found = [str(one) for one in reconcile(CONTRACT, SOURCES, decided).problems]
    assert any(message in one for one in found), found
    assert all(one.split(":")[1].isdecimal() for one in found), "each names its file and line"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b", "must be a list"),
        ("- 7", "must be a mapping"),
        ("- {id: X}", "X: missing"),
        (f"- {{{ROW}, says: [], more: 1}}", "unknown more"),
        (f"- {{{ROW}, says: [7]}}", "needs source and what"),
        (f"- {{{ROW}, says: [{{source: s, what: w, line: x}}]}}", "line is a number"),
    ],
)
def test_rows_that_are_none(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_decisions(text, "decisions.yaml")
    assert message in str(caught.value) and str(caught.value).startswith("decisions.yaml:1:")


def test_ids_stand_once() -> None:
    text = read_text(spec_file("decisions.yaml"))
    with pytest.raises(DocumentError, match="PATH-WITHOUT-SLASH stands twice"):
        read_decisions(text + yaml.safe_dump([ROWS[0]]), "decisions.yaml")


@pytest.mark.parametrize(
    ("glob", "key", "matches"),
    [
        ("* json:n type", "a b json:n type", True),
        ("a json:data[].url *", "a json:data[].url required", True),
        ("{a,b} x", "b x", True),
        ("{a,b} x", "ab x", False),
        ("a.b", "axb", False),
    ],
)
def test_patterns(glob: str, key: str, matches: bool) -> None:
    assert bool(pattern(glob).fullmatch(key)) is matches
