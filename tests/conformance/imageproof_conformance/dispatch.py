"""Sends the probes of a stage with several workers, inside the budget, with the outcome of a single worker.

What is sent and what is left out never depends on which call happens to be faster: probes are started in one order, a
probe waits while calls in flight could give budget back, and the probes of one refusal rule go one after the other.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from imageproof_conformance.answers import served, unknown_model
from imageproof_conformance.budget import MOST_BAD_KEYS, Budget, pictures
from imageproof_conformance.exchange import Exchange, Probe
from imageproof_conformance.money import NOTHING, Cost

Why = Literal["budget", "stopped", "silent", "open", "unknown", "interrupted"]
MOST_PAID = 4  # calls in flight that must make pictures, unless more are asked for
SILENT_AFTER = 4  # calls in a row that nothing answered, or that were all turned away
UNKNOWN_AFTER = 2  # calls that are refused for their model alone, before one is answered otherwise


TURNED_AWAY = (402, 429)
ALL_AWAY = "calls were turned away one after the other"


POLL_SECONDS = 0.2  # until a Ctrl-C is noticed
Job = tuple[int, Probe] | None


@dataclass(frozen=True)
class Skipped:
    """A planned probe that was not sent. `kind` is for the verdict, `why` for people."""

    probe: Probe
    kind: Why
    why: str


class Dispatcher:
    """One run's sender. `send` must not raise; `refusal_rules` are the ids whose probes stop once one is served; `cost`
    is what so many pictures of a call cost at most."""

    def __init__(
        self,
        send: Callable[[Probe], Exchange],
        budget: Budget,
        workers: int,
        refusal_rules: frozenset[str],
        done: Callable[[Exchange], None] = lambda exchange: None,
        cost: Callable[[Probe, int], Cost] = lambda probe, pictures: Cost(pictures),
    ) -> None:
        self._send, self._budget, self._workers, self._done = send, budget, workers, done
        self._cost = cost
        self._refusal_rules = refusal_rules
        self._changed = threading.Condition()
        self._flying: dict[str, int] = defaultdict(int)  # refusal rule -> calls in flight
        self._leaked: set[str] = set()  # refusal rules of which an invalid request was served
        self._silent, self._silence = 0, ""
        self._bad_keys = 0
        self._flying_bad_key = False
        self._paid = 0  # calls in flight that must make pictures
        self._doubted: dict[str, int] = {}  # model, apart for paid calls -> calls refused for the model alone
        self._asking: set[str] = set()  # those of them of which a call is in flight
        self._crash: Exception | None = None
        self._stop = threading.Event()  # set by a Ctrl-C

    def leaked(self, model: str, rule: str) -> None:
        """An invalid request of a rule was served already, outside this dispatcher."""
        self._leaked.add(f"{model}/{rule}")

    def doubt(self, model: str, paid: bool) -> None:
        """A model may not be known, or paid calls of it may all fail: they go one by one until one of them is answered,
        and are given up where that answer is that there is no such model."""
        self._doubted.setdefault(_name(model, paid), 0)

    def run(
        self, probes: Iterable[Probe], keep: Cost = NOTHING, paid: int = MOST_PAID
    ) -> tuple[list[Exchange], list[Skipped]]:
        """Send what may be sent. Exchanges come back in the order of the probes, whenever they were answered.

        `keep` of the budget is for later stages; of the calls that must make pictures `paid` are in flight at most.
        Raises Interrupted, with what there is, for a Ctrl-C.
        """
        ordered = self._ordered(list(probes))
        answers: dict[int, Exchange] = {}
        skipped: list[Skipped] = []
        jobs: queue.Queue[Job] = queue.Queue(maxsize=1)
        free = threading.Semaphore(self._workers)
        threads = [
            threading.Thread(target=self._work, args=(jobs, answers, free), daemon=True)
            for _ in range(min(self._workers, len(ordered)))
        ]
        for thread in threads:
            thread.start()
        started = 0
        with _interrupts(self._stop):
            try:
                for index, probe in ordered:
                    # Before the decision: it must know the call whose place it takes.
                    self._await(lambda seconds: free.acquire(timeout=seconds))
                    self._take_turn(probe, paid)
                    reason = self._reason(probe, keep)
                    if reason is None:
                        self._await(partial(_put, jobs, (index, probe)))
                    else:
                        skipped.append(reason)
                        self._give_turn(probe)
                        free.release()
                    started += 1
                for _ in threads:
                    self._await(partial(_put, jobs, None))
                for thread in threads:
                    self._await(partial(_joined, thread))
            except KeyboardInterrupt:
                with self._changed:
                    left = [Skipped(one, "interrupted", "the run was interrupted") for _, one in ordered[started:]]
                    kept = [answers[index] for index in sorted(answers)]
                raise Interrupted(kept, [*skipped, *left]) from None
        if self._crash is not None:
            raise self._crash
        return [answers[index] for index in sorted(answers)], skipped

    def _await(self, attempt: Callable[[float], bool]) -> None:
        """Try, for so many seconds each time, until it succeeds. KeyboardInterrupt after a Ctrl-C."""
        while not self._stop.is_set():
            if attempt(POLL_SECONDS):
                return
        raise KeyboardInterrupt

    def _await_that(self, condition: Callable[[], bool]) -> None:
        """Wait, with the lock, for something that a worker changes."""
        self._await(lambda seconds: self._changed.wait_for(condition, seconds))

    def _ordered(self, probes: Sequence[Probe]) -> list[tuple[int, Probe]]:
        """Cheap worst cases first, and each rule once before any rule twice: most is learned while the budget lasts."""
        seen: dict[str, int] = defaultdict(int)
        keyed = []
        for index, probe in enumerate(probes):
            group = self._group(probe)
            keyed.append((0 if group is None else 1, probe.worst > 1, seen[group] if group else 0, index, probe))
            if group:
                seen[group] += 1
        # Paid calls stay in the order of the plan; only what must be refused is reordered, behind what bills nothing.
        return [(index, probe) for *_, index, probe in sorted(keyed, key=lambda row: row[:4])]

    def _group(self, probe: Probe) -> str | None:
        """The refusal rule that a probe is about: the one that it breaks on purpose, else the first of its rules that
        the generic refusal judge handles."""
        if probe.expect == "served":
            return None
        return probe.breaks or next((rule for rule in probe.rules if rule in self._refusal_rules), None)

    def _reason(self, probe: Probe, keep: Cost) -> Skipped | None:
        """Why a probe is not sent; None when it is, and then its worst case is reserved."""
        group = self._group(probe)
        key = f"{probe.model}/{group}"
        if self._unknown(probe):
            return Skipped(probe, "unknown", f"the target does not know the model {probe.model}")
        if group is not None:
            with self._changed:
                self._await_that(lambda: not self._flying[key])
                if key in self._leaked:
                    return Skipped(probe, "stopped", f"an invalid request of {group} was served already")
        if self._silent >= SILENT_AFTER and not probe.last:  # whether it answers in the end is asked all the same
            return Skipped(probe, "silent", self._silence)
        if probe.request.key == "bad" and self._too_many_bad_keys():
            return Skipped(probe, "stopped", f"a wrong key is tried {MOST_BAD_KEYS} times at most")
        refusal = self._budget.refusal(self._cost(probe, probe.worst), keep)
        if refusal:
            return Skipped(probe, "budget", refusal)
        with self._changed:
            self._asking |= self._doubts(probe)
            self._flying_bad_key = probe.request.key == "bad" or self._flying_bad_key
            if group is not None:
                self._flying[key] += 1
        return None

    def _doubts(self, probe: Probe) -> set[str]:
        """The doubts that a call may settle."""
        named = probe.asked.get("model") == probe.model and probe.request.key == "yes"
        return {_name(probe.model, probe.images > 0)} & self._doubted.keys() if named else set()

    def _unknown(self, probe: Probe) -> bool:
        """Whether a model was found to be none; waits for the call that asks just now."""
        with self._changed:
            self._await_that(lambda: not self._asking & self._doubts(probe))
            names = {_name(probe.model, False), _name(probe.model, probe.images > 0)}
            return any(self._doubted.get(name, 0) >= UNKNOWN_AFTER for name in names)

    def _settle(self, exchange: Exchange | None, doubts: set[str]) -> None:
        """What an answer says of the model that it was about: that there is none, that there is, or nothing."""
        self._asking -= doubts
        for name in doubts & self._doubted.keys():
            if exchange is not None and unknown_model(exchange):
                self._doubted[name] += 1
            elif exchange is not None and 200 <= (exchange.status or 0) < 500 and exchange.status not in TURNED_AWAY:
                del self._doubted[name]

    def _take_turn(self, probe: Probe, most: int) -> None:
        """Wait until no more paid calls are in flight than may be."""
        if probe.images:
            with self._changed:
                self._await_that(lambda: self._paid < most)
                self._paid += 1

    def _give_turn(self, probe: Probe) -> None:
        with self._changed:
            self._paid -= probe.images > 0

    def _too_many_bad_keys(self) -> bool:
        """Whether a wrong key was tried often enough; waits for the call that tries one now."""
        with self._changed:
            self._await_that(lambda: not self._flying_bad_key)
            return self._bad_keys >= MOST_BAD_KEYS

    def _work(
        self,
        jobs: queue.Queue[Job],
        answers: dict[int, Exchange],
        free: threading.Semaphore,
    ) -> None:
        while (job := jobs.get()) is not None:
            index, probe = job
            key = f"{probe.model}/{self._group(probe)}"
            exchange: Exchange | None = None
            try:
                exchange = self._send(probe)
                spent = pictures(exchange)
            except Exception as error:  # ours; nobody must wait for a worker that has gone
                self._crash, spent = error, probe.worst
            self._budget.settle(self._cost(probe, probe.worst), self._cost(probe, spent))
            with self._changed:
                self._settle(exchange, self._doubts(probe))
                if self._group(probe) is not None:
                    self._flying[key] -= 1
                self._paid -= probe.images > 0
                if probe.request.key == "bad":
                    self._flying_bad_key = False
                    self._bad_keys += 1 + len(exchange.earlier if exchange else ())
                if exchange is not None:
                    self._note(index, exchange, key, answers)
                self._changed.notify_all()
            free.release()
            if exchange is not None:
                self._done(exchange)

    def _note(self, index: int, exchange: Exchange, key: str, answers: dict[int, Exchange]) -> None:
        """Keep an answer, and what it says of the calls to come."""
        answers[index] = exchange
        turned_away = exchange.status in TURNED_AWAY
        self._silent = self._silent + 1 if exchange.status is None or turned_away else 0
        self._silence = f"{ALL_AWAY} (status {exchange.status})" if turned_away else "the target stopped answering"
        if served(exchange) and exchange.probe.expect == "refused":
            self._leaked.add(key)


def _name(model: str, paid: bool) -> str:
    return f"{model} paid" if paid else model


@contextmanager
def _interrupts(stop: threading.Event) -> Iterator[None]:
    """A Ctrl-C sets `stop`. Raised wherever the program happens to be, it could leave a lock taken for ever."""
    stop.clear()
    if threading.current_thread() is not threading.main_thread():  # only that one hears of signals
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _put(jobs: queue.Queue[Job], job: Job, seconds: float) -> bool:
    try:
        jobs.put(job, timeout=seconds)
    except queue.Full:
        return False
    return True


def _joined(thread: threading.Thread, seconds: float) -> bool:
    thread.join(seconds)
    return not thread.is_alive()


class Interrupted(KeyboardInterrupt):
    """The user stopped a run. `exchanges` and `skipped` are what there is of the stage that was running."""

    def __init__(self, exchanges: list[Exchange], skipped: list[Skipped]) -> None:
        super().__init__("interrupted")
        self.exchanges = exchanges
        self.skipped = skipped
