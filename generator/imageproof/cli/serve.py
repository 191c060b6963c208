"""`imageproof serve`: starts the reference provider, loaded by name so that the base install lives without it."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import math
import os
import shlex
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from imageproof.cli.options import OVERLAY
from imageproof.contract.document import load
from imageproof.contract.overlay import overlaid
from imageproof.contract.redact import SHORTEST
from imageproof.errors import UsageError

NEEDED = ("starlette", "uvicorn", "python_multipart", "PIL")
EVERYWHERE = ("0.0.0.0", "::")  # addresses that mean all of this machine's
EXTRA = "imageproof serve needs more than the base install: pip install 'imageproof[serve]'"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--key", metavar="KEY", help="Key that callers must show. Without one, a random key is made and printed.")
@click.option("--key-env", metavar="NAME", help="Environment variable that holds the key.")
@click.option("--fault", "broken", multiple=True, metavar="ID", help="Break exactly one thing; see --list-faults.")
@click.option("--list-faults", is_flag=True, help="List the faults and exit.")
@click.option("--dialect", metavar="NAME", help="Speak like a known server; see --list-dialects.")
@click.option("--list-dialects", is_flag=True, help="List the dialects and exit.")
@click.option(
    "--renderer", metavar="MODULE:FUNCTION", help="Function that makes the pictures, in place of drawn landscapes."
)
@click.option(
    "--url-seconds",
    default=3600.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How long links to pictures work.",
)
@click.option(
    "--hosted-mb",
    metavar="N",
    default=128,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many MiB of linked pictures are kept; beyond that the oldest links end early.",
)
@click.option("--moderation", metavar="FILE", help="Texts, one a line, that no prompt may contain.")
@click.option("--requests-per-minute", metavar="N", type=click.IntRange(min=1), help="Refuse more than N with 429.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="HOST", help="Load pictures of JSON edits from there too."
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write down all that arrives and is answered, in a new folder there; keys are masked.",
)
@click.option("--spec", metavar="FILE", help="Contract to serve, in place of the built-in one.")
@OVERLAY
def serve(
    host: str,
    port: int,
    key: str | None,
    key_env: str | None,
    broken: tuple[str, ...],
    list_faults: bool,
    dialect: str | None,
    list_dialects: bool,
    record: Path | None,
    spec: str | None,
    overlays: tuple[str, ...],
    **behaviour: Any,
) -> None:
    """Serve the Images API on this machine: real pictures, no network, no cost."""
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise UsageError(EXTRA)
    if list_faults or list_dialects:
        _list(list_faults)
        return
    fault = _fault(broken)
    _check_settings(fault)
    _check_dialect(dialect, fault)
    if not host:
        raise UsageError("--host is empty, which would mean every address of this machine; 0.0.0.0 says that")
    settings: dict[str, Any] = {"fault": fault, "dialect": dialect or "", "document": overlaid(load(spec), overlays)}
    given = _given_key(key, key_env)
    if given is not None:
        if record is not None and len(given) < SHORTEST:
            raise UsageError(
                f"--record masks the key wherever it stands, which takes one of at least {SHORTEST} characters"
            )
        settings["key"] = given
    config = _module("config").Config(**settings, record=record, **_behaviour(**behaviour))

    def announce(url: str, recording: Path | None) -> None:
        signal.signal(signal.SIGINT, _leave)
        if host in EVERYWHERE:
            click.echo(f"note: on {host} it is reachable from other machines, by whoever has the key", err=True)
        _announce(url, config, given, key_env, overlays, recording)

    try:
        _module("serving").serve(config, host, port, announce)
    except OSError as error:
        hint = "; --port 0 takes a free port" if error.errno == errno.EADDRINUSE else ""
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}{hint}") from None


def _list(of_faults: bool) -> None:
    if of_faults:
        for row in _module("faults").faults().values():
            click.echo(f"{row.id:30}{row.what} [{', '.join(row.operations)}; {', '.join(row.families)}]")
        return
    for one in _module("dialects").dialects().values():
        click.echo(f"{one.id:22}{one.kind:11}{one.what} [{one.family}]")


def _fault(broken: tuple[str, ...]) -> str:
    """The fault that was asked for, "" for none. Raises UsageError for several, or one that is not known."""
    if len(broken) > 1:
        raise UsageError(f"--fault breaks exactly one thing; give one of {', '.join(broken)}")
    fault = "".join(broken)
    _module("faults").steps(fault)
    return fault


def _check_settings(fault: str) -> None:
    """Refuse an option that was typed beside a fault that sets the same thing, and would win silently."""
    settings = _module("faults").fault(fault).settings if fault else {}
    context = click.get_current_context()
    for name in settings:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"--fault {fault} is about {option} and sets it itself: give one of them")


def _leave(*_: object) -> NoReturn:
    """Ctrl-C ends a server as it should end, however often it is pressed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would only disturb the last picture's end
    sys.exit(0)


def _behaviour(
    renderer: str | None,
    url_seconds: float,
    hosted_mb: int,
    moderation: str | None,
    requests_per_minute: int | None,
    hosts: tuple[str, ...],
) -> dict[str, Any]:
    """Settings of the options that the contract leaves open. Raises UsageError for what they name and is not there."""
    if not math.isfinite(url_seconds):
        raise UsageError(f"--url-seconds {url_seconds}: type a number of seconds")
    return {
        "url_seconds": url_seconds,
        "max_hosted": hosted_mb * _module("hosting").MIB,
        "hosts": tuple(map(_module("remote").allowed_host, hosts)),
        "requests_per_minute": requests_per_minute or 0,
        "renderer": None if renderer is None else _module("renderers").load_renderer(renderer),
        "moderation": () if moderation is None else _module("moderation").read_filter(moderation),
    }


def _check_dialect(dialect: str | None, fault: str) -> None:
    if dialect is None:
        return
    if fault:
        raise UsageError("--fault breaks one thing of the contract, --dialect may break many: give one of them")
    _module("dialects").dialect(dialect)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"imageproof_reference.{name}")


def _given_key(key: str | None, key_env: str | None) -> str | None:
    if key is not None and key_env is not None:
        raise UsageError("--key and --key-env say the same thing: give one")
    if key_env is not None:
        key = os.environ.get(key_env)
        if not key:
            raise UsageError(f"--key-env {key_env}: that variable is not set")
    if key is not None and not (key and key.isascii() and key.isprintable() and " " not in key):
        raise UsageError("a key must be printable ASCII without spaces, or it cannot travel in a header")
    return key


def _announce(
    url: str, config: Any, given: str | None, key_env: str | None, overlays: tuple[str, ...], recording: Path | None
) -> None:
    """One line that says where and in which way, one to paste, and one that says where all is recorded. A key that the
    user gave is not printed back."""
    shown = f"key {config.key}" if given is None else f"the key from {key_env or '--key'}"
    spoken = f", fault {config.fault}" if config.fault else f", dialect {config.dialect}" if config.dialect else ""
    click.echo(f"imageproof serves {url} with {shown}{spoken}; Ctrl-C ends it")
    secret = shlex.quote(config.key) if given is None else f'"${key_env}"' if key_env else "KEY"
    over = [word for file in overlays for word in ("--overlay", file)]
    click.echo(f"IMAGEPROOF_API_KEY={secret} {shlex.join(['imageproof', 'conform', url, *over])}")
    if recording is not None:
        click.echo(f"records all that arrives in {recording}; keys are masked")
    sys.stdout.flush()
