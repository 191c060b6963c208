"""What the emitted client makes of answers, good, odd and bad."""

from __future__ import annotations

import base64
import importlib.util
import json
import threading
from pathlib import Path
from typing import Any, ClassVar

import imageproof_client as api
import openai
import pytest
from clients.loopback import Answer, Loopback
from clients.pictures import JPEG, PNG
from imageproof_client import Client
from imageproof_client._answer import Origin
from imageproof_client._content import Linked
from imageproof_client._http import Reader
from imageproof_client._request import Operation

from imageproof.contract.locate import CHECKOUT

KEY = "sk-secret-key"
ENCODED = base64.b64encode(PNG).decode()


def test_models_all_the_way_down(client: Client, server: Loopback) -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_tokens_details": {"text_tokens": 1}}
    server.json({"created": 5, "data": [{"b64_json": ENCODED}], "usage": usage}, x_request_id="req_1")
    answer = client.images.generate(prompt="x")
    assert isinstance(answer, api.ImagesResponse)
    assert answer.created == 5
    assert isinstance(answer.data[0], api.Image)
    assert answer.data[0].url is None
    assert answer.usage is not None and answer.usage.input_tokens_details.text_tokens == 1
    assert answer.usage.output_tokens_details is None
    assert answer.request_id == "req_1" == answer._request_id


def test_unknown_members_and_values_are_kept(client: Client, server: Loopback) -> None:
    item = {"b64_json": ENCODED, "seed": 7, "url": None, "revised_prompt": ""}
    server.json({"created": "soon", "data": [item], "quality": "ultra", "provider": {"name": "p"}, "usage": None})
    answer: Any = client.images.generate(prompt="x")
    assert (answer.created, answer.quality, answer.usage) == ("soon", "ultra", None)
    assert answer.extra == {"provider": {"name": "p"}}
    assert answer.provider == {"name": "p"}
    assert answer.data[0].seed == 7
    assert answer.data[0].url is None
    with pytest.raises(AttributeError, match="nothing"):
        _ = answer.nothing
    kept = {"b64_json": ENCODED, "seed": 7, "revised_prompt": ""}
    assert answer.to_dict() == {"created": "soon", "data": [kept], "quality": "ultra", "provider": {"name": "p"}}
    assert json.loads(answer.to_json()) == answer.to_dict()


def test_what_is_missing_is_none(client: Client, server: Loopback) -> None:
    server.json({"data": [{}, None, "x", 7, {"b64_json": "AAAA"}]})
    answer: Any = client.images.generate(prompt="x")
    for item in answer.data[:4]:
        assert (answer.created, answer.usage, item.b64_json, item.url) == (None, None, None, None)
        with pytest.raises(api.APIResponseValidationError, match="neither b64_json nor url"):
            item.to_bytes()
    assert (answer.data[4].to_bytes(), answer.data[2].item) == (bytes(3), "x")


@pytest.mark.parametrize("data", [[], None, {}, "x", ["odd"], [{}, 7], [None], [{"url": ""}], [{"b64_json": 7}]])
def test_a_success_without_pictures_is_an_error_that_keeps_what_came(
    client: Client, server: Loopback, data: object
) -> None:
    body = {"created": 1, "data": data, "usage": {"total_tokens": 5}}
    server.json(body)
    with pytest.raises(api.APIResponseValidationError, match="holds no file") as caught:
        client.images.generate(prompt="x")
    assert caught.value.body == body


def test_repr_is_short_and_holds_no_key(client: Client, server: Loopback) -> None:
    server.json({"created": 5, "data": [{"b64_json": "A" * 100_000}]})
    answer = client.images.generate(prompt="x")
    assert len(repr(answer)) < 400
    assert KEY not in repr(client) + repr(client.images.__dict__) + repr(answer)


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_bytes_from_base64(client: Client, server: Loopback, tmp_path: Path, prefix: str) -> None:
    server.json({"created": 5, "data": [{"b64_json": prefix + ENCODED}]})
    image = client.images.generate(prompt="x").data[0]
    assert image.to_bytes() == PNG
    assert image.save(tmp_path / "fox") == tmp_path / "fox.png"
    assert image.save(str(tmp_path / "fox.bin")) == tmp_path / "fox.bin"
    assert (tmp_path / "fox.png").read_bytes() == (tmp_path / "fox.bin").read_bytes() == PNG


