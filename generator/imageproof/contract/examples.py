"""The examples of a source, each held against its own document and against the contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from imageproof.contract.document import Document, request_content, request_schema
from imageproof.contract.fact import UNNAMED
from imageproof.contract.pointers import join
from imageproof.contract.sources import Source
from imageproof.contract.violations import FileFacts, Validator, is_file, violations

# A picture that every family takes: examples say that a file is there, not what is in it.
PICTURE = FileFacts("png", 1024, 1024, 1_000_000, True, True)
NAMED_FILE = re.compile(r"<bytes of [^>]+>")


@dataclass(frozen=True)
class Example:
    """One example of a source. `operation` is an operationId, or the name of an answer that no operation refers to;
    `own` holds what its own document has against it, `contract` what the contract has."""

    source: str
    operation: str
    place: str
    name: str
    line: int | None
    own: tuple[str, ...]
    contract: tuple[str, ...]


def examples(contract: Document, source: Source) -> Iterator[Example]:
    """All examples of requests and answers of a source, with their verdicts."""
    for operation in source.document.operations().values():
        if operation.id not in contract.operations():
            continue
        for media_type, media in request_content(source.document, operation.id).items():
            where = operation.pointer + join("requestBody", "content", media_type)
            for name, told, pointer in _examples(source.document, media, where):
                own = _faults(source.document, media, told)
                against = _request(contract, operation.id, media_type, told)
                yield Example(source.id, operation.id, "request", name, source.line(pointer), own, against)
        for status, response in operation.node.get("responses", {}).items():
            content = source.document.resolve(response).get("content", {})
            for media_type, media in content.items():
                where = operation.pointer + join("responses", status, "content", media_type)
                for name, told, pointer in _examples(source.document, media, where):
                    own = _faults(source.document, media, told)
                    answer = _answer(contract, operation.id, str(status), media_type, told)
                    yield Example(source.id, operation.id, str(status), name, source.line(pointer), own, answer)

    yield from _errors(contract, source)


def _errors(contract: Document, source: Source) -> Iterator[Example]:
    """Answers that a source shows and binds to no operation: its errors, against the one that every operation has."""
    shared = source.document.data.get("components", {}).get("responses", {})
    operation = next(iter(contract.operations()))
    for name, response in shared.items():
        for media_type, media in response.get("content", {}).items():
            where = join("components", "responses", name, "content", media_type)
            for sample, told, pointer in _examples(source.document, media, where):
                own = _faults(source.document, media, told)
                answer = _answer(contract, operation, "400", media_type, told)
                yield Example(source.id, name, "error", sample, source.line(pointer), own, answer)


def real_answers(contract: Document, source: Source) -> tuple[int, int]:
    """How many of the contract's own examples of answers fit the source's schemas, and how many there are to fit.

    None of them means that no real answer can satisfy the source.
    """
    fit = total = 0
    for operation in source.document.operations().values():
        theirs = _content(source.document, operation.id, "200")
        schemas = [media for media_type, media in theirs.items() if media_type in ("application/json", UNNAMED)]
        ours = _content(contract, operation.id, "200") if operation.id in contract.operations() else {}
        for _, told, _ in _examples(contract, ours.get("application/json", {}), "") if schemas else ():
            total += 1
            fit += not _faults(source.document, schemas[0], told)
    return fit, total


def _content(document: Document, operation: str, status: str) -> Mapping[str, Any]:
    response = document.resolve(document.operations()[operation].node.get("responses", {}).get(status, {}))
    content: Mapping[str, Any] = response.get("content", {})
    return content


def _examples(document: Document, media: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any, str]]:
    for name, example in media.get("examples", {}).items():
        told = document.resolve(example)
        if "value" in told:
            yield name, told["value"], pointer + join("examples", name)


def _faults(document: Document, media: Mapping[str, Any], told: Any) -> tuple[str, ...]:
    """What a media type's schema has against a value."""
    validator = Draft202012Validator({**_schema(media), "components": document.data.get("components", {})})
    return tuple(dict.fromkeys(_said(one.json_path, one.message) for one in validator.iter_errors(told)))


def _schema(media: Mapping[str, Any]) -> dict[str, Any]:
    schema = media.get("schema", {})
    return schema if isinstance(schema, dict) else {}


def _said(path: str, message: str) -> str:
    return f"{path.removeprefix('$').removeprefix('.') or 'body'}: {message[:160]}"


def _request(contract: Document, operation: str, media_type: str, told: Any) -> tuple[str, ...]:
    offered = list(request_content(contract, operation))
    chosen = offered[0] if media_type == UNNAMED else media_type
    if chosen not in offered:
        return (f"body: the contract takes {' or '.join(offered)}, not {media_type}",)
    if not isinstance(told, dict):
        return ("body: must be an object",)
    schema = request_schema(contract, operation, chosen)
    form = chosen == "multipart/form-data"
    body = {name: _part(contract, schema, name, value) if form else value for name, value in told.items()}
    model = body.get("model") if isinstance(body.get("model"), str) else None
    found = violations(contract, model, operation, body, media_type=chosen)
    return tuple(f"{one.pointer or 'body'}: {one.message} ({one.rule})" for one in found if not one.either)


def _part(contract: Document, schema: Mapping[str, Any], name: str, value: Any) -> Any:
    """A part of a form as `violations` takes it: files as facts, numbers and booleans out of their text."""
    if isinstance(value, list):
        return [_part(contract, schema, name, one) for one in value]
    if isinstance(value, str) and NAMED_FILE.fullmatch(value):
        return PICTURE
    prop = contract.resolve(schema.get("properties", {}).get(name, {}))
    if isinstance(value, str) and not is_file(prop) and prop.get("type") in ("integer", "boolean"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _answer(contract: Document, operation: str, status: str, media_type: str, told: Any) -> tuple[str, ...]:
    """What the contract has against an answer; of a stream, against one event."""
    chosen = "application/json" if media_type == UNNAMED else media_type
    ours = _content(contract, operation, status).get(chosen)
    if ours is None:
        return (f"body: the contract has no {chosen} for {status}",)
    schema = _schema(ours)
    if chosen == "text/event-stream":
        frame = contract.resolve(schema)
        schema = frame["properties"]["data"]["contentSchema"]
        told = _event(told)
    validator = Validator({**schema, "components": contract.data["components"]})
    return tuple(dict.fromkeys(_said(one.json_path, one.message) for one in validator.iter_errors(told)))


def _event(told: Any) -> Any:
    """The event of an example, whether it shows the frame or the event alone."""
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, str):
        return told
    try:
        return json.loads(data)
    except ValueError:
        return data
