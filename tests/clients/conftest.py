"""The emitted client is imported from `generated/python`, as its users import it: by its own name."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import httpx2
import pytest
from clients.loopback import Loopback

from imageproof.contract.locate import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "generated" / "python"))

from imageproof_client import Client

KEY = "sk-secret-key"


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A recording HTTP server on a free port of this machine."""
    with Loopback() as loopback:
        yield loopback


@pytest.fixture(scope="session")
def connections() -> Iterator[httpx2.Client]:
    """One for all tests: each new one reads the system's certificates, which takes a tenth of a second."""
    with httpx2.Client() as shared:
        yield shared


@pytest.fixture
def client(server: Loopback, connections: httpx2.Client) -> Client:
    """A client of the recording server, which holds the key `sk-secret-key`."""
    return Client(KEY, base_url=server.base_url, timeout=5, http_client=connections)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and servers of whoever runs the tests play no part in them."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
