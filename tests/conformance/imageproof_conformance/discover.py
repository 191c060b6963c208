"""What a target offers, found before anything is planned, with calls that a behaving target does not bill.

An operation is there when a body that cannot be valid gets any answer but "no such route". A target that serves even
that costs one picture a call, which the budget knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from imageproof.contract.document import Document, Operation, request_content, request_schema
from imageproof.contract.families import Family, families
from imageproof.errors import UsageError
from imageproof_conformance.aliases import checked, family_of_choice, strangers, with_family
from imageproof_conformance.answers import page, parsed, route_missing, served
from imageproof_conformance.budget import NEVER_SENT
from imageproof_conformance.encodings import SHORT, empty, rule_missing, several, taken, without_pictures
from imageproof_conformance.exchange import Exchange, Probe, Request
from imageproof_conformance.naming import known_by_name
from imageproof_conformance.profile import ModelChoice, Profile
from imageproof_conformance.trouble import CLOSED, WORDS, Trouble, bare, lost
from imageproof_conformance.trouble import found as troubled

Encoding = tuple[str, str, bool | None]
Send = Callable[[Probe], Exchange | None]  # None: the budget does not allow the call

_CURRENT = ("current", "scheduled", "retired")


@dataclass(frozen=True)
class Discovery:
    """offered    operationIds that answer
    listed     model ids of the target's own list, in its order
    exchanges  the calls that found this out
    encodings  operationId, media type, and whether its body is taken in that, where there is a choice; None: unsettled
    closed     operationIds that turn this key away, while others let it in: they are not offered to it
    by_name    models of the contract that a target knows which lists none, as far as that was asked and settled
    trouble    why there can be no verdict, "" when there can; `detail` says it in words, and without trouble why not
               all could be asked, "" when it was
    """

    offered: frozenset[str]
    listed: tuple[str, ...]
    exchanges: tuple[Exchange, ...]
    trouble: Trouble = ""
    detail: str = ""
    encodings: tuple[Encoding, ...] = ()
    by_name: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The trouble in words, "" for none."""
        return f"{WORDS[self.trouble]}{self.detail}" if self.trouble else ""

    @property
    def doubtful(self) -> bool:
        """Whether the outage may be none."""
        return doubtful(self.trouble, self.exchanges)


def discover(document: Document, profile: Profile, send: Send) -> Discovery:
    """Ask the target what it offers. Nothing is raised for what the target does."""
    operations = document.operations()
    exchanges: list[Exchange] = []

    def ask(probe: Probe) -> Exchange | None:
        if len(exchanges) > 1 and all(one.status in (401, 407) for one in exchanges):
            return None  # a key that is turned away is shown twice, and no more
        if len(exchanges) > 1 and all(map(lost, exchanges[-2:])):
            return None  # each would be waited for in vain, and may cost a picture
        exchange = send(probe)
        if exchange is not None:
            exchanges.append(exchange)
        return exchange

    offered, listed, encodings = set[str](), tuple[str, ...](), list[Encoding]()
    listing = next((one for one in operations.values() if one.method == "GET" and "{" not in one.path), None)
    if listing is not None:
        answer = ask(_get(listing, listing.path))
        if answer is not None and answer.status is None and answer.failure.startswith(NEVER_SENT):
            return Discovery(frozenset(), (), tuple(exchanges), "unreachable", bare(answer.failure))
        if answer is not None and _there(answer):
            offered.add(listing.id)
            listed = _ids(answer)
    for operation in operations.values():
        found = _exists(document, operation, profile, listed, ask)
        if found and operation is not listing:
            offered.add(operation.id)
            # Of a target that fails on such bodies, or serves them, more of them settle nothing and may cost something.
            if 400 <= (exchanges[-1].status or 0) < 500:
                encodings += _encodings(document, operation, ask)
    making_ids = {one.id for one in operations.values() if one.method == "POST"}
    trouble, detail = troubled(exchanges, offered, making_ids, profile)
    if trouble and not doubtful(trouble, exchanges):
        offered = opened(exchanges)
    if trouble == "nothing":  # what was served is a list of models at most
        offered = offered - making_ids if listed else set()
    closed = () if trouble else tuple(sorted({one.probe.operation for one in exchanges if one.status in CLOSED}))
    offered.difference_update(closed)
    nameless = not (trouble or listed or profile.models or (profile.provider and profile.provider.models))
    making = next((one for one in operations.values() if one.id in offered and _takes_json(document, one)), None)
    by_name = known_by_name(document, making, ask) if nameless and making is not None else ()
    told = frozenset(offered), listed, tuple(exchanges), trouble, detail, tuple(encodings), by_name, closed
    return Discovery(*told)


def doubtful(trouble: Trouble, exchanges: Iterable[Exchange]) -> bool:
    """Whether an outage may be none: 500 for impossible bodies alone is also how a careless target refuses."""
    return trouble == "outage" and {one.status for one in exchanges if one.probe.request.method == "POST"} == {500}


def opened(exchanges: Iterable[Exchange]) -> set[str]:
    """The operationIds of what was served, with no page for people: what a target offers that is in trouble."""
    return {one.probe.operation for one in exchanges if served(one) and not page(one)}


def calls(document: Document) -> int:
    """How many calls a target with all operations is discovered by."""
    return sum(1 + len(several(document, one)) for one in document.operations().values())


