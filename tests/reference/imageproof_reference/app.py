"""The reference provider as an ASGI application. Paths and operations come from the contract document."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from calendar import timegm
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import IO, Any

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from imageproof.contract.document import request_content
from imageproof.contract.families import Family, families
from imageproof.contract.violations import Violation, violations
from imageproof.errors import UsageError
from imageproof_reference.answers import completed_event, error_event, images_response, preview_event
from imageproof_reference.bodies import FORM, JSON, Body, Reader, fetch_references
from imageproof_reference.config import Config
from imageproof_reference.edge import Edge
from imageproof_reference.encoding import MEDIA_TYPES
from imageproof_reference.faults import fault
from imageproof_reference.hosting import PATH, Shelf
from imageproof_reference.interpreter import Interpreter, heard
from imageproof_reference.jobs import Job, choose_model, no_such_model, plan
from imageproof_reference.moderation import refuse_banned
from imageproof_reference.refusal import Refusal, refuse
from imageproof_reference.studio import Made, Making, prepare
from imageproof_reference.workshop import Workshop

Endpoint = Callable[[Request], Awaitable[Response]]
log = logging.getLogger("imageproof.reference")


class AsciiJSON(JSONResponse):
    """JSON in ASCII: a text that callers sent may hold what no encoding can carry."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


