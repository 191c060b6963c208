"""`--record`: what arrived and what was answered is on the disk, byte for byte, and no key is."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest
from click.testing import CliRunner
from unit.reference.raw_http import IMAGE, MASK, call, file, form, pieces, png, unchunked

from imageproof.cli.serve import serve
from imageproof.contract.redact import Redactor
from imageproof.errors import UsageError
from imageproof_conformance import transcript
from imageproof_conformance.exchange import Exchange
from imageproof_reference.config import Config
from imageproof_reference.serving import running

KEY = "sk-recorded-key"
SHOWN = {"Authorization": f"Bearer {KEY}"}
HEAD = f"Authorization: Bearer {KEY}\r\nX-Odd:  two  blanks \r\nx-odd: again\r\n"
DRAW = {"model": "gpt-image-1", "prompt": "a fox", "quality": "low"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def recorder(out: Path) -> Iterator[str]:
    """Base URL of a provider that records into `out`."""
    with running(Config(key=KEY, pause_seconds=0.02, record=out)) as url:
        yield url


def read(out: Path) -> list[Exchange]:
    """The exchanges of the only recording there, as the suite reads them."""
    (folder,) = out.iterdir()
    return list(transcript.read(folder))


BOUNDARY = "'()+_,-./:=? odd"
EDIT = form(
    BOUNDARY,
    ('name="prompt"', "Schnee ❄\r\n--" + BOUNDARY[:-1]),
    ('name="model"', "gpt-image-1"),
    (file("image[]", "otter ü%22.png", "application/octet-stream"), IMAGE),
    (file("image[]", "b", "image/png") + "\r\nX-More: 1", IMAGE),
    (file("mask", "m.png", "image/png"), MASK),
)
FORM = f'{HEAD}Content-Type: multipart/form-data; boundary="{BOUNDARY}"\r\n'


@pytest.mark.parametrize("size", [0, 7, 400], ids=["whole", "in chunks of 7", "in chunks of 400"])
def test_what_a_socket_sent_is_what_is_read(size: int, recorder: str, out: Path) -> None:
    target = "/v1/images/edits?a=%C3%BC&b"
    answer = call(recorder, f"POST {target} HTTP/1.1", FORM, *(pieces(EDIT, size) if size else [EDIT]))
    (found,) = read(out)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert found.sent_body == found.probe.request.raw == EDIT
    assert found.probe.id == f"000001 POST {target} HTTP/1.1"
    assert (found.probe.operation, found.probe.source, found.failure) == ("createImageEdit", "recorded", "")
    assert (found.url, found.probe.request.key) == (recorder.removesuffix("/v1") + target, "yes")
    assert found.sent_headers == (
        ("host", urlsplit(recorder).netloc),
        ("connection", "close"),
        ("authorization", "Bearer ********"),
        ("x-odd", "two  blanks"),
        ("x-odd", "again"),
        ("content-type", f'multipart/form-data; boundary="{BOUNDARY}"'),
        ("transfer-encoding", "chunked") if size else ("content-length", str(len(EDIT))),
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (found.status, found.body) == (200, body)
    assert {f"{name}: {value}" for name, value in found.headers} <= set(head.decode().split("\r\n"))


def test_a_stream_has_the_times_of_its_chunks(recorder: str, out: Path) -> None:
    body = json.dumps({**DRAW, "stream": True, "partial_images": 2}).encode()
    answer = call(recorder, "POST /v1/images/generations HTTP/1.1", HEAD, body)
    (found,) = read(out)
    assert [chunk.data for chunk in found.chunks] == [*unchunked(answer.partition(b"\r\n\r\n")[2])][:-1]
    times = [0.0, *(chunk.at for chunk in found.chunks), found.seconds]
    assert times == sorted(times) and len(found.chunks) == 3
    assert times[2] - times[1] >= 0.02 and times[3] - times[2] >= 0.02  # the pause between two events
    assert found.media_type == "text/event-stream"


def test_what_is_refused_or_has_no_body_is_there_too(recorder: str, out: Path) -> None:
    with httpx.Client(base_url=recorder, headers=SHOWN) as client:
        made = client.post("images/generations", json={"model": "dall-e-2", "prompt": "x", "size": "256x256"})
        client.get(made.json()["data"][0]["url"], headers={"Authorization": ""})
        client.get("models/dall-e-2")
        client.options("images/edits")
        client.head("models")
        client.get("nowhere")
        client.post("images/generations", content=b"{", headers={"Authorization": "Bearer wrong"})
    found = read(out)
    assert [(one.probe.operation, one.status) for one in found] == [
        ("createImage", 200),
        ("", 200),
        ("retrieveModel", 200),
        ("", 204),
        ("", 200),
        ("", 404),
        ("createImage", 401),
    ]
    assert found[1].body.startswith(b"\x89PNG")
    assert [one.probe.request.key for one in found] == ["yes", "bad", *["yes"] * 4, "bad"]
    assert (found[6].sent_body, found[2].probe.request.raw) == (b"{", None)
    assert [one.failure for one in found] == [""] * 7


def test_a_body_that_the_server_does_not_read_to_its_end_is_said(out: Path) -> None:
    with running(Config(key=KEY, record=out, max_body=10_000, max_json=10_000)) as url:
        address = str(urlsplit(url).hostname), int(urlsplit(url).port or 0)
        with socket.create_connection(address, timeout=60) as raw:
            raw.sendall(
                f"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: 999999\r\n\r\n".encode()
            )
            raw.sendall(b" " * 200_000)
            assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")
    (found,) = read(out)
    assert (found.status, found.failure) == (413, "the body was not read to its end")
    assert 10_000 < len(found.sent_body) <= 200_000


def on_disk(folder: Path) -> bytes:
    """All that a folder holds, unpacked."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files)


