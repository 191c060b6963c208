"""The client that waits, under asyncio and under trio: what the one that blocks does, for `await`."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import imageproof_client as api
import pytest
import trio
from clients.loopback import GOOD, Answer, Loopback, frames
from clients.pictures import JPEG, PNG
from imageproof_client import AsyncClient

KEY = "sk-secret-key"
ENCODED = base64.b64encode(PNG).decode()
PARTIAL: dict[str, Any] = {"type": "image_generation.partial_image", "b64_json": ENCODED, "partial_image_index": 0}
DONE: dict[str, Any] = {"type": "image_generation.completed", "b64_json": ENCODED, "usage": {"total_tokens": 3}}
LOOPS: dict[str, Callable[[Callable[[], Awaitable[None]]], None]] = {
    "asyncio": lambda told: asyncio.run(_coroutine(told)),
    "trio": lambda told: trio.run(told),
}


async def _coroutine(told: Callable[[], Awaitable[None]]) -> None:
    await told()


@pytest.fixture(params=LOOPS)
def running(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[None]]], None]:
    return LOOPS[request.param]


Runner = Callable[[Callable[[], Awaitable[None]]], None]


def test_calls(running: Runner, server: Loopback, tmp_path: Path) -> None:
    async def script() -> None:
        async with AsyncClient(KEY, base_url=server.base_url) as client:
            answer = await client.images.generate(prompt="x", extra_headers={"x-a": "b"})
            assert await answer.data[0].to_bytes() == PNG
            assert await answer.data[0].save(tmp_path / "a") == tmp_path / "a.png"
            assert (answer.data[0].size, answer.data[0].format) == ((1, 1), "png")
            await client.images.edit(prompt="x", image=[PNG, ("b.jpg", b"x" * 600_000)])
            await client.images.edit(prompt="x", images=[{"image_url": await answer.data[0].data_url()}])
            with pytest.raises(TypeError, match="did you mean 'prompt'"):
                await client.images.generate(promt="x")  # type: ignore[call-overload]  # the mistake itself

    running(script)
    generated, edited, referred = server.received
    assert generated.headers["x-a"] == "b"
    assert [len(part.data) for part in edited.parts] == [1, len(PNG), 600_000]
    assert referred.json["images"] == [{"image_url": f"data:image/png;base64,{ENCODED}"}]


def test_urls_are_fetched_without_the_key(running: Runner, server: Loopback) -> None:
    listing = json.dumps({"created": 5, "data": [{"url": f"{server.origin}/pic.jpg"}]}).encode()
    server.answer(Answer(body=listing), Answer(body=JPEG, type="image/jpeg"))

    async def script() -> None:
        async with AsyncClient(KEY, base_url=server.base_url) as client:
            image = (await client.images.generate(prompt="x")).data[0]
            assert image.size is None and image.format == ""
            assert await image.to_bytes() == JPEG == await image.to_bytes()
            assert image.format == "jpeg"

    running(script)
    assert [KEY in str(one.headers) for one in server.received] == [True, False]


def test_streams_arrive_as_they_are_sent(running: Runner, server: Loopback) -> None:
    gates = [threading.Event(), threading.Event()]
    gates[0].set()
    server.answer(Answer(type="text/event-stream", chunks=[*frames(PARTIAL, DONE)], gates=gates))

    async def script() -> None:
        async with (
            AsyncClient(KEY, base_url=server.base_url) as client,
            await client.images.generate(prompt="x", stream=True) as events,
        ):
            first = await anext(events)
            assert first.type == "image_generation.partial_image"
            assert await first.to_bytes() == PNG  # awaiting is allowed here, and not needed
            gates[1].set()
            assert [event.type async for event in events] == ["image_generation.completed"]

    running(script)


def test_stream_helpers(running: Runner, server: Loopback) -> None:
    server.answer(Answer(type="text/event-stream", chunks=[*frames(PARTIAL, PARTIAL, DONE)]))

    async def script() -> None:
        async with AsyncClient(KEY, base_url=server.base_url) as client:
            stream = await client.images.generate(prompt="x", stream=True)
            assert (await stream.final_image()).to_bytes() == PNG
            stream = await client.images.generate(prompt="x", stream=True)
            assert len([event async for event in stream.partial_images()]) == 2

    running(script)


def test_errors_and_retries(running: Runner, server: Loopback) -> None:
    told: list[api.Retry] = []
    server.answer(Answer(429, headers={"retry-after-ms": "1"}), Answer(), Answer(401, b'{"error": {"message": "No."}}'))

    async def script() -> None:
        async with AsyncClient(KEY, base_url=server.base_url, on_retry=told.append) as client:
            await client.images.generate(prompt="x")
            with pytest.raises(api.AuthenticationError, match="No"):
                await client.images.generate(prompt="x")
        with pytest.raises(api.APIConnectionError, match="closed"):
            await client.images.generate(prompt="x")

    running(script)
    assert [one.reason for one in told] == ["busy"]


def test_raw_and_streamed_answers(running: Runner, server: Loopback) -> None:
    server.json(GOOD, x_request_id="r")

    async def script() -> None:
        async with AsyncClient(KEY, base_url=server.base_url) as client:
            raw = await client.images.with_raw_response.generate(prompt="x")
            assert (raw.status_code, raw.request_id, raw.json()) == (200, "r", GOOD)
            assert await raw.parse().data[0].to_bytes() == PNG
            async with client.images.with_streaming_response.generate(prompt="x") as response:
                assert response.headers["x-request-id"] == "r"
                assert json.loads(b"".join([chunk async for chunk in response.iter_bytes()])) == GOOD
            async with client.images.with_streaming_response.generate(prompt="x") as response:
                assert json.loads("".join([line async for line in response.iter_lines()])) == GOOD
            async with client.images.with_streaming_response.generate(prompt="x") as response:
                assert (await response.parse()).created == 1

    running(script)


def test_pictures_of_a_stream_may_be_awaited_like_others(running: Runner, server: Loopback, tmp_path: Path) -> None:
    server.answer(Answer(type="text/event-stream", chunks=[*frames(PARTIAL, DONE)]))

    async def script() -> None:
        async with AsyncClient(KEY, base_url=server.base_url) as client:
            async for event in await client.images.generate(prompt="x", stream=True):
                assert await event.to_bytes() == event.to_bytes() == PNG
                assert await event.save(tmp_path / event.type) == tmp_path / event.type
                assert (await event.data_url()).startswith("data:image/png;base64,")

    running(script)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_key_that_is_awaited(running: Runner, server: Loopback) -> None:
    async def key() -> str:
        return "sk-awaited-key"

    async def script() -> None:
        async with AsyncClient(key, base_url=server.base_url) as client:
            await client.images.generate(prompt="x")
            await client.with_options(api_key=lambda: "sk-other-key").images.generate(prompt="x")

    running(script)
    told = [one.headers["authorization"] for one in server.received]
    assert told == ["Bearer sk-awaited-key", "Bearer sk-other-key"]


def test_raw_streams_of_any_media_type(server: Loopback) -> None:
    """`parse()` does not wait, so what tells a stream from an answer has been read before."""
    for kind, body in (
        ("text/plain", b'data: {"type": "image_generation.completed", "url": "u"}'),
        ("text/plain", b"{}"),
    ):
        server.answer(Answer(type=kind, body=body))

        async def told() -> list[Any]:
            async with AsyncClient(KEY, base_url=server.base_url) as client:
                raw = await client.images.with_raw_response.generate(prompt="x", stream=True)
                return [event async for event in raw.parse()]

        if body == b"{}":
            with pytest.raises(api.APIResponseValidationError, match="single answer"):
                asyncio.run(told())
        else:
            assert [event.url for event in asyncio.run(told())] == ["u"]


def test_a_finished_picture_behind_a_link_is_awaited(server: Loopback, tmp_path: Path) -> None:
    event = {"type": "image_generation.completed", "url": f"{server.origin}/a.png"}
    server.answer(Answer(type="text/event-stream", body=f"data: {json.dumps(event)}\n\n".encode()))

    async def told() -> tuple[bytes, Path, str]:
        async with AsyncClient(KEY, base_url=server.base_url) as client:
            final = await (await client.images.generate(prompt="x", stream=True)).final_image()
            server.answer(Answer(type="image/png", body=PNG))
            return await final.to_bytes(), await final.save(tmp_path / "a"), await final.data_url()

    content, path, text = asyncio.run(told())
    assert (content, path.read_bytes(), path.suffix, text[:15]) == (PNG, PNG, ".png", "data:image/png;")
