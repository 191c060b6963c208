"""A reference provider in a process of its own, and what it takes of the machine: CPU time, memory, its log."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

KEY = "sk-bench"
MIB = 1024 * 1024
SAMPLE_SECONDS = 0.05


@dataclass
class Server:
    """A server that runs. `log` is what it wrote so far; `peak` the most resident memory that was seen, in MiB."""

    url: str
    pid: int
    log: Path
    peak: float = 0.0
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {KEY}"})

    def cpu_seconds(self) -> float:
        """CPU time of the process so far, its own and that of the system for it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory now, in MiB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MIB


@contextmanager
def serving(options: Sequence[str] = (), environment: dict[str, str] | None = None) -> Iterator[Server]:
    """`imageproof serve` on a free port, and its memory watched until the block is left. For Linux."""
    command = [sys.executable, "-c", "from imageproof.cli import main; main()", "serve", "--port", "0", *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                [*command, "--key", KEY],
                stdout=subprocess.PIPE,
                stderr=written,
                env={**os.environ, **(environment or {})},
            )
        try:
            assert process.stdout is not None
            found = re.search(rb"http://\S+", process.stdout.readline())
            if found is None:
                raise RuntimeError(f"the server did not start: {log.read_text()}")
            server = Server(found[0].decode(), process.pid, log)
            ended = threading.Event()
            watching = threading.Thread(target=_watch, args=(server, ended))
            watching.start()
            try:
                yield server
            finally:
                ended.set()
                watching.join()
        finally:
            process.terminate()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


def _watch(server: Server, ended: threading.Event) -> None:
    while not ended.is_set():
        server.peak = max(server.peak, server.memory())
        time.sleep(SAMPLE_SECONDS)
