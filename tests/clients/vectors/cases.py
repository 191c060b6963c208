"""Reads the cases, and tells runners the calls that they are to make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from clients.vectors.derived import derived
from clients.vectors.marks import NAMED, filled
from clients.vectors.server import Port
from vectors.bodies import File, Vector, vectors

HERE = Path(__file__).parent
KEY = "sk-vectors-key"
ONE_PICTURE: dict[str, Any] = {"json": {"created": 1, "data": [{"b64_json": {"$base64": "png"}}]}}
EVENTS: dict[str, Any] = {
    "createImage": {"events": [{"send": {"type": "image_generation.completed", "b64_json": {"$base64": "png"}}}]},
    "createImageEdit": {"events": [{"send": {"type": "image_edit.completed", "b64_json": {"$base64": "png"}}}]},
}
# A text in place of a file: in clients a text is a path.
NOT_SENT = ("edit-image-text",)


@dataclass(frozen=True)
class Case:
    """One row; or a body that is judged by its warnings alone, whose `requests` and `expected` are None."""

    id: str
    call: Mapping[str, Any]
    answers: Sequence[Mapping[str, Any]]
    requests: Sequence[Mapping[str, Any]] | None
    expected: Mapping[str, Any] | None
    warnings: Sequence[str] = ()
    retries: Sequence[str] = ()
    listens: bool = True


@cache
def rows() -> tuple[dict[str, Any], ...]:
    """The rows of all files here, held against the grammar."""
    schema = json.loads((HERE / "vectors.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    found = []
    for path in sorted(HERE.glob("*.yaml")):
        for row in yaml.safe_load(path.read_text(encoding="utf-8")):
            wrong = jsonschema.exceptions.best_match(validator.iter_errors(row))
            if wrong is not None:
                raise ValueError(f"{path.name}, {row.get('id')}: {wrong.json_path}: {wrong.message}")
            found.append(row)
    return tuple(found)


@cache
def cases() -> dict[str, Case]:
    """All cases by id, in file order."""
    listed = (_body(f"bodies/{vector.id}", vector) for vector in vectors() if vector.id not in NOT_SENT)
    made = [*map(_case, rows()), *listed, *(_body(f"rules/{vector.id}", vector) for vector in derived())]
    by_id = {case.id: case for case in made}
    if len(by_id) != len(made):
        raise ValueError(f"two cases with one id among {sorted(case.id for case in made)}")
    return by_id


def _case(row: dict[str, Any]) -> Case:
    call = row["call"]
    exchanges = row.get("exchanges", [])
    usual = _usual(call["operation"], call.get("arguments", {}))
    expected: dict[str, Any] = {
        name: row[name] for name in ("answer", "events", "error", "pictures", "request_id") if name in row
    }
    if not expected and exchanges and "answer" not in exchanges[-1]:
        expected = {"pictures": ["png"]}
    return Case(
        id=row["id"],
        call=call,
        answers=[one.get("answer", usual) for one in exchanges] or [usual],
        requests=[one["request"] for one in exchanges],
        expected=expected,
        warnings=row.get("warnings", ()),
        retries=row.get("retries", ()),
        listens=row.get("listens", True),
    )


def _usual(operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = EVENTS[operation] if arguments.get("stream") is True else ONE_PICTURE
    return found


def _body(name: str, vector: Vector) -> Case:
    arguments = {name.removesuffix("[]"): value for name, value in vector.body.items()}
    author = {name[4:-1].replace("][", " "): arguments.pop(name) for name in list(arguments) if name.startswith("svg[")}
    if author:
        reasoning = {"reasoning": {"effort": author.pop("reasoning effort")}} if "reasoning effort" in author else {}
        arguments["svg"] = {**author, **reasoning}
    call = {"operation": vector.operation, "arguments": arguments, "client": {"validate": "warn", "max_retries": 0}}
    usual = _usual(vector.operation, arguments)
    return Case(name, call, [usual], None, None, warnings=sorted(vector.rules))


def call_of(case: Case, port: Port, folder: Path) -> dict[str, Any]:
    """The call as a runner reads it; its files are written into the folder."""
    told = case.call
    client = {
        "base_url": "{origin}/v1",
        "api_key": KEY,
        "timeout": 10,
        "max_retries": 2,
        "validate": "off",
        **told.get("client", {}),
    }
    return {
        "id": case.id,
        "client": filled(client, port.origin),
        "operation": told["operation"],
        "arguments": {name: _argument(value, port, folder) for name, value in told.get("arguments", {}).items()},
        "options": filled(told.get("options", {}), port.origin),
        **({"final": True} if "final" in told else {}),
    }


def _argument(value: Any, port: Port, folder: Path) -> Any:
    if isinstance(value, list):
        return [_argument(one, port, folder) for one in value]
    if isinstance(value, File):
        return {"$file": {"path": _written(folder, str(abs(hash(value.data))), value.data)}}
    if isinstance(value, dict) and "$times" in value:
        return [_argument(value["$times"][0], port, folder)] * value["$times"][1]
    if isinstance(value, dict) and "$file" in value:
        told = dict(value["$file"])
        return {"$file": {"path": _written(folder, told["bytes"], NAMED[told.pop("bytes")]), **told}}
    if isinstance(value, dict) and "$path" in value:
        told = value["$path"]
        return {"$path": _written(folder, told["name"], NAMED[told["bytes"]] if "bytes" in told else None)}
    return filled(value, port.origin)


def _written(folder: Path, name: str, data: bytes | None) -> str:
    path = folder / name
    if data is not None and not path.exists():
        path.write_bytes(data)
    return str(path)
