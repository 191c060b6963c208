"""Reads bodies.yaml: each vector as JSON values and real picture files."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from imageproof.contract.violations import FileFacts

MEDIA = {"json": "application/json", "multipart": "multipart/form-data"}


@dataclass(frozen=True)
class File:
    """A file of a vector: its bytes and what a decoder finds in them."""

    data: bytes
    facts: FileFacts


@dataclass(frozen=True)
class Vector:
    """One row. `body` holds JSON values, and File (or a list of them) for file parts; `rules` is empty for `accept`."""

    id: str
    operation: str
    model: str
    media_type: str | None
    body: Mapping[str, Any]
    rules: frozenset[str]
    beyond_schema: bool
    unknown_model: bool

    @property
    def facts(self) -> dict[str, Any]:
        """The body as `violations` takes it: facts in place of files."""
        return {name: _facts(value) for name, value in self.body.items()}


@functools.lru_cache(maxsize=1)
def vectors() -> tuple[Vector, ...]:
    """All vectors, in file order."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return tuple(_vector(row) for row in rows)


def _vector(row: dict[str, Any]) -> Vector:
    accepted = row["expect"] == "accept"
    return Vector(
        id=row["id"],
        operation=row["operation"],
        model=row["model"],
        media_type=MEDIA[row["media"]] if "media" in row else None,
        body={"model": row["model"], **_value(row["body"])},
        rules=frozenset() if accepted else frozenset([row["expect"], *row.get("also", [])]),
        beyond_schema=row.get("beyond_schema", False),
        unknown_model=row.get("unknown_model", False),
    )


def _value(node: Any) -> Any:
    if isinstance(node, list):
        return [_value(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$repeat" in node:
        text, count = node["$repeat"]
        return text * count
    if "$times" in node:
        value, count = node["$times"]
        return [_value(value)] * count
    if "$file" in node:
        return picture(**node["$file"])
    if "$data_url" in node:
        data = base64.b64encode(picture(**node["$data_url"]).data).decode()
        return f"data:image/png;base64,{data}"
    return {key: _value(value) for key, value in node.items()}


@functools.cache
def picture(
    format: str = "png",
    width: int = 64,
    height: int = 64,
    alpha: bool = False,
    transparent: bool = False,
    text: str | None = None,
) -> File:
    """A real picture with these facts; with `text`, a file that is no picture."""
    if text is not None:
        data = text.encode()
        return File(data, FileFacts("", 0, 0, len(data), False, False))
    color = (90, 60, 30, 0 if transparent else 255)
    image = Image.new("RGBA", (width, height), color) if alpha else Image.new("RGB", (width, height), color[:3])
    buffer = io.BytesIO()
    image.save(buffer, format.upper())
    data = buffer.getvalue()
    return File(data, FileFacts(format, width, height, len(data), alpha, transparent))


def _facts(value: Any) -> Any:
    if isinstance(value, File):
        return value.facts
    return [_facts(item) for item in value] if isinstance(value, list) else value
