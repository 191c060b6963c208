"""Plain calls of the Images API, each with all that its answer shows, told without what changes from call to call.

Two servers that differ in one thing differ in the tellings of the calls that it touches, and there in one place.
Nothing here knows the suite."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import httpx2 as httpx
from PIL import Image

from imageproof_reference.config import Config
from imageproof_reference.serving import running

GPT, SVG, DALLE2, DALLE3 = "gpt-image-1", "gpt-image-2.6-sunburst", "dall-e-2", "dall-e-3"
PROMPT = "a red disc on a white ground"
JSON, FORM = "application/json", "multipart/form-data"
Parts = list[tuple[str, tuple[str | None, bytes | str, str | None]]]


@lru_cache
def picture(
    file_format: str = "PNG", edge: int = 256, hole: bool = True, noise: bool = False, colour: str = "teal"
) -> bytes:
    """A square picture with a see-through corner, or without; `noise` makes it as large as its pixels."""
    image = Image.effect_noise((edge, edge), 200).convert("RGBA") if noise else Image.new("RGBA", (edge, edge), colour)
    if hole:
        image.paste((0, 0, 0, 0), (0, 0, edge // 2, edge // 2))
    out = io.BytesIO()
    (image if hole else image.convert("RGB")).save(out, file_format)
    return out.getvalue()


@dataclass(frozen=True)
class Call:
    """A request. `body` is JSON, or with `form` a form whose bytes are files; `raw` is sent as it is; `key` replaces
    the server's. So many `refusals` are provoked before it, and its links are followed `fetch_after` seconds later."""

    group: str
    method: str = "POST"
    path: str = "images/generations"
    body: Mapping[str, Any] | None = None
    form: bool = False
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    refusals: int = 0
    fetch_after: float = 0.0


def generation(model: str = GPT, **body: Any) -> Call:
    quality = {"quality": "low"} if model not in (DALLE2, DALLE3) else {}
    return Call("generations", body=_given({"model": model, "prompt": PROMPT, **quality, **body}))


def edit(model: str = GPT, **body: Any) -> Call:
    """An edit by a form, of one file or of a list called `images` here."""
    quality = {"quality": "low"} if model != DALLE2 else {}
    listed = {"image[]": body.pop("images")} if "images" in body else {}
    plain = {"model": model, "prompt": PROMPT, "image": picture(), **listed, **quality, **body}
    return Call("edits", path="images/edits", body=_given(plain), form=True)


def variation(**body: Any) -> Call:
    plain = {"model": DALLE2, "image": picture(), "size": "256x256", **body}
    return Call("variations", path="images/variations", body=_given(plain), form=True)