def test_bytes_from_a_url_come_without_the_key(client: Client, server: Loopback) -> None:
    listing = json.dumps({"created": 5, "data": [{"url": f"{server.origin}/moved.jpg"}]}).encode()
    moved = Answer(302, headers={"location": f"{server.origin}/pic.jpg"})
    server.answer(Answer(body=listing), moved, Answer(body=JPEG, type="image/jpeg"))
    image = client.images.generate(prompt="x").data[0]
    assert image.to_bytes() == JPEG
    assert [one.path for one in server.received] == ["/v1/images/generations", "/moved.jpg", "/pic.jpg"]
    assert [KEY in str(one.headers) for one in server.received] == [True, False, False]
    with pytest.raises(api.APIResponseValidationError, match="larger than 5 bytes"):
        image.to_bytes(max_bytes=5)


def test_a_folder_that_is_not_there_is_told_before_the_download(
    client: Client, server: Loopback, tmp_path: Path
) -> None:
    listing = json.dumps({"created": 5, "data": [{"url": f"{server.origin}/pic.jpg"}]}).encode()
    server.answer(Answer(body=listing), Answer(body=JPEG, type="image/jpeg"))
    image = client.images.generate(prompt="x").data[0]
    with pytest.raises(FileNotFoundError, match="no/such/dir"):
        image.save(tmp_path / "no/such/dir/x.png")
    assert len(server.received) == 1
    (tmp_path / "x.png").mkdir()
    with pytest.raises(OSError, match=r"x\.png"):
        image.save(tmp_path / "x.png")
    assert image.save(tmp_path / "y.jpg").read_bytes() == JPEG
    assert len(server.received) == 2  # what failed to be written is not fetched again


def test_plain_text_and_bytes(client: Client, server: Loopback) -> None:
    """No call of this document answers so: the module that reads such answers is for the documents that need it."""
    path = CHECKOUT / "generator/imageproof/emit/templates/python/runtime/_shapes.py"
    found = importlib.util.spec_from_file_location("imageproof_client._shapes", path)
    assert found and found.loader
    shapes = importlib.util.module_from_spec(found)
    found.loader.exec_module(shapes)
    server.answer(Answer(body="grüß".encode("latin-1"), type="text/plain; charset=latin-1"))
    calls = client.images._calls
    assert calls.call(Operation("a.b", "GET", "/text", accept="text/plain"), {}, shapes.Text()) == "grüß"
    assert calls.call(Operation("a.b", "GET", "/text"), {}, shapes.Bytes()) == "grüß".encode("latin-1")
    assert calls.call(Operation("a.b", "GET", "/text"), {}, Reader[None]()) is None
    assert server.received[0].headers["accept"] == "text/plain"


def test_a_closed_client_says_so(server: Loopback) -> None:
    with Client("k", base_url=server.base_url) as client:
        pass
    with pytest.raises(api.APIConnectionError, match=r"^the client is closed: [^\n]+$"):
        client.images.generate(prompt="x")
    assert not server.received


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"b64_json": "not base64!"}, "not base64"),
        ({"url": "file:///etc/passwd"}, "not a URL"),
        ({"url": "/relative.png"}, "not a URL"),
    ],
)
def test_pictures_that_are_none(client: Client, server: Loopback, item: dict[str, str], said: str) -> None:
    server.json({"created": 5, "data": [item]})
    image = client.images.generate(prompt="x").data[0]
    with pytest.raises(api.APIResponseValidationError, match=said):
        image.to_bytes()


def test_a_url_that_is_gone(client: Client, server: Loopback) -> None:
    listing = json.dumps({"created": 5, "data": [{"url": f"{server.origin}/pic.jpg"}]}).encode()
    server.answer(Answer(body=listing), Answer(404, b"<html>gone", "text/html"))
    with pytest.raises(api.NotFoundError):
        client.images.generate(prompt="x").data[0].to_bytes()


