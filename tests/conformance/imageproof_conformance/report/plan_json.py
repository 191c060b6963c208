"""The plan of a dry run for programs: one JSON object, described by `plan.schema.json` beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageproof_conformance.exchange import Probe, Request
from imageproof_conformance.report.clean import line
from imageproof_conformance.report.evidence import brief
from imageproof_conformance.version import VERSION

if TYPE_CHECKING:
    from imageproof_conformance.session import Session

SCHEMA_VERSION = 1
SCHEMA_FILE = Path(__file__).with_name("plan.schema.json")
FORM, JSON = "multipart/form-data", "application/json"


def plan(session: Session) -> dict[str, Any]:
    """What a run would send and cost, as JSON values."""
    profile, bill = session.profile, session.bill
    return {
        "schema_version": SCHEMA_VERSION,
        "suite": {"name": "imageproof", "version": VERSION},
        "contract": str(session.document.data.get("info", {}).get("version", "")),
        "target": profile.base_url,
        "notes": [line(note) for note in session.notes],
        "tier": session.tier,
        "models": [
            {"name": line(one.choice.name), "family": one.family.id if one.family else None} for one in session.plans
        ],
        "requests": {"all": session.requests, "discovery": session.before, "cap": profile.max_requests},
        "pictures": {
            "planned": session.planned,
            "optional": session.optional,
            "worst": session.worst,
            "cap": session.budget.cap,
        },
        "cost": None
        if bill is None
        else {name: getattr(bill, name) for name in ("planned", "worst", "cap", "currency", "source")},
        "seconds": {"least": round(session.seconds, 1), "cap": profile.max_time},
        "calls": [_call(one) for one in session.probes],
        "rules": list(dict.fromkeys(rule for rule, _ in session.chosen)),
    }


def write(session: Session, path: Path) -> None:
    """Write the plan. OSError where that cannot be done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(plan(session), indent=1, ensure_ascii=False) + "\n"
    path.write_text(session.wire.redactor.text(text), encoding="utf-8")


def _call(probe: Probe) -> dict[str, Any]:
    asked = {name: one for name, one in probe.asked.items() if one is None or isinstance(one, str | int | float)}
    return {
        "id": line(probe.id),
        "tier": probe.tier,
        "model": line(probe.model),
        "operation": probe.operation,
        "method": probe.request.method,
        "path": probe.request.path,
        "media_type": _media_type(probe.request),
        "asked": brief(asked),
        "expect": probe.expect,
        "pictures": {"planned": probe.images, "legal": probe.legal_images, "worst": probe.worst},
        "source": probe.source,
        "rules": list(probe.rules),
    }


def _media_type(request: Request) -> str | None:
    """What the body is announced as, None without one."""
    if request.media_type is not None:
        return request.media_type
    if request.parts is not None:
        return FORM
    return JSON if request.json is not None else None