# Where callers show a key: (query, headers, body). Each says it a second time, where nothing tells that it is one.
OTHER = "other-5ecret-0815"
TOLD = {**DRAW, "user": f"it is {OTHER}"}
SHOWN_IN: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "another bearer": ("", {"Authorization": f"Bearer {OTHER}"}, {"json": TOLD}),
    "no scheme": ("", {"Authorization": OTHER}, {"json": TOLD}),
    "a header": ("", {"X-Api-Key": OTHER}, {"json": TOLD}),
    "the query": (f"?api_key={OTHER}&a=b", {}, {"json": TOLD}),
    "the query, escaped": (f"?a=b&key={OTHER.replace('-', '%2D')}", {}, {"json": TOLD}),
    "a member": ("", {}, {"json": {**TOLD, "extra": {"api_key": OTHER}}}),
    "a header in a member": ("", {}, {"json": {**TOLD, "headers": {"Authorization": f"Bearer {OTHER}"}}}),
    "a member of a large body": ("", {}, {"json": {"token": OTHER, "pad": "x" * 600_000, "prompt": OTHER}}),
    "a member, and a large answer": (
        "",
        {},
        {"json": {"api_key": OTHER, **DRAW, "n": 10, "user": OTHER + " x" * 50_000}},
    ),
    "a part": ("", {}, {"data": {"api_key": OTHER, **TOLD}, "files": {"image": png()}}),
    "a field": ("", {}, {"data": {"api_key": OTHER, **TOLD}}),
    "its own key": ("", {"X-Key": KEY}, {"json": {**DRAW, "prompt": KEY * 300}}),
    "its own key as base64": ("", {}, {"json": {**DRAW, "prompt": base64.b64encode(KEY.encode()).decode()}}),
    "its own key in a file": ("", {}, {"data": TOLD | {"user": KEY}, "files": {"image": KEY.encode() * 50_000}}),
}


