"""Which calls are repeated: every row of the policy, for a call that reads and for one that makes something."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import imageproof_client as api
import pytest
from clients.loopback import Answer, Loopback
from imageproof_client import AsyncClient, Client
from imageproof_client._retry import delay_of, reason_of, wait_of

from imageproof.contract.locate import CHECKOUT
from imageproof.emit.targets.common.retries import HOPELESS, POLICY

NOW = {"retry-after-ms": "1"}
QUOTA = b'{"error": {"message": "pay", "type": "insufficient_quota", "code": "insufficient_quota"}}'


@dataclass
class Case:
    """How a row comes about: what the server does with a call, again and again."""

    answer: Answer = field(default_factory=Answer)
    hang_up: bool = False


CASES: dict[str, list[Case]] = {
    "busy": [Case(Answer(429, headers=NOW))],
    "unavailable": [Case(Answer(503, headers=NOW))],
    "hopeless": [Case(Answer(429, QUOTA, headers=NOW))],
    "told": [
        Case(Answer(503, headers={"x-should-retry": "false"})),
        Case(Answer(429, headers={"retry-after": "1000"})),
    ],
    "failed": [Case(Answer(status, headers=NOW)) for status in (408, 500, 502, 504, 529)],
    "broken": [Case(hang_up=True)],
    "other": [Case(Answer(status, headers=NOW)) for status in (400, 401, 403, 404, 409, 422)]
    + [Case(Answer(body=b"<"))],
}


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and closes the connection without a word."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller:
                    received.append(caller.recv(65536))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield "http://{}:{}/v1".format(*listener.getsockname()[:2]), received
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def reading(client: Client) -> object:
    return client.models.retrieve("m")


def making(client: Client) -> object:
    return client.images.generate(prompt="x")


CALLS: dict[str, Callable[[Client], object]] = {"reading": reading, "making": making}


def test_every_row_is_tried() -> None:
    assert {row.id for row in POLICY} == {*CASES, "unsent"}
    assert {row.id: (row.reading, row.making) for row in POLICY} == api.POLICY


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("row", "number"), [(row, number) for row in CASES for number in range(len(CASES[row]))])
def test_a_row(server: Loopback, connections: httpx2.Client, row: str, number: int, call: str) -> None:
    case = CASES[row][number]
    told: list[api.Retry] = []
    repeated = getattr(next(one for one in POLICY if one.id == row), call)
    with hanging_up() as (url, received):
        server.answer(case.answer)
        base_url = url if case.hang_up else server.base_url
        client = Client("k", base_url=base_url, on_retry=told.append, http_client=connections, max_retries=1)
        with pytest.raises(api.APIError) as caught:
            CALLS[call](client)
        count = len(received) if case.hang_up else len(server.received)
    assert count == (2 if repeated else 1)
    assert [one.reason for one in told] == ([row] if repeated else [])
    assert not told or type(told[0].error) is type(caught.value)


@pytest.mark.parametrize("call", CALLS)
def test_what_was_never_sent_is_sent_again(server: Loopback, connections: httpx2.Client, call: str) -> None:
    """Nobody listens, until the callback says that somebody will."""
    told: list[api.Retry] = []
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    client = Client(
        "k", base_url=f"http://127.0.0.1:{port}", on_retry=told.append, http_client=connections, max_retries=1
    )
    with pytest.raises(api.APIConnectionError):
        CALLS[call](client)
    assert [(one.reason, one.attempt) for one in told] == [("unsent", 1)]
    assert 0.37 < told[0].delay <= 0.5


def test_a_silent_server_was_asked_once(server: Loopback, client: Client) -> None:
    gate = threading.Event()
    server.answer(Answer(chunks=[b"{}"], gates=[gate]))
    with pytest.raises(api.APITimeoutError):
        client.images.generate(prompt="x", timeout=0.05)
    gate.set()
    assert len(server.received) == 1


def test_a_body_that_breaks_is_read_again_where_nothing_was_made(server: Loopback, client: Client) -> None:
    whole = Answer(body=b'{"id": "m", "object": "model", "created": 1, "owned_by": "x"}')
    server.answer(Answer(body=b'{"id"', cut=True), whole)
    assert client.models.retrieve("m").id == "m"
    server.answer(Answer(body=b'{"data"', cut=True), Answer())
    with pytest.raises(api.APIConnectionError):
        client.images.generate(prompt="x")


def test_it_goes_on_when_the_server_can(server: Loopback, client: Client) -> None:
    told: list[api.Retry] = []
    server.answer(Answer(429, headers=NOW), Answer(503, headers=NOW), Answer())
    edited = client.with_options(on_retry=told.append).images.edit(image=("a.png", b"x" * 1_000_000), prompt="x")
    assert edited.data[0].to_bytes()
    assert [(one.attempt, one.reason, one.delay) for one in told] == [(1, "busy", 0.001), (2, "unavailable", 0.001)]
    assert len({len(one.parts[1].data) for one in server.received}) == 1  # the file was sent whole each time
    assert len(server.received) == 3


def test_none_is_none(server: Loopback, client: Client) -> None:
    server.answer(Answer(429, headers=NOW))
    with pytest.raises(api.RateLimitError):
        client.with_options(max_retries=0).images.generate(prompt="x")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({}, None),
    ],
)
def test_what_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_of(headers) == seconds


def test_waits_grow_and_vary() -> None:
    error = api.APIConnectionError("x")
    waits = [[delay_of(error, attempt) for _ in range(50)] for attempt in (1, 2, 3, 9, 5000)]
    for found, most in zip(waits, (0.5, 1, 2, 8, 8), strict=True):
        assert most * 0.75 <= min(found) < max(found) <= most


def test_the_readme_has_the_table() -> None:
    text = (CHECKOUT / "generated/python/README.md").read_text(encoding="utf-8")
    shown: dict[bool, str] = {True: "repeated", False: "-"}
    for row in POLICY:
        assert f"| {row.what} | {shown[row.reading]} | {shown[row.making]} |" in text
    codes: Any = HOPELESS
    assert "insufficient_quota" in codes


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT])
def test_where_an_error_of_the_network_came_decides(number: int) -> None:
    """Before a connection nothing was sent; after it, the same error says nothing of what arrived."""
    said = os.strerror(number)
    error = api.APIConnectionError(said)
    assert reason_of(error, httpx2.ConnectError(said)) == "unsent"
    for cause in (httpx2.ReadError(said), httpx2.WriteError(said), httpx2.CloseError(said)):
        assert reason_of(error, cause) == "broken"


def test_a_host_that_cannot_be_reached_is_tried_again() -> None:
    """From the loopback no other net can be reached, which the kernel says at once."""
    told: list[str] = []
    options: Any = {"base_url": "http://192.0.2.1:9", "max_retries": 1, "on_retry": lambda one: told.append(one.reason)}
    transport: Any = {"local_address": "127.0.0.1"}
    http = httpx2.Client(transport=httpx2.HTTPTransport(**transport), trust_env=False)
    with http, Client("k", http_client=http, **options) as client, pytest.raises(api.APIConnectionError):
        client.images.generate(prompt="x")

    async def waiting() -> None:
        http = httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(**transport), trust_env=False)
        async with http, AsyncClient("k", http_client=http, **options) as client:
            with pytest.raises(api.APIConnectionError):
                await client.images.generate(prompt="x")

    asyncio.run(waiting())
    assert told == ["unsent", "unsent"]
