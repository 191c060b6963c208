"""Runs a runner over the cases, and prints what is wrong, or without one the calls."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clients.vectors.cases import Case, call_of, cases
from clients.vectors.judge import problems
from clients.vectors.server import Port, serving

LIMIT = 120  # seconds for all calls


@contextmanager
def served(chosen: Mapping[str, Case]) -> Iterator[dict[str, Port]]:
    """A port for each case; those whose requests are not judged share one for each answer."""
    names = {name: name if case.requests is not None else json.dumps(case.answers) for name, case in chosen.items()}
    with serving({names[name]: (case.answers, case.listens) for name, case in chosen.items()}) as ports:
        yield {name: ports[shared] for name, shared in names.items()}


def calls_of(chosen: Mapping[str, Case], ports: Mapping[str, Port], folder: Path) -> list[dict[str, Any]]:
    """The calls as a runner reads them."""
    return [call_of(case, ports[name], folder) for name, case in chosen.items()]


def judged(
    command: Sequence[str], chosen: Mapping[str, Case], environment: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """What is wrong with each case, as a runner made its call. RuntimeError for a runner that fails as a whole."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_OPENAI_"))}
    with tempfile.TemporaryDirectory(prefix="imageproof-vectors-") as folder, served(chosen) as ports:
        calls = Path(folder) / "calls.json"
        calls.write_text(json.dumps(calls_of(chosen, ports, Path(folder))), encoding="utf-8")
        done = subprocess.run(
            [*command, str(calls)],
            env={**told, **(environment or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LIMIT,
        )
        if done.returncode:
            raise RuntimeError(f"the runner ended with {done.returncode}:\n{done.stderr[-3000:]}{done.stdout[-500:]}")
        lines = {line["id"]: line for line in map(json.loads, filter(None, done.stdout.split("\n")))}
        return {name: problems(case, ports[name], lines.get(name)) for name, case in chosen.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="id of one case")
    parser.add_argument("runner", nargs="*", help="command that takes the file of calls as its last argument")
    told = parser.parse_args()
    chosen = {told.only: cases()[told.only]} if told.only else cases()
    if not told.runner:
        with tempfile.TemporaryDirectory() as folder, served(chosen) as ports:
            print(json.dumps(calls_of(chosen, ports, Path(folder)), indent=1, ensure_ascii=False))
        return 0
    found = judged(told.runner, chosen)
    for name, wrong in found.items():
        for one in wrong:
            print(f"{name}: {one}")
    bad = sum(map(bool, found.values()))
    print(f"{len(found)} cases, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
