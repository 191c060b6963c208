"""A fact: what a document says of one place of its image operations.

A place names where in an operation a fact stands, the same in every document:

    path, security, operation, body       the operation as a whole, and its request body
    query:NAME, header:NAME, cookie:NAME  a parameter
    json, form                            a media type of the request body, `form` for multipart/form-data
    json:n, json:images[].image_url       a member of it; a form's `image` and `image[]` are one place, `form:image`
    200, 404                              a status
    200 json, 200 stream                  a media type of an answer, `stream` for text/event-stream
    200 json:data[].url                   a member of it; `200 stream:KIND.usage` of an event
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["document", "operation", "value", "body", "parameter", "media", "member", "items", "status"]
MEDIA = {
    "application/json": "json",
    "multipart/form-data": "form",
    "text/event-stream": "stream",
    "application/x-www-form-urlencoded": "urlencoded",
}
UNNAMED = "*/*"  # a media type that the document does not tell


@dataclass(frozen=True)
class Fact:
    """What a document says of one place: aspect -> value. `parent` is the place that holds it, "" for none; `answer`
    says that it is about what is answered, not about what is sent."""

    operation: str
    place: str
    kind: Kind
    pointer: str
    says: Mapping[str, Any]
    parent: str = ""
    answer: bool = False


Facts = Mapping[tuple[str, str], Fact]


def short_name(media_type: str) -> str:
    """The short name of a media type in places; itself where it has none."""
    plain = media_type.partition(";")[0].strip().lower()
    return MEDIA.get(plain, "json" if plain.endswith("+json") or plain == "application/*" else plain)


def error_status(facts: Facts, operation: str) -> str:
    """The first error status of an operation, "" where it has none: in the contract all have one envelope."""
    statuses = (one.place for one in facts.values() if one.operation == operation and one.kind == "status")
    return next((place for place in statuses if place[:1] in "45"), "")
