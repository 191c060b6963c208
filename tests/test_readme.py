"""What README tells people to type works as it stands, but for host and key."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest
import yaml
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
    path = words[:2] if words[0] in ("spec", "baseline") else words[:1]  # groups of commands
    known = subprocess.run(
        [sys.executable, "-m", "imageproof", *path, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [word for word in words[1:] if word.startswith("--") and word not in known] == []


@pytest.fixture(scope="module")
def step() -> str:
    """The shell of the workflow step."""
    (block,) = [block for language, block in BLOCKS if language == "yaml" and "imageproof conform" in block]
    (found,) = yaml.safe_load(block)
    assert len(block.splitlines()) == 5 and list(found["env"]) == ["IMAGEPROOF_API_KEY"]
    return str(found["run"])


@pytest.mark.parametrize(("fault", "status"), [("", 0), ("wrong-size", 1), ("b64-data-prefix", 0)])
def test_the_step_of_a_workflow_runs_as_shell(tmp_path: Path, step: str, fault: str, status: int) -> None:
    """As GitHub runs it: bash that stops at the first failure, and a file for the page of the build."""
    expected = [
        {"id": rule, "target": "*", "reason": "known", "owner": "me", "expiry": "2999-01-01"}
        for rule in ("GEN-B64-PLAIN", "EDIT-B64-PLAIN")
        if fault == "b64-data-prefix"
    ]
    offered = [{"target": "*", "model": "gpt-image-1", "has": ["createImage", "createImageEdit", "mask"]}]
    baseline = {"rules": "2026.11", "expected": expected, "offered": offered}
    (tmp_path / "known.yaml").write_text(yaml.safe_dump(baseline), encoding="utf-8")
    page = tmp_path / "page.md"
    with running(Config(key="sk-readme-step", fault=fault, pause_seconds=0.0)) as url:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("IMAGEPROOF_")},
            "IMAGEPROOF_API_KEY": "sk-readme-step",
            "GITHUB_STEP_SUMMARY": str(page),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        command = ["bash", "-e", "-o", "pipefail", "-c", step.replace("https://host/v1", url)]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert page.read_text(encoding="utf-8").startswith("### imageproof: ")
    assert bool(re.search("<failure", (tmp_path / "imageproof.xml").read_text(encoding="utf-8"))) == bool(status)


def test_there_are_two_commands_for_set_up_and_ci_runs_one_of_them() -> None:
    set_up = README.partition("## Set-up")[2].partition("\n## ")[0]
    assert len(re.findall(r"^```sh\n.*\n```$", set_up, re.MULTILINE)) == 2
    assert README.count("<!-- test command -->\n```sh\n") == 1
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
