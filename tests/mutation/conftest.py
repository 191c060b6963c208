from __future__ import annotations

from collections.abc import Iterator

import pytest
from mutation import drawn


@pytest.fixture(scope="session", autouse=True)
def drawn_once() -> Iterator[None]:
    with drawn.drawn_once():
        yield
