"""Every judge passes an answer that keeps the contract and fails one that breaks its rule, and no other judge does."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imageproof.contract.requirements import requirements
from imageproof_conformance.exchange import Download

REGISTRY = requirements()
# What is declared is no answer's own matter: test_declared.py has a provider beside the answers.
JUDGED = [rule for rule, row in REGISTRY.items() if row.judged and not rule.startswith("DECLARED-")]
LINK = "https://pictures.example.com/files/other.png"

Spoil = Callable[[Any], None]  # changes a correct Draft (see conftest.py) in one way


def head(name: str, value: Any) -> Spoil:
    return lambda draft: draft.head.update({name: value})


def refusal(**error: Any) -> Spoil:
    return lambda draft: draft.refuse(**error)


def status(value: int) -> Spoil:
    return lambda draft: setattr(draft, "status", value)


def body(value: Any) -> Spoil:
    return lambda draft: setattr(draft, "json", value)


def error(**values: Any) -> Spoil:
    return lambda draft: draft.json["error"].update(values)


def header(name: str, value: str | None) -> Spoil:
    def spoil(draft: Any) -> None:
        draft.headers = {key: one for key, one in draft.headers.items() if key != name}
        draft.headers.update({name: value} if value else {})

    return spoil


def event(place: int, **values: Any) -> Spoil:
    return lambda draft: draft.events[place][1].update(values)


def painted(alpha: int) -> Spoil:
    """Another alpha for every pixel, in the size and format that were asked for."""

    def spoil(draft: Any) -> None:
        image = Image.open(io.BytesIO(draft.picture(0)))
        out = io.BytesIO()
        form = draft.probe.asked.get("output_format") or "png"
        made = Image.new("RGBA", image.size, (9, 9, 9, alpha))
        made.paste((200, 9, 9, alpha), (8, 8, 24, 24))
        made.save(out, form)
        draft.replace(out.getvalue())

    return spoil


def downloaded(code: int, media_type: str) -> Spoil:
    def spoil(draft: Any) -> None:
        draft.downloads = [Download(one.url, code, media_type, one.body) for one in draft.downloads]

    return spoil


def relative_link(draft: Any) -> None:
    draft.pictures[0]["url"] = "/files/0.png"
    draft.downloads = [Download("/files/0.png", failure="not fetched: the URL is not absolute")]


def other_carrier(draft: Any) -> None:
    for place, one in enumerate(draft.pictures):
        link = bool(one.get("url"))
        one.pop("url" if link else "b64_json")
        one.update({"b64_json": text_of(draft.picture(place))} if link else {"url": LINK})


def both_carriers(draft: Any) -> None:
    draft.pictures[0].update({"url": LINK, "b64_json": text_of(draft.picture(0))})


def other_format(draft: Any) -> None:
    see_through = draft.probe.asked.get("background") == "transparent"
    asked = draft.probe.asked.get("output_format")
    draft.replace(draft.picture(3, "gif" if see_through else "png" if asked == "jpeg" else "jpeg"))


def milliseconds(draft: Any) -> None:
    name = "created_at" if draft.events else "created"
    draft.head[name] *= 1000


def prefixed(draft: Any) -> None:
    draft.pictures[0]["b64_json"] = f"data:image/png;base64,{draft.pictures[0]['b64_json']}"


def image_tokens_only(draft: Any) -> None:
    tokens = draft.head["usage"]["input_tokens"]
    draft.head["usage"]["input_tokens_details"] = {"text_tokens": 0, "image_tokens": tokens}


def renamed(draft: Any) -> None:
    draft.events = [("chunk", {**data, "type": "image.chunk"}) for _, data in draft.events]


def collapsed(draft: Any) -> None:
    """A server that fails on a request instead of refusing it."""
    draft.refuse(type="server_error")
    draft.status = 500


def renumbered(draft: Any) -> None:
    """The request id of another answer."""
    draft.headers["x-request-id"] = f"req:{draft.probe.model}/createImage/no-route"


def swapped(draft: Any) -> None:
    """The refusal of another call about another parameter, which got this one's."""
    from .conftest import exchange, good, probes

    mine = draft.probe
    other = next(
        one
        for one in probes()
        if "ERR-OWN" in one.rules and (one.model, one.operation) == (mine.model, mine.operation)
        if one.about and one.about not in (*mine.asked, mine.about) and good(one).status == draft.status
    )
    theirs = good(other)
    draft.json, theirs.json = theirs.json, draft.json
    draft.json["error"]["message"] = f"{mine.about} is wrong"  # another rule is about what names nothing of the call
    draft.beside = [exchange(other, theirs)]


