"""The call in an emitted README: it is Python, has what is required, and runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from imageproof.cli import main
from imageproof.contract.locate import CHECKOUT
from imageproof_reference.config import Config
from imageproof_reference.serving import running

REQUIRED = {
    "title": {"type": "string"},
    "due": {"type": "string", "format": "date"},
    "level": {"type": "integer", "minimum": 3},
    "state": {"$ref": "#/components/schemas/State"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "place": {"type": "object", "required": ["x"], "properties": {"x": {"type": "number"}, "y": {"type": "number"}}},
}


def shown(readme: Path) -> str:
    (found,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def test_the_sample_of_the_committed_client_runs(tmp_path: Path) -> None:
    text = shown(CHECKOUT / "generated" / "python" / "README.md")
    with running(Config(key="sk-sample")) as url:
        told = {"OPENAI_API_KEY": "sk-sample", "OPENAI_BASE_URL": url}
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "generated" / "python"), **told}
        subprocess.run([sys.executable, "-c", text], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert (tmp_path / "picture.webp").is_file()


@pytest.mark.parametrize(
    ("media", "call"),
    [
        (
            {},
            'client.x.make(\n        title="text",\n        due="2026-01-31",\n        level=3,\n'
            '        state="open",\n        tags=["text"],\n        place={"x": 1.0},\n    )',
        ),
        (
            {"example": {"title": "Milk", "due": "2027-02-03", "level": 4, "state": "done", "tags": [], "place": {}}},
            'client.x.make(title="Milk", due="2027-02-03", level=4, state="done", tags=[], place={})',
        ),
    ],
    ids=["placeholders", "the document's example"],
)
def test_required_arguments_are_filled(tmp_path: Path, media: dict[str, object], call: str) -> None:
    schema = {"type": "object", "required": [*REQUIRED], "properties": {**REQUIRED, "free": {"type": "string"}}}
    node = {
        "operationId": "make",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, **media}}},
        "responses": {"204": {"description": "Done."}},
    }
    data = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/x": {"post": node}},
        "components": {"schemas": {"State": {"type": "string", "enum": ["open", "done"]}}},
    }
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    args = ["generate", "-t", "python", "--spec", str(tmp_path / "spec.yaml"), "--name", "c", "--out", str(tmp_path)]
    assert CliRunner().invoke(main, args).exit_code == 0
    text = shown(tmp_path / "python" / "README.md")
    compile(text, "README.md", "exec")
    assert call in text
