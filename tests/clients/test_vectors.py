"""Every client makes every call of `vectors/`, each in a process of its own, and one judge compares."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import pytest
from clients.go_tools import built
from clients.sample_runs import program
from clients.vectors.cases import HERE, cases
from clients.vectors.run import judged

from imageproof.contract.locate import CHECKOUT

PYTHON = {"PYTHONPATH": os.fspath(CHECKOUT / "generated/python")}
# A client -> the command that runs its runner, and what its environment needs.
RUNNERS: dict[str, tuple[list[str], dict[str, str]]] = {
    "python": ([sys.executable, os.fspath(HERE / "runner.py")], PYTHON),
    "python-async": ([sys.executable, os.fspath(HERE / "runner.py"), "--async"], PYTHON),
    "typescript": (["node", os.fspath(HERE / "runner.mjs")], {}),
    "typescript-deno": (["deno", "run", "-A", "--no-check", "--quiet", os.fspath(HERE / "runner.mjs")], {}),
    "typescript-bun": (["bun", os.fspath(HERE / "runner.mjs")], {}),
    "go": (["go"], {}),
}


@functools.cache
def found(client: str) -> dict[str, list[str]]:
    """What is wrong with each case: all are run in one go."""
    command, environment = RUNNERS[client]
    command = [str(built("vectors"))] if client == "go" else [program(command[0]), *command[1:]]
    try:
        return judged(command, cases(), environment)
    except (RuntimeError, subprocess.TimeoutExpired) as failed:  # told once for each case, not run again for each
        return {case: [str(failed)] for case in cases()}


@pytest.mark.parametrize("case", cases())
@pytest.mark.parametrize("client", RUNNERS)
def test_a_case(client: str, case: str) -> None:
    assert found(client)[case] == []
