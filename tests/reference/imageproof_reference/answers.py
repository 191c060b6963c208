"""Answers: the JSON body of finished pictures, and the events of pictures in the making."""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from imageproof_reference.jobs import Job

EVENT_PREFIXES = {"createImage": "image_generation", "createImageEdit": "image_edit"}

# Token counts are this server's own: proportional to what is read and made, as they are everywhere.
BYTES_PER_TEXT_TOKEN = 4
INPUT_PATCH = 32  # pixels along an edge of what counts as one token of an input picture
OUTPUT_PATCH = 64  # the same for a picture that is made, at the lowest quality; each step up takes four times as many
PREVIEW_TOKENS = 100

Link = Callable[[bytes], str]


def images_response(job: Job, pictures: Sequence[bytes], link: Link) -> dict[str, Any]:
    """The body of a JSON answer. `link` hosts a file and says its URL; it is called for the `url` carrier alone."""
    returns = job.family.returns
    body: dict[str, Any] = {"created": int(time.time()), "data": [_item(job, data, link) for data in pictures]}
    body |= {name: value for name, value in _echoes(job).items() if name in returns.echo}
    if job.identifier is not None:
        body["safety_identifier"] = job.identifier
    if returns.usage:
        body["usage"] = usage(job, len(pictures))
    if job.file_format == "svg":
        body["svg_usage"] = _svg_usage(job, pictures)
    return body


def preview_event(job: Job, index: int, data: bytes) -> str:
    """The frame of a preview, `index` counting from 0 for each picture."""
    return _frame({**_event(job, "partial_image", data), "partial_image_index": index})


def completed_event(job: Job, data: bytes) -> str:
    """The frame of a finished picture, with the usage of this one picture."""
    tokens = usage(job, 1, job.partials)
    del tokens["output_tokens_details"]  # the contract has it in JSON answers only
    event = {**_event(job, "completed", data), "usage": tokens}
    if job.identifier is not None:
        event["safety_identifier"] = job.identifier
    return _frame(event)


def error_event(envelope: dict[str, Any]) -> str:
    """The frame of a failure after the stream has begun."""
    return _frame({"type": "error", **envelope})


def usage(job: Job, pictures: int, previews: int = 0) -> dict[str, Any]:
    """The tokens of a job that made so many pictures, with `previews` for all of them together."""
    text = max(1, math.ceil(len(job.prompt.encode("utf-8", "surrogatepass")) / BYTES_PER_TEXT_TOKEN))
    seen = sum(_patches(facts.width, facts.height, INPUT_PATCH) for facts in job.inputs)
    level = job.qualities.index(job.quality) if job.quality in job.qualities else 0
    made = pictures * _patches(*job.canvas.size, OUTPUT_PATCH) * 4**level + previews * PREVIEW_TOKENS
    return {
        "input_tokens": text + seen,
        "input_tokens_details": {"text_tokens": text, "image_tokens": seen},
        "output_tokens": made,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
        "total_tokens": text + seen + made,
    }


def _item(job: Job, data: bytes, link: Link) -> dict[str, str]:
    item = {"url": link(data)} if job.carrier == "url" else {"b64_json": base64.b64encode(data).decode()}
    if job.family.returns.revised_prompt:
        item["revised_prompt"] = f"A landscape with a sun, after the words: {job.prompt}"
    return item


def _echoes(job: Job) -> dict[str, str]:
    return {
        "size": job.size,
        "quality": job.quality,
        "background": job.background,
        "output_format": job.file_format,
    }


def _event(job: Job, kind: str, data: bytes) -> dict[str, Any]:
    return {
        "type": f"{EVENT_PREFIXES[job.operation]}.{kind}",
        "b64_json": base64.b64encode(data).decode(),
        "created_at": int(time.time()),
        **_echoes(job),
    }


def _frame(event: dict[str, Any]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


def _svg_usage(job: Job, pictures: Sequence[bytes]) -> dict[str, Any]:
    read = max(1, math.ceil(len(job.prompt.encode("utf-8", "surrogatepass")) / BYTES_PER_TEXT_TOKEN))
    wrote = sum(math.ceil(len(data) / BYTES_PER_TEXT_TOKEN) for data in pictures)
    return {
        "model": job.author,
        "input_tokens": read,
        "output_tokens": wrote,
        "reasoning_tokens": 0,
        "total_tokens": read + wrote,
    }


def _patches(width: int, height: int, edge: int) -> int:
    return math.ceil(width / edge) * math.ceil(height / edge)
