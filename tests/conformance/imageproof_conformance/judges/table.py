"""The table of judges: which function speaks for which requirement id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from imageproof.contract.document import Document
from imageproof.contract.families import Family
from imageproof.contract.providers import Offers, Provider
from imageproof.contract.requirements import requirements
from imageproof_conformance.exchange import Exchange

GEN, EDIT, VAR = "GEN", "EDIT", "VAR"


@dataclass(frozen=True)
class Context:
    """What a judge may know beside the exchange. `family` None stands for a model of which only the open rules are
    known; `target_private` says that the target is on this machine or network. `served` are the operationIds but for
    those that answered plain legal calls and served none, where no feature is to blame for a refusal; None stands for
    all of them. `others` are all exchanges of the run in order, for the rules that compare answers. `provider` is what
    is documented of the target's provider, None for nothing."""

    document: Document
    family: Family | None
    model: str
    target_private: bool = False
    served: frozenset[str] | None = None
    others: tuple[Exchange, ...] = ()
    provider: Provider | None = None

    @property
    def offers(self) -> Offers:
        """What the provider says that it offers."""
        return self.provider.offers if self.provider else Offers()


@dataclass(frozen=True)
class Breach:
    """A rule is broken: one sentence, what was asked and what came, all short and printable."""

    message: str
    asked: str = ""
    got: str = ""


@dataclass(frozen=True)
class Kept:
    """A rule is kept, as far as `note` says."""

    note: str


# A breach, True or Kept for kept, None where the exchange says nothing of the rule.
Said = Breach | Kept | Literal[True] | None
Speak = Callable[[Exchange, Context], Said]

_JUDGES: dict[str, Speak] = {}
_generic: list[Speak] = []
_OF_SILENCE: set[str] = set()


def judges(*rules: str, of_silence: bool = False) -> Callable[[Speak], Speak]:
    """Register a function under requirement ids. `of_silence` lets it see the calls too that nothing answered, or that
    were turned away: no other rule may be judged on those."""
    _OF_SILENCE.update(rules if of_silence else ())

    def register(speak: Speak) -> Speak:
        for rule in rules:
            if rule in _JUDGES:
                raise ValueError(f"{rule} has two judges")
            _JUDGES[rule] = speak
        return speak

    return register


def each(suffix: str, *prefixes: str) -> tuple[str, ...]:
    """The ids of one rule for several operations: each("COUNT", GEN, EDIT) is GEN-COUNT, EDIT-COUNT."""
    return tuple(f"{prefix}-{suffix}" for prefix in prefixes)


def generic(speak: Speak) -> Speak:
    """Register the one judge of all rules whose `judge` is `refusal`."""
    _generic.append(speak)
    return speak


def found(rule: str) -> Speak:
    """The judge of a rule. KeyError when it has none."""
    return _generic[0] if requirements()[rule].judge == "refusal" else _JUDGES[rule]


def of_silence(rule: str) -> bool:
    """Whether a rule may be judged on a call that nothing answered, or that was turned away."""
    return rule in _OF_SILENCE


def judged_ids() -> frozenset[str]:
    """All ids that some function judges."""
    return frozenset(_JUDGES) | {one.id for one in requirements().values() if one.judge == "refusal"}
