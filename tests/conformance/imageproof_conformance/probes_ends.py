"""A call that differs from another one in its compression, so that both ends of the range can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from imageproof.contract.document import Operation
from imageproof_conformance.exchange import Probe
from imageproof_conformance.probes import Body, Target, base
from imageproof_conformance.probes_pairs import made_of
from imageproof_conformance.probes_shown import COMPRESSION, ends

ALIKE = ("output_format", "size", "background")


def opposite(target: Target, operation: Operation, made: Sequence[Probe], room: int) -> Iterator[Probe]:
    """Beside the calls that are made anyway, one that asks for the other end of the range than one of them, where no
    two of them can be compared already."""
    found = ends(target, operation.id)
    mine = [one for one in made if one.asked.get(COMPRESSION) in found and _sized(one.asked)]
    kinds = {_kind(one.asked) for one in mine}
    if not mine or room < 1 or len(kinds) < len({(_kind(one.asked), one.asked[COMPRESSION]) for one in mine}):
        return
    media_type, like = target.media_types(operation.id)[0], mine[0].asked
    members = {name: like[name] for name in ALIKE if name in like}
    body = {**base(target, operation.id, media_type), **members, COMPRESSION: sum(found) - like[COMPRESSION]}
    if not target.breaches(operation.id, media_type, body):
        yield made_of(target, operation, media_type, body, "ends-1")


def _sized(body: Body) -> bool:
    return isinstance(body.get("size"), str) and body["size"] != "auto"


def _kind(body: Body) -> tuple[Any, ...]:
    return tuple(body.get(name) for name in ALIKE)
