"""The record of a run: every exchange whole, so that it can be judged again without a socket.

`transcript.jsonl` has one exchange a line, and large bodies lie beside it: `imageproof.contract.recorded` says how. The
wire has masked the key already; the signatures of signed URLs are masked here, and the key once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from imageproof.contract.recorded import FORMAT, LINES, Bodies, load
from imageproof.contract.redact import Redactor
from imageproof.contract.violations import FileFacts
from imageproof_conformance.exchange import Chunk, Download, Exchange, Part, Probe, Request


def write(folder: Path, exchanges: Iterable[Exchange], redactor: Redactor) -> Path:
    """Write `transcript.jsonl` and `bodies/` into a folder, which is made. Returns the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Bodies(folder, redactor.clean)
    path = folder / LINES
    with path.open("w", encoding="utf-8") as out:
        for exchange in exchanges:
            out.write(redactor.text(json.dumps(_record(exchange, store), ensure_ascii=True)) + "\n")
    return path


def read(folder: Path) -> Iterator[Exchange]:
    """The exchanges of a recording, in order; a last line that was cut off is none. ValueError for a format that this
    version does not know."""
    with (folder / LINES).open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            record = json.loads(line)
            if record["format"] != FORMAT:
                raise ValueError(f"transcript format {record['format']} is not known")
            yield _exchange(record, folder)


def _record(exchange: Exchange, store: Bodies) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "probe": _probe_record(exchange.probe, store),
        "url": exchange.url,
        "sent_headers": exchange.sent_headers,
        "sent_body": store.keep(exchange.sent_body),
        "status": exchange.status,
        "headers": exchange.headers,
        "body": store.keep(exchange.body),
        "arrivals": [[round(chunk.at, 6), len(chunk.data)] for chunk in exchange.chunks],
        "seconds": round(exchange.seconds, 6),
        "started": exchange.started,
        "failure": exchange.failure,
        "downloads": _downloads_record(exchange.downloads, store),
        "earlier": [_record(one, store) for one in exchange.earlier],
        "later": _downloads_record(exchange.later, store),
        "later_after": round(exchange.later_after, 6),
    }


def _downloads_record(found: Iterable[Download], store: Bodies) -> list[dict[str, Any]]:
    return [{**asdict(one), "body": store.keep(one.body)} for one in found]


def _probe_record(probe: Probe, store: Bodies) -> dict[str, Any]:
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


def _exchange(record: dict[str, Any], folder: Path) -> Exchange:
    body, chunks, start = load(folder, record["body"]), [], 0
    for at, size in record["arrivals"]:
        chunks.append(Chunk(at, body[start : start + size]))
        start += size
    kept = {name: record[name] for name in ("url", "status", "seconds", "started", "failure")}
    return Exchange(
        probe=_probe(record["probe"], folder),
        sent_headers=_pairs(record["sent_headers"]),
        sent_body=load(folder, record["sent_body"]),
        headers=_pairs(record["headers"]),
        chunks=tuple(chunks),
        downloads=_downloads(record["downloads"], folder),
        earlier=tuple(_exchange(one, folder) for one in record.get("earlier", ())),
        later=_downloads(record.get("later", ()), folder),
        later_after=record.get("later_after", 0.0),
        **kept,
    )


def _downloads(found: Iterable[dict[str, Any]], folder: Path) -> tuple[Download, ...]:
    return tuple(Download(**{**one, "body": load(folder, one["body"])}) for one in found)


def _probe(record: dict[str, Any], folder: Path) -> Probe:
    sent = record["request"]
    parts = sent["parts"]
    request = Request(
        method=sent["method"],
        path=sent["path"],
        json=sent["json"],
        parts=None if parts is None else tuple(Part(**{**one, "data": load(folder, one["data"])}) for one in parts),
        raw=None if sent["raw"] is None else load(folder, sent["raw"]),
        media_type=sent["media_type"],
        headers=_pairs(sent["headers"]),
        key=sent["key"],
    )
    asked = {name: _meant(value) for name, value in record["asked"].items()}
    return Probe(**{**record, "request": request, "asked": asked, "rules": tuple(record["rules"])})


def _pairs(found: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in found)
