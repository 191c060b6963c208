"""What the emitted client does with servers that mean harm, and with slips of its own caller."""

from __future__ import annotations

import copy
import gzip
import io
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import imageproof_client as api
import pytest
from clients.loopback import GOOD, Answer, Loopback
from clients.pictures import PNG
from imageproof_client import NOT_GIVEN, Client
from imageproof_client._files import Form
from imageproof_client._request import Call, Operation, call_of

KEY = "sk-a+b/c=="


def spelt(key: str) -> list[str]:
    """A key as servers echo it."""
    return [key, key.replace("/", "\\/"), key.replace("+", "\\u002B"), quote(key, safe=""), key.upper()]


@pytest.mark.parametrize("echoed", spelt(KEY))
def test_a_key_is_struck_out_however_it_is_written(server: Loopback, echoed: str) -> None:
    """Serializers escape plus signs and slashes; then the text holds no key, and what is read of it does."""
    body = f'{{"error": {{"message": "bad key Bearer {echoed}", "param": "{echoed}"}}}}'.encode()
    server.answer(Answer(401, body, headers={"x-echo": f"Bearer {KEY}"}))
    with Client(KEY, base_url=server.base_url) as client, pytest.raises(api.AuthenticationError) as caught:
        client.images.generate(prompt="x")
    found = caught.value
    told = f"{found!r} {found} {found.raw} {found.body} {found.param} {dict(found.headers)}"
    assert "[key]" in told
    assert KEY.lower() not in told.lower() and echoed.lower() not in told.lower()


def test_errors_can_be_copied_and_pickled(client: Client, server: Loopback) -> None:
    server.json({"error": {"message": "No.", "code": "c"}}, 400, x_request_id="r")
    with pytest.raises(api.BadRequestError) as caught:
        client.images.generate(prompt="x")
    for twin in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):
        assert (str(twin), twin.code, twin.status_code) == (str(caught.value), "c", 400)


def image_of(client: Client, server: Loopback, answer: Answer) -> Any:
    listing = json.dumps({"created": 5, "data": [{"url": f"{server.origin}/pic"}]}).encode()
    server.answer(Answer(body=listing), answer)
    return client.images.generate(prompt="x").data[0]


@pytest.mark.parametrize(("status", "kind"), [(200, api.APIResponseValidationError), (500, api.InternalServerError)])
def test_a_bomb_is_not_unpacked(client: Client, server: Loopback, status: int, kind: type[api.APIError]) -> None:
    """30 MB that travel as 30 kB: neither as a picture nor as an error page."""
    bomb = gzip.compress(bytes(30_000_000))
    image = image_of(client, server, Answer(status, bomb, headers={"content-encoding": "gzip"}))
    with pytest.raises(kind) as caught:
        image.to_bytes(max_bytes=1_000_000)
    assert len(caught.value.raw) < 100_000


def test_a_download_that_drips_ends_in_time(client: Client, server: Loopback) -> None:
    """Each byte comes in time, and all of them never would."""
    gates = [threading.Event() for _ in range(200)]
    image = image_of(client, server, Answer(chunks=[b"x"] * 200, gates=gates))

    def drip() -> None:
        for gate in gates:
            stopped.wait(0.02)
            gate.set()

    stopped = threading.Event()
    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(api.APITimeoutError, match=r"0\.2 seconds"):
        image.to_bytes(timeout=0.2)
    stopped.set()
    thread.join()


def test_threads_share_a_client(client: Client, server: Loopback) -> None:
    server.json(GOOD)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.images.edit(image=PNG, prompt=str(n)), range(32)))
    assert len(answers) == 32
    assert sorted(int(one.parts[0].data) for one in server.received) == list(range(32))


