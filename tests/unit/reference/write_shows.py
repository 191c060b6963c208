"""Writes fault_shows.yaml anew: where each fault shows in plain calls. Read what it changed before it is committed.

    python tests/unit/reference/write_shows.py [ID ...]

With ids, only those rows are made anew; rows of faults that are gone go in any case."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))  # as pytest does it for helpers

from unit.reference.plain_calls import CALLS, CONTROLS, differences, tell

from imageproof_reference.faults import faults

PATH = Path(__file__).parent / "fault_shows.yaml"


@cache
def sound() -> dict[str, dict[str, str]]:
    return tell("", CALLS)


def shows(fault: str) -> dict[str, list[str]]:
    """The first call of each group that shows a fault, and each control that does; call -> places."""
    broken = tell(fault, CALLS)
    found = {name: places for name in CALLS if (places := differences(sound()[name], broken[name]))}
    first = {CALLS[name].group: name for name in reversed(found)}
    return {name: places for name, places in found.items() if name in CONTROLS or first[CALLS[name].group] == name}


def main(*ids: str) -> None:
    old = yaml.safe_load(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
    wanted = [fault for fault in faults() if fault in ids or fault not in old or not ids]
    with ProcessPoolExecutor() as pool:
        made = dict(zip(wanted, pool.map(shows, wanted), strict=True))
    rows = {fault: made.get(fault, old.get(fault)) for fault in faults()}
    text = yaml.safe_dump(rows, sort_keys=False, default_flow_style=None, width=110)
    PATH.write_text(text, encoding="utf-8")
    print(
        f"{len(made)} rows made anew; without a place: {[fault for fault, seen in made.items() if not seen] or 'none'}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
