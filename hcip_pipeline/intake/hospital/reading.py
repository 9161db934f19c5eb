"""A surveyed file as a table of cells, every one of them text, in DuckDB.

Belongs here: headers, how a line becomes cells, Parquet types. Does not belong here: what a cell may say (``edits``).

A CSV file is read line by line as one column, and the lines are cut into cells in SQL: so every row keeps the number
of its line, a malformed one spoils nothing but itself, and what was read is exactly what was there.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hcip_pipeline.contracts.table import ColumnType, Table
from hcip_pipeline.intake.hospital.folders import shown
from hcip_pipeline.intake.hospital.rules import Problem
from hcip_pipeline.intake.hospital.survey import Survey
from hcip_pipeline.received_files import HOSPITAL, MAX_COLUMNS

#: A line longer than this is no row of these tables.
MAX_LINE_BYTES = 2_000_000

_CELL = r'("(?:[^"]|"")*"|[^",]*)'
#: The line between two commas, ``""`` between commas taken away: twice, for neighbours share a comma.
_WITHOUT_EMPTY_QUOTES = "replace(replace(',' || line || ',', ',\"\",', ',,'), ',\"\",', ',,')"
_TYPES: dict[ColumnType, tuple[str, ...]] = {
    "text": ("VARCHAR",),
    "date": ("VARCHAR", "DATE"),
    "money": ("VARCHAR", "DECIMAL"),
    "integer": ("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
}


class ReadingError(Exception):
    """The file refuses the submission."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True)
class Cells:
    """A file as SQL: ``sql`` selects row (its line), shape_ok, has_control and the contract's columns as text."""

    sql: str
    columns: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_cells(con: duckdb.DuckDBPyConnection, found: Survey, table: Table, needed: tuple[str, ...] = ()) -> Cells:
    """Load a file into ``raw_<table>`` and say how its cells are selected.

    Args:
        needed: optional columns of the contract that this policy needs all the same.

    Raises:
        ReadingError: the file cannot be read, or a column is missing, repeated or of a wrong type.
    """
    if found.problem is not None:
        raise ReadingError(found.problem)
    try:
        return _parquet(con, found, table, needed) if found.is_parquet else _csv(con, found, table, needed)
    except duckdb.Error as error:  # the engine's own words may quote a row
        reason = (
            "holds a line that is far too long"
            if "max_line_size" in str(error) or "Maximum line" in str(error)
            else "cannot be read"
        )
        raise ReadingError(Problem("F-UNREADABLE", reason, found.name)) from None


@contextmanager
def plain_path(path: Path) -> Iterator[str]:
    """The path as the engine takes it literally: a name with glob signs is reached through a link without them."""
    if not any(sign in str(path) for sign in "*?[]{}"):
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="hcip-") as folder:
        link = Path(folder) / f"file{path.suffix}"
        link.symlink_to(path.absolute())
        yield str(link)


def _csv(con: duckdb.DuckDBPyConnection, found: Survey, table: Table, needed: tuple[str, ...]) -> Cells:
    names = _header(found)
    problems = check_columns(names, table, found.name, needed)
    delimiter = next((chr(code) for code in (1, 2, 3, 4, 5, 6, 28, 29, 30, 31) if code not in found.controls), None)
    if delimiter is None:
        raise ReadingError(Problem("F-UNREADABLE", "is binary, not text", found.name))
    packed = "gzip" if found.path.suffix == ".gz" else "none"
    with plain_path(found.path) as path:
        con.execute(
            f"create or replace table raw_{table.name} as select line from read_csv(?, auto_detect=false, delim=?,"
            f" quote='', escape='', header=false, columns={{'line': 'varchar'}}, compression='{packed}',"
            f" max_line_size={MAX_LINE_BYTES})",
            [path, delimiter],
        )
    filled = "nullif(trim(line), '')" if found.has_padding else "line"
    lines = con.execute(f"select count(*), count({filled}) from raw_{table.name}").fetchone() or (0, 0)
    if lines[0] != found.lines:
        raise ReadingError(Problem("F-UNREADABLE", "is not made of lines of text", found.name))
    if lines[1] <= 1:
        raise ReadingError(Problem("F-NO-ROWS", "has a header and no rows", found.name))
    return Cells(_csv_sql(found, table, names), names, problems)


def _csv_sql(found: Survey, table: Table, names: tuple[str, ...]) -> str:
    split = _split(found.has_quotes)
    if found.has_padding:
        split = f"list_transform({split}, lambda cell: trim(cell))"
    cells = ", ".join(_listed(column.name, names) for column in table.columns)
    control = r"regexp_matches(line, '[\x00-\x1f\x7f]')" if found.controls else "false"
    filled = "trim(line) <> ''" if found.has_padding else "line is not null"
    bare = f"case when contains(line, '\"') then {_WITHOUT_EMPTY_QUOTES} else ',' || line || ',' end"
    lines = f"select rowid + 1 as row, line{f', {bare} as bare' if found.has_quotes else ''} from raw_{table.name}"
    return (
        f"select row, coalesce(len(l) = {len(names)}, false) as shape_ok, {control} as has_control, {cells}"
        f" from (select row, line, {split} as l from ({lines} where rowid > 0 and {filled}))"
    )


def _listed(name: str, names: tuple[str, ...]) -> str:
    return f"l[{names.index(name) + 1}] as {name}" if name in names else f"null::varchar as {name}"


