"""What is generated is the same, byte for byte, in every Python of the machine that the generator runs in."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.locate import CHECKOUT

INSTALLED = CHECKOUT / ".ci" / "pythons"


def _pythons() -> dict[str, Path]:
    told = importlib.util.spec_from_file_location("install", INSTALLED / "install.py")
    assert told is not None and told.loader is not None
    module: Any = importlib.util.module_from_spec(told)
    told.loader.exec_module(module)
    found: dict[str, Path] = module.pythons()
    return found


PYTHONS = _pythons()


@pytest.mark.parametrize("version", [one for one in PYTHONS if one != platform.python_version()])
def test_the_same_bytes(version: str) -> None:
    packages = INSTALLED / version
    if not packages.is_dir():
        pytest.skip(f"Python {version} lacks what the generator needs; type: python .ci/pythons/install.py")
    paths = os.pathsep.join([str(CHECKOUT / "generator"), str(packages)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "7"}
    command = [os.fspath(PYTHONS[version]), "-m", "imageproof", "generate", "--check"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.endswith("files in step\n")
