"""Streams: typed, incremental, and never silent about an end that came too soon."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Iterable
from typing import Any

import imageproof_client as api
import pytest
from clients.loopback import Answer, Loopback, frames
from clients.pictures import PNG
from hypothesis import given, settings
from hypothesis import strategies as st
from imageproof_client import Client
from imageproof_client._stream import EventReader

ENCODED = base64.b64encode(PNG).decode()
PARTIAL: dict[str, Any] = {"type": "image_generation.partial_image", "b64_json": ENCODED, "partial_image_index": 0}
DONE: dict[str, Any] = {"type": "image_generation.completed", "b64_json": ENCODED, "usage": {"total_tokens": 3}}


def stream(server: Loopback, *chunks: bytes, **told: Any) -> None:
    server.answer(Answer(type="text/event-stream; charset=utf-8", chunks=list(chunks), **told))


def test_events_arrive_as_they_are_sent(client: Client, server: Loopback) -> None:
    gate = threading.Event()
    opened = threading.Event()
    opened.set()
    stream(server, *frames(PARTIAL, DONE), gates=[opened, gate])
    with client.images.generate(prompt="x", stream=True, partial_images=1) as events:
        first = next(events)  # the server holds the second back until the first is here
        assert isinstance(first, api.ImageGenerationPartialImageEvent)
        assert (first.partial_image_index, first.to_bytes()) == (0, PNG)
        gate.set()
        last = next(events)
        assert isinstance(last, api.ImageGenerationCompletedEvent)
        assert last.usage.total_tokens == 3
        assert list(events) == []
    assert server.received[0].json == {"prompt": "x", "stream": True, "partial_images": 1}


def test_edits_stream_too(client: Client, server: Loopback) -> None:
    stream(server, *frames({"type": "image_edit.completed", "b64_json": ENCODED}))
    with client.images.edit(image=PNG, prompt="x", stream=True) as events:
        assert [event.type for event in events] == ["image_edit.completed"]
    assert {part.name: part.data for part in server.received[0].parts}["stream"] == b"true"


def test_request_id(client: Client, server: Loopback) -> None:
    stream(server, *frames(DONE), headers={"x-request-id": "req_3"})
    with client.images.generate(prompt="x", stream=True) as events:
        assert events.request_id == "req_3"


@pytest.mark.parametrize(
    "text",
    [
        "data: {done}\n\n",
        ": hello\n\nretry: 5\nevent: image_generation.completed\ndata: {done}\n\n",
        "event: image_generation.completed\r\ndata: {done}\r\n\r\ndata: [DONE]\r\n\r\n",
        "data: {done}\r\rdata: [DONE]\r\r",
        "\ufeffdata:{done}\n\n",
        "data: {done}",
        'event: image_generation.completed\ndata: {{"b64_json":\ndata: "{encoded}"}}\n\n',
    ],
)
def test_framings(client: Client, server: Loopback, text: str) -> None:
    stream(server, text.format(done=json.dumps(DONE), encoded=ENCODED).encode())
    with client.images.generate(prompt="x", stream=True) as events:
        found = list(events)
    assert [type(event) for event in found] == [api.ImageGenerationCompletedEvent]
    assert found[0].to_bytes() == PNG


def events_of(chunks: Iterable[bytes]) -> list[tuple[str, bytes]]:
    reader = EventReader()
    return [*(event for chunk in chunks for event in reader.feed(chunk)), *reader.end()]


TEXT = "\ufeffevent: a\r\ndata: é\u2028x\r\n\r\n: c\rdata: 1\rdata: 2\r\rid: 7\ndata:3\n\ndata:[DONE] \n\ndata: 4\n"
WIRE = TEXT.encode()


def test_any_cut_of_the_bytes_gives_the_same_events() -> None:
    whole = events_of([WIRE])
    assert whole == [("a", "é\u2028x".encode()), ("", b"1\n2"), ("", b"3")]
    for size in range(1, len(WIRE)):
        assert events_of(WIRE[at : at + size] for at in range(0, len(WIRE), size)) == whole


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"data: x", b"data:", b":", b"event: e", b"\xc3", b"\xa9", b""])),
    st.data(),
)
def test_any_two_cuts_of_any_bytes_agree(pieces: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(pieces)
    cuts = sorted({0, len(wire), *data.draw(st.lists(st.integers(0, len(wire)), max_size=6))})
    assert events_of(wire[start:end] for start, end in itertools.pairwise(cuts)) == events_of([wire])


def test_an_event_of_fifty_megabytes(client: Client, server: Loopback) -> None:
    text = "A" * 50_000_000
    stream(
        server,
        b'data: {"type": "image_generation.completed", "b64_json": "',
        *[text[:5_000_000].encode()] * 10,
        b'"}\n\n',
    )
    with client.images.generate(prompt="x", stream=True) as events:
        assert len(events.final_image().to_bytes()) == 37_500_000


def test_a_stream_shows_how_far_it_is(client: Client, server: Loopback) -> None:
    server.answer(Answer(type="text/event-stream", chunks=[*frames(PARTIAL, DONE)], headers={"x-request-id": "r"}))
    events = client.images.generate(prompt="x", stream=True)
    assert repr(events) == "Stream(open, status=200, events=0, request_id='r')"
    next(events)
    events.close()
    assert repr(events) == "Stream(closed, status=200, events=1, request_id='r')"


def test_a_stream_that_was_closed_says_so(client: Client, server: Loopback) -> None:
    stream(server, *frames(PARTIAL, DONE))
    events = client.images.generate(prompt="x", stream=True)
    events.close()
    with pytest.raises(api.APIConnectionError, match="the stream is closed"):
        next(events)
    with client.images.generate(prompt="x", stream=True) as events:
        next(events)
    with pytest.raises(api.APIConnectionError, match="the stream is closed"):
        next(events)


def test_a_stream_that_was_closed_halfway_goes_no_further(client: Client, server: Loopback) -> None:
    """Not even with what had arrived."""
    server.answer(Answer(type="text/event-stream", body=b"".join(frames(PARTIAL, DONE))))
    events = client.images.generate(prompt="x", stream=True)
    next(events)
    events.close()
    with pytest.raises(api.APIConnectionError, match="the stream is closed"):
        next(events)


def test_stream_helpers(client: Client, server: Loopback) -> None:
    other = {**DONE, "usage": {"total_tokens": 4}}
    stream(server, *frames(PARTIAL, PARTIAL, DONE, other))
    final: Any = client.images.generate(prompt="x", stream=True).final_image()
    assert (final.usage.total_tokens, final.to_bytes()) == (4, PNG)
    assert len(client.images.generate(prompt="x", stream=True).final_images()) == 2
    with client.images.generate(prompt="x", stream=True) as events:
        assert [event.type for event in events.partial_images()] == [PARTIAL["type"]] * 2


def test_unknown_events_are_kept(client: Client, server: Loopback) -> None:
    stream(server, *frames({"type": "image_generation.queued", "position": 4}, DONE))
    with client.images.generate(prompt="x", stream=True) as events:
        first: Any = next(events)
    assert (first.type, first.position) == ("image_generation.queued", 4)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "message": "boom", "code": "c"},
        {"error": {"message": "boom", "code": "c"}},
        {"type": "image_generation.failed", "error": {"message": "boom", "code": "c"}},
    ],
)
def test_errors_in_a_stream(client: Client, server: Loopback, event: dict[str, Any]) -> None:
    stream(server, *frames(PARTIAL, event))
    with client.images.generate(prompt="x", stream=True) as events:
        next(events)
        with pytest.raises(api.APIError, match="boom") as caught:
            next(events)
    assert caught.value.code == "c"


def test_an_end_without_the_picture(client: Client, server: Loopback) -> None:
    stream(server, *frames(PARTIAL))
    with (
        client.images.generate(prompt="x", stream=True) as events,
        pytest.raises(api.APIResponseValidationError, match="ended before"),
    ):
        list(events)


def test_a_stream_that_breaks(client: Client, server: Loopback) -> None:
    stream(server, *frames(PARTIAL), cut=True)
    with client.images.generate(prompt="x", stream=True) as events, pytest.raises(api.APIConnectionError):
        list(events)


def test_an_event_that_is_not_json(client: Client, server: Loopback) -> None:
    stream(server, b"data: {oops\n\n")
    with (
        client.images.generate(prompt="x", stream=True) as events,
        pytest.raises(api.APIResponseValidationError, match="not JSON"),
    ):
        list(events)


def test_a_single_answer_instead_of_a_stream_is_not_lost(client: Client, server: Loopback) -> None:
    server.json({"created": 1, "data": [{"b64_json": ENCODED}]})
    with pytest.raises(api.APIResponseValidationError, match="single answer") as caught:
        client.images.generate(prompt="x", stream=True)
    assert caught.value.body["data"][0]["b64_json"] == ENCODED


def test_a_refused_stream(client: Client, server: Loopback) -> None:
    server.json({"error": {"message": "no stream", "code": "unsupported"}}, 400)
    with pytest.raises(api.BadRequestError) as caught:
        client.images.generate(prompt="x", stream=True)
    assert caught.value.code == "unsupported"


def test_a_finished_picture_is_kept_whoever_read_it(client: Client, server: Loopback) -> None:
    stream(server, *frames(PARTIAL, DONE))
    with client.images.generate(prompt="x", stream=True) as events:
        assert len(list(events.partial_images())) == 1
        assert events.final_image().to_bytes() == PNG
    assert events.final_image() is events.finished[0]


def test_pictures_that_came_before_a_stream_broke_are_not_lost(client: Client, server: Loopback) -> None:
    stream(server, *frames(DONE, PARTIAL), cut=True)
    events = client.images.generate(prompt="x", n=2, stream=True)
    with pytest.raises(api.APIConnectionError, match="broke"):
        events.final_images()
    assert [event.to_bytes() for event in events.finished] == [PNG]
