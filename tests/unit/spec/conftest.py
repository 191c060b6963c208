"""The linters that other people wrote, as fixtures: each takes many documents in one process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.locate import CHECKOUT

# The documents must not reach anybody, and a linter that looks for news would make a test depend on the network.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
SPECTRAL_ERROR = 0


@dataclass(frozen=True)
class Complaint:
    """What a linter says of one place: `file` is the document's name, `where` the way to the place in it."""

    file: str
    error: bool
    rule: str
    where: str
    message: str


@dataclass(frozen=True)
class Linter:
    """A linter that is installed. Called with paths, it answers with all complaints, warnings included."""

    name: str
    program: str
    arguments: tuple[str, ...]
    read: Callable[[str], Iterator[Complaint]]

    def __call__(self, paths: Sequence[Path]) -> list[Complaint]:
        """Lints all documents in one process. AssertionError when the linter itself fails."""
        command = [self.program, *self.arguments, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET}, check=False)
        assert done.returncode in (0, 1), f"{self.name} failed: {done.stderr or done.stdout}"
        return list(self.read(done.stdout))


@pytest.fixture(params=["redocly", "spectral"])
def linter(request: pytest.FixtureRequest) -> Linter:
    """Each linter in turn; skips, naming it, where it is not installed."""
    name: str = request.param
    program = _find(name)
    if program is None:
        pytest.skip(f"{name} is not installed: neither in IMAGEPROOF_NODE_BIN, node_modules/.bin nor PATH")
    arguments, read = LINTERS[name]
    return Linter(name, program, arguments, read)


def _find(name: str) -> str | None:
    folders = [os.environ.get("IMAGEPROOF_NODE_BIN", ""), str(CHECKOUT / "node_modules" / ".bin")]
    return shutil.which(name, path=os.pathsep.join(filter(None, folders))) or shutil.which(name)


def _read_redocly(output: str) -> Iterator[Complaint]:
    """Redocly prints one JSON object for each document, one after the other."""
    rest = output.strip()
    assert rest, "redocly said nothing"
    while rest:
        report, end = json.JSONDecoder().raw_decode(rest)
        rest = rest[end:].strip()
        for problem in report["problems"]:
            place: dict[str, Any] = problem["location"][0]
            file, where = place["source"]["ref"], place.get("pointer", "")
            yield Complaint(
                Path(file).name, problem["severity"] == "error", problem["ruleId"], where, problem["message"]
            )


def _read_spectral(output: str) -> Iterator[Complaint]:
    for problem in json.loads(output):
        where = "/".join(map(str, problem["path"]))
        error = problem["severity"] == SPECTRAL_ERROR
        yield Complaint(Path(problem["source"]).name, error, problem["code"], where, problem["message"])


LINTERS: dict[str, tuple[tuple[str, ...], Callable[[str], Iterator[Complaint]]]] = {
    "redocly": (("lint", "--extends=recommended", "--format=json"), _read_redocly),
    "spectral": (
        ("lint", "--quiet", "--format=json", "--ruleset", str(CHECKOUT / ".spectral.yaml")),
        _read_spectral,
    ),
}
