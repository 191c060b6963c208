"""Files that go out: where their bytes are, their name and media type, and the parts of a form."""

from __future__ import annotations

import datetime
import enum
import io
import json
import mimetypes
import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

from ._model import NotGiven, is_list, is_mapping, is_sequence
from ._pictures import HEAD, sniff


class PilImage(Protocol):
    """A picture of Pillow's, which travels as PNG."""

    def save(self, fp: Any, format: str | None = None) -> None:
        """Writes it."""


FileContent: TypeAlias = os.PathLike[str] | bytes | bytearray | IO[bytes] | PilImage
FileTuple: TypeAlias = tuple[str, FileContent] | tuple[str, FileContent, str]
FileInput: TypeAlias = str | FileContent | FileTuple
"""A path, the bytes, an open file, a picture of Pillow's, or a tuple of name, content (a path as a Path), and perhaps
the media type. A path and an open file are read while they are sent, so that a large one takes no memory."""

PIECE = 256 * 1024  # bytes read and sent at a time
LONGEST_PATH = 4096  # letters; what is longer is base64
NO_PATH = re.compile("(https?|data):", re.IGNORECASE)


@dataclass(frozen=True)
class Upload:
    """A file to send. `content` is its bytes, a path, or an open file that is read from `start`, where it stood."""

    name: str
    media_type: str
    size: int
    content: bytes | Path | IO[bytes]
    start: int = 0

    def pieces(self) -> Iterator[bytes]:
        """The bytes, from the start each time."""
        if isinstance(self.content, bytes):
            yield from (self.content[at : at + PIECE] for at in range(0, self.size, PIECE))
        elif isinstance(self.content, Path):
            with self.content.open("rb") as file:
                yield from self._read(file)
        else:
            self.content.seek(self.start)
            yield from self._read(self.content)

    def head(self) -> bytes:
        """The first bytes, enough to tell what it is."""
        return next(self.pieces(), b"")[:HEAD]

    def _read(self, file: IO[bytes]) -> Iterator[bytes]:
        left = self.size
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise ValueError(f"{self.name}: the file became shorter while it was sent")
            left -= len(piece)
            yield piece


@dataclass(frozen=True)
class Form:
    """A multipart body. `parts` are head and content of each part; it can be sent again and again."""

    parts: tuple[tuple[bytes, bytes | Upload], ...]
    boundary: str

    @property
    def media_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def size(self) -> int:
        """Bytes in all."""
        contents = sum(one.size if isinstance(one, Upload) else len(one) for _, one in self.parts)
        heads = sum(len(head) + len(self.boundary) + 6 for head, _ in self.parts)
        return heads + contents + len(self.boundary) + 6

    def pieces(self) -> Iterator[bytes]:
        """The bytes, small ones together."""
        held = b""
        for head, content in self.parts:
            held += b"--%s\r\n%s" % (self.boundary.encode(), head)
            for piece in content.pieces() if isinstance(content, Upload) else (content,):
                held += piece
                if len(held) >= PIECE:
                    yield held
                    held = b""
            held += b"\r\n"
        yield held + b"--%s--\r\n" % self.boundary.encode()


def form_of(values: Mapping[str, Any], lists: Mapping[str, str], documents: Collection[str]) -> Form:
    """The parts of a multipart form, texts first and files, which are Uploads, last; None has no part. `lists` is the
    part name of a list where it differs, `documents` are objects that travel as one part of JSON."""
    texts: list[tuple[bytes, bytes | Upload]] = []
    files: list[tuple[bytes, bytes | Upload]] = []
    for name, value in values.items():
        if value is None:
            continue
        uploads = uploads_in(value)
        if uploads:
            part = lists.get(name, name) if is_list(value) else name
            files += [(_head(part, one.name, one.media_type), one) for one in uploads]
        elif name in documents:
            texts.append((_head(name, None, "application/json"), json_of(name, value)))
        else:
            pairs = form_texts(name, value, lists.get(name, name))
            texts += [(_head(part), text.encode("utf-8", "backslashreplace")) for part, text in pairs]
    return Form((*texts, *files), secrets.token_hex(16))


def uploads_in(value: Any) -> list[Upload]:
    """The Upload that a value is, or those that it holds."""
    return [one for one in (value if is_sequence(value) else [value]) if isinstance(one, Upload)]


