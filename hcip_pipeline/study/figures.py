"""The figures of a study, read from its finished build.

Belongs here: sums over the build's cases and norms, by hospital and by physician. Does not belong here: the
methodology itself (``dbt_project``), and presentation (``outputs``, ``summary``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts.marts import NORMS
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.policy.model import EXCLUSION_REASONS, NORM_METHODS, Policy
from hcip_pipeline.study.tables import (
    EXCLUDED_CASES,
    OPPORTUNITY_BY_COST_CENTER,
    OPPORTUNITY_BY_HOSPITAL,
    OPPORTUNITY_BY_PHYSICIAN,
    PERFORMANCE_INCENTIVES,
)

#: dbt selection of the models that a study needs: no claims, no payments, no savings compared with a baseline.
MODELS = "+norms +exclusions +int_performance_incentives +int_cost_center_totals +int_cost_center_benchmarks"

#: Columns of a norm that the console and the page show.
NORM_QUANTITIES = ("best_practice_norm", "p75_cost", "maximum_physician_incentive")

TABLES = (
    NORMS,
    OPPORTUNITY_BY_HOSPITAL,
    OPPORTUNITY_BY_COST_CENTER,
    OPPORTUNITY_BY_PHYSICIAN,
    PERFORMANCE_INCENTIVES,
    EXCLUDED_CASES,
)

_NORMED = """
    from intermediate.int_counted_cases as counted
    inner join intermediate.int_norms_in_force as norms using (apr_drg, severity_of_illness)
    where counted.window_name = 'performance'
