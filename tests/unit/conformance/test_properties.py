"""Generated negatives: each breaks exactly one rule on the wire, and every process generates the same ones."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import pytest

from imageproof.contract.document import load
from imageproof.contract.narrow import narrow
from imageproof.contract.requirements import requirements
from imageproof_conformance.encode import encode
from imageproof_conformance.plan import plan
from imageproof_conformance.properties import FORM, Negatives, generate, negatives

DOCUMENT = load()
OFFERED = frozenset(DOCUMENT.operations())
MODELS = ["gpt-image-1", "gpt-image-2.6-flare", "dall-e-2", "a-model-that-nobody-knows"]


@lru_cache(maxsize=8)
def generated(model: str) -> Negatives:
    return negatives(DOCUMENT, model, None, OFFERED)


DIGEST = """
import hashlib, socket
def closed(*args, **kwargs): raise AssertionError("a socket was opened")
socket.socket.connect = closed
from imageproof.contract.document import load
from imageproof_conformance.properties import negatives
document = load()
found = negatives(document, "gpt-image-1", None, frozenset(document.operations()))
print(hashlib.sha256(repr([(one.id, one.request, one.rules, one.worst) for one in found.probes]).encode()).hexdigest())
"""


@pytest.mark.parametrize("model", MODELS)
def test_each_case_is_about_one_judged_rule_and_free(model: str) -> None:
    found = generated(model)
    registry = requirements()
    assert len(found.probes) > 40 and found.dropped > 0
    for one in found.probes:
        assert one.expect == "refused" and one.tier == "free" and one.images == 0 and one.source == "schemathesis"
        assert registry[one.rules[0]].judge == "refusal"
    assert len({one.id for one in found.probes}) == len(found.probes)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_sent_twice(model: str) -> None:
    sent = [encode(one.request) for one in generated(model).probes]
    by_hand = [encode(one.request) for one in plan(DOCUMENT, requirements(), model, None, OFFERED, "free").probes]
    assert len(set(sent)) == len(sent)
    assert not set(sent) & set(by_hand)


@pytest.mark.parametrize("model", MODELS)
def test_a_case_carries_no_optional_part_that_is_not_to_blame(model: str) -> None:
    edits = [one for one in generated(model).probes if one.operation == "createImageEdit" and "mask" in one.asked]
    assert [one.id for one in edits if "generated: mask" not in one.id] == []


def test_it_finds_what_the_hand_made_ones_leave_out() -> None:
    rules = {one.rules[0] for one in generated("gpt-image-1").probes}
    wanted = "GEN-TYPES EDIT-TYPES GEN-N-RANGE GEN-PROMPT-REQUIRED EDIT-IMAGE-REQUIRED EDIT-REFERENCE GEN-SIZE-VALUES"
    assert set(wanted.split()) <= rules


def test_every_process_generates_the_same_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def digest(seed: str) -> str:
        environ = {**os.environ, "PYTHONHASHSEED": seed, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        command = [sys.executable, "-c", DIGEST]
        return subprocess.run(command, cwd=here, env=environ, check=True, capture_output=True, text=True).stdout

    here = tmp_path / "here"
    here.mkdir()
    assert digest("0") == digest("4242")
    assert list(here.iterdir()) == []


def test_what_is_registered_is_taken_back() -> None:
    from schemathesis.specs.openapi.formats import STRING_FORMATS

    before = dict(STRING_FORMATS)
    negatives(DOCUMENT, "dall-e-2", None, OFFERED)
    assert before == STRING_FORMATS


def test_the_surface_of_schemathesis_that_is_used() -> None:
    """Pinned exactly, because internals are used: a failure here says what a new version changed."""
    assert version("schemathesis") == "4.32.5"
    cases = list(generate(narrow(DOCUMENT, "gpt-image-1"), ["createImage", "createImageEdit"]))
    assert {one.operation for one in cases} == {"createImage", "createImageEdit"}
    forms = [one for one in cases if one.media_type == FORM]
    assert len(cases) > 200 and len(forms) > 30
    assert all(part.filename for one in forms for part in one.body if part.name == "image" and len(part.data) > 99)
    said = {one.said for one in cases}
    assert {"n: Value greater than maximum", "Missing required property: prompt"} <= said
