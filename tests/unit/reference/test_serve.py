"""`imageproof serve` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from click.testing import CliRunner

from imageproof.cli.serve import EXTRA, serve
from imageproof.contract.document import parse
from imageproof.contract.locate import spec_file
from imageproof.errors import UsageError
from imageproof_reference.app import create_app
from imageproof_reference.config import Config
from imageproof_reference.faults import faults
from imageproof_reference.serving import running

START = "from imageproof.cli.serve import serve; serve()"


def started(*options: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", START, "--port", "0", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **(env or {})})


def first_lines(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    return process.stdout.readline(), process.stdout.readline()


def ended(process: subprocess.Popen[str]) -> str:
    """Interrupt a server as Ctrl-C does; answers with what it said on the way out."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return out + err


def test_it_prints_url_and_key_serves_and_ends_quietly() -> None:
    process = started()
    line, paste = first_lines(process)
    found = re.fullmatch(r"imageproof serves (http://127\.0\.0\.1:\d+/v1) with key (\S{20,}); Ctrl-C ends it\n", line)
    assert found, line
    url, key = found.groups()
    assert paste == f"IMAGEPROOF_API_KEY={key} imageproof conform {url}\n"
    assert httpx.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert httpx.get(f"{url}/models").status_code == 401
    assert ended(process) == ""


def test_a_key_that_is_given_is_used_and_not_shown() -> None:
    for options, env in ((("--key", "sk-mine-1"), {}), (("--key-env", "MY_KEY"), {"MY_KEY": "sk-mine-1"})):
        process = started(*options, "--fault", "usage-sum", env=env)
        line, paste = first_lines(process)
        url = line.split()[2]
        assert "usage-sum" in line
        assert httpx.get(f"{url}/models", headers={"Authorization": "Bearer sk-mine-1"}).status_code == 200
        assert "sk-mine-1" not in line + paste + ended(process)


