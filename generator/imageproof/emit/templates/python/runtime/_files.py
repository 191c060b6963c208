"""Files that go out: their bytes, name and media type, and the parts of a form."""

from __future__ import annotations

import datetime
import enum
import json
import mimetypes
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

from ._model import NotGiven

FileContent: TypeAlias = os.PathLike[str] | bytes | bytearray | IO[bytes]
FileTuple: TypeAlias = tuple[str, FileContent] | tuple[str, FileContent, str]
FileInput: TypeAlias = str | FileContent | FileTuple
"""A path, the bytes, an open file, or a tuple of name, content (a path as a Path), and perhaps the media type."""

Part: TypeAlias = tuple[str | None, bytes, str] | tuple[None, str]

# First bytes of a file -> suffix and media type.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png", "image/png"),
    (b"\xff\xd8\xff", "jpg", "image/jpeg"),
    (b"GIF87a", "gif", "image/gif"),
    (b"GIF89a", "gif", "image/gif"),
)


def sniff(content: bytes) -> tuple[str, str]:
    """Suffix and media type that the bytes of a picture tell; ("", "") for anything else."""
    for signature, suffix, media_type in _SIGNATURES:
        if content.startswith(signature):
            return suffix, media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp", "image/webp"
    if b"<svg" in content[:1024] and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "svg", "image/svg+xml"
    return "", ""


def raw_bytes(value: FileInput | NotGiven) -> bytes | NotGiven:
    """The bytes of a file, whatever form it was given in."""
    return value if isinstance(value, NotGiven) else _file("file", value)[1]


def joined(name: str, value: Any) -> Any:
    """A list as one text with commas; any other value is handed back as it is."""
    return ",".join(text_of(name, item) for item in value) if isinstance(value, list | tuple) else value


def form_parts(
    form: Mapping[str, Any], files: Collection[str], lists: Mapping[str, str], documents: Collection[str]
) -> list[tuple[str, Part]]:
    """The parts of a multipart form, texts first and files last.

    `files` are the arguments that hold files, `lists` gives the part name for a list where it differs, `documents` are
    objects that travel as one part of JSON. What is not given, and None, has no part.
    """
    texts: list[tuple[str, Part]] = []
    uploads: list[tuple[str, Part]] = []
    for name, value in form.items():
        if value is None or isinstance(value, NotGiven):
            continue
        if name in files or _is_content(value):
            several = isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | tuple)
            if several and not value:
                raise ValueError(f"{name}: the list of files is empty")
            part = lists.get(name, name) if several else name
            uploads += [(part, _file(name, item)) for item in (value if several else [value])]
        elif name in documents:
            texts.append((name, (None, json_of(name, value), "application/json")))
        else:
            texts += [(part, (None, text)) for part, text in form_texts(name, value, lists.get(name, name))]
    return texts + uploads


def form_texts(name: str, value: Any, many: str) -> Iterator[tuple[str, str]]:
    """Text parts of one argument: numbers in decimals, booleans as true and false, members of objects in brackets."""
    if value is None or isinstance(value, NotGiven):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from form_texts(f"{name}[{key}]", item, f"{name}[{key}][]")
    elif isinstance(value, list | tuple):
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
    """JSON as every server reads it: dates and times in ISO 8601, half a surrogate pair as an escape.

    TypeError or ValueError, which names the argument ("" for a whole body, whose member is named), for what JSON has
    no word for, such as a set or NaN.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        if not name and isinstance(value, Mapping):
            for member, item in value.items():
                json_of(str(member) or "''", item)
        raise type(error)(f"{name or 'body'}: {error}") from None
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any) -> str:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _is_content(value: Any) -> bool:
    """Whether a value that nobody declared can only be a file."""
    return isinstance(value, bytes | bytearray | os.PathLike) or hasattr(value, "read")


def _file(name: str, value: FileInput) -> tuple[str | None, bytes, str]:
    """Name, bytes and media type of a file; the type is what the bytes are, and only then what the name says."""
    told_name, told_type = "", ""
    if isinstance(value, tuple):
        texts = (value[0], *value[2:]) if len(value) in (2, 3) else (None,)
        if not all(isinstance(one, str) for one in texts) or not _is_content(value[1]):
            raise TypeError(f"{name}: a tuple is (name, content) or (name, content, media type); use a list for files")
        told_name, told_type = value[0], value[2] if len(value) == 3 else ""
        value = value[1]
        if not told_type.isprintable():
            raise ValueError(f"{name}: a media type has no control characters: {told_type!r}")
    content, own_name = _read(name, value)
    suffix, media_type = sniff(content)
    file_name = told_name or own_name or (f"{name}.{suffix}" if suffix else name)
    guessed = media_type or mimetypes.guess_type(file_name)[0] or "application/octet-stream"
    return file_name, content, told_type or guessed


def _read(name: str, value: str | FileContent) -> tuple[bytes, str]:
    if isinstance(value, bytes | bytearray):
        return bytes(value), ""
    if isinstance(value, str | os.PathLike):
        return Path(value).read_bytes(), Path(value).name
    if hasattr(value, "read"):
        content = value.read()
        if isinstance(content, bytes):
            if not content and hasattr(value, "seekable") and value.seekable() and value.tell() > 0:
                raise ValueError(f"{name}: the file was read to its end before; call seek(0) on it")
            own_name = getattr(value, "name", "")
            return content, Path(own_name).name if isinstance(own_name, str) else ""
        raise TypeError(f"{name}: the file is open as text; open it with mode 'rb'")
    raise TypeError(f"{name}: not a path, bytes, a file or a tuple of name and one of these: {type(value).__name__}")
