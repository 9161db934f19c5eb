"""Running ``hcip check`` on bills in tests: reference tables, and access to the rows it read.

Belongs here: fixtures and reading results. Does not belong here: the bills (``bills``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.intake.hospital.preflight import CheckResult, Preflight
from hcip_pipeline.periods import Quarter
from hcip_pipeline.reference.tables import load_reference
from tests.bills import CCN

QUARTER = Quarter(2025, 1)


@pytest.fixture(scope="module", name="reference")
def bill_reference() -> dict[str, pl.DataFrame]:
    tables = load_reference(None)
    rate = {"hospital_ccn": CCN, "rate_center": "ALL", "rate_year": 2025, "markup": Decimal("1.25"),
            "labor_market": Decimal(1), "ime": Decimal(0), "dsh": Decimal(0)}  # fmt: skip
    tables["cost_factors"] = pl.DataFrame([rate], schema=tables["cost_factors"].schema)
    npi = pl.when(pl.col("ccn") == CCN).then(pl.lit("1999999992")).alias("npi")
    tables["hospitals"] = tables["hospitals"].with_columns(npi)
    return tables


@pytest.fixture(scope="module", name="preflight")
def bill_preflight(reference: dict[str, pl.DataFrame]) -> Iterator[Preflight]:
    with Preflight(reference) as desk:
        yield desk


def discharges(preflight: Preflight) -> list[dict[str, Any]]:
    found = preflight.judge.con.execute("select * from d order by account_no, row")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def charges(preflight: Preflight) -> list[tuple[Any, ...]]:
    return preflight.judge.con.execute(
        "select account_no, revenue_code, service_date::varchar, units, charge from c order by row"
    ).fetchall()


def rules(result: CheckResult) -> set[str]:
    return {problem.rule for problem in result.receipt.problems} | {count.rule for count in result.receipt.rules}


def bills(result: CheckResult) -> dict[str, tuple[int, Decimal]]:
    return {count.outcome: (count.bills, count.dollars) for count in result.receipt.bills}