STATUSES = [
    (400, api.InvalidParameterError),
    (401, api.AuthenticationError),
    (403, api.PermissionDeniedError),
    (404, api.NotFoundError),
    (409, api.ConflictError),
    (418, api.APIStatusError),
    (422, api.UnprocessableEntityError),
    (429, api.RateLimitError),
    (500, api.InternalServerError),
    (503, api.InternalServerError),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_statuses(client: Client, server: Loopback, status: int, kind: type[api.APIStatusError]) -> None:
    error = {"message": "No.", "type": "invalid_request_error", "param": "size", "code": "invalid_size"}
    server.json({"error": error}, status, x_request_id="req_9")
    with pytest.raises(kind) as caught:
        client.with_options(max_retries=0).images.generate(prompt="x")
    found = caught.value
    assert type(found) is kind
    assert (found.status_code, found.code, found.param, found.type) == (status, "invalid_size", "size", error["type"])
    assert (found.message, found.request_id, found.body) == ("No.", "req_9", error)
    assert json.loads(found.raw) == {"error": error}
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("body", "message", "kept"),
    [
        (b'{"error": "nope"}', "nope", "nope"),
        (b'{"detail": "nope"}', "nope", {"detail": "nope"}),
        (b'{"detail": [{"loc": ["n"]}]}', '[{"loc": ["n"]}]', {"detail": [{"loc": ["n"]}]}),
        (b"<html>502</html>", "the server answered 500", "<html>502</html>"),
        (b"", "the server answered 500", None),
        (b"[1]", "the server answered 500", [1]),
        (b'{"error": {"message": 7}}', "7", {"message": 7}),
    ],
)
def test_odd_error_bodies(client: Client, server: Loopback, body: bytes, message: str, kept: object) -> None:
    server.answer(Answer(500, body))
    with pytest.raises(api.InternalServerError) as caught:
        client.images.generate(prompt="x")
    assert (caught.value.message, caught.value.body, caught.value.code) == (message, kept, None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(body=b'{"error": {"message": "quota", "code": "c"}}'), "quota"),
        (Answer(body=b"<html>", type="text/html"), "not JSON"),
        (Answer(body=b""), "not JSON"),
        (Answer(body=b"data: {}\n\n", type="text/event-stream"), "not JSON"),
    ],
)
def test_success_that_is_none(client: Client, server: Loopback, answer: Answer, said: str) -> None:
    server.answer(answer)
    with pytest.raises(api.APIResponseValidationError, match=said) as caught:
        client.images.generate(prompt="x")
    assert caught.value.status_code == 200
    assert caught.value.raw == answer.body.decode()


def test_a_byte_order_mark_is_no_harm(client: Client, server: Loopback) -> None:
    server.answer(Answer(body=b'\xef\xbb\xbf{"created": 1, "data": [{"b64_json": "AA=="}]}', type="text/plain"))
    assert client.images.generate(prompt="x").created == 1


def test_an_echoed_key_is_struck_out(client: Client, server: Loopback) -> None:
    server.json({"error": {"message": f"Incorrect key {KEY}"}}, 401)
    with pytest.raises(api.AuthenticationError) as caught:
        client.images.generate(prompt="x")
    assert KEY not in f"{caught.value!r} {caught.value} {caught.value.raw} {caught.value.body}"


def test_redirects_are_refused(client: Client, server: Loopback) -> None:
    server.answer(Answer(307, headers={"location": "http://127.0.0.1:9/elsewhere"}))
    with pytest.raises(api.APIStatusError, match="redirects are not followed") as caught:
        client.images.generate(prompt="x")
    assert caught.value.status_code == 307


def test_nobody_there() -> None:
    with Client(KEY, base_url="http://127.0.0.1:9") as client, pytest.raises(api.APIConnectionError) as caught:
        client.images.generate(prompt="x")
    assert KEY not in str(caught.value)


def test_a_broken_answer(client: Client, server: Loopback) -> None:
    server.answer(Answer(body=b'{"created"', cut=True))
    with pytest.raises(api.APIConnectionError, match="broke off"):
        client.images.generate(prompt="x")


def test_no_answer_in_time(client: Client, server: Loopback) -> None:
    gate = threading.Event()
    server.answer(Answer(chunks=[b"{}"], gates=[gate]))
    with pytest.raises(api.APITimeoutError):
        client.images.generate(prompt="x", timeout=0.05)
    gate.set()


