"""Correct answers to any planned call, made by hand and with real pictures, for the judges to be tried on."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imageproof.contract.document import load
from imageproof.contract.families import family_of
from imageproof.contract.requirements import requirements
from imageproof_conformance.encode import encode
from imageproof_conformance.exchange import Chunk, Download, Exchange, Probe
from imageproof_conformance.judges import Context, judge, of_silence
from imageproof_conformance.judges.pictures import wanted_format
from imageproof_conformance.judges.served import wanted_carrier
from imageproof_conformance.judges.streams import kinds
from imageproof_conformance.plan import plan
from imageproof_conformance.probes_spared import Extras
from imageproof_conformance.verdict import no_answer

DOCUMENT = load()
REGISTRY = requirements()
MODELS = ("gpt-image-1", "gpt-image-2", "gpt-image-2.6-flare", "dall-e-2", "dall-e-3")
NOW, LATER = 1_795_176_000.0, 61.0
SVG_TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "total_tokens")
BROWSERS = {"access-control-allow-origin": "*"}
ERROR: dict[str, str | None] = {
    "type": "invalid_request_error",
    "message": "Not like this.",
    "param": None,
    "code": None,
}


@dataclass
class Draft:
    """An answer in the making to `probe`. `json` is the body, unless `events` (name, data) or `raw` stand for it. Each
    event comes so many seconds after the one before it, the last one after five seconds."""

    probe: Probe
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    json: Any = None
    events: list[tuple[str | None, dict[str, Any]]] | None = None
    raw: bytes | None = None
    beat: float = 2.0
    beside: list[Exchange] = field(default_factory=list)  # other calls of the run, in the place of their correct ones
    downloads: list[Download] = field(default_factory=list)
    later: list[Download] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.headers.setdefault("x-request-id", f"req:{self.probe.id}")

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.events is None:
            return json.dumps(self.json).encode()
        return b"".join(self._lines())

    def _lines(self) -> Iterator[bytes]:
        for name, data in self.events or ():
            yield ((f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n").encode()

    def chunks(self) -> tuple[Chunk, ...]:
        if self.raw is not None or self.events is None:
            return (Chunk(0.1, self.body()),)
        last = len(self.events) - 1
        return tuple(Chunk(5 - self.beat * (last - place), line) for place, line in enumerate(self._lines()))

    @property
    def pictures(self) -> list[dict[str, Any]]:
        """The entries of `data`, or the completed events."""
        if self.events is not None:
            return [data for _, data in self.events if data["type"].endswith("completed")]
        return list(self.json["data"])

    @property
    def head(self) -> dict[str, Any]:
        found: dict[str, Any] = self.pictures[-1] if self.events is not None else self.json
        return found

    def picture(self, seed: int, form: str | None = None, size: tuple[int, int] | None = None) -> bytes:
        """A picture as asked for, but for what is given; each seed gives another one."""
        return picture(self.probe, seed, form, size)

    def moving(self, more: int = 0, longer: int = 0) -> bytes:
        """A GIF as asked for, but for `more` frames and the milliseconds that each is shown `longer`."""
        return moving(self.probe, 5, edges(self.probe), more, longer)

    def replace(self, data: bytes) -> None:
        """Other bytes for the first picture."""
        if self.downloads:
            first = self.downloads[0]
            self.downloads[0] = Download(first.url, 200, first.media_type, data)
        else:
            self.pictures[0]["b64_json"] = plain(data)

    def refuse(self, **error: Any) -> None:
        self.status, self.events, self.downloads = 400, None, []
        self.headers["content-type"] = "application/json"
        self.json = {"error": {**ERROR, **error}}

    def exchange(self) -> Exchange:
        return exchange(self.probe, self)


@lru_cache(maxsize=64)
def drawn(form: str, size: tuple[int, int], alpha: int | None, seed: int, compression: int = -1) -> bytes:
    """A picture; with a compression one whose size that decides."""
    image = Image.new(
        "RGB" if alpha is None else "RGBA", size, (40 * seed % 256, 90, 160, *(() if alpha is None else (alpha,)))
    )
    image.paste((200, 90, 40 * seed % 256, *(() if alpha is None else (255,))), (8, 8, size[0] // 2, size[1] // 2))
    if compression >= 0:
        image.paste(Image.effect_noise(size, 90), (0, 0), Image.new("L", size, 120))
        compression = max(1, compression)  # Pillow reads 0 as "as usual"
    out = io.BytesIO()
    quality = compression if compression >= 0 else 30 if form == "webp" else 75
    image.save(out, form, quality=quality)
    return out.getvalue()


def picture(probe: Probe, seed: int, form: str | None = None, size: tuple[int, int] | None = None) -> bytes:
    """A picture as asked for; of 64 x 64 pixels where the size was left to the model."""
    width, height = edges(probe)
    if "EDIT-MASK-KEPT" in probe.rules and seed == 0 and not form and not size:  # its hole is where the mask has one
        return next(one.data for one in probe.request.parts or () if one.name.startswith("image"))
    wanted = form or wanted_format(probe_exchange(probe), context(probe)) or "png"
    if wanted == "svg":
        return f'<svg xmlns="http://www.w3.org/2000/svg"><g id="{seed}"/></svg>'.encode()
    if wanted == "gif" and probe.asked.get("frame_count"):
        return moving(probe, seed, (width, height))
    alpha = 0 if probe.asked.get("background") == "transparent" else None
    pressed = probe.asked.get("output_compression")
    return drawn(wanted, size or (width, height), alpha, seed, -1 if pressed is None else pressed)


def edges(probe: Probe) -> tuple[int, int]:
    """Pixels that were asked for; 64 x 64 where that was left to the model."""
    asked = probe.asked.get("size")
    width, _, height = asked.partition("x") if isinstance(asked, str) and "x" in asked else ("64", "", "64")
    return int(width), int(height)


def moving(probe: Probe, seed: int, size: tuple[int, int], more: int = 0, longer: int = 0) -> bytes:
    """A GIF as asked for; `more` frames, shown for so many milliseconds `longer`."""
    count, shown_for = probe.asked["frame_count"] + more, round(probe.asked["frame_duration_ms"] / 10) * 10 + longer
    first, *rest = [Image.new("P", size, place) for place in range(seed, seed + count)]
    for place, frame in enumerate([first, *rest]):
        frame.paste(255 - place, (8, 8, size[0] // 2, size[1] // 2))
        frame.putpalette([value for one in range(256) for value in (one, 255 - one, (one * 7 + place) % 256)])
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest, duration=shown_for, loop=0)
    return out.getvalue()


def probe_exchange(probe: Probe) -> Exchange:
    return Exchange(probe, "http://127.0.0.1/v1", (), b"", None)


def plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


def usage(probe: Probe) -> dict[str, Any]:
    files = len(probe.asked.get("image[]", [None]))
    images = 40 * files if probe.operation == "createImageEdit" else 0
    details = {"text_tokens": 9, "image_tokens": images}
    return {
        "input_tokens": 9 + images,
        "input_tokens_details": details,
        "output_tokens": 100,
        "total_tokens": 109 + images,
    }


def good(probe: Probe) -> Draft:
    """A correct answer to any planned call."""
    if probe.request.method == "OPTIONS":
        granted = {"access-control-allow-headers": "authorization, content-type"}
        return Draft(probe, 204, {**BROWSERS, **granted}, raw=b"")
    if probe.expect == "refused" or (probe.expect == "either" and not probe.asked.get("background")):
        missing = any(rule in probe.rules for rule in ("MODELS-UNKNOWN", "ERR-NO-ROUTE"))
        status = 401 if probe.request.key != "yes" else 404 if missing else 400
        error = {**ERROR, "param": probe.about or ("images" if "EDIT-REMOTE-IMAGE" in probe.rules else None)}
        if "ERR-MODERATION" in probe.rules:
            error["code"] = "moderation_blocked"
        headers = {"content-type": "application/json", **BROWSERS}
        code = 405 if probe.request.method == "GET" and status == 400 else status
        return Draft(probe, code, headers, json={"error": error})
    if probe.operation == "listModels":
        return Draft(probe, json={"object": "list", "data": [{"id": probe.model, "object": "model"}]})
    if probe.operation == "retrieveModel":
        return Draft(probe, json={"id": probe.model, "object": "model"})
    return streamed(probe) if probe.asked.get("stream") else answered(probe)


def echoes(probe: Probe, size: str = "64x64") -> dict[str, Any]:
    family = family_of(DOCUMENT, probe.model)
    given = {name: value for name, value in probe.asked.items() if isinstance(value, str) and value != "auto"}
    used = {"size": size, "quality": "low", "background": "opaque", "output_format": "png", **given}
    return {name: used[name] for name in (family.returns.echo if family else ())}


def answered(probe: Probe) -> Draft:
    family = family_of(DOCUMENT, probe.model)
    carrier = wanted_carrier(probe_exchange(probe), context(probe))
    files = [picture(probe, seed) for seed in range(probe.asked.get("n") or 1)]
    urls = [f"https://pictures.example.com/files/{seed}.png" for seed in range(len(files))]
    entries = [
        {"b64_json": plain(one)} if carrier == "b64_json" else {"url": url}
        for one, url in zip(files, urls, strict=True)
    ]
    body = {"created": int(NOW), "data": entries, **echoes(probe)}
    if family and family.returns.usage:
        body["usage"] = usage(probe)
    if family and family.returns.echo and (asker := probe.asked.get("safety_identifier") or probe.asked.get("user")):
        body["safety_identifier"] = asker
    if probe.asked.get("output_format") == "svg":
        body["svg_usage"] = {"model": "author", **dict.fromkeys(SVG_TOKENS, 0), "output_tokens": 7, "total_tokens": 7}
    fetched = [Download(url, 200, "image/png", one) for one, url in zip(files, urls, strict=True)]
    linked = fetched if carrier == "url" else []
    return Draft(probe, json=body, downloads=linked, later=[replace(one, body=b"") for one in linked])


def streamed(probe: Probe) -> Draft:
    preview, done = kinds(DOCUMENT, probe.operation)
    common = {"created_at": int(NOW), "size": "auto", "quality": "auto", "background": "auto", **echoes(probe)}
    first = {"type": preview, "b64_json": plain(picture(probe, 1)), "partial_image_index": 0, **common}
    last = {"type": done, "b64_json": plain(picture(probe, 2)), "usage": usage(probe), **common}
    previews = [(preview, first)] if probe.asked.get("partial_images") else []
    draft = Draft(probe, events=[*previews, (done, last)])
    draft.headers["content-type"] = "text/event-stream"
    return draft


def exchange(probe: Probe, draft: Draft) -> Exchange:
    headers = tuple(draft.headers.items())
    body, media_type = encode(probe.request)
    return Exchange(
        probe,
        f"http://127.0.0.1/v1{probe.request.path}",
        (("Content-Type", media_type or ""),),
        body,
        draft.status,
        headers,
        draft.chunks(),
        5.0,
        NOW,
        downloads=tuple(draft.downloads),
        later=tuple(draft.later),
        later_after=LATER,
    )


@lru_cache(maxsize=1)
def probes() -> tuple[Probe, ...]:
    """The calls of tier standard, and of the dearest those that show what these do not."""
    offered = frozenset(DOCUMENT.operations())
    everything = Extras(heavy=True, moderation="stop this")
    plans = (plan(DOCUMENT, REGISTRY, model, None, offered, "standard", everything) for model in MODELS)
    found = [probe for one in plans for probe in one.probes]
    shown = {rule for one in found for rule in one.rules}
    dear = plan(DOCUMENT, REGISTRY, MODELS[0], None, offered, "full", everything).probes
    return (*found, *(one for one in dear if one.tier == "full" and not shown.issuperset(one.rules)))


@lru_cache(maxsize=8)
def others(model: str, full: bool) -> tuple[Exchange, ...]:
    """The correct answers to all calls of a model, with those of the dearest tier or without."""
    mine = [one for one in probes() if one.model == model and (full or one.tier != "full")]
    return tuple(exchange(one, good(one)) for one in mine)


def context(probe: Probe) -> Context:
    """What a judge knows of a call by itself."""
    return Context(DOCUMENT, family_of(DOCUMENT, probe.model), probe.model)


def among(probe: Probe) -> Context:
    """What a judge knows of a call in a run of correct answers."""
    return replace(context(probe), others=others(probe.model, probe.tier == "full"))


def failing(probe: Probe, draft: Draft) -> set[str]:
    """The rules that an answer breaks, of those that the call gives evidence for."""
    sent = exchange(probe, draft)
    silent = bool(no_answer(sent, True))  # as a run has it
    run = among(probe)
    run = replace(run, others=(*run.others, *draft.beside))
    findings = [judge(rule, sent, run) for rule in probe.rules if of_silence(rule) or not silent]
    return {one.rule for one in findings if one is not None and one.outcome == "fail"}


def passing(rule: str, keep: Callable[[Draft], None] = lambda draft: None) -> Iterator[Probe]:
    """The planned calls whose correct answer, with what `keep` adds, keeps a rule, and not for lack of evidence."""
    for probe in probes():
        if rule in probe.rules:
            draft = good(probe)
            keep(draft)
            found = judge(rule, exchange(probe, draft), among(probe))
            if found is not None and found.outcome == "pass":
                yield probe


@pytest.fixture(scope="session")
def bench() -> SimpleNamespace:
    """What the tests of the judges share."""
    return SimpleNamespace(
        probes=probes, good=good, failing=failing, passing=passing, context=among, models=MODELS, judge=judge
    )
