"""Probes that no schema says: keys, a malformed body, an unknown model, methods, and the list of models."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from imageproof.contract.document import Operation
from imageproof_conformance.exchange import Expect, Probe, Request
from imageproof_conformance.probes import ERROR_RULES, JSON, Target, base, probe, request

NO_MODEL = "imageproof-no-such-model"
PLAIN_HTTP = ("HTTP-NO-REDIRECT", "HTTP-REQUEST-ID")


def fixed(target: Target) -> Iterator[Probe]:
    """The fixed probes of a target; all of them are free on a target that keeps the contract."""
    making = next((one for one in target.making if JSON in target.media_types(one.id)), None)
    if making is not None and target.can(making.id):
        yield from _bare(target, making)
        yield from _keys(target, making)
        body = {**base(target, making.id, JSON), "model": NO_MODEL}
        rules = ("GEN-MODEL-UNKNOWN", *ERROR_RULES)
        yield probe(target, making, JSON, body, "model=unknown", "refused", rules)
    for operation in target.document.operations().values():
        if operation.id in target.offered and operation.method == "GET":
            yield from _models(target, operation)


def _bare(target: Target, operation: Operation) -> Iterator[Probe]:
    def made(label: str, sent: Request, *rules: str) -> Probe:
        return Probe(
            f"{target.model}/{operation.id}/{label}",
            operation.id,
            target.model,
            sent,
            "refused",
            target.judged(*rules, *ERROR_RULES),
        )

    # Cut inside a text, so that no reader can make an object of it.
    malformed = Request(operation.method, operation.path, raw=b'{"model": "', media_type=JSON)
    yield made("malformed", malformed, "GEN-JSON-MALFORMED", *PLAIN_HTTP)
    yield made("method", Request("GET", operation.path), "HTTP-METHOD")
    empty = Request(operation.method, operation.path, json={}, key="bad")
    yield made("bad-key-bad-body", empty, "AUTH-BEFORE-BODY")


def _keys(target: Target, operation: Operation) -> Iterator[Probe]:
    plain = request(operation, JSON, base(target, operation.id, JSON))
    for label, key, rule in (("no-key", "none", "AUTH-NO-KEY"), ("bad-key", "bad", "AUTH-BAD-KEY")):
        yield Probe(
            f"{target.model}/{operation.id}/{label}",
            operation.id,
            target.model,
            Request(plain.method, plain.path, json=plain.json, key="none" if key == "none" else "bad"),
            "refused",
            target.judged(rule, *ERROR_RULES),
            worst=1,
        )


def _models(target: Target, operation: Operation) -> Iterator[Probe]:
    def made(label: str, path: str, *rules: str, served: bool = True) -> Probe:
        sent = Request("GET", path)
        expect: Expect = "served" if served else "refused"
        return Probe(
            f"{target.model}/{operation.id}/{label}", operation.id, target.model, sent, expect, target.judged(*rules)
        )

    head, brace, _ = operation.path.partition("{")
    if not brace:
        yield made("list", operation.path, "MODELS-LIST", *PLAIN_HTTP)
        return
    yield made("one", head + quote(target.model, safe=""), "MODELS-RETRIEVE", *PLAIN_HTTP)
    yield made("unknown", head + NO_MODEL, "MODELS-UNKNOWN", *ERROR_RULES, served=False)
