"""Counts and sums over a finished build for the UI, from one read-only connection that is closed at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

#: mart -> name of a figure -> its SQL; the UI plots each over the partitions
FIGURES = {
    "incentives": {
        "calculated incentive": "sum(calculated_incentive)",
        "final incentive": "sum(final_incentive)",
        "payable": "sum(final_incentive) filter (status = 'PAYABLE')",
        "held": "sum(final_incentive) filter (status = 'HELD')",
        "care partners paid": "count(*) filter (status = 'PAYABLE')",
        "care partners held": "count(*) filter (status = 'HELD')",
    },
    "savings": {
        "potential savings, all physicians": "sum(potential_savings) filter (scope = 'all')",
        "internal savings, all physicians": "sum(internal_savings) filter (scope = 'all')",
        "internal savings, care partners": "sum(internal_savings) filter (scope = 'participating')",
    },
    "incentive_cases": {
        "cost": "sum(cost)",
        "performance incentive": "sum(performance_incentive)",
        "length of stay, days": "sum(length_of_stay)",
    },
    "improvement": {"improvement incentive": "sum(improvement_incentive)"},
    "distribution_limits": {
        "incentives before the limit": "sum(incentives_before_limit)",
        "incentives after the limit": "sum(incentives_after_limit)",
    },
    "norms": {"cells with a norm": "count(*) filter (best_practice_norm is not null)"},
    "exclusions": {"cases excluded": "sum(cases)", "cost excluded": "sum(cost)"},
}


@dataclass(frozen=True)
class Measure:
    """A table's number of rows, its columns with their types, and its figures by name."""

    rows: int
    columns: tuple[tuple[str, str], ...]
    figures: dict[str, Decimal]


def measure(file: Path, tables: Collection[str]) -> dict[str, Measure]:
    """Measure the named tables and views; those that do not exist are left out."""
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
        figures: dict[str, dict[str, Decimal]] = {}
        for name in FIGURES.keys() & found.keys():
            counted = ", ".join(f"coalesce({expression}, 0)" for expression in FIGURES[name].values())
            row = connection.execute(f'select {counted} from "{schemas[name]}"."{name}"').fetchone()
            figures[name] = dict(zip(FIGURES[name], row or (), strict=True))
    return {name: Measure(count, tuple(found[name]), figures.get(name, {})) for name, count in counts}
