"""The tables behind the reports, compared with the same figures computed in fractions from the counted cases."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import duckdb
import pytest

from tests import settlement_models
from tests.released_state import A, B, State, unreleased  # noqa: F401 - a fixture

Row = dict[str, Any]

#: a cell is compared if other hospitals have more cases than this
THRESHOLD = 18


@pytest.fixture(scope="module")
def settled(unreleased: State) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: F811
    policy = unreleased.spec.policy.model_copy(update={"small_cell_threshold": THRESHOLD})
    spec = replace(unreleased.spec, policy=policy, sources=dict(unreleased.spec.sources) | unreleased.norms)
    with settlement_models.run(spec, also=settlement_models.REPORTS) as connection:
        yield connection


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def cases(settled: duckdb.DuckDBPyConnection) -> list[Row]:
    """Counted cases in cells with a norm, with the norm; and their costs by rate center."""
    found = _rows(
        settled,
        "select * from intermediate.int_counted_cases join intermediate.int_norms_in_force "
        "using (apr_drg, severity_of_illness)",
    )
    centers = defaultdict(dict)
    for row in _rows(settled, "select * from intermediate.int_rate_center_costs"):
        centers[row["hospital_ccn"], row["account_no"]][row["rate_center"]] = row["cost"]
    return [case | {"centers": centers[case["hospital_ccn"], case["account_no"]]} for case in found]


def _round(value: Fraction, places: int) -> Decimal:
    scaled = Decimal(value.numerator * 10**places) / Decimal(value.denominator)
    return scaled.quantize(Decimal(1), ROUND_HALF_UP).scaleb(-places)


def _sum(rows: Iterable[Row], column: str) -> Fraction:
    return sum((Fraction(row[column]) for row in rows), Fraction(0))


def _cell(case: Row) -> tuple[str, str]:
    return case["apr_drg"], case["severity_of_illness"]


def _center_means(now: list[Row]) -> dict[tuple[str, str], dict[str, Fraction]]:
    """The mean cost of a cell's cases in each rate center, statewide, to four places."""
    means = {}
    for cell in {_cell(case) for case in now}:
        own = [case for case in now if _cell(case) == cell]
        names = {name for case in own for name in case["centers"]}
        totals = {name: sum(Fraction(case["centers"].get(name, 0)) for case in own) for name in names}
        means[cell] = {name: Fraction(_round(total / len(own), 4)) for name, total in totals.items()}
    return means


def _compared(case: Row, now: list[Row]) -> bool:
    others = [c for c in now if _cell(c) == _cell(case) and c["hospital_ccn"] != case["hospital_ccn"]]
    return len(others) > THRESHOLD


def test_levels_are_sums_and_statewide_means_of_their_cases(
    settled: duckdb.DuckDBPyConnection,
    cases: list[Row],
    unreleased: State,  # noqa: F811
) -> None:
    now = [case for case in cases if case["window_name"] == "performance"]
    before = [case for case in cases if case["window_name"] == "baseline"]
    means = _center_means(now)
    (trend,) = settled.execute(
        "select trend from intermediate.int_trends where window_name = 'baseline' and component = 'total'"
    ).fetchone() or (None,)
    rows = _rows(settled, "select * from marts.opportunity")
    assert {row["level"] for row in rows} == {"institution", "service_line", "apr_drg", "cell"}
    for row in rows:

        def is_own(case: Row, row: Row = row) -> bool:
            return case["hospital_ccn"] == row["hospital_ccn"] and all(
                row[name] in ("ALL", case[name]) for name in ("service_line", "apr_drg", "severity_of_illness")
            )

        own = [case for case in now if is_own(case)]
        assert row["cases"] == len(own)
        assert row["physicians"] == len({case["npi"] for case in own})
        assert row["cost"] == _sum(own, "total_cost")
        assert row["mean_cost"] == _round(_sum(own, "total_cost") / len(own), 4)
        assert row["adjusted_cost"] == _round(_sum(own, "total_cost") / _sum(own, "cost_weight"), 4)
        assert row["adjusted_los"] == _round(_sum(own, "length_of_stay") / _sum(own, "los_weight"), 4)
        saved = (_sum(own, "total_cost") - _sum(own, "best_practice_norm")) * Fraction(
            unreleased.policy.policy.variable_cost_factor
        )
        assert row["potential_savings"] == _round(saved, 2)
        compared = [case for case in own if _compared(case, now)]
        assert row["benchmarked_cases"] == len(compared)
        assert row["benchmarked_cost"] == _sum(compared, "total_cost")
        expected = sum((sum(means[_cell(case)].values()) for case in compared), Fraction(0))
        assert (row["statewide_cost"] or 0) == expected
        if compared:
            assert row["cost_ratio"] == _round(_sum(compared, "total_cost") / expected, 8)
        earlier = [case for case in before if is_own(case)]
        assert row["baseline_cases"] == len(earlier)
        if earlier:
            adjusted = Fraction(_round(_sum(earlier, "total_cost") / _sum(earlier, "cost_weight"), 4))
            assert row["baseline_adjusted_cost"] == _round(adjusted * Fraction(trend), 4)
    assert {row["benchmarked_cases"] == row["cases"] for row in rows} == {True, False}, "both kinds of cells must occur"


