"""Real clients against the reference provider, over a loopback socket: what they get, and what they put on the wire.

`programs/clients.yaml` is the table. What was sent is read from what `--record` wrote.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from clients.go_tools import built
from clients.loopback import Received
from clients.sample_runs import modules, program
from PIL import Image

from imageproof.contract.locate import CHECKOUT
from imageproof_conformance import transcript
from imageproof_conformance.exchange import Exchange
from imageproof_reference.config import Config
from imageproof_reference.serving import running

PROGRAMS = Path(__file__).with_name("programs")
TABLE: dict[str, dict[str, Any]] = yaml.safe_load((PROGRAMS / "clients.yaml").read_text(encoding="utf-8"))["clients"]
OPERATIONS = {"generate": "createImage", "edit": "createImageEdit"}
KEY = "sk-of-real-clients"
CAPTION = re.compile(rb"<rdf:li [^>]*>(.*?)</rdf:li>")  # the prompt that a picture tells of itself, where it does
FILES = {
    'otter ü".png': ("RGB", (1, 2, 3)),
    "otter.png": ("RGB", (110, 75, 50)),
    "hat.png": ("RGB", (20, 30, 200)),
    "mask.png": ("RGBA", (0, 0, 0, 0)),
}


@dataclass(frozen=True)
class Run:
    """One row of the table, whose head says what the fields mean. Without pictures it is the refusal."""

    client: str
    number: int
    call: str
    given: Mapping[str, Any]
    sends: Sequence[Any]
    pictures: Sequence[Sequence[Any]] = ()
    events: Sequence[str] = field(default_factory=list)
    form: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.client}, {self.kind} {self.number}"

    @property
    def kind(self) -> str:
        return "error" if not self.pictures else "stream" if self.events else self.call


RUNS = [
    Run(client, number, **row) for client, about in TABLE.items() for number, row in enumerate(about["runs"], start=1)
]


@dataclass(frozen=True)
class Provider:
    """`url` is where clients go; `recording` is where all of it is written down."""

    url: str
    recording: Path

    def exchanges(self) -> list[Exchange]:
        return list(transcript.read(self.recording))


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    out = tmp_path / "recordings"
    with running(Config(key=KEY, pause_seconds=0.001, record=out)) as url:
        yield Provider(url, next(out.iterdir()))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A working folder with the pictures that clients send."""
    folder = tmp_path / "room"
    folder.mkdir()
    for name, (mode, color) in FILES.items():
        Image.new(mode, (64, 64), color).save(folder / name)
    return folder


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_client(run: Run, provider: Provider, room: Path) -> None:
    told = _tell(run, provider, room)
    asked = [one for one in provider.exchanges() if one.probe.request.method == "POST"]
    assert [_ordered(_sent(one, run, room), run) for one in asked] == [_ordered(one, run) for one in run.sends]
    for one in asked:
        _judge_heads(one, run)
    if not run.pictures:
        (refused,) = asked
        assert told == {"error": _error(refused, run)}
        return
    assert told.get("events") or run.events == []
    assert [_seen(room / name) for name in told["pictures"]] == run.pictures
    for name in told["pictures"]:
        assert set(CAPTION.findall((room / name).read_bytes())) == {run.given["prompt"].encode()}


def _tell(run: Run, provider: Provider, room: Path) -> dict[str, Any]:
    """What the program of a run tells. Skips by the name of what it needs and is not there."""
    about = TABLE[run.client]
    interpreter, file, *words = about["program"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(room), "BASE_URL": provider.url, "KEY": KEY}
    environment["GENERATED"] = str(CHECKOUT / "generated")
    if interpreter == "node":
        start = [program("node"), str(room / file)]
        (room / file).write_bytes((PROGRAMS / file).read_bytes())  # packages are looked for beside the file
        (room / "node_modules").symlink_to(modules(*about["packages"]))
    elif interpreter == "go":
        start = [str(built(file))]
    else:
        start = [sys.executable, str(PROGRAMS / file)]
        environment["PYTHONPATH"] = f"{CHECKOUT / 'generated' / 'python'}{os.pathsep}{CHECKOUT / 'tests'}"
    command = [*start, *words, run.call, json.dumps(run.given)]
    done = subprocess.run(command, cwd=room, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _sent(exchange: Exchange, run: Run, room: Path) -> Any:
    """The body as the table writes it: JSON, or each part. Files are what was given, in their order."""
    head = dict(exchange.sent_headers)
    if head["content-type"] == "application/json":
        return json.loads(exchange.sent_body)
    parts = Received("POST", exchange.url, head, exchange.sent_body).parts
    images = run.given["image"]
    given = [*(images if isinstance(images, list) else [images]), *([run.given["mask"]] if "mask" in run.given else [])]
    assert [part.data for part in parts if part.filename] == [(room / name).read_bytes() for name in given]
    return [
        [part.name, part.filename, part.type] if part.filename else [part.name, part.data.decode()] for part in parts
    ]


def _ordered(sent: Any, run: Run) -> Any:
    """The parts of a form, in an order that can be compared."""
    return sorted(sent) if isinstance(sent, list) and TABLE[run.client].get("order") == "any" else sent


def _judge_heads(exchange: Exchange, run: Run) -> None:
    """What the client says of itself and of its body; and the prompt, which all of them send as plain UTF-8."""
    about, head = TABLE[run.client], dict(exchange.sent_headers)
    assert head["user-agent"].startswith(about["agent"])
    assert head["accept"] in about["accept"]
    assert head["authorization"] == "Bearer ********"
    assert exchange.probe.operation == OPERATIONS[run.call]
    assert run.given["prompt"].encode() in exchange.sent_body
    assert "x-stainless-retry-count" not in head or head["x-stainless-retry-count"] == "0"
    framing = {name for name in head if name in ("content-length", "transfer-encoding")}
    if head["content-type"] == "application/json":
        assert framing == {"content-length"}
        return
    form = run.form or about["form"]
    assert re.fullmatch(f"multipart/form-data; boundary={form['boundary']}", head["content-type"])
    assert framing == {form["framing"]}


def _error(exchange: Exchange, run: Run) -> dict[str, Any]:
    """The error that the client must make of an answer."""
    body = json.loads(exchange.body)
    error, refused = body["error"], TABLE[run.client]["refused"]
    assert (exchange.status, error["param"]) == (400, "size")
    message = refused["message"].format(message=error["message"], body=body)
    return {
        "type": refused["type"],
        "status": exchange.status,
        "message": message,
        "param": error["param"],
        "code": error["code"],
    }


def _seen(file: Path) -> list[Any]:
    """Format, width and height of a picture that can be decoded whole."""
    with Image.open(file) as picture:
        picture.load()
        return [picture.format, *picture.size]


@pytest.mark.parametrize("client", TABLE)
def test_every_client_does_all_that_it_can(client: str) -> None:
    done = {run.kind for run in RUNS if run.client == client}
    assert done == {"generate", "edit", "stream", "error"} - set(TABLE[client].get("lacks", {}))


def test_every_program_is_run() -> None:
    programs = {path.name for path in PROGRAMS.iterdir() if path.suffix in (".py", ".mjs")}
    run = {about["program"][1] for about in TABLE.values() if about["program"][0] != "go"}
    assert run == programs - {"told.py"}
