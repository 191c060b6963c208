"""The judge of what a compression does to the bytes of pictures, seen between calls that asked for both its ends."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import shown
from imageproof_conformance.judges.served import asked, legal_pictures
from imageproof_conformance.judges.table import EDIT, GEN, Breach, Context, Said, each, judges

NEARLY = 1.1  # between the ends of the range lies a factor of ten or more; what other pixels show may be less than that
PARAMETER = "output_compression"

Kind = tuple[str, int, int, bool]  # file format, width, height, with alpha


def _effect(rule: str) -> None:
    @judges(rule)
    def effect(exchange: Exchange, context: Context) -> Said:
        """Which end gives the smaller files is not judged, only that they are not the same."""
        own = [size for _, size in _sizes(exchange)]
        kinds = {kind for kind, _ in _sizes(exchange)}
        far = (one for one in context.others if _opposed(one, exchange, rule))
        other = [size for one in far for kind, size in _sizes(one) if kind in kinds]
        if not own or not other:
            return None
        sizes = sorted((mean(own), mean(other)))
        if sizes[1] < NEARLY * sizes[0]:
            got = f"{shown(round(mean(own)))} bytes, and {shown(round(mean(other)))} at the other end of its range"
            return Breach("the compression has no effect on the size of the files", asked(exchange, PARAMETER), got)
        return True


def _opposed(one: Exchange, exchange: Exchange, rule: str) -> bool:
    """Whether a call asked for the other end of the range; only calls at an end show the rule."""
    first, second = one.probe, exchange.probe
    alike = (first.operation, first.model) == (second.operation, second.model) and rule in first.rules
    return alike and first.asked[PARAMETER] != second.asked[PARAMETER]


def _sizes(exchange: Exchange) -> Iterator[tuple[Kind, int]]:
    """The kind of each picture that decodes, and its bytes."""
    for item in legal_pictures(exchange):
        if item.facts is not None and item.data is not None and not item.facts.problem and item.facts.width:
            yield (item.facts.format, item.facts.width, item.facts.height, item.facts.alpha), len(item.data)


for _rule in each("COMPRESSION-EFFECT", GEN, EDIT):
    _effect(_rule)
