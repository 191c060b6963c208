"""The suite against two servers that nobody here wrote, both from npm, on loopback.

`@copilotkit/aimock` answers what a fixture says, whatever the request asks for. `aimock` answers every generation with
bare links to an outside host. IMAGEPROOF_NODE_BIN names the folder of their binaries where it is not node_modules/.bin.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from imageproof_conformance.exchange import Tier
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.run import Run, run

START_SECONDS = 30.0

# What `llmock` breaks as gpt-image-1: it serves whatever has a prompt, ignores the key, n, size, format and stream, and
# sends no usage. Its picture here is a 256 x 256 PNG with a see-through middle.
LLMOCK_FAILS = """
    AUTH-NO-KEY AUTH-BAD-KEY
    GEN-PROMPT-LENGTH GEN-N-RANGE GEN-SIZE-VALUES GEN-QUALITY-VALUES GEN-BACKGROUND-VALUES GEN-FORMAT-VALUES
    GEN-COMPRESSION-RANGE GEN-PARTIAL-RANGE
    EDIT-PROMPT-LENGTH EDIT-N-RANGE EDIT-SIZE-VALUES EDIT-QUALITY-VALUES EDIT-BACKGROUND-VALUES EDIT-FORMAT-VALUES
    EDIT-COMPRESSION-RANGE EDIT-PARTIAL-RANGE EDIT-IMAGE-REQUIRED EDIT-IMAGE-COUNT EDIT-IMAGE-FILE EDIT-MASK-FILE
    GEN-COUNT GEN-FORMAT-BYTES GEN-SIZE-PIXELS GEN-OPAQUE-ALPHA GEN-USAGE-PRESENT GEN-STREAM-TYPE
    GEN-SAFETY-ECHO GEN-SAFETY-USER
    EDIT-SIZE-PIXELS EDIT-FORMAT-BYTES EDIT-OPAQUE-ALPHA EDIT-USAGE-PRESENT EDIT-STREAM-TYPE EDIT-SAFETY-ECHO
"""
LLMOCK_WARNS = """
    GEN-TYPES GEN-MODEL-UNKNOWN GEN-MODERATION-VALUES GEN-TRANSPARENT-FORMAT
    EDIT-TYPES EDIT-FIDELITY-VALUES EDIT-TRANSPARENT-FORMAT
    ERR-FOUR-KEYS ERR-NAMES-PARAM AUTH-BEFORE-BODY MODELS-LIST HTTP-CORS GEN-ECHO-PRESENT EDIT-ECHO-PRESENT
"""
# What `aimock` breaks: it looks at the prompt and n alone, answers with bare links, and with HTML when it fails.
AIMOCK_FAILS = """
    AUTH-NO-KEY AUTH-BAD-KEY ERR-ENVELOPE ERR-CONTENT-TYPE
    GEN-PROMPT-LENGTH GEN-N-RANGE GEN-SIZE-VALUES GEN-QUALITY-VALUES GEN-BACKGROUND-VALUES GEN-FORMAT-VALUES
    GEN-COMPRESSION-RANGE GEN-PARTIAL-RANGE
    GEN-ONE-CARRIER GEN-USAGE-PRESENT GEN-STREAM-TYPE GEN-SAFETY-ECHO GEN-SAFETY-USER
"""
AIMOCK_WARNS = """
    GEN-TYPES GEN-MODEL-UNKNOWN GEN-MODERATION-VALUES GEN-TRANSPARENT-FORMAT
    ERR-NO-TRACE ERR-NO-ROUTE AUTH-BEFORE-BODY HTTP-REQUEST-ID HTTP-CORS GEN-ECHO-PRESENT
"""


def binaries() -> list[Path]:
    named = os.environ.get("IMAGEPROOF_NODE_BIN")
    here = [parent / "node_modules" / ".bin" for parent in Path(__file__).resolve().parents]
    return [*([Path(named)] if named else []), *here]


def tool(name: str, *places: str) -> list[str]:
    """The command of an npm tool, looked for under the names that it may have beside each folder of binaries."""
    for folder in binaries():
        for place in places:
            path = folder / place
            if path.is_file():
                return ["node", str(path.resolve())]
    found = shutil.which(name) if len(places) > 1 else None
    if found is None or shutil.which("node") is None:
        pytest.skip(f"{name} (npm) is not installed")
    return [found]


@contextmanager
def served(command: list[str], cwd: Path, port: int, **environ: str) -> Iterator[str]:
    """A server as a process of its own while the block runs; gives its base URL."""
    with (cwd / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            until = time.monotonic() + START_SECONDS
            while not listens(port):
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail(f"{command} did not start: {(cwd / 'server.log').read_text()[:500]}")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def judged(url: str, tier: Tier = "core") -> Run:
    choice = ModelChoice("gpt-image-1")
    # A cap far above the plan: these servers serve what they must refuse, and every rule is to be heard.
    return run(Profile(url, key="sk-imageproof-test", models=(choice,), tier=tier, max_images=200, workers=8))


def rules(found: Run, status: str) -> set[str]:
    return {one.rule for one in found.verdict.rules if one.status == status}


def fixture(path: Path) -> Path:
    image = Image.new("RGBA", (256, 256), (200, 60, 40, 255))
    image.paste((0, 0, 0, 0), (64, 64, 192, 192))
    out = io.BytesIO()
    image.save(out, "PNG")
    answer = {"image": {"b64Json": base64.b64encode(out.getvalue()).decode()}}
    path.write_text(json.dumps({"fixtures": [{"match": {"endpoint": "image"}, "response": answer}]}))
    return path


def test_llmock_with_a_fixture(tmp_path: Path) -> None:
    port = free_port()
    command = [*tool("llmock", "llmock"), "-p", str(port), "-f", str(fixture(tmp_path / "fixtures.json"))]
    with served(command, tmp_path, port) as url:
        found = judged(url)
    assert rules(found, "error") == set()
    assert rules(found, "fail") == set(LLMOCK_FAILS.split())
    assert rules(found, "warn") == set(LLMOCK_WARNS.split())
    assert found.verdict.exit_status == 1


def test_llmock_without_a_fixture_is_no_pass(tmp_path: Path) -> None:
    port = free_port()
    empty = tmp_path / "fixtures.json"
    empty.write_text('{"fixtures": []}')
    with served([*tool("llmock", "llmock"), "-p", str(port), "-f", str(empty)], tmp_path, port) as url:
        found = judged(url)
    assert found.verdict.exit_status == 3
    assert "No call succeeded" in found.verdict.headline
    assert found.spent == 0


def test_aimock(tmp_path: Path) -> None:
    port = free_port()
    command = tool("aimock", "../aimock/bin/aimock")
    with served(command, tmp_path, port, MOCK_PORT=str(port)) as url:
        found = judged(url)
    assert rules(found, "error") == set()
    assert rules(found, "fail") == set(AIMOCK_FAILS.split())
    assert rules(found, "warn") == set(AIMOCK_WARNS.split())
    assert found.verdict.exit_status == 1
    assert all(not one.downloads for one in found.exchanges), "a link to an outside host was fetched"
