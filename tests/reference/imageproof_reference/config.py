"""What a reference provider is told when it starts."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from imageproof.contract.document import Document, load
from imageproof.errors import UsageError
from imageproof_reference.hosting import MIB
from imageproof_reference.moderation import Banned
from imageproof_reference.remote import Host
from imageproof_reference.renderers import Renderer

VARIABLE = re.compile(r"\{([^{}]*)\}")


def random_key() -> str:
    """A key that nobody guesses, in the customary form."""
    return f"sk-imageproof-{secrets.token_urlsafe(24)}"


@dataclass(frozen=True)
class Config:
    """`document` is the contract that is kept; `key` the bearer key that callers must show; `fault` the id of the one
    thing that is broken, `dialect` the id of the dialect that is spoken, "" for none.

    `url_seconds` is how long a hosted picture can be fetched, `pause_seconds` the wait between two events of a stream,
    `body_seconds` how long a caller may take for the next piece of its body.
    `max_body` and `max_json` are bytes: what the server is willing to read, far above what the contract allows.
    `max_pixels` bounds the pictures that are decoded, so that a small file cannot unpack into all of the memory.
    `max_hosted` is how many bytes of pictures can be fetched at the same time: beyond it the oldest are dropped.

    `renderer` makes the pictures; without one they are drawn here. `moderation` is what prompts may not contain,
    `requests_per_minute` how many requests are answered (0: all), `hosts` are those that JSON edits may point to.
    `record` is the folder in which each start of a server gets one for all that arrives.
    """

    document: Document = field(default_factory=load)
    key: str = field(default_factory=random_key)
    fault: str = ""
    dialect: str = ""
    url_seconds: float = 3600
    pause_seconds: float = 0.02
    body_seconds: float = 60
    max_body: int = 1024 * MIB
    max_json: int = 384 * MIB
    max_pixels: int = 64_000_000
    max_hosted: int = 128 * MIB
    renderer: Renderer | None = None
    moderation: tuple[Banned, ...] = ()
    requests_per_minute: int = 0
    hosts: tuple[Host, ...] = ()
    record: Path | None = None

    @property
    def base_path(self) -> str:
        """The path that all operations are below, such as `/v1`; "" for a document that names no server.

        Raises UsageError for a server whose URL cannot be read.
        """
        server = (self.document.data.get("servers") or [{}])[0]
        defaults = {name: str(one.get("default", "")) for name, one in server.get("variables", {}).items()}
        url = VARIABLE.sub(lambda found: defaults.get(found[1], ""), str(server.get("url", "/")))
        try:
            path = urlsplit(url).path.strip("/")
        except ValueError:
            raise UsageError(f"{self.document.source}: the URL of its server cannot be read: {url!r}") from None
        return f"/{path}" if path else ""
