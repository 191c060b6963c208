"""`--renderer`: how the function is found, and the command that serves it."""

from __future__ import annotations

import base64
import io
import signal
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image

from imageproof.errors import UsageError
from imageproof_reference.renderers import EXAMPLE, load_renderer

MODULE = """
import asyncio
SIZE = 3
class Model:
    def draw(self, request): ...
model = Model()
def render(request): ...
def two(request, other): ...
class Later:
    async def __call__(self, request): ...
later_object = Later()
async def later(request): ...
async def stream(request):
    yield
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of this test's own in the folder where the command runs."""
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / f"{name}_fails.py").write_text("x = 1\nraise ValueError('no\\nweights')", encoding="utf-8")
    (tmp_path / f"{name}_odd.py").write_text("x = 1\ny = 2\nz = (\n", encoding="utf-8")
    (tmp_path / f"{name}_around.py").write_text(f"x = 1\nimport {name}_odd", encoding="utf-8")
    (tmp_path / f"{name}_reads.py").write_text("import ast\nast.literal_eval('(')", encoding="utf-8")
    (tmp_path / f"{name}_needs.py").write_text("import no_such_library", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    return name


def test_functions_and_methods_are_found_in_the_folder_of_the_command(module: str) -> None:
    assert callable(load_renderer(f"{module}:render"))
    assert callable(load_renderer(f"{module}:model.draw"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("M", "type module:function, such as imageproof_reference.diffusion:render"),
        ("M:", "type module:function"),
        (":render", "type module:function"),
        ("a b:render", "type module:function"),
        ("no_such_module:render", "there is no module 'no_such_module': start in the folder where it is"),
        ("no_such.module:render", "there is no module 'no_such'"),
        ("M_needs:render", "M_needs needs the module 'no_such_library': install it"),
        ("M_fails:render", "M_fails.py:2: ValueError: no weights"),
        ("M_odd:render", "M_odd.py:3: SyntaxError: '(' was never closed"),
        ("M_around:render", "M_odd.py:3: SyntaxError: '(' was never closed"),
        ("M_reads:render", "SyntaxError"),
        ("M:draw", "M has no 'draw'; it has render, two, later, stream"),
        ("M:model.paint", "has no 'model.paint'"),
        ("M:SIZE", "SIZE is no function; it has render"),
        ("M:two", "two must take one argument"),
        ("M:later", "async"),
        ("M:stream", "async"),
        ("M:later_object", "async"),
    ],
)
def test_names_that_cannot_be_used_are_explained_in_one_line(module: str, name: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_renderer(name.replace("M", module))
    message = str(raised.value)
    assert said.replace("M", module) in message and "\n" not in message


def test_the_command_takes_one(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}_red.py").write_text(
        "from PIL import Image\n"
        "from imageproof_reference.renderers import RenderRequest\n"
        "def render(request: RenderRequest):\n"
        "    return [Image.new('RGB', (request.width, request.height), 'red')] * request.count\n",
        encoding="utf-8",
    )
    code = "from imageproof.cli.serve import serve; serve()"
    command = [sys.executable, "-P", "-c", code, "--port", "0", "--key", "k", "--renderer", f"{module}_red:render"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2]
            headers = {"Authorization": "Bearer k"}
            body = {"model": "gpt-image-1", "prompt": "a fox"}
            answer = httpx.post(f"{url}/images/generations", json=body, headers=headers)
        finally:
            process.terminate()
    picture = Image.open(io.BytesIO(base64.b64decode(answer.json()["data"][0]["b64_json"])))
    assert picture.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_the_command_ends_in_the_middle_of_a_picture(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}_slow.py").write_text(
        "import time\ndef render(request):\n    print('begun', flush=True)\n    time.sleep(60)\n", encoding="utf-8"
    )
    code = "from imageproof.cli.serve import serve; serve()"
    command = [sys.executable, "-P", "-c", code, "--port", "0", "--key", "k", "--renderer", f"{module}_slow:render"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        url = process.stdout.readline().split()[2]
        body, headers = {"model": "gpt-image-1", "prompt": "a fox", "stream": True}, {"Authorization": "Bearer k"}
        with httpx.stream("POST", f"{url}/images/generations", json=body, headers=headers):
            process.stdout.readline()
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            try:
                assert (process.wait(20), process.stderr.read()) == (0, "")
            finally:
                process.kill()


def test_the_example_is_found_without_its_libraries() -> None:
    assert callable(load_renderer(EXAMPLE))
