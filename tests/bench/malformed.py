"""Requests that no client should send, made from a seed: the bytes of each, as they go over the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from bench.broken_pictures import BROKEN, FORMATS, Chance, picture

JSON_PATHS = ("images/generations", "images/edits", "images/variations")
FORM_PATHS = ("images/edits",) * 6 + ("images/variations",) * 3 + ("images/generations",)
OTHER_PATHS = ("models", "models/dall-e-2", "images", "", "files/x", "models/" + "a" * 3000, "images/edits/")
RAW = "@raw@"  # stands in a body for a literal that json.dumps would not write

TABLES: Mapping[str, list[Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


def lines_of(name: str, *more: bytes) -> list[bytes]:
    return [text.encode("latin-1") for text in TABLES[name]] + list(more)


# What the tables say, and what is too long to stand in them.
NESTED = '{"a":' * 70 + "1" + "}" * 70
LITERALS = [
    *TABLES["literals"],
    *("9" * 400, "9" * 5000, "[" * 100_000, "[" * 3000 + "]" * 3000, f'"{"x" * 40_000}"', NESTED),
]
VALUES = [*TABLES["values"], "x" * 33_000]
NAMES = [*TABLES["names"], "a" * 5000]
HEADERS = lines_of("headers", b"X: " + b"a" * 70_000, b"\r\n".join(b"X-%d: y" % at for at in range(300)))
KEYS = lines_of("keys", b"Authorization: Bearer " + b"a" * 20_000)
TYPES = lines_of("types", b"Content-Type: multipart/form-data; boundary=" + b"b" * 5000)
TARGETS = [*TABLES["targets"], "/v1/models?" + "a=b&" * 3000, "/v1/models/" + "%C3%BC" * 500]
METHODS = [*TABLES["methods"], "X" * 300]
NOT_HTTP = lines_of("not_http", bytes(500), b"\xff" * 70_000, b"A" * 100_000)
DISPOSITIONS = [*TABLES["dispositions"], 'form-data; name="' + "n" * 9000 + '"']


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


def request(target: str, head: Sequence[bytes], body: bytes, method: str = "POST", length: bool = True) -> bytes:
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1", "replace"), *head]
    names = b"\n".join(head).lower()
    if b"host:" not in names:
        lines.append(b"Host: 127.0.0.1")
    if b"authorization" not in names:
        lines.append(b"Authorization: Bearer sk-bench")
    if length and b"content-length" not in names and b"transfer-encoding" not in names:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*(line for line in lines if line), b"Connection: close", b"", body])


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


Part = tuple[str, bytes]


def file_part(name: str, data: bytes, kind: str = "image/png") -> Part:
    return f'Content-Disposition: form-data; name="{name}"; filename="a.png"\r\nContent-Type: {kind}', data


def field_part(name: str, value: str) -> Part:
    return f'Content-Disposition: form-data; name="{name}"', value.encode()


def plain_form(chance: Chance) -> list[Part]:
    clear = picture(chance, chance.choice(FORMATS))
    parts = [field_part("prompt", "a fox"), field_part("size", "256x256"), field_part("model", "dall-e-2")]
    if chance.random() < 0.5:
        parts = [field_part("prompt", "a fox"), field_part("model", "gpt-image-1"), field_part("size", "1024x1024")]
    files = [file_part(chance.choice(["image", "image[]"]), clear)]
    if chance.random() < 0.3:
        files.append(file_part(chance.choice(["mask", "markup", "image[]"]), picture(chance, "PNG")))
    return [*files, *parts] if chance.random() < 0.5 else [*parts, *files]


def joined(parts: Sequence[Part], boundary: str = "b", end: str = "--\r\n", line: str = "\r\n") -> bytes:
    whole = b"".join(
        f"--{boundary}{line}{head}{line}{line}".encode("latin-1", "replace") + data + line.encode()
        for head, data in parts
    )
    return whole + f"--{boundary}{end}".encode()


def posted(chance: Chance, body: bytes, kind: bytes = b"Content-Type: multipart/form-data; boundary=b") -> bytes:
    if chance.random() < 0.2:  # in chunks, some of which are no chunks
        size = chance.choice([1000, 5, len(body) + 1])
        pieces = [body[at : at + size] for at in range(0, min(len(body), 200 * size), size)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces)
        end = chance.choice(
            [
                b"0\r\n\r\n",
                b"0\r\n\r\n",
                b"",
                b"zz\r\n",
                b"-1\r\n",
                b"0\r\nX: \xff\r\n\r\n",
                b"0;x=y\r\n\r\n",
                b"fffffffff\r\n",
            ]
        )
        return request(f"/v1/{chance.choice(FORM_PATHS)}", [kind, b"Transfer-Encoding: chunked"], framed + end)
    return request(f"/v1/{chance.choice(FORM_PATHS)}", [kind], body)


def form_values(chance: Chance) -> bytes:
    parts = plain_form(chance)
    for _ in range(chance.choice([1, 1, 2, 40])):
        value = chance.choice([*map(str, VALUES), *LITERALS[:20], "x" * 5_000_000 if chance.random() < 0.01 else ""])
        name = chance.choice([*NAMES, "image[]", "svg[model]", "svg[a][b]", "svg[", "svg[]", "images[0][image_url]"])
        new = chance.choice(
            [
                field_part(name, ""),
                file_part(name, b""),
                field_part(name, "\0"),
                (f'Content-Disposition: form-data; name="{name}"', value.encode("utf-8", "surrogatepass")),
            ]
        )
        parts.insert(chance.randrange(len(parts) + 1), new)
    if chance.random() < 0.3:
        parts.pop(chance.randrange(len(parts)))
    return posted(chance, joined(parts))


def form_framing(chance: Chance) -> bytes:
    parts = plain_form(chance)
    whole = joined(parts)
    at, end = sorted((chance.randrange(len(whole)), chance.randrange(len(whole))))
    body = chance.choice(
        [
            whole[:at],
            whole[at:],
            whole[:at] + whole[end:],
            whole[:at] + chance.randbytes(chance.choice([1, 2, 100])) + whole[at:],
            joined(parts, end=""),
            joined(parts, end="\r\n"),
            joined(parts, end="--"),
            joined(parts, boundary="c"),
            joined(parts, line="\n"),
            joined(parts, line="\r"),
            joined([]),
            joined([("Content-Type: multipart/mixed; boundary=c", joined(parts, "c"))]),
            joined(parts * 40),
            joined([field_part("x", "")] * chance.choice([199, 200, 201, 2000])),
            b"--b\r\n" * 100,
            b"preamble\r\n" + whole + b"epilogue" * 100,
            chance.randbytes(500),
            b"",
            whole + whole,
        ]
    )
    return posted(chance, body)


def form_heads(chance: Chance) -> bytes:
    parts = plain_form(chance)
    at = chance.randrange(len(parts))
    head, data = parts[at]
    parts[at] = (
        chance.choice(
            [
                f"Content-Disposition: {chance.choice(DISPOSITIONS)}",
                f"Content-Disposition: {chance.choice(DISPOSITIONS)}\r\nContent-Type: image/png",
                head + "\r\nContent-Transfer-Encoding: base64",
                head + "\r\nContent-Type: text/plain; charset=nonsense",
                head + "\r\nX: " + "y" * chance.choice([10, 20_000, 200_000]),
                head + "\r\nX: y" * 300,
                head.replace(":", ""),
                head.replace(": ", ":"),
                head.replace("form-data", "\xff"),
                head + "\r\n : x",
                head + "\r\nContent-Disposition: form-data; name=prompt",
                "X: y",
                "",
            ]
        ),
        data,
    )
    return posted(chance, joined(parts))


def form_pictures(chance: Chance) -> bytes:
    broken = chance.choice(BROKEN)(chance)
    name = chance.choice(["image", "image", "image[]", "mask", "markup"])
    parts = [
        field_part("prompt", "a fox"),
        field_part("model", chance.choice(["dall-e-2", "gpt-image-1"])),
        file_part(name, broken),
    ]
    if name in ("mask", "markup"):
        parts.append(file_part("image", picture(chance, "PNG")))
    return posted(chance, joined(parts))


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
