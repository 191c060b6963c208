"""The last line of a transcript: what a run knew beside its exchanges, as JSON values and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imageproof.contract.document import Document
from imageproof.contract.families import family_of
from imageproof.contract.overlay import Layer, layers
from imageproof.contract.providers import Provider, parse_provider
from imageproof.contract.recorded import Bodies
from imageproof.contract.redact import Redactor
from imageproof_conformance.baseline import of_plain, plain
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.discover import Discovery
from imageproof_conformance.dispatch import Skipped
from imageproof_conformance.exchange import Exchange, Probe, Request
from imageproof_conformance.forecast import Dearer
from imageproof_conformance.judging import NO_VERDICT_YET, Course
from imageproof_conformance.money import Bill, Cost
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.record import Run
from imageproof_conformance.sending import Sending
from imageproof_conformance.transcript import Load, clean_probe, probe_of, probe_record
from imageproof_conformance.version import VERSION

# Members of a profile that the verdict and its reports need. The key is none of them.
_PROFILE = (
    "base_url", "key_source", "max_images", "max_cost", "price_per_image", "max_requests", "max_time", "timeout",
    "gate", "rules", "strict",
)  # fmt: skip
_PLAIN = ("tier", "planned", "worst", "spent", "requests", "cap", "seconds", "started")
_PAIRS = ("abilities", "unbought")  # members of a course that are sets
_PLAN = ("requirements", "dearer", "missing", "waiting", "impossible")
_COUNTS = ("dropped", "paired", "unpaired")


@dataclass(frozen=True)
class Told:
    """What a record says of its run. `suite` is the version that made it, `contract` that of the document, `judged` the
    ids that had a judge then, `overlays` what was laid over the contract: path as typed, name and digest, data.
    `provider` is what was documented of the provider, None where nothing was."""

    suite: str
    contract: str
    judged: frozenset[str]
    overlays: tuple[tuple[str, Layer, Any], ...]
    provider: Provider | None
    fields: Mapping[str, Any]


def record(run: Run, document: Document, judged: Collection[str], redactor: Redactor, store: Bodies) -> dict[str, Any]:
    """A run as JSON values. `judged` are the ids that have a judge."""
    profile, found, course = run.profile, run.discovery, run.course
    over = zip(profile.overlays, layers(document), (one.data for one in document.overlays), strict=True)
    return {
        "suite": VERSION,
        "contract": str(document.data.get("info", {}).get("version", "")),
        "judged": sorted(judged),
        "overlays": [{"path": path, **asdict(layer), "data": data} for path, layer, data in over],
        "profile": {
            **{name: getattr(profile, name) for name in _PROFILE},
            "key_shell": profile.key_word,
            "sending": {
                "key_header": profile.sending.key_header,
                "key_scheme": profile.sending.key_scheme,
                "query": profile.sending.query,
                "headers": [name for name, _ in profile.sending.headers],  # never what they say
            },
            "provider": _documented(profile.provider),
            "models": [[one.name, one.family] for one in profile.models],
            "require": sorted(profile.require),
            "baseline": plain(profile.baseline) if profile.baseline else None,
            "again": profile.again,
        },
        "discovery": {
            "offered": sorted(found.offered),
            "listed": found.listed,
            "trouble": found.trouble,
            "detail": found.detail,
            "exchanges": len(found.exchanges),
            "encodings": found.encodings,
            "by_name": found.by_name,
        },
        "plans": [
            {
                "name": one.choice.name,
                "family": one.choice.family,
                **{name: getattr(one, name) for name in _COUNTS},
                **{name: getattr(one, name) for name in _PLAN},
            }
            for one in run.plans
        ],
        "skipped": [
            {"probe": probe_record(clean_probe(one.probe, redactor), store), "kind": one.kind, "why": one.why}
            for one in run.skipped
        ],
        "course": {**asdict(course), **{name: sorted(getattr(course, name)) for name in _PAIRS}},
        "selected": run.selected,
        "notes": run.notes,
        "bill": asdict(run.bill) if run.bill else None,
        "dearer": asdict(run.dearer) if run.dearer else None,
        "sufficient": asdict(run.sufficient),
        **{name: getattr(run, name) for name in _PLAIN},
    }


def _documented(provider: Provider | None) -> dict[str, Any] | None:
    return {"id": provider.id, "data": provider.document.data} if provider else None


def told(value: Mapping[str, Any]) -> Told:
    """A record, taken apart so far that the document can be made. KeyError or TypeError for what is none,
    DocumentError for a profile of a provider that is none any more."""
    over = [(one["path"], Layer(one["name"], one["digest"]), one["data"]) for one in value["overlays"]]
    kept = value["profile"].get("provider")
    provider = parse_provider(kept["data"], None, kept["id"], kept["id"]) if kept else None
    return Told(value["suite"], value["contract"], frozenset(value["judged"]), tuple(over), provider, value)


def restored(
    record: Told,
    exchanges: Sequence[Exchange],
    document: Document,
    load: Load,
    overlays: tuple[str, ...],
    provider: Provider | None = None,
) -> Run:
    """The run of a record, without a verdict. `overlays` are the paths of what `document` has on it. Raises KeyError,
    TypeError or ValueError for what is no such record, UsageError for a family that is gone."""
    value = record.fields
    found, course, profile = value["discovery"], value["course"], value["profile"]
    skipped = tuple(Skipped(probe_of(one["probe"], load), one["kind"], one["why"]) for one in value["skipped"])
    pairs = {name: [(one, model) for one, model in course[name]] for name in ("items", *_PAIRS)}
    sets = {name: frozenset(pairs[name]) for name in _PAIRS}
    probes = [*(one.probe for one in exchanges), *(one.probe for one in skipped)]
    return Run(
        profile=Profile(
            **{name: profile[name] for name in (*_PROFILE, "key_shell") if name in profile},
            provider=provider,
            sending=_sending(profile.get("sending")),
            models=tuple(ModelChoice(*one) for one in profile["models"]),
            overlays=overlays,
            tier=value["tier"],
            require=frozenset(profile["require"]),
            baseline=of_plain(profile["baseline"]) if profile["baseline"] else None,
            again=tuple(profile["again"]),
            out=Path(),
        ),
        discovery=Discovery(
            frozenset(found["offered"]),
            tuple(found["listed"]),
            tuple(exchanges[: found["exchanges"]]),
            found["trouble"],
            found["detail"],
            tuple((operation, media_type, taken) for operation, media_type, taken in found.get("encodings", ())),
            tuple(found.get("by_name", ())),
        ),
        plans=tuple(_plan(one, document, probes) for one in value["plans"]),
        exchanges=tuple(exchanges),
        skipped=skipped,
        verdict=NO_VERDICT_YET,
        notes=tuple(value["notes"]),
        selected=value["selected"],
        overlays=layers(document),
        bill=_bill(value.get("bill")),
        dearer=_dearer(value),
        sufficient=Cost(**value.get("sufficient", {})),
        course=Course(**{**course, "items": tuple(pairs["items"]), **sets}),
        **{name: value[name] for name in _PLAIN},
    )


def _bill(value: Mapping[str, Any] | None) -> Bill | None:
    return Bill(**value) if value else None


def _dearer(value: Mapping[str, Any]) -> Dearer | None:
    """The next tier; older records have its name and its pictures alone."""
    found = value.get("dearer")
    if isinstance(found, str):
        return Dearer(found, value["dearer_images"], value["dearer_images"])
    return Dearer(**{**found, "bill": _bill(found["bill"])}) if found else None


def _sending(value: Mapping[str, Any] | None) -> Sending:
    """How calls were sent; the usual way where a record is older than others."""
    if value is None:
        return Sending()
    query = tuple((name, said) for name, said in value["query"])
    headers = tuple((name, "") for name in value["headers"])
    return Sending(value["key_header"], value["key_scheme"], query, headers)


def _plan(value: Mapping[str, Any], document: Document, probes: Sequence[Probe]) -> ModelPlan:
    name, family = value["name"], value["family"]
    # Of calls that were planned and never came to their turn only their being is needed.
    own = tuple(one for one in probes if one.model == name) or (_unsent(name),)
    known = family_of(document, name, family)
    lists: dict[str, Any] = {one: tuple(value.get(one, ())) for one in _PLAN}  # older runs lack the pairs
    counts: dict[str, Any] = {one: value.get(one, 0) for one in _COUNTS}
    return ModelPlan(ModelChoice(name, family), known, own, **lists, **counts)


def _unsent(model: str) -> Probe:
    return Probe(f"{model}/unsent", "", model, Request("GET", ""), "either", ())
