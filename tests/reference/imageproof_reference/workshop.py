"""A renderer at work: the request that it gets, the thread that it runs in, and the check of what it gives."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageChops, ImageOps

from imageproof_reference.drawing import flat
from imageproof_reference.encoding import encode, encode_frames, svg_around
from imageproof_reference.files import upright_picture
from imageproof_reference.jobs import Job
from imageproof_reference.refusal import Refusal
from imageproof_reference.renderers import Partial, Renderer, RenderRequest
from imageproof_reference.studio import Made, Making

MOST_WAITING = 32  # requests, each of which holds a thread of the server while it waits
RETRY_SECONDS = 10
LOOK_UP_SECONDS = 0.5


class RendererError(Exception):
    """The renderer did not give what was asked for. Callers never see the message, the log does."""


class Workshop:
    """Runs a renderer in one thread, one request after the other: few models bear two calls at once, and some must stay
    in the thread where they began."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        threading.Thread(target=self._work, name="renderer", daemon=True).start()

    def prepare(self, job: Job, max_pixels: int) -> Making:
        """Read the input files of a job; answers with what makes its pictures. Raises Refusal for a file without a
        readable picture."""
        return partial(self._ordered, _inputs(job, max_pixels))

    def _ordered(self, inputs: _Inputs, job: Job) -> Iterator[Made]:
        """The pictures of a job as they are made. Raises Refusal (503) when too many requests wait already."""
        if not self._waiting.acquire(blocking=False):
            headers = {"retry-after": str(RETRY_SECONDS), "retry-after-ms": str(RETRY_SECONDS * 1000)}
            message, kind = "The server has too much to do; try again later.", "service_unavailable_error"
            raise Refusal(message, status=503, kind=kind, code="server_is_overloaded", headers=headers)
        order = _Order(partial(_rendered, self._renderer, _request(job, inputs), job))
        self._orders.put(order)
        return order.delivered()

    def _work(self) -> None:
        while True:
            order = self._orders.get()
            order.run()
            self._waiting.release()


@dataclass(frozen=True)
class _Inputs:
    """What a request brings along. `mask` is white where the first picture is to be painted anew."""

    images: tuple[Image.Image, ...]
    mask: Image.Image | None
    markup: Image.Image | None


@dataclass(frozen=True)
class _End:
    error: Exception | None = None


class _Order:
    """One request on its way through the thread. Who waits for it may leave."""

    def __init__(self, work: Callable[[], Iterator[Made]]) -> None:
        self._made: queue.SimpleQueue[Made | _End] = queue.SimpleQueue()
        self._work = work
        self._left = False

    def run(self) -> None:
        end = _End()
        try:
            for made in () if self._left else self._work():
                self._made.put(made)
                if self._left:
                    break
        except (Refusal, RendererError) as error:
            end = _End(error)
        except BaseException as error:  # not even sys.exit() of a renderer ends the thread
            failure = RendererError(f"the renderer failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
            end = _End(failure)
        self._made.put(end)

    def delivered(self) -> Iterator[Made]:
        try:
            while isinstance(made := self._next(), Made):
                yield made
            if made.error is not None:
                raise made.error
        finally:
            self._left = True

    def _next(self) -> Made | _End:
        """What is made next. A process that ends waits for whoever waits here, so that it must not be long."""
        while threading.main_thread().is_alive():
            with suppress(queue.Empty):
                return self._made.get(timeout=LOOK_UP_SECONDS)
        raise Refusal("The server goes down.", status=503, kind="service_unavailable_error")


def _inputs(job: Job, max_pixels: int) -> _Inputs:
    files = job.files.get("image", ())
    read = partial(upright_picture, max_pixels=max_pixels, most=max_pixels // max(1, len(files)))
    images = tuple(map(read, files))
    masks = [read(file) for file in job.files.get("mask", ())] or list(images[:1] if job.masks_itself else ())
    markups = [_beside(read(file), images) for file in job.files.get("markup", ())]
    changes = ImageChops.invert(_beside(masks[0], images).getchannel("A")) if masks else None
    return _Inputs(images, changes, markups[0] if markups else None)


def _beside(layer: Image.Image, images: Sequence[Image.Image]) -> Image.Image:
    """A layer over the first picture, in its size, which may have been shrunk by another number."""
    return layer.convert("RGBA").resize(images[0].size)


def _request(job: Job, inputs: _Inputs) -> RenderRequest:
    return RenderRequest(
        operation=job.operation,
        model=job.model,
        prompt=job.prompt,
        width=job.canvas.width,
        height=job.canvas.height,
        count=job.n,
        images=inputs.images,
        mask=inputs.mask,
        markup=inputs.markup,
        quality=job.quality,
        background=job.background,
        output_format=job.file_format,
        compression=job.compression,
        frames=job.frames if job.file_format == "gif" else 1,
        partials=job.partials if job.stream else 0,
        extras=job.extras,
    )


def _rendered(renderer: Renderer, request: RenderRequest, job: Job) -> Iterator[Made]:
    """The files of what a renderer gives, each checked. Raises RendererError for what was not asked for."""
    index = number = 0
    given = renderer(request)
    items = iter((given,) if isinstance(given, Image.Image | Partial) else given)
    try:
        for item in items:
            if not isinstance(item, Partial):
                yield Made(_packed(job, request, item), index)
                index, number = index + 1, 0
            elif number < request.partials:
                yield Made(_packed(job, request, item.picture), index, number)
                number += 1
            if index == request.count:
                return
    finally:
        if isinstance(items, Generator):
            items.close()
    raise RendererError(f"{index} of {request.count} pictures came")


def _packed(job: Job, request: RenderRequest, item: object) -> bytes:
    given = item if isinstance(item, list | tuple) else [item]
    if len(given) != request.frames:
        raise RendererError(f"a picture of {len(given)} frames came where {request.frames} were asked for")
    pictures = [_finished(request, one) for one in given]
    if job.file_format == "gif":
        return encode_frames(pictures, job.frame_milliseconds)
    if job.file_format == "svg":
        return svg_around(encode(pictures[0], "png", job.compression), job.canvas)
    return encode(pictures[0], job.file_format, job.compression)


def _finished(request: RenderRequest, picture: object) -> Image.Image:
    """A picture as the answer needs it: what a mask keeps put back, RGBA on a transparent background, else RGB."""
    if not isinstance(picture, Image.Image):
        raise RendererError(f"a {type(picture).__name__} came where a PIL picture was asked for")
    size = request.width, request.height
    if picture.size != size:
        raise RendererError("a picture of {}x{} came where {}x{} was asked for".format(*picture.size, *size))
    transparent = request.background == "transparent"
    if transparent and not picture.has_transparency_data:
        raise RendererError(f"a picture of mode {picture.mode} came where an alpha channel was asked for")
    if request.mask is not None:
        kept, changes = (ImageOps.fit(one, size) for one in (request.images[0].convert("RGBA"), request.mask))
        picture = Image.composite(picture.convert("RGBA"), kept, changes)
    if transparent:
        return picture.convert("RGBA")
    return flat(picture.convert("RGBA")) if picture.has_transparency_data else picture.convert("RGB")
