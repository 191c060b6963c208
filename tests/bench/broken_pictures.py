"""Picture files that are not what they say: cut, damaged, far larger than their bytes, or no pictures at all."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from PIL import Image

Chance = random.Random
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


@lru_cache(maxsize=256)
def _picture(kind: str, mode: str, edge: int) -> bytes:
    file = io.BytesIO()
    shown = Image.new("RGBA", (edge, edge), (200, 30, 30, 0))
    shown.paste((20, 90, 30, 255), (0, 0, edge // 2, edge // 2))
    shown.convert(mode).save(file, kind)
    return file.getvalue()


def picture(chance: Chance, kind: str) -> bytes:
    """A small good picture."""
    mode = chance.choice(["RGB", "L"] if kind == "JPEG" else ["RGBA", "P", "L"] if kind == "GIF" else ["RGB", "RGBA"])
    return _picture(kind, mode, chance.choice([1, 16, 64, 256]))


def cut(chance: Chance) -> bytes:
    data = picture(chance, chance.choice(FORMATS))
    return data[: chance.randrange(len(data))]


def flipped(chance: Chance) -> bytes:
    data = bytearray(picture(chance, chance.choice(FORMATS)))
    for _ in range(chance.choice([1, 3, 20])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@lru_cache(maxsize=64)
def bomb(width: int, height: int, depth: int, colour: int, extra: bytes, packed: int) -> bytes:
    """A PNG file that says how large it is, and holds `packed` zeros in little room."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            extra,
            chunk(b"IDAT", zlib.compress(bytes(packed), 9)),
            chunk(b"IEND", b""),
        ]
    )


EXTRAS = (
    b"",
    chunk(b"PLTE", b""),
    chunk(b"tRNS", bytes(7)),
    chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(3_000_000))),
    chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(80_000_000), 9)),
    chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
    chunk(b"tEXt", b"Comment\0" + b"y" * 100_000),
    chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + bytes(100)),
    chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
    chunk(b"fcTL", bytes(26)),
    chunk(b"pHYs", b"x"),
    chunk(b"gAMA", b""),
    chunk(b"IHDR", bytes(13)),
    struct.pack(">I", 2**31) + b"tEXt",
)


def bombs(chance: Chance) -> bytes:
    width, height = chance.choice(
        [(65000, 65000), (2**31 - 1, 1), (1, 2**31 - 1), (8000, 8000), (0, 0), (4000, 4000), (16, 16)]
    )
    depth, colour = chance.choice([(8, 2), (8, 6), (1, 0), (16, 6), (8, 3), (3, 2), (2, 3)])
    return bomb(width, height, depth, colour, chance.choice(EXTRAS), chance.choice([0, 1000, 4_000_000]))


def strangers(chance: Chance) -> bytes:
    """What is no picture of the kinds that are taken."""
    return chance.choice(
        [
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(w) (/tmp/x) file",
            b"%PDF-1.7\n",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a 'aaaa'>]><svg>&a;</svg>",
            b"PK\x03\x04" + bytes(100),
            b"BM" + struct.pack("<IHHI", 99, 0, 0, 54) + bytes(60),
            b"II*\0\x08\0\0\0" + bytes(50),
            b"\0\0\1\0\1\0" + bytes(50),
            b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(20),
            b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(30),
            b"RIFF\x10\0\0\0WEBPVP8L" + chance.randbytes(30),
            b"\xff\xd8\xff\xe1\xff\xffExif\0\0" + bytes(100),
            b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\1\x22\0\2\x11\1\3\x11\1" + bytes(10),
            b"P6 99999 99999 255\n",
            b"\0" * 1000,
            chance.randbytes(1000),
            b"",
        ]
    )


BROKEN: Sequence[Callable[[Chance], bytes]] = (cut, flipped, bombs, strangers)
