"""What a request body means to the contract: legal, to be refused for one rule, or neither; and which rules its answer
gives evidence for. The planner chooses its bodies; this is asked about bodies that are there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from imageproof_conformance.exchange import Expect, Part
from imageproof_conformance.probes import ERROR_RULES, JSON, Target, typed
from imageproof_conformance.probes_pictures import file_facts
from imageproof_conformance.probes_shown import picture_rules

# The feature of a legal body -> the rule that is to blame when it is refused for that.
_FEATURES: Mapping[str, Mapping[str, str]] = {
    "createImage": {"stream": "GEN-STREAM-TYPE"},
    "createImageEdit": {"stream": "EDIT-STREAM-TYPE", "image[]": "EDIT-IMAGE-LIST", "mask": "EDIT-MASK-SERVED"},
}


@dataclass(frozen=True)
class Meaning:
    """What a behaving target does with a body, and the rules that its answer is judged by, the leading one first.
    `broken` are the rules that the body breaks: with more than one, no answer says which was meant. `said` is the first
    breach in words."""

    expect: Expect
    rules: tuple[str, ...]
    broken: tuple[str, ...] = ()
    said: str = ""


def meaning(target: Target, operation: str, media_type: str, body: Mapping[str, Any]) -> Meaning:
    """What a body means that has JSON values, and FileFacts for files. KeyError for a media type that the operation
    does not take."""
    breaches = target.breaches(operation, media_type, body)
    broken = tuple(dict.fromkeys(one.rule for one in breaches))
    if not broken:
        leads = _leads(target, operation, media_type, body)
        return Meaning("served", target.judged(*leads, *picture_rules(target, operation, body)))
    if all(one.either for one in breaches):
        pictures = picture_rules(target, operation, body)
        return Meaning("either", target.judged(*broken, *pictures, *ERROR_RULES), broken, breaches[0].message)
    return Meaning("refused", target.judged(*broken, *ERROR_RULES), broken, breaches[0].message)


def read_form(target: Target, operation: str, media_type: str, parts: Iterable[Part]) -> dict[str, Any] | None:
    """A form as a server reads it: values as the schemas of their parts type them, files as their facts; None when two
    parts contradict each other."""
    body: dict[str, Any] = {}
    for part in parts:
        prop = target.property(operation, media_type, part.name)
        text = part.filename is None
        value = typed(prop, part.data.decode("utf-8", errors="replace")) if text else file_facts(part.data)
        if prop.get("type") == "array":
            body.setdefault(part.name, []).append(value)
        elif part.name in body:
            return None
        else:
            body[part.name] = value
    return body


def _leads(target: Target, operation: str, media_type: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    plain = f"{target.prefix(operation)}-SERVED"
    features = _FEATURES.get(operation, {})
    named = [rule for name, rule in features.items() if body.get(name) not in (None, False)]
    if operation == "createImageEdit" and media_type == JSON:
        return ("EDIT-JSON-SERVED", *named)
    if "image" in body and operation == "createImageEdit":
        return (*named, "EDIT-IMAGE-SINGLE", plain)
    return tuple(named) or (plain,)
