"""One healthy provider for all tests of this folder, and the helpers that look at what it answers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from imageproof_reference.config import Config
from imageproof_reference.serving import running

KEY = "sk-test-provider"

# Libraries of many gigabytes: the example around them is tested where they are, and asked for nowhere.
DIFFUSERS = ("torch", "diffusers", "transformers")
collect_ignore = [] if all(map(importlib.util.find_spec, DIFFUSERS)) else ["test_diffusion.py"]


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Base URL of a provider whose key is `sk-test-provider`."""
    with running(Config(key=KEY, pause_seconds=0.001)) as served:
        yield served


@pytest.fixture(scope="session")
def stranger(url: str) -> Iterator[httpx.Client]:
    """An HTTP client without a key."""
    with httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[httpx.Client]:
    """An HTTP client that shows the key; paths are relative to the base URL."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as opened:
        yield opened
