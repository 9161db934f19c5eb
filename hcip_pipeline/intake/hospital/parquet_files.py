"""A Parquet file as a table of text cells, provided that nothing is lost in the conversion.

Belongs here: which stored types are allowed for which column, and how they become text. Does not belong here: what a
cell may contain (``edits``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.files.received import HOSPITAL, MAX_COLUMNS
from hcip_pipeline.intake.hospital.file_scan import FileScan
from hcip_pipeline.intake.hospital.headers import Cells, ReadingError, check_columns
from hcip_pipeline.intake.hospital.submission_database import plain_path
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown
from hcip_pipeline.tables.workbooks import CENT_TOLERANCE

_INTEGERS = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
)
_FLOATS = frozenset(("FLOAT", "DOUBLE"))
_TIMES = frozenset(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"))
_ZONED = frozenset(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"))
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})", re.ASCII)
#: Doubles above this many dollars have no exact cents.
_MOST_DOLLARS = 1e13


@dataclass(frozen=True)
class _Stored:
    """How a stored column becomes text: ``text`` and ``is_lossless`` are SQL; ``kind`` describes unusual types."""

    text: str
    is_lossless: str = "true"
    kind: str = ""


def parquet_cells(con: duckdb.DuckDBPyConnection, found: FileScan, table: Table, needed: tuple[str, ...]) -> Cells:
    """Load a Parquet file into ``raw_<table>``; see ``reading.read_cells``."""
    with plain_path(found.path) as path:
        stated = con.execute("select num_rows from parquet_file_metadata(?)", [path]).fetchone() or (0,)
        if stated[0] > HOSPITAL.rows:
            words = f"has {stated[0]:,} rows, more than {HOSPITAL.rows:,}"
            raise ReadingError(Problem("F-TOO-LARGE", words, file=found.name))
        # The schema has a row for its root and one per column (or more for a nested column).
        width = con.execute("select count(*) - 1 from parquet_schema(?)", [path]).fetchone() or (0,)
        if width[0] > MAX_COLUMNS:
            words = f"has {width[0]:,} columns, more than {MAX_COLUMNS:,}"
            raise ReadingError(Problem("F-TOO-LARGE", words, file=found.name))
        described = con.execute("describe select * from read_parquet(?, hive_partitioning=false)", [path]).fetchall()
        stored = [
            str(row[0]).strip().lower()
            for row in con.execute("select name from parquet_schema(?)", [path]).fetchall()[1:]
        ]
        types = {str(row[0]): str(row[1]) for row in described}
        names = {name.strip().lower(): name for name in types}
        repeated = sorted(name for name, times in Counter(stored).items() if times > 1 and name in table.names)
        problems = list(check_columns((*names, *repeated), table, found.name, needed))
        columns = [column for column in table.columns if column.name in names]
        zoned = [column for column in columns if types[names[column.name]] in _ZONED]
        zones = _zones(con, path, [names[column.name] for column in zoned], found.name) if zoned else {}
        how = {column.name: _stored(column, names[column.name], types, zones) for column in columns}
        empty, lossless = _examined(con, path, names, how)
        wrong = [
            Problem("F-COLUMN-TYPE", f"the column {name} is {shown(types[names[name]])}{why}", file=found.name)
            for name, stored_as in how.items()
            if name not in empty and (why := _refusal(stored_as, name in lossless)) is not None
        ]
        if wrong:
            raise ReadingError(*wrong)
        reported = [f"{name} ({s.kind})" for name, s in how.items() if s and s.kind and name not in empty]
        if reported:
            problems.append(Problem("F-PARQUET-TYPE", f"read without loss: {', '.join(reported)}", file=found.name))
        texts = {name: s.text for name, s in how.items() if s and name not in empty}
        cells = ", ".join(f"{texts.get(name, 'null::varchar')} as {name}" for name in table.names)
        con.execute(
            f"create or replace table raw_{table.name} as select file_row_number + 2 as row, {cells}"
            " from read_parquet(?, hive_partitioning=false, file_row_number=true)",
            [path],
        )
    rows = con.execute(f"select count(*) from raw_{table.name}").fetchone() or (0,)
    if rows[0] == 0:
        raise ReadingError(Problem("F-NO-ROWS", "has columns but no rows", file=found.name))
    control = " or ".join(
        rf"coalesce(regexp_matches({column.name}, '[\x00-\x1f\x7f]'), false)"
        for column in columns
        if types[names[column.name]] == "VARCHAR"
    )
    listed = ", ".join(table.names)
    return Cells(
        f"select row, true as shape_ok, {control or 'false'} as has_control, {listed} from raw_{table.name}",
        tuple(names),
        tuple(problems),
    )


def _refusal(stored: _Stored | None, is_lossless: bool) -> str | None:
    if stored is None:
        return ""
    return None if is_lossless else f", and its values would change if read as {stored.kind}"


def _stored(column: Column, name: str, types: dict[str, str], zones: dict[str, str]) -> _Stored | None:
    """How the column is read; None if its type is not allowed."""
    kind = types[name].split("(")[0].strip()
    cell = '"' + name.replace('"', '""') + '"'
    is_level = bool(column.allowed) and all(code.isdigit() and len(code) == 1 for code in column.allowed)
    if kind in ("VARCHAR", "ENUM"):
        return _Stored(f"trim(cast({cell} as varchar))")
    if column.type == "date":
        if kind == "DATE":
            return _Stored(f"cast({cell} as varchar)")
        if kind in _TIMES or kind in _ZONED:
            local = zones[name].format(cell) if kind in _ZONED else cell
            return _Stored(f"cast(cast({local} as date) as varchar)", f"{local} = date_trunc('day', {local})", "dates")
    if column.type == "money" and (kind in _FLOATS or kind == "DECIMAL"):
        value = f"case when isnan({cell}) then null else {cell} end" if kind in _FLOATS else cell
        cents = f"cast(cast(round({value}, 2) as decimal(38,2)) as varchar)"
        if kind == "DECIMAL":
            return _Stored(cents, f"{cell} = round({cell}, 2)", "" if types[name].endswith(",2)") else "dollars")
        whole = f"abs({value} - round({value}, 2)) <= {CENT_TOLERANCE} and abs({value}) < {_MOST_DOLLARS}"
        return _Stored(cents, whole, "dollars")
    if column.type == "integer" or is_level:
        if kind in _INTEGERS:
            return _Stored(f"cast({cell} as varchar)", kind="" if column.type == "integer" else "codes")
        if kind in _FLOATS or kind == "DECIMAL":
            value = f"case when isnan({cell}) then null else {cell} end" if kind in _FLOATS else cell
            whole = f"{value} = round({value}, 0) and abs({value}) < {_MOST_DOLLARS}"
            return _Stored(f"cast(cast({value} as bigint) as varchar)", whole, "whole numbers")
    return None


def _examined(
    con: duckdb.DuckDBPyConnection, path: str, names: dict[str, str], how: dict[str, _Stored | None]
) -> tuple[set[str], set[str]]:
    """Columns without any value, and columns whose values all convert without loss."""
    asked = [name for name, stored in how.items() if stored is None or stored.is_lossless != "true"]
    lossless = set(how) - set(asked)
    if not asked:
        return set(), lossless
    stated = []
    for name in asked:
        cell, stored = '"' + names[name].replace('"', '""') + '"', how[name]
        stated.append(f"count({cell}) = 0")
        stated.append(f"coalesce(bool_and({stored.is_lossless}), true)" if stored else "false")
    row = con.execute(f"select {', '.join(stated)} from read_parquet(?, hive_partitioning=false)", [path]).fetchone()
    assert row is not None  # an aggregate always has a row
    empty = {name for name, is_empty in zip(asked, row[::2], strict=True) if is_empty}
    return empty, lossless | {name for name, survives in zip(asked, row[1::2], strict=True) if survives}


def _zones(con: duckdb.DuckDBPyConnection, path: str, names: list[str], file: str) -> dict[str, str]:
    """SQL of the local time, with a placeholder for the cell, for each column that has a time zone.

    Args:
        names: names of these columns in the file.

    Raises:
        ReadingError: the zone of a column is missing or unknown; a wrong one would shift its days.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        words = "the time zones of its columns cannot be read"
        raise ReadingError(Problem("F-UNREADABLE", words, file=file)) from None
    known = {row[0] for row in con.execute("select name from pg_timezone_names()").fetchall()}
    local: dict[str, str] = {}
    unknown = []
    for name in names:
        stored = schema.field(name).type
        zone = stored.tz if pa.types.is_timestamp(stored) else None
        if offset := _OFFSET.fullmatch(zone or ""):
            minutes = int(offset[2]) * 60 + int(offset[3])
            local[name] = f"(timezone('UTC', {{}}) {offset[1]} interval {minutes} minute)"
        elif zone in known:
            local[name] = f"timezone('{zone}', {{}})"
        else:
            words = f"the column {shown(name.strip().lower())} has times in the unknown time zone '{shown(zone or '')}'"
            unknown.append(Problem("F-COLUMN-TYPE", words, file=file))
    if unknown:
        raise ReadingError(*unknown)
    return local
