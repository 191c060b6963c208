"""The report for programs: one JSON object, described by `report.schema.json` beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imageproof.contract.dump import fingerprint
from imageproof.contract.providers import Provider
from imageproof_conformance.gates import answers
from imageproof_conformance.offered import Offer
from imageproof_conformance.record import Run
from imageproof_conformance.report.breadth import assumed_of
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.common import told_once
from imageproof_conformance.report.curl import curl
from imageproof_conformance.report.evidence import tell
from imageproof_conformance.report.whom import whom
from imageproof_conformance.verdict import STATUSES, Evidence, RuleVerdict
from imageproof_conformance.version import VERSION

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


def report(run: Run, contract: str, rule_set: str, again: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The report as JSON values. `contract` is the document's version, `rule_set` its newest set of rules; `again` is
    the member `recheck` of a run that is judged once more."""
    verdict = run.verdict
    return {
        "schema_version": SCHEMA_VERSION,
        "suite": {"name": "imageproof", "version": VERSION},
        "contract": contract,
        "rule_set": rule_set,
        "overlays": [{"name": line(one.name), "digest": one.digest} for one in run.overlays],
        **_provider(run.profile.provider),
        "target": run.profile.base_url,
        "notes": [line(note) for note in run.notes],
        "tier": run.tier,
        "models": [
            {"name": line(one.choice.name), "family": one.family.id if one.family else None} for one in run.plans
        ],
        "started": datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 3),
        "pictures": {"planned": run.planned, "spent": run.spent, "cap": run.cap, "worst": run.worst},
        **({"cost": asdict(run.bill)} if run.bill else {}),
        "requests": run.requests,
        "offered": sorted(run.discovery.offered),
        "breadth": [_offer(run, one) for one in run.offers],
        "encodings": [
            {"operation": operation, "media_type": media_type, "taken": taken}
            for operation, media_type, taken in run.discovery.encodings
        ],
        **_pairs(run),
        "missing": list(verdict.missing),
        "gate": verdict.terms.gate,
        "answers": [
            {name: getattr(one, name) for name in ("question", "judged", "kept", "unsupported", "unknown")}
            | {"broken": list(one.broken)}
            for one in answers(verdict.rules)
        ],
        "whom": [
            {"who": one.who, "client": one.client, "rules": list(one.rules), "how": one.how}
            for one in whom(verdict.rules, run.exchanges)
        ],
        "selected": run.selected,
        "trouble": run.discovery.trouble,
        "exit_status": verdict.exit_status,
        "headline": line(verdict.headline),
        "counts": {status: verdict.count(status) for status in STATUSES},
        "rules": [_rule(run, one) for one in verdict.rules],
        **_baseline(run),
        "skipped": [{"probe": one.probe.id, "kind": one.kind, "why": line(one.why)} for one in run.skipped],
        "dropped": sum(one.dropped for one in run.plans),
        **({"recheck": dict(again)} if again is not None else {}),
    }


def text(run: Run, contract: str, rule_set: str, again: Mapping[str, str] | None = None) -> str:
    return json.dumps(report(run, contract, rule_set, again), indent=1, ensure_ascii=False) + "\n"


def _offer(run: Run, offer: Offer) -> dict[str, Any]:
    return {
        "model": line(offer.model),
        "has": sorted(offer.names),
        "lacks": sorted(name for name, yes in offer.abilities.items() if not yes),
        "seconds": None if offer.seconds is None else round(offer.seconds, 3),
        "assumed": [asdict(one) for one in assumed_of(run, offer)],
    }


def _pairs(run: Run) -> dict[str, Any]:
    """The pairs of parameter values; nothing below tier full."""
    rows = [
        {"model": line(one.choice.name), "held": one.paired, "left": one.unpaired, "impossible": list(one.impossible)}
        for one in run.plans
    ]
    return {"pairs": rows} if run.tier == "full" else {}


def _provider(provider: Provider | None) -> dict[str, Any]:
    """The profile that the run was made with; nothing where there is none."""
    if provider is None:
        return {}
    told = {name: line(getattr(provider, name)) for name in ("id", "name", "status", "source", "date")}
    return {"provider": {**told, "digest": fingerprint(provider.document.data)}}


def _baseline(run: Run) -> dict[str, Any]:
    """What became of the baseline; nothing where there is none."""
    terms, baseline = run.verdict.terms, run.profile.baseline
    if baseline is None:
        return {}
    told = {"file": line(baseline.file), "rules": baseline.rules}
    said = {"lapses": [line(one) for one in terms.lapses], "notes": [line(one) for one in terms.notes]}
    return {"baseline": {**told, **said}}


def _rule(run: Run, rule: RuleVerdict) -> dict[str, Any]:
    return {
        "id": rule.rule,
        "model": line(rule.model),
        "status": rule.status,
        "level": rule.level,
        "sentence": rule.sentence,
        "breaks": list(rule.breaks),
        "reason": line(rule.reason),
        "cause": rule.cause,
        **_documented(rule),
        "standing": run.verdict.terms.standing(rule),
        "evidence": [_evidence(run, one, also) for one, also in told_once(rule, run.exchanges)],
    }


def _documented(rule: RuleVerdict) -> dict[str, Any]:
    found = rule.documented
    if found is None:
        return {}
    return {"documented": {name: line(getattr(found, name), 500) for name in ("by", "what", "source", "date")}}


def _evidence(run: Run, evidence: Evidence, also: Sequence[str]) -> dict[str, Any]:
    exchange, finding = run.exchanges[evidence.exchange], evidence.finding
    made: dict[str, Any] = {
        "exchange": evidence.exchange,
        "probe": line(exchange.probe.id),
        "outcome": finding.outcome,
        "status": exchange.status,
        "message": line(finding.message),
        "asked": line(finding.asked),
        "got": line(finding.got),
    }
    if finding.outcome == "fail":
        told = tell(exchange)
        made |= {"sent": told.sent, "answer": told.got, "curl": curl(exchange, run.profile).line}
    return made | ({"also": [line(one) for one in also]} if also else {})
