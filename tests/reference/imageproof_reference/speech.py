"""What dialects and faults work on: the head of a request, an answer that is whole, and one frame of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imageproof.contract.document import Document

Headers = tuple[tuple[str, str], ...]  # names in lower case, in the order of the wire


@dataclass(frozen=True)
class Asked:
    """The head of a request; `path` is decoded and begins with a slash, `query` is as it came. `deployment` is the
    model that a path names beside the contract, "" for none."""

    method: str
    path: str
    query: str
    headers: Headers
    deployment: str = ""

    def header(self, name: str) -> str | None:
        """The first header of that name, None without one."""
        return next((value for one, value in self.headers if one == name), None)


@dataclass(frozen=True)
class Said:
    """A whole answer. `body` is its JSON, None where it has none; `raw` its bytes then. `before` goes ahead of it."""

    status: int
    headers: Headers
    body: Any = None
    raw: bytes = b""
    before: bytes = b""

    @property
    def failed(self) -> bool:
        return self.status >= 400

    def payload(self) -> bytes:
        """The bytes of the body."""
        return self.before + (self.raw if self.body is None else json.dumps(self.body, separators=(",", ":")).encode())

    def with_header(self, name: str, value: str) -> Headers:
        """The headers with this one in place of those of its name."""
        return (*(pair for pair in self.headers if pair[0] != name), (name, value))


@dataclass(frozen=True)
class Frame:
    """One frame of a stream: the text of its event line (None for no line) and its data. `place` tells the frames that
    carry events from the beginning and the end of the stream, which have no data. Texts before and after are comments
    or frames of another kind. `last` says that the connection is closed in the middle of it."""

    place: Literal["opening", "event", "closing"]
    name: str | None = None
    data: Mapping[str, Any] | None = None
    before: str = ""
    after: str = ""
    last: bool = False

    def text(self) -> str:
        """The frame as it goes over the wire."""
        line = f"event: {self.name}\n" if self.name is not None else ""
        event = f"{line}data: {json.dumps(self.data)}\n\n" if self.data is not None else ""
        return f"{self.before}{event}{self.after}"


@dataclass(frozen=True)
class Room:
    """Where a request is answered.

    base        the path that the operations are below
    key         the server's own
    operation   the operationId that was asked, "hosted" for a picture by its URL, "preflight" for a browser's question
                whether it may call, "" for anything else
    deployment  the model that the path named, "" for none
    link        hosts the bytes of a picture in a file format, and says their URL
    fetch       the bytes behind a URL that is hosted here, None for any other
    head        the head of the request as it came
    asked       the parameters of its body as they are understood, {} where none was read
    refused     how many requests this server has refused before
    former      the body of the refusal (status 400) before this answer, None where that is not known
    """

    document: Document
    base: str
    key: str
    operation: str
    deployment: str
    link: Callable[[bytes, str], str]
    fetch: Callable[[str], bytes | None]
    head: Asked
    asked: Mapping[str, Any] = field(default_factory=dict)
    refused: int = 0
    former: Any = None

    @property
    def makes(self) -> bool:
        """Whether the operation makes pictures."""
        return self.operation in ("createImage", "createImageEdit", "createImageVariation")
