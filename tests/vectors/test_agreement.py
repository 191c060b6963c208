"""strict.yaml, as JSON Schema, agrees with violations(); the provider's agreement is held in unit/reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from vectors.bodies import File, Vector, vectors

from imageproof.contract.document import Document, load, request_schema
from imageproof.contract.families import allowed_values, families
from imageproof.contract.locate import CHECKOUT
from imageproof.contract.violations import violations

DOCUMENT = load()
EXPRESSIBLE = [vector for vector in vectors() if not vector.beyond_schema]


@cache
def strict() -> Document:
    return load(CHECKOUT / "generated" / "openapi" / "strict.yaml")


@pytest.mark.parametrize("vector", EXPRESSIBLE, ids=lambda vector: vector.id)
def test_strict(vector: Vector) -> None:
    body = {name: _as_text(value) for name, value in vector.body.items()}
    assert _strict_takes(vector.operation, vector.media_type, body) == (not vector.rules)


@cache
def _validator(operation: str, media_type: str | None) -> Draft202012Validator:
    schema = request_schema(strict(), operation, media_type)
    return Draft202012Validator({**schema, "components": strict().data["components"]})


def _strict_takes(operation: str, media_type: str | None, body: dict[str, Any]) -> bool:
    return bool(_validator(operation, media_type).is_valid(body))


def _as_text(value: Any) -> Any:
    """A file is some text to JSON Schema."""
    if isinstance(value, File):
        return ""
    return [_as_text(item) for item in value] if isinstance(value, list) else value


def _pool(name: str) -> list[Any]:
    """Values of every kind for a parameter: those that some family lists, null, and what no family takes."""
    listed = [value for value in allowed_values(DOCUMENT, "createImage", name) if value is not None]
    return [*listed * 4, None, True, False, -1, 0, 1, 2, 3, 16, 17, 101, "", "otter", 1.5, [], {}, {"model": "author"}]


MODELS = [model for family in families(DOCUMENT) for model in family.models]
PARAMETERS = [name for name in request_schema(DOCUMENT, "createImage")["properties"] if name not in ("model", "prompt")]
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from([*MODELS, "another-model"]), "prompt": st.sampled_from(["an otter"] * 9 + [None])},
    optional={name: st.sampled_from(_pool(name)) for name in PARAMETERS},
)


@settings(max_examples=1000, deadline=None, database=None, derandomize=True)
@given(BODIES)
def test_strict_agrees_on_any_body(body: dict[str, Any]) -> None:
    """Not only on the vectors: nulls, foreign parameters and cross rules in any mixture."""
    assert _strict_takes("createImage", "application/json", body) == (
        not violations(DOCUMENT, body["model"], "createImage", body)
    )
