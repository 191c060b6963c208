"""What `imageproof generate` costs for all targets of the contract together: CPU and peak memory of the whole process.

    python tests/bench/generate.py

Each round writes into a new folder, checks what it wrote, and beside both starts a Python that imports the YAML and the
template library and does nothing (`floor`), so that a busy machine slows all three. CPU is user and system time; the
least of the rounds is told, in seconds and as a multiple of the floor. Modules are compiled before, as pip leaves them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
LIMITS = {"CPU": 1.0, "peak memory": 80.0}  # seconds, MiB
FLOOR = ("-c", "import yaml, jinja2")
GENERATE = ("-m", "imageproof", "generate", "--quiet", "--out")


def cost(arguments: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of CPU and MiB at the peak of one process. RuntimeError with what it said where it failed."""
    with subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {said}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes of ru_maxrss
    return used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 2**20


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator"), "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        cost([*GENERATE, f"{folder}/first"], environment)
        found: dict[str, list[tuple[float, float]]] = {"floor": [], "write": [], "check": []}
        for number in range(ROUNDS):
            out = f"{folder}/{number}"
            found["floor"].append(cost(FLOOR, environment))
            found["write"].append(cost([*GENERATE, out], environment))
            found["check"].append(cost([*GENERATE, out, "--check"], environment))
    floor = min(cpu for cpu, _ in found["floor"])
    print(f"{'':8}{'CPU':>8}{'of floor':>10}{'peak':>11}")
    for name, rounds in found.items():
        cpu, peak = min(cpu for cpu, _ in rounds), max(peak for _, peak in rounds)
        print(f"{name:8}{cpu:7.2f}s{cpu / floor:9.1f}x{peak:8.1f} MiB")
    worst = {
        "CPU": max(min(cpu for cpu, _ in found[name]) for name in ("write", "check")),
        "peak memory": max(peak for name in ("write", "check") for _, peak in found[name]),
    }
    over = [f"{name} {value:.2f}, at most {LIMITS[name]}" for name, value in worst.items() if value > LIMITS[name]]
    print("; ".join(over) or f"within the limits: {LIMITS['CPU']} s, {LIMITS['peak memory']:.0f} MiB")
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
