"""Transformations of requests: how servers differ in what they take. Each is a small pure function of one head or one
parsed body, and of parameters that dialects.yaml or faults.yaml gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from imageproof.contract.families import family_of
from imageproof.contract.violations import FileFacts, Violation, violations
from imageproof_reference.bodies import BOOLEANS, INTEGER, Body
from imageproof_reference.refusal import Refusal
from imageproof_reference.speech import Asked, Room, Said

HeadStep = Callable[..., Asked | Said]  # (Asked, Room, **parameters)
BodyStep = Callable[..., Body]  # (Body, Room, **parameters); raises Refusal


def slash(asked: Asked, room: Room, *, bare: str = "served") -> Asked | Said:
    """Paths with a slash at their end are served; those without are served too, or redirected there."""
    if not asked.path.startswith(f"{room.base}/"):
        return asked
    if asked.path.endswith("/"):
        return replace(asked, path=asked.path.rstrip("/"))
    if bare == "redirected":
        query = f"?{asked.query}" if asked.query else ""
        return Said(307, (("location", f"{quote(asked.path)}/{query}"),))
    return asked


def moved(asked: Asked, room: Room, *, to: str) -> Asked:
    """The operations are below another path, which may name a {deployment}; where they were there is nothing."""
    pattern = re.escape(to).replace(r"\{deployment\}", "(?P<deployment>[^/]+)")
    found = re.match(rf"{pattern}(?=/)", asked.path)
    if found:
        named = found.groupdict().get("deployment", "")
        return replace(asked, path=room.base + asked.path[found.end() :], deployment=named)
    inside = asked.path.startswith(f"{room.base}/")
    return replace(asked, path=f"{asked.path}/") if inside else asked  # a path that ends so is nobody's


def absent(asked: Asked, room: Room, *, paths: Sequence[str]) -> Asked:
    """Some paths of the contract are not there."""
    gone = any(asked.path == room.base + path for path in paths)
    return replace(asked, path=f"{asked.path}/") if gone else asked


def key_optional(asked: Asked, room: Room) -> Asked:
    """A call without a key is served; a wrong key is still refused."""
    return asked if asked.header("authorization") else _keyed(asked, room.key)


def key_header(asked: Asked, room: Room, *, header: str) -> Asked:
    """The key may also come in a header of its own."""
    key = asked.header(header)
    return asked if key is None else _keyed(asked, key)


def key_any(asked: Asked, room: Room) -> Asked:
    """Any key is as good as the server's own; a call without one is still refused."""
    return _keyed(asked, room.key) if asked.header("authorization") else asked


def _keyed(asked: Asked, key: str) -> Asked:
    others = tuple(pair for pair in asked.headers if pair[0] != "authorization")
    return replace(asked, headers=(*others, ("authorization", f"Bearer {key}")))


def default(
    body: Body, room: Room, *, parameter: str, value: Any, unless: Sequence[str] = (), operations: Sequence[str] = ()
) -> Body:
    """A parameter that is left out, or null, has this value, unless one of some others is sent."""
    given = any(body.value(name) is not None for name in (parameter, *unless))
    return body if given or (operations and room.operation not in operations) else _with(body, {parameter: value})


def fixed(body: Body, room: Room, *, parameter: str, value: Any) -> Body:
    """A parameter has this value, whatever is sent."""
    return _with(body, {parameter: value})


def model_of_path(body: Body, room: Room) -> Body:
    """The model is the deployment that the path names, whatever the body says."""
    return _with(body, {"model": room.deployment}) if room.deployment else body


def any_model(body: Body, room: Room, *, model: str) -> Body:
    """A model that nobody knows is served by this one."""
    name = body.value("model")
    known = not isinstance(name, str) or family_of(room.document, name) is not None
    return body if known else _with(body, {"model": model})


def from_text(body: Body, room: Room, *, parameters: Sequence[str]) -> Body:
    """Numbers and truth values may come as text in JSON too."""
    return _with(body, {name: _read(value) for name in parameters if isinstance(value := body.value(name), str)})


def ignored(body: Body, room: Room, *, parameters: Sequence[str]) -> Body:
    """Parameters are taken, whatever they say, and nothing is made of them."""
    values = {name: value for name, value in body.values.items() if name not in parameters}
    files = {name: file for name, file in body.files.items() if name not in parameters}
    return replace(body, values=values, files=files)


def clamped(body: Body, room: Room, *, parameter: str, least: int, most: int) -> Body:
    """A number out of range is taken as the nearest one inside."""
    value = body.value(parameter)
    inside = isinstance(value, int) and not isinstance(value, bool)
    return _with(body, {parameter: min(max(value, least), most)}) if inside else body


def refused(
    body: Body, room: Room, *, parameters: Sequence[str], values: Sequence[Any] = (), operations: Sequence[str] = ()
) -> Body:
    """Parameters, or some of their values, are refused by name."""
    for name in parameters if not operations or room.operation in operations else ():
        value = body.value(name)
        if value is not None and (not values or value in values):
            raise Refusal(f"Argument not supported: {name}", param=name, code="unsupported_parameter")
    return body


