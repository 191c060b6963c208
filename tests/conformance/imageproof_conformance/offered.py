"""What a target offers, read off the calls of a run: its breadth, which is no matter of conformity."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from imageproof.contract.families import Family
from imageproof_conformance.answers import error, parsed, said, served, unknown_model, without
from imageproof_conformance.bench import ModelPlan
from imageproof_conformance.exchange import Exchange, Probe
from imageproof_conformance.profile import ABILITIES, REQUIRABLE
from imageproof_conformance.verdict import key_works, no_answer

CARRIERS = ("url", "b64_json")


@dataclass(frozen=True)
class Offer:
    """What a target offers of one model.

    operations  operationIds that answer, and that the model has
    refused     operationIds that answer, and that are refused for this model
    abilities   what was settled: ability -> whether it was served (keys of `ABLE`)
    carriers    the carriers in which pictures come that asked for none
    seconds     of a picture, the middle of all served calls; None where none was served
    """

    model: str
    operations: tuple[str, ...]
    abilities: Mapping[str, bool] = field(default_factory=dict)
    carriers: tuple[str, ...] = ()
    seconds: float | None = None
    refused: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Everything that is offered, as a baseline names it: operations, abilities, carriers."""
        able = [name for name, yes in self.abilities.items() if yes]
        return frozenset((*self.operations, *able, *map(default, self.carriers)))

    def lacks(self, name: str) -> bool:
        """Whether the run showed that something is not offered; what was not asked about is not lacking."""
        return lacks(name, self.names, [one for one, yes in self.abilities.items() if not yes])


def default(carrier: str) -> str:
    """How a baseline names the carrier of pictures that asked for none."""
    return f"{carrier} by default"


@dataclass(frozen=True)
class Ability:
    """How an ability is told: whether a call asks for it, whether its answer, which is a success, shows it, and how a
    refusal speaks of it. `param` is the parameter that asks for it."""

    asks: Callable[[Probe], bool]
    shows: Callable[[Exchange], bool]
    param: str
    spoken: re.Pattern[str]


def _just_served(exchange: Exchange) -> bool:
    return True


def _asks(param: str, value: object) -> Callable[[Probe], bool]:
    return lambda probe: probe.asked.get(param) == value


def _comes_as(carrier: str) -> Ability:
    words = re.compile(r"response.?format", re.IGNORECASE)
    return Ability(_asks("response_format", carrier), lambda one: carrier in _carriers(one), "response_format", words)


ABLE: Mapping[str, Ability] = {
    "stream": Ability(
        _asks("stream", True),
        lambda one: one.media_type == "text/event-stream",
        "stream",
        re.compile(r"\bstream", re.IGNORECASE),
    ),
    "mask": Ability(
        lambda one: bool(one.asked.get("mask")), _just_served, "mask", re.compile(r"\bmask", re.IGNORECASE)
    ),
    "JSON edits": Ability(
        lambda one: one.operation == REQUIRABLE["edits"] and one.request.json is not None,
        _just_served,
        "",
        re.compile(r"multipart|form-?data|application/json|content.?type|media.?type", re.IGNORECASE),
    ),
    "url": _comes_as("url"),
    "b64_json": _comes_as("b64_json"),
}


def lacks(name: str, has: Collection[str], lacking: Collection[str]) -> bool:
    """Whether a run that showed `has`, and asked for `lacking` in vain, shows that something is not offered."""
    if name in ABLE:
        return name in lacking
    usual = [default(one) for one in CARRIERS]
    if name in usual:
        return name not in has and any(one in has for one in usual)
    return name not in has


def offers(offered: Collection[str], plans: Iterable[ModelPlan], exchanges: Collection[Exchange]) -> tuple[Offer, ...]:
    """What is offered of each model. `offered` are the operationIds that the target answers."""
    let_in, apart = key_works(exchanges), without(exchanges)
    return tuple(
        _offer(
            one,
            offered,
            tuple(operation for model, operation in apart if model == one.choice.name),
            [answer for answer in exchanges if _says(answer, one.choice.name, let_in)],
        )
        for one in plans
    )


