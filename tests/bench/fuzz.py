"""Malformed requests over raw sockets: `python tests/bench/fuzz.py --count 20000`.

Three quarters go to the plain server, the others to one with each dialect, a fault and a renderer. Exit status 1 where
one was answered with 5xx, hung or broke off, where the server logged anything, or where it does not work any more.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.load import CALLS, Asking
from bench.malformed import Case, cases
from bench.server import Server, serving

WORKERS = 48
PATIENCE = 1.5  # seconds without an answer, after which a request is taken for one that has no end, and ended
SECONDS = 60  # for one answer
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
SHOWN = 5


@dataclass
class Found:
    """Answers by status ("none" where the connection was closed without one), and what must not be."""

    statuses: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def add(self, case: Case, answer: bytes, seconds: float) -> None:
        self.slowest = max(self.slowest, seconds)
        found = [status.decode() for status in STATUS.findall(answer)]
        if not found and answer:
            self.bad.append(f"{case.kind}: {case.data[:300]!r} was answered {answer[:200]!r}")
        for status in found or ["none"]:
            self.statuses[
                f"{status} no HTTP" if answer.endswith(b"\r\n\r\nInvalid HTTP request received.") else status
            ] += 1
            if status.startswith("5"):
                self.bad.append(f"{case.kind}: {case.data[:400]!r} was answered {answer[-200:]!r}")


async def exchange(host: str, port: int, data: bytes) -> bytes:
    """All that comes back on a connection that carries these bytes, and no more."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data)
        begun = await _begun(reader)
        if not begun and not reader.at_eof():
            writer.write_eof()
        return begun + await reader.read(-1)
    except (ConnectionResetError, BrokenPipeError):
        return b""
    finally:
        writer.close()


async def _begun(reader: asyncio.StreamReader) -> bytes:
    """The first bytes of an answer, none where there is none in time."""
    try:
        return await asyncio.wait_for(reader.read(65536), PATIENCE)
    except TimeoutError:
        return b""


async def fuzz(url: str, sent: Iterable[Case]) -> Found:
    """What came of these cases."""
    host, port = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
    found, waiting = Found(), iter(sent)

    async def work() -> None:
        for case in waiting:
            began = time.monotonic()
            try:
                answer = await asyncio.wait_for(exchange(host, port, case.data), SECONDS)
            except TimeoutError:
                found.bad.append(f"{case.kind}: {case.data[:300]!r} was not answered within {SECONDS} seconds")
            else:
                found.add(case, answer, time.monotonic() - began)

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return found


async def works(server: Server) -> None:
    """Raises what tests/bench/load.py raises where a good call of any operation is not answered right."""
    async with httpx.AsyncClient(base_url=server.url, headers=server.headers, timeout=SECONDS) as client:
        for number, call in enumerate(CALLS):
            await call(Asking(client, f"good {number}", random.Random(number)))


def tried(options: Sequence[str], seed: int, count: int, environment: dict[str, str] | None = None) -> list[str]:
    """Send so many cases to a server with these options; answers with what must not be, and prints the rest."""
    with serving(options, environment) as server:
        base = urlsplit(server.url).path.encode()
        sent = (Case(one.kind, one.data.replace(b" /v1/", b" %b/" % base, 1)) for one in cases(seed, count))
        found = asyncio.run(fuzz(server.url, sent))
        counts = ", ".join(f"{name} {number}" for name, number in sorted(found.statuses.items()))
        print(
            f"{' '.join(options) or 'plain':30} {counts}; slowest {found.slowest:.1f} s, {server.peak:.0f} MiB",
            flush=True,
        )
        if not options:
            try:
                asyncio.run(works(server))
            except Exception as error:
                found.bad.append(f"a good call afterwards: {error!r}")
        else:
            httpx.get(server.url, headers=server.headers, timeout=SECONDS)
        if logged := server.log.read_text():
            found.bad.append(f"log: {logged[-2000:]}")
    return found.bad


def configurations() -> list[Sequence[str]]:
    """The options of all servers beside the plain one."""
    from imageproof_reference.dialects import dialects

    spoken = [("--dialect", name) for name in dialects()]
    return [*spoken, ("--fault", "error-string"), ("--renderer", "bench.renderer:render")]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="the plain server alone")
    asked = parser.parse_args()
    others = [] if asked.plain else configurations()
    each = asked.count // 4 // len(others) if others else 0
    bad = tried((), asked.seed, asked.count - each * len(others))
    for number, options in enumerate(others, 1):
        bad += tried(options, asked.seed + number, each, {"PYTHONPATH": str(Path(__file__).parents[1])})
    for one in bad[: SHOWN * 4]:
        print(one[:1500])
    print(f"{len(bad)} must not be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
