"""`imageproof demo`: the whole of it in half a minute, with nothing to configure and nothing that costs money."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from imageproof.errors import ImageproofError, UsageError

NEEDED = ("starlette", "uvicorn", "python_multipart", "PIL", "httpx2", "pytest", "rich", "schemathesis")
MODEL = "gpt-image-1"
PICTURES = 20  # the cap of each run: what the tier asks for, and room for a server that serves n of 11

# A fault of the reference provider, and what somebody would notice who has it.
FAULTS = {
    "wrong-size": "a gateway that draws another size than was asked for",
    "b64-data-prefix": "a server that puts a data: prefix before its base64",
    "n11-accepted": "a server that does not check n, and bills for it",
}


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for clients and reports. Default: a temporary one.",
)
def demo(keep: Path | None) -> None:
    """Generate clients, start the reference provider, and judge it: clean, then with three faults."""
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise UsageError("imageproof demo needs suite and server: pip install 'imageproof[all]'")
    started = time.monotonic()
    folder = keep or Path(tempfile.mkdtemp(prefix="imageproof-demo-"))
    _step(1, f"generating the clients into {folder / 'clients'}")
    _imageproof("generate", "--quiet", "--out", str(folder / "clients"))
    _step(2, "judging the reference provider, which keeps the contract")
    clean = _judge("", folder)
    found: dict[str, int] = {}
    for number, (fault, story) in enumerate(FAULTS.items(), start=3):
        _step(number, f"the same server with one fault, {fault}: {story}")
        found[fault] = _judge(fault, folder)
    _summary(folder, clean, found, time.monotonic() - started)


def _step(number: int, text: str) -> None:
    click.echo(click.style(f"\n=== {number} of {len(FAULTS) + 2}: {text}", bold=True))
    sys.stdout.flush()


def _judge(fault: str, folder: Path) -> int:
    """One run of the suite against a provider of our own; its exit status."""
    config = importlib.import_module("imageproof_reference.config").Config(fault=fault, pause_seconds=0.0)
    running = importlib.import_module("imageproof_reference.serving").running
    with running(config) as url:
        return _imageproof(
            *("conform", url, "--model", MODEL, "--tier", "core", "--max-images", str(PICTURES)),
            *("--out", str(folder / "runs" / (fault or "clean"))),
            key=config.key,
            may_fail=True,
        )


def _imageproof(*arguments: str, key: str = "", may_fail: bool = False) -> int:
    """A command of ours, as the user would type it; the key travels by environment."""
    environment = {**os.environ, **({"IMAGEPROOF_API_KEY": key} if key else {})}
    status = subprocess.run([sys.executable, "-m", "imageproof", *arguments], env=environment, check=False).returncode
    if status and not may_fail:
        raise ImageproofError(f"`imageproof {arguments[0]}` ended with status {status}; its own message stands above")
    return status


def _summary(folder: Path, clean: int, found: dict[str, int], seconds: float) -> None:
    click.echo(click.style(f"\n=== done in {seconds:.0f} seconds, at no cost", bold=True))
    click.echo(f"  without a fault: {'nothing broken' if clean == 0 else f'exit status {clean}'}")
    for fault, status in found.items():
        click.echo(f"  {fault}: {'caught' if status == 1 else f'NOT caught, exit status {status}'}")
    click.echo(f"Clients: {folder / 'clients'}\nReports: {folder / 'runs'}")
    if clean or set(found.values()) != {1}:
        raise ImageproofError("the demo did not end as it must: the suite or the reference provider is broken here")
    click.echo("The servers above have ended. Now your own; this asks for no picture:")
    click.echo("  IMAGEPROOF_API_KEY=your-key imageproof conform https://your-host/v1")
