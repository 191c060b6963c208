"""Why there can be no verdict on a target: what its first answers say of its key, its address and its state.

Judged on the calls to the operations that make pictures; a list of models alone is no Images API.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal
from urllib.parse import urljoin, urlsplit

from imageproof_conformance.answers import error, page, parsed, said
from imageproof_conformance.budget import LATE, NEVER_SENT
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.profile import Profile

Trouble = Literal["", "unreachable", "silent", "auth", "quota", "outage", "website", "elsewhere", "nothing"]

WORDS: dict[Trouble, str] = {
    "unreachable": "the target is unreachable: ",
    "silent": "the target does not answer: ",
    "auth": "",
    "quota": "no quota is left, or calls come too fast: ",
    "outage": "the target is failing: ",
    "website": "this is a web site and no Images API: ",
    "elsewhere": "the target sends callers elsewhere: ",
    "nothing": "",
}
CLOSED = (401, 403, 407)
_OUTAGE = frozenset({500, 502, 503, 504, 520, 522, 523, 524, 529})
_LIMITED = frozenset({402, 429})


def found(
    exchanges: Sequence[Exchange], offered: Collection[str], making: Collection[str], profile: Profile
) -> tuple[Trouble, str]:
    """The trouble, "" for none, and what it is in words. `making` are the operationIds that make pictures."""
    asked = [one for one in exchanges if one.probe.operation in making] or list(exchanges)
    if not asked:
        return "nothing", "no call was allowed"
    heard = [one for one in asked if not lost(one)]
    if not heard:
        late = next((one.failure for one in asked if one.status or one.failure.startswith(LATE)), "")
        return ("silent", late) if late else ("unreachable", bare(asked[0].failure))
    every, words = {one.status or 0 for one in heard}, said(heard[-1]).rstrip(". ")
    told = f"{_named(every)}{f': {words}' if words else ''}"
    which = "every call" if {one.status for one in exchanges} <= every else "every call that could make a picture"
    if every <= {*CLOSED}:
        why, key = _key(profile)
        return "auth", f"{why}: {which} was answered {told}{_by_page(heard)}; {key}"
    if every <= _LIMITED:
        return "quota", f"{which} was answered {told}"
    if every <= _OUTAGE | _LIMITED | {401, 403}:
        paying = bool(profile.max_images or profile.max_cost)
        unclear = every == {500} and not paying
        hint = "; a run with --max-images asks whether legal calls fail too" if unclear else ""
        return "outage", f"{which} was answered {told}{_by_page(heard)}{hint}"
    if all(map(away, heard)):
        return "elsewhere", f"calls are redirected (status {_named(every)}) to {away(heard[0])}"
    if all(200 <= (one.status or 0) < 300 and page(one) for one in heard):
        return "website", f"calls are answered with a page for people (status {_named(every)})"
    if not {*offered} & {*making}:
        listed = any(200 <= (one.status or 0) < 300 and _object(one) for one in exchanges)
        hint = "; it has a list of models, so it may be a server that makes no pictures" if listed else ""
        return "nothing", f"no operation of the Images API answers here (status {_named(every)}{_by_page(asked)}){hint}"
    if same := _all_the_same(exchanges):
        return "nothing", f"whatever is asked is answered {told}, {same}: this is no Images API"
    return "", ""


def _all_the_same(exchanges: Sequence[Exchange]) -> str:
    """How all answers are alike in a way that no Images API has, lists and calls together; "" where they are not."""
    if len({one.status for one in exchanges}) != 1 or {one.probe.request.method for one in exchanges} == {"POST"}:
        return ""
    if not any(map(_object, exchanges)):
        refused = (exchanges[0].status or 0) >= 400
        return f"with no JSON object ({exchanges[0].media_type or 'no content type'})" if refused else ""
    alike = len({one.body for one in exchanges}) == 1 and not any(map(error, exchanges))
    return "by the same words each time" if alike else ""


def _object(exchange: Exchange) -> bool:
    return isinstance(parsed(exchange), dict)


def lost(exchange: Exchange) -> bool:
    """Whether a call got no answer, or none that came to its end."""
    return exchange.status is None or bool(exchange.failure)


def away(exchange: Exchange) -> str:
    """Where a redirect leads, "" for none, and for one to the same path with a slash at its end: the target has that
    operation, and breaks a rule."""
    if not 300 <= (exchange.status or 0) < 400:
        return ""
    try:
        place = urljoin(exchange.url, exchange.header("location") or "")
        here, there = urlsplit(exchange.url), urlsplit(place)
    except ValueError:
        return "what is no URL"
    same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    if same and there.path.rstrip("/") == here.path.rstrip("/"):
        return ""
    return place if exchange.header("location") else "nowhere"


def bare(failure: str) -> str:
    """A failure without the words that say when it came."""
    return failure.removeprefix(f"{NEVER_SENT}: ")


def _key(profile: Profile) -> tuple[str, str]:
    """What is wrong with the key, and how it was shown and where it came from: either may be why."""
    sending = profile.sending
    if profile.key:
        header = f"{sending.key_header}: {sending.key_value('...')}"
        return "the key is not accepted", f"the key from {profile.key_source} was shown as `{header}`"
    why = f" ({profile.key_source})" if profile.key_source else ""
    return "the target wants a key", f"none was shown{why}"


def _by_page(exchanges: Iterable[Exchange]) -> str:
    """That a page for people answered, of a proxy or a web server."""
    return ", by a web page" if any(map(page, exchanges)) else ""


def _named(statuses: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(set(statuses))))
