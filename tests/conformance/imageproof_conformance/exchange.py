"""What the suite sends and what came back: the frozen records that every later step reads.

`Probe` is planned, `Exchange` is what the wire made of it, `Finding` is what a judge says of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Tier = Literal["free", "core", "standard", "full"]
TIERS: tuple[Tier, ...] = get_args(Tier)  # the cheapest first; each is part of the next
Expect = Literal["served", "refused", "either"]
Outcome = Literal["pass", "fail"]


@dataclass(frozen=True)
class Part:
    """One part of a multipart body. `filename` None makes it a text part."""

    name: str
    data: bytes
    filename: str | None = None
    media_type: str | None = None


@dataclass(frozen=True)
class Request:
    """A request as the planner means it; the wire makes bytes of it.

    At most one of `json`, `parts` and `raw` is given. `json` is any JSON value (`None` is no body, not null).
    `key` says which Authorization goes out: the target's, none, or a wrong one.
    """

    method: str
    path: str
    json: Any = None
    parts: tuple[Part, ...] | None = None
    raw: bytes | None = None
    media_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    key: Literal["yes", "none", "bad"] = "yes"


@dataclass(frozen=True)
class Probe:
    """One planned call.

    id        stable and readable, unique in a plan: `gpt-image-1/createImage/plain`
    operation operationId of the canonical document (`createImage`, `listModels`, ...)
    asked     parameter -> value as sent, for the judges (files are `FileFacts`, or a list of them)
    expect    what a behaving target does
    rules     requirement ids that this call gives evidence for
    breaks    the rule by which a behaving target refuses a call that asks something else of it, "" for none: what is
              asked is legal, and the refusal must be about the rule broken on purpose
    about     the one parameter that a refusal must be about, "" where there is none or several
    last      sent when all other calls of its stage are answered
    images    pictures that a behaving target makes (0 for a refusal, and for what may be refused and mostly is)
    worst     pictures if the target serves it whatever it is
    source    "plan" for a hand-made probe, "schemathesis" for a generated one, "recorded" for a call that somebody made
    """

    id: str
    operation: str
    model: str
    request: Request
    expect: Expect
    rules: tuple[str, ...]
    tier: Tier = "free"
    asked: Mapping[str, Any] = field(default_factory=dict)
    images: int = 0
    worst: int = 0
    source: Literal["plan", "schemathesis", "recorded"] = "plan"
    breaks: str = ""
    about: str = ""
    last: bool = False

    @property
    def legal_images(self) -> int:
        """Pictures that a target makes at most which keeps the contract: it may serve what it may refuse."""
        return max(self.images, self.worst) if self.expect == "either" and self.tier != "free" else self.images


@dataclass(frozen=True)
class Chunk:
    """Bytes as they arrived; `at` is seconds since the request was sent."""

    at: float
    data: bytes


@dataclass(frozen=True)
class Download:
    """What a URL of an answer gave, fetched without the key. `failure` says why there is no body."""

    url: str
    status: int | None = None
    media_type: str = ""
    body: bytes = b""
    failure: str = ""


@dataclass(frozen=True)
class Exchange:
    """One call as it happened. `status` is None when nothing was answered, and `failure` says why. `earlier` are the
    sendings of the call before this one, which were turned away; `later` is what its links gave when they were fetched
    once more, without the bytes, `later_after` seconds after the answer."""

    probe: Probe
    url: str
    sent_headers: tuple[tuple[str, str], ...]
    sent_body: bytes
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[Chunk, ...] = ()
    seconds: float = 0.0
    started: float = 0.0  # Unix seconds, for the judges of timestamps
    failure: str = ""
    downloads: tuple[Download, ...] = ()
    earlier: tuple[Exchange, ...] = ()
    later: tuple[Download, ...] = ()
    later_after: float = 0.0

    @property
    def body(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The media type without its parameters, lower case; "" when there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Finding:
    """What a judge says of one exchange, for one requirement. `got` is short and safe to print. The message of a pass
    says what it does not cover, "" for nothing."""

    rule: str
    outcome: Outcome
    message: str = ""
    asked: str = ""
    got: str = ""
