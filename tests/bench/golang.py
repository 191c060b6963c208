"""What the emitted Go client costs, as ratios to the standard library alone and beside the official SDK.

    python tests/bench/golang.py    # asks the Go module proxy for the official SDK

Each contender is a program of its own, and they take turns, so that a busy machine slows all of them. CPU is user and
system time of the process; the median is shown, divided by that of `bare`: net/http, encoding/json and encoding/base64
alone. `program` is the size of the program without symbols, `sources` what a project gets on its disk.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.client import PICTURE, SMALL, serve

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "generated" / "go"
SOURCES = Path(__file__).with_suffix("")
OFFICIAL = "github.com/openai/openai-go/v3@v3.99.0"
CONTENDERS = ("bare", "ours", "openai")
ROUNDS = 15
# what is measured -> calls of a process
COUNTS = {"start": 0, "small call": 300, "4 MB picture": 10}
# what is measured -> the most that the client may cost of what the official SDK does
LIMITS = {"start": 1.0, "small call": 1.0, "4 MB picture": 1.0, "peak memory": 1.0, "program": 1.0, "sources": 1.0}


def go(folder: Path, *words: str) -> str:
    """What the go command prints. Stops where it fails."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod -trimpath"}
    done = subprocess.run(["go", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def built(name: str, room: Path) -> tuple[Path, int]:
    """The program of a contender, and the bytes of the modules that it needs."""
    folder = room / name
    folder.mkdir()
    shutil.copy(SOURCES / "contender.go.txt", folder / "main.go")
    shutil.copy(SOURCES / f"{name}.go.txt", folder / "contender.go")
    module = "module bench\n\ngo 1.23\n"
    if name == "ours":
        module += f"\nrequire imageproofclient v0.0.0\n\nreplace imageproofclient => {PACKAGE}\n"
    (folder / "go.mod").write_text(module, encoding="utf-8")
    if name == "openai":
        go(folder, "get", OFFICIAL)
    go(folder, "build", "-ldflags=-s -w", "-o", "program", ".")
    modules = go(folder, "list", "-m", "-f", "{{.Dir}}", "all").split("\n")[1:]
    files = [file for one in filter(None, modules) for file in Path(one).rglob("*") if file.is_file()]
    return folder / "program", sum(file.stat().st_size for file in files)


def measured(programs: dict[str, Path]) -> dict[str, dict[str, float]]:
    """what -> contender -> median over the rounds: seconds of CPU, or bytes."""
    large = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(PICTURE).decode()}]}).encode()
    urls = {"start": "http://127.0.0.1:9/v1", "small call": serve(SMALL), "4 MB picture": serve(large)}
    told: dict[str, dict[str, list[float]]] = {
        what: {name: [] for name in CONTENDERS} for what in (*COUNTS, "peak memory")
    }
    for _ in range(ROUNDS):
        for what, count in COUNTS.items():
            for name, program in programs.items():
                command = [str(program), urls[what], str(count)]
                printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                spent, peak = map(int, printed.split())
                told[what][name].append(spent / 1e9)
                if what == "4 MB picture":
                    told["peak memory"][name].append(peak)
    return {what: {name: statistics.median(values) for name, values in row.items()} for what, row in told.items()}


def main() -> int:
    """Prints the ratios; 1 where the client costs more than the official SDK."""
    with tempfile.TemporaryDirectory() as folder:
        made = {name: built(name, Path(folder)) for name in CONTENDERS}
        rows = measured({name: program for name, (program, _) in made.items()})
        rows["program"] = {name: program.stat().st_size for name, (program, _) in made.items()}
        rows["sources"] = {name: size for name, (_, size) in made.items()}
    over = False
    print(f"{'':14}{'bare':>12}{'ours':>8}{'openai':>8}{'ours to openai':>16}")
    for what, row in rows.items():
        unit, scale = ("ms", 1e3) if what in COUNTS else ("MB", 1e-6)
        ratio = row["ours"] / row["openai"]
        over = over or ratio > LIMITS[what]
        bare = row["bare"] or row["ours"]  # the standard library is there in any case
        shown = f"{row['bare'] * scale:.2f} {unit}"
        print(f"{what:14}{shown:>12}{row['ours'] / bare:>8.2f}{row['openai'] / bare:>8.2f}{ratio:>16.2f}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
