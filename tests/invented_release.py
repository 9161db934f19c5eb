"""Tables of a release with invented physicians whose true costs are known, for tests of draws.

Belongs here: tables in the form that ``certainty.cases`` reads. Does not belong here: any assertion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl

from hcip_pipeline.contracts import marts
from hcip_pipeline.contracts.table import Table

CCN = "210001"
BEST, P75, CEILING = Decimal(8_000), Decimal(12_000), Decimal(12_000)
#: physician -> cost of one of their cases
Cost = Callable[[Random, int], float]


def release_tables(
    physicians: int,
    cases: Callable[[Random], int],
    cost: Cost,
    seed: int,
    *,
    baseline: Cost | None = None,
    hospital: str = CCN,
) -> Mapping[str, pl.DataFrame]:
    """Physicians of one hospital and surgical cell, each with their own costs.

    Args:
        cases: number of a physician's cases in each window.
        baseline: cost in the baseline, if there is one.
    """
    rng = Random(seed)
    now: list[dict[str, Any]] = []
    before: list[dict[str, Any]] = []
    for number in range(physicians):
        for window, cost_of in ((now, cost), (before, baseline)):
            for _ in range(cases(rng)) if cost_of else ():
                window.append(_case(hospital, len(window), number, cost_of(rng, number)))
    frame = pl.DataFrame(now)
    cells = frame.group_by("npi", "apr_drg", "severity_of_illness").agg(
        pl.len().alias("cases"), pl.col("cost").sum(), pl.col("p75_cost").first()
    )
    return {
        "incentive_cases": _typed(marts.INCENTIVE_CASES, frame),
        "baseline_cases": _typed(marts.BASELINE_CASES, pl.DataFrame(before) if before else frame.clear()),
        "physician_cells": _typed(marts.PHYSICIAN_CELLS, cells),
        "incentives": _typed(marts.INCENTIVES, frame.select("hospital_ccn", "npi").unique()),
        "rates": _typed(
            marts.RATES,
            pl.DataFrame({"rate": ["trend"], "subject": ["baseline:total"], "rate_value": [Decimal(1)]}),
        ),
    }


def _case(hospital: str, number: int, physician: int, cost: float) -> dict[str, Any]:
    exact = Decimal(round(cost * 100)).scaleb(-2)
    fraction = min(max((P75 - exact) / (P75 - BEST), Decimal(0)), Decimal(1)).quantize(Decimal("1e-8"))
    return {
        "hospital_ccn": hospital,
        "account_no": f"{number:06}",
        "npi": f"{physician:010}",
        "stream": "surgical",
        "apr_drg": "302",
        "severity_of_illness": "2",
        "length_of_stay": 4,
        "cost": exact,
        "best_practice_norm": BEST,
        "p75_cost": P75,
        "improvement_ceiling_cost": CEILING,
        "cost_weight": Decimal(1),
        "los_weight": Decimal(1),
        "mpi_improvement": Decimal(200),
        "mpi_performance": Decimal(100),
        "performance_fraction": fraction,
        "performance_incentive": (100 * fraction).quantize(Decimal("0.01")),
    }


def _typed(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        pl.col(column.name).cast(column.polars_type)
        if column.name in frame.columns
        else pl.lit(None, column.polars_type).alias(column.name)
        for column in table.columns
    )
