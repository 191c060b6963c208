"""Questions that need no picture: a call that is legal in what it asks, and breaks one other rule on purpose (`n` below
its least), so that a target which took the rest refuses it for that alone. And files and sizes beyond every limit.

Heavy calls, and prompts that a filter must stop, are made only when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imageproof.contract.document import Operation
from imageproof.contract.families import listed
from imageproof_conformance.encode import multipart
from imageproof_conformance.exchange import Part, Probe, Request
from imageproof_conformance.probes import ERROR_RULES, JSON, Body, Target, base, probe
from imageproof_conformance.probes_pictures import in_format, legal, of_bytes

FORM = "multipart/form-data"
HEAVY_BYTES = 10 * 2**20  # an upload of that size, and above, is made only when asked for
HUGE = "100000x100000"
STRANGE = "imageproof_unknown"  # a parameter that no document names
UNREACHABLE = "https://imageproof.invalid/picture.png"  # RFC 2606: such a name never resolves
BOUNDARY = "imageproof-boundary"


@dataclass(frozen=True)
class Extras:
    """What is asked only when the user says so: uploads of 10 MB and huge sizes, and a prompt that a filter stops."""

    heavy: bool = False
    moderation: str = ""


NO_EXTRAS = Extras()

# Rules that only such calls show -> what to type.
WAITING: Mapping[str, str] = {
    "EDIT-FILE-BYTES": "a heavy upload: --heavy asks for it",
    "EDIT-UPLOAD-SIZE": "a heavy upload: --heavy asks for it",
    "GEN-SIZE-HUGE": "a huge size: --heavy asks for it",
    "ERR-MODERATION": "--moderation TEXT asks with a prompt that the target's filter stops",
}


def spared(target: Target, extras: Extras) -> Iterator[Probe]:
    """The probes of a target; all of them are free on a target that keeps the contract."""
    for operation in target.making:
        if not target.can(operation.id):
            continue
        for media_type in target.media_types(operation.id):
            prefix = target.prefix(operation.id)
            if prefix == "GEN":
                yield from _generations(target, operation, media_type, extras)
            elif prefix == "EDIT" and media_type == FORM:
                yield from _forms(target, operation, media_type)
                yield from _files(target, operation, media_type, extras)
            elif prefix == "EDIT":
                yield from _references(target, operation, media_type)
        yield from _stopped(target, operation, extras)


def _twin(target: Target, operation: Operation, media_type: str, body: Body, label: str, rule: str) -> Probe | None:
    """A probe of a legal body with `n` below its least, None where a body has no such `n`."""
    prop = target.property(operation.id, media_type, "n")
    if "minimum" not in prop:
        return None
    made = probe(
        target,
        operation,
        media_type,
        {**body, "n": prop["minimum"] - 1},
        label,
        "refused",
        (rule, *ERROR_RULES),
    )
    return replace(made, breaks=str(prop.get("x-rule", "")), about="n")


def _generations(target: Target, operation: Operation, media_type: str, extras: Extras) -> Iterator[Probe]:
    plain = base(target, operation.id, media_type)
    nameless = {name: value for name, value in plain.items() if name not in ("model", "quality")}
    for label, body, rule in (
        ("unknown-parameter", {**plain, STRANGE: "imageproof"}, "GEN-UNKNOWN-PARAM"),
        ("no-model", nameless, "GEN-MODEL-DEFAULT"),
    ):
        if made := _twin(target, operation, media_type, body, label, rule):
            yield made
    if extras.heavy:
        huge = {**plain, "size": HUGE}
        yield probe(target, operation, media_type, huge, "huge-size", "refused", ("GEN-SIZE-HUGE", *ERROR_RULES))


def _forms(target: Target, operation: Operation, media_type: str) -> Iterator[Probe]:
    """One edit, written in each way that a form may be written."""
    plain = base(target, operation.id, media_type)
    without = {name: value for name, value in plain.items() if name != "image"}
    bodies: list[tuple[str, dict[str, Any], str]] = [
        ("list-of-one", {**without, "image[]": [legal()[0]]}, "EDIT-IMAGE-LIST-OF-ONE"),
        ("files-first", {"image": legal()[0], **without}, "EDIT-PART-ORDER"),
        ("quoted-boundary", plain, "EDIT-BOUNDARY"),
        ("untyped-file", plain, "EDIT-PART-TYPE"),
    ]
    cell = target.cell(operation.id, "image")
    formats = _facts(cell.file if cell else None, "format")
    bodies += [
        (f"format-{one}", {**plain, "image": in_format(one)}, "EDIT-INPUT-FORMATS")
        for one in listed(formats)
        if one != legal()[0].facts.format
    ]
    for label, body, rule in bodies:
        if made := _twin(target, operation, media_type, body, label, rule):
            yield replace(made, request=_WRITTEN.get(label, _as_it_is)(made.request))


def _as_it_is(request: Request) -> Request:
    return request


def _quoted(request: Request) -> Request:
    """The same form as bytes, with its boundary in quotes in the Content-Type."""
    raw = multipart(request.parts or (), BOUNDARY)
    return replace(request, parts=None, raw=raw, media_type=f'{FORM}; boundary="{BOUNDARY}"')


def _untyped(request: Request) -> Request:
    def bare(part: Part) -> Part:
        return part if part.filename is None else replace(part, media_type="application/octet-stream")

    return replace(request, parts=tuple(bare(part) for part in request.parts or ()))


_WRITTEN = {"quoted-boundary": _quoted, "untyped-file": _untyped}


def _files(target: Target, operation: Operation, media_type: str, extras: Extras) -> Iterator[Probe]:
    """A file that is large and allowed, and one that is as large as the model's limit and refused."""
    cell = target.cell(operation.id, "image")
    limit = _facts(cell.file if cell else None, "bytes").get("exclusiveMaximum")
    if limit is None:
        return
    plain = base(target, operation.id, media_type)
    if extras.heavy and limit > HEAVY_BYTES:
        large = {**plain, "image": of_bytes(HEAVY_BYTES)}
        if made := _twin(target, operation, media_type, large, "large-file", "EDIT-UPLOAD-SIZE"):
            yield made
    if extras.heavy or limit < HEAVY_BYTES:
        over = {**plain, "image": of_bytes(limit)}
        yield probe(
            target, operation, media_type, over, "file-over-limit", "refused", ("EDIT-FILE-BYTES", *ERROR_RULES)
        )


def _facts(schema: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """What a cell says of a fact of its file, {} for nothing."""
    found = (schema or {}).get("properties", {}).get(name, {})
    return found if isinstance(found, Mapping) else {}


def _references(target: Target, operation: Operation, media_type: str) -> Iterator[Probe]:
    body = {**base(target, operation.id, JSON), "images": [{"image_url": UNREACHABLE}]}
    rules = ("EDIT-REMOTE-IMAGE", *ERROR_RULES)
    yield probe(target, operation, media_type, body, "json-remote-image", "refused", rules)


def _stopped(target: Target, operation: Operation, extras: Extras) -> Iterator[Probe]:
    media_type = target.media_types(operation.id)[0]
    body = base(target, operation.id, media_type)
    if extras.moderation and "prompt" in body:
        stopped = {**body, "prompt": extras.moderation}
        rules = ("ERR-MODERATION", *ERROR_RULES)
        yield probe(target, operation, media_type, stopped, "stopped-prompt", "refused", rules)
