"""Probes that no schema says: keys, a malformed body, an unknown model, methods, and the list of models."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from imageproof.contract.document import Operation
from imageproof_conformance.exchange import Expect, Probe, Request
from imageproof_conformance.probes import ANY_RULES, ERROR_RULES, JSON, Target, base, probe, request

NO_MODEL = "imageproof-no-such-model"
NO_PATH = "imageproof-no-such-path"
ORIGIN = "https://imageproof.example"  # a page that calls the target from a browser
PLAIN_HTTP = ("HTTP-NO-REDIRECT", "HTTP-REQUEST-ID", "HTTP-REQUEST-ID-OWN", *ANY_RULES)


def fixed(target: Target) -> Iterator[Probe]:
    """The fixed probes of a target; all of them are free on a target that keeps the contract."""
    making = _plain(target)
    if making is not None and target.can(making.id):
        yield from _bare(target, making)
        yield from _keys(target, making)
        body = {**base(target, making.id, JSON), "model": NO_MODEL}
        rules = ("GEN-MODEL-UNKNOWN", *ERROR_RULES)
        yield probe(target, making, JSON, body, "model=unknown", "refused", rules)
    for operation in target.document.operations().values():
        if operation.id in target.offered and operation.method == "GET":
            yield from _models(target, operation)
    if making is not None:
        yield _alive(target, making)


def beside(target: Target) -> Iterator[Probe]:
    """Paths beside the one of an operation, and what a browser asks before it calls: less telling than all refusals,
    and so asked after them."""
    making = _plain(target)
    if making is not None and target.can(making.id):
        yield from _beside(target, making)


def _plain(target: Target) -> Operation | None:
    """The first operation that takes JSON."""
    return next((one for one in target.making if JSON in target.media_types(one.id)), None)


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
    # Behind the wrong key with a good body, which shows more where a failure has to be asked twice.
    empty = Request(operation.method, operation.path, json={}, key="bad")
    rules = target.judged("AUTH-BEFORE-BODY", *ERROR_RULES)
    name = f"{target.model}/{operation.id}/bad-key-bad-body"
    yield Probe(name, operation.id, target.model, empty, "refused", rules, worst=1)


def _beside(target: Target, operation: Operation) -> Iterator[Probe]:
    def made(label: str, sent: Request, *rules: str, breaks: str = "") -> Probe:
        name = f"{target.model}/{operation.id}/{label}"
        worst = int(sent.method == operation.method)
        judged = target.judged(*rules)
        return Probe(name, operation.id, target.model, sent, "refused", judged, worst=worst, breaks=breaks)

    schema = target.schema(operation.id, JSON)
    lacking = [target.property(operation.id, JSON, name).get("x-rule-missing", "") for name in schema["required"]]
    folder = operation.path.rpartition("/")[0]
    yield made("no-route", Request("GET", f"{folder}/{NO_PATH}"), "ERR-NO-ROUTE", "ERR-NOT-FOUND")
    slash = Request(operation.method, f"{operation.path}/", json={})
    rules = ("HTTP-TRAILING-SLASH", "ERR-NO-ROUTE", "ERR-NOT-FOUND")
    yield made("trailing-slash", slash, *rules, breaks=next(filter(None, lacking), ""))
    asks = (("Access-Control-Request-Method", operation.method), ("Access-Control-Request-Headers", _BROWSER))
    yield made("preflight", Request("OPTIONS", operation.path, headers=(_FROM, *asks), key="none"), "HTTP-CORS")
    malformed = Request(operation.method, operation.path, raw=b'{"model": "', media_type=JSON, headers=(_FROM,))
    yield made("error-for-a-browser", malformed, "HTTP-CORS", breaks="GEN-JSON-MALFORMED")


_FROM = ("Origin", ORIGIN)
_BROWSER = "authorization, content-type"


def _alive(target: Target, operation: Operation) -> Probe:
    """After all refusals: the list of models, else a body that cannot be valid."""
    offered = (one for one in target.document.operations().values() if one.id in target.offered)
    listing = next((one for one in offered if one.method == "GET" and "{" not in one.path), None)
    sent = Request("GET", listing.path) if listing else Request(operation.method, operation.path, json={})
    return Probe(
        f"{target.model}/{(listing or operation).id}/alive",
        (listing or operation).id,
        target.model,
        sent,
        "served" if listing else "refused",
        target.judged("HTTP-ALIVE"),
        last=True,
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
