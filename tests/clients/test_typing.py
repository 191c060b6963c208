"""The emitted package as its users' tools see it: mypy --strict and ruff find nothing, and calls have exact types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from imageproof.contract.locate import CHECKOUT

PACKAGE = CHECKOUT / "generated" / "python"
USES = """
from imageproof_client import Client, ImageGenerationEvent, ImagesResponse, Stream

client = Client()
answer: ImagesResponse = client.images.generate(prompt="x", size="1024x1024", quality="of a new kind")
events: Stream[ImageGenerationEvent] = client.images.generate(prompt="x", stream=True)
for event in events:
    if event.type == "image_generation.completed":
        total: int = event.usage.total_tokens
content: bytes = answer.data[0].to_bytes()
client.images.edit(image=["a.png", b"x", ("b.png", b"y")], prompt="x", n=None)
client.images.generate(promt="x")  # wrong
client.images.generate(prompt="x", n="two")  # wrong
answer.dta  # wrong
"""


def run(*args: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", *args], cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_mypy_finds_nothing_in_it_and_the_mistakes_in_its_use(tmp_path: Path) -> None:
    (tmp_path / "uses.py").write_text(USES, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\nmypy_path = {PACKAGE}\n", encoding="utf-8")
    cache = str(tmp_path / "cache")
    _, said = run("mypy", "uses.py", str(PACKAGE / "imageproof_client"), "--cache-dir", cache, cwd=tmp_path)
    found = [line.split(":")[:2] for line in said.splitlines() if ": error:" in line]
    mistakes = [str(number) for number, line in enumerate(USES.splitlines(), 1) if line.endswith("# wrong")]
    assert found == [["uses.py", number] for number in mistakes], said


def test_ruff_finds_nothing() -> None:
    for command in (["check"], ["format", "--check"]):
        status, said = run(
            "ruff", *command, "--config", str(CHECKOUT / "pyproject.toml"), "--no-cache", ".", cwd=PACKAGE
        )
        assert status == 0, said


def test_ruff_finds_nothing_by_its_own_settings() -> None:
    status, said = run("ruff", "check", "--no-cache", ".", cwd=PACKAGE)
    assert status == 0, said
