"""A scanned file as a table of text cells in DuckDB.

Belongs here: the header line, how a line becomes cells. Does not belong here: Parquet (``parquet_files``), what a cell
may contain (``edits``).

A CSV file is read line by line as one column, and the lines are split into cells in SQL. So every row keeps its line
number, a malformed row affects no other, and nothing is changed on reading.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import duckdb

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital.file_scan import FileScan
from hcip_pipeline.intake.hospital.headers import Cells, ReadingError, check_columns
from hcip_pipeline.intake.hospital.parquet_files import parquet_cells
from hcip_pipeline.intake.hospital.submission_database import plain_path
from hcip_pipeline.rules.problem import Problem

#: A line longer than this is not a row of these tables.
MAX_LINE_BYTES = 2_000_000

#: Delimiters, and how messages name them.
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
#: Number of lines searched for the header, to report a title above it.
_TITLE_LINES = 20


def read_cells(con: duckdb.DuckDBPyConnection, found: FileScan, table: Table, needed: tuple[str, ...] = ()) -> Cells:
    """Load a file into ``raw_<table>`` and return how to select its cells.

    Args:
        needed: optional columns of the contract that this policy requires.

    Raises:
        ReadingError: the file cannot be read, or a column is missing, repeated or of a wrong type.
    """
    if found.problem is not None:
        raise ReadingError(found.problem)
    try:
        return parquet_cells(con, found, table, needed) if found.is_parquet else _csv(con, found, table, needed)
    except duckdb.Error as error:  # the engine's message may quote a row
        reason = (
            "contains a line that is far too long"
            if "max_line_size" in str(error) or "Maximum line" in str(error)
            else "cannot be read"
        )
        raise ReadingError(Problem("F-UNREADABLE", reason, file=found.name)) from None


def _csv(con: duckdb.DuckDBPyConnection, found: FileScan, table: Table, needed: tuple[str, ...]) -> Cells:
    header = _header(found, table)
    problems = (*found.noted, *header.noted, *check_columns(header.names, table, found.name, needed))
    separator = next((chr(code) for code in (1, 2, 3, 4, 5, 6, 28, 29, 30, 31) if code not in found.controls), None)
    if separator is None:
        raise ReadingError(Problem("F-UNREADABLE", "is binary, not text", file=found.name))
    packed = "gzip" if found.path.suffix.lower() == ".gz" else "none"
    with plain_path(found.path) as path:
        con.execute(
            f"create or replace table raw_{table.name} as select line from read_csv(?, auto_detect=false, delim=?,"
            f" quote='', escape='', header=false, columns={{'line': 'varchar'}}, compression='{packed}',"
            f" max_line_size={MAX_LINE_BYTES})",
            [path, separator],
        )
    filled = "nullif(trim(line), '')" if found.has_padding else "line"
    lines = con.execute(f"select count(*), count({filled}) from raw_{table.name}").fetchone() or (0, 0)
    if lines[0] != found.lines:
        raise ReadingError(Problem("F-UNREADABLE", "does not consist of lines of text", file=found.name))
    if lines[1] <= 1:
        raise ReadingError(Problem("F-NO-ROWS", "has a header but no rows", file=found.name))
    return Cells(csv_sql(table, header, found), header.names, problems, has_lines=True)


def csv_sql(table: Table, header: Header, found: FileScan) -> str:
    """SQL that splits the lines of ``raw_<table>`` into cells."""
    sign = header.delimiter
    split = _split(sign, has_quotes=found.has_quotes)
    if found.has_padding or sign != ",":
        split = f"list_transform({split}, lambda cell: trim(cell))"
    cells = ", ".join(_listed(column.name, header.names) for column in table.columns)
    text = f"replace(line, {_quoted(sign)}, '')" if sign == "\t" else "line"
    strange = found.controls - {ord(sign)}
    control = rf"regexp_matches({text}, '[\x00-\x1f\x7f]')" if strange else "false"
    filled = "trim(line) <> ''" if found.has_padding else "line is not null"
    around = f"{_quoted(sign)} || line || {_quoted(sign)}"
    bare = f"case when contains(line, '\"') then {_without_empty_quotes(sign)} else {around} end"
    lines = f"select rowid + 1 as row, line{f', {bare} as bare' if found.has_quotes else ''} from raw_{table.name}"
    return (
        f"select row, coalesce(len(l) = {len(header.names)}, false) as shape_ok, {control} as has_control, {cells}"
        f" from (select row, line, {split} as l from ({lines} where rowid > {header.row - 1} and {filled}))"
    )


def _listed(name: str, names: tuple[str, ...]) -> str:
    return f"l[{names.index(name) + 1}] as {name}" if name in names else f"null::varchar as {name}"


def _quoted(sign: str) -> str:
    return "chr(9)" if sign == "\t" else f"'{sign}'"


def _without_empty_quotes(sign: str) -> str:
    """The line between two delimiters, without ``""`` between delimiters; done twice because neighbors share one."""
    mark = _quoted(sign)
    empty, gone = f"{mark} || '\"\"' || {mark}", f"{mark} || {mark}"
    return f"replace(replace({mark} || line || {mark}, {empty}, {gone}), {empty}, {gone})"


def _split(sign: str, *, has_quotes: bool) -> str:
    """SQL over line and bare for the list of cells; null if the quotes do not follow RFC 4180."""
    mark = _quoted(sign)
    if not has_quotes:
        return f"string_split(line, {mark})"
    cell = rf'("(?:[^"]|"")*"|[^"\x{ord(sign):02x}]*)'
    between = rf"\x{ord(sign):02x}"
    # Cheapest first: quotes only around empty cells; every cell quoted, none with a quote inside; all of RFC 4180.
    joint = f"'\"' || {mark} || '\"'"
    all_quoted = "line[1] = '\"' and line[-1] = '\"' and length(line) > 1"
    all_quoted += f" and not contains(replace(line, {joint}, '')[2:-2], '\"')"
    well_formed = f"regexp_full_match(line, '{cell}(?:{between}{cell})*')"  # their number is checked later
    unquote = "case when cell[1] = '\"' then replace(cell[2:-2], '\"\"', '\"') else cell end"
    return (
        f"case when not contains(bare, '\"') then string_split(bare[2:-2], {mark})"
        f" when {all_quoted} then string_split(line[2:-2], {joint})"
        f" when {well_formed}"
        f" then list_transform(regexp_extract_all({mark} || line, '{between}{cell}', 1), lambda cell: {unquote})"
        " end"
    )


@dataclass(frozen=True)
class Header:
    """The header line: lowercase names, their delimiter, the line number, and problems to report."""

    names: tuple[str, ...]
    delimiter: str
    noted: tuple[Problem, ...] = ()
    row: int = 1


def _header(found: FileScan, table: Table) -> Header:
    """The first line that is not blank, as a header.

    Raises:
        ReadingError: it is not a header, or the header is below it.
    """
    lines = [line.rstrip(b"\r") for line in found.head.split(b"\n")[:_TITLE_LINES]]
    row, line = next(((n, line) for n, line in enumerate(lines, start=1) if line.strip(b' ,;\t|"')), (1, found.header))
    names, delimiter = _cut_header(line, table)
    if names is None:
        raise ReadingError(Problem("F-HEADER", "the first line cannot be read as a header", file=found.name, row=row))
    if _known(names, table) * 2 < len(table.columns):
        for below, title in enumerate(lines[row:], start=row + 1):
            if _known(_cut_header(title, table)[0] or (), table) * 2 >= len(table.columns):
                raise ReadingError(
                    Problem("F-TITLE-ROW", f"the header is in line {below}, below a title", file=found.name, row=row)
                )
    noted = []
    if delimiter != ",":
        noted.append(Problem("F-DELIMITER", f"cells are separated by {DELIMITERS[delimiter]}", file=found.name))
    if any(name != name.lower() and name.lower() in table.names for name in names):
        noted.append(Problem("F-LETTER-CASE", "column names are read as lowercase", file=found.name, row=row))
    return Header(tuple(name.lower() for name in names), delimiter, tuple(noted), row)


def _cut_header(line: bytes, table: Table) -> tuple[tuple[str, ...] | None, str]:
    """The names of a header, split by the delimiter that finds most of the table's columns."""
    best: tuple[str, ...] | None = None
    chosen = ","
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([line.decode("utf-8")], delimiter=delimiter, strict=True), [])
        except (csv.Error, UnicodeDecodeError):
            continue
        names = tuple(cell.strip() for cell in cells)
        if best is None or _known(names, table) > _known(best, table):
            best, chosen = names, delimiter
    return best, chosen


def _known(names: tuple[str, ...], table: Table) -> int:
    return sum(name.lower() in table.names for name in names)
