"""Requests that must be served: a small set, so that each paid picture is judged by every rule that applies to it.

What to ask for is a table; the values come from the model's cells, and what a model does not have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from imageproof.contract.document import Operation
from imageproof.contract.families import Grid, listed
from imageproof_conformance.exchange import Expect, Probe, Tier
from imageproof_conformance.judges.served import sole
from imageproof_conformance.probes import JSON, Target, base, probe
from imageproof_conformance.probes_pictures import legal
from imageproof_conformance.probes_shown import picture_rules

Wish = Callable[[Target, str], Any]  # (target, operationId) -> value, None for "leave it out"

IDENTITY = "imageproof-user"
FRAME_MS = 123  # no multiple of the 10 that a gif counts in, so that the rounding shows
EVENTS_FIRST = (("Accept", "text/event-stream, application/json;q=0.5"),)


@dataclass(frozen=True)
class Shape:
    """One paid call. `wishes` are tried in order and kept where the model allows them; without all of `must` the call
    is not planned. `tier` is the cheapest that it may be part of: the planner leaves it to a dearer one where its MUST
    rules are shown without it. `lead` are the rules of which one breaks when the call is refused; () for the
    operation's own."""

    label: str
    operation: str
    tier: Tier
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    must: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    shows: tuple[str, ...] = ()  # rules that it shows beside those of any picture
    json: bool = False
    echoing: bool = False  # only for models that repeat parameters in their answer
    anyone: bool = False  # also for a model that is not known, with no wish beyond `must`
    drop: tuple[str, ...] = ()


def _just(value: Any) -> Wish:
    return lambda target, operation: value


def _quiet_size(target: Target, operation: str) -> str | None:
    """The cheapest size to be exact about: the fewest pixels, and not square where the model has such a size."""
    found = sorted(sizes(target, operation), key=lambda one: (one[0] == one[1], one[0] * one[1], one))
    return f"{found[0][0]}x{found[0][1]}" if found else None


def _other_size(target: Target, operation: str) -> str | None:
    """The quiet size turned, where the model has that; else the quiet one."""
    quiet = _quiet_size(target, operation)
    turned = "x".join(reversed(quiet.split("x"))) if quiet else None
    found = [f"{width}x{height}" for width, height in sizes(target, operation)]
    return turned if turned in found else quiet


def sizes(target: Target, operation: str) -> list[tuple[int, int]]:
    """The explicit sizes of a model, in pixels: those that it lists, of a free grid the cheapest legal ones, of a model
    that is not known none."""
    cell = target.cell(operation, "size")
    if cell is not None and cell.grid is not None:
        return list(grid_sizes(cell.grid))
    if target.family is not None:
        return _explicit(listed(cell.schema) if cell is not None else ())
    return []


@lru_cache(maxsize=8)
def grid_sizes(grid: Grid) -> tuple[tuple[int, int], ...]:
    """The legal sizes of a grid with the fewest pixels, lying and standing."""
    step = grid.multiple_of
    sides = range(step, grid.max_edge + 1, step)
    legal_ones = [(w, h) for w in sides for h in sides if not grid.breach(w, h)]
    least = min((w * h for w, h in legal_ones if w != h), default=0)
    return tuple(one for one in legal_ones if one[0] * one[1] == least)


