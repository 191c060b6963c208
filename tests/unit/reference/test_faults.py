"""Faults: each is seen by a probe of its own, and a server with it is sound in everything that the other probes see."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image

from imageproof.contract.document import load
from imageproof.contract.families import families
from imageproof.contract.requirements import requirements
from imageproof.errors import UsageError
from imageproof_reference.config import Config
from imageproof_reference.faults import BROKEN, faults, seams
from imageproof_reference.serving import running

GENERATE = "images/generations"
BODY = {"model": "gpt-image-1", "prompt": "a fox", "size": "1536x1024", "quality": "low"}


def answer(client: httpx.Client, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.post(GENERATE, json={**BODY, **body}).json()
    return found


def picture(item: dict[str, str]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(item["b64_json"].rpartition(",")[2])))


def file() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "PNG")
    return stream.getvalue()


def edit(client: httpx.Client) -> int:
    texts = {"model": "gpt-image-1", "prompt": "snow"}
    return client.post("images/edits", data=texts, files=[("image[]", ("a.png", file()))]).status_code


def usage_adds_up(client: httpx.Client) -> bool:
    usage = answer(client)["usage"]
    return bool(usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"])


def refused_unserved(client: httpx.Client) -> bool:
    body = answer(client, n=11)
    return "data" not in body or len(body["data"]) != 11


# What a sound server shows: the fault of the same name shows the opposite.
SOUND: dict[str, Callable[[httpx.Client], bool]] = {
    "wrong-size": lambda client: picture(answer(client)["data"][0]).size == (1536, 1024),
    "n-ignored": lambda client: len(answer(client, n=2)["data"]) == 2,
    "jpeg-for-png": lambda client: picture(answer(client)["data"][0]).format == "PNG",
    "b64-data-prefix": lambda client: not answer(client)["data"][0]["b64_json"].startswith("data:image/"),
    "created-milliseconds": lambda client: answer(client)["created"] < 10**10,
    "error-string": lambda client: isinstance(answer(client, size="17x17")["error"], dict),
    "key-ignored": lambda client: httpx.post(client.base_url.join(GENERATE), json=BODY).status_code == 401,
    "missing-prompt-500": lambda client: client.post(GENERATE, json={"model": "gpt-image-1"}).status_code == 400,
    "both-carriers": lambda client: set(answer(client)["data"][0]) == {"b64_json"},
    "image-list-refused": lambda client: edit(client) == 200,
    "usage-sum": usage_adds_up,
    "n11-accepted": refused_unserved,
}


@pytest.fixture(scope="module", params=["", *SOUND])
def broken(request: pytest.FixtureRequest) -> Iterator[tuple[str, httpx.Client]]:
    key = {"Authorization": "Bearer k"}
    with running(Config(key="k", fault=request.param)) as url, httpx.Client(base_url=url, headers=key) as client:
        yield request.param, client


def test_a_fault_shows_in_its_own_probe_and_in_no_other(broken: tuple[str, httpx.Client]) -> None:
    fault, client = broken
    assert [name for name, sound in SOUND.items() if not sound(client)] == ([fault] if fault else [])


def test_a_wrong_key_is_refused_even_where_none_is_needed(broken: tuple[str, httpx.Client]) -> None:
    _, client = broken
    assert client.post(GENERATE, json=BODY, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_streams_stay_whole(broken: tuple[str, httpx.Client]) -> None:
    _, client = broken
    text = client.post(GENERATE, json={**BODY, "stream": True}).text
    assert text.startswith("event: image_generation.completed\n") and "data:image/" not in text


def test_the_table_is_whole_and_names_what_exists() -> None:
    assert set(faults()) == set(BROKEN) == set(SOUND)
    document = load()
    known = {family.id for family in families(document)}
    for fault in faults().values():
        assert fault.what and fault.seen and set(fault.families) <= known
        assert set(fault.operations) <= set(document.operations())
        assert set(fault.rules) in ({"*"}, set(fault.operations))
        for ids in fault.rules.values():
            assert ids and all(requirements()[rule].judged for rule in ids)


def test_a_fault_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match=r"^no fault 'none-such'; known: wrong-size, [-a-z0-9, ]+$"):
        seams("none-such")


def test_a_row_without_code_names_the_file_to_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {**faults(), "new": next(iter(faults().values()))}
    monkeypatch.setattr("imageproof_reference.faults.faults", lambda: rows)
    with pytest.raises(UsageError, match=r"^fault 'new' has a row in faults\.yaml and no code: .*faults\.py$"):
        seams("new")


def test_jpeg_for_png_leaves_a_transparent_picture_alone() -> None:
    with running(Config(key="k", fault="jpeg-for-png")) as url:
        key = {"Authorization": "Bearer k"}
        with httpx.Client(base_url=url, headers=key) as client:
            shown = picture(answer(client, background="transparent")["data"][0])
    assert (shown.format, shown.mode) == ("PNG", "RGBA")


def test_both_carriers_show_the_same_picture() -> None:
    with running(Config(key="k", fault="both-carriers")) as url:
        for model, size in (("gpt-image-1", "1024x1024"), ("dall-e-2", "256x256")):
            body = {"model": model, "prompt": "a fox", "size": size}
            item = httpx.post(f"{url}/{GENERATE}", json=body, headers={"Authorization": "Bearer k"}).json()["data"][0]
            assert httpx.get(item["url"]).content == base64.b64decode(item["b64_json"])
