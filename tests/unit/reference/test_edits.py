"""Edits and variations over HTTP: what clients put on the wire, taken apart by hand."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image

PATH = "images/edits"
RED = (200, 30, 30)


def file(size: tuple[int, int] = (64, 64), mode: str = "RGB", color: Any = RED, name: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, color).save(stream, name)
    return stream.getvalue()


def part(name: str, data: bytes | str, filename: str | None = None, kind: str = "") -> bytes:
    """One part of a form, byte by byte."""
    head = f'Content-Disposition: form-data; name="{name}"'
    head += f'; filename="{filename}"' if filename is not None else ""
    head += f"\r\nContent-Type: {kind}" if kind else ""
    return head.encode() + b"\r\n\r\n" + (data.encode() if isinstance(data, str) else data)


def form(*parts: bytes, boundary: str = "b0undary") -> bytes:
    middle = b"".join(b"--" + boundary.encode() + b"\r\n" + one + b"\r\n" for one in parts)
    return middle + b"--" + boundary.encode() + b"--\r\n"


def send(client: httpx.Client, *parts: bytes, boundary: str = "b0undary", path: str = PATH) -> httpx.Response:
    kind = f"multipart/form-data; boundary={boundary}"
    return client.post(path, content=form(*parts, boundary=boundary), headers={"Content-Type": kind})


def shown(answer: httpx.Response, index: int = 0) -> Image.Image:
    assert answer.status_code == 200, answer.text
    item = answer.json()["data"][index]
    data = base64.b64decode(item["b64_json"]) if "b64_json" in item else httpx.get(item["url"]).content
    return Image.open(io.BytesIO(data))


def error(answer: httpx.Response, param: str | None, code: str | None, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()["error"]) == {"type", "message", "param", "code"}
    assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (param, code)
    return str(answer.json()["error"]["message"])


TEXTS = (part("model", "gpt-image-1"), part("prompt", "add snow"))
IMAGE = part("image", file(), "otter.png", "image/png")


FORMS = {
    "texts first": (*TEXTS, IMAGE),
    "file first": (IMAGE, *TEXTS),
    "octet-stream": (*TEXTS, part("image", file(), "upload", "application/octet-stream")),
    "wrong type": (*TEXTS, part("image", file(), "a.txt", "text/plain")),
    "no type": (*TEXTS, part("image", file(), "blob")),
    "raw UTF-8 name": (*TEXTS, part("image", file(), "Ødegård 水.png", "image/png")),
    "quoted name": (*TEXTS, part("image", file(), "a%22b.png", "image/png")),
    "jpeg": (*TEXTS, part("image", file(name="JPEG"), "otter.png", "image/png")),
    "list of one": (*TEXTS, part("image[]", file(), "a.png")),
    "list of three": (*TEXTS, *[part("image[]", file(), f"{at}.png") for at in range(3)]),
    "unknown parts": (*TEXTS, IMAGE, part("x_probe", "1"), part("x_file", b"\0", "x")),
}


@pytest.mark.parametrize("parts", FORMS.values(), ids=FORMS.keys())
def test_forms_that_clients_send(client: httpx.Client, parts: tuple[bytes, ...]) -> None:
    picture = shown(send(client, *parts))
    assert picture.format == "PNG" and picture.size == (1024, 1024)


@pytest.mark.parametrize("boundary", ["-" * 26 + "a1b2", "----formdata-undici-012345678901", "openai-x'()+_,./:=?"])
def test_boundaries(client: httpx.Client, boundary: str) -> None:
    quoted = f'multipart/form-data; boundary="{boundary}"'
    answer = client.post(PATH, content=form(*TEXTS, IMAGE, boundary=boundary), headers={"Content-Type": quoted})
    assert answer.status_code == 200


def test_a_chunked_body_without_length(client: httpx.Client) -> None:
    whole = form(IMAGE, *TEXTS)

    def chunks() -> Iterator[bytes]:
        yield from (whole[at : at + 7] for at in range(0, len(whole), 7))

    kind = {"Content-Type": "multipart/form-data; boundary=b0undary"}
    answer = client.post(PATH, content=chunks(), headers=kind)
    assert answer.request.headers.get("transfer-encoding") == "chunked"
    assert answer.status_code == 200


def test_numbers_and_booleans_are_read_from_text(client: httpx.Client) -> None:
    answer = send(client, *TEXTS, IMAGE, part("n", "3"), part("output_format", "jpeg"), part("stream", "false"))
    assert len(answer.json()["data"]) == 3
    assert shown(answer, 2).format == "JPEG"
    for name, text in (("n", "10abc"), ("n", "1.5"), ("n", ""), ("stream", "yes"), ("n", "9" * 30)):
        assert error(send(client, *TEXTS, IMAGE, part(name, text)), name, "invalid_value")


def test_two_parts_called_image_are_refused_with_a_hint(client: httpx.Client) -> None:
    assert "image[]" in error(send(client, *TEXTS, IMAGE, IMAGE), "image", "duplicate_parameter")
    error(send(client, *TEXTS, *TEXTS, IMAGE), "model", "duplicate_parameter")


def test_what_is_missing_is_named(client: httpx.Client) -> None:
    error(send(client, *TEXTS), "image", "missing_required_parameter")
    error(send(client, TEXTS[0], IMAGE), "prompt", "missing_required_parameter")


def test_a_file_that_is_no_picture(client: httpx.Client) -> None:
    for data in (b"", b"not a picture", file()[:60]):
        error(send(client, *TEXTS, part("image", data, "otter.png", "image/png")), "image", "invalid_image_file")


def test_forms_that_cannot_be_read(client: httpx.Client) -> None:
    for kind, content in (
        ("multipart/form-data", form(IMAGE)),
        ("multipart/form-data; boundary=other", form(IMAGE)),
        ("multipart/form-data; boundary=b0undary", form(*TEXTS, IMAGE)[:-300]),
        ("multipart/form-data; boundary=b0undary; charset=undefined", form(*TEXTS, IMAGE)),
        ("multipart/form-data; boundary=b0undary", form(*TEXTS, IMAGE, *[part("x", "1")] * 10_000)),
        ("multipart/form-data; boundary=b0undary", form(*TEXTS, IMAGE, *[part("x", "1", "f")] * 10_000)),
        ("multipart/form-data; boundary=b0undary", b""),
        ("application/x-www-form-urlencoded", b"prompt=x"),
        ("text/plain", b"x"),
    ):
        answer = client.post(PATH, content=content, headers={"Content-Type": kind})
        assert answer.status_code == 400, kind
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("missing", range(3, 60))
def test_a_form_that_is_cut_short_is_not_taken_for_a_whole_one(client: httpx.Client, missing: int) -> None:
    content = form(*TEXTS, IMAGE, part("n", "2"))[:-missing]
    kind = {"Content-Type": "multipart/form-data; boundary=b0undary"}
    assert "cut short" in error(client.post(PATH, content=content, headers=kind), None, None)


def test_a_form_without_a_content_type(client: httpx.Client) -> None:
    assert "boundary" in client.post(PATH, content=form(*TEXTS, IMAGE)).json()["error"]["message"]


def test_the_size_follows_the_picture_when_it_is_left_open(client: httpx.Client) -> None:
    wide = part("image", file((300, 200)), "a.png")
    assert shown(send(client, *TEXTS, wide)).size == (1536, 1024)
    assert shown(send(client, *TEXTS, part("image", file((200, 300)), "a.png"))).size == (1024, 1536)
    assert shown(send(client, *TEXTS, wide, part("size", "1024x1024"))).size == (1024, 1024)


def test_a_mask_keeps_what_it_covers(client: httpx.Client) -> None:
    mask = Image.new("RGBA", (256, 256), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 128, 256))
    stream = io.BytesIO()
    mask.save(stream, "PNG")
    answer = send(
        client,
        part("model", "dall-e-2"),
        part("prompt", "add snow"),
        part("size", "256x256"),
        part("response_format", "b64_json"),
        part("image", file((256, 256)), "a.png"),
        part("mask", stream.getvalue(), "m.png"),
    )
    picture = shown(answer).convert("RGB")
    assert picture.getpixel((200, 100)) == RED and picture.getpixel((50, 100)) != RED


def test_without_a_mask_the_picture_of_dall_e_2_is_edited_where_it_is_see_through(client: httpx.Client) -> None:
    picture = Image.new("RGBA", (256, 256), (*RED, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 128, 256))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    texts = (part("prompt", "add snow"), part("image", stream.getvalue(), "a.png"))
    edited = shown(send(client, part("model", "dall-e-2"), part("size", "256x256"), *texts)).convert("RGB")
    assert edited.getpixel((200, 100)) == RED and edited.getpixel((50, 100)) != (255, 255, 255)
    whole = shown(send(client, part("model", "gpt-image-1"), part("size", "1024x1024"), *texts)).convert("RGB")
    assert whole.getpixel((800, 400)) != RED  # others edit the whole picture


def test_usage_counts_the_pictures_that_were_sent(client: httpx.Client) -> None:
    def seen(*images: bytes) -> int:
        usage = send(client, *TEXTS, *images).json()["usage"]
        assert usage["input_tokens"] == sum(usage["input_tokens_details"].values())
        return int(usage["input_tokens_details"]["image_tokens"])

    one = part("image[]", file(), "a.png")
    assert 0 < seen(one) < seen(one, one)


def test_sixteen_large_files_are_taken_and_seventeen_are_not(client: httpx.Client) -> None:
    noise = io.BytesIO()
    Image.effect_noise((1200, 1200), 80).save(noise, "PNG", compress_level=0)
    large = part("image[]", noise.getvalue(), "noise.png")
    assert len(large) > 1_000_000  # beyond what is kept in memory
    assert send(client, *TEXTS, *[large] * 16).status_code == 200
    error(send(client, *TEXTS, *[part("image[]", file(), "a.png")] * 17), "image", "invalid_value")


def data_url(data: bytes) -> dict[str, str]:
    return {"image_url": f"data:image/png;base64,{base64.b64encode(data).decode()}"}


def test_json_edits(client: httpx.Client) -> None:
    base = {"model": "gpt-image-1", "prompt": "add snow"}
    mask = data_url(file(mode="RGBA", color=(0, 0, 0, 0)))
    answer = client.post(PATH, json={**base, "images": [data_url(file()), data_url(file())], "mask": mask})
    assert shown(answer).size == (1024, 1024)
    assert answer.json()["usage"]["input_tokens_details"]["image_tokens"] > 0


def test_json_edits_reach_only_pictures_of_this_server(client: httpx.Client) -> None:
    base = {"model": "gpt-image-1", "prompt": "add snow"}

    def refused(reference: dict[str, str], code: str) -> str:
        return error(client.post(PATH, json={**base, "images": [reference]}), "images", code)

    assert "not served" in refused({"file_id": "file-1"}, "image_file_not_found")
    for url in ("http://192.0.2.1/a.png", "file:///etc/passwd", "ftp://x/y", "http://[", "x"):
        refused({"image_url": url}, "invalid_image_url")
    refused({"image_url": "data:image/png;base64,%%%"}, "invalid_base64_image")
    own = client.post("images/generations", json={"model": "dall-e-2", "prompt": "x"}).json()["data"][0]["url"]
    assert client.post(PATH, json={**base, "images": [{"image_url": own}]}).status_code == 200


def test_the_rules_about_files_hold_for_json_too(client: httpx.Client) -> None:
    base = {"model": "gpt-image-1", "prompt": "add snow", "images": [data_url(file())]}
    error(client.post(PATH, json={**base, "mask": data_url(file())}), "mask", "invalid_image_file")
    small = data_url(file((8, 8), "RGBA", (0, 0, 0, 0)))
    error(client.post(PATH, json={**base, "mask": small}), "mask", "invalid_image_file")
    error(client.post(PATH, json={**base, "images": [data_url(b"x")]}), "images", "invalid_image_file")


def test_an_edit_as_animation_and_as_drawing(client: httpx.Client) -> None:
    texts = (part("model", "gpt-image-2.6-flare"), part("prompt", "snow falls"), IMAGE)
    gif = shown(send(client, *texts, part("output_format", "gif"), part("frame_count", "2")))
    assert (gif.format, getattr(gif, "n_frames", 0)) == ("GIF", 2)
    corner = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    corner.paste((255, 0, 0, 255), (0, 60, 4, 64))  # where nothing moves
    stream = io.BytesIO()
    corner.save(stream, "PNG")
    still = send(client, *texts, part("output_format", "gif"), part("markup", stream.getvalue(), "m.png"))
    assert getattr(shown(still), "n_frames", 0) == 9
    svg = send(client, *texts, part("output_format", "svg"), part("svg[model]", "gpt-5"))
    assert svg.status_code == 200, svg.text
    assert base64.b64decode(svg.json()["data"][0]["b64_json"]).startswith(b"<svg")
    assert svg.json()["svg_usage"]["model"] == "gpt-5"


def test_markup_says_where_to_edit(client: httpx.Client) -> None:
    markup = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    markup.paste((255, 255, 0, 255), (0, 0, 32, 64))
    stream = io.BytesIO()
    markup.save(stream, "PNG")
    texts = (part("model", "gpt-image-2.5-flare"), part("prompt", "add snow"), IMAGE)
    picture = shown(send(client, *texts, part("markup", stream.getvalue(), "m.png"))).convert("RGB")
    assert picture.getpixel((900, 500)) == RED and picture.getpixel((100, 500)) != RED


def test_variations_need_no_more_than_a_picture(client: httpx.Client) -> None:
    answer = send(client, IMAGE, path="images/variations")
    assert shown(answer).size == (1024, 1024)
    assert set(answer.json()["data"][0]) == {"url"}
    several = send(client, IMAGE, part("n", "2"), part("size", "256x256"), path="images/variations")
    assert shown(several, 0).tobytes() != shown(several, 1).tobytes()
    oblong = part("image", file((64, 32)), "a.png")
    error(send(client, oblong, path="images/variations"), "image", "invalid_image_file")


def test_a_json_body_of_many_mebibytes_waits_for_others_and_is_served(client: httpx.Client) -> None:
    link = f"data:image/png;base64,{base64.b64encode(file() + bytes(2_000_000)).decode()}"
    body = {"model": "gpt-image-1", "prompt": "x", "images": [{"image_url": link}] * 2}
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: client.post("images/edits", json=body), range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3


def test_json_of_a_great_many_members_is_refused_unread(client: httpx.Client) -> None:
    content = b'{"model":"gpt-image-1","prompt":"x","more":[' + b"[]," * 600_000 + b"[]]}"
    answer = client.post("images/generations", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "members" in answer.json()["error"]["message"]) == (400, True)
