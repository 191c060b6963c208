"""What a picture costs: at most, in whole millionths, and never guessed."""

from __future__ import annotations

import subprocess
import sys
from math import floor
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.document import load
from imageproof.contract.families import Price, Prices, families
from imageproof.errors import UsageError
from imageproof_conformance.exchange import Probe, Request
from imageproof_conformance.money import Cost, Tariff, amount_text, dearest, lists, micros, payable
from imageproof_conformance.profile import ModelChoice, Settings, build

ROWS = (
    Price(0.01, "100x100", "low"),
    Price(0.02, "200x100", "low"),
    Price(0.04, "100x100", "high"),
    Price(0.05, "200x100", "high"),
)
LISTED = Prices("USD", "2026-11-01", "here", ROWS, {})


def probe(model: str = "m", **asked: Any) -> Probe:
    return Probe("p", "createImage", model, Request("POST", "/x"), "served", (), asked=asked)


@pytest.mark.parametrize(
    ("asked", "price"),
    [
        ({"size": "100x100", "quality": "low"}, 0.01),
        ({"size": "200x100", "quality": "high"}, 0.05),
        ({"size": "100x100"}, 0.04),
        ({"quality": "low"}, 0.02),
        ({"size": "auto", "quality": "auto"}, 0.05),
        ({}, 0.05),
        ({"size": "100x100", "quality": "made-up"}, 0.04),
        ({"size": "50x50", "quality": "low"}, 0.02),
        ({"size": "200x200", "quality": "low"}, 0.08),
        ({"size": "nonsense", "quality": "low"}, 0.02),
        ({"size": ["100x100"], "quality": {}}, 0.05),
    ],
)
def test_what_is_left_open_is_the_dearest_it_can_be(asked: dict[str, Any], price: float) -> None:
    assert dearest(LISTED, asked) == micros(price)


def test_rows_without_a_quality_hold_for_any() -> None:
    plain = Prices("USD", "2023-12-01", "here", (Price(0.016, "256x256", None), Price(0.02, None, None)), {})
    assert dearest(plain, {"size": "256x256", "quality": "standard"}) == 20_000
    assert dearest(Prices("USD", "2026-11-01", "here", (), {"text_input": 5}), {}) is None


def test_a_tariff_knows_what_it_does_not_know() -> None:
    tokens = Prices("USD", "2026-11-04", "here", (), {"image_output": 30})
    tariff = Tariff({"a": LISTED, "b": tokens, "c": None})
    assert tariff.unpriced == ("b", "c") and not tariff.known
    with pytest.raises(UsageError, match=r"known for b, c; say it with --price-per-image PRICE"):
        payable(tariff)
    given = Tariff({"a": LISTED, "b": None}, micros(0.1))
    payable(given)
    assert given.cost(probe("b"), 3) == Cost(3, 300_000)
    assert given.source == "0.10 a picture, as --price-per-image says"
    euros = Tariff({"a": LISTED, "d": Prices("EUR", "2026-11-01", "here", ROWS, {})})
    with pytest.raises(UsageError, match="several currencies"):
        payable(euros)


def test_a_call_that_names_no_model_may_be_billed_as_the_dearest() -> None:
    cheap = Prices("USD", "2026-10-01", "here", (Price(0.001, None, None),), {})
    tariff = Tariff({"a": cheap, "b": LISTED})
    assert [tariff.unit(probe(name)) for name in ("a", "b", "", "other")] == [1_000, 50_000, 50_000, 50_000]
    assert tariff.source == "list price of 2026-10-01 and 2026-11-01"


def test_every_listed_price_is_a_whole_number_of_millionths() -> None:
    priced = [one for one in families(load()) if one.prices and one.prices.rows]
    assert len(priced) > 4
    for one in priced:
        for row in one.prices.rows if one.prices else ():
            asked = {"size": row.size, "quality": row.quality}
            assert (dearest(one.prices, asked) or 0) / 1_000_000 == row.price
    assert set(lists(load(), ())) == {one.id for one in priced}
    assert lists(load(), [ModelChoice("mine", "dall-e-3"), ModelChoice("what")])["what"] is None


def test_prices_are_rounded_up_and_limits_down() -> None:
    assert (micros(0.0000001), micros(0.0000019, floor), micros(0.1)) == (1, 1, 100_000)
    assert [amount_text(one) for one in (0, 0.1, 0.128, 0.0045, 7.685, 12)] == [
        "0.00", "0.10", "0.128", "0.0045", "7.68", "12.00",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["max_cost", "price_per_image"])
@pytest.mark.parametrize("amount", [-0.01, float("nan"), float("inf"), 1e7])
def test_amounts_that_are_none_are_refused(name: str, amount: float) -> None:
    given: Any = {name: amount}
    with pytest.raises(UsageError, match="type a number from 0 to 1000000"):
        build(Settings("http://127.0.0.1:1/v1", no_key=True, **given), {})


def test_a_dry_run_tells_calls_pictures_money_and_time(reference: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "imageproof", "conform", reference("sk-x"), "--no-key", "--dry-run"]
    asked = ["--model", "dall-e-2", "--max-cost", "0.5", "--max-time", "90", "--max-requests", "300", "--rate", "4"]
    told = subprocess.run([*command, *asked], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    first = told.splitlines()[0]
    assert "tier standard, dall-e-2: " in first and "(USD 0.2" in first and "list price of 2023-12-01" in first
    assert "at most " in first and "USD 0.50)" in first
    lines = {line.partition(":")[0]: line for line in told.splitlines()}
    assert lines["requests"].endswith("at most 300 with links and repetitions")
    assert lines["pictures"].startswith("pictures: 12, at most ")
    assert "USD 0.50 (list price of 2023-12-01; reading prompts" in lines["money"]
    assert "s for the requests" in lines["time"] and lines["time"].endswith("at most 90 s")
    unknown = [*command, "--model", "gpt-image-2.6-flare", "--max-cost", "0.5"]
    refused = subprocess.run(unknown, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2 and "--price-per-image" in refused.stderr
