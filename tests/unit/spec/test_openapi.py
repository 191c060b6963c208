"""The canonical document: valid OpenAPI, true examples for everything, and the shape that the project promises."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from PIL import Image

from imageproof.contract.document import load
from imageproof.contract.locate import spec_file
from imageproof.contract.violations import FileFacts, violations

DOCUMENT = load()
DATA = DOCUMENT.data
OPERATIONS = DOCUMENT.operations()
STREAM = "text/event-stream"
PICTURE_ERRORS = {"400", "401", "403", "404", "429", "500", "503"}
ERRORS = {
    "createImage": PICTURE_ERRORS,
    "createImageEdit": PICTURE_ERRORS,
    "createImageVariation": PICTURE_ERRORS,
    "listModels": PICTURE_ERRORS - {"400", "404"},
    "retrieveModel": PICTURE_ERRORS - {"400"},
}


@dataclass(frozen=True)
class Body:
    """One media type of a request (`status` "") or of an answer."""

    operation: str
    status: str
    media_type: str
    node: dict[str, Any]

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.operation, self.status, self.media_type)))

    @property
    def examples(self) -> dict[str, Any]:
        return {name: DOCUMENT.resolve(example)["value"] for name, example in self.node.get("examples", {}).items()}


def _bodies() -> Iterator[Body]:
    for operation in OPERATIONS.values():
        for media_type, node in operation.node.get("requestBody", {}).get("content", {}).items():
            yield Body(operation.id, "", media_type, node)
        for status, response in operation.node["responses"].items():
            for media_type, node in DOCUMENT.resolve(response).get("content", {}).items():
                yield Body(operation.id, status, media_type, node)


BODIES = list(_bodies())
REQUESTS = [body for body in BODIES if not body.status]
ANSWERS = [body for body in BODIES if body.status == "200"]


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    validator = Draft202012Validator({**schema, "components": DATA["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _nodes(node: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document with its pointer, but what examples hold."""
    if isinstance(node, dict):
        yield pointer, node
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from _nodes(value, f"{pointer}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nodes(value, f"{pointer}/{index}")


def test_the_document_is_openapi_3_1() -> None:
    assert DATA["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(DATA).iter_errors()) == []


def test_operations_and_errors() -> None:
    documented = {
        name: {status for status in one.node["responses"] if status != "200"} for name, one in OPERATIONS.items()
    }
    assert documented == ERRORS
    assert all("200" in one.node["responses"] for one in OPERATIONS.values())


def test_all_errors_have_one_shape() -> None:
    refusals = [body for body in BODIES if body.status not in ("", "200")]
    assert {body.node["schema"]["$ref"] for body in refusals} == {"#/components/schemas/Error"}
    assert {body.media_type for body in refusals} == {"application/json"}


def test_media_types() -> None:
    taken = {(body.operation, body.media_type) for body in REQUESTS}
    assert taken == {
        ("createImage", "application/json"),
        ("createImageEdit", "multipart/form-data"),
        ("createImageEdit", "application/json"),
        ("createImageVariation", "multipart/form-data"),
    }
    assert {body.operation for body in ANSWERS if body.media_type == STREAM} == {"createImage", "createImageEdit"}


def test_paths_servers_and_security() -> None:
    assert not [path for path in DATA["paths"] if path.endswith("/")]
    assert all(server["url"].endswith("/v1") for server in DATA["servers"])
    (scheme,) = (DATA["components"]["securitySchemes"][name] for need in DATA["security"] for name in need)
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert not [name for name, operation in OPERATIONS.items() if "security" in operation.node]


def test_null_is_a_type_and_only_in_json() -> None:
    assert not [pointer for pointer, node in _nodes(DATA) if "nullable" in node]
    forms = [body for body in REQUESTS if body.media_type.startswith("multipart/")]
    parts = [part for body in forms for part in DOCUMENT.resolve(body.node["schema"])["properties"].values()]
    assert parts
    assert not [part for part in parts if "null" in DOCUMENT.resolve(part)["type"] or None in part.get("enum", ())]


def test_one_parameter_in_two_parts() -> None:
    schema = DOCUMENT.resolve(DATA["components"]["schemas"]["CreateImageEditRequest"])
    assert schema["anyOf"] == [{"required": ["image"]}, {"required": ["image[]"]}]
    assert schema["properties"]["image[]"]["x-parameter"] == "image"
    assert problems(schema, {"prompt": "x", "image": "f"}) == []
    assert problems(schema, {"prompt": "x", "image[]": ["f"] * 16}) == []
    assert problems(schema, {"prompt": "x"})
    assert problems(schema, {"prompt": "x", "image[]": ["f"] * 17})


@pytest.mark.parametrize(
    ("reference", "legal"),
    [
        ({"image_url": "https://images.example.com/a.png"}, True),
        ({"file_id": "file-1"}, True),
        ({}, False),
        ({"image_url": "https://images.example.com/a.png", "file_id": "file-1"}, False),
        ({"url": "https://images.example.com/a.png"}, False),
    ],
)
def test_a_reference_has_exactly_one_key(reference: dict[str, str], legal: bool) -> None:
    assert (problems(DATA["components"]["schemas"]["ImageReference"], reference) == []) is legal


def test_what_is_deprecated() -> None:
    assert [name for name, operation in OPERATIONS.items() if operation.node.get("deprecated")] == [
        "createImageVariation"
    ]
    marked = {
        pointer.rsplit("/", 1)[1] for pointer, node in _nodes(DATA["components"]) if node.get("deprecated") is True
    }
    assert marked == {"user", "response_format", "style"}


def test_defaults_are_only_those_that_hold_everywhere() -> None:
    defaults = {
        (name, part["default"])
        for body in REQUESTS
        for name, part in DOCUMENT.resolve(body.node["schema"])["properties"].items()
        if "default" in part
    }
    assert defaults == {("n", 1), ("stream", False), ("partial_images", 0)}


def test_success_needs_the_time_and_the_pictures_in_any_carrier() -> None:
    schemas = DATA["components"]["schemas"]
    assert schemas["ImagesResponse"]["required"] == ["created", "data"]
    assert "required" not in schemas["Image"]


def test_private_keys_are_those_of_the_vocabulary() -> None:
    vocabulary = json.loads(spec_file("vocabulary.schema.json").read_text(encoding="utf-8"))["$defs"]
    seen = set()
    for pointer, node in _nodes({**DATA, "x-model-families": []}):
        if pointer.endswith("/headers"):
            continue
        for key in (key for key in node if key.startswith("x-")):
            seen.add(key)
            rule = Draft202012Validator({"$ref": f"#/$defs/{key}", "$defs": vocabulary})
            assert [error.message for error in rule.iter_errors(node[key])] == [], f"{pointer}/{key}"
    assert seen >= {"x-rule", "x-rule-missing", "x-rule-type", "x-parameter", "x-known-values", "x-client"}


def test_every_narrowable_parameter_names_its_rule() -> None:
    free = {"model", "stream", "safety_identifier", "user"}
    for body in REQUESTS:
        schema = DOCUMENT.resolve(body.node["schema"])
        assert schema["x-rule-type"]
        assert {name for name, part in schema["properties"].items() if "x-rule" not in part} <= free, body.name
        assert all("x-rule-missing" in schema["properties"][name] for name in schema["required"]), body.name


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_examples_are_there_and_valid(body: Body) -> None:
    assert body.examples
    for name, value in body.examples.items():
        assert problems(body.node["schema"], value) == [], name


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_no_schema_takes_anything(body: Body) -> None:
    assert problems(body.node["schema"], [])
    assert problems(body.node["schema"], {})


@pytest.mark.parametrize("body", REQUESTS, ids=lambda body: body.name)
def test_request_examples_name_a_model_that_takes_them(body: Body) -> None:
    picture = FileFacts(format="png", width=512, height=512, bytes=40_000, alpha=True, transparent=True)
    for name, value in body.examples.items():
        told = {key: _with_files(item, picture) for key, item in value.items()}
        found = violations(DOCUMENT, value["model"], body.operation, told, media_type=body.media_type)
        assert found == (), name


def _with_files(value: Any, picture: FileFacts) -> Any:
    if isinstance(value, list):
        return [_with_files(item, picture) for item in value]
    return picture if isinstance(value, str) and value.startswith("<bytes of ") else value


@pytest.mark.parametrize("body", [body for body in ANSWERS if body.media_type == STREAM], ids=lambda body: body.name)
def test_frames_hold_events(body: Body) -> None:
    frame = DOCUMENT.resolve(body.node["schema"])["properties"]
    events = DOCUMENT.resolve(frame["data"]["contentSchema"])
    told = [json.loads(value["data"]) for value in body.examples.values()]
    for name, value in body.examples.items():
        event = json.loads(value["data"])
        assert problems(frame["data"]["contentSchema"], event) == [], name
        assert value["event"] == event["type"]
        assert problems(frame["data"]["contentSchema"], {**event, "created_at": "now"})
    kinds = list(events["discriminator"]["mapping"])
    assert sorted(event["type"] for event in told) == sorted(kinds) == sorted(frame["event"]["x-known-values"])


def test_pictures_in_examples_are_what_they_say() -> None:
    judged = 0
    for body in ANSWERS:
        for value in body.examples.values():
            told = json.loads(value["data"]) if body.media_type == STREAM else value
            for item in told.get("data", [told]):
                if "b64_json" in item:
                    _judge_picture(base64.b64decode(item["b64_json"], validate=True), told)
                    judged += 1
    assert judged >= 8


def _judge_picture(content: bytes, told: dict[str, Any]) -> None:
    if told.get("output_format") == "svg":
        assert content.startswith(b"<svg ")
        return
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.format is not None
        assert image.format.lower() == told.get("output_format", "png")
        if "size" in told:
            assert "{}x{}".format(*image.size) == told["size"]
        if told.get("background") == "transparent":
            assert image.getchannel("A").getextrema()[0] == 0


def test_usage_in_examples_adds_up() -> None:
    told = [value for body in ANSWERS for value in body.examples.values()]
    bodies = [json.loads(value["data"]) if "event" in value else value for value in told]
    usages = [value["usage"] for value in bodies if "usage" in value]
    assert len(usages) >= 5
    for usage in usages:
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] == sum(usage["input_tokens_details"].values())
        if "output_tokens_details" in usage:
            assert usage["output_tokens"] == sum(usage["output_tokens_details"].values())
