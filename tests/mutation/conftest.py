"""The runs of this folder ask the same calls of some 300 servers. What a call draws is the same every time, so that one
process draws it once: edits and previews took a third of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from hashlib import sha256
from typing import Any

import pytest
from PIL import Image

from imageproof_reference import studio
from imageproof_reference.jobs import Job
from imageproof_reference.studio import Sources


@pytest.fixture(scope="session", autouse=True)
def drawn_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make, previews = studio.make, studio.make_previews
        patch.setattr(studio, "make", kept(make))
        patch.setattr(studio, "make_previews", kept(lambda *asked: list(previews(*asked))))
        yield


def kept(draw: Callable[[Job, int, Sources], Any]) -> Callable[[Job, int, Sources], Any]:
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
