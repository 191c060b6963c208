"""What to type next: one line, ready to copy, and what to change first where the same command would fail again."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from math import ceil

from imageproof_conformance.budget import COULD_COST, REQUESTS_OVER, TIME_OVER
from imageproof_conformance.money import MICROS, micros
from imageproof_conformance.record import Run
from imageproof_conformance.verdict import BROKEN, BUDGET_ENDED, NO_VERDICT, OK

MOST_NAMED = 25  # rules in one -k; a longer command is not copied with joy
_TLS = ("certificate", "ssl", "tls")

# Trouble of a target -> what must change before a second try.
_CHANGES = {
    "unreachable": "start the server, or correct scheme, host and port of the URL",
    "tls": "make the certificate trusted (SSL_CERT_FILE=FILE names its authority), or correct the scheme of the URL",
    "quota": "wait, or raise the quota of the key",
    "outage": "find out why the server fails (its log says more)",
    "nothing": "correct the path of the URL: it ends before /images/generations",
}


def next_command(run: Run) -> str:
    """What to type next, ready to copy."""
    known = {BROKEN: _broken, BUDGET_ENDED: _ended, NO_VERDICT: _no_verdict, OK: _clean}
    make: Callable[[Run], str] | None = known.get(run.verdict.exit_status)
    return make(run) if make else _same(run)


def _command(run: Run, *more: str) -> str:
    return shlex.join(["imageproof", "conform", *run.profile.again, *more])


def _same(run: Run, *more: str) -> str:
    return _command(run, *_same_money(run), *_calls(run, *more), *more)


def _same_money(run: Run) -> list[str]:
    limit = run.profile.max_images
    tier = [] if run.tier == "free" else ["--tier", run.tier]
    return tier + ([] if limit is None else ["--max-images", str(limit)]) + _price(run) + _limit(run)


def _calls(run: Run, *raised: str) -> list[str]:
    """The limits in requests and seconds, without those that are raised."""
    limits = {"--max-requests": run.profile.max_requests, "--max-time": run.profile.max_time}
    told = [(name, limit) for name, limit in limits.items() if limit is not None and name not in raised]
    return [word for name, limit in told for word in (name, f"{limit:g}")]


def _price(run: Run) -> list[str]:
    """What the user said of the price."""
    price = run.profile.price_per_image
    return [] if price is None else ["--price-per-image", f"{price / MICROS:g}"]


def _limit(run: Run, times: int = 1) -> list[str]:
    """The limit in money, raised so many times."""
    most = run.profile.max_cost
    return [] if most is None else ["--max-cost", f"{most * times / MICROS:g}"]


def _broken(run: Run) -> str:
    terms = run.verdict.terms
    ids = sorted({rule.rule for rule in run.verdict.rules if terms.standing(rule) == "broken"})
    if not ids and terms.lapses:
        return f"correct {run.profile.baseline.file if run.profile.baseline else 'the baseline'}, then: {_same(run)}"
    if not ids:
        return _same(run)
    some = f"  # the first {MOST_NAMED} of {len(ids)} broken rules" if len(ids) > MOST_NAMED else ""
    return _same(run, "-k", " or ".join(ids[:MOST_NAMED])) + some


def _ended(run: Run) -> str:
    reasons = [one.why for one in run.skipped if one.kind == "budget"]
    reasons += [rule.reason for rule in run.verdict.rules if rule.cause == "budget"]
    if any(REQUESTS_OVER in why for why in reasons):
        return _same(run, "--max-requests", str(run.requests + max(len(run.skipped), run.requests)))
    if any(TIME_OVER in why for why in reasons):
        return _same(run, "--max-time", f"{max(run.profile.max_time or 0, run.seconds) * 10:.0f}")
    if any(COULD_COST in why for why in reasons):
        return _more_money(run)
    return _more_pictures(run)


def _more_money(run: Run) -> str:
    """The command with twice the limit in money, and with room for the plan."""
    pictures = [] if run.profile.max_images is None else ["--max-images", str(run.profile.max_images)]
    planned = ceil(micros(run.bill.planned) / (run.profile.max_cost or 1)) if run.bill else 1
    return _command(run, "--tier", run.tier, *pictures, *_price(run), *_limit(run, max(2, planned)), *_calls(run))


def _more_pictures(run: Run) -> str:
    more = max(run.worst, run.planned, run.cap * 2, 1)
    return _command(run, "--tier", run.tier, "--max-images", str(more), *_price(run), *_limit(run), *_calls(run))


def _no_verdict(run: Run) -> str:
    trouble: str = run.discovery.trouble
    if trouble == "auth":
        return _other_key(run)
    if run.unknown:
        return _other_model(run)
    if TIME_OVER in run.discovery.detail or REQUESTS_OVER in run.discovery.detail:
        return _same(run)
    if trouble == "unreachable" and any(word in run.discovery.detail.lower() for word in _TLS):
        trouble = "tls"
    change = _CHANGES.get(trouble, "")
    return f"{change}, then: {_same(run)}" if change else _same(run)


def _other_key(run: Run) -> str:
    again = [word for word in run.profile.again if word != "--no-key"]
    command = shlex.join(["imageproof", "conform", *again, *_same_money(run)])
    shell = run.profile.key_shell
    if shell.startswith("$("):
        return f"put a key that works into the {run.profile.key_source}, then: {command}"
    return f"export {shell.removeprefix('$') or 'IMAGEPROOF_API_KEY'}=...; {command}"


def _other_model(run: Run) -> str:
    """The command with the first listed model in the place of the one that the target does not know."""
    words, listed = list(run.profile.again), [one for one in run.discovery.listed if one not in run.unknown]
    places = [
        index
        for index, word in enumerate(words)
        if word == "--model" and words[index + 1].partition("=")[0] in run.unknown
    ]
    for index in reversed(places):
        del words[index : index + 2]
    return shlex.join(["imageproof", "conform", *words, "--model", _nearest(run, listed), *_same_money(run)])


def _nearest(run: Run, listed: list[str]) -> str:
    """The listed model that is written most like the unknown one."""
    from difflib import get_close_matches

    images = [name for name in listed if "image" in name or "dall" in name] or listed
    return next(iter([*get_close_matches(run.unknown[0], listed, 1, 0.6), *images]), "NAME")


def _clean(run: Run) -> str:
    if any(rule.partial for rule in run.verdict.rules):
        return _ended(run)
    if run.selected:
        return _same(run)
    if run.dearer:
        pictures = f"{run.dearer_images} picture{'' if run.dearer_images == 1 else 's'}"
        return f"{_command(run, '--tier', run.dearer)}  # asks for {pictures}"
    return _command(run, "--tier", run.tier, "--max-images", str(run.cap), "--junit", "imageproof.xml")
