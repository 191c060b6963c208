"""The same target gets the same verdict, whatever the seeds: `python tests/bench/seeds.py --seeds 20 --hash-seeds 3`.

Each hash seed is a process of its own, in which every seed is a free run and a plan of tier full from scratch. The seed
is that of `random` and the one that Hypothesis takes from `--hypothesis-seed`. Exit status 1 where two runs differ in
the calls that were sent, byte for byte and in their order, in the verdict, in a finding or in what tier full plans.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules of this folder, as the tests call them

from bench.server import KEY, serving

MODEL = "gpt-image-1"


def digests(url: str, seed: int, model: str = MODEL) -> dict[str, str]:
    """What a run from scratch sends and says, and what tier full would send, each as a digest."""
    from hypothesis import core

    from imageproof.contract.document import load
    from imageproof.contract.requirements import requirements
    from imageproof_conformance import intent
    from imageproof_conformance.plan import plan
    from imageproof_conformance.profile import ModelChoice, Profile
    from imageproof_conformance.run import run

    random.seed(seed)
    vars(core).update(global_force_seed=seed)
    intent.forget()
    document = load()
    found = run(Profile(url, KEY, models=(ModelChoice(model),), workers=8))
    full = plan(document, requirements(), model, None, frozenset(document.operations()), "full")
    return {
        "calls": _digest([(one.probe.id, one.sent_body.hex()) for one in found.exchanges]),
        "verdict": _digest([found.verdict.exit_status, *((one.rule, one.status) for one in found.verdict.rules)]),
        "findings": _digest([(one.rule, each.exchange, each.finding.message, each.finding.got)
                             for one in found.verdict.rules for each in one.evidence]),
        "full": _digest([(one.id, repr(one.request)) for one in full.probes]),
    }  # fmt: skip


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]


def compare(url: str, seeds: int, hash_seeds: int, model: str = MODEL) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Hash seed, seed and digests of every run, as they come."""
    for hash_seed in range(hash_seeds):
        command = [sys.executable, __file__, "--child", url, "--seeds", str(seeds), "--model", model]
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
            for seed, text in enumerate(child.stdout or ()):
                yield hash_seed, seed, json.loads(text)
        if child.returncode:
            raise RuntimeError(f"the process of hash seed {hash_seed} ended with status {child.returncode}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--hash-seeds", type=int, default=3)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--fault", help="of the reference provider, so that there are findings to compare")
    parser.add_argument("--child", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        for seed in range(asked.seeds):
            print(json.dumps(digests(asked.child, seed, asked.model)), flush=True)
        return 0
    with serving(["--fault", asked.fault] if asked.fault else []) as server:
        found = list(compare(server.url, asked.seeds, asked.hash_seeds, asked.model))
    differ = {name for name in found[0][2] if len({told[name] for _, _, told in found}) > 1}
    for hash_seed, seed, told in found if differ else found[:1]:
        print(f"hash seed {hash_seed}, seed {seed}: {told}")
    print(f"{len(found)} runs: {f'they differ in {sorted(differ)}' if differ else 'all the same'}")
    return 1 if differ or len(found) != asked.seeds * asked.hash_seeds else 0


if __name__ == "__main__":
    sys.exit(main())
