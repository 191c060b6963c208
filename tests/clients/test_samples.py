"""The samples of the sources run against the reference provider as they stand, with the tools that they are for.

`samples/samples.yaml` says what comes of each, and which contradiction between the sources makes it fail.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from clients.loopback import Received
from clients.sample_runs import KEY, PAGES, RUNS, SAMPLES, VARIABLES, Run, agent, command
from clients.wiretap import Wiretap, tapped
from PIL import Image, ImageDraw

from imageproof.contract.decisions import decisions
from imageproof.contract.document import load
from imageproof.contract.examples import Example, examples
from imageproof.contract.sources import Source, sources
from imageproof_reference.config import Config
from imageproof_reference.serving import running

CONTRACT = load()
SOURCES = {name: source for name, source in sources().items() if source.lines}
PRODUCTS = {
    "body-lotion": (240, 200, 190),
    "bath-bomb": (150, 190, 230),
    "incense-kit": (90, 60, 40),
    "soap": (250,) * 3,
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files that samples name: an otter on nothing, a mask with a hole where its head is, and four products."""
    otter = Image.new("RGBA", (256, 256))
    pen = ImageDraw.Draw(otter)
    pen.ellipse((58, 90, 198, 250), fill=(110, 75, 50, 255))
    pen.ellipse((78, 20, 178, 120), fill=(130, 95, 70, 255))
    mask = Image.new("RGBA", otter.size, (0, 0, 0, 255))
    ImageDraw.Draw(mask).ellipse((78, 20, 178, 120), fill=(0, 0, 0, 0))
    drawn = {"otter.png": otter, "mask.png": mask}
    for name, color in PRODUCTS.items():
        drawn[f"{name}.png"] = Image.new("RGB", (200, 200), (235, 235, 225))
        ImageDraw.Draw(drawn[f"{name}.png"]).rounded_rectangle((60, 50, 140, 180), 20, fill=color)
    return {name: _png(picture) for name, picture in drawn.items()}


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running(Config(key=KEY)) as url:
        yield url


@pytest.fixture
def tap(provider: str) -> Iterator[Wiretap]:
    with tapped(provider) as wire:
        yield wire


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_sample(run: Run, tap: Wiretap, pictures: Mapping[str, bytes], tmp_path: Path) -> None:
    done = command(run, tap.origin, tmp_path)
    for name, data in pictures.items():
        (tmp_path / name).write_bytes(data)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **VARIABLES, **done.variables}
    said = subprocess.run(
        done.words,
        input=done.stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment,
        timeout=60,
    ).stdout
    if run.fails:
        assert run.fails in said and not tap.exchanges
        return
    assert len(tap.exchanges) == 1, said
    received = tap.exchanges[0].received
    assert received.headers["user-agent"].startswith(agent(run))
    assert (received.verb, received.path) == ("POST", f"/v1{CONTRACT.operations()[run.operation].path}")
    if not run.mend:
        assert _sent(received, pictures) == _example(run, received)
    status, body = tap.exchanges[0].answered
    assert status == (400 if run.refused else 200), body
    (_judge_refusal if run.refused else _judge_pictures)(run, json.loads(body), said)


def _sent(received: Received, pictures: Mapping[str, bytes]) -> dict[str, Any]:
    """The body that came, as the sources write it: a text each part, `<bytes of NAME>` a file."""
    if received.headers["content-type"].startswith("application/json"):
        return dict(received.json)
    names = {data: f"<bytes of {name}>" for name, data in pictures.items()}
    sent: dict[str, Any] = {}
    for part in received.parts:
        value = part.data.decode() if part.filename is None else names[part.data]
        sent[part.name] = [*sent.get(part.name, []), value] if part.name.endswith("[]") else value
    return sent


def _example(run: Run, received: Received) -> dict[str, Any]:
    """The body that `spec/sources` has at the line of a run; for a form, with every value as text."""
    value: dict[str, Any] = _told(SOURCES[run.source], run.operation)[run.line]
    if received.headers["content-type"].startswith("application/json"):
        return value
    return {
        name: one if isinstance(one, str) or name.endswith("[]") else json.dumps(one) for name, one in value.items()
    }


def _told(source: Source, operation: str) -> dict[int, Any]:
    """Line -> example of a request or an answer of an operation of a source."""
    node = source.document.operations()[operation].node
    holders = [node["requestBody"], *node["responses"].values()]
    media = [one for holder in holders for one in holder.get("content", {}).values()]
    return {example["x-line"]: example["value"] for one in media for example in one.get("examples", {}).values()}


def _judge_refusal(run: Run, body: Mapping[str, Any], said: str) -> None:
    assert run.refused is not None and run.because
    assert (body["error"]["param"], body["error"]["message"]) == (run.refused.param, run.refused.message)
    assert (run.refused.says or run.refused.message) in said


def _judge_pictures(run: Run, body: Mapping[str, Any], said: str) -> None:
    """The pictures are there, and all that the page shows in its answer, but for what a contradiction accounts for."""
    ((carrier, count),) = run.served.items()
    assert [carrier in item for item in body["data"]] == [True] * count
    for item in body["data"]:
        if carrier == "url":
            assert item["url"].startswith("http://127.0.0.1:")
            with urllib.request.urlopen(item["url"], timeout=60) as hosted:
                data = hosted.read()
        else:
            data = base64.b64decode(item["b64_json"])
        picture = Image.open(io.BytesIO(data))
        assert (picture.format, *picture.size) == ("PNG", 1024, 1024)
    assert "Uncaught" not in said and "Traceback" not in said
    if run.sample.endswith(".python") and "print(" in run.text(""):
        assert said.strip() == body["data"][0]["url"]
    assert run.answer or not run.because
    if run.answer:
        shown = _told(SOURCES[run.source], run.operation)[run.answer]
        fits = _members(shown) <= _members(body) and len(shown["data"]) == len(body["data"])
        assert fits != bool(run.because)


def _members(answer: Mapping[str, Any]) -> set[str]:
    return {*answer, *(f"data[].{name}" for item in answer["data"] for name in item)}


def _requests(source: Source) -> list[Example]:
    return [one for one in examples(CONTRACT, source) if one.place == "request"]


def test_every_sample_runs_as_it_stands() -> None:
    """Each example of a request in the sources has a run without anything mended, and each file one."""
    there = {(name, one.line) for name, source in SOURCES.items() for one in _requests(source)}
    assert {(run.source, run.line) for run in RUNS if not run.mend} == there
    files = {(path.parent.name, path.name) for path in SAMPLES.glob("*/*")}
    assert {(run.source, run.sample) for run in RUNS} == files


def test_contradictions_are_decided_of_their_source() -> None:
    said = {(one.source, row.id) for row in decisions().rows.values() for one in row.says}
    settled = {id: row.id for row in decisions().rows.values() for id in row.settles}
    of_runs = {(run.source, id) for run in RUNS for id in run.because}
    of_pages = {(source, id) for source, page in PAGES.items() for id in page.get("against", {}).values()}
    assert {(source, id) for source, id in of_runs | of_pages if (source, settled[id]) not in said} == set()


@pytest.mark.parametrize("name", SOURCES)
def test_samples_against_their_own_page(name: str) -> None:
    found = {one.line for one in _requests(SOURCES[name]) if one.own}
    assert found == set(PAGES.get(name, {}).get("against", {}))
