"""Makes the pictures of a job: what `drawing` paints and `encoding` packs, chosen by the job's format and inputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from PIL import Image, ImageChops
from starlette.requests import ClientDisconnect

from imageproof_reference.captions import packet
from imageproof_reference.drawing import INSET_SHARE, Canvas, draw, edit, paint, preview
from imageproof_reference.encoding import encode, encode_drawn, encode_frames, svg
from imageproof_reference.files import picture_of
from imageproof_reference.jobs import Job
from imageproof_reference.memory import Gate
from imageproof_reference.scene import scene

DRAWING = Gate(4 * 1024 * 1024)  # pixels of canvases in the making at once; an edit takes some 20 bytes for each
KEPT_PICTURES = 64  # a picture is made from its parameters alone, so the same ones need not be drawn twice


@dataclass(frozen=True)
class Sources:
    """The pictures that an edit starts from, no larger than it needs, and the mask, where there is one."""

    pictures: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None


@dataclass(frozen=True)
class Made:
    """The file of the picture number `index`, from 0. `preview` counts the pictures on the way to it, also from 0; it
    is None for the finished one."""

    data: bytes
    index: int
    preview: int | None = None


# Makes the pictures of a job, one after the other; those on the way come for streams alone. Once the event is set
# nobody waits for them any more, and ClientDisconnect ends the work.
Making = Callable[[Job, threading.Event], Iterator[Made]]


def prepare(job: Job, max_pixels: int) -> Making:
    """What makes the pictures of a job. Its input files must stay open meanwhile: they are unpacked when its turn
    comes, because the pictures of all who wait could fill the memory."""
    return partial(_drawn, max_pixels)


def _drawn(max_pixels: int, job: Job, gone: threading.Event) -> Iterator[Made]:
    """Raises Refusal for a file that has no readable picture any more."""
    # Nobody waits while there is one who makes pictures for a stream that is read slowly.
    for batch in [[index] for index in range(job.n)] if job.stream else [range(job.n)]:
        with DRAWING.entered(job.canvas.width * job.canvas.height):
            sources = load_sources(job, max_pixels)
            made = [one for index in batch for one in _finished(job, index, sources, gone)]
            del sources
        yield from made


def _finished(job: Job, index: int, sources: Sources, gone: threading.Event) -> Iterator[Made]:
    """A picture, and before it for a stream those on the way to it."""
    if gone.is_set():
        raise ClientDisconnect
    if job.stream:
        for number, data in enumerate(make_previews(job, index, sources)):
            yield Made(data, index, number)
    yield Made(make(job, index, sources), index)


def load_sources(job: Job, max_pixels: int) -> Sources:
    """The decoded input files of a job. Raises Refusal for a file without a readable picture."""
    width, height = job.canvas.size
    inset = max(1, width // INSET_SHARE), max(1, height // INSET_SHARE)
    pictures = tuple(
        picture_of(file, max_pixels, *(inset if place else (width, height)))
        for place, file in enumerate(job.files.get("image", ()))
    )
    mask = next((picture_of(file, max_pixels, width, height) for file in job.files.get("mask", ())), None)
    if job.masks_itself:
        mask = pictures[0]
    for file in job.files.get("markup", ()):
        mask = _unmarked(picture_of(file, max_pixels, width, height))
    return Sources(pictures, mask)


def make_previews(job: Job, index: int, sources: Sources) -> Iterator[bytes]:
    """The files of a picture in the making, `job.partials` of them, each sharper than the one before."""
    if not job.partials:
        return
    picture = _edited(job, index, sources) if sources.pictures else draw(scene(job.prompt, index), job.canvas)
    for step in range(job.partials):
        shown = preview(picture, step, job.partials)
        yield encode(shown, job.file_format, job.compression, packet(job.prompt, index))


def make(job: Job, index: int, sources: Sources) -> bytes:
    """The file of one picture of a job, `index` counting from 0."""
    if not sources.pictures:
        return _generated(
            job.prompt, index, job.canvas, job.file_format, job.compression, job.frames, job.frame_milliseconds
        )
    caption = packet(job.prompt, index)
    if job.file_format == "svg":
        backdrop = encode(_edited(job, index, sources), "png", job.compression, caption)
        return svg(scene(job.prompt, index), job.canvas, caption, backdrop)
    if job.file_format == "gif":
        frames = (_edited(job, index, sources, frame) for frame in range(job.frames))
        return encode_frames(frames, job.frame_milliseconds, caption)
    return encode(_edited(job, index, sources), job.file_format, job.compression, caption)


def _unmarked(markup: Image.Image) -> Image.Image:
    """Markup as a mask: what is drawn on is edited, so that it becomes see-through, and the rest is kept."""
    mask = markup.copy()
    mask.putalpha(ImageChops.invert(markup.getchannel("A")))
    return mask


def _edited(job: Job, index: int, sources: Sources, frame: int = 0) -> Image.Image:
    shown = scene(job.prompt, index, frame, job.frames if job.file_format == "gif" else 1)
    return edit(shown, job.canvas, sources.pictures, sources.mask)


@lru_cache(maxsize=KEPT_PICTURES)
def _generated(
    prompt: str, index: int, canvas: Canvas, file_format: str, compression: int, frames: int, milliseconds: int
) -> bytes:
    caption = packet(prompt, index)
    if file_format == "svg":
        return svg(scene(prompt, index), canvas, caption)
    if file_format == "gif":
        painted = [paint(scene(prompt, index, frame, frames), canvas) for frame in range(frames)]
        return encode_frames(painted, milliseconds, caption)
    return encode_drawn(draw(scene(prompt, index), canvas), file_format, compression, caption)
