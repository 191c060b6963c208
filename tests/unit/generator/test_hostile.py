"""A document from a stranger is text: nothing that it says becomes code, or leaves its folder."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from imageproof.cli import main

WILD = [
    '"""\nprint("uh oh")\n"""',
    '" + print("uh oh") + "',
    "'); print('uh oh') #",
    "\\",
    "\0\r\u2028",
    "{{ 7 * 7 }}",
    "../../up",
]


def hostile(text: str) -> dict[str, Any]:
    """A document that says one text wherever it may say anything."""
    schema = {
        "type": "object",
        "description": text,
        "properties": {
            text: {"type": "string", "enum": [text], "description": text},
            "kind": {"const": text},
            "nested": {"type": "object", "properties": {text: {"type": "integer"}}},
        },
    }
    operation = {
        "operationId": f"go {text}",
        "tags": [text],
        "summary": text,
        "description": text,
        "x-client": {"method": f"a{text}.b".replace(".", "", text.count("."))},
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {}, "description": text},
            {"name": text, "in": "query", "schema": {"type": "string"}},
            {"name": f"X-{text}", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": text, "content": {"application/json": {"schema": schema}}}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": text, "version": text, "description": text},
        "servers": [{"url": f"https://api.example.com/{text}"}],
        "tags": [{"name": text, "description": text}],
        "paths": {f"/{text}/{{id}}": {"post": operation}},
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": f"X-{text}"}},
            "schemas": {text: schema},
        },
    }


@pytest.mark.parametrize("text", WILD, ids=range(len(WILD)))
def test_text_stays_text(text: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(hostile(text)), encoding="utf-8")
    out = tmp_path / "in" / "out"
    result = CliRunner().invoke(main, ["generate", "-q", "--spec", str(spec), "--target", "python", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"spec.yaml", "in"}
    for path in out.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "print" not in called, path
        assert "49" not in path.read_text(encoding="utf-8")
