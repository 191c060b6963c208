"""Profiles of providers: those of the project hold, and what is wrong with one is told with file, line and pointer."""

from __future__ import annotations

import json
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from imageproof.contract.document import load
from imageproof.contract.families import families, family_of
from imageproof.contract.locate import spec_file
from imageproof.contract.overlay import overlaid
from imageproof.contract.providers import extended, load_provider, names, read_provider
from imageproof.contract.requirements import requirements
from imageproof.errors import DocumentError, UsageError

HEAD = 'name: Mine\nstatus: documented, not verified\nsource: a page\ndate: "2026-11-20"\n'
ROW = """families:
  - id: mine
    like: gpt-image-1
    models: [mine-1]
    status: {state: current, source: a page}
"""


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", names())
def test_a_profile_of_the_project_holds(name: str) -> None:
    provider = load_provider(name)
    document = extended(load(), provider)
    known = {one.id for one in families(document)}
    assert set(provider.models.values()) <= known
    assert provider.status == "documented, not verified" and provider.source and provider.date
    for deviation in provider.deviations:
        assert deviation.what.endswith(".") and deviation.by == provider.name
        assert not [rule for rule in deviation.rules if requirements()[rule].retired]


def test_the_published_schema_is_one_and_knows_every_key() -> None:
    schema = json.loads(spec_file("provider.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    used = {key for name in names() for key in load_provider(name).document.data}
    assert used == set(schema["properties"])


def test_the_systems_that_are_asked_for_are_there() -> None:
    sources = {"apifox-export", "new-api", "openai-hub", "scraped-reference", "translated-reference"}
    known = {"openai", "azure", "litellm", "localai", "vllm-omni", "xai", "volcengine", "openrouter"}
    assert sources | known <= set(names())


def test_azure_is_read_as_it_is_written() -> None:
    azure = load_provider("azure")
    assert (azure.base_url, azure.base_path) == ("", "/openai/deployments/{model}")
    assert (azure.key_header, azure.key_scheme) == ("api-key", "")
    assert dict(azure.query) == {"api-version": "2025-04-01-preview"}
    known = azure.deviation("GEN-MODEL-UNKNOWN")
    assert known is not None and known.said.startswith("documented by Azure OpenAI, ") and "2026-11-20" in known.said
    assert azure.deviation("GEN-SERVED") is None


def test_families_of_its_own_stand_behind_those_of_the_contract(tmp_path: Path) -> None:
    prices = "    prices: {currency: EUR, date: '2026-11-01', source: a list, images: [{price: 0.03}]}\n"
    provider = read_provider(written(tmp_path, HEAD + ROW + prices + "models: {short: mine}\n"), "mine")
    document = extended(load(), provider)
    assert [one.id for one in families(document)] == [*(one.id for one in families(load())), "mine"]
    mine = family_of(document, "mine-1")
    assert mine is not None and mine.id == "mine" and mine.cell("createImage", "size") is not None
    assert mine.prices is not None and (mine.prices.currency, mine.prices.rows[0].price) == ("EUR", 0.03)
    assert extended(load(), None) is load()


def test_they_stand_behind_those_of_overlays_too(tmp_path: Path) -> None:
    acme = Path(__file__).parents[3] / "spec" / "overlays" / "acme.yaml"
    over = overlaid(load(), [str(acme)])
    text = HEAD + ROW.replace("like: gpt-image-1", f"like: {families(over)[-1].id}")
    document = extended(over, read_provider(written(tmp_path, text), "mine"))
    assert document.overlays == over.overlays
    assert [one.id for one in families(document)] == [*(one.id for one in families(over)), "mine"]


# What is wrong -> the file, and what is said of it behind its path.
BAD = {
    "unknown key": (HEAD + "\nmodles: {a: b}\n", r":6: #/modles: unknown key: modles \(did you mean models\?\)"),
    "unknown key within": (HEAD + "offers:\n  carier: url\n", r":6: #/offers/carier: .*did you mean carrier"),
    "requirement": (
        HEAD + "deviations:\n  - what: w.\n    source: s\n    date: 2026-01-01\n    rules:\n      - GEN-SERVD\n",
        r":10: #/deviations/0/rules/0: no requirement GEN-SERVD \(did you mean GEN-SERVED\?\)",
    ),
    "deviation without a source": (
        HEAD + "deviations:\n  - {rules: [GEN-SERVED], what: w, date: 2026-01-01}\n",
        r":6: #/deviations/0: 'source' is missing",
    ),
    "a rule twice": (
        HEAD + "deviations:\n" + "  - {rules: [GEN-SERVED], what: w, source: s, date: 2026-01}\n" * 2,
        r":7: #/deviations/1/rules/0: GEN-SERVED stands twice among the deviations",
    ),
    "family": (HEAD + "models:\n  a: nobody\n", r":6: #/models/a: no model family 'nobody'; known: dall-e-2,"),
    "family of all": (HEAD + "behaves_as: nobody\n", r":5: #/behaves_as: no model family 'nobody'"),
    "operation": (HEAD + "offers: {operations: [makeImage]}\n", r":5: #/offers/operations/0: no operation 'makeImage'"),
    "date": (HEAD.replace("11-20", "13-20"), r":4: #/date: 2026-13-20 is not in the calendar"),
    "day": (HEAD.replace("11-20", "02-30"), r":4: #/date: 2026-02-30 is not in the calendar"),
    "no date": (HEAD.replace('"2026-11-20"', "lately"), r":4: #/date: 'lately' does not match"),
    "a date that is a number": (HEAD.replace('"2026-11-20"', "2026"), r":4: #/date: 2026 is not of type 'string'"),
    "status": (HEAD.replace("documented, not verified", "verified"), r":2: #/status: 'documented, not verified' was"),
    "twice": (HEAD + "name: Again\n", r":5: not YAML: the key 'name' stands twice"),
    "no YAML": ("name: [Mine\n", r":\d: not YAML: "),
    "a list": ("- name: Mine\n", r":1: not a provider profile: it must be a mapping"),
    "nothing": ("", r": not a provider profile"),
    "url and path": (HEAD + "endpoint: {url: 'https://a/v1', path: /v1}\n", r":5: #/endpoint: url and path exclude"),
    "url": (HEAD + "endpoint: {url: 'ftp://a/v1'}\n", r":5: #/endpoint/url: .*does not match"),
    "url with a query": (HEAD + "endpoint: {url: 'https://a/v1?x=1'}\n", r":5: #/endpoint/url: .*does not match"),
    "header": (HEAD + "endpoint: {headers: {a b: c}}\n", r":5: #/endpoint/headers: 'a b' does not match"),
    "header with the key": (
        HEAD + "endpoint: {headers: {authorization: Bearer x}}\n",
        r":5: #/endpoint/headers/authorization: authorization is said by each call itself",
    ),
    "own family's row": (HEAD + ROW.replace("models: [mine-1]", "models: []"), r":8: #/families/0/models: \[\] "),
    "own family's cell": (
        HEAD + ROW + "    cells:\n      createImage:\n        sise: {schema: false, rule: GEN-SIZE-VALUES}\n",
        r":12: #/families/0/cells/createImage/sise: family mine: createImage has no parameter 'sise'",
    ),
    "own family's requirement": (
        HEAD + ROW + "    cells: {createImage: {n: {schema: {maximum: 1}, rule: GEN-N-RANG}}}\n",
        r":10: #/families/0/cells/createImage/n/rule: no requirement GEN-N-RANG \(did you mean GEN-N-RANGE\?\)",
    ),
    "own family like none": (HEAD + ROW.replace("like: gpt-image-1", "like: nobody"), r":7: #/families/0/like: no fam"),
    "own family that is there": (
        HEAD + ROW.replace("id: mine", "id: dall-e-2"),
        r":6: #/families/0: family dall-e-2 st",
    ),
    "huge": ("# " + "x" * 2**20, r": larger than 1024 KB"),
    "an alias bomb": (
        "\n".join(["a: &a [1]", *(f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]" for p, n in pairwise("abcdefg"))]),
        r":1: larger than 50,000 values, aliases written out",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_told_where_it_stands(text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DocumentError) as told:
        extended(load(), load_provider(path))
    assert re.match(re.escape(path) + said, str(told.value)), str(told.value)
    assert len(told.value.problems) == 1


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD.replace("name: Mine", "nmae: Mine") + "offers: {stream: maybe}\n")
    with pytest.raises(DocumentError) as told:
        load_provider(path)
    assert {(one.line, one.pointer) for one in told.value.problems} == {(1, "/nmae"), (5, "/offers/stream"), (1, "")}


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="Is a directory"):
        load_provider(str(tmp_path))
    with pytest.raises(DocumentError, match="No such file"):
        load_provider("nowhere/mine.yaml")
    with pytest.raises(DocumentError, match="larger than"):
        load_provider(os.devnull.replace("null", "zero"))
    with pytest.raises(UsageError, match=r"did you mean azure.*type one of .*openai.*path of a YAML"):
        load_provider("azur")
