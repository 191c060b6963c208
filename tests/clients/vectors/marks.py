"""What stands for bytes and addresses in the cases: `{$base64: NAME}`, `{$data_url: NAME}`, `{$repeat:
[text, count]}`, `{$times: [value, count]}`; and the named pictures and texts."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from clients import pictures
from vectors.bodies import picture

NAMED: dict[str, bytes] = {
    "png": picture().data,
    "wide": picture(width=96, height=64).data,
    "mask": picture(alpha=True, transparent=True).data,
    "jpeg": picture("jpeg", 32, 48).data,
    "webp": picture("webp", 48, 32).data,
    "gif": picture("gif", 16, 16).data,
    "svg": pictures.SVG,
    "text": b"no picture at all\n",
    "big": picture(width=64, height=64).data + bytes(300_000),
    "empty": b"",
}
# What a client tells of each: format by its first bytes, width and height in pixels.
KINDS = {
    "png": ("png", 64, 64),
    "wide": ("png", 96, 64),
    "mask": ("png", 64, 64),
    "jpeg": ("jpeg", 32, 48),
    "webp": ("webp", 48, 32),
    "gif": ("gif", 16, 16),
    "svg": ("svg", 0, 0),
    "text": ("", 0, 0),
    "big": ("png", 64, 64),
}


def sha256(name: str) -> str:
    return hashlib.sha256(NAMED[name]).hexdigest()


def filled(node: Any, origin: str) -> Any:
    """A value with its marks replaced; "{origin}" in a text is the address of the case's own port."""
    if isinstance(node, str):
        return node.replace("{origin}", origin).replace("{host}", origin.removeprefix("http://"))
    if isinstance(node, list):
        return [filled(one, origin) for one in node]
    if not isinstance(node, dict):
        return node
    match next(iter(node.items()), ("", None)):
        case ("$base64", name):
            return base64.b64encode(NAMED[name]).decode()
        case ("$data_url", name):
            return f"data:image/{KINDS[name][0]};base64,{base64.b64encode(NAMED[name]).decode()}"
        case ("$repeat", (text, count)):
            return text * count
        case ("$times", (value, count)):
            return [filled(value, origin)] * count
    return {key: filled(value, origin) for key, value in node.items()}
