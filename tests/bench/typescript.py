"""What the emitted TypeScript client costs in Node, as ratios to fetch alone and beside npm's official SDK.

    python tests/bench/typescript.py    # CPU of start-up, of a small call, of a 4 MB picture; peak memory; size

Node's packages are looked for as the tests do (IMAGEPROOF_NODE_BIN, .ci/node). Rounds are interleaved, so that a busy
machine slows all contenders: start-up and peak memory are processes of their own, calls take turns in one. CPU is user
and system time of all threads; the median is shown, divided by that of npm's `openai`.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.client import PICTURE, SMALL, serve

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "generated" / "typescript"
NODE = Path(os.environ.get("IMAGEPROOF_NODE_BIN", ROOT / ".ci/node/node_modules/.bin")).parent
PROGRAM = Path(__file__).with_suffix(".mjs")
CONTENDERS = ("bare", "ours", "openai")
# what is measured -> (processes, rounds in each, calls in a round)
PLAN = {"start": (9, 0, 0), "small call": (3, 21, 60), "4 MB picture": (3, 15, 4), "peak memory": (5, 0, 8)}


def figures(name: str, what: str, url: str) -> dict[str, list[float]]:
    """The figures of one process."""
    _, rounds, calls = PLAN[what]
    command = ["node", str(PROGRAM), name, what, url, str(rounds), str(calls)]
    environment = {**os.environ, "NODE_MODULES": str(NODE), "PACKAGE": str(PACKAGE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, list[float]] = json.loads(done.stdout)
    return told


def size(folder: Path) -> int:
    """Bytes of what npm installs of a package."""
    listed = subprocess.run(["npm", "pack", "--dry-run", "--json", str(folder)], capture_output=True, check=True).stdout
    found: int = json.loads(listed)[0]["unpackedSize"]
    return found


def measured() -> dict[str, dict[str, float]]:
    """what -> contender -> median."""
    large = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(PICTURE).decode()}]}).encode()
    urls = {"start": "", "small call": serve(SMALL)}
    urls["4 MB picture"] = urls["peak memory"] = serve(large)
    found: dict[str, dict[str, list[float]]] = {what: {name: [] for name in CONTENDERS} for what in PLAN}
    for what, url in urls.items():
        turns = ["all"] if what in ("small call", "4 MB picture") else [*CONTENDERS]
        for turn in turns * PLAN[what][0]:
            for name, values in figures(turn, what, url).items():
                found[what][name] += values
    return {what: {name: statistics.median(told) for name, told in row.items()} for what, row in found.items()}


def main() -> int:
    rows = measured()
    rows["size"] = {"bare": 0, "ours": size(PACKAGE), "openai": size(NODE / "openai")}
    worse = [what for what, row in rows.items() if row["ours"] > row["openai"]]
    for what, row in rows.items():
        unit, scale = ("MB", 1e6) if what in ("peak memory", "size") else ("ms CPU", 1e-3)
        told = ", ".join(f"{name} {row[name] / scale:.2f} {unit}" for name in CONTENDERS)
        print(f"{what}: {row['ours'] / row['openai']:.2f} of openai ({told})")
    if worse:
        print(f"dearer than openai: {', '.join(worse)}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
