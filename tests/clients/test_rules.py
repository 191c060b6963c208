"""The rules that the emitted client carries: the answers of `violations()`, on every vector and on any body."""

from __future__ import annotations

import enum
import json
import warnings
from collections.abc import Mapping
from typing import Any

import imageproof_client as api
import pytest
from clients.loopback import Loopback
from hypothesis import given, settings
from imageproof_client import Client, client
from imageproof_client._files import Upload, upload_of
from imageproof_client._pictures import make_mask
from imageproof_client._request import Operation
from imageproof_client._rules import Breach, breaches
from vectors.bodies import File, Vector, picture, vectors
from vectors.test_agreement import BODIES, MODELS, _bodies

from imageproof.contract.document import load
from imageproof.contract.locate import CHECKOUT
from imageproof.contract.violations import FileFacts, violations

OPERATIONS: dict[str, Operation] = {
    "createImage": client._IMAGES_GENERATE,
    "createImageEdit": client._IMAGES_EDIT,
    "createImageVariation": client._IMAGES_CREATE_VARIATION,
}
# A text in place of a file: in this client a text is a path.
NOT_SENT = {"edit-image-text"}


def given_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A vector's body as arguments by their names on the wire: one `image`, files as Uploads."""
    told = {name.removesuffix("[]"): _uploaded(name, value) for name, value in body.items()}
    author = {name[4:-1].replace("][", " "): told.pop(name) for name in list(told) if name.startswith("svg[")}
    if author:
        reasoning = {"reasoning": {"effort": author.pop("reasoning effort")}} if "reasoning effort" in author else {}
        told["svg"] = {**author, **reasoning}
    return told


def _uploaded(name: str, value: Any) -> Any:
    if isinstance(value, File):
        return upload_of(name, value.data)
    return [_uploaded(name, one) for one in value] if isinstance(value, list) else value


def found_by_client(vector: Vector) -> frozenset[str]:
    return frozenset(one.rule for one in breaches(OPERATIONS[vector.operation], given_of(vector.body)))


@pytest.mark.parametrize("vector", [one for one in vectors() if one.id not in NOT_SENT], ids=lambda one: one.id)
def test_the_vectors(vector: Vector) -> None:
    assert found_by_client(vector) == vector.rules


def test_every_rule_has_a_vector_that_breaks_it() -> None:
    """A rule without one would be untried here; `test_the_vectors` has the accepting ones."""
    table = json.loads((CHECKOUT / "generated/python/imageproof_client/_families.json").read_text(encoding="utf-8"))
    rows = [row for family in table["families"].values() for row in family["operations"].values()]
    told = {cell["rule"] for row in rows for cell in row["cells"].values()}
    told |= {rule["id"] for row in rows for rule in row["rules"]}
    untried = told - {rule for vector in vectors() for rule in vector.rules}
    assert not untried


FACTS = FileFacts("png", 64, 64, len(picture(alpha=True, transparent=True).data), alpha=True, transparent=True)
UPLOAD = upload_of("image", picture(alpha=True, transparent=True).data)


