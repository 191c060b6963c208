"""How long the suite takes on the reference provider: `python tests/bench/conform.py`.

Seconds from typing a command to its first line, of whole runs of each tier, and of judging the full run again; CPU of
the suite beside them, which other work on the machine changes less. Exit status 1 where a run is not clean, or takes
longer than its bar.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.server import KEY, Server, serving

# Seconds on two idle cores.
BARS = {"first line": 0.4, "free": 5.0, "core": 5.0, "standard": 10.0, "full": 30.0, "recheck of full": 3.0}
COMMAND = [sys.executable, "-m", "imageproof"]


@dataclass(frozen=True)
class Taken:
    """A command: seconds, CPU seconds of it and of the provider, and what it said of pictures."""

    name: str
    seconds: float
    own: float
    provider: float = 0.0
    said: str = ""


def timed(name: str, arguments: Sequence[str], folder: str, server: Server | None = None) -> Taken:
    """A command to its end. RuntimeError where it does not end with status 0."""
    before, theirs, began = _children(), server.cpu_seconds() if server else 0.0, time.monotonic()
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, env=_environment(), capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"{name}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    pictures = re.search(r"\d+ requests?, \d+ pictures? spent of \d+ planned", done.stdout)
    provider = server.cpu_seconds() - theirs if server else 0.0
    return Taken(name, seconds, _children() - before, provider, pictures[0] if pictures else "")


def first_line(folder: str, rounds: int = 5) -> Taken:
    """The fastest of some starts, to the first line that the command writes."""
    found = []
    for _ in range(rounds):
        before, began = _children(), time.monotonic()
        with subprocess.Popen([*COMMAND, "--version"], cwd=folder, env=_environment(), stdout=subprocess.PIPE) as child:
            if not (child.stdout and child.stdout.readline()):
                raise RuntimeError("the command says nothing")
            seconds = time.monotonic() - began
        found.append(Taken("first line", seconds, _children() - before))
    return min(found, key=lambda one: one.seconds)


def measured(models: Sequence[str]) -> Iterator[Taken]:
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        yield first_line(folder)
        for model in models:
            for tier in ("free", "core", "standard", "full"):
                out = f"{model}-{tier}"
                told = ["conform", server.url, "--model", model, "--tier", tier, "--out", out]
                yield timed(tier, told, folder, server)
            (run,) = (Path(folder) / out).iterdir()
            yield timed("recheck of full", ["recheck", str(run), "--out", "again"], folder)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment() -> dict[str, str]:
    return {**os.environ, "IMAGEPROOF_API_KEY": KEY}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="repeatable; default: gpt-image-1")
    late = []
    print(f"{'':16} {'seconds':>8} {'bar':>6} {'own CPU':>8} {'provider':>9}")
    for one in measured(parser.parse_args().model or ["gpt-image-1"]):
        print(f"{one.name:16} {one.seconds:8.2f} {BARS[one.name]:6} {one.own:8.2f} {one.provider:9.2f}  {one.said}")
        late += [one.name] if one.seconds > BARS[one.name] else []
    print(f"over the bar: {', '.join(late)}" if late else "all within their bars")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
