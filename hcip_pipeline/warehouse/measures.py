"""Counts over a finished build, for people to look at; one read-only connection, closed at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

#: mart -> money columns whose total means something
DOLLAR_TOTALS = {
    "incentives": ("calculated_incentive", "final_incentive"),
    "savings": (),
}


@dataclass(frozen=True)
class Measure:
    """A table's rows, its columns with their types, and its dollar totals by column."""

    rows: int
    columns: tuple[tuple[str, str], ...]
    dollars: dict[str, Decimal]


def measure(file: Path, tables: Collection[str]) -> dict[str, Measure]:
    """Measure the named tables and views; those that are not there are left out."""
    with duckdb.connect(file, read_only=True) as connection:
        found: dict[str, list[tuple[str, str]]] = {}
        schemas: dict[str, str] = {}
        described = connection.execute(
            "select schema_name, table_name, column_name, lower(data_type) from duckdb_columns()"
            " where not internal and schema_name in ('staging', 'intermediate', 'marts') order by all"
        ).fetchall()
        for schema, table, column, sql_type in described:
            if table in tables:
                schemas[table] = schema
                found.setdefault(table, []).append((column, sql_type))
        if not found:
            return {}
        names = sorted(found)
        counts = connection.execute(
            " union all ".join(f'select \'{name}\', count(*) from "{schemas[name]}"."{name}"' for name in names)
        ).fetchall()
        dollars: dict[str, dict[str, Decimal]] = {}
        for name, columns in DOLLAR_TOTALS.items():
            present = [column for column in columns if (column in dict(found.get(name, ())))]
            if present:
                sums = ", ".join(f'coalesce(sum("{column}"), 0)' for column in present)
                row = connection.execute(f'select {sums} from "{schemas[name]}"."{name}"').fetchone()
                dollars[name] = dict(zip(present, row or (), strict=True))
    return {name: Measure(count, tuple(found[name]), dollars.get(name, {})) for name, count in counts}
