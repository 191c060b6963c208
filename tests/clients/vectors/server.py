"""A real HTTP server on 127.0.0.1: one port for each case, canned answers, and every request kept byte for byte."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from clients.vectors.marks import NAMED, filled

READ_LIMIT = 1 << 20  # bytes of a header section
PATIENCE = 20.0  # seconds to wait for the rest of a request


@dataclass(frozen=True)
class Arrived:
    """One request as it came. `body` is without the framing of a chunked body; `odd` says what is wrong with it as
    HTTP, "" for nothing."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    odd: str = ""


@dataclass
class Port:
    """Where a case is served: what it answers in order (the last one again and again), and what came."""

    answers: Sequence[Mapping[str, Any]]
    listens: bool
    listener: socket.socket
    arrived: list[Arrived] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"


@contextmanager
def serving(cases: Mapping[str, tuple[Sequence[Mapping[str, Any]], bool]]) -> Iterator[dict[str, Port]]:
    """Ports by id of their case, given as (answers, whether anybody listens)."""
    ports = {name: Port(answers, listens, _listener(listens)) for name, (answers, listens) in cases.items()}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(loop, list(ports.values())), daemon=True)
    thread.start()
    try:
        yield ports
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        for port in ports.values():
            port.listener.close()


def _listener(listens: bool) -> socket.socket:
    """A socket that is bound; one that does not listen refuses whoever calls."""
    made = socket.socket(proto=socket.IPPROTO_TCP)  # told so, asyncio switches off the waiting for full packets
    made.bind(("127.0.0.1", 0))
    if listens:
        made.listen(64)
        made.setblocking(False)
    return made


def _serve(loop: asyncio.AbstractEventLoop, ports: Sequence[Port]) -> None:
    asyncio.set_event_loop(loop)
    for port in ports:
        if port.listens:
            loop.run_until_complete(_start(port))
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


async def _start(port: Port) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.TimeoutError, asyncio.CancelledError):
            while await _exchange(port, reader, writer):
                pass
        with suppress(OSError):
            writer.close()

    await asyncio.start_server(talk, sock=port.listener, limit=READ_LIMIT)


async def _exchange(port: Port, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection may bring another request."""
    head = await reader.readuntil(b"\r\n\r\n")  # idle connections wait here as long as they like
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    told = dict(headers)
    if told.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body, odd = await asyncio.wait_for(_body(reader, headers), PATIENCE)
    port.arrived.append(Arrived(method, target, headers, body, odd))
    answer = port.answers[min(len(port.arrived), len(port.answers)) - 1]
    return await _send(writer, answer, port.origin)


async def _body(reader: asyncio.StreamReader, headers: Sequence[tuple[str, str]]) -> tuple[bytes, str]:
    told = dict(headers)
    lengths = [value for name, value in headers if name == "content-length"]
    if "transfer-encoding" not in told:
        return await reader.readexactly(int(lengths[0]) if lengths else 0), "" if len(lengths) < 2 else "two lengths"
    odd = "both a length and chunks" if lengths else ""
    pieces = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        odd = odd or ("a chunk without its end" if await reader.readexactly(2) != b"\r\n" else "")
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return b"".join(pieces), odd


async def _send(writer: asyncio.StreamWriter, answer: Mapping[str, Any], origin: str) -> bool:
    await asyncio.sleep(answer.get("wait", 0))
    end = answer.get("end", "whole")
    if end == "hang-up":
        return False
    body = body_of(answer, origin)
    pieces = _pieces(body, answer["pieces"]) if "pieces" in answer else None
    status = answer.get("status", 200)
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Odd"
    headers = {"content-type": type_of(answer), **filled(answer.get("headers", {}), origin)}
    framing = ("content-length", str(len(body) + (10 if end == "short" else 0)))
    if pieces is not None:
        framing = ("transfer-encoding", "chunked")
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *(f"{name}: {value}" for name, value in [*headers.items(), framing] if value),
    ]
    head = "\r\n".join([*lines, "", ""]).encode()
    writer.write(head if pieces is not None else head + body)
    for number, piece in enumerate(pieces or []):
        if number:
            await writer.drain()
            await asyncio.sleep(answer.get("pause", 0.002))
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    if pieces is not None and end == "whole":
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    if end == "stall":
        await asyncio.sleep(PATIENCE)
    return bool(end == "whole")


def _pieces(body: bytes, sizes: int | Sequence[int]) -> list[bytes]:
    """The body cut into pieces of one size, or of these sizes and the rest."""
    if isinstance(sizes, int):
        return [body[at : at + sizes] for at in range(0, len(body), sizes)]
    cuts = [0, *(sum(sizes[: number + 1]) for number in range(len(sizes))), len(body)]
    return [piece for piece in (body[one:other] for one, other in itertools.pairwise(cuts)) if piece]


def type_of(answer: Mapping[str, Any]) -> str:
    """The media type that an answer says, "" for none."""
    kinds = {"json": "application/json", "events": "text/event-stream", "picture": "image/png", "text": "text/html"}
    return str(answer.get("type", next((kind for name, kind in kinds.items() if name in answer), "application/json")))


def body_of(answer: Mapping[str, Any], origin: str) -> bytes:
    """The body of an answer, whole."""
    if "json" in answer:
        return (
            b"\xef\xbb\xbf" * ("mark" in answer)
            + json.dumps(filled(answer["json"], origin), ensure_ascii=False, separators=(",", ":")).encode()
        )
    if "events" in answer:
        return b"".join(_frame(event, origin) for event in answer["events"])
    if "picture" in answer:
        return NAMED[answer["picture"]]
    return str(filled(answer.get("text", ""), origin)).encode()


def _frame(event: Any, origin: str) -> bytes:
    """A frame: text is sent as it is; `{send, event?, newline?, lines?}` is an event, whose `event` line says its type
    unless it is told another or null; `lines` spreads the JSON over several data lines."""
    if isinstance(event, str):
        return event.encode()
    data = filled(event["send"], origin)
    name = event.get("event", data.get("type"))
    text = json.dumps(data, ensure_ascii=False, indent=1 if event.get("lines") else None)
    lines = [*([f"event: {name}"] if name else []), *(f"data: {line}" for line in text.split("\n")), "", ""]
    return str(event.get("newline", "\n")).join(lines).encode()
