"""The suite as a pytest plugin.

    pytest -p imageproof_conformance.plugin --pyargs imageproof_conformance --imageproof-url URL

pytest selects and reports; the engine buys and judges. The first selected item of a stage buys it for all selected
items, so nothing is paid for twice and nothing for what was not selected. The exit status is the verdict's.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Generator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from imageproof.errors import ImageproofError, UsageError
from imageproof_conformance.expect import terms
from imageproof_conformance.gates import Terms
from imageproof_conformance.profile import Settings, build
from imageproof_conformance.report import plan_json
from imageproof_conformance.report.evidence import asked_and_got
from imageproof_conformance.report.places import ready
from imageproof_conformance.report.terminal import Screen, problem
from imageproof_conformance.run import Run, Session
from imageproof_conformance.selection import chosen, compiled, nothing
from imageproof_conformance.verdict import INTERRUPTED, SUITE_FAILED, USAGE, RuleVerdict

PREFIX = "imageproof_"
STATUS_FILE = "IMAGEPROOF_STATUS_FILE"  # `imageproof conform` reads the exit status there


class Conformance:
    """One run inside one pytest session."""

    def __init__(self, session: Session, screen: Screen) -> None:
        self.session = session
        self.screen = screen
        self.run: Run | None = None
        self.files: tuple[str, ...] = ()
        self.crash = ""  # why the suite itself failed, as far as it went on

    def rule(self, item: tuple[str, str]) -> RuleVerdict:
        """The verdict on one item; buys what it needs first."""
        try:
            return self.session.rule(item)
        except Exception as error:
            if not self.crash:
                traceback.print_exc(limit=-4, file=sys.stderr)
            self.crash = self.crash or f"{type(error).__name__}: {error}"
            raise

    def terms(self, verdict: RuleVerdict) -> Terms:
        """What one rule is held to."""
        session = self.session
        return terms(session.profile, session.registry, [verdict], (), session.tier, session.started)

    def finish(self, interrupted: bool = False, suite_error: str = "") -> Run:
        """Conclude and write the reports, once."""
        from imageproof_conformance import report

        if self.run is None:
            run = report.in_folder(self.session.finish(self.crash or suite_error, interrupted))
            self.session.wire.close()
            paths = report.write(run, self.session.document, self.session.registry, self.session.wire.redactor)
            self.run, self.files = run, tuple(map(str, paths))
        return self.run

    def show(self) -> None:
        if self.run is not None:
            self.screen.result(self.run, self.files)


_CONFORMANCE = pytest.StashKey[Conformance]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Every field of `Settings` is an option, `--imageproof-max-images` for `max_images`."""
    pluginmanager.register(_Status(), "imageproof-status")  # here, because later the process has begun its main hook
    group = parser.getgroup("imageproof", "conformance of an Images API")
    for one in fields(Settings):
        flag = f"--imageproof-{one.name.replace('_', '-')}"
        default = None if one.default is MISSING else one.default
        common: dict[str, Any] = {"dest": PREFIX + one.name, "help": "see `imageproof conform --help`"}
        if one.type == "bool":
            group.addoption(flag, action="store_true", **common)
        elif one.name in _MANY:
            group.addoption(flag, action="append", default=[], **common)
        else:
            kind = _TYPES.get(str(one.type).removesuffix(" | None"), str)
            group.addoption(flag, type=kind, default=default, **common)


_TYPES = {"int": int, "float": float}
_MANY = tuple(one.name for one in fields(Settings) if str(one.type).startswith("tuple["))


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) or config.getoption("tx", None):
        raise pytest.UsageError(
            "-n would pay for every picture once a process; take --workers N, here --imageproof-workers N"
        )


def _ours(config: pytest.Config) -> bool:
    """Whether this is a run of the suite: a target is named, by its URL or by its provider's profile."""
    return bool(config.getoption(PREFIX + "url") or config.getoption(PREFIX + "provider") is not None)


