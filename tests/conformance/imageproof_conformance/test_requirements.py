"""One item for each requirement and model. The plugin makes them of the plan; the first buys, all judge."""

from __future__ import annotations

import pytest

from imageproof_conformance.plugin import Conformance, failure


def test_requirement(item: tuple[str, str], conformance: Conformance) -> None:
    verdict = conformance.session.rule(item)
    if verdict.status in ("fail", "error"):
        pytest.fail(failure(verdict), pytrace=False)
    if verdict.status not in ("pass", "warn"):
        pytest.skip(f"{verdict.status}: {verdict.reason}")
