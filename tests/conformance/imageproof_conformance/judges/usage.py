"""Judges of `usage`: whether it is there, whether it adds up, and which kinds of tokens it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown, whole
from imageproof_conformance.judges.table import EDIT, GEN, VAR, Breach, Context, Said, each, judges

TOTALS = ("input_tokens", "output_tokens", "total_tokens")
KINDS = ("text_tokens", "image_tokens")


def usage_of(exchange: Exchange) -> Mapping[str, Any] | None:
    found = answer(exchange)
    usage = found.head.get("usage") if found.served else None
    return usage if isinstance(usage, dict) else None


def misshapen(usage: Any) -> str:
    """What is wrong with the shape of a usage object, "" for nothing. Source: ImagesUsage of the official types."""
    if not isinstance(usage, dict):
        return f"usage is {shown(usage)}"
    details = usage.get("input_tokens_details")
    for where, name in [*((usage, name) for name in TOTALS), *((details, name) for name in KINDS)]:
        value: Any = where.get(name) if isinstance(where, dict) else None
        if not whole(value) or value < 0:
            return f"{name} is {shown(value) if value is not None else 'absent'}"
    return ""


@judges(*each("USAGE-PRESENT", GEN, EDIT))
def present(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served or found.streamed or not isinstance(found.json, dict):
        return None
    if context.family is None or not context.family.returns.usage:
        return None
    problem = misshapen(found.head.get("usage")) if found.head.get("usage") is not None else "usage is absent"
    return Breach("usage is missing or misshapen", "", problem) if problem else True


@judges(*each("USAGE-SUM", GEN, EDIT))
def adds_up(exchange: Exchange, context: Context) -> Said:
    usage = usage_of(exchange)
    if usage is None or misshapen(usage):
        return None
    sums = [("total_tokens", usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])]
    for side in ("input", "output"):
        details = usage.get(f"{side}_tokens_details")
        if isinstance(details, dict) and all(whole(details.get(kind)) for kind in KINDS):
            sums.append((f"{side}_tokens", usage[f"{side}_tokens"], sum(details[kind] for kind in KINDS)))
    for name, said, real in sums:
        if said != real:
            return Breach("usage does not add up", f"{name}: {real} as the sum of its parts", shown(said))
    return True


@judges(*each("USAGE-OUTPUT", GEN, EDIT))
def output(exchange: Exchange, context: Context) -> Said:
    usage, pictures = usage_of(exchange), len(answer(exchange).items)
    if usage is None or misshapen(usage) or not pictures:
        return None
    if usage["output_tokens"] < pictures:
        got = f"output_tokens: {shown(usage['output_tokens'])}"
        return Breach("fewer output tokens are counted than pictures", f"{pictures} or more", got)
    return True


@judges(*each("USAGE-NONE", GEN, EDIT, VAR))
def none(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served or not found.items or context.family is None or context.family.returns.usage:
        return None
    usage = found.head.get("usage")
    if usage is None:
        return True
    return Breach("a model that counts no tokens reports usage", "no usage", shown(usage))


@judges("EDIT-USAGE-IMAGES")
def more_images(exchange: Exchange, context: Context) -> Said:
    """Only the number of pictures may differ: what else costs tokens is left to the model or is the same."""
    read, sent = _read(exchange), _sent(exchange)
    if read is None or sent < 2:
        return None
    for one in context.others:
        fewer = one.probe.operation == exchange.probe.operation and _sent(one) == 1
        if fewer and one.probe.model == exchange.probe.model and (less := _read(one)) is not None:
            if read > less:
                return True
            got = f"{shown(read)} image tokens for {sent} images, {shown(less)} for one"
            return Breach("a further image counts no image tokens", f"{sent} images", got)
    return None


def _read(exchange: Exchange) -> int | None:
    """The image tokens that a call read; None where that cannot be told."""
    usage = usage_of(exchange)
    return None if usage is None or misshapen(usage) else int(usage["input_tokens_details"]["image_tokens"])


def _sent(exchange: Exchange) -> int:
    """How many pictures a form of an edit has."""
    asked = exchange.probe.asked
    return len(asked["image[]"]) if isinstance(asked.get("image[]"), list) else int("image" in asked)


@judges(*each("USAGE-KINDS", GEN, EDIT))
def kinds(exchange: Exchange, context: Context) -> Said:
    usage = usage_of(exchange)
    if usage is None or misshapen(usage):
        return None
    text, image = (usage["input_tokens_details"][kind] for kind in KINDS)
    edit = exchange.probe.operation == "createImageEdit"
    if not text:
        return Breach("a prompt was read, but no text tokens are counted", "", "text_tokens: 0")
    if bool(image) != edit:
        wanted = "above 0" if edit else "0"
        return Breach(
            "image tokens do not match what was sent", f"image_tokens {wanted}", f"image_tokens: {shown(image)}"
        )
    return True
