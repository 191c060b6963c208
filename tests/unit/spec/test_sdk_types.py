"""The types of the official SDK against the canonical document: what one has and the other lacks needs a dated row."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import openai.types as sdk
import pytest
import typing_extensions
import yaml
from openai.types import image_edit_params, image_generate_params
from openai.types.image_create_variation_params import ImageCreateVariationParams
from openai.types.image_edit_partial_image_event import ImageEditPartialImageEvent
from pydantic import BaseModel

from imageproof.contract.document import load, request_schema
from imageproof.contract.families import allowed_values, families

DOCUMENT = load()
SCHEMAS: dict[str, Any] = DOCUMENT.data["components"]["schemas"]
ROWS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("sdk_differences.yaml").read_text(encoding="utf-8")
)
MODELS = frozenset(model for family in families(DOCUMENT) for model in family.models)

REQUIRED: Any = typing.Required
WRAPPERS = (typing.Union, types.UnionType, list, REQUIRED)


@dataclass(frozen=True)
class Field:
    """One field of a type: whether it must be there, whether null is written out in its type, its known strings."""

    required: bool
    null: bool
    literals: frozenset[str]


@dataclass(frozen=True)
class Difference:
    """`where` is `generate.svg.model`; `who` has it alone, "theirs" or "ours"; `what` is it: field, required, null or a
    literal."""

    where: str
    who: str
    what: str


# Theirs


def _members(hint: Any) -> Iterator[Any]:
    """What a type is made of, with unions, lists and requiredness taken away."""
    if get_origin(hint) in WRAPPERS:
        for argument in get_args(hint):
            yield from _members(argument)
    else:
        yield hint


def _is_object(hint: Any) -> bool:
    return typing_extensions.is_typeddict(hint) or (isinstance(hint, type) and issubclass(hint, BaseModel))


def _hints(kind: Any) -> dict[str, tuple[bool, Any]]:
    """Field -> (required, type) of a TypedDict or a model."""
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        total = kind.__total__
        return {name: (total or get_origin(hint) is REQUIRED, hint) for name, hint in hints.items()}
    return {name: (field.is_required(), field.annotation) for name, field in kind.model_fields.items()}


def theirs(kind: Any, prefix: str) -> dict[str, Field]:
    """Path -> field of one of their types, nested types with it. An answer's null says only that a field may be absent,
    so null counts in parameters alone."""
    found = {}
    for name, (required, hint) in _hints(kind).items():
        members = list(_members(hint))
        literals = {value for one in members if get_origin(one) is Literal for value in get_args(one)}
        null = typing_extensions.is_typeddict(kind) and type(None) in members
        found[f"{prefix}.{name}"] = Field(required, null, frozenset(one for one in literals if isinstance(one, str)))
        for nested in filter(_is_object, members):
            found |= theirs(nested, f"{prefix}.{name}")
    return found


def either(variants: Iterable[dict[str, Field]]) -> dict[str, Field]:
    """One set of fields for a method with variants: required where all require it, literals and null of any."""
    merged: dict[str, Field] = {}
    for variant in variants:
        for where, field in variant.items():
            before = merged.get(where, field)
            merged[where] = Field(
                before.required and field.required, before.null or field.null, before.literals | field.literals
            )
    return merged


# Ours


def ours(schema: Mapping[str, Any], prefix: str) -> dict[str, Field]:
    """Path -> field of one of our schemas, nested schemas with it."""
    found = {}
    for name, node in schema["properties"].items():
        base = {**DOCUMENT.resolve(node), **node}
        kinds = base["type"] if isinstance(base["type"], list) else [base["type"]]
        told = [*base.get("x-known-values", ()), *base.get("enum", ()), *([base["const"]] if "const" in base else ())]
        literals = frozenset(value for value in told if isinstance(value, str))
        where = f"{prefix}.{name}"
        found[where] = Field(name in _required(schema), "null" in kinds, literals)
        inner = DOCUMENT.resolve(base.get("items", base))
        if "properties" in inner:
            found |= ours(inner, where)
    return found


def _required(schema: Mapping[str, Any]) -> set[str]:
    """Required names; of alternatives, the first stands for all."""
    choices = [name for choice in schema.get("anyOf", ()) for name in choice["required"]]
    return {*schema.get("required", ()), *choices[:1]}


def parameters(operation: str, media_type: str, prefix: str) -> dict[str, Field]:
    """Path -> field of a request body, its literals those that the cells of any family list. Parts of one parameter
    become one field, bracketed parts a nested one."""
    found: dict[str, Field] = {}
    for where, field in ours(request_schema(DOCUMENT, operation, media_type), prefix).items():
        name = where.removeprefix(f"{prefix}.")
        if name.endswith("[]"):
            continue
        if "." not in name:
            listed = MODELS if name == "model" else allowed_values(DOCUMENT, operation, name)
            field = replace(field, literals=field.literals | {one for one in listed if isinstance(one, str)})
        steps = name.replace("]", "").split("[")
        for depth in range(1, len(steps)):
            found.setdefault(".".join([prefix, *steps[:depth]]), Field(False, False, frozenset()))
        found[".".join([prefix, *steps])] = field
    return found


# The comparison


def differences(their: dict[str, Field], our: dict[str, Field]) -> set[Difference]:
    """All differences; of a field that one side lacks, only the outermost."""
    found = set()
    for who, mine, other in (("theirs", their, our), ("ours", our, their)):
        missing = {where for where in mine if where not in other}
        found |= {Difference(where, who, "field") for where in missing if where.rpartition(".")[0] not in missing}
        for where in mine.keys() & other.keys():
            if mine[where].required and not other[where].required:
                found.add(Difference(where, who, "required"))
            if mine[where].null and not other[where].null:
                found.add(Difference(where, who, "null"))
            found |= {Difference(where, who, value) for value in mine[where].literals - other[where].literals}
    return found


def _edits(prefix: str) -> dict[str, Field]:
    kinds = (image_edit_params.ImageEditParamsNonStreaming, image_edit_params.ImageEditParamsStreaming)
    return either(theirs(kind, prefix) for kind in kinds)


def _without_null(fields: dict[str, Field]) -> dict[str, Field]:
    """A multipart form has no null, whatever the SDK's type says: it leaves the part out."""
    return {where: replace(field, null=False) for where, field in fields.items()}


