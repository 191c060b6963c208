"""What to type next: one line, ready to copy, and what to change first where the same command would fail again."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from urllib.parse import urlsplit

from imageproof_conformance.budget import COULD_COST, LATE, REQUESTS_OVER, TIME_OVER, many
from imageproof_conformance.dispatch import TURNED_AWAY
from imageproof_conformance.forecast import Dearer
from imageproof_conformance.money import MICROS, micros
from imageproof_conformance.profile import DEFAULT_TIMEOUT
from imageproof_conformance.record import Run
from imageproof_conformance.shell import join, variable
from imageproof_conformance.trouble import away
from imageproof_conformance.verdict import BROKEN, BUDGET_ENDED, NO_VERDICT, OK

MOST_NAMED = 25  # rules in one -k; a longer command is not copied with joy
MORE = 10  # times as much of a limit that ended before anything was learned
CENT = MICROS // 100
_TLS = ("certificate", "ssl", "tls")
_SLOW = (LATE, "time-out", "not complete within")  # words of a failure that more patience may mend

# Trouble of a target -> what must change before a second try.
_CHANGES = {
    "unreachable": "start the server, or correct scheme, host and port of the URL",
    "tls": "make the certificate trusted (SSL_CERT_FILE=FILE names its authority), or correct the scheme of the URL",
    "quota": "wait, raise the quota of the key, or ask more slowly (--rate N)",
    "outage": "find out why the server fails (its log says more)",
    "silent": "find out why the server hangs (its log says more)",
    "website": "type the URL of the API, as its documentation names it (often https://api.HOST/v1)",
    "elsewhere": "type the URL of the API itself: calls are not sent on, since the key would go along",
    "nothing": "correct the path of the URL: it ends before /images/generations",
}


def next_command(run: Run) -> str:
    """What to type next, ready to copy."""
    known = {BROKEN: _broken, BUDGET_ENDED: _ended, NO_VERDICT: _no_verdict, OK: _clean}
    make: Callable[[Run], str] | None = known.get(run.verdict.exit_status)
    return _with_variables(run, make(run) if make else _same(run))


def _with_variables(run: Run, command: str) -> str:
    """The command, and what stands in the variables of its headers."""
    names = {name for name, _ in run.profile.sending.headers if f"${variable(name)}" in command}
    if not names:
        return command
    told = ", ".join(f"{variable(name)} has the value of {name}" for name in sorted(names))
    return f"{command}{', ' if '  # ' in command else '  # '}{told}"


def _command(run: Run, *more: str) -> str:
    return join(["imageproof", "conform", *run.profile.again, *more])


def _same(run: Run, *more: str) -> str:
    return _command(run, *_same_money(run), *_calls(run, *more), *more)


def _same_money(run: Run) -> list[str]:
    limit = run.profile.max_images
    tier = [] if run.tier == "free" else ["--tier", run.tier]
    return tier + ([] if limit is None else ["--max-images", str(limit)]) + _price(run) + _limit(run)


def _calls(run: Run, *raised: str) -> list[str]:
    """The limits in requests and seconds, without those that are raised."""
    profile = run.profile
    patience = None if profile.timeout == DEFAULT_TIMEOUT else profile.timeout
    limits = {"--max-requests": profile.max_requests, "--max-time": profile.max_time, "--timeout": patience}
    told = [(name, limit) for name, limit in limits.items() if limit is not None and name not in raised]
    return [word for name, limit in told for word in (name, f"{limit:g}")]


def _price(run: Run) -> list[str]:
    """What the user said of the price."""
    price = run.profile.price_per_image
    return [] if price is None else ["--price-per-image", f"{price / MICROS:g}"]


def _limit(run: Run) -> list[str]:
    """The limit in money."""
    most = run.profile.max_cost
    return [] if most is None else ["--max-cost", _amount(most)]


def _amount(micros: int) -> str:
    return f"{micros / MICROS:.6f}".rstrip("0").rstrip(".")


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
    if REQUESTS_OVER in run.discovery.detail:
        return _more_requests(run)
    if any(REQUESTS_OVER in why for why in reasons):
        return _same(run, "--max-requests", str(run.requests + max(len(run.skipped), run.requests)))
    if any(TIME_OVER in why for why in reasons):
        return _more_time(run)
    if any(COULD_COST in why for why in reasons):
        return _more_money(run)
    return _more_pictures(run)


def _more_requests(run: Run) -> str:
    """The command for a run that ended before it knew what to plan."""
    return _same(run, "--max-requests", str((run.profile.max_requests or 1) * MORE**2))


def _more_time(run: Run) -> str:
    return _same(run, "--max-time", f"{ceil((run.profile.max_time or run.seconds) * MORE)}")


def _more_money(run: Run) -> str:
    """The command with a limit in money under which all calls of this run would have been made."""
    pictures = [] if run.profile.max_images is None else ["--max-images", str(run.profile.max_images)]
    most = max(run.sufficient.micros, (run.profile.max_cost or 0) + CENT)
    enough = ceil(most / CENT) * CENT
    return _command(run, "--tier", run.tier, *pictures, *_price(run), "--max-cost", _amount(enough), *_calls(run))


def _more_pictures(run: Run) -> str:
    more = max(run.sufficient.pictures, run.planned, run.cap + 1)
    return _command(run, "--tier", run.tier, "--max-images", str(more), *_price(run), *_limit(run), *_calls(run))


def _no_verdict(run: Run) -> str:
    trouble: str = run.discovery.trouble
    if trouble == "auth":
        return _other_key(run)
    if run.unknown:
        return _other_model(run)
    if TIME_OVER in run.discovery.detail:
        return _more_time(run)
    if REQUESTS_OVER in run.discovery.detail:
        return _more_requests(run)
    if _slow(run):
        return _more_patience(run)
    if trouble == "elsewhere" and (command := _there(run)):
        return command
    if trouble == "unreachable" and any(word in run.discovery.detail.lower() for word in _TLS):
        trouble = "tls"
    change = _CHANGES.get(trouble or _unserved(run), "")
    return f"{change}, then: {_same(run)}" if change else _same(run)


def _unserved(run: Run) -> str:
    """The trouble of a target that served no call which had to be, as far as all of them were answered alike."""
    statuses = {one.status or 0 for one in run.exchanges if one.probe.expect == "served" and one.probe.images}
    if statuses and statuses <= {*TURNED_AWAY}:
        return "quota"
    return "outage" if statuses and min(statuses) >= 500 else ""


def _slow(run: Run) -> bool:
    """Whether calls without an answer in time are why there is no verdict."""
    if run.discovery.trouble:
        return run.discovery.trouble == "silent"
    return any(rule.cause == "no-answer" for rule in run.verdict.rules) and any(
        word in one.failure for one in run.exchanges for word in _SLOW
    )


def _more_patience(run: Run) -> str:
    """The command with a longer time for each call, up to the usual one; whoever hangs longer has something wrong."""
    timeout = run.profile.timeout
    if timeout >= DEFAULT_TIMEOUT:
        return f"{_CHANGES['silent']}, then: {_same(run, '--timeout', f'{timeout * 2:g}')}"
    return _same(run, "--timeout", f"{min(timeout * MORE, DEFAULT_TIMEOUT):g}")


def _there(run: Run) -> str:
    """The command for where a redirect leads, where that is the same host: another scheme, port or path."""
    redirected = next((one for one in run.discovery.exchanges if away(one)), None)
    place = urlsplit(away(redirected)) if redirected else None
    if redirected is None or place is None or place.hostname != run.profile.host:
        return ""
    path = redirected.probe.request.path
    if not place.path.rstrip("/").endswith(path):
        return ""
    base = f"{place.scheme}://{place.netloc}{place.path.rstrip('/').removesuffix(path)}"
    return join(["imageproof", "conform", base, *run.profile.again[1:], *_same_money(run), *_calls(run)])


def _other_key(run: Run) -> str:
    again = [word for word in run.profile.again if word != "--no-key"]
    command = join(["imageproof", "conform", *again, *_same_money(run), *_calls(run)])
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
    model = ["--model", _nearest(run, listed)]
    return join(["imageproof", "conform", *words, *model, *_same_money(run), *_calls(run)])


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
        limits = [*_price(run), *_limits(run, run.dearer), *_calls(run)]
        return f"{_command(run, '--tier', run.dearer.tier, *limits)}  # {_costs(run.dearer)}"
    limits = ["--max-images", str(run.cap), *_price(run), *_limit(run), *_calls(run)]
    return _command(run, "--tier", run.tier, *limits, "--junit", "imageproof.xml")


def _limits(run: Run, tier: Dearer) -> list[str]:
    """The limits of a larger tier, of the kinds that were typed."""
    found = [] if run.profile.max_images is None else ["--max-images", str(tier.worst)]
    if run.profile.max_cost is None or tier.bill is None:
        return found
    return [*found, "--max-cost", _amount(ceil(micros(tier.bill.worst) / CENT) * CENT)]


def _costs(tier: Dearer) -> str:
    """What a tier asks for, and what it can cost."""
    planned, most = many(tier.images, "picture"), str(tier.worst)
    if tier.bill:
        planned, most = (
            f"{planned} ({tier.bill.told(tier.bill.planned)})",
            f"{most} ({tier.bill.told(tier.bill.worst)})",
        )
    return f"asks for {planned}, at most {most} if the target serves whatever it is sent"
