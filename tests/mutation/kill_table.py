"""Judges every server of the catalogue by the suite and by plain schemathesis, and writes generated/docs/kill-table.md
and its totals in README.

    python tests/mutation/kill_table.py           # what is not known yet; what was measured is in kills.jsonl
    python tests/mutation/kill_table.py --again   # everything
    python tests/mutation/kill_table.py --ours    # the runs of the suite alone, after a change of what it sends
    python tests/mutation/kill_table.py --ours ID ...    # the same, of some servers
    python tests/mutation/kill_table.py --page    # nothing; the page anew from what is known

A row is measured again when what the catalogue tells of its server changed, or the version of the suite, the contract
or schemathesis did. An interrupted run goes on where it ended. About ten seconds a server, on one core.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does it for helpers

from mutation import kills
from mutation.drawn import drawn_once, metered
from mutation.peer import Peer, peer
from mutation.runs import KEY, judged, judged_dialect, judged_fault, reported

from imageproof.contract.document import load
from imageproof.emit.output import write_beside
from imageproof.errors import ImageproofError
from imageproof_conformance.version import VERSION
from imageproof_reference.config import Config
from imageproof_reference.serving import running

MODEL = "gpt-image-1"  # that the suite is run for where nothing is broken


def versions() -> tuple[str, str, str]:
    return VERSION, str(load().data["info"]["version"]), version("schemathesis")


def measured(kind: kills.Kind, name: str, baseline: Path) -> kills.Row:
    """Both runs against one server."""
    with metered() as theirs:
        found = schemathesis(kind, name, baseline)
    row = kills.Row(
        kind=kind,
        id=name,
        made_of=kills.made_of(kind, name),
        must=kills.must(kind, name),
        ours=(),
        our_requests=0,
        our_pictures=0,
        theirs=found.failures,
        known=found.known,
        finished=found.finished,
        their_requests=theirs.requests,
        their_pictures=theirs.pictures,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        versions=versions(),
    )
    return judged_again(row)


def judged_again(row: kills.Row) -> kills.Row:
    """The row with what the suite says now, and what that takes."""
    with metered() as ours:
        kind, name = row.kind, row.id
        run = judged_fault(name) if kind == "fault" else judged_dialect(name) if kind == "benign" else judged(MODEL)
    return replace(row, ours=tuple(sorted(reported(run))), our_requests=ours.requests, our_pictures=ours.pictures)


def schemathesis(kind: kills.Kind, name: str, baseline: Path) -> Peer:
    spoken = {"fault": name} if kind == "fault" else {"dialect": name} if kind == "benign" else {}
    with running(Config(key=KEY, pause_seconds=0.0, **spoken)) as url:  # type: ignore[arg-type]  # both are texts
        return peer(url, KEY, baseline, first=kind == "clean")


def main(arguments: list[str]) -> None:
    ours, ids = arguments[:1] == ["--ours"], arguments[1:]
    if (arguments not in ([], ["--again"], ["--page"]) and not ours) or set(ids) - {one for _, one in kills.servers()}:
        sys.exit(__doc__)
    rows = {(row.kind, row.id): row for row in ([] if arguments == ["--again"] else kills.read())}
    wanted = [] if arguments == ["--page"] else [one for one in kills.servers() if not fresh(rows.get(one), *one)]
    if ours and wanted:
        sys.exit(f"rows that were never measured, or of other versions: run {kills.COMMAND} first")
    with drawn_once(), tempfile.TemporaryDirectory() as folder:
        for one in [one for one in kills.servers() if ours and (not ids or one[1] in ids)]:
            rows[one] = judged_again(rows[one])
            print(f"{rows[one].id}: {rows[one].said}, {rows[one].our_pictures} pictures", flush=True)
            kills.write(row for row in map(rows.get, kills.servers()) if row is not None)
        baseline = Path(folder, "known.json")
        if wanted and wanted[0][0] != "clean":  # the baseline is not kept
            wanted.insert(0, ("clean", kills.CLEAN))
        for place, one in enumerate(wanted, start=1):
            began = time.monotonic()
            row = rows[one] = measured(*one, baseline)
            kills.write(row for row in map(rows.get, kills.servers()) if row is not None)
            told = f"{row.said}, {row.our_pictures} pictures; {len(row.theirs)} failures, {row.their_pictures} pictures"
            print(f"{place} of {len(wanted)}: {row.id}: {told}; {time.monotonic() - began:.1f} s", flush=True)
    write_beside(kills.GENERATED, kills.PAGE, kills.page(kills.read()))
    kills.README.write_text(kills.quoting(kills.README.read_text(encoding="utf-8"), kills.read()), encoding="utf-8")
    print(kills.sentence(kills.read()))


def fresh(row: kills.Row | None, kind: kills.Kind, name: str) -> bool:
    """Whether a row need not be measured again."""
    return row is not None and row.versions == versions() and row.made_of == kills.made_of(kind, name)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ImageproofError as error:
        sys.exit(str(error))