def _explicit(values: tuple[Any, ...]) -> list[tuple[int, int]]:
    pairs = [str(value).split("x") for value in values]
    return [(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2 and all(one.isdigit() for one in pair)]


def _second_carrier(target: Target, operation: str) -> str | None:
    carriers = target.family.returns.carriers if target.family else ()
    return carriers[1] if len(carriers) > 1 else None


def _compression(target: Target, operation: str) -> int | None:
    """The middle of the range; only where the model says of its formats that some take one."""
    media_type = target.media_types(operation)[0]
    prop = target.property(operation, media_type, "output_compression")
    return (prop["minimum"] + prop["maximum"]) // 2 if "maximum" in prop and "minimum" in prop else None


def _identity(target: Target, operation: str) -> str | None:
    """Who asks; only of models whose answer repeats it."""
    return IDENTITY if target.family and target.family.returns.echo else None


def _fewest_frames(target: Target, operation: str) -> int | None:
    prop = target.property(operation, target.media_types(operation)[0], "frame_count")
    return prop.get("minimum")


def _two_pictures(target: Target, operation: str) -> list[Any]:
    cell = target.cell(operation, "image[]")
    most = cell.schema.get("maxItems", 2) if cell is not None and isinstance(cell.schema, dict) else 2
    return list(legal()[: min(2, most)])


_STREAM: Mapping[str, Wish] = {"stream": _just(True), "partial_images": _just(1), "size": _quiet_size}
_GIF: Mapping[str, Wish] = {
    "output_format": _just("gif"),
    "frame_count": _fewest_frames,
    "frame_duration_ms": _just(FRAME_MS),
    "size": _quiet_size,
}
_SVG: Mapping[str, Wish] = {"output_format": _just("svg"), "size": _quiet_size}

SHAPES: tuple[Shape, ...] = (
    Shape("plain", "createImage", "core", anyone=True),
    Shape(
        "several",
        "createImage",
        "core",
        {
            "n": _just(2),
            "size": _quiet_size,
            "background": _just("opaque"),
            "output_format": _just("webp"),
            "output_compression": _compression,
            "user": _just(IDENTITY),
        },
        must=("n",),
        anyone=True,
    ),
    Shape(
        "carrier",
        "createImage",
        "core",
        {"response_format": _second_carrier, "size": _quiet_size},
        ("response_format",),
    ),
    Shape(
        "stream",
        "createImage",
        "core",
        {**_STREAM, "output_format": _just("png"), "background": _just("transparent")},
        must=("stream",),
        lead=("GEN-STREAM-TYPE",),
        shows=("GEN-SERVED",),
    ),
    # Every null that a request may have, and what else can be seen on any picture.
    Shape(
        "nulls",
        "createImage",
        "core",
        {"safety_identifier": _identity},
        must=("n",),
        lead=("GEN-NULL-OMITTED",),
        headers=EVENTS_FIRST,
        shows=("GEN-ACCEPT-JSON",),
    ),
    Shape(
        "stream-bare",
        "createImage",
        "core",
        {
            "stream": _just(True),
            "size": _just("auto"),
            "output_format": _just("jpeg"),
            "output_compression": _compression,
        },
        must=("stream",),
        lead=("GEN-STREAM-TYPE",),
        shows=("GEN-SERVED",),
    ),
    Shape("gif", "createImage", "core", _GIF, must=("output_format", "frame_count"), lead=("GEN-GIF-FRAMES",)),
    Shape("svg", "createImage", "core", _SVG, must=("output_format",), lead=("GEN-SVG-ROOT",)),
    Shape(
        "transparent",
        "createImage",
        "standard",
        {"background": _just("transparent"), "output_format": _just("png"), "size": _just("auto")},
        must=("background",),
    ),
    Shape(
        "single",
        "createImageEdit",
        "core",
        {"size": _quiet_size, "output_format": _just("jpeg")},
        lead=("EDIT-IMAGE-SINGLE",),
        anyone=True,
    ),
    Shape(
        "list",
        "createImageEdit",
        "core",
        {
            "image[]": _two_pictures,
            "mask": lambda target, operation: legal()[1],
            "size": _other_size,
            "background": _just("opaque"),
            "user": _just(IDENTITY),
        },
        must=("image[]",),
        lead=("EDIT-IMAGE-LIST", "EDIT-MASK-SERVED"),
        shows=("EDIT-SERVED",),
        anyone=True,
        drop=("image",),
    ),
    Shape(
        "stream",
        "createImageEdit",
        "core",
        {**_STREAM, "background": _just("opaque")},
        must=("stream",),
        lead=("EDIT-STREAM-TYPE",),
        shows=("EDIT-SERVED",),
    ),
    Shape(
        "stream-bare",
        "createImageEdit",
        "core",
        {
            "stream": _just(True),
            "size": _just("auto"),
            "output_format": _just("webp"),
            "background": _just("transparent"),
        },
        must=("stream",),
        lead=("EDIT-STREAM-TYPE",),
        shows=("EDIT-SERVED",),
    ),
    Shape("gif", "createImageEdit", "core", _GIF, must=("output_format", "frame_count"), lead=("EDIT-GIF-FRAMES",)),
    Shape("svg", "createImageEdit", "core", _SVG, must=("output_format",), lead=("EDIT-SVG-ROOT",)),
    Shape(
        "several",
        "createImageEdit",
        "standard",
        {
            "n": _just(2),
            "size": _other_size,
            "response_format": _second_carrier,
            "background": _just("transparent"),
            "output_format": _just("webp"),
            "safety_identifier": _identity,
        },
        must=("n",),
    ),
    Shape("json", "createImageEdit", "standard", lead=("EDIT-JSON-SERVED",), json=True, echoing=True),
    Shape("plain", "createImageVariation", "core", {"size": _quiet_size}, anyone=True),
    Shape(
        "several",
        "createImageVariation",
        "standard",
        {"n": _just(2), "size": _quiet_size, "response_format": _second_carrier},
        must=("n",),
    ),
)


def served(target: Target) -> Iterator[Probe]:
    """The paid probes of a target, in the order of the table. One whose special wish may be refused is an `either`."""
    for operation in target.making:
        for shape in SHAPES:
            if shape.operation == operation.id and target.can(operation.id):
                made = _made(target, operation, shape)
                if made is not None:
                    yield made


BARE = "bare"  # how the ids of calls end that ask for nothing that they need not
# Plainer calls for the place of refused ones, label -> the members beside the plainest body: they tell a feature that
# is refused from what it was asked for together with.
_PLAINER: Mapping[str, Mapping[str, Wish]] = {
    "stream-plain": {"stream": _just(True)},
    "list-plain": {"image[]": _two_pictures},
}
_LEADS = {"stream-plain": "STREAM-TYPE", "list-plain": "IMAGE-LIST"}


def reserved(target: Target) -> Iterator[Probe]:
    """The calls that are made only where others are refused: one feature alone, and nothing but what is required."""
    for operation in target.making:
        if target.family is None or not target.can(operation.id):
            continue
        media_type, prefix = target.media_types(operation.id)[0], target.prefix(operation.id)
        plainest = base(target, operation.id, media_type)
        bodies = {BARE: {name: value for name, value in plainest.items() if name != "quality"}}
        for label, wishes in _PLAINER.items():
            more = {name: wish(target, operation.id) for name, wish in wishes.items()}
            known = set(more) <= set(target.schema(operation.id, media_type)["properties"])
            body = {name: value for name, value in plainest.items() if name != "image" or "image[]" not in more} | more
            if known and not target.breaches(operation.id, media_type, body):
                bodies[label] = body
        for label, body in bodies.items():
            lead = [f"{prefix}-{_LEADS[label]}"] if label in _LEADS else []
            rules = (*lead, f"{prefix}-SERVED", *picture_rules(target, operation.id, body))
            yield probe(target, operation, media_type, body, label, "served", rules, "standard", 1)


def _made(target: Target, operation: Operation, shape: Shape) -> Probe | None:
    found = target.media_types(operation.id)
    media_type = JSON if shape.json else found[0]
    if media_type not in found or (shape.echoing and not (target.family and target.family.returns.echo)):
        return None
    if target.family is None and not shape.anyone:
        return None
    body, may = _granted(target, operation, media_type, shape)
    if not set(shape.must) <= set(body):
        return None
    prefix = target.prefix(operation.id)
    leads = [one for one in shape.lead if one != "EDIT-MASK-SERVED" or "mask" in body]
    plain = [] if any(sole(one) for one in leads) else [f"{prefix}-SERVED"]
    rules = (*sorted(may), *leads, *plain, *shape.shows, *picture_rules(target, operation.id, body))
    n = body.get("n") or 1
    expect: Expect = "either" if may else "served"
    made = probe(target, operation, media_type, body, shape.label, expect, rules, shape.tier, 0 if may else n)
    return replace(made, request=replace(made.request, headers=shape.headers))


def _granted(target: Target, operation: Operation, media_type: str, shape: Shape) -> tuple[dict[str, Any], set[str]]:
    """The body of a shape with the wishes that the model allows, and the rules by which it may also refuse it."""
    body = base(target, operation.id, media_type)
    wishes = {**(_nulls(target, operation, media_type) if shape.label == "nulls" else {}), **shape.wishes}
    may = set[str]()
    for name, wish in wishes.items():
        value = wish(target, operation.id)
        if (value is None and shape.label != "nulls") or (target.family is None and name not in shape.must):
            continue
        tried = {key: one for key, one in body.items() if key not in shape.drop} | {name: value}
        breaches = target.breaches(operation.id, media_type, tried)
        cell = target.cell(operation.id, name)
        preview = name in shape.must and all(one.either for one in breaches) and not (cell and cell.schema is False)
        if not breaches or preview:
            body = tried
            may |= {one.rule for one in breaches}
    return body, may


def _nulls(target: Target, operation: Operation, media_type: str) -> dict[str, Wish]:
    """A null for every optional parameter that may be null and that the model has."""
    schema = target.schema(operation.id, media_type)
    names = []
    for name in schema["properties"]:
        cell, kinds = target.cell(operation.id, name), target.property(operation.id, media_type, name).get("type", ())
        foreign = cell is not None and cell.schema is False
        if "null" in kinds and not foreign and name not in ("model", "quality", *schema.get("required", ())):
            names.append(name)
    return dict.fromkeys(names, _just(None))