def choose_models(document: Document, profile: Profile, found: Discovery) -> tuple[tuple[ModelChoice, ...], str]:
    """The models to judge, and a line on how they were chosen, "" for nothing to say. UsageError when none can be."""
    checked(document, profile)
    if profile.models:
        chosen = tuple(with_family(document, profile, one) for one in profile.models)
        strange = strangers(document, chosen)
        note = "not known to the contract, so only the open rules apply (--model NAME=FAMILY gives it a family's)"
        return chosen, f"{', '.join(strange)}: {note}" if strange else ""
    documented = tuple(profile.provider.models) if profile.provider else ()
    names = [with_family(document, profile, ModelChoice(name)) for name in found.listed or documented or found.by_name]
    known = families(document)
    unknown = strangers(document, (replace(one, family=None) for one in names))
    candidates = [one for one in names if one.name in documented] or [one for one in names if one.name not in unknown]
    if not candidates and len(names) == 1 and names[0].family:  # what the user or the profile says of any model
        candidates = names
    if not candidates:
        raise UsageError(_no_model(found, known))
    best = min(candidates, key=lambda one: _rank(known, one, found.offered))
    others = f" of {len(candidates)} that the contract knows" if len(candidates) > 1 else ""
    whose = "the provider's profile" if documented else "those that the target knows by name, as it lists none"
    whose = "the target's list" if found.listed else whose
    return (best,), f"model {best.name} was chosen from {whose}{others}; --model NAME names another"


def _takes_json(document: Document, operation: Operation) -> bool:
    return next(iter(request_content(document, operation.id)), "") == "application/json"


def _there(exchange: Exchange) -> bool:
    """Whether something answers on a route, be it with a failure or a redirect."""
    return exchange.status is not None and not route_missing(exchange)


def _exists(
    document: Document,
    operation: Operation,
    profile: Profile,
    listed: tuple[str, ...],
    ask: Callable[[Probe], Exchange | None],
) -> bool:
    if operation.method == "GET":
        named = [choice.name for choice in profile.models]
        names = [name for name in named if name in listed] or list(listed) or named  # a list may have another shape
        if "{" not in operation.path or not names:
            return False
        answer = ask(_get(operation, operation.path[: operation.path.index("{")] + quote(names[0], safe="")))
        return answer is not None and _there(answer)
    answer = ask(_invalid(document, operation))
    if answer is not None:
        return _there(answer)
    # No picture may be risked: a GET on a route that only takes POST is told so, if the target is careful.
    answer = ask(_get(operation, operation.path))
    return answer is not None and answer.status == 405


def _get(operation: Operation, path: str) -> Probe:
    return Probe(f"discover/{operation.id}/get", operation.id, "", Request("GET", path), "either", ())


def _invalid(document: Document, operation: Operation) -> Probe:
    """A call of an operation whose body lacks what is required. Served, it breaks the rules that require it; refused,
    it proves none of them, because it lacks more than one thing."""
    media_type = next(iter(request_content(document, operation.id)), "application/json")
    schema = request_schema(document, operation.id, media_type)
    required = [schema.get("properties", {}).get(name, {}) for name in schema.get("required", ())]
    rules = tuple(node["x-rule-missing"] for node in required if "x-rule-missing" in node)
    request = empty(operation, media_type)
    return Probe(f"discover/{operation.id}/invalid", operation.id, "", request, "refused", rules, worst=1)


def _encodings(document: Document, operation: Operation, ask: Callable[[Probe], Exchange | None]) -> Iterator[Encoding]:
    """In which media types an operation takes its body, where there is a choice."""
    for media_type in several(document, operation):
        request = without_pictures(document, operation, media_type)
        name = f"discover/{operation.id}/{SHORT[media_type]}"
        rules = rule_missing(document, operation, media_type)
        answer = ask(Probe(name, operation.id, "", request, "refused", rules, worst=1))
        yield operation.id, media_type, None if answer is None else taken(answer)


def _ids(exchange: Exchange) -> tuple[str, ...]:
    answer = parsed(exchange)
    data = answer.get("data") if isinstance(answer, dict) else None
    items = data if isinstance(data, list) else []
    ids = (item.get("id") for item in items if isinstance(item, dict))
    return tuple(dict.fromkeys(found for found in ids if isinstance(found, str)))


def _rank(known: tuple[Family, ...], model: ModelChoice, offered: frozenset[str]) -> tuple[int, int, int, str]:
    """Best first: is current, is the newest, offers most of what the target offers, is the plain name of its family."""
    family = family_of_choice(known, model)
    common = len(offered & set(family.operations))
    newness = -int((family.status.released or family.status.until).replace("-", "") or 0)
    state = _CURRENT.index(family.status.state) if family.status.state in _CURRENT else len(_CURRENT)
    place = family.models.index(model.name) if model.name in family.models else len(family.models)
    return state, newness, -common, f"{place:04}"


def _no_model(found: Discovery, known: tuple[Family, ...]) -> str:
    if not found.listed:
        return f"the target lists no models: name one, for example --model {known[0].models[0] if known else 'NAME'}"
    likely = sorted(found.listed, key=lambda name: "image" not in name and "dall" not in name)  # stable
    shown = ", ".join(likely[:5])
    count = len(found.listed)
    none = f"none of {count} listed models is known" if count > 1 else "the one listed model is not known"
    return f"{none}: name one with --model NAME=FAMILY (listed: {shown})"