def upload_of(name: str, value: FileInput) -> Upload:
    """A file that is given as the argument `name`. Its type is what its bytes are, and only then what its name says.
    TypeError and ValueError, which name the argument, for what is no file; OSError for a path that cannot be read."""
    told_name, told_type, content = "", "", value
    if isinstance(value, tuple):
        texts = (value[0], *value[2:]) if len(value) in (2, 3) else (None,)
        if not all(isinstance(one, str) for one in texts) or not is_content(value[1]):
            raise TypeError(f"{name}: a tuple is (name, content) or (name, content, media type); use a list for files")
        told_name, content, told_type = value[0], value[1], value[2] if len(value) == 3 else ""
        if not told_type.isprintable():
            raise ValueError(f"{name}: a media type has no control characters: {told_type!r}")
    found = _found(name, content)
    _, suffix, media_type = sniff(found.head())
    file_name = told_name or found.name or (f"{name}.{suffix}" if suffix else name)
    guessed = told_type or media_type or mimetypes.guess_type(file_name)[0] or "application/octet-stream"
    return Upload(file_name, guessed, found.size, found.content, found.start)


def _found(name: str, content: Any) -> Upload:
    """A file under its own name, "" for one without."""
    if isinstance(content, bytes | bytearray):
        return Upload("", "", len(content), bytes(content))
    if isinstance(content, str) and (len(content) > LONGEST_PATH or NO_PATH.match(content)):
        raise ValueError(f"{name}: {content[:40]!r} is no path; give the bytes of the file")
    if isinstance(content, str | Path) or hasattr(content, "__fspath__"):
        path = Path(content)
        with path.open("rb") as file:
            return Upload(path.name, "", file.seek(0, io.SEEK_END), path)
    if hasattr(content, "read"):
        return _opened(name, content)
    if hasattr(content, "save") and hasattr(content, "mode"):
        buffer = io.BytesIO()
        content.save(buffer, format="PNG")
        return Upload("", "", buffer.tell(), buffer.getvalue())
    hint = "; a picture of an answer goes by its to_bytes()" if hasattr(content, "to_bytes") else ""
    told = f"not a path, bytes, a file or a tuple of name and one of these: {type(content).__name__}"
    raise TypeError(f"{name}: {told}{hint}")


def _opened(name: str, file: IO[bytes]) -> Upload:
    own_name = getattr(file, "name", "")
    own_name = Path(own_name).name if isinstance(own_name, str) else ""
    if isinstance(file.read(0), str):
        raise TypeError(f"{name}: the file is open as text; open it with mode 'rb'")
    if not (hasattr(file, "seekable") and file.seekable()):
        content = file.read()
        return Upload(own_name, "", len(content), content)
    start = file.tell()
    size = file.seek(0, io.SEEK_END) - start
    if size <= 0 < start:
        raise ValueError(f"{name}: the file was read to its end before; call seek(0) on it")
    return Upload(own_name, "", size, file, start)


def is_content(value: Any) -> bool:
    """Whether a value that nobody declared can only be a file."""
    pillow = hasattr(value, "save") and hasattr(value, "mode")
    return isinstance(value, bytes | bytearray | os.PathLike) or hasattr(value, "read") or pillow


def joined(name: str, value: Any) -> Any:
    """A list as one text with commas; any other value is handed back as it is."""
    return ",".join(text_of(name, item) for item in value) if is_sequence(value) else value


def form_texts(name: str, value: Any, many: str) -> Iterator[tuple[str, str]]:
    """Text parts of one argument: numbers in decimals, booleans as true and false, members of objects in brackets."""
    if value is None or isinstance(value, NotGiven):
        return
    if is_mapping(value):
        for key, item in value.items():
            yield from form_texts(f"{name}[{key}]", item, f"{name}[{key}][]")
    elif is_sequence(value):
        for item in value:
            yield from form_texts(many, item, many)
    else:
        yield name, text_of(name, value)


def text_of(name: str, value: Any) -> str:
    """A scalar as text on the wire; dates and times in ISO 8601. TypeError, which names the argument, for any other."""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if not isinstance(value, str | int | float):
        raise TypeError(f"{name}: {type(value).__name__} cannot be sent as text")
    return str(value)


def json_of(name: str, value: Any) -> bytes:
    """JSON as every server reads it: dates and times in ISO 8601, half a surrogate pair as an escape. TypeError or
    ValueError, which names the argument (of "", a whole body, the member), for what JSON has no word for, as NaN."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        if not name and is_mapping(value):
            for member, item in value.items():
                json_of(str(member) or "''", item)
        raise type(error)(f"{name or 'body'}: {error}") from None
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any) -> str:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _head(name: str, file_name: str | None = None, media_type: str = "") -> bytes:
    """The head of a part, with its empty line. Names travel as UTF-8, with what would end them percent-encoded."""
    lines = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    lines += f'; filename="{_quoted(file_name)}"' if file_name is not None else ""
    lines += f"\r\nContent-Type: {media_type}" if media_type else ""
    return f"{lines}\r\n\r\n".encode("utf-8", "backslashreplace")


def _quoted(name: str) -> str:
    return "".join(f"%{ord(letter):02X}" if letter in '"\x7f' or letter < " " else letter for letter in name)
