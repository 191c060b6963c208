"""Covering arrays of strength two: few rows in which every two values that go together do so at least once.

Values are numbers, places in a list that the caller has. What goes together the caller says, as rules may need three
parameters at once: a pair counts as possible when some row with no more than two further values holds it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

Row = Mapping[str, int]  # factor -> place of its value; a factor may be left out
Pair = tuple[str, int, str, int]  # a factor and its value, and a later factor and its value
# Of a row: None when it is legal, else the factors of which some value may mend it, () for none.
Lacking = Callable[[Row], tuple[str, ...] | None]

CANDIDATES = 24  # rows that are tried for each one that is kept
COMPANIONS = 2  # further values that a pair may need


@dataclass(frozen=True)
class Array:
    """`rows` hold every pair of `possible` at least once; `impossible` are the others."""

    rows: tuple[dict[str, int], ...]
    possible: frozenset[Pair]
    impossible: tuple[Pair, ...]


def covering(factors: Mapping[str, int], lacking: Lacking, seeds: Sequence[Row] = (), dear: str = "") -> Array:
    """The rows that `seeds`, which are made anyway, lack. `factors` is how many values each factor has; the second and
    later values of the factor `dear` cost more than the first, and are in as few rows as will do. The same arguments
    give the same rows."""
    return _Search(factors, lacking, dear).array(seeds)


class _Search:
    def __init__(self, factors: Mapping[str, int], lacking: Lacking, dear: str) -> None:
        self.factors, self.lacking, self.dear = factors, lacking, dear

    def legal(self, row: Row) -> bool:
        return self.lacking(row) is None

    @cached_property
    def whole(self) -> dict[Pair, dict[str, int]]:
        """Every possible pair with the smallest row that holds it."""
        found = {pair: self._completed({pair[0]: pair[1], pair[2]: pair[3]}) for pair in self._pairs()}
        return {pair: row for pair, row in found.items() if row is not None}

    def array(self, seeds: Sequence[Row]) -> Array:
        left = dict.fromkeys(self.whole)
        for row in seeds:
            _take(left, row)
        cheap = {pair: None for pair in left if self.dear not in (pair[0], pair[2])}
        rows: list[dict[str, int]] = []
        while cheap:
            row = self._best(cheap)
            _take(cheap, row)
            rows.append(row)
        for row in rows:
            _take(left, row)
        rows = self._with_dear(rows, left)
        held = {pair for row in (*seeds, *rows) for pair in _in(row)}
        possible = frozenset(pair for pair in self._pairs() if pair in self.whole or pair in held)
        return Array(tuple(rows), possible, tuple(pair for pair in self._pairs() if pair not in possible))

    def _pairs(self) -> Iterator[Pair]:
        for one, other in itertools.combinations(self.factors, 2):
            for first, second in itertools.product(range(self.factors[one]), range(self.factors[other])):
                yield one, first, other, second

    def _completed(self, row: dict[str, int], more: int = COMPANIONS) -> dict[str, int] | None:
        """The row with as few further values as make it legal; None where that takes too many."""
        lacking = self.lacking(row)
        if lacking is None:
            return row
        for depth in range(1, more + 1):
            for name in lacking:
                for value in range(self.factors.get(name, 0)) if name not in row else ():
                    if (found := self._completed({**row, name: value}, depth - 1)) is not None:
                        return found
        return None

    def _best(self, left: Mapping[Pair, None]) -> dict[str, int]:
        """The row that holds most of the pairs that are left, grown from some of them."""
        starts = list(itertools.islice(left, 0, None, max(len(left) // CANDIDATES, 1)))[:CANDIDATES]
        grown = [self._grown(dict(self.whole[pair]), left) for pair in starts]
        return max(grown, key=lambda row: (_holds(left, row), -len(row)))

    def _grown(self, row: dict[str, int], left: Mapping[Pair, None]) -> dict[str, int]:
        """The row with the value of each further factor that adds most pairs; without it where none adds any."""
        held, grew = _holds(left, row), True
        while grew:
            grew = False
            for name, count in self.factors.items():
                if name in row or name == self.dear:
                    continue
                tried = [{**row, name: value} for value in range(count)]
                scored = [(_holds(left, one), -place, one) for place, one in enumerate(tried)]
                for holds, _, one in sorted(scored, key=lambda score: score[:2], reverse=True):
                    if holds > held and self.legal(one):
                        row, held, grew = one, holds, True
                        break
        return row

    def _with_dear(self, rows: list[dict[str, int]], left: dict[Pair, None]) -> list[dict[str, int]]:
        """The rows with values of the dear factor: the dear ones where they add most."""
        if self.dear not in self.factors:
            return rows
        mine = {pair: None for pair in left if self.dear in (pair[0], pair[2])}
        for value in reversed(range(self.factors[self.dear])):
            own = {pair: None for pair in mine if (pair[1] if pair[0] == self.dear else pair[3]) == value}
            while own:
                free = [place for place, row in enumerate(rows) if self.dear not in row]
                scored = [(_holds(own, one), -place) for place in free if (one := {**rows[place], self.dear: value})]
                ranked = [(holds, -place) for holds, place in sorted(scored, reverse=True) if holds]
                best = next((place for _, place in ranked if self.legal({**rows[place], self.dear: value})), None)
                if best is None:
                    rows = [*rows, self._grown(dict(self.whole[next(iter(own))]), own)]
                else:
                    rows[best] = {**rows[best], self.dear: value}
                _take(own, rows[-1 if best is None else best])
        return rows


def _in(row: Row) -> Iterator[Pair]:
    """The pairs that a row holds, whatever the order of its factors."""
    for (one, first), (other, second) in itertools.permutations(row.items(), 2):
        yield one, first, other, second


def _holds(left: Mapping[Pair, None], row: Row) -> int:
    return sum(pair in left for pair in _in(row))


def _take(left: dict[Pair, None], row: Row) -> None:
    for pair in _in(row):
        left.pop(pair, None)
