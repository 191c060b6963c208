"""What README tells people to type works as it stands, but for host and key."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
from vectors.bodies import picture

from imageproof_reference.config import Config
from imageproof_reference.renderers import load_renderer
from imageproof_reference.serving import running

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {
        shlex.join(words[words.index("imageproof") + 1 :])
        for language, block in BLOCKS
        if language == "sh"
        for line in block.splitlines()
        if "imageproof" in (words := shlex.split(line, comments=True))
    }
)


def test_the_python_sample_runs(tmp_path: Path) -> None:
    (sample,) = [block for language, block in BLOCKS if language == "python" and "imageproof_client" in block]
    for name in ("otter.png", "hat.png"):
        (tmp_path / name).write_bytes(picture().data)
    with running(Config(key="sk-readme-sample")) as url:
        script = sample.replace('"..."', '"sk-readme-sample"').replace("https://host/v1", url)
        environment = {"PYTHONPATH": str(ROOT / "generated" / "python"), "PATH": "/usr/bin:/bin"}
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert (tmp_path / "otter-with-hat.png").read_bytes().startswith(b"\x89PNG")


def test_the_renderer_sample_serves_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sample,) = [block for language, block in BLOCKS if language == "python" and "RenderRequest" in block]
    (tmp_path / "sample_of_readme.py").write_text(sample, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with running(Config(key="k", renderer=load_renderer("sample_of_readme:render"))) as url:
        body = {"model": "gpt-image-1", "prompt": "a fox", "stream": True, "partial_images": 1}
        answer = httpx.post(f"{url}/images/generations", json=body, headers={"Authorization": "Bearer k"})
    kinds = [line.rpartition(".")[2] for line in answer.text.splitlines() if line.startswith("event:")]
    assert kinds == ["partial_image", "completed"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_in_a_command_exists(command: str) -> None:
    """Asked for its help with all other words left in place, a command complains of none of them."""
    words = shlex.split(command)
    path = words[:2] if words[0] == "spec" else words[:1]  # `spec` is a group of commands
    known = subprocess.run(
        [sys.executable, "-m", "imageproof", *path, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [word for word in words[1:] if word.startswith("--") and word not in known] == []


def test_there_are_two_commands_for_set_up_and_ci_runs_one_of_them() -> None:
    set_up = README.partition("## Set-up")[2].partition("\n## ")[0]
    assert len(re.findall(r"^```sh\n.*\n```$", set_up, re.MULTILINE)) == 2
    assert README.count("<!-- test command -->\n```sh\n") == 1
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
