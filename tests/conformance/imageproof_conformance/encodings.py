"""In which encodings an operation takes its body, asked without a picture: a body that lacks its pictures alone.

Whoever reads it complains of the pictures; whoever does not read that encoding refuses it, or misses the prompt that is
there. Anything else settles nothing.
"""

from __future__ import annotations

import re

from imageproof.contract.document import Document, Operation, request_content, request_schema
from imageproof_conformance.answers import served
from imageproof_conformance.exchange import Exchange, Part, Request

JSON = "application/json"
SHORT = {JSON: "json", "multipart/form-data": "form"}  # for the ids of probes
PROMPT = "A red disc"

_ENCODING = re.compile(r"multipart|form-?data|application/json|content.?type|media.?type|boundary", re.IGNORECASE)
_PICTURES = re.compile(r"\b(?:images?|files?|mask)\b", re.IGNORECASE)
_PROMPT = re.compile(r"\bprompt\b", re.IGNORECASE)
_READ = 4000  # bytes of an answer


def several(document: Document, operation: Operation) -> tuple[str, ...]:
    """The media types of an operation that takes its body in several; () where there is no choice."""
    found = tuple(request_content(document, operation.id))
    return found if len(found) > 1 else ()


def empty(operation: Operation, media_type: str) -> Request:
    """A body that lacks all that is required; a form must have something in it."""
    if media_type == JSON:
        return Request(operation.method, operation.path, json={})
    return Request(operation.method, operation.path, parts=(Part("n", b"0"),))


def without_pictures(document: Document, operation: Operation, media_type: str) -> Request:
    """A body in an encoding that lacks its pictures alone."""
    properties = request_schema(document, operation.id, media_type).get("properties", {})
    texts = {"prompt": PROMPT} if "prompt" in properties else {}
    if media_type == JSON:
        return Request(operation.method, operation.path, json=texts)
    parts = tuple(Part(name, value.encode()) for name, value in texts.items())
    return Request(operation.method, operation.path, parts=parts)


def rule_missing(document: Document, operation: Operation, media_type: str) -> tuple[str, ...]:
    """The rules that a target breaks which serves such a body."""
    schema = request_schema(document, operation.id, media_type)
    lacking = [name for name in schema.get("required", ()) if name != "prompt"]
    found = [schema["properties"][name].get("x-rule-missing", "") for name in lacking]
    return tuple(rule for rule in found if rule)


def taken(exchange: Exchange) -> bool | None:
    """Whether the encoding of such a body is taken; None where its answer does not settle that."""
    status = exchange.status or 0
    if served(exchange):
        return True
    if encoding_refused(exchange):
        return False
    if status not in (400, 422):
        return None
    said = exchange.body[:_READ].decode("utf-8", "replace")
    if _PROMPT.search(said):
        return False
    return True if _PICTURES.search(said) else None


def encoding_refused(exchange: Exchange) -> bool:
    """Whether a body was refused for its encoding."""
    said = exchange.body[:_READ].decode("utf-8", "replace")
    return exchange.status == 415 or (exchange.status in (400, 422) and bool(_ENCODING.search(said)))
