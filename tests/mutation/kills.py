"""The kill table as data: what a run of each tool said of a server, kept as a line of JSON, and the page of all."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mutation.peer import SETTINGS
from mutation.runs import may_report, must_report

from imageproof.contract.locate import CHECKOUT
from imageproof_reference.dialects import dialects
from imageproof_reference.faults import faults

Kind = Literal["clean", "benign", "fault"]
Said = Literal["exactly", "more", "missed"]

KEPT = Path(__file__).with_suffix(".jsonl")
GENERATED, PAGE = CHECKOUT / "generated", "docs/kill-table.md"
README = CHECKOUT / "README.md"
QUOTED = re.compile("(<!-- kill table -->\n)(.*?)(<!-- end of the kill table's totals -->\n)", re.DOTALL)  # in README
COMMAND = "python tests/mutation/kill_table.py"
BY_IDS, NO_IDS = "caught by exactly the ids", "has none"  # a total, and what there is of it for schemathesis
CLEAN = "none"  # the server that is in order, among the names of faults


@dataclass(frozen=True)
class Row:
    """Two runs against one server: `kind` and `id` say which, `must` the ids that break there.

    ours      the ids that the suite reported, with what arrived at the server and the pictures that it made
    theirs    the failures of schemathesis that it does not report on the server which is in order; there and on benign
              ones all of them. `known` counts those of its baseline that came again, `finished` is false for a run that
              had no end of its own
    date      of the runs, in UTC; `versions` are those of suite, contract and schemathesis
    made_of   a digest of what is told of the server in the catalogue
    """

    kind: Kind
    id: str
    made_of: str
    must: tuple[str, ...]
    ours: tuple[str, ...]
    our_requests: int
    our_pictures: int
    theirs: tuple[str, ...]
    known: int
    finished: bool
    their_requests: int
    their_pictures: int
    date: str
    versions: tuple[str, str, str]

    @property
    def said(self) -> Said:
        """What the suite said of it: the ids and no others, more than those, or not all of them."""
        if set(self.must) - set(self.ours):
            return "missed"
        return "exactly" if set(self.must) == set(self.ours) else "more"


def servers() -> list[tuple[Kind, str]]:
    """All that are judged: the one in order first, then what may not fail anything, then the faults in file order."""
    benign: list[tuple[Kind, str]] = [("benign", one.id) for one in dialects().values() if one.kind == "benign"]
    return [("clean", CLEAN), *benign, *(("fault", name) for name in faults())]


def must(kind: Kind, name: str) -> tuple[str, ...]:
    if kind == "clean":
        return ()
    return tuple(sorted(must_report(faults()[name]) if kind == "fault" else may_report(dialects()[name])))


def made_of(kind: Kind, name: str) -> str:
    """The digest of a server's row in the catalogue, its ids and all steps included."""
    told = {"clean": "", "fault": faults().get(name), "benign": dialects().get(name)}[kind]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def read(path: Path = KEPT) -> list[Row]:
    """The rows that are kept, in the order of `servers`; those of servers that are no more are left out."""
    if not path.exists():
        return []
    rows = [_row(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {(row.kind, row.id): row for row in rows}
    return [found[one] for one in servers() if one in found]


@cache
def kept() -> Mapping[tuple[Kind, str], Row]:
    """The same by kind and id."""
    return {(row.kind, row.id): row for row in read()}


def write(rows: Iterable[Row], path: Path = KEPT) -> None:
    path.write_text("".join(f"{json.dumps(asdict(row))}\n" for row in rows), encoding="utf-8")


def _row(line: dict[str, Any]) -> Row:
    told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in line.items()}
    return Row(**told)


def totals(rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    """The figures of the suite and of schemathesis, by what they count."""
    rows = list(rows)
    broken = [row for row in rows if row.kind == "fault"]
    sound = [row for row in rows if row.kind != "fault"]
    return {
        "faults": (len(broken), len(broken)),
        "caught": (sum(row.said != "missed" for row in broken), sum(bool(row.theirs) for row in broken)),
        BY_IDS: (sum(row.said == "exactly" for row in broken), 0),
        "missed": (sum(row.said == "missed" for row in broken), sum(not row.theirs for row in broken)),
        "servers that keep every MUST": (len(sound), len(sound)),
        "of those with a false alarm": (sum(row.said != "exactly" for row in sound), sum(map(alarmed, sound))),
        "requests in all": (sum(row.our_requests for row in rows), sum(row.their_requests for row in rows)),
        "pictures in all": (sum(row.our_pictures for row in rows), sum(row.their_pictures for row in rows)),
    }


def alarmed(row: Row) -> bool:
    """Whether schemathesis fails on a server that may not fail."""
    return bool(row.theirs) or row.known > 0


def sentence(rows: Iterable[Row]) -> str:
    """The totals as README quotes them."""
    count = totals(rows)
    faults, (exactly, _), (_, theirs) = count["faults"][0], count[BY_IDS], count["caught"]
    (ours, others), sound = count["of those with a false alarm"], count["servers that keep every MUST"][0]
    return (
        f"Of {faults} faults the suite catches {exactly} by exactly their own ids ({100 * exactly / faults:.0f} %); "
        f"plain schemathesis catches {theirs} in any way ({100 * theirs / faults:.0f} %). Of {sound} servers that keep "
        f"every MUST the suite accuses {ours or 'none'}, schemathesis {others or 'none'}. In all it took the suite "
        f"{count['pictures in all'][0]} pictures, schemathesis {count['pictures in all'][1]}."
    )


def quoting(readme: str, rows: Iterable[Row]) -> str:
    """README with the totals in their place."""
    told = textwrap.fill(sentence(rows), 118, break_on_hyphens=False)
    return QUOTED.sub(lambda found: f"{found[1]}{told}\n{found[3]}", readme)


HEAD = """\
<!-- Made by `{command}`. Do not edit. -->

# Kill table

imageproof {suite}, contract {contract}, next to schemathesis {other}; run on {date} by `{command}`. Both judged the
same servers, one after the other, each with a fresh one: the reference provider in order, speaking each benign dialect,
and with each fault of its catalogue.{short}

- **The suite** ran its tier `standard` for one model of the first family that the fault concerns. *exactly*: it
  reported the ids that the catalogue names for the fault, and no others; *more*: others too; *missed*: not all of them.
- **schemathesis** ran as `schemathesis run spec/openapi.yaml --url URL -H 'Authorization: Bearer KEY' {settings}
  --baseline KNOWN`, with its default checks and one worker, on the canonical document, which describes every error
  answer and all models. KNOWN is what it fails with on the server that is in order (by a run with `--baseline-update
  --continue-on-failure`), so that its false alarms do not end an operation before it is tested. 20 examples an
  operation keep a run short; they bound neither the examples of the document nor the coverage of boundaries, which run
  whole. A fault counts as *caught* when it fails with anything that is not known, whether or not that has to do with
  the fault; the codes are its own.
- **Pictures** are those that the server made, which a provider would have billed; requests are what arrived there.

"""


def page(rows: Iterable[Row]) -> str:
    """The Markdown of the table."""
    rows = list(rows)
    suite, contract, other = max(row.versions for row in rows)
    date, settings = max(row.date for row in rows), " ".join(SETTINGS)
    missing = len(servers()) - len(rows)
    head = HEAD.format(
        command=COMMAND,
        suite=suite,
        contract=contract,
        other=other,
        date=date,
        settings=settings,
        short=f" **{missing} of them are not measured yet.**" if missing else "",
    )
    count = totals(rows)
    told = [(name, ours, NO_IDS if name == BY_IDS else theirs) for name, (ours, theirs) in count.items()]
    sound = """
## Servers that keep every MUST

The ids are of SHOULD rules that a dialect does not follow, and the suite must warn of them and fail nothing. Nothing
that schemathesis fails with here breaks a MUST.

"""
    return "".join(
        (
            head,
            _table(("", "imageproof", "schemathesis"), told),
            "\n## Faults\n\n",
            _table(COLUMNS, (cells(row) for row in rows if row.kind == "fault")),
            sound,
            _table(COLUMNS, (cells(row) for row in rows if row.kind != "fault")),
        )
    )


COLUMNS = ("Server", "Ids", "imageproof", "Requests", "Pictures", "schemathesis", "Requests", "Pictures")


def cells(row: Row) -> tuple[str | int, ...]:
    """What the table says of a server."""
    ids = " ".join(f"[`{one}`](requirements.md#{one})" for one in row.must)
    others = [*sorted(set(row.ours) - set(row.must)), *(f"not {one}" for one in sorted(set(row.must) - set(row.ours)))]
    ours = ": ".join(filter(None, (row.said, ", ".join(others))))
    codes = dict.fromkeys(failure.rpartition(" ")[2] for failure in row.theirs)
    told = [*sorted(codes), *([] if row.finished else ["did not end by itself"])]
    if row.kind == "fault":
        theirs = ": ".join(filter(None, ("caught" if row.theirs else "missed", ", ".join(told))))
    else:
        theirs = ", ".join([*told, *([f"{row.known} of the baseline"] if row.known else [])]) or "nothing"
    name = "in order" if row.kind == "clean" else f"`{row.id}`"
    return name, ids, ours, row.our_requests, row.our_pictures, theirs, row.their_requests, row.their_pictures


def _table(columns: Iterable[str], rows: Iterable[Iterable[str | int]]) -> str:
    """A table of Markdown; columns of numbers are those of which the first row has one."""
    lines = [[str(cell) for cell in row] for row in rows]
    rule = ["---:" if cell.isdigit() else "---" for cell in lines[0]]
    return "".join(f"| {' | '.join(line)} |\n" for line in (list(columns), rule, *lines))
