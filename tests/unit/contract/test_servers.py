"""Documents that real servers publish, read from them over HTTP. `.ci/run` installs the servers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result

from imageproof.cli import main

PYTHON = os.environ.get("IMAGEPROOF_SERVERS_PYTHON", "")
SERVERS = {"litellm": "litellm.proxy.proxy_server:app", "image-api-openai": "image_api_openai.app:app"}
SECONDS = 90


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Name of a running server, URL of its document, and a file of it: some take seconds to answer."""
    if not PYTHON or not Path(PYTHON).exists():
        pytest.skip("needs servers: IMAGEPROOF_SERVERS_PYTHON names a Python with .ci/servers/requirements.txt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = str(request.param)
    command = [PYTHON, "-m", "uvicorn", SERVERS[name], "--port", str(port), "--lifespan", "off", "--log-level", "error"]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=log.parent)
    try:
        url = f"http://127.0.0.1:{port}/openapi.json"
        saved = log.parent / "openapi.json"
        saved.write_bytes(_fetched(process, url, log))
        yield name, url, str(saved)
    finally:
        process.terminate()
        process.wait(10)


def _fetched(process: subprocess.Popen[bytes], url: str, log: Path) -> bytes:
    """What a server answers once it is up."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=SECONDS) as response:
                return bytes(response.read())
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the server did not come up: {log.read_text(errors='replace')[-2000:]}")


def _diff(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["spec", "diff", *arguments])


def test_what_a_server_publishes(server: tuple[str, str, str]) -> None:
    """Its operations are found under /v1; the error envelope of its framework breaks clients, and is named."""
    name, url, _ = server
    told = _diff(url, "--format", "json")
    assert told.exit_code == 1, told.output
    report = json.loads(told.stdout)
    keys = {f"{one['operation']} {one['place']} {one['aspect']}": one for one in report["differences"]}
    assert report["read"].startswith("read under /v1")
    assert keys["createImage 422 json:error member"]["kind"] == "breaking"
    assert "ERR-ENVELOPE" in keys["createImage 422 json:error member"]["requirements"]
    assert keys["createImageVariation operation offered"]["kind"] == "narrower"
    own = {"litellm": "createImage security value", "image-api-openai": "createImage json:negative_prompt member"}
    assert keys[own[name]]["kind"] == {"litellm": "breaking", "image-api-openai": "extension"}[name]


def test_the_same_as_text_and_markdown(server: tuple[str, str, str]) -> None:
    text, markdown = _diff(server[2]), _diff(server[2], "--format", "markdown")
    assert text.exit_code == markdown.exit_code == 1
    assert "breaking" in text.stdout and "## Breaking" in markdown.stdout


def test_another_prefix(server: tuple[str, str, str]) -> None:
    name, _, saved = server
    told = _diff(saved, "--prefix", "/openai/deployments/{model}", "--format", "json")
    assert told.exit_code == (1 if name == "litellm" else 2)
