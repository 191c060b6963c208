"""A renderer at work: the request that it gets, the thread that it runs in, and the check of what it gives."""

from __future__ import annotations

import json
import logging
import queue
import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageChops, ImageOps
from starlette.requests import ClientDisconnect

from imageproof_reference.captions import packet
from imageproof_reference.drawing import flat
from imageproof_reference.encoding import encode, encode_frames, svg_around
from imageproof_reference.files import upright_picture
from imageproof_reference.jobs import Job
from imageproof_reference.limits import retry_after
from imageproof_reference.refusal import Refusal
from imageproof_reference.renderers import Partial, Renderer, RenderRequest
from imageproof_reference.studio import Made, Making

MOST_WAITING = 32  # requests, each of which holds a thread of the server while it waits
RETRY_SECONDS = 10
LOOK_UP_SECONDS = 0.5
UNSCALED = ("F", "I")  # modes of numbers that no one says the white of
MOST_PARTIALS = 1000  # before one finished picture; no model takes more steps, so that more come from a loop
log = logging.getLogger("imageproof.reference")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")
# Headers that the server alone can know.
FRAMING = ("content-type", "content-length", "transfer-encoding", "connection")


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
        """What makes the pictures of a job. Its input files must stay open meanwhile: they are unpacked when its turn
        comes, because the pictures of all who wait could fill the memory."""
        return partial(self._ordered, partial(_inputs, job, max_pixels))

    def _ordered(self, inputs: Callable[[], _Inputs], job: Job, gone: threading.Event) -> Iterator[Made]:
        """The pictures of a job as they are made. Raises Refusal (503) when too many requests wait already."""
        if not self._waiting.acquire(blocking=False):
            message, kind = "The server has too much to do; try again later.", "service_unavailable_error"
            headers = retry_after(RETRY_SECONDS)
            raise Refusal(message, status=503, kind=kind, code="server_is_overloaded", headers=headers)
        order = _Order(partial(_rendered, self._renderer, inputs, job), gone)
        self._orders.put(order)
        return order.delivered()

    def _work(self) -> None:
        while True:
            self._orders.get().run()  # without a name, which would keep its pictures until the next one comes
            self._waiting.release()


@dataclass(frozen=True)
class _Inputs:
    """What a request brings along. `mask` is white where the first picture is to be painted anew."""

    images: tuple[Image.Image, ...]
    mask: Image.Image | None
    markup: Image.Image | None


@dataclass(frozen=True)
class _Kept:
    """What a mask keeps: the first picture, cut to the canvas, and the mask likewise, white where it is not kept."""

    picture: Image.Image
    changes: Image.Image


@dataclass(frozen=True)
class _End:
    error: Exception | None = None


class _Order:
    """One request on its way through the thread. Who waits for it may leave: then `gone` is set."""

    def __init__(self, work: Callable[[], Iterator[Made | None]], gone: threading.Event) -> None:
        self._made: queue.SimpleQueue[Made | _End] = queue.SimpleQueue()
        self._work = work
        self._gone = gone

    def run(self) -> None:
        end = _End()
        try:
            for made in () if self._gone.is_set() else self._work():
                if made is not None:
                    self._made.put(made)
                if self._gone.is_set():
                    break
        except Refusal as error:
            end = _End(_sendable(error))
        except RendererError as error:
            end = _End(error)
        except BaseException as error:  # not even sys.exit() of a renderer ends the thread
            failure = RendererError(f"the renderer failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
            end = _End(failure)
        self._made.put(_End(ClientDisconnect()) if self._gone.is_set() else end)

    def delivered(self) -> Iterator[Made]:
        while isinstance(made := self._next(), Made):
            yield made
        if made.error is not None:
            raise made.error

    def _next(self) -> Made | _End:
        """What is made next. A process that ends waits for whoever waits here, so that it must not be long."""
        while threading.main_thread().is_alive():
            if self._gone.is_set():
                raise ClientDisconnect
            with suppress(queue.Empty):
                return self._made.get(timeout=LOOK_UP_SECONDS)
        raise Refusal("The server goes down.", status=503, kind="service_unavailable_error")


def _sendable(refusal: Refusal) -> Exception:
    """The refusal of a renderer, or the error that it is where no answer can be made of it."""
    fault: Exception = refusal
    try:
        if _can_be_sent(refusal):
            return refusal
    except Exception as error:
        fault = error
    failure = RendererError("the renderer raised a Refusal that cannot be sent: texts and a status from 400 can")
    failure.__cause__ = fault
    return failure


def _can_be_sent(refusal: Refusal) -> bool:
    """Raises whatever json says of the members, and TypeError for headers that are no texts."""
    error = json.loads(json.dumps(refusal.envelope(), allow_nan=False))["error"]
    headers = all(
        HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value) and name.lower() not in FRAMING
        for name, value in refusal.headers.items()
    )
    texts = isinstance(error["message"], str) and isinstance(error["type"], str)
    named = isinstance(error["param"], str | None) and isinstance(error["code"], str | None)
    return headers and texts and named and isinstance(refusal.status, int) and 400 <= refusal.status < 600


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


