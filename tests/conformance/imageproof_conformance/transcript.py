"""The record of a run: every exchange whole, so that it can be judged again without a socket.

`transcript.jsonl` has one exchange a line and ends with the record of the run (`run_record` says what is in that);
large bodies lie beside it: `imageproof.contract.recorded` says how. The wire has masked the key already; `clean` masks
the signatures of signed URLs, and the key once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

from imageproof.contract.recorded import FORMAT, LINES, Bodies, load
from imageproof.contract.redact import Redactor, signatures
from imageproof.contract.violations import FileFacts
from imageproof_conformance.exchange import Chunk, Download, Exchange, Part, Probe, Request

Load = Callable[[dict[str, Any]], bytes]  # the bytes at a place of a recording
About = Callable[[Bodies], Mapping[str, Any]]


def clean(exchange: Exchange, redactor: Redactor) -> Exchange:
    """An exchange as it is recorded, and judged: without the key and without the signatures of URLs. Pictures are never
    touched by the latter; masks of signatures that differ within the exchange differ."""
    seen: dict[bytes, int] = {}
    body = exchange.body
    masked = signatures(body, seen)
    arrivals = [(one.at, len(one.data)) for one in exchange.chunks]

    def fetched(found: Iterable[Download]) -> tuple[Download, ...]:
        text = redactor.text
        return tuple(replace(one, url=text(one.url, seen), failure=text(one.failure, seen)) for one in found)

    return replace(
        exchange,
        probe=clean_probe(exchange.probe, redactor),
        url=redactor.text(exchange.url),
        sent_headers=redactor.headers(exchange.sent_headers),
        sent_body=redactor.clean(exchange.sent_body),
        headers=redactor.headers(exchange.headers),
        chunks=exchange.chunks if masked == body else tuple(cut(masked, arrivals)),
        failure=redactor.text(exchange.failure),
        downloads=fetched(exchange.downloads),
        earlier=tuple(clean(one, redactor) for one in exchange.earlier),
        later=fetched(exchange.later),
    )


def clean_probe(probe: Probe, redactor: Redactor) -> Probe:
    """The name of the model stays: a short key may be the same word, and what is asked of whom must stay known."""

    def masked(value: Any) -> Any:
        if isinstance(value, str):
            return value if value == probe.model else redactor.text(value)
        if isinstance(value, list | tuple):
            return [masked(one) for one in value]
        return {name: masked(one) for name, one in value.items()} if isinstance(value, dict) else value

    sent = probe.request
    request = replace(
        sent,
        path=redactor.text(sent.path),
        json=masked(sent.json),
        parts=None if sent.parts is None else tuple(_clean_part(one, redactor) for one in sent.parts),
        raw=None if sent.raw is None else redactor.clean(sent.raw),
        headers=redactor.headers(sent.headers),
    )
    return replace(probe, request=request, asked={name: masked(value) for name, value in probe.asked.items()})


def _clean_part(part: Part, redactor: Redactor) -> Part:
    mask = redactor.clean if part.filename is None else redactor.data
    return replace(part, data=mask(part.data))


def write(folder: Path, exchanges: Iterable[Exchange], redactor: Redactor, about: About | None = None) -> Path:
    """Write `transcript.jsonl` and `bodies/` into a folder, which is made. Returns the path of the first.

    `about` makes the record of the run, which goes last with the digests of all lines before it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    store = Bodies(folder, redactor.data)
    path, digests = folder / LINES, list[str]()
    with path.open("wb") as out:
        for exchange in exchanges:
            line = json_line(_record(clean(exchange, redactor), store))
            digests.append(digest(line))
            out.write(line)
        if about is not None:
            last = {**about(store), "lines": digests}
            out.write(json_line({"format": FORMAT, "run": last, "sha256": digest(json_line(last))}))
    return path


def json_line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode("ascii") + b"\n"


def digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def read(folder: Path) -> Iterator[Exchange]:
    """The exchanges of a recording, in order; a last line that was cut off is none. ValueError for a format that this
    version does not know. `recording` reads what somebody else may have had in their hands."""
    with (folder / LINES).open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            record = json.loads(line)
            if record["format"] != FORMAT:
                raise ValueError(f"transcript format {record['format']} is not known")
            if "run" not in record:
                yield exchange_of(record, lambda place: load(folder, place))


def _record(exchange: Exchange, store: Bodies) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "probe": probe_record(exchange.probe, store),
        "url": exchange.url,
        "sent_headers": exchange.sent_headers,
        "sent_body": store.keep(exchange.sent_body),
        "status": exchange.status,
        "headers": exchange.headers,
        "body": store.keep(exchange.body),
        "arrivals": [[chunk.at, len(chunk.data)] for chunk in exchange.chunks],
        "seconds": exchange.seconds,
        "started": exchange.started,
        "failure": exchange.failure,
        "downloads": _downloads_record(exchange.downloads, store),
        "earlier": [_record(one, store) for one in exchange.earlier],
        "later": _downloads_record(exchange.later, store),
        "later_after": exchange.later_after,
    }


def _downloads_record(found: Iterable[Download], store: Bodies) -> list[dict[str, Any]]:
    return [{**asdict(one), "body": store.keep(one.body)} for one in found]


def probe_record(probe: Probe, store: Bodies) -> dict[str, Any]:
    request = probe.request
    fields = {name: getattr(probe, name) for name in probe.__dataclass_fields__ if name not in ("request", "asked")}
    parts = [{**asdict(part), "data": store.keep(part.data)} for part in request.parts or ()]
    return {
        **fields,
        "asked": {name: _plain(value) for name, value in probe.asked.items()},
        "request": {
            "method": request.method,
            "path": request.path,
            "json": request.json,
            "parts": None if request.parts is None else parts,
            "raw": None if request.raw is None else store.keep(request.raw),
            "media_type": request.media_type,
            "headers": request.headers,
            "key": request.key,
        },
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"$file": asdict(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _meant(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"$file"}:
        return FileFacts(**value["$file"])
    return [_meant(one) for one in value] if isinstance(value, list) else value


def exchange_of(record: dict[str, Any], load: Load) -> Exchange:
    """The exchange of a line. Raises KeyError, TypeError, ValueError for what is none, and what `load` raises."""
    kept = {name: record[name] for name in ("url", "status", "seconds", "started", "failure")}
    return Exchange(
        probe=probe_of(record["probe"], load),
        sent_headers=_pairs(record["sent_headers"]),
        sent_body=load(record["sent_body"]),
        headers=_pairs(record["headers"]),
        chunks=tuple(cut(load(record["body"]), record["arrivals"])),
        downloads=_downloads(record["downloads"], load),
        earlier=tuple(exchange_of(one, load) for one in record.get("earlier", ())),
        later=_downloads(record.get("later", ()), load),
        later_after=record.get("later_after", 0.0),
        **kept,
    )


def _downloads(found: Iterable[dict[str, Any]], load: Load) -> tuple[Download, ...]:
    return tuple(Download(**{**one, "body": load(one["body"])}) for one in found)


def probe_of(record: dict[str, Any], load: Load) -> Probe:
    """The probe of a record; raises as `exchange_of` does."""
    sent = record["request"]
    parts = sent["parts"]
    request = Request(
        **{
            **sent,
            "parts": None if parts is None else tuple(Part(**{**one, "data": load(one["data"])}) for one in parts),
            "raw": None if sent["raw"] is None else load(sent["raw"]),
            "headers": _pairs(sent["headers"]),
        }
    )
    asked = {name: _meant(value) for name, value in record["asked"].items()}
    return Probe(**{**record, "request": request, "asked": asked, "rules": tuple(record["rules"])})


def cut(body: bytes, arrivals: Iterable[tuple[float, int]]) -> Iterator[Chunk]:
    """A body in the chunks in which it came."""
    start = 0
    for at, size in arrivals:
        yield Chunk(at, body[start : start + size])
        start += size


def _pairs(found: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in found)
