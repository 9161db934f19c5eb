"""Cost factors and costs by rate center equal Python's fractions, over thousands of random rates (methodology §2)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from random import Random

import duckdb
import pytest

from tests.scenario import HOSPITAL, Case, Row, Scenario, npi, table

pytestmark = pytest.mark.slow

CODES = [f"{number:04d}" for number in range(2, 4002)]
YEAR = 2025


def places(rng: Random, low: float, high: float) -> Decimal:
    """A number of eight places; now and then of fewer."""
    digits = rng.choice([8, 8, 8, 3, 1])
    return Decimal(rng.randint(int(low * 10**digits), int(high * 10**digits))).scaleb(-digits)


def random_rates(rng: Random) -> list[Row]:
    return [
        {
            "hospital_ccn": HOSPITAL,
            "rate_center": f"R{code}",
            "rate_year": YEAR,
            "markup": max(places(rng, 0.1, rng.choice([2, 20])), Decimal("0.00001")),
            "cost_to_charge": places(rng, 0, 2),
            "labor_market": max(places(rng, 0.5, 2), Decimal("0.1")),
            "ime": places(rng, 0, 1),
            "dsh": places(rng, 0, 0.5),
        }
        for code in CODES
    ]


def half_away(value: Fraction, scale: int) -> Fraction:
    units = value * 10**scale
    return Fraction((2 * units.numerator + units.denominator) // (2 * units.denominator), 10**scale)


def expected_factor(row: Row, method: str) -> Fraction:
    divisor = Fraction(row["labor_market"]) * (1 + Fraction(row["ime"])) * (1 + Fraction(row["dsh"]))
    numerator = {"markup": 1 / Fraction(row["markup"]), "rcc": Fraction(row["cost_to_charge"]), "reported": Fraction(1)}
    return half_away(numerator[method] / divisor, 8)


@pytest.mark.parametrize("method", ["markup", "rcc", "reported"])
def test_cost_factors_and_costs_equal_fractions(method: str) -> None:
    rng = Random(method)
    rates = random_rates(rng)
    charges = {code: Decimal(rng.randint(1, 10 ** rng.randint(1, 9))).scaleb(-2) for code in CODES}
    case = Case(npi(1), 1_000, dt.date(YEAR, 3, 1), charges=tuple(charges.items()))
    scenario = Scenario([case], policy={"cost_method": method, "exclusions": []}, norms=[])
    whole = {"hospital_ccn": HOSPITAL, "rate_center": "ALL", "rate_year": YEAR}
    ones = dict.fromkeys(("markup", "cost_to_charge", "labor_market"), Decimal(1))
    scenario.sources["cost_factors"] = table("cost_factors", [*rates, whole | ones | {"ime": 0, "dsh": 0}])
    scenario.sources["revenue_codes"] = table(
        "revenue_codes",
        [{"revenue_code_from": code, "revenue_code_to": code, "rate_center": f"R{code}"} for code in CODES],
    )
    settled = scenario.compute()
    factors = {row["rate_center"]: row["cost_factor"] for row in settled.rows("select * from int_cost_factors")}
    for row in rates:
        assert factors[row["rate_center"]] == expected_factor(row, method), row
    if method != "reported":
        costs = {row["rate_center"]: row["cost"] for row in settled.rows("select * from int_rate_center_costs")}
        assert len(costs) == len(CODES)
        for row in rates:
            charge = charges[row["rate_center"][1:]]
            assert costs[row["rate_center"]] == half_away(Fraction(charge) * expected_factor(row, method), 2), (
                row,
                charge,
            )


def test_rates_beyond_what_can_be_computed_exactly_stop_the_build() -> None:
    """With a divisor of 170 or more, eight places of the quotient do not fit: an error, never a wrong factor."""
    scenario = Scenario([Case(npi(1), 1, dt.date(YEAR, 3, 1))], policy={"cost_method": "markup"}, norms=[])
    scenario.amend("cost_factors", hospital_ccn=HOSPITAL, markup=Decimal(10**8))
    with pytest.raises(duckdb.Error, match=r"(?i)overflow|out of range"):
        scenario.compute()
