"""Faults: each breaks one thing, at one of a few seams where the server asks before it goes on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from imageproof.contract.violations import Violation
from imageproof.errors import UsageError
from imageproof_reference.answers import Link
from imageproof_reference.bodies import Body
from imageproof_reference.drawing import Canvas
from imageproof_reference.jobs import Job
from imageproof_reference.refusal import Refusal

Answer = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """One row of faults.yaml. `rules` are the requirement ids that a suite must report, by operation or for "*"."""

    id: str
    what: str
    operations: tuple[str, ...]
    families: tuple[str, ...]
    rules: Mapping[str, tuple[str, ...]]
    seen: str


@dataclass(frozen=True)
class Seams:
    """Where a fault can take hold. The defaults break nothing.

    admit    whether a call with this Authorization header is let in although its key is not the server's
    pardon   whether this violation of this body is overlooked
    refuse   a refusal of a legal body
    job      what is really made, while the answer is written as if the true job had been done
    answer   the JSON answer of a success; the bytes of its pictures and a way to host them come along
    error    status and body of a refusal
    """

    admit: Callable[[str | None], bool] = lambda header: False
    pardon: Callable[[Violation, Body], bool] = lambda violation, body: False
    refuse: Callable[[Body], Refusal | None] = lambda body: None
    job: Callable[[Job], Job] = lambda job: job
    answer: Callable[[Answer, tuple[bytes, ...], Link], Answer] = lambda body, pictures, link: body
    error: Callable[[Refusal], tuple[int, Answer]] = lambda refusal: (refusal.status, refusal.envelope())


@lru_cache(maxsize=1)
def faults() -> Mapping[str, Fault]:
    """All faults by id, in file order."""
    rows = yaml.safe_load(files("imageproof_reference").joinpath("faults.yaml").read_text(encoding="utf-8"))
    return {row["id"]: _fault(row) for row in rows}


def seams(fault: str) -> Seams:
    """The seams of a server with one fault; "" is none. UsageError for an id that does not exist."""
    if not fault:
        return Seams()
    if fault not in faults():
        raise UsageError(f"no fault {fault!r}; known: {', '.join(faults())}")
    if fault not in BROKEN:
        raise UsageError(f"fault {fault!r} has a row in faults.yaml and no code: add it to BROKEN in {__file__}")
    return BROKEN[fault]


def _fault(row: dict[str, Any]) -> Fault:
    rules = {operation: tuple(ids) for operation, ids in row["rules"].items()}
    return Fault(row["id"], row["what"], tuple(row["operations"]), tuple(row["families"]), rules, row["seen"])


def _smaller(job: Job) -> Job:
    """A quarter less along both edges, for a size that was asked for; a size that is left to the server stays right."""
    width, height, transparent = job.canvas.width, job.canvas.height, job.canvas.transparent
    return replace(job, canvas=Canvas(width * 3 // 4, height * 3 // 4, transparent)) if job.explicit_size else job


def _jpeg_for_png(job: Job) -> Job:
    """JPEG for an opaque PNG. A transparent one stays right: losing its alpha channel would be a second fault."""
    fits = job.file_format == "png" and not job.canvas.transparent
    return replace(job, file_format="jpeg") if fits else job


def _prefixed(body: Answer, pictures: tuple[bytes, ...], link: Link) -> Answer:
    data = [
        {**item, "b64_json": f"data:image/png;base64,{item['b64_json']}"} if "b64_json" in item else item
        for item in body["data"]
    ]
    return {**body, "data": data}


def _milliseconds(body: Answer, pictures: tuple[bytes, ...], link: Link) -> Answer:
    return {**body, "created": body["created"] * 1000}


def _both_carriers(body: Answer, pictures: tuple[bytes, ...], link: Link) -> Answer:
    data = [
        {"url": link(picture), "b64_json": base64.b64encode(picture).decode(), **item}
        for item, picture in zip(body["data"], pictures, strict=True)
    ]
    return {**body, "data": data}


def _wrong_total(body: Answer, pictures: tuple[bytes, ...], link: Link) -> Answer:
    if "usage" not in body:
        return body
    return {**body, "usage": {**body["usage"], "total_tokens": body["usage"]["total_tokens"] + 1}}


def _refuse_list(body: Body) -> Refusal | None:
    if "image[]" not in body.values:
        return None
    return Refusal("Unknown parameter: 'image[]'.", param="image", code="unknown_parameter")


def _is_eleven(violation: Violation, body: Body) -> bool:
    return violation.rule.endswith("-N-RANGE") and body.value("n") == 11


def _bare_error(refusal: Refusal) -> tuple[int, Answer]:
    return refusal.status, {"error": refusal.message}


def _prompt_500(refusal: Refusal) -> tuple[int, Answer]:
    return (500 if refusal.rule.endswith("-PROMPT-REQUIRED") else refusal.status), refusal.envelope()


BROKEN: Mapping[str, Seams] = {
    "wrong-size": Seams(job=_smaller),
    "n-ignored": Seams(job=lambda job: replace(job, n=1)),
    "jpeg-for-png": Seams(job=_jpeg_for_png),
    "b64-data-prefix": Seams(answer=_prefixed),
    "created-milliseconds": Seams(answer=_milliseconds),
    "error-string": Seams(error=_bare_error),
    "key-ignored": Seams(admit=lambda header: header is None),
    "missing-prompt-500": Seams(error=_prompt_500),
    "both-carriers": Seams(answer=_both_carriers),
    "image-list-refused": Seams(refuse=_refuse_list),
    "usage-sum": Seams(answer=_wrong_total),
    "n11-accepted": Seams(pardon=_is_eleven),
}