@pytest.mark.parametrize(("host", "told"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_who_can_reach_it_is_said(host: str, told: bool) -> None:
    process = started("--host", host, "--key", "k")
    first_lines(process)
    assert ("note: on 0.0.0.0 it is reachable from other machines" in ended(process)) is told


def test_an_interrupt_at_once_is_quiet_too() -> None:
    early = (
        "import os, signal, uvicorn; uvicorn.Config.get_loop_factory = lambda self: os.kill(os.getpid(), signal.SIGINT)"
    )
    command = [sys.executable, "-c", f"{early}; {START}", "--port", "0", "--key", "sk-mine-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "imageproof serves" in done.stdout


def test_an_interrupt_in_the_middle_of_a_stream_is_quiet_too() -> None:
    process = started("--key", "sk-mine-1")
    url = first_lines(process)[0].split()[2]
    body = {"model": "gpt-image-2", "prompt": "x", "size": "3840x2160", "n": 10, "stream": True, "partial_images": 3}
    key = {"Authorization": "Bearer sk-mine-1"}
    with httpx.stream("POST", f"{url}/images/generations", json=body, headers=key, timeout=60) as answer:
        chunks = answer.iter_raw()
        next(chunks)
        process.send_signal(signal.SIGINT)
        with pytest.raises(httpx.RemoteProtocolError):
            list(chunks)
    assert ended(process) == ""


def test_a_port_that_is_taken_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(serve, ["--port", str(taken.getsockname()[1])])
    assert isinstance(result.exception, UsageError) and "--port 0 takes a free port" in str(result.exception)


def test_another_contract_is_served(tmp_path: Path) -> None:
    spec = tmp_path / "other.yaml"
    text = spec_file("openapi.yaml").read_text(encoding="utf-8")
    assert "enum: [1024x1024, 256x256, 512x512]" in text
    spec.write_text(text.replace("enum: [1024x1024, 256x256, 512x512]", "enum: [1024x1024, 128x128]"), encoding="utf-8")
    process = started("--spec", str(spec), "--key", "k")
    url = first_lines(process)[0].split()[2]
    answers = [
        httpx.post(
            f"{url}/images/generations",
            json={"model": "dall-e-2", "prompt": "a fox", "size": size},
            headers={"Authorization": "Bearer k"},
        ).status_code
        for size in ("128x128", "256x256")
    ]
    ended(process)
    assert answers == [200, 400]


def test_faults_are_listed() -> None:
    result = CliRunner().invoke(serve, ["--list-faults"])
    assert [line.split()[0] for line in result.output.splitlines()] == list(faults())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "none-such"], "no fault 'none-such'; --list-faults names all"),
        (["--fault", "usage-sum", "--fault", "wrong-size"], "give one of usage-sum, wrong-size"),
        (["--key", "a b"], "printable"),
        (["--key", ""], "printable"),
        (["--key", "a", "--key-env", "B"], "give one"),
        (["--key-env", "NO_SUCH_VARIABLE"], "not set"),
        (["--fault", "url-expires-at-once", "--url-seconds", "60"], "--url-seconds and sets it itself"),
        (["--key", "abc", "--record", "no-such-folder"], "at least 4 characters"),
        (["--host", "192.0.2.1"], "cannot listen on"),
        (["--host", ""], "every address"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(options: list[str], said: str) -> None:
    result = CliRunner().invoke(serve, options)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception) and "\n" not in str(result.exception)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(serve, [])
    assert isinstance(result.exception, UsageError) and str(result.exception) == EXTRA
    assert "pip install 'imageproof[serve]'" in EXTRA


BARE = """
openapi: 3.1.0
info: {title: bare, version: "1"}
paths:
  /images/generations:
    post:
      operationId: OPERATION
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {"200": {description: ok}}
"""


def test_a_document_without_servers_and_families_serves_no_model() -> None:
    with running(Config(document=parse(BARE.replace("OPERATION", "createImage"), "bare.yaml"), key="k")) as url:
        key = {"Authorization": "Bearer k"}
        for body in ({"prompt": "x"}, {"prompt": "x", "model": "gpt-image-1"}):
            answer = httpx.post(f"{url}/images/generations", json=body, headers=key)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


SERVERS = {
    "servers: []": "",
    "servers: [{description: nameless}]": "",
    'servers: [{url: ""}]': "",
    "servers: [{url: v1}]": "/v1",
    'servers: [{url: "https://h/{v}/", variables: {v: {default: v2}}}]': "/v2",
    'servers: [{url: "{base}/v1", variables: {base: {default: "https://h/api"}}}]': "/api/v1",
    'servers: [{url: "{base}/v1"}]': "/v1",
}


@pytest.mark.parametrize(("servers", "base"), SERVERS.items())
def test_paths_lie_below_the_server_of_the_document(servers: str, base: str) -> None:
    text = spec_file("openapi.yaml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^servers:\n(?: .*\n)+", f"{servers}\n", text)
    with running(Config(document=parse(text, "own.yaml"), key="k")) as url:
        assert url.partition("//")[2].partition("/")[2] == base[1:]
        answer = httpx.post(
            f"{url}/images/generations",
            json={"model": "dall-e-2", "prompt": "x"},
            headers={"Authorization": "Bearer k"},
        )
        assert httpx.get(answer.json()["data"][0]["url"]).status_code == 200
        assert httpx.get(f"{url}/models").status_code == 401


def test_a_server_that_cannot_be_read_is_said_in_one_line() -> None:
    text = BARE.replace("OPERATION", "createImage") + 'servers: [{url: "http://[bad/"}]\n'
    with pytest.raises(UsageError, match=r"^bare\.yaml: the URL of its server "):
        create_app(Config(document=parse(text, "bare.yaml"), key="k"))


def test_a_document_of_another_api_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^bare\.yaml: none "):
        create_app(Config(document=parse(BARE, "bare.yaml"), key="k"))
