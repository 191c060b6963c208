"""Pictures in and out: every way to give one, what is known of one without decoding it, masks, and where links lead."""

from __future__ import annotations

import base64
import copy
import io
import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any, Literal

import httpx2
import imageproof_client as api
import pytest
from clients.loopback import Answer, Loopback
from clients.pictures import PNG, SVG
from imageproof_client import Client
from imageproof_client._files import Upload, form_of, upload_of
from imageproof_client._pictures import HEAD, is_see_through, read_picture
from PIL import Image

ENCODED = base64.b64encode(PNG).decode()
MEGA = 1_000_000


def drawn(kind: str, mode: str = "RGB", size: tuple[int, int] = (37, 21), **told: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, told.pop("color", None) or 0).save(buffer, kind, **told)
    return buffer.getvalue()


def sideways() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return drawn("JPEG", exif=exif)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (drawn("PNG"), ("png", 37, 21, False)),
        (drawn("PNG", "RGBA"), ("png", 37, 21, True)),
        (drawn("PNG", "LA"), ("png", 37, 21, True)),
        (drawn("PNG", "P", transparency=0), ("png", 37, 21, True)),
        (drawn("JPEG"), ("jpeg", 37, 21, False)),
        (drawn("JPEG", progressive=True), ("jpeg", 37, 21, False)),
        (sideways(), ("jpeg", 21, 37, False)),
        (drawn("GIF", "P"), ("gif", 37, 21, False)),
        (drawn("WEBP"), ("webp", 37, 21, False)),
        (drawn("WEBP", "RGBA"), ("webp", 37, 21, True)),
        (drawn("WEBP", lossless=True), ("webp", 37, 21, False)),
        (drawn("WEBP", "RGBA", lossless=True, color=(1, 2, 3, 4)), ("webp", 37, 21, True)),
        (SVG, ("svg", 0, 0, False)),
        (b"BM not known", ("", 0, 0, False)),
        (b"", ("", 0, 0, False)),
    ],
)
def test_headers(content: bytes, told: tuple[str, int, int, bool]) -> None:
    found = read_picture(content[:HEAD])
    assert (found.format, found.width, found.height, found.alpha) == told
    for cut in range(0, len(content), 7):
        assert read_picture(content[:cut]).format in (told[0], "")  # never an exception


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("level", [0, 9])
@pytest.mark.parametrize("hole", [None, (0, 0), (36, 20), (5, 20)])
def test_see_through(mode: Literal["RGBA", "LA"], level: int, hole: tuple[int, int] | None) -> None:
    """Whatever filters an encoder chose."""
    picture = Image.effect_noise((37, 21), 60).convert(mode)
    if hole:
        picture.putpixel(hole, (1, 2, 3, 254) if mode == "RGBA" else (1, 254))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=level)
    assert is_see_through(buffer.getvalue()) is (hole is not None)


def test_see_through_where_it_cannot_be_told() -> None:
    assert is_see_through(drawn("PNG")) is False
    assert is_see_through(drawn("PNG", "P", transparency=0)) is None
    assert is_see_through(drawn("PNG", "RGBA")[:60]) is None


def test_a_mask_is_transparent_inside_its_boxes() -> None:
    photo = drawn("JPEG", size=(64, 32))
    mask = api.make_mask(photo, (0, 0, 10, 5), (20, 3, 64, 32))
    alpha = Image.open(io.BytesIO(mask)).convert("RGBA").getchannel("A")
    assert alpha.size == (64, 32)
    inside = {(0, 0), (9, 4), (20, 3), (63, 31)}
    assert all(alpha.getpixel(place) == 0 for place in inside)
    assert all(alpha.getpixel(place) == 255 for place in [(10, 0), (0, 5), (19, 31), (63, 2)])
    api.check_mask(mask, photo)


