"""The same scripts with the official SDK and with the emitted client, only the import changed: the same is said, and
the same files are written."""

from __future__ import annotations

import inspect
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import imageproof_client
import openai
import pytest
from PIL import Image

from imageproof.contract.locate import CHECKOUT
from imageproof_reference.config import Config
from imageproof_reference.serving import running

KEY = "sk-provider-key"
HERE = Path(__file__).with_name("dropin")
# Names of the official SDK whose meaning is here too.
SHARED = [
    *("OpenAI", "AsyncOpenAI", "OpenAIError", "APIError", "APIStatusError", "APIConnectionError", "APITimeoutError"),
    *("APIResponseValidationError", "BadRequestError", "AuthenticationError", "PermissionDeniedError", "NotFoundError"),
    *("ConflictError", "UnprocessableEntityError", "RateLimitError", "InternalServerError", "Stream", "AsyncStream"),
    *("NOT_GIVEN", "NotGiven"),
]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running(Config(key=KEY)) as base_url:
        yield base_url


def run(script: str, package: str, provider: str, folder: Path) -> tuple[str, dict[str, tuple[int, int]]]:
    """What a script said, and the size in pixels of each picture that it wrote."""
    folder.mkdir()
    Image.new("RGBA", (64, 64)).save(folder / "in.png")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    environment |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider, "PYTHONWARNINGS": "ignore"}
    environment |= {"PYTHONPATH": str(CHECKOUT / "generated" / "python")}
    command = [sys.executable, str(HERE / script), package, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.name: Image.open(io.BytesIO(path.read_bytes())).size for path in sorted(folder.iterdir())}
    return done.stdout, written


@pytest.mark.parametrize("script", ["blocking.py", "waiting.py"])
def test_the_same_script(script: str, provider: str, tmp_path: Path) -> None:
    official = run(script, "openai", provider, tmp_path / "official")
    ours = run(script, "imageproof_client", provider, tmp_path / "ours")
    assert ours == official
    assert len(ours[1]) > 3 and len(ours[0].splitlines()) > 8


@pytest.mark.parametrize("name", SHARED)
def test_names(name: str) -> None:
    official, ours = getattr(openai, name), getattr(imageproof_client, name)
    if isinstance(official, type) and issubclass(official, Exception):
        bases = [one.__name__ for one in official.__mro__ if one.__name__ in SHARED and one.__name__ != "OpenAIError"]
        assert [one.__name__ for one in ours.__mro__ if one.__name__ in SHARED] == bases or name == "OpenAIError"


@pytest.mark.parametrize("method", ["generate", "edit", "create_variation"])
def test_arguments(method: str) -> None:
    """Every argument that the official method has, ours has."""
    official = inspect.signature(getattr(openai.resources.Images, method)).parameters
    ours = inspect.signature(getattr(imageproof_client.client.Images, method)).parameters
    assert set(official) <= set(ours)