class EventStream(StreamingResponse):
    """Events as they are made. When the caller leaves, `gone` says so; at the end `opened` is closed."""

    def __init__(self, events: Generator[str], gone: threading.Event, opened: ExitStack) -> None:
        self._gone = gone
        self._opened = opened
        headers = {"cache-control": "no-cache"}
        super().__init__(iterate_in_threadpool(events), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._opened:
            try:
                await super().__call__(scope, receive, send)
            finally:
                self._gone.set()

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await super().listen_for_disconnect(receive)
        self._gone.set()  # at once: the thread that waits for the next event is waited for


def create_app(config: Config | None = None) -> Starlette:
    """The application. Raises UsageError for an unknown fault or dialect or a document of another API, DocumentError
    for families that cannot be read."""
    config = config or Config()
    provider = Provider(replace(config, **fault(config.fault).settings) if config.fault else config)
    document = provider.config.document
    base = provider.config.base_path
    routes = [
        Route(base + operation.path.replace("{model}", "{model:path}"), endpoint, methods=[operation.method])
        for operation in document.operations().values()
        if (endpoint := provider.endpoint(operation.id)) is not None
    ]
    if not routes:
        raise UsageError(f"{document.source}: none of its operations is of the Images API")
    app = Starlette(
        routes=[*routes, Route(PATH + "{name}", provider.hosted_file)],
        middleware=[
            Middleware(Interpreter, config=provider.config, shelf=provider.shelf),
            Middleware(Edge, config=provider.config, guarded=base),
        ],
        exception_handlers={HTTPException: _as_refusal},
    )
    app.router.redirect_slashes = False  # a path with a slash at its end is another path, and not ours
    return app


class Provider:
    """What the endpoints share: the contract and the files that are hosted."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.reader = Reader(config)
        self.shelf = Shelf(config.url_seconds, config.max_hosted)
        self.prepare = Workshop(config.renderer).prepare if config.renderer else prepare
        self.families: tuple[Family, ...] = families(config.document)
        self.started = int(time.time())

    def endpoint(self, operation: str) -> Endpoint | None:
        """The endpoint of an operation, None for one that this provider does not know."""
        if operation in ("createImage", "createImageEdit", "createImageVariation"):
            return partial(self.images, operation=operation)
        return {"listModels": self.list_models, "retrieveModel": self.retrieve_model}.get(operation)

    async def images(self, request: Request, operation: str) -> Response:
        """Make, edit or vary pictures: read, judge, plan, make, answer."""
        gone = threading.Event()
        with ExitStack() as opened:
            async with self.reader.body(request, operation) as body:
                opened.callback(_close, body.files)  # once all is made: inputs are read when their turn comes
                understood = heard(request.scope, body)
                job = await run_in_threadpool(self._job, operation, understood, request.headers.get("host", ""))
                del body, understood  # data URLs may be large, and making pictures may take long
            opened.callback(_close, job.files)
            making = await run_in_threadpool(self.prepare, job, self.config.max_pixels)
            if job.stream:
                events = _events(job, making(job, gone), self.config.pause_seconds)
                return EventStream(events, gone, opened.pop_all())
            answer = partial(self._images_answer, job, making, request, gone)
            return AsciiJSON(await _unless_gone(request, gone, answer))

    async def list_models(self, request: Request) -> Response:
        """All models of all families."""
        models = [self._model(name, family) for family in self.families for name in family.models]
        return AsciiJSON({"object": "list", "data": models})

    async def retrieve_model(self, request: Request) -> Response:
        """One model by its id."""
        name = request.path_params["model"]
        for family in self.families:
            if name in family.models:
                return AsciiJSON(self._model(name, family))
        raise no_such_model(self.config.document, name)

    async def hosted_file(self, request: Request) -> Response:
        """A hosted picture, without a key, until it expires."""
        hosted = self.shelf.get(request.url.path, request.url.query)
        if hosted is None:
            raise Refusal(self.shelf.absence(request.url.path), status=404, code="file_not_found")
        return Response(hosted.data, media_type=hosted.media_type)

    def _job(self, operation: str, body: Body, host: str) -> Job:
        """The job of a body. Raises Refusal for one that breaks the contract."""
        document = self.config.document
        chosen = choose_model(document, operation, body)
        name = chosen[0] if chosen else None
        _refuse_breach(body, violations(document, name, operation, body.values, media_type=body.media_type))
        if chosen is None:
            raise Refusal("The model must be a text.", param="model")
        refuse_banned(str(body.value("prompt") or ""), self.config.moderation)
        pointing = body.media_type == JSON and FORM in request_content(document, operation)
        if pointing and "images" in body.values:  # a member of that name means nothing elsewhere
            body = fetch_references(body, host, self.shelf, self.config)
            found = violations(document, name, operation, _files_only(body), media_type=FORM)
            _refuse_breach(body, tuple(map(_as_reference, found)))
        return plan(document, operation, *chosen, body)

    def _images_answer(self, job: Job, making: Making, request: Request, gone: threading.Event) -> dict[str, Any]:
        pictures = tuple(one.data for one in making(job, gone))

        def link(data: bytes) -> str:
            path, _, query = self.shelf.put(data, MEDIA_TYPES[job.file_format], job.file_format).partition("?")
            return str(request.url.replace(path=path, query=query, fragment=""))

        return images_response(job, pictures, link)

    def _model(self, name: str, family: Family) -> dict[str, Any]:
        """A model object. One whose release date nobody states dates from the start of this server."""
        released = family.status.released
        created = timegm(time.strptime(released, "%Y-%m-%d")) if released else self.started
        return {"id": name, "object": "model", "created": created, "owned_by": "imageproof"}


def _refuse_breach(body: Body, found: tuple[Violation, ...]) -> None:
    counted = [violation for violation in found if violation.rule not in body.overlooked]
    if counted:
        # Where the contract leaves a choice, another breach explains the refusal better.
        raise refuse(min(counted, key=lambda violation: violation.either))


def _as_reference(violation: Violation) -> Violation:
    """A breach by a file of a form as its caller knows it, who sent references in JSON."""
    _, name, *rest = violation.pointer.split("/") if violation.pointer else ("", "")
    if name != "image[]":
        return violation
    place = "".join(("images", *(f"[{index}]" for index in rest)))
    return replace(violation, parameter="images", message=place + violation.message.removeprefix(name))


async def _unless_gone(request: Request, gone: threading.Event, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives in a thread. `gone` is set as soon as the caller leaves, and once nothing more is made."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        return await run_in_threadpool(work)
    finally:
        watching.cancel()
        gone.set()


def _events(job: Job, pictures: Iterator[Made], pause: float) -> Generator[str]:
    """The frames of a stream, each as soon as its picture is made; `pause` seconds lie between them."""
    try:
        for made in pictures:
            if made.preview is None:
                yield completed_event(job, made.data)
            else:
                yield preview_event(job, made.preview, made.data)
                time.sleep(pause)
    except ClientDisconnect:
        log.debug("the caller of a stream left")
    except Refusal as refusal:
        yield error_event(refusal.envelope())
    except Exception:
        log.exception("a stream failed")
        yield error_event(Refusal("The server had an error.", status=500, kind="server_error").envelope())


def _files_only(body: Body) -> dict[str, Any]:
    """What a form would have to say beside the files, so that the rules about files can judge them."""
    return {name: value for name, value in body.values.items() if name in ("prompt", "image[]", "mask")}


def _close(files: Mapping[str, tuple[IO[bytes], ...]]) -> None:
    for opened in files.values():
        for file in opened:
            file.close()


async def _as_refusal(request: Request, error: Exception) -> Response:
    """What the router says of unknown paths and methods, as the envelope."""
    assert isinstance(error, HTTPException)
    message = f"{error.detail}: {request.method} {request.url.path[:200]}"
    code = "method_not_allowed" if error.status_code == 405 else "unknown_url"
    raise Refusal(message, status=error.status_code, code=code, headers=error.headers)
