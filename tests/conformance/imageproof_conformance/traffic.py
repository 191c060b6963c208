"""Calls that somebody else made, as a run that can be judged: each body says what a behaving target does with it.

Whatever cannot be used is counted, with the reason. Keys are masked before anything else is done with a call.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from imageproof.contract.document import Document
from imageproof.contract.families import family_of
from imageproof.contract.overlay import layers
from imageproof.contract.redact import LONG, Redactor, fields, is_secret
from imageproof.contract.requirements import Requirement
from imageproof.contract.surface import operation_at
from imageproof.errors import UsageError
from imageproof_conformance.address import is_loopback
from imageproof_conformance.answers import parsed, served, unknown_model, urls
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.budget import many, pictures
from imageproof_conformance.discover import Discovery
from imageproof_conformance.exchange import Chunk, Download, Exchange, Part, Probe, Request
from imageproof_conformance.har import Call, held
from imageproof_conformance.judging import NO_VERDICT_YET, Course
from imageproof_conformance.meaning import meaning, read_form
from imageproof_conformance.probes import ERROR_RULES, JSON, Target
from imageproof_conformance.probes_fixed import PLAIN_HTTP
from imageproof_conformance.probes_shown import picture_rules
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.record import Run
from imageproof_conformance.transcript import clean, cut

FORM = "multipart/form-data"
NO_MODEL = "(no model named)"
SOON = 60.0  # seconds in which a link that was just given must still work
MOST_KEYS = 64
LONGEST_NAME = 200  # characters of a model's name
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)$")
_FILTERED = re.compile(r"moderation|content_policy|content_filter|safety", re.IGNORECASE)
_LISTS = {"listModels": "MODELS-LIST", "retrieveModel": "MODELS-RETRIEVE"}


@dataclass(frozen=True)
class Traffic:
    """A run made of calls, still to be judged, and what could not be used: reason -> how many calls."""

    run: Run
    unused: Mapping[str, int]
    redactor: Redactor


@dataclass
class _Reader:
    """What is known while calls are read."""

    document: Document
    registry: Mapping[str, Requirement]
    redactor: Redactor
    families: Mapping[str, str]
    base_url: str
    fetched: Mapping[str, Call]
    unused: Counter[str] = field(default_factory=Counter)

    def target(self, model: str) -> Target:
        offered = frozenset(self.document.operations())
        return Target(self.document, self.registry, model, self.families.get(model), offered)


def traffic(
    calls: Sequence[Call],
    document: Document,
    registry: Mapping[str, Requirement],
    families: Mapping[str, str],
    source: str,
) -> Traffic:
    """The run that some calls are. `families` maps names of models to families, `source` is who wrote the calls down.
    UsageError when no call is one of the Images API."""
    placed = [(call, place) for call in calls if (place := _place(document, call))]
    making = Counter(base for call, (id, base) in placed if id not in _LISTS and call.method == "POST")
    if not making:
        raise UsageError(f"none of its {len(calls)} calls is one of the Images API (POST .../images/generations, ...)")
    base_url = max(making, key=lambda one: making[one])
    redactor = Redactor(*_keys(calls))
    fetched: dict[str, Call] = {}
    for call in calls:
        if call.method == "GET":
            fetched.setdefault(call.url, call)
    reader = _Reader(document, registry, redactor, families, base_url, fetched)
    for other, count in making.items():
        if other != base_url:
            reader.unused[f"of another target, {redactor.text(other)}"] += count
    mine = [(call, id) for call, (id, base) in placed if base == base_url]
    exchanges = _worth(reader, [one for call, id in mine if (one := _read(reader, call, id)) is not None])
    reader.unused["beside the Images API"] += len(calls) - len(placed) - _linked(exchanges, reader)
    return Traffic(_run(reader, exchanges, source), +reader.unused, redactor)


def _worth(reader: _Reader, exchanges: list[Exchange]) -> list[Exchange]:
    """The exchanges without those that say nothing, where others do: no answer, or a model that is not there."""
    answered = [one for one in exchanges if one.status is not None]
    if not answered:
        return exchanges
    if gone := len(exchanges) - len(answered):
        reader.unused["without an answer"] += gone
    known = {one.probe.model for one in answered if one.probe.source == "recorded" and not unknown_model(one)}
    if not known:
        return answered
    kept = [one for one in answered if one.probe.source != "recorded" or one.probe.model in known]
    for one in answered:
        if one not in kept:
            reader.unused[f"for a model that the target does not know ({one.probe.model})"] += 1
    return kept


def _place(document: Document, call: Call) -> tuple[str, str] | None:
    """operationId and base URL of a call, None for one that is not of the Images API."""
    try:
        parts = urlsplit(call.url)
    except ValueError:
        return None
    found = operation_at(document, call.method, parts.path)
    if found is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2].lower()
    return found[0], f"{parts.scheme}://{host}{found[1]}"


def _keys(calls: Iterable[Call]) -> list[str]:
    """What callers showed as a key: in a header, a parameter of the URL, or a field of a body."""
    found: dict[str, None] = {}
    for call in calls:
        shown = [value for name, value in call.headers if is_secret(name) and "cookie" not in name.lower()]
        _, asked = fields(call.url.partition("?")[2].encode("utf-8", "replace"))
        _, told = fields(call.body or b"")
        words = [word for value in shown for word in value.split()]
        words += [word for one in (*asked, *told) for word in (one, unquote(one))]
        found |= dict.fromkeys(word for word in words if LONG <= len(word) <= 512)
    return list(found)[:MOST_KEYS]


def _read(reader: _Reader, call: Call, operation: str) -> Exchange | None:
    """`_exchange`, where no call, whatever somebody wrote into it, costs the others their verdict."""
    try:
        return _exchange(reader, call, operation)
    except (TypeError, ValueError, KeyError, RecursionError, OverflowError) as error:
        reader.unused[f"that cannot be made sense of ({type(error).__name__})"] += 1
        return None


def _exchange(reader: _Reader, call: Call, operation: str) -> Exchange | None:
    """A call as an exchange whose probe says what it is evidence for; None, and counted, where it is for nothing."""
    if call.answer is None and call.status is not None:
        reader.unused["whose answer is not in the file, or not whole"] += 1
        return None
    probe = (_listing if operation in _LISTS else _making)(reader, call, operation)
    return None if probe is None else _heard(reader, call, probe)


def _listing(reader: _Reader, call: Call, operation: str) -> Probe | None:
    if not 200 <= (call.status or 0) < 300:
        reader.unused["for models that were not served, and may not exist"] += 1
        return None
    path = call.url.partition("?")[0]
    model = "" if operation == "listModels" else unquote(path.rstrip("/").rpartition("/")[2])
    rules = tuple(rule for rule in (_LISTS[operation], *PLAIN_HTTP) if rule in reader.registry)
    request = Request("GET", _path(reader, call))
    return Probe(f"{model or 'any'}/{operation}/call {call.number}", operation, model, request, "served", rules)


def _making(reader: _Reader, call: Call, operation: str) -> Probe | None:
    """The probe of a call that asks for pictures."""
    media_type = call.media_type.partition(";")[0].strip().lower()
    read = _body(reader, call, operation, media_type)
    if isinstance(read, str):
        reader.unused[read] += 1
        return None
    body, whole = read
    deployment = _DEPLOYMENT.search(urlsplit(reader.base_url).path)
    named = body.get("model")
    model = _shown(named) if isinstance(named, str) and named else deployment[1] if deployment else NO_MODEL
    target = reader.target(model)
    if whole:
        found = meaning(target, operation, media_type, body)
        expect, rules, label = found.expect, found.rules, found.said
        if len(found.broken) > 1:
            reader.unused[f"with several rules broken at once ({', '.join(sorted(found.broken))})"] += 1
            return None
    else:
        # Whether a file that is not there was legal nobody knows; what was served is judged all the same.
        expect, label = "either", ""
        good = 200 <= (call.status or 0) < 300
        sane = {name: value for name, value in body.items() if name != "n" or isinstance(value, int)}
        rules = target.judged(*(picture_rules(target, operation, sane) if good else ERROR_RULES))
    if expect == "served" and _filtered(call):
        expect, rules = "either", target.judged(*ERROR_RULES)
    if call.started is None:
        rules = tuple(rule for rule in rules if not rule.endswith("-CREATED-SECONDS"))
    n = body.get("n")
    count = n if isinstance(n, int) and not isinstance(n, bool) and n > 0 else 1
    about = f": {label.replace('/', '|')}" if label else ""
    return Probe(
        f"{model}/{operation}/call {call.number}{about}",
        operation,
        model,
        _request(reader, call, media_type, body),
        expect,
        rules,
        "core",
        body,
        images=count if expect == "served" else 0,
        worst=count,
        source="recorded",
    )


def _shown(name: str) -> str:
    """The name of a model as an id may have it."""
    return name[:LONGEST_NAME].encode("utf-8", "replace").decode()


def _filtered(call: Call) -> bool:
    """Whether a legal request was refused for what it asks to see, which every target may."""
    if call.status not in (400, 403) or not call.answer:
        return False
    try:
        answer = json.loads(call.answer)
    except (ValueError, RecursionError):
        return False
    told = answer.get("error") if isinstance(answer, dict) else None
    said = [told.get("code"), told.get("type"), told.get("message")] if isinstance(told, dict) else []
    return any(isinstance(one, str) and _FILTERED.search(one) for one in said)


def _body(reader: _Reader, call: Call, operation: str, media_type: str) -> tuple[dict[str, Any], bool] | str:
    """The body as the contract sees it, and whether all of its files are there; a text says why it cannot be read."""
    if call.body is None and call.parts is None:
        return "whose request body is not in the file"
    if media_type not in reader.target("").media_types(operation):
        return f"of a media type that the operation does not take ({reader.redactor.text(media_type)[:60] or 'none'})"
    if media_type == JSON:
        try:
            body = json.loads(call.body or b"")
        except (ValueError, RecursionError):
            return "whose request body cannot be read"
        return (body, True) if isinstance(body, dict) else "whose request body is no JSON object"
    if not call.parts:
        return "whose request body cannot be read"
    kept = [part for part in call.parts if held(part)]
    form = read_form(reader.target(""), operation, media_type, kept)
    return "whose request body says one thing twice" if form is None else (form, len(kept) == len(call.parts))


def _path(reader: _Reader, call: Call) -> str:
    """What stands behind the base URL."""
    parts = urlsplit(call.url)
    path = parts.path[len(urlsplit(reader.base_url).path) :]
    return reader.redactor.text(f"{path}?{parts.query}" if parts.query else path)


def _request(reader: _Reader, call: Call, media_type: str, body: Mapping[str, Any]) -> Request:
    """What was sent, for reports. Always with the key: a tool that leaves it out of its file does not say so."""
    path = _path(reader, call)
    if media_type == JSON:
        masked, _ = fields(call.body or b"")
        try:
            return Request(call.method, path, json=json.loads(masked))
        except ValueError:
            return Request(call.method, path, json=dict(body))
    return Request(call.method, path, parts=tuple(_unkeyed(part) for part in call.parts or ()))


def _unkeyed(part: Part) -> Part:
    secret = part.filename is None and is_secret(part.name)
    return replace(part, data=b"*" * len(part.data)) if secret else part


def _heard(reader: _Reader, call: Call, probe: Probe) -> Exchange:
    redactor = reader.redactor
    answer, _ = fields(call.answer or b"")
    masked = redactor.data(answer)
    chunks: tuple[Chunk, ...] = (Chunk(call.seconds, masked),) if masked else ()
    if call.chunks is not None:
        chunks = tuple(cut(masked, [(one.at, len(one.data)) for one in call.chunks]))
    exchange = Exchange(
        probe,
        call.url,
        call.headers,
        fields(call.body or b"")[0],
        call.status,
        call.answer_headers,
        chunks,
        call.seconds,
        call.started or 0.0,
        call.failure,
    )
    downloads = tuple(one for url in urls(exchange) if (one := _download(reader, exchange, url)))
    return clean(replace(exchange, downloads=downloads), redactor)


def _download(reader: _Reader, exchange: Exchange, url: str) -> Download | None:
    """What a link of an answer gave when it was followed; None where that is not in the file."""
    call = reader.fetched.get(url)
    if call is None or call.status is None or call.answer is None or call.status == 304:
        return None
    if any(is_secret(name) and "cookie" not in name.lower() for name, _ in call.headers):
        reader.unused["for a picture, made with the key"] += 1
        return None
    late = (call.started or 0.0) - (exchange.started + exchange.seconds)
    if call.status != 200 and not 0 <= late <= SOON:
        return None  # a link may have ended since
    media_type = next((value for name, value in call.answer_headers if name.lower() == "content-type"), "")
    body = reader.redactor.data(call.answer)
    return Download(url, call.status, media_type.partition(";")[0].strip().lower(), body)


def _linked(exchanges: Iterable[Exchange], reader: _Reader) -> int:
    """How many calls fetched pictures of answers."""
    return len({one.url for exchange in exchanges for one in exchange.downloads})


def _run(reader: _Reader, exchanges: Sequence[Exchange], source: str) -> Run:
    making = [one for one in exchanges if one.probe.operation not in _LISTS]
    names = dict.fromkeys(one.probe.model for one in making)
    choices = tuple(ModelChoice(name, reader.families.get(name)) for name in names)
    plans = tuple(_plan(reader, choice, exchanges) for choice in choices)
    spent = sum(map(pictures, making))
    first = min((one.started for one in exchanges if one.started), default=0.0)
    last = max((one.started + one.seconds for one in exchanges if one.started), default=first)
    listed = next((one for one in exchanges if one.probe.operation == "listModels"), None)
    private = is_loopback(urlsplit(reader.base_url).hostname or "")
    given = [f"{one.name}={one.family}" if one.family else one.name for one in choices if one.name != NO_MODEL]
    profile = Profile(
        reader.base_url,
        key_shell="$IMAGEPROOF_API_KEY",
        models=choices,
        tier="core",
        again=(reader.base_url, *(word for name in given for word in ("--model", name))),
    )
    return Run(
        profile=profile,
        tier="core",
        discovery=Discovery(
            frozenset(one.probe.operation for one in exchanges if served(one)), _listed(listed), (), "", ""
        ),
        plans=plans,
        exchanges=tuple(exchanges),
        skipped=(),
        verdict=NO_VERDICT_YET,
        planned=sum(one.probe.images for one in making),
        worst=sum(one.probe.worst for one in making),
        spent=spent,
        requests=len(exchanges),
        cap=spent,
        seconds=last - first,
        started=first,
        notes=(f"written down by {source or 'an unnamed tool'}", *_notes(reader)),
        overlays=layers(reader.document),
        course=Course(
            items=tuple((rule, one.choice.name) for one in plans for rule in one.requirements),
            private=private,
            traffic=True,
        ),
    )


def _plan(reader: _Reader, choice: ModelChoice, exchanges: Iterable[Exchange]) -> ModelPlan:
    probes = tuple(one.probe for one in exchanges if one.probe.model in ("", choice.name))
    named = {rule for probe in probes for rule in probe.rules}
    rules = tuple(rule for rule in reader.registry if rule in named)
    return ModelPlan(choice, family_of(reader.document, choice.name, choice.family), probes, rules)


def _listed(exchange: Exchange | None) -> tuple[str, ...]:
    answer = parsed(exchange) if exchange is not None else None
    data = answer.get("data") if isinstance(answer, dict) else None
    ids = [one.get("id") for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    return tuple(dict.fromkeys(one for one in ids if isinstance(one, str)))


def _notes(reader: _Reader) -> Iterator[str]:
    """What could not be used, and why."""
    for reason, count in (+reader.unused).items():
        yield f"not judged: {many(count, 'call')} {reason}"