def inner_link(draft: Any) -> None:
    draft.pictures[0]["url"] = "http://10.0.0.5/files/0.png"
    draft.downloads = [Download("http://10.0.0.5/files/0.png", 200, "image/png", draft.picture(0))]


def gone(draft: Any) -> None:
    draft.later = [Download(one.url, 404) for one in draft.later]


def preview_first(draft: Any) -> None:
    name, done = draft.events[-1]
    kind = name.replace("completed", "partial_image")
    draft.events.insert(0, (kind, {**done, "type": kind, "partial_image_index": 0}))
    draft.events[0][1].pop("usage")


def pressed_alike(draft: Any) -> None:
    """Files as large as those at the other end of the range."""
    other = {**draft.probe.asked, "output_compression": 100 - draft.probe.asked["output_compression"]}
    twin = type(draft)(replace(draft.probe, asked=other))
    for place, one in enumerate(draft.pictures):
        one["b64_json"] = text_of(twin.picture(place))


def events_unasked(draft: Any) -> None:
    kind = "image_generation.completed"
    done = {**draft.json, **draft.json["data"][0], "type": kind, "created_at": draft.json["created"]}
    draft.events = [(kind, {name: value for name, value in done.items() if name not in ("data", "created")})]
    draft.headers["content-type"] = "text/event-stream"


def one_image_read(draft: Any) -> None:
    usage = draft.head["usage"]
    usage["input_tokens_details"]["image_tokens"] //= 2
    usage["input_tokens"] = sum(usage["input_tokens_details"].values())
    usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]


def too_many(draft: Any) -> None:
    draft.refuse(type="rate_limit_error")
    draft.status = 429


def too_large(draft: Any) -> None:
    draft.refuse(message="The body is too large.")
    draft.status = 413


NOTHING: dict[str, Any] = {"object": "list", "data": []}


def let_in(draft: Any) -> None:
    draft.status, draft.json = 200, {"created": 1, "data": []}


def uniform(data: bytes) -> bytes:
    """A picture of one colour, as large and in the same file format; see-through where the other is."""
    with Image.open(io.BytesIO(data)) as image:
        empty = Image.new("RGBA", image.size, (9, 9, 9, 0 if image.has_transparency_data else 255))
        out = io.BytesIO()
        (empty if image.mode == "RGBA" else empty.convert("RGB")).save(out, image.format)
        return out.getvalue()


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