def _split(has_quotes: bool) -> str:
    """How a line becomes a list of cells: null where quotes are not as RFC 4180 has them (SQL over line and bare)."""
    if not has_quotes:
        return "string_split(line, ',')"
    # Cheapest first: quotes round empty cells only; every cell quoted, none with a quote inside; RFC 4180 in full.
    all_quoted = "line[1] = '\"' and line[-1] = '\"' and length(line) > 1"
    all_quoted += " and not contains(replace(line, '\",\"', '')[2:-2], '\"')"
    well_formed = f"regexp_full_match(line, '{_CELL}(?:,{_CELL})*')"  # how many there are is looked at afterward
    unquote = "case when cell[1] = '\"' then replace(cell[2:-2], '\"\"', '\"') else cell end"
    return (
        "case when not contains(bare, '\"') then string_split(bare[2:-2], ',')"
        f" when {all_quoted} then string_split(line[2:-2], '\",\"')"
        f" when {well_formed}"
        f" then list_transform(regexp_extract_all(',' || line, ',{_CELL}', 1), lambda cell: {unquote})"
        " end"
    )


def _header(found: Survey) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([found.header.decode("utf-8")], strict=True), [])
    except (csv.Error, UnicodeDecodeError):
        raise ReadingError(Problem("F-HEADER", "the first line cannot be read as a header", found.name, 1)) from None
    return tuple(cell.strip() for cell in cells)


def check_columns(names: tuple[str, ...], table: Table, file: str, needed: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    """Judge a header; what is only said is returned.

    Raises:
        ReadingError: no header at all, a column missing or repeated.
    """
    if len(names) > MAX_COLUMNS:
        raise ReadingError(Problem("F-TOO-LARGE", f"has {len(names):,} columns, more than {MAX_COLUMNS:,}", file, 1))
    must = [column.name for column in table.columns if not column.optional or column.name in needed]
    missing = [name for name in must if name not in names]
    unknown = [name for name in names if name not in table.names]
    if len(missing) * 2 > len(must):
        # So little of it is known that its cells may be a patient's: none of them is shown.
        hint = next(
            (word for sign, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")) if sign in "".join(names)), ""
        )
        if hint and len(names) == 1:
            raise ReadingError(Problem("F-DELIMITER", f"cells are separated by {hint}, not commas", file, 1))
        lower = sum(name.lower() in table.names for name in unknown)
        if lower * 2 > len(must):
            raise ReadingError(Problem("F-COLUMN-MISSING", "column names must be written in lower case", file, 1))
        raise ReadingError(
            Problem(
                "F-COLUMN-MISSING",
                f"the first line is not the header: {len(missing)} of {len(must)} columns are missing",
                file,
                1,
            )
        )
    repeated = sorted(name for name, times in Counter(names).items() if times > 1 and name in table.names)
    wrong = [Problem("F-COLUMN-MISSING", f"the column {name} is missing", file, 1) for name in missing]
    wrong += [Problem("F-COLUMN-REPEATED", f"the column {name} stands twice", file, 1) for name in repeated]
    if wrong:
        raise ReadingError(*wrong)
    return tuple(
        Problem("F-COLUMN-UNKNOWN", f"the column '{shown(name)}' is unknown and ignored", file, 1)
        for name in unknown[:20]
    )


def _parquet(con: duckdb.DuckDBPyConnection, found: Survey, table: Table, needed: tuple[str, ...]) -> Cells:
    with plain_path(found.path) as path:
        stated = con.execute("select num_rows from parquet_file_metadata(?)", [path]).fetchone() or (0,)
        if stated[0] > HOSPITAL.rows:
            words = f"states {stated[0]:,} rows, more than {HOSPITAL.rows:,}"
            raise ReadingError(Problem("F-TOO-LARGE", words, found.name))
        # The schema's rows: its root, and one a column (or more of one that is nested).
        width = con.execute("select count(*) - 1 from parquet_schema(?)", [path]).fetchone() or (0,)
        if width[0] > MAX_COLUMNS:
            words = f"has {width[0]:,} columns, more than {MAX_COLUMNS:,}"
            raise ReadingError(Problem("F-TOO-LARGE", words, found.name))
        described = con.execute("describe select * from read_parquet(?, hive_partitioning=false)", [path]).fetchall()
        stored = con.execute("select name from parquet_schema(?)", [path]).fetchall()
        types = {str(row[0]): str(row[1]) for row in described}
        repeated = [str(name) for (name,), times in Counter(stored).items() if times > 1]
        problems = check_columns(
            (*types, *(name for name in set(repeated) if name in table.names)), table, found.name, needed
        )
        wrong = [
            Problem("F-COLUMN-TYPE", f"the column {column.name} is {shown(types[column.name])}", found.name)
            for column in table.columns
            if column.name in types and types[column.name].split("(")[0].strip() not in _TYPES[column.type]
        ]
        if wrong:
            raise ReadingError(*wrong)
        cells = ", ".join(
            f'trim(cast("{column.name}" as varchar)) as {column.name}'
            if column.name in types
            else f"null::varchar as {column.name}"
            for column in table.columns
        )
        con.execute(
            f"create or replace table raw_{table.name} as select file_row_number + 2 as row, {cells}"
            " from read_parquet(?, hive_partitioning=false, file_row_number=true)",
            [path],
        )
    rows = con.execute(f"select count(*) from raw_{table.name}").fetchone() or (0,)
    if rows[0] == 0:
        raise ReadingError(Problem("F-NO-ROWS", "has columns and no rows", found.name))
    control = " or ".join(
        rf"coalesce(regexp_matches({column.name}, '[\x00-\x1f\x7f]'), false)"
        for column in table.columns
        if types.get(column.name) == "VARCHAR"
    )
    names = ", ".join(table.names)
    return Cells(
        f"select row, true as shape_ok, {control or 'false'} as has_control, {names} from raw_{table.name}",
        tuple(types),
        problems,
    )
