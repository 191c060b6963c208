"""Go, for the tests of the emitted client: programs that are built once, and what the tools say of a module."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

from clients.sample_runs import program

from imageproof.contract.locate import CHECKOUT

HERE = Path(__file__).with_name("golang")
EMITTED = CHECKOUT / "generated" / "go"


def go(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the go command in a folder. Skips where there is none."""
    return _ran([program("go"), *words], folder)


def gofmt(folder: Path) -> str:
    """The files of a folder that gofmt would change."""
    beside = Path(program("go")).resolve().with_name("gofmt")
    done = _ran([str(beside) if beside.exists() else program("gofmt"), "-l", "."], folder)
    return done.stdout + done.stderr


@functools.cache
def built(name: str) -> Path:
    """One of the programs here, built."""
    target = Path(_folder().name) / name
    done = go(HERE, "build", "-o", str(target), f"./{name}")
    assert done.returncode == 0, done.stderr
    return target


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="imageproof-go-")


def _ran(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GOFLAGS": "-mod=mod -trimpath"}  # so that a folder of a test's own is cached too
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        environment.pop(name, None)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
