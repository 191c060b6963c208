"""violations() against the shared vectors, and what it must never do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors.bodies import Vector, vectors

from imageproof.contract.document import load, request_content, request_schema
from imageproof.contract.families import families, family_of
from imageproof.contract.requirements import requirements
from imageproof.contract.violations import violations
from imageproof.errors import UsageError

DOCUMENT = load()
MODELS = [model for family in families(DOCUMENT) for model in family.models]


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.id)
def test_vector(vector: Vector) -> None:
    found = violations(DOCUMENT, vector.model, vector.operation, vector.facts, media_type=vector.media_type)
    assert {violation.rule for violation in found} == vector.rules
    assert all(violation.message for violation in found)


def test_vectors_cover_every_family_and_both_answers() -> None:
    assert len({vector.id for vector in vectors()}) == len(vectors()) >= 80
    covered = {family.id for vector in vectors() if (family := family_of(DOCUMENT, vector.model))}
    assert covered == {family.id for family in families(DOCUMENT)}
    for operation in ("createImage", "createImageEdit", "createImageVariation"):
        answers = {bool(vector.rules) for vector in vectors() if vector.operation == operation}
        assert answers == {True, False}


def test_every_rule_is_a_requirement() -> None:
    known = requirements()
    cells = {cell.rule for family in families(DOCUMENT) for row in family.cells.values() for cell in row.values()}
    cross = {rule.id for family in families(DOCUMENT) for rule in family.rules}
    opened = set()
    for operation in DOCUMENT.operations():
        for media_type in request_content(DOCUMENT, operation):
            opened |= set(_rule_keys(request_schema(DOCUMENT, operation, media_type)))
    assert opened
    assert sorted((cells | cross | opened) - set(known)) == []


def _rule_keys(node: Any) -> list[str]:
    if isinstance(node, list):
        return [rule for item in node for rule in _rule_keys(item)]
    if not isinstance(node, dict):
        return []
    own = [value for key, value in node.items() if key in ("x-rule", "x-rule-missing", "x-rule-type")]
    return own + [rule for value in node.values() for rule in _rule_keys(value)]


def test_an_unknown_model_gets_the_open_rules() -> None:
    assert (
        violations(DOCUMENT, "flux-9", "createImage", {"model": "flux-9", "prompt": "an otter", "quality": "11"}) == ()
    )
    assert [one.rule for one in violations(DOCUMENT, "flux-9", "createImage", {"prompt": "an otter", "n": 0})] == [
        "GEN-N-RANGE"
    ]
    assert violations(DOCUMENT, None, "createImage", {"prompt": "an otter"}) == ()


def test_an_alias_takes_the_rules_of_its_family() -> None:
    body = {"model": "my-alias", "prompt": "an otter", "size": "512x512"}
    assert violations(DOCUMENT, "my-alias", "createImage", body) == ()
    found = violations(DOCUMENT, "my-alias", "createImage", body, family="gpt-image-1")
    assert [one.rule for one in found] == ["GEN-SIZE-VALUES"]
    with pytest.raises(UsageError, match="known: dall-e-2"):
        violations(DOCUMENT, "my-alias", "createImage", body, family="gpt-image-99")


def test_a_violation_names_parameter_and_place() -> None:
    body = {"model": "gpt-image-1", "prompt": "an otter", "images": [{"file_id": "a", "image_url": "b"}]}
    (found,) = violations(DOCUMENT, "gpt-image-1", "createImageEdit", body, media_type="application/json")
    assert (found.pointer, found.parameter, found.rule) == ("/images/0", "images", "EDIT-REFERENCE")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(sorted(request_schema(DOCUMENT, "createImage")["properties"]))


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.sampled_from([*MODELS, "other"]), st.dictionaries(NAMES, JSON, max_size=5))
def test_any_json_body_has_an_answer(model: str, body: dict[str, Any]) -> None:
    """Whatever a client sends, there is an answer, and each breach has a rule."""
    assert all(one.rule for one in violations(DOCUMENT, model, "createImage", body))