def _requests() -> Iterator[tuple[str, dict[str, Field], dict[str, Field]]]:
    kinds = (image_generate_params.ImageGenerateParamsNonStreaming, image_generate_params.ImageGenerateParamsStreaming)
    generate = either(theirs(kind, "generate") for kind in kinds)
    yield "generate", generate, parameters("createImage", "application/json", "generate")
    yield "edit", _without_null(_edits("edit")), parameters("createImageEdit", "multipart/form-data", "edit")
    yield "edit_json", _edits("edit_json"), parameters("createImageEdit", "application/json", "edit_json")
    variation = _without_null(theirs(ImageCreateVariationParams, "create_variation"))
    yield "variation", variation, parameters("createImageVariation", "multipart/form-data", "create_variation")


def _answers() -> Iterator[tuple[str, dict[str, Field], dict[str, Field]]]:
    pairs = {
        "ImagesResponse": (sdk.ImagesResponse, "ImagesResponse"),
        "Image": (sdk.Image, "Image"),
        "Model": (sdk.Model, "Model"),
        "ImageGenPartialImageEvent": (sdk.ImageGenPartialImageEvent, "ImageGenerationPartialImageEvent"),
        "ImageGenCompletedEvent": (sdk.ImageGenCompletedEvent, "ImageGenerationCompletedEvent"),
        "ImageEditPartialImageEvent": (ImageEditPartialImageEvent, "ImageEditPartialImageEvent"),
        "ImageEditCompletedEvent": (sdk.ImageEditCompletedEvent, "ImageEditCompletedEvent"),
    }
    for name, (kind, schema) in pairs.items():
        yield name, theirs(kind, name), _without_null(ours(SCHEMAS[schema], name))


def _model_ids() -> set[Difference]:
    known = frozenset(get_args(sdk.ImageModel))
    return differences({"ImageModel": Field(False, False, known)}, {"ImageModel": Field(False, False, MODELS)})


COMPARED = {name: (their, our) for name, their, our in [*_requests(), *_answers()]}
FOUND = set().union(_model_ids(), *(differences(*pair) for pair in COMPARED.values()))
EXPLAINED = {Difference(row["where"], who, str(row[who])) for row in ROWS for who in ("theirs", "ours") if who in row}


def _told(found: Iterable[Difference]) -> str:
    return "\n".join(sorted(f"{one.where}: {one.who} alone has {one.what!r}" for one in found))


def test_every_difference_has_a_row() -> None:
    assert _told(FOUND - EXPLAINED) == ""


def test_every_row_is_a_difference() -> None:
    assert _told(EXPLAINED - FOUND) == ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["where"])
def test_every_row_is_dated_and_says_why(row: dict[str, Any]) -> None:
    assert set(row) in ({"where", "theirs", "date", "why"}, {"where", "ours", "date", "why"})
    assert isinstance(row["date"], datetime.date)
    assert row["why"].strip()


@pytest.mark.parametrize("name", COMPARED)
def test_a_lost_field_would_be_seen(name: str) -> None:
    their, our = COMPARED[name]
    for side in (their, our):
        shared = next(where for where in side if where.count(".") == 1 and where in their and where in our)
        less = {where: field for where, field in side.items() if not where.startswith(shared)}
        changed = differences(less, our) if side is their else differences(their, less)
        assert Difference(shared, "ours" if side is their else "theirs", "field") in changed


def test_a_new_literal_would_be_seen() -> None:
    for their, our in COMPARED.values():
        where, field = next((where, field) for where, field in our.items() if where in their)
        more = {**our, where: replace(field, literals=field.literals | {"a new value"})}
        assert Difference(where, "ours", "a new value") in differences(their, more)