@pytest.mark.parametrize("boxes", [(), ((0, 0, 0, 1),), ((0, 0, 65, 1),), ((-1, 0, 5, 5),), ((5, 5, 2, 9),)])
def test_boxes_that_are_none(boxes: tuple[tuple[int, int, int, int], ...]) -> None:
    with pytest.raises(ValueError, match="box"):
        api.make_mask(drawn("PNG", size=(64, 32)), *boxes)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (drawn("PNG", size=(64, 32)), "no alpha channel"),
        (drawn("PNG", "RGBA", (64, 32), color=(0, 0, 0, 255)), "opaque all over"),
        (drawn("PNG", "RGBA", (32, 32)), "is 32x32"),
        (b"nothing", "unknown format"),
    ],
)
def test_masks_that_servers_refuse(mask: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        api.check_mask(mask, drawn("JPEG", size=(64, 32)))


def test_what_a_picture_of_an_answer_knows(client: Client, server: Loopback, tmp_path: Path) -> None:
    photo = drawn("WEBP", size=(640, 480))
    server.json({"data": [{"b64_json": base64.b64encode(photo).decode()}]})
    image = client.images.generate(prompt="x").data[0]
    assert (image.size, image.format) == ((640, 480), "webp")
    assert image.data_url() == f"data:image/webp;base64,{base64.b64encode(photo).decode()}"
    assert image.save(tmp_path / "a.b c") == tmp_path / "a.b c"
    assert image.save(tmp_path / "fox") == tmp_path / "fox.webp"


@pytest.mark.parametrize("length", [100, 5_000_000])
def test_long_base64_is_what_short_base64_is(client: Client, server: Loopback, length: int) -> None:
    """A long text stays inside the answer until somebody asks for it."""
    photo = PNG + bytes(length)
    text = base64.b64encode(photo).decode()
    server.json({"created": 1, "data": [{"b64_json": text}, {"b64_json": text[:-4], "seed": 1}], "note": "n"})
    answer = client.images.generate(prompt="x")
    first, second = answer.data
    assert first.to_bytes() == photo and first.size == (1, 1)
    assert first.b64_json == text and second.b64_json == text[:-4]
    assert second.extra == {"seed": 1} and answer.extra == {"note": "n"}
    assert first == copy.copy(first) == pickle.loads(pickle.dumps(first))
    assert pickle.loads(pickle.dumps(answer)).data[0].to_bytes() == photo
    assert answer.to_dict()["data"][0] == {"b64_json": text}
    assert len(repr(answer)) < 1000


LONG = "A" * 40_000


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"b64_json": LONG}], "spare": {"b64_json": LONG}},
        {"data": [{"b64_json": LONG, "preview": {"b64_json": LONG}}]},
        {"data": [{"b64_json": f"{LONG}\n"}, {"b64_json": LONG}]},
        {"data": [{"b64_json": LONG, "revised_prompt": f'say "b64_json": "{LONG}"'}]},
        {"data": [{"b64_json": "\0000", "revised_prompt": LONG}]},
        {"data": [{"b64_json": LONG}], "b64_json": ["\0000", "\0001", LONG]},
    ],
)
def test_long_texts_wherever_they_stand(client: Client, server: Loopback, body: dict[str, Any]) -> None:
    server.json(body)
    assert client.images.generate(prompt="x").to_dict() == body


def test_a_member_that_stands_twice_is_the_last(client: Client, server: Loopback) -> None:
    server.answer(Answer(body=f'{{"data": [{{"b64_json": "{LONG}", "b64_json": "{ENCODED}"}}]}}'.encode()))
    assert client.images.generate(prompt="x").data[0].to_bytes() == PNG


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        f"data:image/png;base64,{ENCODED}",
        ENCODED.rstrip("="),
        "\n".join(ENCODED[at : at + 20] for at in range(0, len(ENCODED), 20)),
        ENCODED.replace("+", "-").replace("/", "_"),
    ],
)
def test_base64_as_servers_write_it(client: Client, server: Loopback, text: str) -> None:
    server.json({"data": [{"b64_json": text}]})
    assert client.images.generate(prompt="x").data[0].to_bytes() == PNG


