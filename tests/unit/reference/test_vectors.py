"""The shared vectors over HTTP: what the contract accepts is served, what it forbids is refused."""

from __future__ import annotations

import json
from typing import Any

import httpx2 as httpx
import pytest
from vectors.bodies import File, Vector, vectors

from imageproof.contract.document import load, request_content

DOCUMENT = load()
FORM = "multipart/form-data"


def send(client: httpx.Client, vector: Vector) -> httpx.Response:
    path = DOCUMENT.operations()[vector.operation].path.lstrip("/")
    media_type = vector.media_type or next(iter(request_content(DOCUMENT, vector.operation)))
    if media_type != FORM:
        return client.post(path, content=json.dumps(vector.body), headers={"Content-Type": media_type})
    files: list[tuple[str, Any]] = []
    for name, value in vector.body.items():
        for one in value if isinstance(value, list) else [value]:
            files.append((name, (f"{name}.bin", one.data) if isinstance(one, File) else (None, text(one))))
    return client.post(path, files=files)


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector.id)
def test_the_provider_answers_as_the_vector_says(client: httpx.Client, vector: Vector) -> None:
    answer = send(client, vector)
    if vector.unknown_model:
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        return
    assert answer.status_code == (400 if vector.rules else 200), answer.text[:300]
    if vector.rules:
        assert set(answer.json()["error"]) == {"type", "message", "param", "code"}
        assert answer.json()["error"]["param"]