@pytest.mark.parametrize(("query", "headers", "body"), SHOWN_IN.values(), ids=SHOWN_IN)
@pytest.mark.parametrize("path", ["generations", "edits"])
def test_no_key_reaches_the_disk(
    path: str, query: str, headers: dict[str, str], body: dict[str, Any], recorder: str, out: Path
) -> None:
    answer = httpx.post(f"{recorder}/images/{path}{query}", headers=SHOWN | headers, **body)
    (found,) = read(out)
    disk = on_disk(out).lower()
    for secret in (KEY, OTHER):
        for form_of in (secret, secret.replace("-", "%2d"), base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form_of.lower().encode() not in disk
    assert len(found.sent_body) == int(found_header(found, "content-length"))
    assert found.body == Redactor(KEY, OTHER).clean(answer.content)  # which repeats what `user` says


def test_a_run_of_the_suite_is_recorded_the_same_on_both_sides(recorder: str, out: Path, tmp_path: Path) -> None:
    command = ["conform", recorder, "--model", "gpt-image-1", "--max-images", "4", "--out", str(tmp_path / "runs")]
    environment = {**os.environ, "IMAGEPROOF_API_KEY": KEY}
    subprocess.run([sys.executable, "-m", "imageproof", *command], env=environment, stdout=subprocess.PIPE, timeout=120)

    def told(exchanges: list[Exchange]) -> list[tuple[str, str, bytes, int | None, bytes]]:
        seen = [(one.probe.request.method, one.url, one.sent_body, one.status, one.body) for one in exchanges]
        return sorted(seen, key=repr)

    sent = read(tmp_path / "runs")
    assert len(sent) > 100 and told(read(out)) == told(sent)


def found_header(found: Exchange, name: str) -> str:
    return next(value for one, value in found.sent_headers if one == name)


def test_a_short_key_is_masked_in_its_place(recorder: str, out: Path) -> None:
    httpx.post(f"{recorder}/images/generations?secret=zy1", json={"token": "zx2"}, headers={"X-Auth-Token": "zw3"})
    (found,) = read(out)
    assert (found.probe.request.path, found.sent_body) == ("/v1/images/generations?secret=***", b'{"token":"***"}')
    assert not any(word in on_disk(out) for word in (b"zy1", b"zx2", b"zw3"))


def test_cookies_are_masked(recorder: str, out: Path) -> None:
    httpx.get(f"{recorder}/models", headers={**SHOWN, "Cookie": "session=5ecret"})
    assert found_header(read(out)[0], "cookie") == "********" and b"5ecret" not in on_disk(out)


def test_words_that_some_show_as_a_key_damage_no_evidence(recorder: str, out: Path) -> None:
    """Clients of servers without a key send such a word as `null`."""
    body = b'{"model": "gpt-image-1", "prompt": "null", "user": null}'
    httpx.post(f"{recorder}/images/generations", content=body, headers={"Authorization": "Bearer null"})
    assert read(out)[0].sent_body == body


def test_parallel_calls_do_not_mix(recorder: str, out: Path) -> None:
    def draw(number: int) -> tuple[str, bytes]:
        body = {**DRAW, "prompt": f"picture {number}", "user": "x" * number * 500, "stream": number % 2 == 0}
        answer = httpx.post(f"{recorder}/images/generations", json=body, headers=SHOWN, timeout=60)
        return answer.headers["x-request-id"], answer.content

    with ThreadPoolExecutor(8) as pool:
        answers = dict(pool.map(draw, range(24)))
    found = read(out)
    assert {one.header("x-request-id"): one.body for one in found} == answers
    assert sorted(one.probe.id[:6] for one in found) == [f"{number:06}" for number in range(1, 25)]
    for one in found:
        asked = json.loads(one.sent_body)
        assert len(asked["user"]) == 500 * int(asked["prompt"].split()[1])
        assert (one.media_type == "text/event-stream") == asked["stream"]


def test_a_caller_who_leaves_is_said(recorder: str, out: Path) -> None:
    body = {**DRAW, "stream": True, "partial_images": 3, "n": 4, "size": "1536x1024"}
    with httpx.stream("POST", f"{recorder}/images/generations", json=body, headers=SHOWN) as answer:
        first = next(answer.iter_raw())
    until = time.monotonic() + 20
    while not (found := read(out)) and time.monotonic() < until:
        time.sleep(0.01)
    assert (found[0].status, found[0].failure) == (200, "the connection ended before the answer was whole")
    assert found[0].body.startswith(first)


def test_nothing_that_was_taken_away_stops_an_answer(
    recorder: str, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(out)
    assert httpx.get(f"{recorder}/models", headers=SHOWN).status_code == 200
    assert httpx.post(f"{recorder}/images/generations", json=DRAW, headers=SHOWN).status_code == 200
    said = [record.getMessage() for record in caplog.records]
    assert [one.partition(str(out))[0] for one in said] == [
        f"request {number} is answered but not recorded in " for number in (1, 2)
    ]
    assert said[0].endswith(": No such file or directory")


START = "from imageproof.cli import main; main()"


def started(out: Path, most: int = 0) -> subprocess.Popen[str]:
    """`imageproof serve --record`, which may write files of so many bytes (0: of any length)."""
    program = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n" * bool(most) + START
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--key", KEY, "--record", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def base_url(process: subprocess.Popen[str], out: Path) -> str:
    assert process.stdout is not None
    line, _, recorded = (process.stdout.readline() for _ in range(3))
    (folder,) = out.iterdir()
    assert recorded == f"records all that arrives in {folder}; keys are masked\n"
    return line.split()[2]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_what_was_answered_is_there_when_the_server_is_gone(end: signal.Signals, out: Path) -> None:
    with started(out) as process:
        url = base_url(process, out)
        ids = []
        for number in range(5):
            body = {**DRAW, "prompt": f"picture {number}"}
            ids.append(httpx.post(f"{url}/images/generations", json=body, headers=SHOWN).headers["x-request-id"])
        process.send_signal(end)
        assert process.communicate(timeout=20)[1] == ""
    assert [one.header("x-request-id") for one in read(out)] == ids
    (folder,) = out.iterdir()
    about = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    assert (about["format"], about["url"], about["server"]["name"]) == (1, url, "imageproof")


def test_a_full_disk_costs_the_recording_and_no_answer(out: Path) -> None:
    """Files may not grow beyond 100 kB here, which the system refuses as it refuses any byte on a full disk."""
    large = {**DRAW, "user": base64.b64encode(random.Random(1).randbytes(200_000)).decode()}
    larger = {**DRAW, "user": base64.b64encode(random.Random(1).randbytes(450_000)).decode()}
    with started(out, 100_000) as process:
        url = base_url(process, out)
        answers = [
            httpx.post(f"{url}/images/generations", json=body, headers=SHOWN).status_code
            for body in (DRAW, large, larger, DRAW)
        ]
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1].splitlines()
    assert answers == [200] * 4
    assert [line.partition(" in ")[0] for line in said] == [
        f"request {number} is answered but not recorded" for number in (2, 3)
    ]
    assert all(line.endswith(": File too large") for line in said)
    assert [one.probe.id[:6] for one in read(out)] == ["000001", "000004"]
    (folder,) = out.iterdir()
    assert [path.name for path in (folder / "bodies").iterdir() if path.name.startswith(".")] == []


def test_a_line_that_does_not_fit_leaves_no_part_of_it(out: Path) -> None:
    with started(out, 70_000) as process:
        url = base_url(process, out)
        for _ in range(60):
            assert httpx.get(f"{url}/models/dall-e-2", headers=SHOWN).status_code == 200
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1].splitlines()
    assert len(read(out)) + len(said) == 60 and said
    (folder,) = out.iterdir()
    assert (folder / "transcript.jsonl").read_bytes().endswith(b"}\n")


def test_where_nothing_can_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(serve, ["--port", "0", "--record", str(tmp_path / "file")])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == (
        f"--record {tmp_path / 'file'}: nothing can be recorded there: Not a directory; name another folder"
    )


def test_a_disk_that_is_full_at_the_start_is_said(tmp_path: Path) -> None:
    with started(tmp_path, 1000) as process:
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 2
    assert (
        said.endswith("nothing can be recorded there: File too large; name another folder\n") and "\n" not in said[:-1]
    )
    assert list(tmp_path.iterdir()) == []
