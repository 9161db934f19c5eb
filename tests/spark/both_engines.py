"""The demo's state settled by DuckDB, and by Spark from the same lake.

Belongs here: how the state comes to be settled by either engine. Does not belong here: any assertion.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.period_intake import take_in_period
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.settlement.norm_tables import norm_spec
from hcip_pipeline.settlement.period import (
    base_year_norms,
    base_year_spec,
    build_period,
    period_spec,
    quarters_needed,
)
from hcip_pipeline.synthetic import demo_state
from hcip_pipeline.warehouse.spark import build_on_spark
from hcip_pipeline.warehouse.spec import BuildSpec

#: of DuckDB, by the name of a table
Read = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Settled:
    """What one build computes, and DuckDB's tables of it."""

    spec: BuildSpec
    tables: Read


@dataclass(frozen=True)
class Both:
    """Table -> its rows by either engine."""

    spark: dict[str, pl.DataFrame]
    duckdb: dict[str, pl.DataFrame]


def demo(folder: Path) -> tuple[Settled, Settled]:
    """The base year of ``hcip demo`` and its first half-year, from the inbox on."""
    home, period = Home(folder / "home"), PerformancePeriod(2025, 1)
    demo_state(home.inbox, seed=2025)
    policy = load_policy(home.policy)
    write_lake_reference(home.inbox, home.lake_reference)
    for quarter in quarters_needed(period, policy.policy):
        ingest_quarter(home, quarter, policy.policy)
    take_in_period(home, period, policy.policy)
    norms = base_year_norms(home, policy.policy)
    assert norms.build is not None
    built = build_period(home, period, policy)
    for path in home.lake.rglob("*.r1.parquet"):  # what is not in force lies beside what is
        shutil.copy(path, path.with_suffix(".superseded.parquet"))
    return (
        Settled(norm_spec(base_year_spec(home, policy.policy)), _of_file(norms.build.file)),
        Settled(period_spec(home, period, policy.policy, norms), _of_file(built.result.file)),
    )


def _of_file(file: Path) -> Read:
    def read(name: str) -> pl.DataFrame:
        with duckdb.connect(file, read_only=True) as connection:
            return connection.sql(f"from {name}").pl()

    return read


def on_both(settled: Settled, tables: Sequence[str], session: Any, folder: Path) -> Both:
    """These tables by Spark and by DuckDB; Spark has run the project's checks on what it computed."""
    select = [f"+{name.split('.')[1]}" for name in tables]
    built = build_on_spark(settled.spec, folder, session, select)
    return Both({name: built.table(name) for name in tables}, {name: settled.tables(name) for name in tables})
