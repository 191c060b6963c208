"""Emitted TypeScript packages held against tsc and typescript-eslint, many in one run of each."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from clients.sample_runs import modules, program

HERE = Path(__file__).with_name("typescript")


def complaints(packages: Mapping[str, Path], room: Path) -> str:
    """What tsc --strict and the recommended rules of typescript-eslint say of packages by their names, "" for nothing.
    With one that is called "client", programs that use it are checked too."""
    home, node = modules("typescript", "typescript-eslint", "eslint"), program("node")
    room.mkdir()
    for name, folder in packages.items():
        shutil.copytree(folder, room / name, ignore=shutil.ignore_patterns("node_modules"))
        for file in ("agree.ts", "made.js"):
            shutil.copy(HERE / file, room / name)
    for file in ("tsconfig.json", "eslint.config.mjs", *(["use.ts"] if "client" in packages else [])):
        shutil.copy(HERE / file, room)
    tsc, eslint = str(home / "typescript/bin/tsc"), str(home / "eslint/bin/eslint.js")
    commands = ([node, tsc, "-p", "."], [node, eslint, "."])
    environment = {**os.environ, "NODE_MODULES": str(home)}
    told = [
        subprocess.run(one, cwd=room, env=environment, capture_output=True, encoding="utf-8", check=False)
        for one in commands
    ]
    return "".join(one.stdout + one.stderr for one in told if one.returncode)
