"""The effect of another reading of the responsible physician, computed by hand."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import polars as pl

from hcip_pipeline.certainty.attribution import reading_rows
from hcip_pipeline.contracts import certainty

RELEASED = (0, 0, 0, 100, 200, 300, 300, 900)
BY_READING = (0, 50, 0, 0, 300, 200, 300, 900)


def partners(released: tuple[int, ...], by_reading: tuple[int, ...]) -> pl.DataFrame:
    rows = [
        {"hospital_ccn": "A" if number < 4 else "B", "period": "2025H1", "reading": "attending", "npi": str(number),
         "cases": 1, "cases_gained": 0, "cases_lost": 0, "cases_then": 1,
         "calculated_incentive": Decimal(own), "calculated_then": Decimal(other)}
        for number, (own, other) in enumerate(zip(released, by_reading, strict=True))
    ]  # fmt: skip
    columns = certainty.ATTRIBUTION.columns
    return pl.DataFrame(rows).select(pl.col(column.name).cast(column.polars_type) for column in columns)


def sign(a: int, b: int) -> int:
    return (a > b) - (a < b)


def test_the_states_figures_equal_a_computation_by_hand() -> None:
    rows = {row["hospital_ccn"]: row for row in reading_rows(partners(RELEASED, BY_READING)).to_dicts()}
    assert set(rows) == {"A", "B", "STATE"}
    state = rows["STATE"]
    assert (state["now_paid"], state["now_unpaid"], state["dollars_moved"]) == (1, 1, Decimal(350))
    both = list(zip(RELEASED, BY_READING, strict=True))
    pairs = [(sign(a, c), sign(b, d)) for (a, b), (c, d) in combinations(both, 2)]
    agreeing = sum(x * y for x, y in pairs)
    untied = sum(x != 0 for x, _ in pairs) * sum(y != 0 for _, y in pairs)
    assert float(state["rank_correlation"]) == round(agreeing / untied**0.5, 4)
    # quartiles of the eight, by how many are less: 0 0 0 1 2 2 2 3, and by the reading 0 1 0 0 2 2 2 3
    assert state["other_quartile"] == 2
    assert rows["A"]["dollars_moved"] + rows["B"]["dollars_moved"] == state["dollars_moved"]


def test_care_partners_who_earn_nothing_stay_in_the_lowest_quartile() -> None:
    many = (0,) * 30 + tuple(range(1, 11))
    fewer = (0,) * 26 + (5, 5, 5, 5) + tuple(range(1, 11))
    (state,) = reading_rows(partners(many, fewer)).filter(pl.col("hospital_ccn") == "STATE").to_dicts()
    assert state["other_quartile"] <= 8


def test_a_ranking_of_ties_has_no_correlation() -> None:
    rows = reading_rows(partners((1, 1, 1, 1, 2, 2), (1, 2, 3, 4, 5, 6))).to_dicts()
    assert {row["hospital_ccn"]: row["rank_correlation"] is None for row in rows} == {
        "A": True,
        "B": True,
        "STATE": False,
    }
