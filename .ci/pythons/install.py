"""Installs what the generator needs for each Python of the machine, into a folder of its version beside this file: what
is generated must be the same bytes whichever of them runs it (tests/unit/generator/test_pythons.py)."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OLDEST = tuple(map(int, PROJECT["requires-python"].removeprefix(">=").split(".")))


def pythons() -> dict[str, Path]:
    """The interpreters that are not too old, by their full version."""
    places = [*sorted(Path.home().glob(".pyenv/versions/3.*/bin/python")), *sorted(Path("/usr/bin").glob("python3.*"))]
    found: dict[str, Path] = {}
    for place in places:
        command = [place, "-c", "import platform; print(platform.python_version())"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        version = asked.stdout.strip()
        if asked.returncode == 0 and tuple(map(int, version.split(".")[:2])) >= OLDEST:
            found.setdefault(version, place)
    return found


def main() -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    for version, interpreter in pythons().items():
        told = ["install", "--quiet", "--root-user-action=ignore", "--upgrade", "--target", HERE / version]
        subprocess.run([*pip, "--python", interpreter, *told, *PROJECT["dependencies"]], check=True)
        print(f"{version}: {interpreter}")


if __name__ == "__main__":
    main()