def _says(exchange: Exchange, model: str, let_in: bool) -> bool:
    """Whether a legal call of a model was answered, by a yes or a no: a failure of the server is neither."""
    if exchange.probe.model != model or exchange.probe.expect == "refused" or exchange.probe.request.key != "yes":
        return False
    silent = no_answer(exchange, let_in) or unknown_model(exchange) or (exchange.status or 500) >= 500
    return not silent


def _offer(plan: ModelPlan, offered: Collection[str], refused: tuple[str, ...], answers: list[Exchange]) -> Offer:
    abilities: dict[str, bool] = {}
    serving = {one.probe.operation for one in answers if served(one) and one.probe.images}
    for name, ability in ABLE.items():
        found = [_settled(one, ability, serving) for one in answers if ability.asks(one.probe)]
        if known := [yes for yes in found if yes is not None]:
            abilities[name] = any(known)
    working = [one for one in answers if served(one) and one.probe.images]
    plain = [one for one in working if "response_format" not in one.probe.asked]
    carriers = {name for one in plain for name in _carriers(one)}
    return Offer(
        plan.choice.name,
        tuple(sorted(one for one in offered if _has(plan.family, one) and one not in refused)),
        abilities,
        tuple(name for name in CARRIERS if name in carriers),
        median(one.seconds / one.probe.images for one in working) if working else None,
        refused,
    )


def _settled(exchange: Exchange, ability: Ability, serving: Collection[str]) -> bool | None:
    """Whether an answer shows an ability, or that there is none; None where it is refused for something else, as far as
    it says, or where its operation serves nothing and it does not say why."""
    if served(exchange):
        return ability.shows(exchange)
    if exchange.status == 415:
        return False if not ability.param else None
    param = error(exchange).get("param")
    words = f"{said(exchange)} {error(exchange).get('code')}"
    if isinstance(param, str) and param:
        return False if param.partition("[")[0] == ability.param else None
    if ability.spoken.search(words):
        return False
    others = [name for name in exchange.probe.asked if name != ability.param and _names(words, name)]
    return None if others or exchange.probe.operation not in serving else False


def _names(words: str, parameter: str) -> bool:
    return bool(re.search(rf"(?<![A-Za-z0-9_]){re.escape(parameter)}(?![A-Za-z0-9_])", words))


def _has(family: Family | None, operation: str) -> bool:
    """Whether a model may have an operation. Families speak of those alone that make pictures."""
    makes = operation in (REQUIRABLE["generations"], REQUIRABLE["edits"], REQUIRABLE["variations"])
    return family is None or not makes or operation in family.operations


def _carriers(exchange: Exchange) -> set[str]:
    """The carriers of the pictures in a success; of a stream, whose events have but one, none."""
    answer = parsed(exchange)
    data = answer.get("data") if isinstance(answer, dict) else None
    items = [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    return {name for name in CARRIERS for one in items if isinstance(one.get(name), str)}


def askable(plans: Iterable[ModelPlan]) -> frozenset[tuple[str, str]]:
    """The abilities that some legal call of a plan asks for, each with its model."""
    legal = [(one.choice.name, probe) for one in plans for probe in one.probes if probe.expect != "refused"]
    return frozenset((name, model) for model, probe in legal for name, one in ABLE.items() if one.asks(probe))


def tried(model: str, exchanges: Iterable[Exchange]) -> frozenset[str]:
    """The abilities that some legal call of a model asked for, whatever became of it."""
    legal = [one.probe for one in exchanges if one.probe.model == model and one.probe.expect != "refused"]
    return frozenset(name for name, one in ABLE.items() if any(map(one.asks, legal)))


def lacking(
    require: Collection[str],
    offered: Collection[str],
    found: Iterable[Offer],
    asked: Collection[tuple[str, str]],
) -> tuple[str, ...]:
    """What is required and not offered: an operation that nobody answers or that some model lacks, or an ability that
    some model was asked for in vain or that its plan does not ask for (`asked`, as `askable` has them). What the run
    could not settle is left to its verdict."""
    told = list(found)
    gone = {operation for one in told for operation in one.refused}
    lost = [one for one in require if one not in ABILITIES and (one not in offered or one in gone)]
    for name in (one for one in require if one in ABILITIES):
        if any(one.lacks(name) or (name, one.model) not in asked for one in told):
            lost.append(name)
    return tuple(sorted(lost))
