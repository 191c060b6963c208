"""The emitted package as its users' tools see it: mypy --strict, pyright --strict and ruff find nothing, calls have
exact types, and it builds and installs alone."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from imageproof.contract.locate import CHECKOUT

PACKAGE = CHECKOUT / "generated" / "python"
MOST_LINES = 2500  # of code: docstrings and blank lines are as long as they need to be
MOST_IN_ALL = 3950  # with them, more than the 2500 that were wanted: a mark that only goes down
USES = """
from pathlib import Path
from imageproof_client import AsyncClient, AsyncStream, Client, ImageGenerationEvent, ImagesResponse, Stream
from imageproof_client import RawResponse

client = Client()
answer: ImagesResponse = client.images.generate(prompt="x", size="1024x1024", quality="of a new kind")
events: Stream[ImageGenerationEvent] = client.images.generate(prompt="x", stream=True)
for event in events:
    if event.type == "image_generation.completed":
        total: int = event.usage.total_tokens
content: bytes = answer.data[0].to_bytes()
client.images.edit(image=["a.png", b"x", ("b.png", b"y")], prompt="x", n=None)
client.images.edit(images=[{"file_id": "f"}], mask={"image_url": "https://a.example"}, prompt="x", timeout=5)
size: tuple[int, int] | None = answer.data[0].size
names: list[str] = [model.id for model in client.models.list()]
raw: RawResponse[ImagesResponse] = client.images.with_raw_response.generate(prompt="x")
told: ImagesResponse = raw.parse()
Client(lambda: "key", organization="o", timeout=None).with_options(validate="off", api_key=None)
Client.azure("https://a.example", api_version="v", max_retries=0)


async def main() -> None:
    async with AsyncClient() as waiting:
        made = await waiting.images.generate(prompt="x", validate="error", family="gpt-image-1")
        held: bytes = await made.data[0].to_bytes()
        stream: AsyncStream[ImageGenerationEvent] = await waiting.images.generate(prompt="x", stream=True)
        final: ImageGenerationEvent = await stream.final_image()
        content_of_final: bytes = await final.to_bytes()
        path: Path = await final.save("a")
        wrong: bytes = made.data[0].to_bytes()  # wrong


Client(time_out=5)  # wrong
Client.azure("https://a.example", api_version="v", max_retries="0")  # wrong
client.images.generate(promt="x")  # wrong
client.images.generate(prompt="x", n="two")  # wrong
client.images.generate(prompt="x", validate="loud")  # wrong
client.images.edit(images=[{"file": "f"}], prompt="x")  # wrong
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


def test_pyright_finds_nothing_in_it_and_the_mistakes_in_its_use(tmp_path: Path) -> None:
    (tmp_path / "uses.py").write_text(USES, encoding="utf-8")
    settings = {
        "typeCheckingMode": "strict",
        "extraPaths": [str(PACKAGE)],
        "include": [str(PACKAGE / "imageproof_client"), "uses.py"],
        "reportUnusedVariable": False,
        "reportUnusedExpression": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stdout
    if not said.startswith("{"):
        pytest.skip(f"pyright cannot run: {(said + done.stderr)[-200:]}")
    found = json.loads(said)["generalDiagnostics"]
    places = {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found}
    mistakes = {("uses.py", number) for number, line in enumerate(USES.splitlines(), 1) if line.endswith("# wrong")}
    assert places == mistakes, said


def test_it_is_small() -> None:
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    assert sum(map(lines_of_code, texts)) <= MOST_LINES
    assert sum(text.count("\n") for text in texts) <= MOST_IN_ALL


def lines_of_code(text: str) -> int:
    """Lines that are neither blank nor a comment nor part of a docstring."""
    told = {number for number, line in enumerate(text.splitlines(), 1) if line.strip() and line.lstrip()[0] != "#"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            told -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(told)


def test_it_builds_and_installs_alone(tmp_path: Path) -> None:
    """The wheel in a folder of its own, over the HTTP library and the one other package that it asks for."""
    source = shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    status, said = run("build", "--wheel", "--outdir", str(tmp_path / "dist"), str(source), cwd=tmp_path)
    assert status == 0, said
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    told = zipfile.ZipFile(wheel)
    metadata = next(told.read(name).decode() for name in told.namelist() if name.endswith("METADATA"))
    needs = [line.split(": ")[1].split(">")[0] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    assert needs == ["httpx2", "pybase64"]
    assert {"imageproof_client/py.typed", "imageproof_client/_families.json"} <= set(told.namelist())
    install = ["pip", "install", "-q", "--no-deps", "--target", str(tmp_path / "installed"), str(wheel)]
    assert run(*install, cwd=tmp_path)[0] == 0
    script = (
        "import imageproof_client as api, warnings\n"
        "warnings.simplefilter('error')\n"
        "client = api.OpenAI('k', base_url='http://127.0.0.1:9', validate='error', max_retries=0)\n"
        "try: client.images.generate(prompt='x', model='gpt-image-1', size='7x7')\n"
        "except api.RequestRuleError as error: print(api.__file__, error.param)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [str(tmp_path / "installed/imageproof_client/__init__.py"), "size"], done.stderr