def test_the_institution_is_the_hospital_of_the_savings(settled: duckdb.DuckDBPyConnection) -> None:
    savings = _rows(settled, "select * from marts.savings where scope = 'all'")
    institutions = {
        row["hospital_ccn"]: row for row in _rows(settled, "select * from marts.opportunity where level='institution'")
    }
    for row in savings:
        own = institutions[row["hospital_ccn"]]
        assert own["cases"] == row["cases"]
        assert own["cost"] == row["actual_cost"]
        assert own["best_practice_cost"] == row["best_practice_cost"]
        assert own["potential_savings"] == row["potential_savings"]


def test_cost_centers_add_up_to_their_level(settled: duckdb.DuckDBPyConnection, cases: list[Row]) -> None:
    now = [case for case in cases if case["window_name"] == "performance"]
    means = _center_means(now)
    rows = _rows(settled, "select * from marts.cost_centers")
    for row in rows:
        own = [
            case
            for case in now
            if case["hospital_ccn"] == row["hospital_ccn"] and row["service_line"] in ("ALL", case["service_line"])
        ]
        name = row["rate_center"]
        assert row["cost"] == sum((Fraction(case["centers"].get(name, 0)) for case in own), Fraction(0))
        compared = [case for case in own if _compared(case, now)]
        expected = sum((means[_cell(case)].get(name, Fraction(0)) for case in compared), Fraction(0))
        assert (row["statewide_cost"] or 0) == expected
    levels = _rows(settled, "select * from marts.opportunity where level in ('institution', 'service_line')")
    for level, column in product(levels, ("cost", "benchmarked_cost", "statewide_cost")):
        parts = [
            row[column] or Decimal(0)
            for row in rows
            if (row["hospital_ccn"], row["service_line"]) == (level["hospital_ccn"], level["service_line"])
        ]
        assert sum(parts) == (level[column] or 0)


def test_an_interval_is_students_t_of_a_ratio_of_sums(settled: duckdb.DuckDBPyConnection, cases: list[Row]) -> None:
    quantiles = {5: 2.571, 6: 2.447, 7: 2.365, 12: 2.179, 14: 2.145}
    rows = [row for row in _rows(settled, "select * from marts.physician_comparison") if row["cases"] - 1 in quantiles]
    assert len({row["cases"] for row in rows}) > 2
    for row in rows:
        own = [
            case
            for case in cases
            if case["window_name"] == "performance"
            and (case["hospital_ccn"], case["npi"]) == (row["hospital_ccn"], row["npi"])
            and row["stream"] in ("all", case["stream"])
        ]
        n, weight = len(own), float(_sum(own, "cost_weight"))
        mean = float(row["adjusted_cost"])
        residuals = [float(case["total_cost"]) - mean * float(case["cost_weight"]) for case in own]
        # The residuals of a ratio of sums have a mean of zero, so this is n ÷ (n − 1) · Σe².
        error = (n * statistics.variance(residuals)) ** 0.5 / weight
        half = (float(row["adjusted_cost_high"]) - float(row["adjusted_cost_low"])) / 2
        assert half == pytest.approx(quantiles[n - 1] * error, abs=0.01)


def test_physicians_outside_the_program_are_not_named(settled: duckdb.DuckDBPyConnection) -> None:
    rows = _rows(settled, "select * from marts.physicians order by hospital_ccn, physician_number")
    others = [row for row in rows if not row["is_care_partner"]]
    assert others
    assert all(row["npi"] is None and row["name"] is None for row in others)
    assert [row["physician_number"] for row in rows if row["hospital_ccn"] == A] == [1, 2, 3, 4]


def test_outcomes_of_a_condition_are_counted(settled: duckdb.DuckDBPyConnection) -> None:
    rows = _rows(settled, "select * from marts.condition_measures")
    counted = {(row["hospital_ccn"], row["condition_id"]): (row["met"], row["not_met"], row["missing"]) for row in rows}
    assert counted[A, "A1"] == (3, 0, 0)
    assert counted[A, "A2"] == (2, 1, 0)
    assert counted[A, "A3"] == (2, 0, 1)
    assert counted[B, "B2"] == (3, 1, 0)
    outcomes = _rows(settled, "select hospital_ccn, condition_id, weighted_amount from marts.conditions")
    for row in rows:
        own = [o["weighted_amount"] for o in outcomes if o["condition_id"] == row["condition_id"]]
        assert row["weighted_amount"] == sum(own)
