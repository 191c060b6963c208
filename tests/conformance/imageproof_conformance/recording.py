"""A transcript read back, wherever it was in the meantime: what does not fit is said with file and line, and nothing is
made up in its place.

A body whose file is missing or changed costs its exchange alone: it is kept as one that says nothing, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from imageproof.contract.recorded import FORMAT, load
from imageproof.errors import DocumentError, Problem
from imageproof_conformance import run_record
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.transcript import digest, exchange_of, json_line

Made = TypeVar("Made")

_MEMBERS = frozenset(
    {"format", "probe", "url", "sent_headers", "sent_body", "status", "headers", "body", "arrivals", "seconds"}
    | {"started", "failure", "downloads"}
)
_MAYBE = frozenset({"earlier", "later", "later_after"})  # who only writes calls down leaves them out
_LAST = frozenset({"format", "run", "sha256"})
_CUT = "it is cut off: the run was killed while it was written, or the file was not copied whole"
_NO_END = "the record of the run, which ends a transcript, is missing: it was cut off, or an older version wrote it"
_OLDER = "an older version wrote it, or it was edited"
_ANEW = "run `imageproof conform` again"
_NEWER = "update imageproof, or read it with the version that wrote it"


@dataclass(frozen=True)
class Recording:
    """A transcript. `told` is the record of its run, None where somebody else made the calls (`serve --record`);
    `lost` says of exchanges, by their place, which body is not there any more."""

    path: Path
    exchanges: tuple[Exchange, ...]
    told: run_record.Told | None
    lost: Mapping[int, str] = field(default_factory=dict)

    def restored(self, make: Callable[[], Made]) -> Made:
        """What `make` makes of the record of the run. DocumentError where the record is none."""
        return _made(self.path, len(self.exchanges) + 1, make)

    def body(self, place: dict[str, Any]) -> bytes:
        """The bytes at a place that no verdict depends on; nothing where they are gone."""
        try:
            return load(self.path.parent, place)
        except ValueError:
            return b""


def read(path: Path) -> Recording:
    """The recording in a `transcript.jsonl`. DocumentError, with the line, for everything that is none."""
    lines = path.read_bytes().splitlines(keepends=True)
    if not lines:
        raise problem(path, 1, "the transcript is empty: no call was recorded", _ANEW)
    if not lines[-1].endswith(b"\n"):
        raise problem(path, len(lines), _CUT, _ANEW)
    records = [_parsed(path, number, line) for number, line in enumerate(lines, 1)]
    ends = [number for number, one in enumerate(records, 1) if "run" in one]
    if ends and ends[0] != len(lines):
        raise problem(path, ends[0] + 1, "it stands behind the record of the run, which ends a transcript", _ANEW)
    told = _told(path, lines, records[-1]) if ends else None
    lost: dict[int, str] = {}
    calls = records[:-1] if ends else records
    exchanges = tuple(_exchange(path, place, one, lost) for place, one in enumerate(calls))
    if not ends and any(one.probe.source != "recorded" for one in exchanges):
        raise problem(path, len(lines), _NO_END, _ANEW)
    return Recording(path, exchanges, told, lost)


def problem(path: Path, line: int | None, message: str, hint: str = "") -> DocumentError:
    return DocumentError([Problem(str(path), message, line=line, hint=hint)])


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise problem(path, number, "it is no JSON: the transcript was damaged or edited", _ANEW) from None
    version = record.get("format") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise problem(path, number, "it is no line of a transcript: it has no `format`")
    if version > FORMAT:
        raise problem(path, number, f"format {version} is of a newer version; this one knows {FORMAT}", _NEWER)
    known = _LAST if "run" in record else _MEMBERS
    if strange := sorted(set(record) - known - (frozenset() if "run" in record else _MAYBE)):
        raise problem(path, number, f"`{strange[0]}` is not known here: a newer version wrote it", _NEWER)
    if absent := sorted(known - set(record)):
        raise problem(path, number, f"`{absent[0]}` is missing: {_OLDER}", _ANEW)
    return record


def _exchange(path: Path, place: int, record: dict[str, Any], lost: dict[int, str]) -> Exchange:
    def body(where: dict[str, Any]) -> bytes:
        try:
            return load(path.parent, where)
        except ValueError as error:
            lost.setdefault(place, f"{path}:{place + 1}: {error}")
            return b""

    number = place + 1
    exchange = _made(path, number, lambda: exchange_of(record, body))
    if wrong := next(misfits(exchange, Exchange), ""):
        raise problem(path, number, f"{wrong} is not what it must be: {_OLDER}", _ANEW)
    if place in lost:
        return replace(exchange, status=None, chunks=(), downloads=(), earlier=(), later=(), failure=lost[place])
    if any(_uneven(path, number, one) for one in (record, *record.get("earlier", ()))):
        raise problem(path, number, "`arrivals` do not add up to the body: the line was edited", _ANEW)
    return exchange


def _uneven(path: Path, number: int, record: dict[str, Any]) -> bool:
    """Whether the arrivals of an exchange are not those of its body."""
    whole = len(_made(path, number, lambda: load(path.parent, record["body"])))
    sizes: list[int] = [size for _, size in record["arrivals"]]
    return sum(sizes) != whole


def _told(path: Path, lines: Sequence[bytes], end: Mapping[str, Any]) -> run_record.Told:
    """The record of the run, if the lines before it are those that it was written after."""
    where, run = len(lines), end["run"]
    if not isinstance(run, dict) or digest(json_line(run)) != end["sha256"]:
        raise problem(path, where, "the record of the run was edited: its digest does not fit", _ANEW)
    written = run.get("lines")
    count = len(written) if isinstance(written, list) else 0
    if count != where - 1:
        message = f"{count} calls were recorded, and {where - 1} stand before this line: the file was edited"
        raise problem(path, where, message, _ANEW)
    for number, (line, known) in enumerate(zip(lines, written or (), strict=False), 1):
        if digest(line) != known:
            raise problem(path, number, "it was edited: its digest is not that in the record of the run", _ANEW)
    return _made(path, where, lambda: run_record.told(run))


def _made(path: Path, number: int, work: Callable[[], Made]) -> Made:
    """What some work gives; DocumentError where the record that it reads is none."""
    try:
        return work()
    except KeyError as error:
        raise problem(path, number, f"`{error.args[0]}` is missing: {_OLDER}", _ANEW) from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        name = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if name:
            raise problem(path, number, f"`{name[1]}` is not known here: a newer version wrote it", _NEWER) from None
        absent = re.search(r"missing \d+ required positional arguments?: '(\w+)'", str(error))
        told = f"`{absent[1]}` is missing" if absent else "a member is not of its kind"
        raise problem(path, number, f"{told}: {_OLDER}", _ANEW) from None


_hints = lru_cache(get_type_hints)  # of a few classes, thousands of times


def misfits(value: Any, hint: Any, name: str = "the line") -> Iterator[str]:
    """Members of a value that are not of the types of its dataclass, by name."""
    if hint is Any:
        return
    base, arguments = get_origin(hint), get_args(hint)
    if base in (Union, UnionType):
        fits = any(not list(misfits(value, one)) for one in arguments)
    elif base is Literal:
        fits = value in arguments
    elif base is tuple:
        every = arguments[-1:] == (...,)
        fits = isinstance(value, tuple) and (every or len(value) == len(arguments))
        for index, one in enumerate(value if fits else ()):
            yield from misfits(one, arguments[0 if every else index], name)
    elif hasattr(hint, "__dataclass_fields__"):
        fits = isinstance(value, hint)
        for member, kind in _hints(hint).items() if fits else ():
            yield from misfits(getattr(value, member), kind, f"`{member}`")
    else:
        kinds = {float: (float, int), None: (NoneType,)}.get(hint, (base or hint,))
        fits = isinstance(value, kinds) and not (isinstance(value, bool) and hint is not bool)
    if not fits:
        yield name
