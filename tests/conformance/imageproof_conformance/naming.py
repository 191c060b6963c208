"""Which models a target knows by name that lists none: asked with a size that all models refuse, so without a picture.

A target that knows a model complains of the size; of one that it does not know, of the model. One that complains of the
size first, whatever the model is called, does not say which it knows.
"""

from __future__ import annotations

from collections.abc import Callable

from imageproof.contract.document import Document, Operation, request_schema
from imageproof.contract.families import families
from imageproof_conformance.answers import about_model, served
from imageproof_conformance.encodings import JSON, PROMPT
from imageproof_conformance.exchange import Exchange, Probe, Request
from imageproof_conformance.probes_fixed import NO_MODEL

IMPOSSIBLE = "1x1"


def known_by_name(document: Document, operation: Operation, ask: Callable[[Probe], Exchange | None]) -> tuple[str, ...]:
    """The models of the contract that a target knows by name; () where it does not say."""
    schema = request_schema(document, operation.id, JSON)
    rule = schema.get("properties", {}).get("size", {}).get("x-rule", "")

    def answer(model: str) -> Exchange | None:
        body = {"model": model, "prompt": PROMPT, "size": IMPOSSIBLE}
        request = Request(operation.method, operation.path, json=body)
        name, rules = f"discover/{operation.id}/{model}", (rule,) if rule else ()
        return ask(Probe(name, operation.id, "", request, "refused", rules, worst=1))

    stranger = answer(NO_MODEL)
    if stranger is None or not about_model(stranger):
        return ()
    found: list[str] = []
    for model in (name for one in families(document) if operation.id in one.operations for name in one.models):
        told = answer(model)
        if told is None or served(told):  # no more of them: each would cost a picture
            return (*found, model) if told is not None else tuple(found)
        if told.status in (400, 422) and not about_model(told):
            found.append(model)
    return tuple(found)