def _as_upload(value: Any) -> Any:
    if isinstance(value, FileFacts):
        return UPLOAD
    return [_as_upload(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("operation", "media_type"), BODIES)
def test_any_body(operation: str, media_type: str) -> None:
    """Nulls, foreign parameters, wrong types and cross rules in any mixture; JSON bodies that look like forms apart."""
    as_json = media_type == "application/json"

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(_bodies(operation, media_type))
    def agrees(body: dict[str, Any]) -> None:
        if ("image" in body and "image[]" in body) or (not as_json and _odd_form(body)):
            return  # one argument here
        if operation == "createImageEdit" and as_json and not ("images" in body or isinstance(body.get("mask"), dict)):
            return  # goes as a form
        values = {name.removesuffix("[]"): _as_upload(value) for name, value in body.items()}
        expected = {one.rule for one in violations(load(), body["model"], operation, body, media_type=media_type)}
        assert {one.rule for one in breaches(OPERATIONS[operation], values)} == expected

    agrees()


def _odd_form(body: Mapping[str, Any]) -> bool:
    """What no form can say: null, an object, or a list where the form has no list."""
    lists = ("image[]",)
    return any(
        value is None or isinstance(value, dict) or (isinstance(value, list) != (name in lists))
        for name, value in body.items()
    )


BAD: dict[str, Any] = {"prompt": "x", "model": "gpt-image-1", "size": "7x7", "quality": "best"}


def test_a_warning_for_each_rule_names_parameter_rule_and_values(client: Client, server: Loopback) -> None:
    with pytest.warns(api.RequestRuleWarning) as caught:
        client.images.generate(**BAD)
    said = sorted(str(one.message) for one in caught)
    assert said == [
        "images.generate: quality must be one of auto, low, medium, high [quality, GEN-QUALITY-VALUES]",
        "images.generate: size must be one of auto, 1024x1024, 1536x1024, 1024x1536 [size, GEN-SIZE-VALUES]",
    ]
    assert {one.filename for one in caught} == {__file__}
    assert len(server.received) == 1


def test_errors_are_raised_before_anything_is_sent(client: Client, server: Loopback) -> None:
    strict = client.with_options(validate="error")
    with pytest.raises(api.RequestRuleError, match="GEN-SIZE-VALUES") as caught:
        strict.images.generate(**BAD)
    assert isinstance(caught.value, api.APIError)
    assert not server.received
    size = next(one for one in caught.value.breaches if one.parameter == "size")
    assert isinstance(size, Breach) and size.allowed == ("auto", "1024x1024", "1536x1024", "1024x1536")
    strict.images.generate(**BAD, validate="off")
    assert len(server.received) == 1


def test_off_and_unknown_models_are_silent(client: Client, server: Loopback) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.images.generate(**BAD, validate="off")
        client.images.generate(**{**BAD, "model": "my-model"})
        client.images.generate(**{**BAD, "model": None})
        client.images.generate(prompt="x", model="gpt-image-1", size="1024x1024")
    assert len(server.received) == 4


def test_an_alias_has_the_rules_of_its_family(client: Client) -> None:
    bad: dict[str, Any] = {**BAD, "model": "my-model", "quality": "low"}
    for told in (client.with_options(family={"my-model": "gpt-image-1"}), client.with_options(family="gpt-image-1")):
        with pytest.warns(api.RequestRuleWarning, match="GEN-SIZE-VALUES"):
            told.images.generate(**bad)
    with pytest.warns(api.RequestRuleWarning, match="GEN-SIZE-VALUES"):
        client.images.generate(**bad, family="gpt-image-1")
    with pytest.raises(ValueError, match="known: dall-e-2"):
        client.images.generate(**bad, family="gpt-image-99")


def test_files_are_judged_by_their_headers(client: Client, server: Loopback) -> None:
    photo = picture(width=64, height=32).data
    with pytest.warns(api.RequestRuleWarning, match="EDIT-MASK-FILE"):
        client.images.edit(prompt="x", model="gpt-image-1", image=photo, mask=picture(alpha=True).data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.images.edit(prompt="x", model="gpt-image-1", image=photo, mask=make_mask(photo, (0, 0, 8, 8)))
    assert len(server.received) == 2


def test_models_of_every_family_are_known() -> None:
    for model in MODELS:
        assert isinstance(breaches(OPERATIONS["createImage"], {"prompt": "x", "model": model}), list)
    assert isinstance(UPLOAD, Upload)


class Size(enum.Enum):
    SQUARE = "1024x1024"


def test_texts_of_a_form_are_what_they_say(client: Client, server: Loopback) -> None:
    """In a form there are only texts, so that "2" is 2; in JSON it is not."""
    told: dict[str, Any] = {"n": "2", "size": Size.SQUARE, "image": UPLOAD.content}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.images.edit(prompt="x", model="gpt-image-1", **told)
    with pytest.warns(api.RequestRuleWarning, match="EDIT-N-RANGE"):
        client.images.edit(prompt="x", model="gpt-image-1", **{**told, "n": "11"})
    with pytest.warns(api.RequestRuleWarning, match="GEN-TYPES"):
        client.images.generate(prompt="x", model="gpt-image-1", n=told["n"])
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"images": ["https://a.example/b.png"]}, r"images\[0\] must be of type object \["),
        ({"images": [{"image_url": 5}]}, r"images\[0\]\.image_url must be of type string \["),
        ({"image": UPLOAD.content, "mask": picture().data}, r"mask's alpha must be True \["),
        ({"image": UPLOAD.content, "size": "7x9"}, r"size must be one of auto, "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(client: Client, given: dict[str, Any], said: str) -> None:
    with pytest.raises(api.RequestRuleError, match=said):
        client.images.edit(prompt="x", model="gpt-image-1", validate="error", **given)
