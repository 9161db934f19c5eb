"""The claims models, rendered as dbt renders them and run in DuckDB, for fast queries of many small histories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.cms import TABLES
from hcip_pipeline.parsed_sql import execute
from hcip_pipeline.warehouse.project import PROJECT
from tests.macros import ARITHMETIC, environment, macro_text

_FOLDERS = ("staging/cms", "intermediate/claims")
#: measures from claims, and their windows
_MEASURED = (
    "staging/run/stg_windows", "intermediate/quality/measures/int_beneficiary_areas",
    "intermediate/quality/readmissions/int_medicare_returns", "intermediate/quality/measures/int_medicare_counts",
    "intermediate/quality/measures/int_medicare_measures",
)  # fmt: skip
#: the base year's statewide all-payer rate, which no Medicare measure uses
_GIVEN = {"int_quality_state": "select cast(null as decimal(18, 8)) as base_rate"}


@cache
def _models() -> dict[str, str]:
    """Model name -> SQL, each after the models it refers to."""
    macros = macro_text(*ARITHMETIC, "claims", "episodes", "quality")
    rendered = environment().from_string
    paths = [path for folder in _FOLDERS for path in sorted((PROJECT / "models" / folder).glob("*.sql"))]
    paths += [PROJECT / "models" / f"{name}.sql" for name in _MEASURED]
    sources = _GIVEN | {path.stem: path.read_text(encoding="utf-8") for path in paths}
    needs = {name: set(re.findall(r"ref\('(\w+)'\)", sql)) for name, sql in sources.items()}
    for name in ("int_professional_lines", "int_changed_redeliveries"):
        needs[name] |= {"stg_part_b_lines", "stg_equipment_lines"}
    own = {name for name, wanted in needs.items() if wanted <= set(sources)}
    ordered: dict[str, str] = {}
    while own - ordered.keys():
        name = min(n for n in own - ordered.keys() if needs[n] <= ordered.keys())
        ordered[name] = rendered(macros + sources[name]).render(
            ref=lambda model: model, source=lambda _, table: f"lake.{table}", config=lambda **_: ""
        )
    return ordered


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory warehouse with every claims model as a view over empty lake tables."""
    connection = duckdb.connect()
    connection.execute("create schema lake")
    for name, table in (TABLES | {"windows": LAKE_SOURCES["windows"]}).items():
        execute(connection, f"create table lake.{name} as {table.empty_select()}")
    for name, sql in _models().items():
        execute(connection, f"create view {name} as {sql}")
    return connection


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Mapping[str, Any]] | pl.DataFrame) -> None:
    """Replace the rows of a lake table; columns that are not given are null."""
    declared = TABLES[table].schema
    if not isinstance(rows, pl.DataFrame):
        rows = pl.DataFrame([{name: row.get(name) for name in declared} for row in rows], schema=declared, orient="row")
    connection.execute(f"truncate lake.{table}")
    connection.register("incoming", rows.select(list(declared)).to_arrow())
    connection.execute(f"insert into lake.{table} select * from incoming")
    connection.unregister("incoming")


def empty(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete every row."""
    for name in TABLES:
        connection.execute(f"truncate lake.{name}")


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return connection.sql(query).pl().to_dicts()
