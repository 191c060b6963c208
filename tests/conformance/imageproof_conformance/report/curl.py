"""A curl line that repeats a call when it is pasted into a POSIX shell, without the key, and the files it sends."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from imageproof_conformance import shell
from imageproof_conformance.exchange import Exchange, Part
from imageproof_conformance.profile import Profile
from imageproof_conformance.report.clean import line
from imageproof_conformance.sending import MASK

UPLOADS = "uploads"  # the folder of a run's reports where the files lie that curl lines send
LONGEST = 1000  # characters of a body within a line; a longer one lies in a file

_NAME = re.compile(r"[\w.\[\]-]+", re.ASCII)  # of a part or a file, which curl takes as it stands


@dataclass(frozen=True)
class Curl:
    """`line` is what to paste; `files` are the contents that it sends, by their name in the folder of the uploads."""

    line: str
    files: Mapping[str, bytes] = field(default_factory=dict)


def curl(exchange: Exchange, profile: Profile, folder: str = "") -> Curl:
    """The line for an exchange. `folder` is that of the reports, as seen from where the line will be pasted."""
    request, files = exchange.probe.request, dict[str, bytes]()
    words = ["curl", "-sS", "-i"]
    if request.method != ("POST" if exchange.sent_body else "GET"):
        words += ["-X", request.method]
    words += [word for header in _headers(exchange, profile) for word in ("-H", header)]
    words += _form(request.parts, folder, files) if _plain(request.parts) else _body(exchange, folder, files)
    if re.search(r"[\[\]{}]", exchange.url):
        words.append("--globoff")
    return Curl(" ".join([*words, shlex.quote(line(exchange.url, LONGEST))]), files)


def _headers(exchange: Exchange, profile: Profile) -> Iterator[str]:
    """The headers as words of a shell: the key, what all calls of the run have, and what this one has."""
    request, sending, key = exchange.probe.request, profile.sending, profile.key_word
    if request.key == "bad":
        yield shlex.quote(f"{sending.key_header}: {sending.key_value('wrong')}")
    elif request.key == "yes" and key:
        yield f'"{sending.key_header}: {sending.key_value(key)}"'
    own = {name.lower() for name, _ in request.headers}
    further = {name.lower() for name, _ in sending.headers} - own
    for name, value in exchange.sent_headers:
        if name.lower() in further:
            yield shell.word(shell.said(name)) if value == MASK else shlex.quote(line(f"{name}: {value}"))
    yield from (shlex.quote(line(f"{name}: {value}")) for name, value in request.headers)


def _plain(parts: tuple[Part, ...] | None) -> bool:
    """Whether curl can make such a form itself."""
    return parts is not None and all(map(_plain_part, parts))


def _plain_part(part: Part) -> bool:
    if not _NAME.fullmatch(part.name):
        return False
    if part.filename is None:
        text = part.data.decode("utf-8", "replace")
        return part.media_type is None and len(text) <= LONGEST and _one_line(part.data)
    return bool(
        part.media_type and _NAME.fullmatch(part.filename) and _NAME.fullmatch(part.media_type.replace("/", ""))
    )


def _form(parts: tuple[Part, ...] | None, folder: str, files: dict[str, bytes]) -> list[str]:
    words = []
    for part in parts or ():
        if part.filename is None:
            words += ["--form-string", shlex.quote(f"{part.name}={part.data.decode('utf-8')}")]
        else:
            path = _quoted(_file(part.data, part.filename, folder, files))
            words += ["-F", shlex.quote(f"{part.name}=@{path};filename={part.filename};type={part.media_type}")]
    return words


def _quoted(path: str) -> str:
    """A path as curl reads it within -F, whatever is in it."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _body(exchange: Exchange, folder: str, files: dict[str, bytes]) -> list[str]:
    body = exchange.sent_body
    if not body:
        return []
    media_type = next((value for name, value in exchange.sent_headers if name.lower() == "content-type"), "")
    words = ["-H", shlex.quote(line(f"Content-Type: {media_type}").strip())]
    if len(body) <= LONGEST and _one_line(body) and not body.startswith(b"@"):
        return [*words, "--data-binary", shlex.quote(body.decode("utf-8"))]
    name = "body.json" if "json" in media_type else "body.bin"
    return [*words, "--data-binary", shlex.quote(f"@{_file(body, name, folder, files)}")]


def _one_line(data: bytes) -> bool:
    """Whether bytes are text that a terminal shows, and a shell reads, as it is."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return text.isprintable()


def _file(data: bytes, name: str, folder: str, files: dict[str, bytes]) -> str:
    """The path of a file with such contents."""
    kept = f"{hashlib.sha256(data).hexdigest()[:8]}-{name}"
    files[kept] = data
    return str(PurePosixPath(folder, UPLOADS, kept))
