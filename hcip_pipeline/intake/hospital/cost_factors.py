"""Whether a hospital's charges can be converted to cost (methodology §2), and its factors, for a warning.

Belongs here: the factor of each rate center, exactly, for one hospital and rate year.
Does not belong here: the cost of a case, which the cost models compute.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

import polars as pl

CostMethod = Literal["markup", "rcc", "reported"]

ALL_RATE_CENTERS = "ALL"
UNMAPPED = "UNMAPPED"


def hospital_factors(
    cost_factors: pl.DataFrame, ccn: str, rate_year: int, method: CostMethod
) -> dict[str, Decimal | None]:
    """``cost_factor`` by rate center (8 places, half up); None if the row lacks a number that the method needs."""
    rows = cost_factors.filter((pl.col("hospital_ccn") == ccn) & (pl.col("rate_year") == rate_year))
    return {row["rate_center"]: _factor(row, method) for row in rows.to_dicts()}  # a hospital's few dozen rates


def _factor(row: dict[str, Decimal | None], method: CostMethod) -> Decimal | None:
    labor, ime, dsh = (row[name] for name in ("labor_market", "ime", "dsh"))
    if labor is None or ime is None or dsh is None:
        return None
    divisor = Fraction(labor) * (1 + Fraction(ime)) * (1 + Fraction(dsh))
    top = Fraction(1)
    if method == "markup":
        divisor *= Fraction(row["markup"] or 0)
    elif method == "rcc":
        top = Fraction(row["cost_to_charge"] or 0)
    if divisor <= 0 or top <= 0:
        return None
    return Decimal(int(top / divisor * 10**8 + Fraction(1, 2))).scaleb(-8)


def missing_rate_centers(factors: dict[str, Decimal | None], needed: set[str]) -> list[str]:
    """Rate centers with neither a usable row of their own nor one for ``ALL``.

    A row that lacks the method's number is not replaced by ``ALL``, because it is unclear which of the two was meant.
    """
    return sorted(
        center for center in needed if (factors[center] if center in factors else factors.get(ALL_RATE_CENTERS)) is None
    )
