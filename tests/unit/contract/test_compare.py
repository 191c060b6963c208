"""One change of the contract at a time, and the differences that it makes, no more and no fewer."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from imageproof.contract.compare import compare
from imageproof.contract.document import Document, load
from imageproof.contract.facts import contract_facts, model_facts, read_facts
from imageproof.contract.pointers import join, split
from imageproof.contract.requirements import requirements
from imageproof.contract.touched import with_requirements

CONTRACT = load()
OURS = contract_facts(CONTRACT)
GEN = "/components/schemas/CreateImageRequest/properties"
EDIT = "/components/schemas/CreateImageEditRequest/properties"
ANSWER = "/components/schemas/ImagesResponse"
EVENT = "/components/schemas/ImageGenerationCompletedEvent"
POST = "/paths/~1images~1generations/post"
REMOVED = object()
DETAIL = {"type": "object", "properties": {"detail": {"type": "array", "items": {}}}}


def changed(*edits: tuple[str, Any]) -> Document:
    """The contract with the values at some pointers replaced, or removed. Its families are left out: a provider's
    document has none."""
    data = copy.deepcopy({key: value for key, value in CONTRACT.data.items() if key != "x-model-families"})
    for pointer, value in edits:
        *parents, last = split(pointer)
        node = data
        for token in parents:
            node = node[token]
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return Document(data, "provider.yaml")


def differences(*edits: tuple[str, Any]) -> dict[str, str]:
    found = compare(OURS, read_facts(CONTRACT, changed(*edits)).facts)
    return {one.key: one.kind for one in found}


EDIT_FORM = "/paths/~1images~1edits/post/requestBody/content/multipart~1form-data"
RESPONSES = CONTRACT.data["paths"]["/images/generations"]["post"]["responses"]
CONTENT = CONTRACT.data["paths"]["/images/generations"]["post"]["requestBody"]["content"]
EVENT_NEEDS = ["type", "created_at", "size", "quality", "background", "output_format", "usage"]
MORE_ERROR = {
    "type": "object",
    "required": ["error", "request_id"],
    "properties": {"error": {"$ref": "#/components/schemas/ErrorObject"}, "request_id": {"type": "string"}},
}


def _body_of(model: str) -> dict[str, Any]:
    """The generation body of one model, as a provider of several writes it."""
    base = CONTRACT.data["components"]["schemas"]["CreateImageRequest"]
    properties = {**base["properties"], "model": {"type": "string", "const": model}}
    return {**base, "properties": properties, "required": ["prompt", "model"]}


PICTURES = ("createImage", "createImageEdit", "createImageVariation")
CASES: list[tuple[str, tuple[tuple[str, Any], ...], dict[str, str]]] = [
    ("a null that is not taken", ((f"{GEN}/n/type", "integer"),), {"createImage json:n null": "narrower"}),
    ("n as text", ((f"{GEN}/n/type", ["string", "null"]),), {"createImage json:n type": "breaking"}),
    ("n as any number", ((f"{GEN}/n/type", ["number", "null"]),), {"createImage json:n type": "wider"}),
    ("n as text in a form", ((f"{EDIT}/n/type", "string"),), {"createImageEdit form:n type": "documentation"}),
    ("fewer pictures", ((f"{GEN}/n/maximum", 4),), {"createImage json:n maximum": "narrower"}),
    ("more pictures", ((f"{GEN}/n/maximum", 128),), {"createImage json:n maximum": "wider"}),
    ("no most", ((f"{GEN}/n/maximum", REMOVED),), {"createImage json:n maximum": "wider"}),
    (
        "the same most in 3.0's words",
        ((f"{GEN}/n/maximum", 11), (f"{GEN}/n/exclusiveMaximum", True)),
        {},
    ),
    ("another default", ((f"{GEN}/n/default", 2),), {"createImage json:n default": "breaking"}),
    ("a default more", ((f"{GEN}/size/default", "auto"),), {"createImage json:size default": "documentation"}),
    (
        "a closed list with values missing and one more",
        ((f"{GEN}/background/enum", ["transparent", "white", None]),),
        {"createImage json:background values": "narrower", "createImage json:background more-values": "extension"},
    ),
    (
        "a closed list of all known values",
        ((f"{GEN}/background/enum", ["auto", "transparent", "opaque", None]),),
        {},
    ),
    ("a parameter that it lacks", ((f"{GEN}/quality", REMOVED),), {"createImage json:quality member": "narrower"}),
    (
        "no prompt",
        ((f"{GEN}/prompt", REMOVED), ("/components/schemas/CreateImageRequest/required", [])),
        {"createImage json:prompt member": "breaking"},
    ),
    ("a parameter of its own", ((f"{GEN}/seed", {"type": "integer"}),), {"createImage json:seed member": "extension"}),
    (
        "a parameter of its own that it requires",
        ((f"{GEN}/seed", {"type": "integer"}), ("/components/schemas/CreateImageRequest/required", ["prompt", "seed"])),
        {"createImage json:seed member": "breaking"},
    ),
    (
        "the model required",
        (("/components/schemas/CreateImageRequest/required", ["prompt", "model"]),),
        {"createImage json:model required": "breaking"},
    ),
    (
        "the prompt optional",
        (("/components/schemas/CreateImageRequest/required", []),),
        {"createImage json:prompt required": "wider"},
    ),
    (
        "one file alone",
        ((f"{EDIT}/image[]", REMOVED), ("/components/schemas/CreateImageEditRequest/anyOf", [{"required": ["image"]}])),
        {"createImageEdit form:image type": "narrower", "createImageEdit form:image parts": "breaking"},
    ),
    ("no body described", ((f"{POST}/requestBody", REMOVED),), {"createImage body described": "documentation"}),
    (
        "no JSON edits",
        (("/paths/~1images~1edits/post/requestBody/content/application~1json", REMOVED),),
        {"createImageEdit json media": "narrower"},
    ),
    (
        "no multipart edits",
        (("/paths/~1images~1edits/post/requestBody/content/multipart~1form-data", REMOVED),),
        {"createImageEdit form media": "breaking"},
    ),
    (
        "no stream",
        ((f"{POST}/responses/200/content/text~1event-stream", REMOVED),),
        {"createImage 200 stream media": "narrower"},
    ),
    (
        "an event in another shape",
        ((f"{EVENT}/properties/b64_json", REMOVED), (f"{EVENT}/required", EVENT_NEEDS)),
        {"createImage 200 stream:image_generation.completed.b64_json member": "breaking"},
    ),
    (
        "required usage",
        ((f"{ANSWER}/required", ["created", "data", "usage"]),),
        {f"{one} 200 json:usage required": "narrower" for one in PICTURES},
    ),
    (
        "data that may be missing",
        ((f"{ANSWER}/required", ["created"]),),
        {f"{one} 200 json:data required": "breaking" for one in PICTURES},
    ),
    (
        "a null in the answer",
        (("/components/schemas/Image/properties/url/type", ["string", "null"]),),
        {f"{one} 200 json:data[].url null": "wider" for one in PICTURES},
    ),
    (
        "an answer that is not described",
        ((f"{POST}/responses/200/content/application~1json/schema", {}),),
        {"createImage 200 json described": "documentation"},
    ),
    (
        "a null for what an answer must have",
        ((f"{ANSWER}/properties/created/type", ["integer", "null"]),),
        {f"{one} 200 json:created null": "breaking" for one in PICTURES},
    ),
    (
        "pictures that nobody can read",
        (("/components/schemas/Image/properties", {"image_base64": {"type": "string"}}),),
        {
            f"{one} 200 json:data[].{name} member": kind
            for one in PICTURES
            for name, kind in (
                ("b64_json", "breaking"),
                ("url", "breaking"),
                ("revised_prompt", "narrower"),
                ("image_base64", "extension"),
            )
        },
    ),
    (
        "one carrier alone",
        (("/components/schemas/Image/properties/url", REMOVED),),
        {f"{one} 200 json:data[].url member": "narrower" for one in PICTURES},
    ),
    (
        "required beside a reference",
        (
            (
                f"{POST}/requestBody/content/application~1json/schema",
                {"$ref": "#/components/schemas/CreateImageRequest", "required": ["model"]},
            ),
        ),
        {"createImage json:model required": "breaking"},
    ),
    (
        "a body for each model",
        (
            (
                f"{POST}/requestBody/content/application~1json/schema",
                {"oneOf": [_body_of("gpt-image-1"), _body_of("dall-e-3")]},
            ),
        ),
        {"createImage json:model required": "breaking", "createImage json:model values": "narrower"}
        | {"createImage json:model null": "narrower"},
    ),
    (
        "files of one media type alone",
        ((f"{EDIT_FORM}/encoding/image[]/contentType", "image/png"),),
        {"createImageEdit form:image content": "narrower"},
    ),
    (
        "files of any kind",
        ((f"{EDIT_FORM}/encoding/mask/contentType", "image/*"),),
        {"createImageEdit form:mask content": "wider"},
    ),
    (
        "a name that it asks for and does not describe",
        (("/components/schemas/CreateImageRequest/required", ["prompt", "tenant"]),),
        {"createImage json:tenant member": "breaking"},
    ),
    (
        "members of answers alone, in a request",
        (
            (f"{GEN}/made", {"type": "string", "readOnly": True}),
            ("/components/schemas/CreateImageRequest/required", ["prompt", "made"]),
        ),
        {},
    ),
    (
        "carriers that stand in requests alone",
        (
            ("/components/schemas/Image/properties/url/writeOnly", True),
            ("/components/schemas/Image/properties/b64_json/writeOnly", True),
        ),
        {f"{one} 200 json:data[].{name} member": "breaking" for one in PICTURES for name in ("url", "b64_json")},
    ),
    (
        "nothing to read",
        ((f"{POST}/responses/204", {"description": "x"}), (f"{POST}/responses/200", REMOVED)),
        {"createImage 200 value": "breaking", "createImage 200 described": "documentation"},
    ),
    ("several at least", ((f"{GEN}/n/minimum", 2),), {"createImage json:n minimum": "breaking"}),
    ("one prompt alone", ((f"{GEN}/prompt/enum", ["a"]),), {"createImage json:prompt values": "breaking"}),
    (
        "an error without its four members",
        (("/components/schemas/ErrorObject/required", ["message"]),),
        {
            f"{fact.operation} {fact.place}.{name} required": "breaking"
            for fact in OURS.values()
            if fact.place.endswith("json:error")
            for name in ("type", "param", "code")
        },
    ),
    (
        "an answer that may be null",
        (
            (
                f"{POST}/responses/200/content/application~1json/schema",
                {"anyOf": [{"$ref": "#/components/schemas/ImagesResponse"}, {"type": "null"}]},
            ),
        ),
        {"createImage 200 json null": "wider"},
    ),
    (
        "any application's media type",
        ((f"{POST}/requestBody/content", {"application/*": CONTENT["application/json"]}),),
        {},
    ),
    (
        "a closed body that lacks a parameter",
        (("/components/schemas/CreateImageRequest/additionalProperties", False), (f"{GEN}/user", REMOVED)),
        {"createImage json closed": "narrower", "createImage json:user member": "breaking"},
    ),
    (
        "no value in common",
        ((f"{GEN}/background/enum", ["white", None]),),
        {"createImage json:background values": "breaking", "createImage json:background more-values": "extension"},
    ),
    (
        "fewer files",
        ((f"{EDIT}/image[]/maxItems", 2),),
        {"createImageEdit form:image maxItems": "narrower"},
    ),
    (
        "text that a form means as a number",
        ((f"{EDIT}/n/type", "string"), (f"{EDIT}/n/default", "1")),
        {"createImageEdit form:n type": "documentation"},
    ),
    ("a default of null", ((f"{GEN}/size/default", None),), {}),
    (
        "an error under default, with more than the contract's",
        ((f"{POST}/responses/default", {"description": "x", "content": {"application/json": {"schema": MORE_ERROR}}}),),
        {"createImage default status": "extension", "createImage default json:request_id member": "extension"},
    ),
    (
        "a job before the pictures",
        (
            (
                f"{POST}/responses",
                {"202": {"description": "x", "content": {"application/json": {"schema": DETAIL}}}, **RESPONSES},
            ),
        ),
        {"createImage 202 status": "extension"},
    ),
    (
        "schemas that refer to each other, under a parameter of its own",
        (
            (f"{GEN}/meta", {"$ref": "#/components/schemas/M0"}),
            *(
                (
                    f"/components/schemas/M{i}",
                    {"properties": {f"p{k}": {"$ref": f"#/components/schemas/M{k}"} for k in range(30)}},
                )
                for i in range(30)
            ),
        ),
        {"createImage json:meta member": "extension"},
    ),
    ("a status that is not told", ((f"{POST}/responses/503", REMOVED),), {"createImage 503 status": "documentation"}),
    (
        "a range of statuses",
        (
            (f"{POST}/responses/500", REMOVED),
            (f"{POST}/responses/503", REMOVED),
            (f"{POST}/responses/5XX", {"$ref": "#/components/responses/ServerError"}),
        ),
        {"createImage 5XX status": "extension"},
    ),
    (
        "another envelope",
        (
            (
                f"{POST}/responses/422",
                {
                    "description": "x",
                    "content": {
                        "application/json": {"schema": {"properties": {"detail": {"type": "array", "items": {}}}}}
                    },
                },
            ),
        ),
        {
            "createImage 422 status": "extension",
            "createImage 422 json:error member": "breaking",
            "createImage 422 json:detail member": "extension",
        },
    ),
    (
        "a key that may be left out",
        (("/security", [{"bearerAuth": []}, {}]),),
        {f"{one} security value": "wider" for one in CONTRACT.operations()},
    ),
    ("deprecated", ((f"{POST}/deprecated", True),), {"createImage operation deprecated": "documentation"}),
    (
        "a header of its own, and one that means nothing",
        (
            (
                f"{POST}/parameters",
                [
                    {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
            ),
        ),
        {"createImage header:X-Tenant member": "breaking", "createImage header:Authorization member": "documentation"},
    ),
]


@pytest.mark.parametrize(("edits", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_change(edits: tuple[tuple[str, Any], ...], expected: dict[str, str]) -> None:
    assert differences(*edits) == expected


def test_the_contract_does_not_differ_from_itself() -> None:
    assert compare(OURS, OURS) == ()
    assert differences() == {}


@pytest.mark.parametrize("path", ["/images/generations", "/images/edits", "/images/variations", "/models"])
def test_an_operation_that_is_not_offered(path: str) -> None:
    kinds = {"/images/generations": "breaking", "/images/edits": "breaking"}
    found = differences((f"/paths{join(path)}", REMOVED))
    assert list(found.values()) == [kinds.get(path, "narrower")]
    assert list(found) == [f"{_id(path)} operation offered"]


def _id(path: str) -> str:
    return next(one.id for one in CONTRACT.operations().values() if one.path == path)


def test_a_trailing_slash_breaks() -> None:
    item = CONTRACT.data["paths"]["/images/generations"]
    found = differences(("/paths/~1images~1generations", REMOVED), ("/paths/~1images~1generations~1", item))
    assert found == {"createImage path value": "breaking"}


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({"type": "apiKey", "in": "header", "name": "Authorization"}, None),
        ({"type": "apiKey", "in": "header", "name": "api-key"}, "breaking"),
        ({"type": "oauth2", "flows": {}}, None),
        ({"$ref": "#/components/securitySchemes/Other"}, None),
        ({"type": "http", "scheme": "basic"}, "breaking"),
    ],
)
def test_ways_to_show_a_key(scheme: dict[str, Any], expected: str | None) -> None:
    other = {"type": "http", "scheme": "bearer"}
    found = differences(
        ("/components/securitySchemes/bearerAuth", scheme), ("/components/securitySchemes/Other", other)
    )
    assert set(found.values()) == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("mine", "theirs", "kind"),
    [
        ([{"bearerAuth": []}, {"x-api-key": []}], [{"bearerAuth": []}], "narrower"),
        ([{"bearerAuth": []}, {}], [{"bearerAuth": []}], "breaking"),
        ([{"bearerAuth": []}], [{"x-api-key": []}], "breaking"),
        ([{"bearerAuth": []}], [{"x-api-key": [], "bearerAuth": []}], "breaking"),
        ([{"bearerAuth": []}], [{"bearerAuth": [], "x-vendor": {}}], None),
        ([{"bearerAuth": []}], [{"bearerAuth": []}, {"x-api-key": []}], "extension"),
    ],
)
def test_a_choice_of_ways_to_show_a_key(mine: list[Any], theirs: list[Any], kind: str | None) -> None:
    header = {"type": "apiKey", "in": "header", "name": "k"}
    schemes = {"bearerAuth": {"type": "http", "scheme": "bearer"}, "x-api-key": header}
    edit = ("/components/securitySchemes", schemes)
    ours = changed(edit, ("/security", mine))
    found = compare(contract_facts(ours), read_facts(ours, changed(edit, ("/security", theirs))).facts)
    assert {one.kind for one in found} == ({kind} if kind else set())


def test_one_model() -> None:
    """A provider that lists the values of one model is no narrower for that model, and is for all."""
    sizes = ["auto", "1024x1024", "1536x1024", "1024x1536", None]
    theirs = read_facts(CONTRACT, changed((f"{GEN}/size/enum", sizes))).facts
    all_models = compare(OURS, theirs)
    assert [one.kind for one in all_models if one.key == "createImage json:size values"] == ["narrower"]
    one_model = compare(model_facts(CONTRACT, CONTRACT, "gpt-image-1"), theirs)
    assert [one.key for one in one_model if "createImage json:size" in one.key and one.aspect != "default"] == []


def test_the_body_of_one_model_among_several() -> None:
    """Of a union that is told apart by the model, the one that is asked for."""
    own = _body_of("gpt-image-1")
    own = {
        **own,
        "properties": {**own["properties"], "tenant": {"type": "string"}},
        "required": ["prompt", "tenant", "model"],
    }
    schema = {"oneOf": [own, _body_of("dall-e-3")]}
    theirs = changed((f"{POST}/requestBody/content/application~1json/schema", schema))
    for model, kinds in (("gpt-image-1", {"breaking"}), ("dall-e-3", set())):
        facts = read_facts(CONTRACT, theirs, model=model).facts
        found = compare(model_facts(CONTRACT, CONTRACT, model), facts)
        assert {one.kind for one in found if one.place == "json:tenant"} == kinds


def test_what_an_error_lacks_is_as_bad_as_its_rule() -> None:
    found = compare(
        OURS, read_facts(CONTRACT, changed(("/components/schemas/ErrorObject/required", ["message"]))).facts
    )
    assert {one.kind for one in with_requirements(found, OURS, requirements())} == {"narrower"}


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2"])
def test_pointers_of_one_model_lead_into_the_contract(model: str) -> None:
    for fact in model_facts(CONTRACT, CONTRACT, model).values():
        assert CONTRACT.at(fact.pointer) is not None


def test_pointers_and_requirements() -> None:
    found = compare(OURS, read_facts(CONTRACT, changed((f"{GEN}/n/maximum", 4))).facts)
    (one,) = with_requirements(found, OURS, requirements())
    assert (one.our_pointer, one.their_pointer) == (f"{GEN}/n", f"{GEN}/n")
    assert (one.ours, one.theirs) == ("10", "4")
    assert "GEN-N-RANGE" in one.requirements


REQUIREMENT_CASES: list[tuple[str, tuple[str, Any], str]] = [
    ("type", (f"{GEN}/n/type", ["string", "null"]), "GEN-TYPES"),
    ("missing", ("/components/schemas/CreateImageRequest/required", []), "GEN-PROMPT-REQUIRED"),
    ("nested", ("/components/schemas/ImageReference/properties/file_id", REMOVED), "EDIT-REFERENCE"),
]


@pytest.mark.parametrize(
    ("edit", "rule"), [case[1:] for case in REQUIREMENT_CASES], ids=[c[0] for c in REQUIREMENT_CASES]
)
def test_requirements_that_are_touched(edit: tuple[str, Any], rule: str) -> None:
    found = with_requirements(compare(OURS, read_facts(CONTRACT, changed(edit)).facts), OURS, requirements())
    assert rule in {name for one in found for name in one.requirements}