# By rule; without GEN-, EDIT- or VAR- where it is the same for all.
BREAKS: dict[str, Spoil] = {
    "SERVED": refusal(),
    "EDIT-SERVED": refusal(param="background"),  # of a list of files that is to blame where nothing is named
    "CONTENT-TYPE": header("content-type", "text/plain"),
    "CREATED-SECONDS": milliseconds,
    "COUNT": lambda draft: draft.json["data"].pop(),
    "ONE-CARRIER": both_carriers,
    "CARRIER": other_carrier,
    "B64-PLAIN": prefixed,
    "IMAGE-BLANK": lambda draft: draft.replace(uniform(draft.picture(3))),
    "IMAGE-DECODES": lambda draft: draft.replace(draft.picture(3)[:-20]),
    "FORMAT-BYTES": other_format,
    "FORMAT-ECHO": head("output_format", "gif"),
    "SIZE-PIXELS": lambda draft: draft.replace(draft.picture(7, size=(72, 48))),
    "SIZE-ECHO": head("size", "auto"),
    "QUALITY-ECHO": head("quality", "auto"),
    "BACKGROUND-ECHO": head("background", "auto"),
    "TRANSPARENT-ALPHA": painted(255),
    "OPAQUE-ALPHA": painted(10),
    "DISTINCT": lambda draft: draft.replace(draft.picture(1)),
    "USAGE-PRESENT": head("usage", {"prompt_tokens": 1, "completion_tokens": 2}),
    "USAGE-SUM": lambda draft: draft.head["usage"].update(total_tokens=1),
    "USAGE-KINDS": image_tokens_only,
    "REVISED-PROMPT": lambda draft: draft.pictures[0].update(revised_prompt=7),
    "URL-ABSOLUTE": relative_link,
    "URL-FETCH": downloaded(403, "application/xml"),
    "URL-TYPE": downloaded(200, "application/octet-stream"),
    "STREAM-TYPE": header("content-type", "application/x-ndjson"),
    "STREAM-NAMES": renamed,
    "STREAM-FIELDS": event(0, created_at="now"),
    "STREAM-ORDER": event(0, partial_image_index=1),
    "STREAM-TERMINAL": lambda draft: draft.events.pop(),
    "STREAM-PICTURES": event(0, b64_json=text_of(b"this is no picture")),
    "STREAM-USAGE": event(1, usage=None),
    "GEN-NULL-OMITTED": refusal(param="n"),
    "GEN-SAFETY-ECHO": head("safety_identifier", "of somebody else"),
    "EDIT-IMAGE-SINGLE": refusal(param="image"),
    "EDIT-IMAGE-LIST": refusal(param="image"),
    "EDIT-MASK-SERVED": refusal(param="mask"),
    "EDIT-JSON-SERVED": refusal(),
    "ERR-ENVELOPE": body({"error": "a bare sentence"}),
    "ERR-FOUR-KEYS": lambda draft: draft.json["error"].pop("param"),
    "ERR-CODE": error(code=["no"]),
    "ERR-PARAM": error(param=["n"]),
    "ERR-CONTENT-TYPE": header("content-type", "text/html"),
    "ERR-NO-DATA": lambda draft: draft.json.update(NOTHING if draft.status >= 400 else {"error": "no"}),
    "ERR-NO-TRACE": error(message='Traceback (most recent call last): File "/srv/app.py", line 3'),
    "AUTH-NO-KEY": let_in,
    "AUTH-BAD-KEY": status(400),
    "AUTH-BEFORE-BODY": status(400),
    "MODELS-LIST": body(NOTHING),
    "MODELS-RETRIEVE": body({"id": "another"}),
    "MODELS-UNKNOWN": status(400),
    "HTTP-NO-REDIRECT": status(307),
    "HTTP-METHOD": status(400),
    "HTTP-REQUEST-ID": header("x-request-id", None),
    "ITEM-ABSENT": lambda draft: draft.pictures[0].update(embedding=None),
    "ECHO-PRESENT": lambda draft: draft.head.pop("quality"),
    "SAFETY-ECHO": head("safety_identifier", None),
    "SAFETY-USER": head("safety_identifier", "somebody"),
    "SIZE-AUTO": refusal(param="size"),
    "USAGE-NONE": head("usage", {"total_tokens": 0}),
    "USAGE-OUTPUT": lambda draft: draft.head["usage"].update(
        output_tokens=0, total_tokens=draft.head["usage"]["input_tokens"]
    ),
    "USAGE-IMAGES": one_image_read,
    "URL-HOST": inner_link,
    "URL-LASTS": gone,
    "STREAM-BARE": preview_first,
    "COMPRESSION-EFFECT": pressed_alike,
    "EDIT-MASK-KEPT": lambda draft: draft.replace(draft.picture(7)),
    "STREAM-EARLY": lambda draft: setattr(draft, "beat", 0.0),
    "GIF-FRAMES": lambda draft: draft.replace(draft.moving(more=1)),
    "SVG-ROOT": head("svg_usage", {"model": "author", "total_tokens": 7}),
    "GEN-ACCEPT-JSON": events_unasked,
    "GEN-UNKNOWN-PARAM": collapsed,
    "GEN-MODEL-DEFAULT": refusal(param="prompt"),
    "GEN-SIZE-HUGE": collapsed,
    "EDIT-FILE-BYTES": collapsed,
    "EDIT-UPLOAD-SIZE": too_large,
    "EDIT-REMOTE-IMAGE": lambda draft: let_in(draft),
    "EDIT-MODEL-NAME": refusal(code="model_not_found"),
    "MODELS-USABLE": refusal(code="model_not_found"),
    **dict.fromkeys(
        ("EDIT-IMAGE-LIST-OF-ONE", "EDIT-PART-ORDER", "EDIT-BOUNDARY", "EDIT-INPUT-FORMATS", "EDIT-PART-TYPE"),
        refusal(param="image", message="An image is missing."),
    ),
    "ERR-STATUS": status(422),
    "ERR-NAMES-PARAM": error(param=None),
    "ERR-WORDS": error(type=" "),
    "ERR-LIMIT": body({"detail": "Slow down."}),
    "ERR-RETRY-AFTER": header("retry-after", "0.5"),
    "ERR-MODERATION": error(code="invalid_value"),
    "ERR-OWN": swapped,
    "ERR-NO-ROUTE": status(400),
    "ERR-NOT-FOUND": error(message="open /srv/images/generations: no such file or directory"),
    "HTTP-ALIVE": status(500),
    "HTTP-CORS": header("access-control-allow-headers", "content-type"),
    "HTTP-TRAILING-SLASH": status(301),
    "HTTP-REQUEST-ID-OWN": renumbered,
}

