"""What pictures cost: by the list prices of the contract, or by the price that the user names. Money is counted in
millionths of a currency, so that sums are exact.

A list price is that of a picture; what a provider charges for reading prompts and input pictures comes on top.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

from imageproof.contract.document import Document
from imageproof.contract.families import Price, Prices, families, family_of
from imageproof.errors import UsageError
from imageproof_conformance.exchange import Probe

if TYPE_CHECKING:
    from imageproof_conformance.profile import ModelChoice

MICROS = 1_000_000
NO_LIMIT = 2**62  # more than any sum
AUTO = "auto"  # a size or quality that the target chooses
GIVEN = "--price-per-image"  # where a price came from that is in no list


@dataclass(frozen=True)
class Cost:
    """Pictures, and what they cost in millionths of a currency. Of a call: at most, or what it came to."""

    pictures: int = 0
    micros: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.pictures + other.pictures, self.micros + other.micros)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.pictures - other.pictures, self.micros - other.micros)

    def __bool__(self) -> bool:
        return self.pictures > 0 or self.micros > 0

    def within(self, limit: Cost) -> bool:
        return self.pictures <= limit.pictures and self.micros <= limit.micros


NOTHING = Cost()


@dataclass(frozen=True)
class Bill:
    """What a run costs. `planned` is what its calls cost on a behaving target, `worst` on one that serves whatever it
    is sent, `spent` what they came to, `cap` the hard limit (None: none), all in `currency` ("" for a price that the
    user gave) and at most, where size or quality was left to the target. `source` says where the prices are from."""

    planned: float
    worst: float
    spent: float
    cap: float | None
    currency: str
    source: str

    def told(self, amount: float) -> str:
        """An amount of it: USD 0.12."""
        return f"{self.currency} {amount_text(amount)}".strip()


@dataclass(frozen=True)
class Tariff:
    """What a picture costs. `lists` has the list prices of each model, None for one without; `given` is what the user
    says that any picture costs, in millionths, None for the lists to decide."""

    lists: Mapping[str, Prices | None]
    given: int | None = None

    def unit(self, probe: Probe) -> int | None:
        """Millionths that a picture of a call costs at most; None where no price is known. A call that names no model
        may be billed as the dearest."""
        if self.given is not None:
            return self.given
        if probe.model in self.lists:
            return dearest(self.lists[probe.model], probe.asked)
        found = [dearest(one, probe.asked) for one in self.lists.values()]
        known = [price for price in found if price is not None]
        return max(known) if known and len(known) == len(found) else None

    def cost(self, probe: Probe, pictures: int) -> Cost:
        """What so many pictures of a call cost at most; no money where no price is known."""
        return Cost(pictures, pictures * (self.unit(probe) or 0))

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The models whose pictures have no known price."""
        if self.given is not None:
            return ()
        return tuple(name for name, prices in self.lists.items() if not (prices and prices.rows))

    @property
    def known(self) -> bool:
        """Whether every call can be priced, in one currency."""
        return self.given is not None or bool(self.lists and not self.unpriced and len(self._currencies) == 1)

    @property
    def currency(self) -> str:
        return next(iter(self._currencies), "") if self.known and self.given is None else ""

    @property
    def source(self) -> str:
        """Where the prices are from: list price of DATE."""
        if self.given is not None:
            return f"{amount_text(self.given / MICROS)} a picture, as {GIVEN} says"
        dates = sorted({one.date for one in self.lists.values() if one})
        return f"list price of {' and '.join(dates)}" if dates else ""

    @property
    def _currencies(self) -> set[str]:
        return {one.currency for one in self.lists.values() if one}


def lists(document: Document, choices: Iterable[ModelChoice]) -> dict[str, Prices | None]:
    """The list prices of some models; without models, of every family that has some."""
    found = {one.name: family_of(document, one.name, one.family) for one in choices}
    if found:
        return {name: family.prices if family else None for name, family in found.items()}
    return {one.id: one.prices for one in families(document) if one.prices and one.prices.rows}


def payable(tariff: Tariff) -> None:
    """UsageError unless every call of a tariff can be held against a limit in money."""
    if tariff.unpriced:
        names = ", ".join(tariff.unpriced)
        raise UsageError(f"--max-cost: no price of a picture is known for {names}; say it with {GIVEN} PRICE")
    if not tariff.known:
        raise UsageError(f"--max-cost: the prices of the models are in several currencies; say one with {GIVEN} PRICE")


def micros(amount: float, rounded: Callable[[Fraction], int] = ceil) -> int:
    """An amount in millionths: prices are rounded up, limits down."""
    return rounded(Fraction(str(amount)) * MICROS)


def amount_text(amount: float) -> str:
    """An amount with two digits after the point; below 1 with two more where these say something: 0.10, 0.0045."""
    whole, _, digits = f"{amount:.{4 if amount < 1 else 2}f}".partition(".")
    return f"{whole}.{digits.rstrip('0'):0<2}"


def dearest(prices: Prices | None, asked: Mapping[str, Any]) -> int | None:
    """Millionths that a picture costs at most. What was left to the target may be its dearest; a size that has no row
    is taken as that many times dearer as it has more pixels than the smallest in the list. None without rows."""
    rows = prices.rows if prices else ()
    if not rows:
        return None
    size, quality = asked.get("size"), asked.get("quality")
    rows = tuple(row for row in rows if _may(row.quality, quality)) or rows
    fitting = [row for row in rows if _may(row.size, size)]
    if fitting:
        return micros(max(row.price for row in fitting))
    return micros(max(row.price for row in rows) * max(1.0, _times(rows, size)))


def _may(listed: str | None, asked: Any) -> bool:
    """Whether a row of a list may apply."""
    return listed in (None, asked) or asked in (None, AUTO)


_SIZE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})", re.ASCII)


def _times(rows: tuple[Price, ...], size: Any) -> float:
    """How many times more pixels a size has than the smallest of some rows; 1 where either cannot be told."""
    areas = [area for row in rows if row.size and (area := _area(row.size))]
    return _area(size) / min(areas) if areas and isinstance(size, str) else 1.0


def _area(size: str) -> int:
    found = _SIZE.fullmatch(size)
    return int(found[1]) * int(found[2]) if found else 0
