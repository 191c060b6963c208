"""Requests that no client should send, made from a seed: the bytes of each, as they go over the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.broken_pictures import BROKEN, Chance, picture
from bench.malformed_forms import (
    FORM_PATHS,
    field_part,
    file_part,
    form_framing,
    form_heads,
    form_pictures,
    form_values,
    joined,
    plain_form,
)
from bench.odd_words import (
    DISPOSITIONS,
    HEADERS,
    KEYS,
    LITERALS,
    METHODS,
    NAMES,
    NOT_HTTP,
    TARGETS,
    TYPES,
    VALUES,
    request,
)

JSON_PATHS = ("images/generations", "images/edits", "images/variations")
OTHER_PATHS = ("models", "models/dall-e-2", "images", "", "files/x", "models/" + "a" * 3000, "images/edits/")
RAW = "@raw@"  # stands in a body for a literal that json.dumps would not write


@dataclass(frozen=True)
class Case:
    """One request. `kind` says how it was damaged."""

    kind: str
    data: bytes


def cases(seed: int, count: int) -> Iterator[Case]:
    """So many cases; the same seed gives the same ones. Every third is one of `crossed`, in an order of chance, as long
    as there are any."""
    chance = Chance(seed)
    kinds = list(KINDS)
    places = list(crossed(chance))
    chance.shuffle(places)
    for at in range(count):
        if at % 3 == 0 and places:
            yield places.pop()
        else:
            kind = chance.choice(kinds)
            yield Case(kind, KINDS[kind](chance))


def crossed(chance: Chance) -> Iterator[Case]:
    """Every value under every name of a body that is good but for that, and every line in a good head."""
    kind = b"Content-Type: application/json"
    for path, body in GOOD:
        for name in NAMES:
            for value in VALUES:
                sent = json.dumps({**body, name: value}).encode()
                yield Case("one value", request(f"/v1/{path}", [kind], sent))
        for line in (*HEADERS, *KEYS, *TYPES):
            head = [line] if line in TYPES else [kind, line]
            yield Case("one line", request(f"/v1/{path}", head, json.dumps(body).encode()))
    for disposition in DISPOSITIONS:
        for at in range(3):
            parts = [field_part("prompt", "x"), field_part("model", "gpt-image-1"), file_part("image", PICTURE)]
            parts[at] = (f"Content-Disposition: {disposition}", parts[at][1])
            kind = b"Content-Type: multipart/form-data; boundary=b"
            yield Case("one part", request("/v1/images/edits", [kind], joined(parts)))


def plain_body(chance: Chance) -> dict[str, Any]:
    """A body that is small and quick to serve."""
    return chance.choice(
        [
            {"model": "dall-e-2", "prompt": "a fox", "size": "256x256", "n": 1, "response_format": "b64_json"},
            {"model": "gpt-image-2.6-flare", "prompt": "a fox", "output_format": "svg", "size": "1024x1024"},
            {"prompt": "a fox", "size": "256x256", "user": "u"},
            {"model": "gpt-image-1", "prompt": "a fox", "images": [{"image_url": data_url(picture(chance, "PNG"))}]},
        ]
    )


def written(chance: Chance, values: Any) -> str:
    """A body as JSON text, now and then with a literal that JSON does not have or nobody expects."""
    text = json.dumps(values)
    return text.replace(f'"{RAW}"', chance.choice(LITERALS))


def mutated(chance: Chance, body: dict[str, Any]) -> Any:
    """A body with some members replaced, added or removed, and some of what lies below them too."""
    body = dict(body)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        value = chance.choice([*VALUES, *[RAW] * 12])
        if chance.random() < 0.15 and isinstance(body.get("images"), list):
            body["images"] = chance.choice(
                [[value], [*body["images"], value], body["images"] * 17, [{"image_url": value}]]
            )
        elif chance.random() < 0.1:
            body.pop(chance.choice(list(body)), None) if body else None
        else:
            body[chance.choice(NAMES)] = value
    return body if chance.random() < 0.95 else chance.choice([[body], value])


def json_values(chance: Chance) -> bytes:
    text = written(chance, mutated(chance, plain_body(chance)))
    head = [b"Content-Type: application/json"]
    return request(f"/v1/{path_of(chance, text)}", head, text.encode("utf-8", "surrogatepass"))


def json_text(chance: Chance) -> bytes:
    text = written(chance, plain_body(chance))
    raw = text.encode()
    at, end = sorted((chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)))
    damaged = chance.choice(
        [
            raw[:at],
            raw[at:],
            raw[:at] + raw[end:],
            raw[:at] + chance.randbytes(3) + raw[at:],
            raw.replace(b"{", b'{"model":"gpt-image-2","n":"x","prompt":3,', 1),
            text.encode(chance.choice(["utf-16", "utf-32", "utf-8-sig", "cp500", "utf-7"])),
            raw + raw,
            b"",
            b"null",
            chance.randbytes(200),
            raw.replace(b"a fox", chance.choice([b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\x00", b"\n"])),
            b"[" * chance.choice([10, 900, 1100, 200_000]),
            b'{"a":' * chance.choice([10, 63, 64, 65, 900, 100_000]) + b"1" + b"}" * chance.choice([0, 64, 900]),
        ]
    )
    return request(f"/v1/{path_of(chance, text)}", [b"Content-Type: application/json"], damaged)


def path_of(chance: Chance, text: str) -> str:
    """Where a body belongs, mostly."""
    if chance.random() < 0.15:
        return chance.choice(JSON_PATHS)
    return JSON_PATHS[1] if '"images"' in text else JSON_PATHS[0]


def data_url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def json_pictures(chance: Chance) -> bytes:
    broken = data_url(chance.choice(BROKEN)(chance))
    at = chance.randrange(len(broken) + 1)
    url = chance.choice(
        [broken, broken, broken[:at], broken[:at] + "=" + broken[at:], broken.replace("base64", "x"), "data:,x"]
    )
    body: dict[str, Any] = {"model": "gpt-image-1", "prompt": "x", "images": [{"image_url": url}], "size": "1024x1024"}
    if chance.random() < 0.3:
        body = {**body, "images": [{"image_url": data_url(picture(chance, "PNG"))}], "mask": {"image_url": url}}
    return request("/v1/images/edits", [b"Content-Type: application/json"], json.dumps(body).encode())


def heads(chance: Chance) -> bytes:
    """A good body below a damaged head."""
    if chance.random() < 0.5:
        path, kind, body = (
            chance.choice(JSON_PATHS),
            b"Content-Type: application/json",
            json.dumps(plain_body(chance)).encode(),
        )
    else:
        path, kind, body = (
            chance.choice(FORM_PATHS),
            b"Content-Type: multipart/form-data; boundary=b",
            joined(plain_form(chance)),
        )
    extra = [chance.choice(HEADERS) for _ in range(chance.choice([0, 1, 1, 3]))]
    if chance.random() < 0.3:
        extra.append(chance.choice(KEYS))
    head = [chance.choice(TYPES) if chance.random() < 0.5 else kind, *extra]
    return request(f"/v1/{path}", head, body)


def lines(chance: Chance) -> bytes:
    """Methods and targets that are not ours."""
    target = chance.choice([*TARGETS, *(f"/v1/{path}" for path in (*JSON_PATHS, *OTHER_PATHS))])
    body = json.dumps(plain_body(chance)).encode() if chance.random() < 0.3 else b""
    return request(target, [chance.choice(HEADERS)] if chance.random() < 0.5 else [], body, chance.choice(METHODS))


def noise(chance: Chance) -> bytes:
    """What is hardly HTTP, and good requests with a few bytes gone or changed."""
    if chance.random() < 0.2:
        return chance.choice([*NOT_HTTP, chance.randbytes(300)])
    whole = bytearray(KINDS[chance.choice(["json values", "form values"])](chance))
    for _ in range(chance.choice([1, 2, 10])):
        at = chance.randrange(min(len(whole), 600))
        whole[at : at + chance.choice([0, 1, 4])] = chance.randbytes(chance.choice([0, 1, 1, 3]))
    return bytes(whole[: chance.choice([len(whole), len(whole), chance.randrange(len(whole) + 1)])])


PICTURE = picture(Chance(0), "PNG")
GOOD: Sequence[tuple[str, dict[str, Any]]] = (
    ("images/generations", {"prompt": "a fox", "size": "256x256"}),
    ("images/generations", {"model": "gpt-image-2.6-flare", "prompt": "a fox", "output_format": "svg"}),
    ("images/edits", {"model": "gpt-image-1", "prompt": "a fox", "images": [{"image_url": data_url(PICTURE)}]}),
)

KINDS: dict[str, Callable[[Chance], bytes]] = {
    "json values": json_values,
    "json text": json_text,
    "json pictures": json_pictures,
    "form values": form_values,
    "form framing": form_framing,
    "form heads": form_heads,
    "form pictures": form_pictures,
    "heads": heads,
    "lines": lines,
    "noise": noise,
}