"""


@dataclass(frozen=True)
class StudyTotals:
    """The study in a few numbers; money in US dollars of the study's year.

    Attributes:
        cases: discharges in the window; = ``excluded`` + ``without_norm`` + ``with_norm``.
        excluded: cases excluded by methodology §3 and §5.
        without_norm: counted cases in cells too small for a norm.
    """

    cases: int
    excluded: int
    without_norm: int
    with_norm: int
    hospitals: int
    physicians: int
    cost: Decimal
    potential_savings: Decimal
    best_practice_variance: Decimal
    performance_incentive: Decimal


@dataclass(frozen=True)
class StudyFigures:
    """The tables of a study by name (``TABLES``), ordered by key, its totals, and labels of its APR-DRGs."""

    tables: dict[str, pl.DataFrame]
    totals: StudyTotals
    apr_drg_labels: dict[str, str]


def read_figures(warehouse_file: Path, policy: Policy) -> StudyFigures:
    """Every figure of a study from the DuckDB file of its finished build."""
    with duckdb.connect(warehouse_file, read_only=True) as build:
        selects = {
            NORMS: "select * from marts.norms",
            OPPORTUNITY_BY_HOSPITAL: _by_hospital(policy),
            OPPORTUNITY_BY_COST_CENTER: _by_cost_center(policy),
            OPPORTUNITY_BY_PHYSICIAN: _by_physician(policy),
            PERFORMANCE_INCENTIVES: _PERFORMANCE_INCENTIVES,
            EXCLUDED_CASES: _EXCLUSIONS,
        }
        tables = {table.name: _frame(build, table, select) for table, select in selects.items()}
        windowed = build.execute(
            "select count(*), coalesce(sum(total_cost), 0) from intermediate.int_windowed_cases "
            "where window_name = 'performance'"
        ).fetchall()
        labels = build.execute(
            "select apr_drg, min(apr_drg_label) from staging.stg_apr_drgs group by apr_drg order by apr_drg"
        ).fetchall()
    return StudyFigures(tables, _totals(tables, *windowed[0]), dict(labels))


def _frame(build: duckdb.DuckDBPyConnection, table: Table, select: str) -> pl.DataFrame:
    columns = ", ".join(f"cast({c.name} as {c.sql_type}) as {c.name}" for c in table.columns)
    return build.sql(f"select {columns} from ({select}) order by {', '.join(table.key)}").pl()


def _product(amount: str, factor: Decimal) -> str:
    return f"cast(cast({amount} as decimal(28, 2)) * cast('{factor}' as decimal(10, 8)) as decimal(18, 2))"


def _opportunity(policy: Policy) -> str:
    """SQL for the columns of an opportunity table.

    It is exact: sums of cents, and each product of a sum rounded once, half away from zero (methodology §0).
    """
    above = "sum(counted.total_cost - norms.best_practice_norm)"
    variance = "sum(greatest(counted.total_cost - norms.best_practice_norm, 0))"
    return f"""
        count(*) as cases,
        sum(counted.total_cost) as cost,
        sum(norms.best_practice_norm) as best_practice_cost,
        {above} as cost_above_best_practice,
        {_product(above, policy.variable_cost_factor)} as potential_savings,
        {variance} as best_practice_variance,
        {_product(variance, policy.incentive_rate)} as available_incentive
    """


def _by_hospital(policy: Policy) -> str:
    return f"""
        select sums.*, hospitals.hospital_name
        from (
            select hospital_ccn, count(distinct npi) as physicians, {_opportunity(policy)}
            {_NORMED}
            group by hospital_ccn
        ) as sums
        left join staging.stg_hospitals as hospitals using (hospital_ccn)
    """


def _by_physician(policy: Policy) -> str:
    return f"""
        select npi, count(distinct hospital_ccn) as hospitals, {_opportunity(policy)}
        {_NORMED} and npi is not null
        group by npi
    """


def _by_cost_center(policy: Policy) -> str:
    """Cost compared with the statewide means of the same cells; reported cost has no rate centers, so no rows."""
    difference = "cast(coalesce(costs.benchmarked_cost, 0) - coalesce(means.statewide_cost, 0) as decimal(18, 2))"
    return f"""
        select
            hospital_ccn, hospitals.hospital_name, rate_center,
            coalesce(centers.rate_center_name, 'Not mapped to a rate center') as rate_center_name,
            coalesce(centers.component, 'core') as component,
            coalesce(costs.cases_charged, 0) as cases_charged,
            coalesce(costs.cost, 0) as cost,
            coalesce(costs.benchmarked_cost, 0) as benchmarked_cost,
            cast(coalesce(means.statewide_cost, 0) as decimal(18, 2)) as statewide_cost,
            {difference} as difference_from_statewide,
            {_product(f"greatest({difference}, 0)", policy.variable_cost_factor)} as potential_savings
        from (
            from intermediate.int_cost_center_totals where window_name = 'performance' and service_line = 'ALL'
        ) as costs
        full join (
            from intermediate.int_cost_center_benchmarks where service_line = 'ALL'
        ) as means using (hospital_ccn, rate_center)
        left join staging.stg_rate_centers as centers using (rate_center)
        left join staging.stg_hospitals as hospitals using (hospital_ccn)
        where {str(policy.cost_method != "reported").lower()}
    """


# Weights have 8 places: in units of the last place, Σ ÷ n is a ratio of integers, rounded half up.
_PERFORMANCE_INCENTIVES = """
    select
        sums.* exclude (weight_units),
        cast((2 * weight_units + cases) // (2 * cases) as decimal(18, 0)) * 0.00000001 as case_mix_index,
        hospitals.hospital_name
    from (
        select
            hospital_ccn,
            npi,
            count(*) as cases,
            count(*) filter (where stream = 'medical') as medical_cases,
            count(*) filter (where stream = 'surgical') as surgical_cases,
            count(*) filter (where is_gated) as gated_cases,
            cast(cast(sum(cost_weight) as decimal(20, 8)) * 100000000 as hugeint) as weight_units,
            sum(performance_incentive) as performance_incentive
        from intermediate.int_performance_incentives
        group by hospital_ccn, npi
    ) as sums
    left join staging.stg_hospitals as hospitals using (hospital_ccn)
"""

_EXCLUSIONS = """
    select exclusion_reason, sum(cases) as cases, sum(cost) as cost
    from marts.exclusions
    where window_name = 'performance'
    group by exclusion_reason
"""


def norms_side_by_side(norms: pl.DataFrame) -> pl.DataFrame:
    """One row per cell with a norm by any method, with the three methods side by side, the largest cells first.

    Columns: apr_drg, severity_of_illness, cases, physicians, and ``<quantity>_<method>`` for the best practice norm,
    P75 and maximum physician incentive; null if the cell has no norm by that method.
    """
    cell = ["apr_drg", "severity_of_illness"]
    wide = norms.select(*cell, "cases", "physicians").unique(maintain_order=True)
    for method in NORM_METHODS:
        own = norms.filter(pl.col("norm_method") == method).select(
            *cell, *(pl.col(quantity).alias(f"{quantity}_{method}") for quantity in NORM_QUANTITIES)
        )
        wide = wide.join(own, on=cell, how="left")
    return wide.sort("cases", *cell, descending=[True, False, False])


def of_all_hospitals(cost_centers: pl.DataFrame, by: str) -> pl.DataFrame:
    """``opportunity_by_cost_center`` summed over hospitals, by ``rate_center`` or ``component``, largest savings first.

    Columns: ``by``, ``rate_center_name`` and ``component`` if ``by`` is ``rate_center``, hospitals above the statewide
    mean, cost, its ``share`` of all cost, benchmarked_cost, potential_savings.
    """
    labels = [name for name in ("rate_center_name", "component") if by == "rate_center"]
    total = cost_centers["cost"].sum() or Decimal(1)
    return (
        cost_centers.group_by(by, *labels)
        .agg(
            hospitals_above=(pl.col("potential_savings") > 0).sum(),
            cost=pl.col("cost").sum(),
            benchmarked_cost=pl.col("benchmarked_cost").sum(),
            potential_savings=pl.col("potential_savings").sum(),
        )
        .with_columns(share=pl.col("cost").cast(pl.Float64) / float(total))
        .sort("potential_savings", by, descending=[True, False])
    )


def largest(frame: pl.DataFrame, quantity: str, key: str) -> pl.DataFrame:
    """``frame`` sorted by ``quantity``, largest first, with ties ordered by ``key``."""
    return frame.sort(quantity, key, descending=[True, False])


def _totals(tables: dict[str, pl.DataFrame], cases: int, cost: Decimal) -> StudyTotals:
    """Totals; checks that every case and cent is excluded, without a norm, or with a norm (methodology §3)."""
    hospitals, exclusions = tables["opportunity_by_hospital"], tables["exclusions"]
    is_excluded = pl.col("exclusion_reason").is_in(EXCLUSION_REASONS)
    totals = StudyTotals(
        cases=cases,
        excluded=int(exclusions.filter(is_excluded)["cases"].sum()),
        without_norm=int(exclusions.filter(~is_excluded)["cases"].sum()),
        with_norm=int(hospitals["cases"].sum()),
        hospitals=hospitals.height,
        physicians=tables["opportunity_by_physician"].height,
        cost=_sum(hospitals["cost"]),
        potential_savings=_sum(hospitals["potential_savings"]),
        best_practice_variance=_sum(hospitals["best_practice_variance"]),
        performance_incentive=_sum(tables["performance_incentives"]["performance_incentive"]),
    )
    accounted = totals.excluded + totals.without_norm + totals.with_norm
    if cases != accounted or cost != totals.cost + _sum(exclusions["cost"]):
        raise AssertionError(f"cases or cents are not conserved: {cases} cases, {cost} dollars entered; {totals}")
    return totals


def _sum(amounts: pl.Series) -> Decimal:
    return Decimal(amounts.sum() or 0).quantize(Decimal("0.01"))
