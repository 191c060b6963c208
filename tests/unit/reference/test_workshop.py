"""The thread that a renderer runs in: who waits for it, who leaves, and what it may give."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import httpx2 as httpx
import pytest
from PIL import Image
from starlette.requests import ClientDisconnect

from imageproof.contract.families import family_of
from imageproof_reference import studio
from imageproof_reference.bodies import FORM, JSON, Body
from imageproof_reference.config import Config
from imageproof_reference.files import facts
from imageproof_reference.jobs import Job, plan
from imageproof_reference.refusal import Refusal
from imageproof_reference.renderers import Partial, Renderer, RenderRequest
from imageproof_reference.serving import running
from imageproof_reference.studio import Making
from imageproof_reference.workshop import MOST_PARTIALS, RendererError, Workshop

KEY = {"Authorization": "Bearer k"}
MODEL, SIZE, MAX_PIXELS = "gpt-image-1", (1024, 1024), 2_000_000
RED, BLUE = (255, 0, 0), (0, 0, 255)


def plain(request: RenderRequest, color: Any = RED) -> Image.Image:
    return Image.new("RGB", (request.width, request.height), color)


def png(color: Any = BLUE, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (64, 64), color).save(stream, "PNG")
    return stream.getvalue()


def job(prompt: str = "a fox", files: dict[str, tuple[IO[bytes], ...]] | None = None) -> Job:
    document = Config().document
    family = family_of(document, MODEL)
    assert family is not None
    values: dict[str, Any] = {"model": MODEL, "prompt": prompt, "size": "1024x1024"}
    if files is None:
        return plan(document, "createImage", MODEL, family, Body(JSON, values))
    values |= {name: facts(one[0], MAX_PIXELS) for name, one in files.items()}
    return plan(document, "createImageEdit", MODEL, family, Body(FORM, values, files))


def ordered(making: Making, wanted: Job, gone: threading.Event | None = None) -> bytes:
    """The last file that comes of a job."""
    return [made.data for made in making(wanted, gone or threading.Event())][-1]


class Watched(io.BytesIO):
    """A file that knows whether somebody read it."""

    read_at_all = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.read_at_all = True
        return super().read(size)


@dataclass
class Busy:
    """A renderer that works on the prompt "first" until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    prompts: list[str] = field(default_factory=list)

    def __call__(self, request: RenderRequest) -> Image.Image:
        self.prompts.append(request.prompt)
        self.begun.set()
        assert request.prompt != "first" or self.go.wait(30)
        return plain(request)


def test_input_files_are_unpacked_when_their_turn_comes() -> None:
    busy, file, broken = Busy(), Watched(png()), Watched(png())
    workshop = Workshop(busy)
    first, second, third = job("first"), job("second", {"image": (file,)}), job("third", {"image": (broken,)})
    file.read_at_all = False
    broken.truncate(60)
    waiting = [workshop.prepare(one, MAX_PIXELS)(one, threading.Event()) for one in (first, second, third)]
    assert busy.begun.wait(10) and not file.read_at_all
    busy.go.set()
    assert [len(list(made)) for made in waiting[:2]] == [1, 1] and file.read_at_all
    with pytest.raises(Refusal, match="not a picture"):  # one that changed since it was judged
        next(waiting[2])
    assert busy.prompts == ["first", "second"]


@pytest.mark.parametrize("stream", ["false", "true"])
def test_uploads_are_there_when_their_turn_comes_and_closed_at_the_end(stream: str) -> None:
    with running(Config(key="k", renderer=lambda request: request.images[0].resize(SIZE))) as url:
        data = {"model": MODEL, "prompt": "snow", "size": "1024x1024", "stream": stream}
        file = ("a.png", png() + b" " * 2_000_000)  # so long that it lies on the disk
        answer = httpx.post(f"{url}/images/edits", data=data, files={"image": file}, headers=KEY, timeout=60)
    assert answer.status_code == 200
    line = next(one for one in answer.text.splitlines() if "b64_json" in one)
    found = json.loads(line.removeprefix("data: "))
    picture = Image.open(io.BytesIO(base64.b64decode((found if "type" in found else found["data"][0])["b64_json"])))
    assert picture.convert("RGB").getpixel((5, 5)) == BLUE


def test_who_left_is_not_rendered_for() -> None:
    busy, gone = Busy(), threading.Event()
    workshop = Workshop(busy)
    first, second, third = job("first"), job("second"), job("third")
    made = [
        workshop.prepare(one, MAX_PIXELS)(one, gone if one is second else threading.Event())
        for one in (first, second, third)
    ]
    gone.set()
    with pytest.raises(ClientDisconnect):  # not even while the first is still at work
        next(made[1])
    busy.go.set()
    assert list(made[0]) and list(made[2])
    assert busy.prompts == ["first", "third"]