def overlooked(body: Body, room: Room, *, rules: Sequence[str], keep: bool = False, also: Sequence[str] = ()) -> Body:
    """What breaks these rules is served: as if what is wrong with it had been left out, or with `keep` as it is. Rules
    that are broken by leaving it out are overlooked `also`."""
    named = [rule for rule in rules if rule in _broken(body, room)]
    if not named:
        return body
    kept = replace(body, overlooked=body.overlooked | {*named, *also})
    if keep:
        return kept
    wrong = {
        one.pointer.split("/")[1]: one.parameter for one in breaches(body, room) if one.rule in named and one.pointer
    }
    left = {name: value for name, value in body.values.items() if name not in wrong}
    return replace(kept, values=left, files={k: v for k, v in body.files.items() if k not in wrong.values()})


def header_refused(body: Body, room: Room, *, name: str, pattern: str, message: str) -> Body:
    """A request with such a header is refused."""
    if re.search(pattern, room.head.header(name) or ""):
        raise Refusal(message)
    return body


def fails(body: Body, room: Room, *, status: int) -> Body:
    """The server fails once it has read the body."""
    raise Refusal("The server had an error.", status=status, kind="server_error")


def short_list_refused(body: Body, room: Room, *, parameter: str, least: int) -> Body:
    """A list of fewer entries is not seen."""
    value = body.value(parameter)
    if isinstance(value, list) and len(value) < least:
        raise Refusal("image is required.", param="image", code="missing_required_parameter")
    return body


def more(body: Body, room: Room, *, pictures: int) -> Body:
    """So many pictures more than were asked for."""
    return _with(body, {"n": (body.value("n") or 1) + pictures})


def nulls_refused(body: Body, room: Room) -> Body:
    """A parameter that is null is refused."""
    for name, value in body.values.items():
        if value is None:
            raise Refusal(f"{name} must not be null.", param=name, code="invalid_value")
    return body


def late_refused(body: Body, room: Room, *, parameter: str, behind: Sequence[str]) -> Body:
    """A parameter of a form is not seen behind one of some others."""
    names = list(body.values)
    place = names.index(parameter) if parameter in names else 0
    if any(name in names[:place] for name in behind):
        raise Refusal(f"{parameter} is required.", param=parameter, code="missing_required_parameter")
    return body


def file_refused(body: Body, room: Room, *, formats: Sequence[str] = (), most: int = 0) -> Body:
    """A picture in one of some file formats is refused, or one of more than so many bytes."""
    for name, value in body.values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, FileFacts) and (one.format in formats or (most and one.bytes > most)):
                raise Refusal(f"The file of {name} is not supported.", param=name, code="invalid_image_file")
    return body


def key_checked(body: Body, room: Room) -> Body:
    """The key is looked at only now, and only where the body is in order. Needs `key-any`."""
    if room.head.header("authorization") != f"Bearer {room.key}" and not breaches(body, room):
        raise Refusal("The API key is not valid.", status=401, code="invalid_api_key")
    return body


def breaches(body: Body, room: Room) -> tuple[Violation, ...]:
    """What is wrong with a body, () for a legal one."""
    model = body.value("model")
    name = model if isinstance(model, str) else None
    return violations(room.document, name, room.operation, body.values, media_type=body.media_type)


def _broken(body: Body, room: Room) -> frozenset[str]:
    return frozenset(one.rule for one in breaches(body, room))


def only_media_type(body: Body, room: Room, *, operation: str, media_type: str, status: int = 400) -> Body:
    """An operation takes one media type alone."""
    if room.operation == operation and body.media_type != media_type:
        raise Refusal(f"This endpoint only accepts {media_type}.", status=status, code="unsupported_media_type")
    return body


def _with(body: Body, values: Mapping[str, Any]) -> Body:
    return replace(body, values={**body.values, **values})


def _read(text: str) -> Any:
    return int(text) if INTEGER.fullmatch(text) else BOOLEANS.get(text, text)


HEADS: Mapping[str, HeadStep] = {
    "slash": slash,
    "moved": moved,
    "absent": absent,
    "key-optional": key_optional,
    "key-header": key_header,
    "key-any": key_any,
}

BODIES: Mapping[str, BodyStep] = {
    "default": default,
    "fixed": fixed,
    "model-of-path": model_of_path,
    "any-model": any_model,
    "from-text": from_text,
    "ignored": ignored,
    "clamped": clamped,
    "refused": refused,
    "only-media-type": only_media_type,
    "overlooked": overlooked,
    "key-checked": key_checked,
    "header-refused": header_refused,
    "fails": fails,
    "short-list-refused": short_list_refused,
    "more": more,
    "nulls-refused": nulls_refused,
    "late-refused": late_refused,
    "file-refused": file_refused,
}
