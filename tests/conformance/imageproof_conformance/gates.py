"""What counts: the two questions that a run answers, which of them the exit status follows, and which failures were
expected.

"Keeps the contract" asks the rules of level MUST. "Works with the official SDKs" asks the rules whose breach breaks
them, whatever their level. Each is answered by how much was judged, and apart from that by how much of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from imageproof_conformance.verdict import RuleVerdict

Gate = Literal["contract", "sdk", "both"]
GATES: tuple[Gate, ...] = ("contract", "sdk", "both")
Item = tuple[str, str]  # requirement id and model
Standing = Literal["", "broken", "expected", "beside"]

# Question -> what it asks, as a person is told. No claim: a run that judged little must not sound as if it kept all.
QUESTIONS = {"contract": "the contract (MUST rules)", "sdk": "what the official SDKs need"}


@dataclass(frozen=True)
class Terms:
    """What a run is held to.

    gate     whose rules decide the exit status
    rules    the rule set that is scored, "" for the newest
    excused  failures that the baseline expects, each with its reason
    later    rules of a later set than that: they are told, not scored
    lapses   what else of the baseline is not as it says, each a sentence: it fails the run
    notes    what is only to be told of the baseline
    """

    gate: Gate = "contract"
    rules: str = ""
    excused: Mapping[Item, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    lapses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def scored(self, rule: RuleVerdict) -> bool:
        """Whether the gate asks this rule at all."""
        return rule.rule not in self.later and (self.gate != "sdk" or asks("sdk", rule))

    def standing(self, rule: RuleVerdict) -> Standing:
        """What a rule that is not kept means for the exit status: broken, expected by the baseline, or beside the
        gate; "" for a rule that is kept, was not judged, or only warns."""
        if not any(breaches(one, rule) for one in QUESTIONS):
            return ""
        if rule.rule in self.later or not any(breaches(one, rule) for one in self._asked):
            return "beside" if rule.status == "fail" else ""
        return "expected" if (rule.rule, rule.model) in self.excused else "broken"

    @property
    def _asked(self) -> tuple[str, ...]:
        return tuple(QUESTIONS) if self.gate == "both" else (self.gate,)


def asks(question: str, rule: RuleVerdict) -> bool:
    """Whether a question is about a rule."""
    return rule.level == "MUST" if question == "contract" else "sdk" in rule.breaks


def breaches(question: str, rule: RuleVerdict) -> bool:
    """Whether a rule is broken as far as a question goes: a SHOULD that breaks an SDK breaks it no less."""
    return asks(question, rule) and rule.status in (("fail",) if question == "contract" else ("fail", "warn"))


@dataclass(frozen=True)
class Answer:
    """The answer to one question. A rule of two models counts twice.

    judged, kept          how many rules were judged, and how many of these are kept; `broken` are the others, each once
    unsupported, unknown  rules on what the target does not offer, and those that were not judged for another reason
    """

    question: str
    judged: int
    kept: int
    broken: tuple[str, ...]
    unsupported: int
    unknown: int

    @property
    def all(self) -> int:
        """The breadth that there could be: every rule that applies to the models."""
        return self.judged + self.unsupported + self.unknown

    @property
    def told(self) -> str:
        """One sentence: conformity first, then breadth."""
        kept = f"{self.kept} of {self.judged} judged rules kept" if self.judged else "nothing judged"
        rest = [f"{self.unsupported} not offered" if self.unsupported else "", f"{self.unknown} not judged"]
        left = ", ".join(one for one in rest if one and not one.startswith("0 "))
        breadth = f"{self.judged} of {self.all} that apply were judged{f' ({left})' if left else ''}"
        return f"{QUESTIONS[self.question]}: {kept}; {breadth}"


def answers(rules: Iterable[RuleVerdict]) -> tuple[Answer, ...]:
    """Both questions answered."""
    told = list(rules)
    return tuple(_answer(question, [one for one in told if asks(question, one)]) for question in QUESTIONS)


def _answer(question: str, rules: list[RuleVerdict]) -> Answer:
    broken = tuple(dict.fromkeys(one.rule for one in rules if breaches(question, one)))
    bad = sum(breaches(question, one) for one in rules)
    judged = sum(one.status in ("pass", "fail", "warn") for one in rules)
    unsupported = sum(one.status == "unsupported" for one in rules)
    return Answer(question, judged, judged - bad, broken, unsupported, len(rules) - judged - unsupported)