SLIPS: dict[str, tuple[Any, type[Exception], str]] = {
    "two paths in a tuple": (("a.png", "b.png"), TypeError, "use a list"),
    "two Paths in a tuple": ((Path("a.png"), Path("b.png")), TypeError, "use a list"),
    "two contents in a tuple": ((PNG, PNG), TypeError, "use a list"),
    "one path in a tuple": (("a.png",), TypeError, "a tuple is"),
    "four things in a tuple": (("a.png", PNG, "image/png", {}), TypeError, "a tuple is"),
    "tuple of name and none": (("a.png", None), TypeError, "a tuple is"),
    "an empty list": ([], ValueError, "empty"),
    "none in a list": ([PNG, None], TypeError, "image"),
    "a media type that ends the header": (("a", PNG, "image/png\r\nX-Evil: 1"), ValueError, "control characters"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_told_before_money_is_spent(client: Client, server: Loopback, slip: str) -> None:
    image, kind, said = SLIPS[slip]
    with pytest.raises(kind, match=said):
        client.images.edit(image=image, prompt="p")
    assert not server.received


def test_a_file_that_was_read_already(client: Client, server: Loopback) -> None:
    file = io.BytesIO(PNG)
    client.images.edit(image=file, prompt="p")
    with pytest.raises(ValueError, match="seek"):
        client.images.edit(image=file, prompt="p")
    client.images.edit(image=io.BytesIO(), prompt="an empty file is the server's to judge")
    assert len(server.received) == 2


@pytest.mark.parametrize("name", ['a"b.png', "a\r\nX-Evil: 1\r\n\r\nb", 'é"; name="prompt', "名\\.png"])
def test_file_names_stay_names(client: Client, server: Loopback, name: str) -> None:
    client.images.edit(image=(name, PNG), prompt="p")
    sent = server.received[0]
    assert [part.name for part in sent.parts] == ["prompt", "image"]
    assert sent.parts[1].data == PNG
    assert b"\nX-Evil" not in sent.body


def test_files_that_nobody_declared(client: Client, server: Loopback) -> None:
    client.images.edit(image=PNG, prompt="p", extra_body={"style_image": PNG})
    assert server.received[0].parts[-1].data == PNG


def test_json_that_no_server_reads_is_not_sent(client: Client, server: Loopback) -> None:
    with pytest.raises(ValueError, match="JSON"):
        client.images.generate(prompt="x", extra_body={"seed": float("nan")})
    assert not server.received
    client.images.generate(prompt="half a pair: \ud83d")
    assert server.received[0].json == {"prompt": "half a pair: \ud83d"}


@pytest.mark.parametrize("text", ["null", "[1]", '"text"', "1", '{"type": null}', '{"type": ["a"]}', "1e999"])
def test_events_of_any_shape(client: Client, server: Loopback, text: str) -> None:
    last = '{"type": "image_generation.completed", "b64_json": "AA=="}'
    server.answer(Answer(type="text/event-stream", body=f"data: {text}\n\ndata: {last}\n\n".encode()))
    with client.images.generate(prompt="x", stream=True) as stream:
        assert len(list(stream)) == 2


def test_a_huge_event_in_bytes_cut_anywhere(client: Client, server: Loopback) -> None:
    event = {"type": "image_generation.completed", "b64_json": "é" * 300_000, "created_at": 10**30}
    body = f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n".encode()
    chunks = [body[at : at + 99_991] for at in range(0, len(body), 99_991)]
    server.answer(Answer(type="text/event-stream", chunks=chunks))
    with client.images.generate(prompt="x", stream=True) as stream:
        (found,) = list(stream)
    assert (found.b64_json, found.created_at) == (event["b64_json"], 10**30)


def call(client: Client, media_type: str, given: dict[str, Any], **told: Any) -> Call:
    operation = Operation("do.it", "POST", "/it", {name: name for name in "abn"}, media_type=media_type, **told)
    return call_of(operation, {}, given, client._http.settings)


def test_bodies_that_other_documents_have(client: Client) -> None:
    """The runtime is one for all documents: forms whose members nobody listed, and media types with parameters."""
    made = call(client, "multipart/form-data; charset=utf-8", {"a": b"x", "extra_body": {"n": 1}}).body
    assert isinstance(made, Form)
    assert [head.split(b'"')[1] for head, _ in made.parts] == [b"n", b"a"]
    assert len(b"".join(made.pieces())) == made.size
    pairs = call(client, "application/x-www-form-urlencoded", {"a": "x y", "extra_body": {"b": True}})
    assert pairs.body == b"a=x+y&b=true"
    assert call(client, "multipart/form-data", {"a": NOT_GIVEN}, whole="a").body is None
    with pytest.raises(TypeError, match="extra_body"):
        call(client, "application/json", {"a": [1], "extra_body": {"n": 1}}, whole="a")


def test_one_name_in_three_places(client: Client) -> None:
    names = {"id": "id", "query_id": "id", "header_id": "id", "tags": "tags"}
    operation = Operation(
        "do.it",
        "POST",
        "/it/{id}",
        names,
        query=("query_id", "tags"),
        headers=("header_id",),
        commas=("tags",),
        media_type="application/json",
    )
    given = {"id": "body", "query_id": "query", "header_id": "header", "tags": ["a", "b"]}
    made = call_of(operation, {"id": "path"}, given, client._http.settings)
    assert made.url.endswith("/it/path?id=query&tags=a%2Cb")
    assert (made.headers["id"], made.body) == ("header", b'{"id":"body"}')


def test_no_repr_spells_the_key(client: Client, server: Loopback) -> None:
    """Not letter by letter either, as a pattern that looks for it would."""
    image = client.images.generate(prompt="x").data[0]
    shown = repr([vars(image), client._http.settings, client._http.origin, vars(client._http)])
    made = call(client, "application/json", {"a": "x"})
    assert "sk-secret-key" not in shown + repr(made)
    assert "u0073" not in shown
