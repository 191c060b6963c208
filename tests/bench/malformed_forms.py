"""Forms that no client should send."""

from __future__ import annotations

from collections.abc import Sequence

from bench.broken_pictures import BROKEN, FORMATS, Chance, picture
from bench.odd_words import DISPOSITIONS, LITERALS, NAMES, VALUES, request

FORM_PATHS = ("images/edits",) * 6 + ("images/variations",) * 3 + ("images/generations",)
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
