"""The same dbt project on Apache Spark: every figure that a payment is made of equals DuckDB's, to the cent.

Belongs here: what `make spark` runs, in the environment that has Spark. Does not belong here: what the figures ought to
be; DuckDB's are held against worked examples elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytest.importorskip("pyspark", reason="Spark has an environment of its own: make spark")

from tests.spark.both_engines import Both, demo, on_both

pytestmark = pytest.mark.slow

NORMS = "marts.norms"
#: what is compared beside the norm table: every step from a case to a payment
SETTLEMENT = (
    "intermediate.int_partner_cases",
    "intermediate.int_improvement_incentives",
    "intermediate.int_incentive_ledger",
    "marts.incentive_cases",
    "marts.improvement",
    "marts.distribution_limits",
    "marts.incentives",
    "marts.savings",
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from hcip_pipeline.warehouse.spark import spark_session

    with spark_session(tmp_path_factory.mktemp("spark") / "warehouse") as opened:
        yield opened


@pytest.fixture(scope="module")
def by_demo(session: Any, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """What `hcip demo` settles first, from its inbox on; Spark's builds pass the project's checks too."""
    folder = tmp_path_factory.mktemp("demo")
    base_year, period = demo(folder)
    norms = on_both(base_year, [NORMS], session, folder / "norms")
    settled = on_both(period, SETTLEMENT, session, folder / "period")
    return Both(norms.spark | settled.spark, norms.duckdb | settled.duckdb)


def _same(both: Both, name: str) -> None:
    """Row by row and without any tolerance; lists of rules are left out."""
    expected, found = both.duckdb[name], both.spark[name]
    assert found.columns == expected.columns
    assert found.height == expected.height > 0
    types = {c: _holding_both(k, found.schema[c]) for c, k in expected.schema.items() if not k.is_nested()}
    expected, found = (frame.select(list(types)).cast(types).sort(list(types)) for frame in (expected, found))
    assert_frame_equal(found, expected, check_exact=True)


def _holding_both(expected: pl.DataType, found: pl.DataType) -> pl.DataType:
    """A type that neither engine's value is rounded by."""
    scales = [kind.scale for kind in (expected, found) if isinstance(kind, pl.Decimal)]
    return pl.Decimal(38, max(scales)) if scales else expected


@pytest.mark.parametrize("name", [NORMS, *SETTLEMENT])
def test_a_table_of_the_demo_is_the_same_on_both_engines(by_demo: Both, name: str) -> None:
    _same(by_demo, name)


def test_it_is_about_money(by_demo: Both) -> None:
    paid = by_demo.spark["marts.incentives"]
    assert set(paid["status"]) == {"PAYABLE", "HELD", "ZERO"}
    assert paid["final_incentive"].sum() > Decimal(1000)
    reduced = ("conditions_adjustment", "standing_adjustment", "committee_adjustment", "pfs_cap_adjustment")
    for step in (*reduced, "distribution_limit_adjustment"):
        assert paid[step].min() < 0, f"no payment is reduced by {step}"
