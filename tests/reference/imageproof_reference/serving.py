"""Serving: the application behind a real HTTP server, in the foreground or, for tests, in a thread."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from imageproof_reference.app import create_app
from imageproof_reference.config import Config
from imageproof_reference.dialects import dialects
from imageproof_reference.memory import settle
from imageproof_reference.recording import Recorder, Recording, start_recording

LOCALHOST = "127.0.0.1"
START_SECONDS = 15
HEAD_SECONDS = 20  # for the head of a request, from the connection or the answer before; then the connection ends


class _Protocol(H11Protocol):
    """uvicorn's own, which by itself waits for ever while a head trickles in."""

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._end is not None:
            self._end.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_head()

    def _await_head(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, on a free port for port 0. OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio switches Nagle's delay off only where it reads that the protocol is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket, config: Config) -> str:
    """The URL under which the operations of a server on this socket are, as a client takes it."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": LOCALHOST, "::": "::1"}.get(host, host)
    name = f"[{reachable}]" if ":" in reachable else reachable
    path = dialects()[config.dialect].base if config.dialect else ""
    return f"http://{name}:{port}{path or config.base_path}"


def serve(config: Config, host: str, port: int, announce: Callable[[str, Path | None], None]) -> None:
    """Serve until a signal ends it. `announce` gets the base URL as soon as connections are taken, and the folder of
    the recording, None without one.

    Raises OSError when the address cannot be had, UsageError for an unknown fault or dialect, and where nothing can be
    recorded.
    """
    settle()
    _be_quiet()
    app = create_app(config)
    with bind(host, port) as listener:
        url = base_url(listener, config)
        recording = start_recording(config.record, config, url, host) if config.record else None
        server = _server(app, recording)
        announce(url, recording.folder if recording else None)
        server.run(sockets=[listener])


def _be_quiet() -> None:
    """Leave out of the log what libraries say of forms and pictures that callers damaged, and of a server that a signal
    ends before its loop has begun."""
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("ignore", message="coroutine 'Server.serve' was never awaited", category=RuntimeWarning)


@contextmanager
def running(config: Config | None = None, host: str = LOCALHOST) -> Iterator[str]:
    """A server in a thread, on a free port; gives its base URL. It has stopped when the block is left."""
    config = config or Config()
    app = create_app(config)
    with bind(host, 0) as listener:
        url = base_url(listener, config)
        recording = start_recording(config.record, config, url, host) if config.record else None
        server = _server(app, recording)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield url
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the reference provider did not start")
        time.sleep(0.005)


def _server(app: ASGIApp, recording: Recording | None) -> uvicorn.Server:
    """One event loop and one HTTP parser everywhere, whatever faster ones may be installed."""
    settings = uvicorn.Config(
        Recorder(app, recording) if recording else app,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",  # failures are logged at the edge; the rest is what callers did
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(settings)
