"""What a provider declares, asked of its target: the calls that show it, and the rules on other calls that do too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imageproof.contract.document import Operation, request_content
from imageproof.contract.providers import Offers, Provider
from imageproof_conformance.encodings import SHORT, empty, several, without_pictures
from imageproof_conformance.exchange import Probe, Request
from imageproof_conformance.probes import Target

OPERATIONS, ENCODINGS, MODELS = "DECLARED-OPERATIONS", "DECLARED-ENCODINGS", "DECLARED-MODELS"
CARRIER, STREAM, MASK = "DECLARED-CARRIER", "DECLARED-STREAM", "DECLARED-MASK"


def declared(target: Target, provider: Provider | None) -> Iterator[Probe]:
    """The calls of their own that show what is declared; all are free on a target that keeps the contract."""
    if provider is None:
        return
    for operation in target.document.operations().values():
        if not request_content(target.document, operation.id):
            continue
        if provider.offers.operations is not None:
            usual = next(iter(request_content(target.document, operation.id)))
            yield _made(target, operation, "declared", empty(operation, usual), OPERATIONS)
        for media_type in several(target.document, operation) if _asks_encodings(target, operation, provider) else ():
            sent = without_pictures(target.document, operation, media_type)
            yield _made(target, operation, f"declared-{SHORT[media_type]}", sent, ENCODINGS)


def marked(target: Target, provider: Provider | None, probes: Iterable[Probe]) -> tuple[Probe, ...]:
    """The probes, each with the rules on what is declared that its answer shows."""
    if provider is None:
        return tuple(probes)
    return tuple(
        replace(one, rules=target.judged(*one.rules, *_shown(one, provider.offers, bool(provider.models))))
        for one in probes
    )


def _shown(probe: Probe, offers: Offers, models: bool) -> Iterator[str]:
    if models and "MODELS-LIST" in probe.rules:
        yield MODELS
    if probe.expect != "served" or not probe.images:
        return
    asked = probe.asked
    if offers.carrier is not None and "response_format" not in asked and not asked.get("stream"):
        yield CARRIER
    if offers.stream is not None and asked.get("stream") is True:
        yield STREAM
    if offers.mask is not None and asked.get("mask"):
        yield MASK


def _asks_encodings(target: Target, operation: Operation, provider: Provider) -> bool:
    return provider.offers.encodings is not None and operation.id in target.offered


def _made(target: Target, operation: Operation, label: str, sent: Request, rule: str) -> Probe:
    name = f"{target.model}/{operation.id}/{label}"
    return Probe(name, operation.id, target.model, sent, "refused", target.judged(rule), worst=1)
