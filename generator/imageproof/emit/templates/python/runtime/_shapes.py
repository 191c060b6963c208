"""Answers of shapes that few documents have."""

from __future__ import annotations

from typing import Any

import httpx2

from ._http import Http, Reader
from ._model import Decoder, Model, is_object


def mapped(decode: Decoder) -> Decoder:
    """Decodes each value of an object."""

    def decoded(value: Any, origin: Any) -> Any:
        return {key: decode(item, origin) for key, item in value.items()} if is_object(value) else value

    return decoded


def closest(*models: type[Model]) -> Decoder:
    """Decodes an object as the model that declares most of its members; what is no object stays as it is."""

    def decoded(value: Any, origin: Any) -> Any:
        if not is_object(value):
            return value
        best = max(models, key=lambda model: sum(wire_name in value for _, wire_name, _ in model.members()))
        return best.decode(value, origin)

    return decoded


class Bytes(Reader[bytes]):
    """A file."""

    async def read(self, http: Http, response: httpx2.Response) -> bytes:
        return await http.read(response)


class Text(Reader[str]):
    """Plain text."""

    async def read(self, http: Http, response: httpx2.Response) -> str:
        await http.read(response)
        return response.text
