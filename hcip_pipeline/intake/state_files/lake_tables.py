"""Tables with the lake's and the reference tables' contracts, as Parquet, from rows that were judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from hcip_pipeline.contracts.table import Table


def described(key: str, labels: tuple[str, ...], rows: str = "accepted") -> str:
    """SQL for every ``key`` with its most frequent value of each label; of tied values, the first in order."""
    found = f"(select distinct {key} from {rows} where {key} is not null)"
    for label in labels:
        found += f""" left join (
            select {key}, {label} from {rows} where {label} is not null group by {key}, {label}
            qualify row_number() over (partition by {key} order by count(*) desc, {label}) = 1
        ) using ({key})"""
    return found


def write_contract(
    database: duckdb.DuckDBPyConnection,
    table: Table,
    cells: Mapping[str, str],
    rows: str,
    into: Path,
    name: str,
    *,
    is_ordered: bool = False,
) -> None:
    """Write ``rows`` in the contract's columns, order and types; a column not named in ``cells`` is null.

    Args:
        is_ordered: whether the rows are already in the order of the file, which saves sorting tens of millions.
    """
    select = ", ".join(f"cast({cells.get(c.name, 'null')} as {c.sql_type}) as {c.name}" for c in table.columns)
    order = "source_row" if "source_row" in table.names else ", ".join(table.key)
    ordered = "" if is_ordered else f" order by {order}"
    write(database, f"select {select} from {rows}{ordered}", into / f"{name}.parquet")


def write_quarantine(database: duckdb.DuckDBPyConnection, into: Path, name: str, tables: tuple[str, ...]) -> None:
    """Write the quarantined rows, each with its file, line, rule and the shape of the cell."""
    rows = " union all ".join(f"from {table}" for table in tables)
    write(
        database,
        f"""select file, source_row as row, column_name as "column", rule, redacted_value as value
        from ({rows}) order by file, source_row, rule""",
        into / f"{name}.parquet",
    )


def write(database: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    """Write the result of a query; the file appears once it is complete."""
    temporary = target.with_name(f".{target.name}.writing")
    escaped = str(temporary).replace("'", "''")
    database.execute(f"copy ({select}) to '{escaped}' (format parquet, compression zstd)")
    temporary.replace(target)