def json_edit(**body: Any) -> Call:
    images = [{"image_url": f"data:image/png;base64,{base64.b64encode(picture()).decode()}"}]
    plain = {"model": GPT, "prompt": PROMPT, "images": images, "quality": "low", **body}
    return Call("edits", path="images/edits", body=_given(plain))


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without what is left out, which is written as `...`."""
    return {name: value for name, value in body.items() if value is not ...}


def _named(group: str, calls: Mapping[str, Call]) -> dict[str, Call]:
    return {name: replace(call, group=group) for name, call in calls.items()}


SMALL = {"size": "256x256"}
SERVED = {
    "plain": generation(),
    "two": generation(n=2, size="1536x1024", background="opaque", output_format="webp", output_compression=50),
    "jpeg": generation(output_format="jpeg", safety_identifier="user-7"),
    "transparent": generation(background="transparent", output_format="png"),
    "of-user": generation(user="user-7"),
    "auto": generation(size="auto"),
    "nulls": generation(n=None, size=None),
    "stream": generation(stream=True, partial_images=1, size="1536x1024", background="opaque"),
    "stream-bare": generation(stream=True),
    "gif": generation(SVG, output_format="gif", frame_count=3, frame_duration_ms=100, size="1024x1024"),
    "svg": generation(SVG, output_format="svg", size="1024x1024"),
    "dall-e-2": generation(DALLE2, **SMALL),
    "dall-e-2-two": generation(DALLE2, n=2, response_format="b64_json", **SMALL),
    "dall-e-3": generation(DALLE3),
    "gpt-image-2-transparent": generation("gpt-image-2", background="transparent", output_format="png"),
    "linked-a-second-later": Call("generations", body=generation(DALLE2, **SMALL).body, fetch_after=1.3),
    "edit": edit(),
    "edit-two": edit(n=2, size="1536x1024", background="transparent", output_format="webp"),
    "edit-list": edit(image=..., images=[picture(), picture(edge=300)], mask=picture()),
    "edit-list-of-one": edit(image=..., images=[picture()]),
    "edit-stream": edit(stream=True, partial_images=1, size="1536x1024", background="opaque"),
    "edit-stream-bare": edit(stream=True),
    "edit-json": json_edit(user="user-7"),
    "edit-identified": edit(safety_identifier="user-7", output_format="jpeg", size="auto"),
    "edit-of-jpeg": edit(image=picture("JPEG", hole=False)),
    "edit-of-webp": edit(image=picture("WEBP")),
    "edit-of-much": edit(image=picture(edge=1100, hole=False, noise=True)),
    "edit-gif": edit(SVG, output_format="gif", frame_count=3, frame_duration_ms=100, size="1024x1024"),
    "edit-svg": edit(SVG, output_format="svg", size="1024x1024"),
    "edit-quoted-boundary": Call("edits", path="images/edits", body=edit().body, form=True, headers={"quoted": "yes"}),
    "edit-dall-e-2": edit(DALLE2, **SMALL),
    "edit-dall-e-2-two": edit(DALLE2, n=2, response_format="b64_json", **SMALL),
    "edit-prompt-last": Call(
        "edits", path="images/edits", form=True, body={"model": GPT, "image": picture(), "prompt": PROMPT}
    ),
    "pressed": generation(output_format="jpeg", output_compression=0, size="1024x1024"),
    "edit-pressed": edit(output_format="jpeg", output_compression=0, size="1024x1024"),
    "edit-masked": edit(DALLE2, image=picture(hole=False, colour="magenta"), mask=picture(), **SMALL),
    "variation": variation(),
    "variation-two": variation(n=2, response_format="b64_json"),
}

BAD_REFERENCE = [{"image_url": "data:,", "file_id": "file-1"}]
BARE = picture(hole=False)
REFUSED = _named(
    "refusals",
    {
        "bad-size": generation(size="17x17"),
        "no-prompt": generation(prompt=...),
        "empty-prompt": generation(prompt=""),
        "long-prompt": generation(DALLE2, prompt="a" * 1001),
        "no-pictures": generation(n=0),
        "eleven": generation(DALLE2, n=11, **SMALL),
        "off-grid": generation("gpt-image-2", size="1030x1030"),
        "bad-quality": generation(quality="superb"),
        "bad-background": generation(background="green"),
        "bad-format": generation(output_format="bmp"),
        "bad-compression": generation(output_format="webp", output_compression=101),
        "bad-moderation": generation(moderation="none"),
        "bad-previews": generation(stream=True, partial_images=4),
        "bad-carrier": generation(DALLE2, response_format="file", **SMALL),
        "bad-style": generation(DALLE3, style="grim"),
        "bad-complexity": generation(SVG, complexity="odd"),
        "bad-frames": generation(SVG, output_format="gif", frame_count=17),
        "bad-frame-time": generation(SVG, output_format="gif", frame_count=3, frame_duration_ms=1),
        "stream-by-dall-e": generation(DALLE2, stream=True, **SMALL),
        "transparent-jpeg": generation(background="transparent", output_format="jpeg"),
        "frames-in-png": generation(SVG, output_format="png", frame_count=3),
        "gif-compressed": generation(SVG, output_format="gif", frame_count=3, output_compression=50),
        "svg-compressed": generation(SVG, output_format="svg", output_compression=50),
        "svg-misshapen": generation(SVG, output_format="svg", svg={}),
        "svg-in-png": generation(SVG, output_format="png", svg={"model": SVG}),
        "foreign-parameter": generation(DALLE2, background="opaque", **SMALL),
        "foreign-carrier": generation(response_format="url"),
        "mistyped": generation(n="many"),
        "unknown-model": generation("no-such-model"),
        "edit-without-image": edit(image=...),
        "edit-of-text": edit(DALLE2, image=b"this is no picture", **SMALL),
        "edit-of-many": edit(image=..., images=[picture()] * 17),
        "edit-bad-mask": edit(mask=BARE),
        "edit-bad-markup": edit(SVG, markup=BARE),
        "edit-mask-and-markup": edit(SVG, mask=picture(), markup=picture()),
        "edit-bad-fidelity": edit(input_fidelity="odd"),
        "edit-bad-reference": json_edit(images=BAD_REFERENCE),
        "edit-by-dall-e-3": edit(DALLE3, quality=...),
        "variation-by-gpt": variation(model=GPT),
        "no-json": Call("", raw=b'{"model": ', headers={"content-type": JSON}),
    },
)
OTHER = {
    "no-key": Call("keys", body=generation().body, key=""),
    "bad-key": Call("keys", body=generation().body, key="wrong"),
    "bad-key-bad-body": Call("keys", body={}, key="wrong"),
    "models-after-refusals": Call("http", "GET", "models", refusals=21),
    "model": Call("models", "GET", f"models/{GPT}"),
    "model-unknown": Call("models", "GET", "models/no-such-model"),
    "get": Call("http", "GET"),
    "no-route": Call("http", "POST", "images/paintings", body={}),
    "slash": Call("http", "POST", "images/generations/", body={}),
    "preflight": Call(
        "http",
        "OPTIONS",
        headers={
            "origin": "https://app.invalid",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        },
    ),
}
FIRST = {"models": Call("models", "GET", "models")}  # before anything was refused
CALLS: Mapping[str, Call] = {**FIRST, **SERVED, **REFUSED, **OTHER}
PRESSED = 40  # pixels in a byte of a JPEG that was pressed as much as it can be
MAGENTA = (255, 0, 255)  # the one input that a mask must keep
CONTROLS = ("plain", "edit", "bad-size", "models")  # made of every server: what it does not break is as it should be

HEADERS = ("content-type", "location", "access-control-allow-origin", "access-control-allow-headers")


@dataclass
class Caller:
    """A client of one server that makes calls and tells what it saw."""

    client: httpx.Client
    key: str
    seen: set[str] = field(default_factory=set)  # request ids

    def tell(self, call: Call) -> dict[str, str]:
        """All that a call shows, by place."""
        for _ in range(call.refusals):
            self.client.post("images/generations", json={}, headers=self._keyed(call))
        began = time.time()
        try:
            response, held = self._send(call)
        except httpx.HTTPError as error:
            return {"failure": type(error).__name__}
        told = {name: response.headers.get(name, "none") for name in HEADERS}
        told |= {"held": held, "status": str(response.status_code), "x-request-id": self._request_id(response)}
        time.sleep(call.fetch_after)
        return {**told, **dict(self._body(response, began))}

    def _send(self, call: Call) -> tuple[httpx.Response, str]:
        """The answer, and whether it was a stream that said nothing for a second after its head."""
        with self._begun(call) as answer:
            began = time.monotonic()
            pieces = [(time.monotonic() - began, piece) for piece in answer.iter_bytes()]
        whole = httpx.Response(answer.status_code, headers=answer.headers, content=b"".join(one for _, one in pieces))
        streamed = pieces and answer.headers.get("content-type", "").startswith("text/event-stream")
        return whole, "yes" if streamed and pieces[0][0] > 1 else "no"

    def _begun(self, call: Call) -> AbstractContextManager[httpx.Response]:
        headers = {**call.headers, **self._keyed(call)}
        if call.raw is not None:
            return self.client.stream(call.method, call.path, content=call.raw, headers=headers)
        if call.body is None or not call.form:
            return self.client.stream(call.method, call.path, json=call.body, headers=headers)
        boundary = "imageproof-boundary"
        quoted = f'"{boundary}"' if headers.pop("quoted", "") else boundary
        headers["content-type"] = f"{FORM}; boundary={quoted}"
        return self.client.stream(call.method, call.path, content=form(call.body, boundary), headers=headers)

    def _keyed(self, call: Call) -> dict[str, str]:
        key = self.key if call.key is None else call.key
        return {"authorization": f"Bearer {key}"} if key else {}

    def _request_id(self, response: httpx.Response) -> str:
        found = response.headers.get("x-request-id")
        told = "none" if found is None else "known" if found in self.seen else "new"
        self.seen.add(found or "")
        return told

    def _body(self, response: httpx.Response, began: float) -> Mapping[str, str]:
        look = Look(began, lambda url: self.client.get(url))
        if "\ndata: " in response.text or response.text.startswith("data: "):
            *whole, rest = response.text.split("\n\n")
            lines = [[line for line in one.split("\n") if line] for one in (*whole, rest)]
            events = [dict(line.split(": ", 1) for line in one) for one in lines if one]
            told = look.flat("", [{**one, "data": parsed(one.get("data", ""))} for one in events])
            return {**told, "end": "no blank line"} if rest else told
        return look.flat("", parsed(response.text))


def form(body: Mapping[str, Any], boundary: str) -> bytes:
    """A form in the order of the body."""
    parts = b""
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            file = isinstance(one, bytes)
            extra = '; filename="a.png"\r\nContent-Type: image/png' if file else ""
            text = one if file else str(one).lower() if isinstance(one, bool) else str(one)
            data = text if isinstance(text, bytes) else text.encode()
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
            parts += head.encode() + data + b"\r\n"
    return parts + f"--{boundary}--\r\n".encode()


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _wrong(data: bytes, image: Image.Image) -> list[str]:
    """What is wrong with a picture that can be read: a checksum, or that it shows nothing."""
    found = []
    if image.format == "PNG":
        try:
            Image.open(io.BytesIO(data)).verify()
        except (OSError, SyntaxError):
            found.append("broken-checksum")
    colours = image.convert("RGBA").getcolors(1)
    return [*found, "blank"] if colours else found


@dataclass
class Look:
    """Tells values of one answer without what changes from call to call: times, links and the pixels of pictures."""

    began: float
    fetch: Callable[[str], httpx.Response]
    files: list[bytes] = field(default_factory=list)

    def flat(self, at: str, value: Any) -> dict[str, str]:
        """What stands at each place, as text."""
        name = at.rpartition("/")[2]
        if isinstance(value, dict) and value:
            return {k: v for key, one in value.items() for k, v in self.flat(f"{at}/{key}", one).items()}
        if isinstance(value, list) and value:
            return {k: v for key, one in enumerate(value) for k, v in self.flat(f"{at}/{key}", one).items()}
        if name in ("created", "created_at") and type(value) is int and abs(value - self.began) < 3600:
            return {at: "now"}
        if name == "b64_json" and isinstance(value, str):
            return self._base64(at, value)
        if name == "url" and isinstance(value, str):
            return self._link(at, value)
        return {at or "/": json.dumps(value)}

    def _base64(self, at: str, text: str) -> dict[str, str]:
        try:
            return {at: "base64", **self._file(at, base64.b64decode(text, validate=True))}
        except binascii.Error:
            return {at: "no base64"}

    def _link(self, at: str, url: str) -> dict[str, str]:
        try:
            response = self.fetch(url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return {at: type(error).__name__}
        told = {at: url.partition("://")[0], f"{at}/status": str(response.status_code)}
        told[f"{at}/type"] = response.headers.get("content-type", "none")
        return {**told, **self._file(at, response.content)} if response.status_code == 200 else told

    def _file(self, at: str, data: bytes) -> dict[str, str]:
        """What a picture is; `/file` numbers the different files of an answer."""
        if data not in self.files:
            self.files.append(data)
        told = {f"{at}/file": str(self.files.index(data))}
        if data.lstrip()[:4] == b"<svg":
            return {**told, f"{at}/format": "svg", f"{at}/whole": str(data.rstrip().endswith(b"</svg>"))}
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
        except (OSError, SyntaxError, ValueError):
            return {**told, f"{at}/format": "none"}
        told |= {f"{at}/{name}": "yes" for name in _wrong(data, image)}
        if image.convert("RGB").getpixel((image.width - 9, image.height - 9)) == MAGENTA:
            told[f"{at}/kept"] = "yes"
        if image.format == "JPEG" and len(data) * PRESSED < image.width * image.height:
            told[f"{at}/pressed"] = "yes"
        lowest = image.convert("RGBA").getchannel("A").getextrema()[0]
        alpha = "A" in image.getbands() or "transparency" in image.info
        facts = {"format": image.format, "size": image.size, "alpha": alpha, "lowest": lowest}
        facts |= {"frames": getattr(image, "n_frames", 1), "milliseconds": image.info.get("duration")}
        return {**told, **{f"{at}/{name}": str(value) for name, value in facts.items()}}


def differences(sound: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The places at which two tellings differ, `*` for each entry of a list. Of what only one of them has, the topmost
    place is named alone."""

    def top(place: str) -> str:
        parts = place.split("/")
        above = ("/".join(parts[:count]) for count in range(2, len(parts)))
        return next((one for one in above if not (_has(sound, one) and _has(other, one))), place)

    places = (place for place in {*sound, *other} if sound.get(place) != other.get(place))
    return sorted({re.sub(r"/[0-9]+(?=/|$)", "/*", top(place)) for place in places})


def _has(told: Mapping[str, str], place: str) -> bool:
    return any(one == place or one.startswith(f"{place}/") for one in told)


def tell(fault: str, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What some calls show of a server with a fault, by their names; they are made in the order of the table."""
    config, wanted = Config(key="k", fault=fault, pause_seconds=0.0), set(names)
    with running(config) as url, httpx.Client(base_url=f"{url}/", timeout=60) as client:
        caller = Caller(client, "k")
        return {name: caller.tell(call) for name, call in CALLS.items() if name in wanted}
