"""A legal request as a job: every parameter resolved to what will really be made, with no `auto` left."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any

from imageproof.contract.document import Document
from imageproof.contract.families import Family, allowed_values, families, family_of
from imageproof.contract.violations import SIZE, FileFacts, violations
from imageproof_reference.bodies import Body
from imageproof_reference.drawing import Canvas
from imageproof_reference.refusal import Refusal

AUTO = "auto"
MOST_NEAR = 2  # models that a refusal names
LONGEST_NAME = 100  # characters of an unknown one that it repeats
FALLBACK_SIZE = 1024, 1024  # pixels of an open size, under a document that names no size at all


@dataclass(frozen=True)
class Job:
    """What is to be made. `explicit_size` tells a size that was asked for from one that was chosen here; `qualities`
    are the family's, lowest first; `frames` and `frame_milliseconds` matter for GIF, `author` for SVG alone.
    `masks_itself` says that the first picture is edited where it is see-through itself; `extras` are all
    parameters but the files as they came, those that the contract does not know included."""

    operation: str
    model: str
    family: Family
    prompt: str
    n: int
    canvas: Canvas
    explicit_size: bool
    quality: str
    qualities: tuple[str, ...]
    file_format: str
    compression: int
    frames: int
    frame_milliseconds: int
    carrier: str
    stream: bool
    partials: int
    identifier: str | None
    author: str
    inputs: tuple[FileFacts, ...]
    files: Mapping[str, tuple[IO[bytes], ...]]
    masks_itself: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> str:
        return f"{self.canvas.width}x{self.canvas.height}"

    @property
    def background(self) -> str:
        return "transparent" if self.canvas.transparent else "opaque"


def choose_model(document: Document, operation: str, body: Body) -> tuple[str, Family] | None:
    """The model that serves a request and its family. Without a name it is the first that takes the request as it is,
    current models first: clients from before models had names send the sizes and carriers of their time. None for a
    value that is no name at all. Raises Refusal for a name that nobody has."""
    model = body.value("model")
    if model is None:
        able = [one for one in families(document) if operation in one.operations]
        able.sort(key=lambda one: one.status.state != "current")
        if not able:
            raise Refusal("No model offers this.", status=404, param="model", code="model_not_found")
        takers = (
            one
            for one in able
            if not violations(document, one.models[0], operation, body.values, media_type=body.media_type)
        )
        chosen = next(takers, able[0])
        return chosen.models[0], chosen
    if not isinstance(model, str):
        return None
    family = family_of(document, model)
    if family is None:
        raise no_such_model(document, model)
    return model, family


def no_such_model(document: Document, name: str) -> Refusal:
    """The refusal of a model that nobody has, with those that the caller may have meant: whose names are alike, or
    begin with what was sent."""
    if not name:
        return Refusal("The name of the model is empty.", status=404, param="model", code="model_not_found")
    known = [model for family in families(document) for model in family.models]
    near = [model for model in known if model.startswith(f"{name}-")][:MOST_NEAR]
    near = near or difflib.get_close_matches(name[:LONGEST_NAME], known, MOST_NEAR)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    message = f"The model {name[:LONGEST_NAME]!r} does not exist.{hint}"
    return Refusal(message, status=404, param="model", code="model_not_found")


def plan(document: Document, operation: str, model: str, family: Family, body: Body) -> Job:
    """The job of a body that has no violations."""

    def asked(name: str) -> Any:
        value = body.value(name)
        return family.defaults.get(name) if value is None else value

    inputs = tuple(_facts(body.value("image")) + _facts(body.value("image[]")))
    qualities = _levels(document, operation, "quality", model)
    canvas_size, explicit = _size(document, operation, model, asked("size"), inputs)
    return Job(
        operation=operation,
        model=model,
        family=family,
        prompt=body.value("prompt") or "",
        n=int(asked("n") or 1),
        canvas=Canvas(*canvas_size, transparent=asked("background") == "transparent"),
        explicit_size=explicit,
        quality=_resolved(asked("quality"), qualities),
        qualities=qualities,
        file_format=asked("output_format") or "png",
        compression=int(_given(asked("output_compression"), 100)),
        frames=int(asked("frame_count") or 1),
        frame_milliseconds=int(asked("frame_duration_ms") or 0),
        carrier=asked("response_format") or family.returns.carriers[0],
        stream=asked("stream") is True,
        partials=int(asked("partial_images") or 0),
        identifier=asked("safety_identifier") or asked("user") or None,
        author=_author(body) or model,
        inputs=inputs,
        files=body.files,
        masks_itself=_masks_itself(document, operation, model, body),
        extras={name: value for name, value in {**body.extras, **body.values}.items() if not _is_file(value)},
    )


def _masks_itself(document: Document, operation: str, model: str, body: Body) -> bool:
    """Whether the picture does what a mask would do: there is none, and the contract would not take the same picture if
    it were opaque."""
    image = body.value("image")
    if body.value("mask") is not None or not (isinstance(image, FileFacts) and image.transparent):
        return False
    opaque = {"image": replace(image, alpha=False, transparent=False)}
    found = violations(document, model, operation, opaque, media_type=body.media_type)
    return any(violation.parameter == "image" for violation in found)


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _facts(value: Any) -> list[FileFacts]:
    """The files among the values of a parameter. In JSON, a member of that name may be anything."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, FileFacts)]


def _is_file(value: Any) -> bool:
    return isinstance(value, FileFacts) or (isinstance(value, list) and any(map(_is_file, value)))


def _author(body: Body) -> str:
    """The model that is to write an SVG: a member of an object in JSON, a bracketed part in a form."""
    svg = body.value("svg")
    return str(svg.get("model") or "") if isinstance(svg, dict) else str(body.value("svg[model]") or "")


def _levels(document: Document, operation: str, parameter: str, model: str) -> tuple[str, ...]:
    """What a model's cell lists for a parameter, without `auto`."""
    listed = allowed_values(document, operation, parameter, model=model)
    return tuple(str(value) for value in listed if value != AUTO)


def _resolved(value: Any, levels: Sequence[str]) -> str:
    """A value as asked, or the middle one of the levels for `auto` and for nothing."""
    if value not in (None, AUTO):
        return str(value)
    return levels[(len(levels) - 1) // 2] if levels else ""


def _size(
    document: Document, operation: str, model: str, value: Any, inputs: Sequence[FileFacts]
) -> tuple[tuple[int, int], bool]:
    """Pixels, and whether they were asked for. A size that is left to the model is one of the sizes that the document
    names and the model takes, shaped as much as can be like the first input picture, or square."""
    match = SIZE.match(value or "")
    if match:
        return (int(match[1]), int(match[2])), True
    ratio = inputs[0].width / inputs[0].height if inputs else 1.0
    candidates = [
        (int(found[1]), int(found[2]))
        for name in allowed_values(document, operation, "size")
        if (found := SIZE.match(str(name))) and _takes(document, model, operation, str(name))
    ]
    return min(candidates, key=lambda size: abs(math.log(size[0] / size[1] / ratio)), default=FALLBACK_SIZE), False


def _takes(document: Document, model: str, operation: str, size: str) -> bool:
    found = violations(document, model, operation, {"size": size})
    return not any(violation.parameter == "size" for violation in found)
