"""Which rules the answer to a legal body gives evidence for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof_conformance.judges.masks import keeps
from imageproof_conformance.probes import ANY_RULES, Target
from imageproof_conformance.probes_pictures import Picture

COMPRESSION = "output_compression"


def ends(target: Target, operation: str) -> tuple[int, ...]:
    """The least and the most compression that may be asked for; () where the range is open, or there is none."""
    prop = target.property(operation, target.media_types(operation)[0], COMPRESSION)
    cell = target.cell(operation, COMPRESSION)
    known = "minimum" in prop and "maximum" in prop and not (cell is not None and cell.schema is False)
    return (prop["minimum"], prop["maximum"]) if known else ()


def picture_rules(target: Target, operation: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The rules that the answer to a legal body gives evidence for."""
    family = target.family
    streamed = body.get("stream") is True
    echo = family.returns.echo if family else ()
    carriers = family.returns.carriers if family else ("b64_json", "url")
    format_cell = target.cell(operation, "output_format")
    formats = format_cell is not None and format_cell.schema is not False
    explicit = isinstance(body.get("size"), str) and body["size"] != "auto"
    usage = family is not None and family.returns.usage
    several = (body.get("n") or 1) > 1  # how such pictures share a stream, no source says
    previews = bool(body.get("partial_images"))
    user_alone = bool(body.get("user")) and not body.get("safety_identifier")
    files = body.get("image", body.get("image[]"))
    prefix = target.prefix(operation)
    suffixes = {
        "CONTENT-TYPE": not streamed,
        "CREATED-SECONDS": True,
        "COUNT": not streamed,
        "ONE-CARRIER": not streamed,
        "CARRIER": not streamed,
        "B64-PLAIN": "b64_json" in carriers,
        "URL-ABSOLUTE": "url" in carriers and not streamed,
        "URL-FETCH": "url" in carriers and not streamed,
        "URL-TYPE": "url" in carriers and not streamed,
        "URL-HOST": "url" in carriers and not streamed,
        "URL-LASTS": "url" in carriers and not streamed,
        "ITEM-ABSENT": not streamed,
        "IMAGE-DECODES": True,
        "IMAGE-BLANK": True,
        "MASK-KEPT": prefix == "EDIT" and "mask" in body and family is not None and keeps(family),
        "IMAGE-SINGLE": isinstance(body.get("image"), Picture),
        "FORMAT-BYTES": formats,
        "FORMAT-ECHO": "output_format" in echo,
        "SIZE-PIXELS": explicit,
        "SIZE-AUTO": body.get("size") == "auto",
        "SIZE-ECHO": "size" in echo and (explicit or not streamed),
        "QUALITY-ECHO": "quality" in echo and "quality" in body,
        "BACKGROUND-ECHO": "background" in echo and not streamed,
        "ECHO-PRESENT": bool(echo) and not streamed,
        "SAFETY-ECHO": bool(echo) and not streamed and not (user_alone and prefix == "GEN"),
        "SAFETY-USER": bool(echo) and not streamed and user_alone and prefix == "GEN",
        "TRANSPARENT-ALPHA": body.get("background") == "transparent",
        "OPAQUE-ALPHA": body.get("background") == "opaque",
        "DISTINCT": several,
        "USAGE-PRESENT": usage and not streamed,
        "USAGE-SUM": usage,
        "USAGE-KINDS": usage,
        "USAGE-OUTPUT": usage,
        "USAGE-NONE": family is not None and not usage and not streamed,
        "USAGE-IMAGES": usage and files is not None and not streamed and not body.get("n"),
        "REVISED-PROMPT": not streamed,
        "STREAM-NAMES": streamed,
        "STREAM-FIELDS": streamed,
        "STREAM-BARE": streamed and not previews,
        "STREAM-ORDER": streamed and previews and not several,
        "STREAM-TERMINAL": streamed and not several,
        "STREAM-PICTURES": streamed and previews,
        "STREAM-USAGE": streamed and usage,
        "STREAM-EARLY": streamed and previews,
        "COMPRESSION-EFFECT": body.get(COMPRESSION) in ends(target, operation),
    }
    return (
        *(f"{prefix}-{suffix}" for suffix, applies in suffixes.items() if applies),
        "HTTP-NO-REDIRECT",
        "HTTP-REQUEST-ID",
        "HTTP-REQUEST-ID-OWN",
        "ERR-NO-DATA",
        *ANY_RULES,
    )