def test_what_the_client_keeps_for_itself_hides_no_member() -> None:
    """A member may be called like anything."""

    class Odd(Linked):
        headers: str
        origin: str
        b64_json: str | None = None
        _inline: ClassVar[str] = "b64_json"

    made = Odd.decode({"headers": "h", "origin": "o", "b64_json": ENCODED, "extra": 1}, Origin())
    assert (made.headers, made.origin, made.extra, made.request_id) == ("h", "o", {"extra": 1}, None)
    assert made.to_bytes() == PNG
    with pytest.raises(TypeError, match="no member 'nothing'"):
        Odd(headers="h", origin="o", nothing=1)  # type: ignore[call-arg]  # the mistake itself


def test_a_dictionary_as_the_official_sdk_makes_one(client: Client, server: Loopback) -> None:
    body = {"created": 1, "data": [{"b64_json": "iVBORw0KGgo=", "mine": {"a": None}}], "more": [1]}
    server.json(body)
    ours = client.images.generate(prompt="x")
    official = openai.types.ImagesResponse.model_validate(body)
    told = official.model_dump()
    assert {name: value for name, value in ours.model_dump().items() if name in told} == told
    assert ours.to_dict() == ours.model_dump(mode="json", exclude_none=True) == official.to_dict() == body
    assert json.loads(ours.model_dump_json(indent=2)) == ours.model_dump()


def test_a_list_is_iterated(client: Client, server: Loopback) -> None:
    server.json({"object": "list", "data": [{"id": "a"}, {"id": "b"}]})
    assert [model.id for model in client.models.list()] == ["a", "b"]
    server.json({"object": "list"})
    assert list(client.models.list()) == []
    server.json({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}] * 2})
    assert len([image.to_bytes() for image in client.images.generate(prompt="x")]) == 2


@pytest.mark.parametrize("key", ["abc", "k-1+/", "sk-proj-0123456789abcdef"])
@pytest.mark.parametrize("way", ["key", "function", "header", "call"])
def test_no_key_is_shown_however_it_came_along(server: Loopback, key: str, way: str) -> None:
    told: Any = {"api_key": key if way == "key" else (lambda: key) if way == "function" else ""}
    told |= {"default_headers": {"Authorization": f"Bearer {key}"}} if way == "header" else {}
    more: Any = {"extra_headers": {"api-key": key}} if way == "call" else {}
    said = f"Incorrect API key provided: {key}. Find yours at {key}"
    with Client(**told, base_url=server.base_url, max_retries=0) as client:
        server.json({"error": {"message": said, "code": "c"}}, 401, x_request_id=key)
        with pytest.raises(api.AuthenticationError) as refused:
            client.images.generate(prompt="x", **more)
        item = {"b64_json": "AAAA", "revised_prompt": f"{'x' * 90} {said}"}
        server.json({"created": key, "data": [item]}, x_request_id=key)
        answer = client.images.generate(prompt="x", **more)
        events = [{"type": "image_generation.completed", "b64_json": "AAAA", "quality": said}, {"error": said}]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        server.answer(Answer(type="text/event-stream", body=text.encode(), headers={"x-request-id": key}))
        stream = client.images.generate(prompt="x", stream=True, **more)
        event = next(stream)
        with pytest.raises(api.APIError) as broken:
            next(stream)
    assert refused.value.code == "c" and "[key]" in str(refused.value) and "[key]" in str(broken.value)
    shown = [
        refused.value,
        refused.value.raw,
        refused.value.body,
        refused.value.headers,
        broken.value,
        broken.value.raw,
    ]
    shown += [answer, answer.data[0], answer.request_id, event, stream, client]
    assert all(key not in f"{one!r} {one}" for one in shown)
    assert answer.data[0].revised_prompt == item["revised_prompt"]


def test_words_of_an_answer_stay_where_the_key_is_a_word_too(server: Loopback) -> None:
    for key in ("EMPTY", "null", "key"):
        server.json({"error": {"message": "the monkey is EMPTY", "code": None}}, 400)
        with Client(key, base_url=server.base_url) as client, pytest.raises(api.BadRequestError) as caught:
            client.images.generate(prompt="x")
        assert caught.value.message == "the monkey is EMPTY"
