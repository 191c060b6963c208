"""The reference provider with each picture drawn once in a process, and counted each time it is made.

Runs of this folder ask the same calls of some 300 servers, and what a call draws is the same every time: edits and
previews took a third of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

import pytest
from PIL import Image

from imageproof_reference import serving, studio
from imageproof_reference.app import create_app
from imageproof_reference.config import Config
from imageproof_reference.jobs import Job
from imageproof_reference.studio import Sources

Draw = Callable[[Job, int, Sources], Any]


@contextmanager
def drawn_once() -> Iterator[None]:
    """Whatever servers there are meanwhile draw a picture once."""
    make, previews = studio.make, studio.make_previews
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio, "make", kept(make))
        patch.setattr(studio, "make_previews", kept(lambda *asked: list(previews(*asked))))
        yield


def kept(draw: Draw) -> Draw:
    """What draws, asked once for all that a picture is made of: the job, and for its files their pixels."""
    known: dict[str, Any] = {}
    told = [one.name for one in fields(Job) if one.name not in ("files", "family")]  # the model tells the family

    def drawn(job: Job, index: int, sources: Sources) -> Any:
        pictures = *sources.pictures, *([sources.mask] if sources.mask else [])
        made_of = repr((*(getattr(job, name) for name in told), index, bool(sources.mask), pixels(pictures)))
        if made_of not in known:
            known[made_of] = draw(job, index, sources)
        return known[made_of]

    return drawn


def pixels(pictures: Sequence[Image.Image]) -> list[tuple[str, tuple[int, int], str]]:
    return [(one.mode, one.size, sha256(one.tobytes()).hexdigest()) for one in pictures]


@dataclass
class Meter:
    """What arrived at servers, and how many finished pictures they made."""

    requests: int = 0
    pictures: int = 0


@contextmanager
def metered() -> Iterator[Meter]:
    """A meter of the servers that are started meanwhile."""
    meter, make, create = Meter(), studio.make, create_app

    def counted(job: Job, index: int, sources: Sources) -> Any:
        meter.pictures += 1
        return make(job, index, sources)

    def app(config: Config) -> Any:
        inner: Any = create(config)

        async def heard(scope: Any, receive: Any, send: Any) -> None:
            meter.requests += scope["type"] == "http"
            await inner(scope, receive, send)

        return heard

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio, "make", counted)
        patch.setattr(serving, "create_app", app)
        yield meter