def _rendered(renderer: Renderer, inputs: Callable[[], _Inputs], job: Job) -> Iterator[Made | None]:
    """The files of what a renderer gives, each checked, and None for a partial picture that nobody asked for. Raises
    RendererError for what was not asked for, Refusal for an input without a readable picture."""
    request = _request(job, inputs())
    kept = _kept(request)
    index = number = 0
    given = renderer(request)
    items = _items(given)
    try:
        for item in items:
            if not isinstance(item, Partial):
                yield Made(_packed(job, index, request, kept, item), index)
                index, number = index + 1, 0
            elif number < MOST_PARTIALS:
                asked = number < request.partials
                yield Made(_packed(job, index, request, kept, item.picture), index, number) if asked else None
                number += 1
            else:
                raise RendererError(f"more than {MOST_PARTIALS} partial pictures came before a finished one")
            if index == request.count:
                return
    finally:
        _close(items)
    raise RendererError(f"{index} of {request.count} pictures came")


def _items(given: object) -> Iterator[object]:
    """What a renderer gives, one by one. Raises RendererError for what is neither a picture nor several of them."""
    if isinstance(given, Image.Image | Partial):
        return iter((given,))
    if isinstance(given, str | bytes | bytearray) or not isinstance(given, Iterable):
        raise RendererError(f"the renderer returned {type(given).__name__} in place of a PIL picture, or of several")
    return iter(given)


def _close(items: Iterator[object]) -> None:
    """Let a generator clean up. What fails then is logged and takes no finished picture from its caller."""
    if not isinstance(items, Generator):
        return
    try:
        items.close()
    except BaseException:  # not even sys.exit() of a renderer ends the thread
        log.exception("the renderer failed after its pictures")


def _kept(request: RenderRequest) -> _Kept | None:
    """Taken before the renderer runs, which may draw on what it gets."""
    if request.mask is None:
        return None
    size = request.width, request.height
    return _Kept(ImageOps.fit(request.images[0].convert("RGBA"), size), ImageOps.fit(request.mask, size))


def _packed(job: Job, index: int, request: RenderRequest, kept: _Kept | None, item: object) -> bytes:
    given = item if isinstance(item, list | tuple) else [item]
    if len(given) != request.frames:
        raise RendererError(f"a picture of {len(given)} frames came where {request.frames} were asked for")
    pictures = [_finished(job, kept, one) for one in given]
    caption = packet(job.prompt, index)
    if job.file_format == "gif":
        return encode_frames(pictures, job.frame_milliseconds, caption)
    if job.file_format == "svg":
        return svg_around(encode(pictures[0], "png", job.compression, caption), job.canvas, caption)
    return encode(pictures[0], job.file_format, job.compression, caption)


def _finished(job: Job, kept: _Kept | None, picture: object) -> Image.Image:
    """A picture as the answer needs it: what a mask keeps put back, RGBA on a transparent background, else RGB."""
    if not isinstance(picture, Image.Image):
        raise RendererError(f"a {type(picture).__name__} came where a PIL picture was asked for")
    size = job.canvas.size
    if picture.mode in UNSCALED:
        raise RendererError(f"a picture of mode {picture.mode} came, whose values have no scale: convert it to RGB")
    if picture.size != size:
        raise RendererError("a picture of {}x{} came where {}x{} was asked for".format(*picture.size, *size))
    if job.canvas.transparent and not picture.has_transparency_data:
        raise RendererError(f"a picture of mode {picture.mode} came where an alpha channel was asked for")
    if kept is not None:
        picture = Image.composite(picture.convert("RGBA"), kept.picture, kept.changes)
    clear = job.canvas.transparent or picture.has_transparency_data
    finished = picture.convert("RGBA" if clear else "RGB")
    finished.info = {}  # what Pillow would write into the file: comments and such of whatever it was made from
    return finished if job.canvas.transparent or not clear else flat(finished)