class _Status:
    """The exit status of the process, and the same for whoever started it: pytest's own ones mean other things."""

    @pytest.hookimpl(wrapper=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, int | None, int | None]:
        try:
            status = yield
        except pytest.UsageError as error:
            if not _ours(config):
                raise
            problem(str(error))
            status = USAGE
        if (path := os.environ.get(STATUS_FILE)) is not None:
            Path(path).write_text(str(int(status or 0)), encoding="ascii")
        return status


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Discover and plan before pytest collects. Ends the process here when there is nothing to run."""
    if not _ours(config):
        return None
    screen = Screen()
    try:
        return _prepare(config, _settings(config), config.getoption("keyword", "") or "", screen)
    except ImageproofError as error:
        for one in str(error).splitlines():  # a document may have several problems, a line each
            problem(one)
        return USAGE
    except KeyboardInterrupt:
        problem("interrupted before anything was judged")
        return INTERRUPTED
    except Exception:
        traceback.print_exc(limit=-4)
        problem("the suite itself failed while it planned")
        return SUITE_FAILED


def _prepare(config: pytest.Config, settings: Settings, only: str, screen: Screen) -> int | None:
    profile = build(settings, os.environ)
    if only:
        compiled(only)
    if not settings.dry_run:
        ready(profile)
    session = Session(profile, screen.progress)
    session.prepare(assume=settings.dry_run)
    if settings.dry_run:
        _select(session, chosen(only, session.items), only)
        screen.dry_run(session)
        if profile.json:
            _write_plan(session, profile.json)
        return 0
    conformance = Conformance(session, screen)
    if session.discovery.trouble:
        screen.header(session)
        status = conformance.finish().verdict.exit_status
        conformance.show()
        return status
    config.stash[_CONFORMANCE] = conformance
    return None


def _write_plan(session: Session, path: Path) -> None:
    try:
        plan_json.write(session, path)
    except OSError as error:
        raise UsageError(f"--json {path}: the plan cannot be written: {error.strerror}") from None


def _select(session: Session, items: Sequence[tuple[str, str]], only: str) -> None:
    """Only these items count. UsageError that says what comes close when there are none."""
    if not items and session.items:
        raise UsageError(nothing(only, [rule for rule, _ in session.items], list(session.registry)))
    session.select(items)


def _settings(config: pytest.Config) -> Settings:
    values = {one.name: config.getoption(PREFIX + one.name) for one in fields(Settings)}
    return Settings(**{**values, **{name: tuple(values[name]) for name in _MANY}})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function.__module__.rpartition(".")[2] != "test_requirements" or "item" not in metafunc.fixturenames:
        return
    conformance = metafunc.config.stash.get(_CONFORMANCE, None)
    if conformance is None:
        raise pytest.UsageError("no target: type --imageproof-url URL, or use `imageproof conform URL`")
    items = conformance.session.items
    metafunc.parametrize("item", items, ids=[f"{rule}@{model}" for rule, model in items])


@pytest.fixture(scope="session")
def conformance(request: pytest.FixtureRequest) -> Conformance:
    return request.config.stash[_CONFORMANCE]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is left after -k, ids and the like is what money may be spent on."""
    conformance = session.config.stash.get(_CONFORMANCE, None)
    if conformance is None:
        return
    items = [item.callspec.params["item"] for item in session.items if hasattr(item, "callspec")]
    try:  # pytest makes one item of an empty list, without a rule
        only = session.config.getoption("keyword", "") or ""
        _select(conformance.session, [one for one in items if isinstance(one, tuple)], only)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    conformance.screen.plan(conformance.session)


def failure(verdict: RuleVerdict) -> str:
    """The text of a failed item."""
    failed = [one.finding for one in verdict.evidence if one.finding.outcome == "fail"]
    messages = [text for one in failed for text in (one.message, asked_and_got(one)) if text]
    title = f"{verdict.rule} ({verdict.level}): {verdict.sentence}"
    return "\n".join([title, *dict.fromkeys(messages), verdict.reason])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
    """Judge, write, and turn pytest's status into the verdict's."""
    conformance = session.config.stash.get(_CONFORMANCE, None)
    if conformance is None or exitstatus == pytest.ExitCode.USAGE_ERROR:
        return (yield)
    crashed = "pytest stopped with an internal error" if exitstatus == pytest.ExitCode.INTERNAL_ERROR else ""
    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    try:
        session.exitstatus = conformance.finish(interrupted, crashed).verdict.exit_status
    except Exception:
        traceback.print_exc(limit=-4, file=sys.stderr)
        problem("the suite itself failed while it reported")
        session.exitstatus = SUITE_FAILED
    result = yield
    if not session.config.pluginmanager.hasplugin("terminalreporter"):
        conformance.show()
    return result


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Under pytest's own terminal the report comes after its dots."""
    conformance = config.stash.get(_CONFORMANCE, None)
    if conformance is not None:
        conformance.show()
