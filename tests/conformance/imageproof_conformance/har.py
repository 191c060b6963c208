"""A HAR file (HTTP Archive 1.2) as calls: what browsers, proxies and test tools wrote down.

The tools differ in how they keep bodies: as text, as base64, as the parameters of a form, as a file beside the HAR, or
not at all. What is not there stays unknown, with the reason. Source: the HAR 1.2 specification (Jan Odvarko, 2012), and
what Chromium, Firefox, Playwright, mitmproxy and Charles write.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imageproof.errors import DocumentError, Problem
from imageproof_conformance.exchange import Chunk, Part
from imageproof_conformance.probes_pictures import file_facts

_BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)
_NAMED = re.compile(r'(?:^|[;\s])(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_HINT = "export it again from the network panel, or the proxy, as HAR with content"


@dataclass(frozen=True)
class Call:
    """One entry, `number` counting from 1.

    body     what was sent, None where the HAR does not hold it; `parts` those of a form, None for no form
    answer   what came back, None where the HAR does not hold it
    started  Unix seconds, None unknown; `seconds` is how long it took
    failure  why there is no answer
    chunks   the answer as it arrived, where that is known
    """

    number: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    parts: tuple[Part, ...] | None
    media_type: str
    status: int | None
    answer_headers: tuple[tuple[str, str], ...]
    answer: bytes | None
    started: float | None
    seconds: float
    failure: str = ""
    chunks: tuple[Chunk, ...] | None = None


@dataclass(frozen=True)
class Archive:
    """A HAR: its calls, who wrote it, and the numbers of entries that are none."""

    calls: tuple[Call, ...]
    creator: str
    broken: tuple[int, ...]


def read(path: Path) -> Archive:
    """The calls of a HAR. DocumentError, with the line where there is one, for a file that is none."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    if text.startswith("PK\x03\x04"):
        raise _problem(path, 1, "it is a zip archive", "unpack it, and name the .har file in it")
    try:
        data = json.loads(text)
    except RecursionError:
        raise _problem(path, 1, "it is nested too deep for a HAR", _HINT) from None
    except ValueError as error:
        where, said = (error.lineno, error.msg) if isinstance(error, json.JSONDecodeError) else (1, str(error))
        message = f"it is neither a run nor a HAR: no JSON: {said}"
        raise _problem(path, where, message, "where it is a HAR, it was cut off or edited") from None
    log = data.get("log") if isinstance(data, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(log, dict) or not isinstance(entries, list):
        raise _problem(path, 1, "it is neither a run nor a HAR: it has no `log` with `entries`", _HINT)
    creator = _dict(log.get("creator"))
    calls: list[Call] = []
    broken: list[int] = []
    for number, entry in enumerate(entries, 1):
        call = _call(number, entry, path.parent)
        if call is None:
            broken.append(number)
        else:
            calls.append(call)
    name = " ".join(str(creator[key]) for key in ("name", "version") if creator.get(key))
    return Archive(tuple(calls), name, tuple(broken))


def _problem(path: Path, line: int, message: str, hint: str) -> DocumentError:
    return DocumentError([Problem(str(path), message, line=line, hint=hint)])


def _call(number: int, entry: Any, folder: Path) -> Call | None:
    request, response = _dict(_dict(entry).get("request")), _dict(_dict(entry).get("response"))
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str) or not response:
        return None
    headers, post = _headers(request), _dict(request.get("postData"))
    media_type = _header(headers, "content-type") or str(post.get("mimeType") or "")
    body, parts = _sent(post, media_type)
    if not post and (method.upper() == "POST" or _length(request.get("bodySize")) > 0):
        body = None
    status = response.get("status")
    heard = status if isinstance(status, int) and not isinstance(status, bool) and status > 0 else None
    said = str(response.get("_error") or response.get("_failureText") or entry.get("_error") or "")
    return Call(
        number,
        method.upper(),
        url,
        headers,
        body,
        parts,
        media_type,
        heard,
        _headers(response),
        _answer(_dict(response.get("content")), folder),
        _time(entry.get("startedDateTime")),
        max(_number(entry.get("time")), 0.0) / 1000,
        "" if heard is not None else f"no answer{f': {said}' if said else ''}",
    )


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _length(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _headers(message: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers of a message, without the pseudo-headers of HTTP/2."""
    listed = message.get("headers")
    rows = [_dict(one) for one in listed] if isinstance(listed, list) else []
    pairs = [(row.get("name"), row.get("value")) for row in rows]
    return tuple((str(name), str(value)) for name, value in pairs if isinstance(name, str) and name[:1] != ":")


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for one, value in headers if one.lower() == name), "")


def _time(text: Any) -> float | None:
    try:
        when = datetime.fromisoformat(str(text))
        return when.timestamp() if when.tzinfo else when.replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _answer(content: Mapping[str, Any], folder: Path) -> bytes | None:
    """The body of an answer; None where the HAR does not hold it, or not all of it."""
    file, text, size = content.get("_file"), content.get("text"), _length(content.get("size"))
    if isinstance(file, str) and file == Path(file).name:
        try:
            return (folder / file).read_bytes()
        except OSError:
            return None
    if not isinstance(text, str):
        return b"" if "text" not in content and content.get("size") == 0 else None
    data = _decoded(text, content.get("encoding"))
    if data is None or (not data and size > 0):
        return None
    if size > len(data) and str(content.get("mimeType", "")).startswith("application/json") and not _is_json(data):
        return None  # cut off by a limit of the tool
    return data


def _decoded(text: str, encoding: Any) -> bytes | None:
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=False)
        except ValueError:
            return None
    return text.encode("utf-8", "surrogatepass") if encoding in (None, "", "utf-8", "utf8", "text") else None


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _sent(post: Mapping[str, Any], media_type: str) -> tuple[bytes | None, tuple[Part, ...] | None]:
    """The body of a request, and its parts where it is a form."""
    form = media_type.lower().startswith("multipart/form-data")
    text, params = post.get("text"), post.get("params")
    if isinstance(text, str) and text:
        data = _decoded(text, post.get("encoding") or post.get("_encoding"))
        if data is None or not form:
            return data, None
        sure = bool(post.get("encoding"))
        # A file in a text: each character is a byte, or what is no UTF-8 was replaced and is lost.
        raw = [text.encode("latin-1")] if not sure and max(text) <= "\xff" else []
        found = [parts for one in (data, *raw) if (parts := tuple(_parts(one, media_type)))]
        best = min(found, key=lambda parts: sum(_doubtful(part) for part in parts), default=())
        return data, best if sure else tuple(_emptied(part) for part in best)
    if form and isinstance(params, list):
        return None, tuple(_params(params))
    return (b"" if not post else None), None


def _doubtful(part: Part) -> bool:
    """Whether the bytes of a file may not be those that were sent: it was read as text, and is no picture now."""
    return part.filename is not None and not part.data.isascii() and not file_facts(part.data).format


def _emptied(part: Part) -> Part:
    """A part whose bytes are left out where they are in doubt."""
    return replace(part, data=b"") if _doubtful(part) else part


def held(part: Part) -> bool:
    """Whether a part is there: of a file that has no bytes a tool left them out, or they were lost."""
    return part.filename is None or bool(part.data)


def _params(params: list[Any]) -> Iterator[Part]:
    for one in map(_dict, params):
        file, value = one.get("fileName"), one.get("value")
        raw = value if isinstance(value, str) else ""
        wide = max(raw, default="") > "\xff"
        data = raw.encode("utf-8" if wide or file is None else "latin-1", "surrogatepass")
        kind = one.get("contentType")
        name = file if isinstance(file, str) else None
        yield _emptied(Part(str(one.get("name", "")), data, name, kind if isinstance(kind, str) else None))


def form(body: bytes, media_type: str) -> tuple[Part, ...] | None:
    """The parts of a body, None where it is no form."""
    return tuple(_parts(body, media_type)) if media_type.lower().startswith("multipart/form-data") else None


def _parts(body: bytes, media_type: str) -> Iterator[Part]:
    """The parts of multipart/form-data (RFC 7578); none where it has no boundary or does not end."""
    named = _BOUNDARY.search(media_type)
    if named is None:
        return
    pieces = (b"\r\n" + body).split(b"\r\n--" + named[1].strip().encode("utf-8", "replace"))
    if not pieces[-1].startswith(b"--"):
        return
    for piece in pieces[1:-1]:
        head, blank, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        told = {key.lower(): value for key, value in _NAMED.findall(fields.get("content-disposition", ""))}
        if blank and "name" in told:
            yield Part(told["name"], data, told.get("filename"), fields.get("content-type"))
