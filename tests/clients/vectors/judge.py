"""Holds what arrived, and what a runner printed, against a case: one judge for all languages."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from clients.vectors.cases import KEY, Case
from clients.vectors.marks import KINDS, NAMED, filled, sha256
from clients.vectors.server import Arrived, Port, body_of

_DISPOSITION = re.compile(r'form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?')
# Rules that a language's own types and signatures may keep, so that no call can break them.
UNSAYABLE = ("-TYPES", "-REQUIRED")
# What an error has besides its kind; a case says what it wants of these, and no client may make up a code.
_FACTS = ("status", "code", "type", "param", "request_id", "rules", "stage", "categories")


def problems(case: Case, port: Port, line: Mapping[str, Any] | None) -> list[str]:
    """What is wrong, [] for nothing; `line` is what the runner printed."""
    if line is None:
        return ["the runner printed nothing for it"]
    refused = line.get("untyped") is True or (
        case.requests is None and (line.get("error") or {}).get("kind") == "argument"
    )
    if refused:
        sayable = not any(rule.endswith(UNSAYABLE) for rule in case.warnings)
        return ["was not called, though its arguments have the right types"] if sayable else []
    return [*_exchanges(case, port), *_outcome(case, port, line)]


def _exchanges(case: Case, port: Port) -> Iterator[str]:
    if case.requests is None:
        return
    for number, one in enumerate(port.arrived, 1):
        yield from (f"request {number}: {said}" for said in _as_http(one))
    if len(port.arrived) != len(case.requests):
        yield f"{len(case.requests)} requests expected, {len(port.arrived)} came"
    for number, (one, expected) in enumerate(zip(port.arrived, case.requests, strict=False), 1):
        yield from (f"request {number}: {said}" for said in _request(one, filled(dict(expected), port.origin)))


def _as_http(one: Arrived) -> Iterator[str]:
    """What holds for every request."""
    if one.odd:
        yield one.odd
    names = [name for name, _ in one.headers]
    yield from (f"two headers {name}" for name in sorted(set(names)) if names.count(name) > 1)
    if "host" not in names:
        yield "no Host"
    elsewhere = [one.target, *(value for name, value in one.headers if name not in ("authorization", "api-key"))]
    if KEY in " ".join(elsewhere) or KEY.encode() in one.body:
        yield "the key stands where it does not belong"


def _request(one: Arrived, expected: Mapping[str, Any]) -> Iterator[str]:
    parts = urlsplit(one.target)
    yield from _same("method", one.method, expected["method"])
    yield from _same("path", parts.path, expected["path"])
    yield from _same("query", dict(parse_qsl(parts.query, keep_blank_values=True)), expected.get("query", {}))
    told = dict(one.headers)
    wanted = {"authorization": f"Bearer {KEY}", **expected.get("headers", {})}
    if "json" in expected:
        wanted.setdefault("content-type", "application/json")
    for name, value in wanted.items():
        yield from _same(f"header {name}", told.get(name), value)
    if "json" in expected:
        yield from _same("body", _json(one.body), expected["json"])
    elif "parts" in expected:
        yield from _parts(one, expected["parts"])
    else:
        yield from _same("body", one.body, b"")


def _json(body: bytes) -> Any:
    """JSON; a text that says what is wrong where it is none, or says a member twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError(f"a member twice among {[name for name, _ in pairs]}")
        return dict(pairs)

    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=once)
    except ValueError as wrong:
        return f"<{wrong}: {body[:200]!r}>"


