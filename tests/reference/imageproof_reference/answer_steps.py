"""Transformations of answers: how servers differ in what they say. Each is a small pure function of one whole answer
and of parameters that dialects.yaml or faults.yaml gives."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from imageproof_reference.members import GONE, changed, word
from imageproof_reference.picture_steps import file_step
from imageproof_reference.speech import Room, Said

AnswerStep = Callable[..., Said]  # (Said, Room, **parameters)


def _pictures(said: Said, room: Room) -> bool:
    """Whether an answer is a success with pictures."""
    return room.makes and not said.failed and isinstance(said.body, dict) and "data" in said.body


def _items(said: Said, room: Room, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Said:
    """The answer with another entry for each picture."""
    if not _pictures(said, room):
        return said
    return replace(said, body={**said.body, "data": [change(item) for item in said.body["data"]]})


def item_beside(said: Said, room: Room, *, members: Mapping[str, Any]) -> Said:
    """Each picture has these members too, with these values where it does not have them already."""
    return _items(said, room, lambda item: {**members, **item})


def item_numbered(said: Said, room: Room, *, member: str) -> Said:
    """Each picture tells its place, counting from 0."""
    if not _pictures(said, room):
        return said
    return replace(said, body={**said.body, "data": [{**item, member: n} for n, item in enumerate(said.body["data"])]})


def url_always(said: Said, room: Room) -> Said:
    """Each picture has a url, also where it comes in base64."""
    file_format = str(said.body.get("output_format", "png")) if isinstance(said.body, dict) else "png"

    def linked(item: dict[str, Any]) -> dict[str, Any]:
        return item if item.get("url") else {**item, "url": room.link(base64.b64decode(item["b64_json"]), file_format)}

    return _items(said, room, linked)


def base64_always(said: Said, room: Room) -> Said:
    """Each picture comes in base64 alone, also where a link was asked for."""

    def embedded(item: dict[str, Any]) -> dict[str, Any]:
        data = room.fetch(item["url"]) if item.get("url") else None
        if data is None:
            return item
        rest = {name: value for name, value in item.items() if name != "url"}
        return {"b64_json": base64.b64encode(data).decode(), **rest}

    return _items(said, room, embedded)


def url_below(said: Said, room: Room, *, prefix: str = "", operations: Sequence[str] = ()) -> Said:
    """In place of scheme and host, links have this prefix: none makes them relative."""
    if operations and room.operation not in operations:
        return said

    def moved(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "url": prefix + re.sub("^[a-z]+://[^/]*", "", item["url"])} if item.get("url") else item

    return _items(said, room, moved)


def answer_beside(said: Said, room: Room, *, members: Mapping[str, Any]) -> Said:
    """Answers with pictures have these members too, with these values where they do not have them already."""
    return replace(said, body={**members, **said.body}) if _pictures(said, room) else said


def answer_only(said: Said, room: Room, *, members: Sequence[str]) -> Said:
    """Answers with pictures have no members but these."""
    if not _pictures(said, room):
        return said
    return replace(said, body={name: value for name, value in said.body.items() if name in members})


def data_also(said: Said, room: Room, *, member: str) -> Said:
    """The pictures stand under a second name beside `data`."""
    return replace(said, body={**said.body, member: said.body["data"]}) if _pictures(said, room) else said


def usage_as(said: Said, room: Room, *, members: Mapping[str, str]) -> Said:
    """`usage` has these members, each with the count that its old name had, 0 where there was none."""
    if not _pictures(said, room):
        return said
    old = said.body.get("usage", {})
    return replace(said, body={**said.body, "usage": {new: old.get(name, 0) for new, name in members.items()}})


def usage_without(said: Said, room: Room, *, members: Sequence[str]) -> Said:
    """`usage` lacks these members."""
    if not _pictures(said, room) or "usage" not in said.body:
        return said
    kept = {name: value for name, value in said.body["usage"].items() if name not in members}
    return replace(said, body={**said.body, "usage": kept})


def usage_of_one_kind(said: Said, room: Room, *, kind: str) -> Said:
    """All tokens that were read count as one kind."""

    def counted(details: Any) -> Any:
        return {name: sum(details.values()) if name == kind else 0 for name in details} if details is not GONE else GONE

    return said if said.body is None else replace(said, body=changed(said.body, "usage/input_tokens_details", counted))


def usage_uncounted(said: Said, room: Room) -> Said:
    """Tokens of pictures are counted as none."""
    if not _pictures(said, room) or "usage" not in said.body:
        return said
    usage, none = said.body["usage"], {"text_tokens": 0, "image_tokens": 0}
    made = {**usage, "output_tokens": 0, "output_tokens_details": none, "total_tokens": usage["input_tokens"]}
    return replace(said, body={**said.body, "usage": made})


def models_as(said: Said, room: Room, *, member: str) -> Said:
    """The list of models is a list of names under another member."""
    if room.operation != "listModels" or said.failed:
        return said
    return replace(said, body={member: [model["id"] for model in said.body["data"]]})


def models_only(said: Said, room: Room, *, names: Sequence[str]) -> Said:
    """The list of models names these, whatever is served."""
    if room.operation != "listModels" or said.failed:
        return said
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "local"} for name in names]
    return replace(said, body={**said.body, "data": listed})


def error_as(said: Said, room: Room, *, body: Any, status: Mapping[int, int] | None = None) -> Said:
    """Refusals have this body, in which {message}, {type}, {param}, {code}, {status} and {status text} stand for what
    they name; statuses may change too."""
    if not said.failed or not isinstance(said.body, dict):
        return said
    error = {**said.body["error"], "status": said.status, "status text": str(said.status)}
    return replace(said, status=(status or {}).get(said.status, said.status), body=_filled(body, error))


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, dict):
        return {name: _filled(one, values) for name, one in template.items()}
    if isinstance(template, list):
        return [_filled(one, values) for one in template]
    named = isinstance(template, str) and template[:1] == "{" and template[-1:] == "}"
    return values[template[1:-1]] if named else template


def error_page(said: Said, room: Room, *, page: str, statuses: Sequence[int]) -> Said:
    """Refusals with these statuses are a page for people."""
    if said.status not in statuses:
        return said
    return replace(said, headers=said.with_header("content-type", "text/html"), body=None, raw=page.encode())


def padded(said: Said, room: Room, *, text: str) -> Said:
    """Blanks come before what is answered under 200 where pictures are made, as they keep a silent connection open."""
    sent = room.makes and said.status == 200 and said.body is not None
    return replace(said, before=text.encode()) if sent else said


def media_type(said: Said, room: Room, *, value: str) -> Said:
    """JSON is announced with this Content-Type."""
    return said if said.body is None else replace(said, headers=said.with_header("content-type", value))


def header_beside(said: Said, room: Room, *, headers: Mapping[str, str]) -> Said:
    """Answers have these headers too."""
    return replace(said, headers=(*said.headers, *headers.items()))


def header_without(said: Said, room: Room, *, headers: Sequence[str]) -> Said:
    """Answers lack these headers."""
    return replace(said, headers=tuple(pair for pair in said.headers if pair[0] not in headers))


def answer(said: Said, room: Room, *, at: str, **how: Any) -> Said:
    """JSON is changed at a place by a word of `members`."""
    change = word(how)
    return said if said.body is None else replace(said, body=changed(said.body, at, change))


def picture(said: Said, room: Room, **how: Any) -> Said:
    """The pictures are other files, by a step of `picture_steps`, in the carrier that they have."""
    change = file_step(how)

    def other(item: dict[str, Any]) -> dict[str, Any]:
        if item.get("url"):
            data, file_format = room.fetch(item["url"]), urlsplit(item["url"]).path.rpartition(".")[2]
            return item if data is None else {**item, "url": room.link(change(data), file_format)}
        return {**item, "b64_json": base64.b64encode(change(base64.b64decode(item["b64_json"]))).decode()}

    return _items(said, room, other)


def both_carriers(said: Said, room: Room) -> Said:
    """Each picture comes twice, as url and as b64_json."""
    file_format = str(said.body.get("output_format", "png")) if isinstance(said.body, dict) else "png"

    def doubled(item: dict[str, Any]) -> dict[str, Any]:
        if item.get("url"):
            return {**item, "b64_json": base64.b64encode(room.fetch(item["url"]) or b"").decode()}
        return {**item, "url": room.link(base64.b64decode(item["b64_json"]), file_format)}

    return _items(said, room, doubled)


def status(said: Said, room: Room, *, to: int) -> Said:
    """Another status, and all else as it is."""
    return replace(said, status=to)


def failed(said: Said, room: Room, *, status: int, message: str = "Something went wrong.") -> Said:
    """A refusal in place of the answer."""
    error = {"message": message, "type": "server_error", "param": None, "code": None}
    return replace(said, status=status, body={"error": error})


def header(said: Said, room: Room, *, name: str, value: str) -> Said:
    """One header has this value."""
    return replace(said, headers=said.with_header(name, value))


def former_refusal(said: Said, room: Room) -> Said:
    """A refusal says what the one before it said, whoever that was for."""
    return said if room.former is None else replace(said, body=room.former)


def redirected(said: Said, room: Room, *, status: int, slashed: bool = False) -> Said:
    """A redirect in place of the answer: to the path with a slash at its end, or without where it has one. With
    `slashed`, paths of the latter kind alone."""
    path = room.head.path
    if slashed and not path.endswith("/"):
        return said
    headers = said.with_header("location", quote(path.rstrip("/") if path.endswith("/") else f"{path}/"))
    return replace(said, status=status, headers=headers, body=None, raw=b"")


def raw(said: Said, room: Room, *, text: str, media_type: str = "") -> Said:
    """The body is this text."""
    headers = said.with_header("content-type", media_type) if media_type else said.headers
    return replace(said, headers=headers, body=None, raw=text.encode())


def twice(said: Said, room: Room) -> Said:
    """The body comes twice, one after the other."""
    return replace(said, body=None, raw=said.payload() * 2)


def mangled(said: Said, room: Room, *, share: float) -> Said:
    """The body is whole as HTTP counts it, and is only so much of what it should be."""
    payload = said.payload()
    return replace(said, body=None, raw=payload[: int(len(payload) * share)])


ANSWERS: Mapping[str, AnswerStep] = {
    "item-beside": item_beside,
    "item-numbered": item_numbered,
    "url-always": url_always,
    "base64-always": base64_always,
    "url-below": url_below,
    "answer-beside": answer_beside,
    "answer-only": answer_only,
    "data-also": data_also,
    "usage-as": usage_as,
    "usage-without": usage_without,
    "usage-of-one-kind": usage_of_one_kind,
    "usage-uncounted": usage_uncounted,
    "models-as": models_as,
    "models-only": models_only,
    "error-as": error_as,
    "error-page": error_page,
    "padded": padded,
    "media-type": media_type,
    "header-beside": header_beside,
    "header-without": header_without,
    "answer": answer,
    "picture": picture,
    "both-carriers": both_carriers,
    "status": status,
    "failed": failed,
    "header": header,
    "redirected": redirected,
    "former-refusal": former_refusal,
    "raw": raw,
    "twice": twice,
    "mangled": mangled,
}
