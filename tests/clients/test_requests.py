"""What the emitted client puts on the wire."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

import pytest
from clients.loopback import GOOD, Loopback
from clients.pictures import GIF, JPEG, PNG, SVG, WEBP
from imageproof_client import Client

OK = GOOD


def test_a_prompt_alone_sends_a_prompt_alone(client: Client, server: Loopback) -> None:
    server.json(OK)
    client.images.generate(prompt="a fox é")
    sent = server.received[0]
    assert (sent.verb, sent.path, sent.body) == ("POST", "/v1/images/generations", '{"prompt":"a fox é"}'.encode())
    assert sent.headers["authorization"] == "Bearer sk-secret-key"
    assert sent.headers["content-type"] == "application/json"


def test_json_keeps_types_and_nulls(client: Client, server: Loopback) -> None:
    client.images.generate(
        prompt="x", model="m", n=2, size=None, partial_images=0, svg={"model": "a", "reasoning": {"effort": None}}
    )
    assert server.received[0].json == {
        "prompt": "x",
        "model": "m",
        "n": 2,
        "size": None,
        "partial_images": 0,
        "svg": {"model": "a", "reasoning": {"effort": None}},
    }


def test_extras_reach_the_wire(client: Client, server: Loopback) -> None:
    client.images.generate(
        prompt="x", extra_body={"seed": 7}, extra_headers={"X-Trace": "t"}, extra_query={"api-version": "1"}
    )
    sent = server.received[0]
    assert sent.json == {"prompt": "x", "seed": 7}
    assert sent.headers["x-trace"] == "t"
    assert sent.path == "/v1/images/generations?api-version=1"


def test_one_image_is_image(client: Client, server: Loopback) -> None:
    client.images.edit(image=PNG, prompt="p")
    text, image = server.received[0].parts
    assert (text.name, text.filename, text.type, text.data) == ("prompt", None, "", b"p")
    assert (image.name, image.filename, image.type, image.data) == ("image", "image.png", "image/png", PNG)


@pytest.mark.parametrize("count", [1, 2, 16])
def test_a_list_is_bracketed(client: Client, server: Loopback, count: int) -> None:
    client.images.edit(image=[PNG] * count, prompt="p", mask=PNG)
    names = [part.name for part in server.received[0].parts]
    assert names == ["prompt", *["image[]"] * count, "mask"]


def test_mask_and_markup_are_not_bracketed(client: Client, server: Loopback) -> None:
    client.images.edit(image=[PNG, JPEG], prompt="p", mask=PNG, markup=PNG)
    assert [part.name for part in server.received[0].parts][-2:] == ["mask", "markup"]


def test_scalars_of_a_form(client: Client, server: Loopback) -> None:
    client.images.edit(
        image=PNG,
        prompt="p",
        n=3,
        stream=False,
        output_compression=0,
        size=None,
        svg={"model": "gpt-5.5", "reasoning": {"effort": "low"}},
    )
    texts = {part.name: part.data.decode() for part in server.received[0].parts if part.filename is None}
    assert texts == {
        "prompt": "p",
        "n": "3",
        "stream": "false",
        "output_compression": "0",
        "svg[model]": "gpt-5.5",
        "svg[reasoning][effort]": "low",
    }


@pytest.mark.parametrize(
    ("data", "suffix", "media_type"),
    [
        (PNG, "png", "image/png"),
        (JPEG, "jpg", "image/jpeg"),
        (WEBP, "webp", "image/webp"),
        (GIF, "gif", "image/gif"),
        (SVG, "svg", "image/svg+xml"),
    ],
)
def test_types_come_from_the_bytes(client: Client, server: Loopback, data: bytes, suffix: str, media_type: str) -> None:
    client.images.create_variation(image=data)
    image = server.received[0].parts[0]
    assert (image.filename, image.type, image.data) == (f"image.{suffix}", media_type, data)


def test_every_way_to_give_a_file(client: Client, server: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "fox.dat"
    path.write_bytes(WEBP)
    with path.open("rb") as open_file:
        ways: list[tuple[Any, str, str]] = [
            (path, "fox.dat", "image/webp"),
            (str(path), "fox.dat", "image/webp"),
            (open_file, "fox.dat", "image/webp"),
            (io.BytesIO(WEBP), "image.webp", "image/webp"),
            (bytearray(WEBP), "image.webp", "image/webp"),
            (("mine.webp", WEBP), "mine.webp", "image/webp"),
            (("mine", path, "image/x-own"), "mine", "image/x-own"),
            (("mine.bin", b"who knows"), "mine.bin", "application/octet-stream"),
        ]
        client.images.edit(image=[way for way, _, _ in ways], prompt="p")
    images = [part for part in server.received[0].parts if part.name == "image[]"]
    assert [(one.filename, one.type) for one in images] == [(name, told) for _, name, told in ways]
    assert [one.data for one in images] == [*[WEBP] * 7, b"who knows"]


def test_what_is_no_file_is_refused_before_anything_is_sent(client: Client, server: Loopback) -> None:
    with pytest.raises(TypeError, match="mode 'rb'"):
        client.images.edit(image=io.StringIO("text"), prompt="p")  # type: ignore[arg-type]  # the mistake itself
    with pytest.raises(TypeError, match="image"):
        client.images.edit(image=7, prompt="p")  # type: ignore[call-overload]  # the mistake itself
    assert not server.received


def test_dates_travel_as_iso_text(client: Client, server: Loopback) -> None:
    day, moment = datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
    client.images.generate(prompt="x", extra_body={"on": [day], "at": moment}, extra_query={"since": day})
    assert server.received[0].json == {"prompt": "x", "on": ["2026-01-31"], "at": "2026-01-31T12:00:00+00:00"}
    assert server.received[0].path.endswith("?since=2026-01-31")
    client.images.edit(image=PNG, prompt="x", extra_body={"on": day})
    assert ("on", b"2026-01-31") in [(part.name, part.data) for part in server.received[1].parts]


def test_what_cannot_be_sent_is_named(client: Client, server: Loopback) -> None:
    wrong: Any = {1, 2}
    with pytest.raises(TypeError, match=r"^n: set cannot be sent as JSON$"):
        client.images.generate(prompt="x", n=wrong)
    with pytest.raises(TypeError, match=r"^n: set cannot be sent as text$"):
        client.images.edit(image=PNG, prompt="x", n=wrong)
    with pytest.raises(TypeError, match=r"^q: set "):
        client.images.generate(prompt="x", extra_query={"q": wrong})
    with pytest.raises(TypeError, match=r"^model: set "):
        client.models.retrieve(wrong)
    assert not server.received


def test_path_parameters_are_encoded(client: Client, server: Loopback) -> None:
    server.json({"id": "a/b c", "object": "model", "created": 1, "owned_by": "x"})
    assert client.models.retrieve("a/b c").id == "a/b c"
    assert (server.received[0].verb, server.received[0].path) == ("GET", "/v1/models/a%2Fb%20c")
    for wrong in ("", ".", ".."):
        with pytest.raises(ValueError, match="model"):
            client.models.retrieve(wrong)


@pytest.mark.parametrize(
    "given", ["{origin}", "{origin}/", "{origin}/v1", "{origin}/v1/", "{origin}/v1/images/generations", " {host} "]
)
def test_base_urls_that_mean_the_same(server: Loopback, given: str) -> None:
    url = given.format(origin=server.origin, host=server.origin.removeprefix("http://"))
    assert Client("k", base_url=url).base_url == server.base_url


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://host/openai/v1", "https://host/openai/v1"),
        ("host.example", "https://host.example/v1"),
        ("https://host/images/edits", "https://host"),
        ("https://host//v1//", "https://host/v1"),
    ],
)
def test_base_urls_elsewhere(given: str, meant: str) -> None:
    assert Client("k", base_url=given).base_url == meant


@pytest.mark.parametrize("given", ["ftp://host", "https://user:pass@host/v1", "https://"])
def test_base_urls_that_cannot_be(given: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client("k", base_url=given)


def test_a_query_of_the_base_url_stays(server: Loopback) -> None:
    server.json(OK)
    Client("k", base_url=f"{server.base_url}?api-version=2").images.generate(prompt="x")
    assert server.received[0].path == "/v1/images/generations?api-version=2"


def test_environment(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    server.json(OK)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-outside\n")
    monkeypatch.setenv("OPENAI_BASE_URL", server.origin)
    with Client() as client:
        client.images.generate(prompt="x")
    with Client("") as client:
        client.images.generate(prompt="x")
    assert [one.headers.get("authorization") for one in server.received] == ["Bearer sk-from-outside", None]


def test_a_key_that_no_header_can_hold_is_not_told() -> None:
    with pytest.raises(ValueError, match="api_key") as caught:
        Client("sk-secret\nX-Evil: 1")
    assert "sk-secret" not in str(caught.value)
