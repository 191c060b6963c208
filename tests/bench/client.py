"""What the emitted Python client costs, as ratios to its HTTP library alone and beside the official SDK.

    python tests/bench/client.py            # CPU of import, of a small call, of a 4 MB picture; peak memory
    python tests/bench/client.py --install  # also the size of each, installed with what it needs (asks a registry)
    python tests/bench/client.py --choices  # also the libraries that were weighed for JSON and base64

The rounds of all contenders are interleaved, so that a busy machine slows all of them: imports and peak memory are
processes of their own, calls take turns in one. CPU is user and system time; the median is shown, divided by that of
`bare`: the HTTP library, json.loads and base64.b64decode, and nothing else.
"""

from __future__ import annotations

import argparse
import base64
import compileall
import importlib
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "generated" / "python"
ROUNDS, CALLS, PICTURES = 7, 50, 4
PICTURE = b"\x89PNG\r\n\x1a\n" + os.urandom(4_000_000)
SMALL = json.dumps({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}], "usage": {"total_tokens": 3}}).encode()
# what is measured -> the most that the client may cost of what `bare` does
LIMITS = {"import": 1.5, "small call": 1.2, "4 MB picture": 0.65, "peak memory": 1.0}


def bare_import() -> None:
    import httpx2  # noqa: F401  # importing is what is measured


def ours_import() -> None:
    import imageproof_client  # noqa: F401


def openai_import() -> None:
    import openai  # noqa: F401


def bare(url: str) -> Callable[[], bytes]:
    import httpx2

    http = httpx2.Client(timeout=600, headers={"Authorization": "Bearer sk-bench"})

    def call() -> bytes:
        answer = http.post(f"{url}/images/generations", json={"prompt": "x"})
        return base64.b64decode(json.loads(answer.content)["data"][0]["b64_json"])

    return call


def ours(url: str) -> Callable[[], bytes]:
    import imageproof_client

    client = imageproof_client.Client("sk-bench", base_url=url)
    return lambda: client.images.generate(prompt="x").data[0].to_bytes()


def official(url: str) -> Callable[[], bytes]:
    import openai

    client = openai.OpenAI(api_key="sk-bench", base_url=url)

    def call() -> bytes:
        found = client.images.generate(prompt="x").data
        return base64.b64decode((found or [])[0].b64_json or "")

    return call


IMPORTS: dict[str, Callable[[], None]] = {"bare": bare_import, "ours": ours_import, "openai": openai_import}
CONTENDERS: dict[str, Callable[[str], Callable[[], bytes]]] = {"bare": bare, "ours": ours, "openai": official}


def child(name: str, what: str, url: str) -> None:
    """The figures of one process, printed: seconds of CPU or bytes by contender; `name` is one of them, or all."""
    if what == "import":
        start = time.process_time()
        IMPORTS[name]()
        print(json.dumps({name: time.process_time() - start}))
    elif what == "peak memory":
        call = CONTENDERS[name](url)
        for _ in range(PICTURES):
            call()
        print(json.dumps({name: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
    else:
        print(json.dumps(taken_in_turns(url, CALLS if what == "small call" else PICTURES)))


def taken_in_turns(url: str, count: int) -> dict[str, float]:
    """Seconds of CPU of a call, the median of rounds in which all contenders take turns."""
    calls = {name: made(url) for name, made in CONTENDERS.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS * 3):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(count):
                call()
            found[name].append((time.process_time() - start) / count)
    return {name: statistics.median(told) for name, told in found.items()}


def figures(name: str, what: str, url: str, package: Path) -> dict[str, float]:
    """The figures of one process."""
    environment = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, __file__, "--child", name, what, url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def serve(body: bytes) -> str:
    """The base URL of a server that answers every call with one body."""
    listener = socket.create_server(("127.0.0.1", 0))
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    def talk(caller: socket.socket) -> None:
        with caller:
            while True:
                request = b""
                while b"\r\n\r\n" not in request:
                    piece = caller.recv(65536)
                    if not piece:
                        return
                    request += piece
                head, _, rest = request.partition(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line
                )
                while len(rest) < length:
                    rest += caller.recv(65536)
                caller.sendall(answer)

    def accept() -> None:
        while True:
            threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def measured(package: Path) -> dict[str, dict[str, float]]:
    """what -> contender -> median over the rounds. `package` is where the client is, compiled as pip leaves it."""
    large = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(PICTURE).decode()}]}).encode()
    urls = {"import": "", "small call": serve(SMALL)}
    urls["4 MB picture"] = urls["peak memory"] = serve(large)
    found: dict[str, dict[str, list[float]]] = {what: {name: [] for name in CONTENDERS} for what in LIMITS}
    for what, url in urls.items():
        turns = ["all"] if what in ("small call", "4 MB picture") else [*CONTENDERS] * ROUNDS
        for turn in turns:
            for name, value in figures(turn, what, url, package).items():
                found[what][name].append(value)
    return {what: {name: statistics.median(told) for name, told in row.items()} for what, row in found.items()}


def installed(*wanted: str) -> float:
    """Megabytes of packages with what they need, without compiled caches."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", folder, *wanted]
        subprocess.run(command, check=True)
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6


def choices() -> None:
    """The libraries that were weighed, each alone on one body with a 4 MB picture: seconds of CPU, the best of 15."""
    import binascii

    text = base64.b64encode(PICTURE)
    body = b'{"created": 1, "data": [{"b64_json": "' + text + b'"}]}'
    span = memoryview(body)[38 : 38 + len(text)]
    tried: dict[str, Callable[[], Any]] = {
        "json.loads": lambda: json.loads(body),
        "find the text's end, and escapes in it": lambda: (body.find(b'"', 38), body.find(b"\\", 38, 38 + len(text))),
        "binascii.a2b_base64": lambda: binascii.a2b_base64(span),
    }
    for module, name, argument, told in (
        ("orjson", "loads", body, {}),
        ("msgspec.json", "decode", body, {}),
        ("pybase64", "b64decode", span, {"validate": True}),
    ):
        try:
            tried[f"{module}.{name}"] = partial(getattr(importlib.import_module(module), name), argument, **told)
        except ImportError:
            print(f"{module} is not installed")
    for name, call in tried.items():
        best = min(_timed(call) for _ in range(15))
        print(f"{name:40} {best * 1e3:7.2f} ms")


def _timed(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> int:
    """Prints the ratios; 1 where the client costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="also measure installed sizes")
    parser.add_argument("--choices", action="store_true", help="also measure the libraries that were weighed")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.child:
        child(*told.child)
        return 0
    over = False
    print(f"{'':14}{'bare':>12}{'ours':>8}{'most':>8}{'openai':>8}")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, folder, dirs_exist_ok=True)
        compileall.compile_dir(folder, quiet=2)
        rows = measured(Path(folder))
    for what, row in rows.items():
        unit, scale = ("MB", 1e-6) if what == "peak memory" else ("ms", 1e3)
        ratios = {name: value / row["bare"] for name, value in row.items()}
        over = over or ratios["ours"] > LIMITS[what]
        shown = f"{row['bare'] * scale:.2f} {unit}"
        print(f"{what:14}{shown:>12}{ratios['ours']:>8.2f}{LIMITS[what]:>8.2f}{ratios['openai']:>8.2f}")
    if told.install:
        mine, theirs = installed(str(PACKAGE)), installed("openai")
        over = over or mine >= 4
        print(f"installed, with dependencies: ours {mine:.1f} MB (most 4), openai {theirs:.1f} MB")
    if told.choices:
        choices()
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
