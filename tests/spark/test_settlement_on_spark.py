"""The same dbt project on Apache Spark: every figure that a payment is made of equals DuckDB's, to the cent.

Belongs here: what `make spark` runs, in the environment that has Spark. Does not belong here: what the figures ought to
be; DuckDB's are held against worked examples elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcip_pipeline.settlement.norm_tables import norm_spec
from tests import settlement_models
from tests.released_state import State, unreleased  # noqa: F401 - a fixture

pytest.importorskip("pyspark", reason="Spark has an environment of its own: make spark")

pytestmark = pytest.mark.slow

#: what is compared: the norm table, and every step from a case to a payment
NORMS = "marts.norms"
SETTLEMENT = (
    "intermediate.int_partner_cases",
    "intermediate.int_improvement_incentives",
    "intermediate.int_incentive_ledger",
    "marts.incentives",
    "marts.savings",
)


@dataclass(frozen=True)
class Both:
    """Table -> its rows by either engine."""

    spark: dict[str, pl.DataFrame]
    duckdb: dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def both(unreleased: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:  # noqa: F811
    """Three hospitals' half-year and its norm table, by Spark and by DuckDB."""
    from hcip_pipeline.warehouse.spark import build_on_spark, spark_session

    folder = tmp_path_factory.mktemp("spark")
    of = unreleased
    sources = dict(of.spec.sources) | {"discharges": _as_files(of.spec.sources["discharges"], folder / "lake")}
    period = replace(of.spec, sources=sources | of.norms)
    with spark_session(folder / "warehouse") as session:
        norms = build_on_spark(norm_spec(of.spec), folder / "norms", session, ["+norms"])
        spark = {NORMS: norms.table(NORMS)}
        select = [f"+{name.split('.')[1]}" for name in SETTLEMENT]
        settled = build_on_spark(period, folder / "period", session, select)
        spark |= {name: settled.table(name) for name in SETTLEMENT}
    with settlement_models.part(norm_spec(of.spec), ["norms"]) as connection:
        own = {NORMS: _table(connection, NORMS)}
    with settlement_models.run(replace(of.spec, sources=dict(of.spec.sources) | of.norms)) as connection:
        own |= {name: _table(connection, name) for name in SETTLEMENT}
    yield Both(spark, own)


def _as_files(discharges: object, lake: Path) -> list[Path]:
    """A file a hospital, in folders like the lake's, beside one that is not in force."""
    assert isinstance(discharges, pl.DataFrame)
    files = []
    for number, rows in enumerate(discharges.partition_by("hospital_ccn")):
        files.append(lake / f"quarter=2025Q{3 + number % 2}" / f"{rows['hospital_ccn'][0]}.r1.parquet")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(files[-1])
        rows.write_parquet(files[-1].with_suffix(".superseded.parquet"))
    return files


def _table(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    return connection.sql(f"from {name}").pl()


@pytest.mark.parametrize("name", [NORMS, *SETTLEMENT])
def test_a_table_is_the_same_on_both_engines(both: Both, name: str) -> None:
    expected, found = both.duckdb[name], both.spark[name]
    assert found.columns == expected.columns
    assert found.height == expected.height > 0
    columns = [column for column, kind in expected.schema.items() if not kind.is_nested()]
    assert (
        found.select(columns)
        .cast(dict(expected.select(columns).schema))
        .sort(columns)
        .equals(expected.select(columns).sort(columns))
    )


def test_it_is_about_money(both: Both) -> None:
    paid = both.spark["marts.incentives"]
    assert set(paid["status"]) == {"PAYABLE", "HELD", "ZERO"}
    assert paid["final_incentive"].sum() > Decimal(1000)
    reduced = ("conditions_adjustment", "standing_adjustment", "committee_adjustment", "pfs_cap_adjustment")
    for step in (*reduced, "distribution_limit_adjustment"):
        assert paid[step].min() < 0, f"no payment is reduced by {step}"