def test_the_drawn_pictures_end_as_well() -> None:
    gone, wanted = threading.Event(), job()
    gone.set()
    with pytest.raises(ClientDisconnect):
        list(studio.prepare(wanted, MAX_PIXELS)(wanted, gone))


@pytest.mark.parametrize("stream", [False, True])
def test_a_caller_who_leaves_while_waiting(stream: bool) -> None:
    busy = Busy()
    with running(Config(key="k", renderer=busy)) as url:

        def ask(prompt: str, seconds: float = 60) -> None:
            body = {"model": MODEL, "prompt": prompt, "stream": stream and prompt == "left"}
            httpx.post(f"{url}/images/generations", json=body, headers=KEY, timeout=seconds).raise_for_status()

        first = threading.Thread(target=ask, args=("first",))
        first.start()
        assert busy.begun.wait(10)
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                ask("left", 0.3)
        httpx.get(f"{url}/models", headers=KEY).raise_for_status()  # came after their end, as the server sees it
        busy.go.set()
        first.join()
        ask("last")
    assert busy.prompts == ["first", "last"]


def endless(request: RenderRequest) -> Iterator[Partial]:
    while True:
        yield Partial(Image.new("1", (1, 1)))


def test_partial_pictures_without_end_are_an_error() -> None:
    wanted = job()
    with pytest.raises(RendererError, match=f"more than {MOST_PARTIALS} partial"):
        ordered(Workshop(endless).prepare(wanted, MAX_PIXELS), wanted)


def test_dropped_partial_pictures_do_not_keep_the_thread_from_the_next_caller() -> None:
    gone, given = threading.Event(), []

    def render(request: RenderRequest) -> Iterator[Any]:
        for number in range(20 if request.prompt == "left" else 0):
            if number == 5:
                gone.set()
            given.append(number)
            yield Partial(plain(request))
        yield plain(request)

    workshop = Workshop(render)
    left, last = job("left"), job("last")
    with pytest.raises(ClientDisconnect):
        ordered(workshop.prepare(left, MAX_PIXELS), left, gone)
    assert ordered(workshop.prepare(last, MAX_PIXELS), last)
    assert given == [0, 1, 2, 3, 4, 5]


def test_what_a_mask_keeps_is_kept_from_a_renderer_that_draws_on_its_inputs() -> None:
    def render(request: RenderRequest) -> Image.Image:
        assert request.mask is not None
        request.images[0].paste(RED, (0, 0, 64, 64))
        request.mask.paste(255, (0, 0, 64, 64))
        return request.images[0].resize(SIZE)

    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    stream = io.BytesIO()
    mask.save(stream, "PNG")
    wanted = job("snow", {"image": (io.BytesIO(png()),), "mask": (stream,)})
    made = Image.open(io.BytesIO(ordered(Workshop(render).prepare(wanted, MAX_PIXELS), wanted)))
    assert (made.getpixel((100, 500)), made.getpixel((900, 500))) == (RED, BLUE)


DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]

UNSENDABLE: dict[str, dict[str, Any]] = {
    "param": {"param": object()},
    "number": {"param": 0},
    "code": {"code": ["a"]},
    "nan": {"members": {"share": float("nan")}},
    "deep": {"members": {"deep": DEEP}},
    "line break": {"headers": {"x": "a\nb"}},
    "beyond ASCII": {"headers": {"x": "\u00e9"}},
    "no text": {"headers": {"x": 3}},
    "name": {"headers": {"a b": "c"}},
    "length": {"headers": {"Content-Length": "1"}},
    "success": {"status": 200},
    "no status": {"status": 1000},
    "half a status": {"status": 400.0},
}


def refusing(request: RenderRequest) -> Image.Image:
    if request.prompt == "good":
        raise Refusal("No.", status=429, param="prompt", headers={"Retry-After": "3"}, members={"more": [1]})
    raise Refusal("No.", **UNSENDABLE[request.prompt])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    renderer: Renderer = refusing
    with running(Config(key="k", renderer=renderer)) as served:
        yield served


@pytest.mark.parametrize("prompt", UNSENDABLE)
def test_a_refusal_that_cannot_be_sent_is_an_error_of_the_server(url: str, prompt: str) -> None:
    body = {"model": MODEL, "prompt": prompt}
    expected = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
    answer = httpx.post(f"{url}/images/generations", json=body, headers=KEY, timeout=30)
    assert (answer.status_code, answer.json()) == (500, {"error": expected})
    assert answer.headers["x-request-id"]
    answer = httpx.post(f"{url}/images/generations", json={**body, "stream": True}, headers=KEY, timeout=30)
    (event,) = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert event["error"] == expected


def test_any_other_refusal_is_sent(url: str) -> None:
    body = {"model": MODEL, "prompt": "good"}
    answer = httpx.post(f"{url}/images/generations", json=body, headers=KEY, timeout=30)
    error = {"message": "No.", "type": "invalid_request_error", "param": "prompt", "code": None, "more": [1]}
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"error": error}, "3")