# What a correct answer need not have, and a rule is about.
KEEPS: dict[str, Spoil] = {
    "ERR-LIMIT": too_many,
    "ERR-RETRY-AFTER": header("retry-after", "7"),
}


def spoil(rule: str, draft: Any) -> None:
    if REGISTRY[rule].judge == "refusal":
        collapsed(draft)
    else:
        (BREAKS.get(rule) or BREAKS[rule.partition("-")[2]])(draft)


@pytest.mark.parametrize("rule", JUDGED)
def test_a_rule_is_kept_by_one_answer_and_broken_by_another(rule: str, bench: SimpleNamespace) -> None:
    keep = KEEPS.get(rule, lambda draft: None)
    probe = next(iter(bench.passing(rule, keep)), None)
    assert probe is not None, f"no planned call gives evidence for {rule}"
    draft = bench.good(probe)
    keep(draft)
    assert bench.failing(probe, draft) == set(), f"on {probe.id}"
    spoil(rule, draft)
    assert bench.failing(probe, draft) == {rule}, f"on {probe.id}"
    run = bench.context(probe)
    found = bench.judge(rule, draft.exchange(), replace(run, others=(*run.others, *draft.beside)))
    for text in (found.message, found.asked, found.got):
        assert len(text) <= 200 and text.isprintable()


def test_a_served_invalid_request_breaks_its_rule_alone(bench: SimpleNamespace) -> None:
    refused = [one for one in bench.probes() if one.expect == "refused" and REGISTRY[one.rules[0]].judge == "refusal"]
    for probe in refused:
        draft = bench.good(probe)
        let_in(draft)
        assert bench.failing(probe, draft) == {probe.rules[0]}, probe.id


def test_a_correct_answer_breaks_no_rule(bench: SimpleNamespace) -> None:
    assert {one.id: found for one in bench.probes() if (found := bench.failing(one, bench.good(one)))} == {}


def test_no_feature_is_to_blame_where_the_operation_serves_nothing(bench: SimpleNamespace) -> None:
    probe = next(bench.passing("EDIT-IMAGE-LIST"))
    draft = bench.good(probe)
    draft.refuse()
    known = {served: replace(bench.context(probe), served=frozenset(served)) for served in [(), ("createImageEdit",)]}
    outcomes = [bench.judge("EDIT-IMAGE-LIST", draft.exchange(), context) for context in known.values()]
    assert outcomes[0] is None and outcomes[1].outcome == "fail"


def test_a_parameter_that_no_rule_is_about_is_the_operations_to_serve(bench: SimpleNamespace) -> None:
    probe = next(one for one in bench.passing("EDIT-IMAGE-LIST") if "background" in one.asked)
    blamed = {
        ("background", "Not here."): "EDIT-SERVED",
        (None, "background is not supported"): "EDIT-SERVED",
        ("mask", "Not here."): "EDIT-MASK-SERVED",
        (None, "Only one file can be edited."): "EDIT-IMAGE-LIST",
    }
    for (param, message), rule in blamed.items():
        draft = bench.good(probe)
        draft.refuse(param=param, message=message)
        assert bench.failing(probe, draft) == {rule}, (param, message)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429])
def test_a_closed_door_says_nothing_of_the_request(status: int, bench: SimpleNamespace) -> None:
    for rule in ("GEN-SERVED", "GEN-STREAM-TYPE", "GEN-N-RANGE", "EDIT-IMAGE-LIST"):
        probe = next(bench.passing(rule))
        draft = bench.good(probe)
        draft.refuse()
        draft.status = status
        assert bench.judge(rule, draft.exchange(), bench.context(probe)) is None