@pytest.mark.parametrize(
    "item", [{"b64_json": ""}, {"b64_json": None, "url": ""}, {"b64_json": 5}, {"b64_json": "===="}]
)
def test_no_empty_file_is_written(client: Client, server: Loopback, tmp_path: Path, item: dict[str, Any]) -> None:
    server.json({"data": [item]})
    with pytest.raises(api.APIResponseValidationError):
        client.images.generate(prompt="x").data[0].save(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_a_picture_of_pillows(client: Client, server: Loopback) -> None:
    client.images.edit(prompt="x", image=Image.new("RGBA", (5, 4)))
    image = server.received[0].parts[1]
    assert (image.filename, image.type) == ("image.png", "image/png")
    assert Image.open(io.BytesIO(image.data)).size == (5, 4)


def test_a_file_is_read_from_where_it_stood(client: Client, server: Loopback) -> None:
    file = io.BytesIO(b"skip" + PNG)
    file.seek(4)
    server.answer(Answer(429, headers={"retry-after-ms": "1"}), Answer())
    client.images.edit(prompt="x", image=file)
    assert [one.parts[1].data for one in server.received] == [PNG, PNG]


class Pipe(io.RawIOBase):
    """What can be read once."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)


def test_a_pipe_is_read_once_and_sent_as_often_as_it_takes(client: Client, server: Loopback) -> None:
    server.answer(Answer(503, headers={"retry-after-ms": "1"}), Answer())
    client.images.edit(prompt="x", image=Pipe(PNG), model="gpt-image-1")  # type: ignore[call-overload]  # a RawIOBase
    assert [one.parts[2].data for one in server.received] == [PNG, PNG]


def test_a_large_upload_takes_little_memory(tmp_path: Path) -> None:
    """The form of a 50 MB file is sent in pieces of a quarter megabyte."""
    path = tmp_path / "large.png"
    path.write_bytes(PNG + bytes(50 * MEGA))
    tracemalloc.start()
    form = form_of({"image": upload_of("image", path), "prompt": "x"}, {}, ())
    size = sum(len(piece) for piece in form.pieces())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == form.size > 50 * MEGA
    assert peak < 5 * MEGA


def test_a_large_file_arrives_whole(client: Client, server: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(PNG + b"x" * (3 * MEGA))
    with path.open("rb") as file:
        client.images.edit(prompt="x", image=[path, file])
    sent = server.received[0]
    assert sent.headers["content-length"] == str(len(sent.body))
    assert [part.data == path.read_bytes() for part in sent.parts[1:]] == [True, True]


def test_a_file_that_shrinks_meanwhile_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    upload = upload_of("image", path)
    path.write_bytes(PNG[:10])
    assert isinstance(upload, Upload)
    with pytest.raises(ValueError, match="shorter"):
        list(upload.pieces())


class Elsewhere(httpx2.BaseTransport):
    """A custom transport: an API on a host of the open Internet, and hosts that its answers name."""

    def __init__(self, link: str, *hops: httpx2.Response) -> None:
        self.link = link
        self.hops = list(hops)
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if len(self.requests) == 1:
            return httpx2.Response(200, json={"data": [{"url": self.link}]})
        return self.hops.pop(0)


def linked(transport: Elsewhere) -> api.Image:
    http = httpx2.Client(transport=transport, headers={"x-mine": "1"}, cookies={"session": "1"}, auth=("a", "b"))
    client = Client("sk-secret-key", base_url="https://api.invalid/v1", http_client=http)
    return client.images.generate(prompt="x").data[0]


def moved(location: str) -> httpx2.Response:
    return httpx2.Response(302, headers={"location": location})


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.1",
    "169.254.169.254",
    "[::1]",
    "[fd00::1]",
    "[::ffff:10.0.0.1]",
    "0.0.0.0",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_a_public_api_leads_to_no_private_address(host: str) -> None:
    transport = Elsewhere(f"http://{host}:9/x.png")
    with pytest.raises(api.APIResponseValidationError, match="private address"):
        linked(transport).to_bytes()
    behind = Elsewhere("http://pictures.invalid/x.png", moved(f"http://{host}:9/x.png"))
    with pytest.raises(api.APIResponseValidationError, match="private address"):
        linked(behind).to_bytes()
    assert (len(transport.requests), len(behind.requests)) == (1, 2)


@pytest.mark.parametrize(
    "location", ["http://pictures.invalid/x.png", "ftp://pictures.invalid/x", "file:///etc/passwd"]
)
def test_a_redirect_to_another_scheme_is_not_followed(location: str) -> None:
    transport = Elsewhere("https://pictures.invalid/x.png", moved(location))
    with pytest.raises(api.APIResponseValidationError, match="redirect from https"):
        linked(transport).to_bytes()
    assert len(transport.requests) == 2


def test_redirects_end() -> None:
    hops = [moved(f"/{number}") for number in range(9)]
    with pytest.raises(api.APIConnectionError, match="redirects"):
        linked(Elsewhere("https://pictures.invalid/x.png", *hops)).to_bytes()


def test_nothing_of_the_client_goes_along() -> None:
    transport = Elsewhere("https://pictures.invalid/x.png", moved("/y.png"), httpx2.Response(200, content=PNG))
    assert linked(transport).to_bytes() == PNG
    for request in transport.requests[1:]:
        assert {name for name, _ in request.headers.items()} == {"host", "accept"}
    assert [str(one.url) for one in transport.requests[1:]] == [
        "https://pictures.invalid/x.png",
        "https://pictures.invalid/y.png",
    ]


def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    """Numbers stand for a name's address here: what is asked is the address, under the name."""
    transport = Elsewhere("http://1.1.1.1:8080/x.png", httpx2.Response(200, content=PNG))
    assert linked(transport).to_bytes() == PNG
    assert transport.requests[1].headers["host"] == "1.1.1.1:8080"
    assert transport.requests[1].extensions["sni_hostname"] == "1.1.1.1"


def test_an_empty_download_is_no_picture(client: Client, server: Loopback) -> None:
    listing = json.dumps({"data": [{"url": f"{server.origin}/pic"}]}).encode()
    server.answer(Answer(body=listing), Answer(body=b""))
    with pytest.raises(api.APIResponseValidationError, match="empty"):
        client.images.generate(prompt="x").data[0].to_bytes()


def test_a_picture_outlives_its_client(server: Loopback) -> None:
    listing = json.dumps({"data": [{"url": f"{server.origin}/pic"}]}).encode()
    server.answer(Answer(body=listing), Answer(body=PNG))
    with Client("k", base_url=server.base_url) as client:
        image = client.images.generate(prompt="x").data[0]
    assert image.to_bytes() == PNG


@pytest.mark.parametrize("text", ["https://a.example/b.png", "data:image/png;base64,iVBORw0KGgo=", "iVBORw0K" * 1000])
def test_a_text_that_is_no_path_is_told(client: Client, server: Loopback, text: str) -> None:
    with pytest.raises(ValueError, match=r"image: .{10,60} is no path"):
        client.images.edit(prompt="x", image=text)
    assert not server.received


def test_a_picture_of_an_answer_is_no_file_yet(client: Client, server: Loopback) -> None:
    image: Any = client.images.generate(prompt="x").data[0]
    with pytest.raises(TypeError, match=r"goes by its to_bytes\(\)"):
        client.images.edit(prompt="x", image=image)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a", "a.png"),
        ("gpt-image-1.5", "gpt-image-1.5.png"),
        ("a.jpg", "a.jpg"),
        ("v1.2.png", "v1.2.png"),
        ("a.", "a..png"),
    ],
)
def test_names_of_files(client: Client, server: Loopback, tmp_path: Path, name: str, written: str) -> None:
    image = client.images.generate(prompt="x").data[0]
    assert image.save(tmp_path / name) == tmp_path / written
    with pytest.raises(IsADirectoryError, match="add the name of a file"):
        image.save(tmp_path)