def _parts(one: Arrived, expected: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The parts of a form: texts first, in any order, then the files in theirs."""
    try:
        found = parts_of(dict(one.headers).get("content-type", ""), one.body)
    except ValueError as wrong:
        yield f"multipart: {wrong}"
        return
    files = [part for part in found if "filename" in part]
    if found[len(found) - len(files) :] != files:
        yield f"texts come before files, not {[part['name'] for part in found]}"
    texts = sorted((part for part in found if "filename" not in part), key=lambda part: str(part["name"]))
    wanted = [_expected_part(part) for part in expected for _ in range(part.get("times", 1))]
    wanted_files = [part for part in wanted if "filename" in part]
    wanted_texts = sorted((part for part in wanted if "filename" not in part), key=lambda part: str(part["name"]))
    yield from _same("texts of the form", texts, wanted_texts)
    yield from _same("files of the form", files, wanted_files)


def _expected_part(told: Mapping[str, Any]) -> dict[str, Any]:
    if "bytes" not in told:
        return {"name": told["name"], "text": told["text"]}
    return {
        "name": told["name"],
        "filename": told["filename"],
        "type": told["type"],
        "sha256": sha256(told["bytes"]),
        "length": len(NAMED[told["bytes"]]),
    }


def parts_of(content_type: str, body: bytes) -> list[dict[str, Any]]:
    """The parts, by the letter of RFC 7578: nothing before, between and behind them. ValueError says what is odd."""
    kind = re.fullmatch(r'multipart/form-data; ?boundary=("?)([A-Za-z0-9\'()+_,./:=?-]{1,70})\1', content_type)
    if kind is None:
        raise ValueError(f"content-type is {content_type!r}")
    line = b"--" + kind[2].encode()
    first, *pieces, last = (b"\r\n" + body).split(b"\r\n" + line)
    if first or last not in (b"--\r\n", b"--"):
        raise ValueError(f"begins with {first[:60]!r}, ends with {last[-60:]!r}")
    return [_part(piece) for piece in pieces]


def _part(piece: bytes) -> dict[str, Any]:
    head, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not piece.startswith(b"\r\n") or not blank:
        raise ValueError(f"a part without head: {piece[:60]!r}")
    headers = [line.partition(": ") for line in head.decode("utf-8").split("\r\n")]
    told = {name.lower(): value for name, _, value in headers}
    named = _DISPOSITION.fullmatch(told.pop("content-disposition", ""))
    if named is None or len(headers) != len(told) + 1:
        raise ValueError(f"a part with the head {head!r}")
    kind = told.pop("content-type", "")
    if told:
        raise ValueError(f"{named[1]}: foreign headers {sorted(told)}")
    if named[2] is None:
        if kind:
            raise ValueError(f"{named[1]}: a text with the type {kind!r}")
        return {"name": named[1], "text": content.decode("utf-8")}
    return {
        "name": named[1],
        "filename": named[2],
        "type": kind,
        "sha256": hashlib.sha256(content).hexdigest(),
        "length": len(content),
    }


def _outcome(case: Case, port: Port, line: Mapping[str, Any]) -> Iterator[str]:
    yield from _same("warnings", sorted(set(line.get("warnings") or [])), sorted(case.warnings))
    yield from _same("retries", line.get("retries") or [], list(case.retries))
    expected = case.expected
    if expected is None:
        if (line.get("error") or {}).get("kind") in ("argument", "rule"):
            yield f"was refused: {line['error']}"
        return
    if "error" not in expected:
        yield from _same("error", line.get("error"), None)
    else:
        yield from _error(filled(dict(expected["error"]), port.origin), line.get("error") or {}, case, port)
    for name in ("answer", "events"):
        if name in expected:
            yield from _same(name, _bare(line.get(name)), _bare(filled(expected[name], port.origin)))
    if "request_id" in expected:
        yield from _same("request_id", line.get("request_id"), expected["request_id"])
    if "pictures" in expected:
        wanted = [_picture(name) for name in expected["pictures"]]
        yield from _same("pictures", line.get("pictures") or [], wanted)


def _picture(name: str | None) -> dict[str, Any] | None:
    if name is None:
        return None
    format, width, height = KINDS[name]
    return {"sha256": sha256(name), "format": format, "width": width, "height": height}


def _error(expected: dict[str, Any], found: Mapping[str, Any], case: Case, port: Port) -> Iterator[str]:
    yield from _same("error kind", found.get("kind"), expected.pop("kind"))
    kept = expected.pop("kept", False)
    if kept:
        body = body_of(case.answers[min(len(port.arrived), len(case.answers)) - 1], port.origin)
        yield from _same("raw answer", found.get("raw"), body.decode("utf-8", "replace"))
    if "message" in expected:
        yield from _same("error message", found.get("message"), expected.pop("message"))
    missing = [said for said in expected.pop("says", ()) if said not in str(found.get("message"))]
    yield from (f"error message: {_short(found.get('message'))} does not say {said!r}" for said in missing)
    finished = [_picture(name) for name in expected.pop("finished", ())]
    yield from _same("finished pictures of the error", found.get("finished") or [], finished)
    for name in _FACTS:
        yield from _same(f"error {name}", found.get(name) or None, expected.get(name))


def _bare(node: Any) -> Any:
    """JSON without nulls and files."""
    if isinstance(node, list):
        return [_bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {name: _bare(value) for name, value in node.items() if value is not None and name != "b64_json"}


def _same(what: str, found: Any, expected: Any) -> Iterator[str]:
    if _typed(found) != _typed(expected):
        yield f"{what}: {_short(found)}, not {_short(expected)}"


def _typed(node: Any) -> Any:
    """JSON so that true, 1 and 1.0 differ, and the order of members does not count."""
    if isinstance(node, dict):
        return {name: _typed(value) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_typed(one) for one in node]
    return (type(node), node)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 600 else f"{text[:400]}...{text[-100:]}"
