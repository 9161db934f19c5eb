"""Selected columns of a national list, which may have hundreds of columns and millions of rows.

Belongs here: reading a few columns by name from a file of any size and shape. Does not belong here: what the cells
mean (``leie``, ``nppes``, ``order_and_referring``).

A file of up to 64 MiB is read like every table that people maintain (``tables.tabular``): workbooks, other delimiters,
Windows-1252. A larger one must be CSV, plain or gzip; DuckDB reads it and keeps only the selected columns in memory.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import duckdb
import polars as pl

from hcip_pipeline.files.received import TABLE, WIDE_LIST, NotReceivedError, open_file, require_file, sha256_of
from hcip_pipeline.rules.problem import Problem, tally
from hcip_pipeline.tables.cell_habits import LOST_DIGITS
from hcip_pipeline.tables.refusals import LISTED_PER_RULE, TableRefusedError
from hcip_pipeline.tables.table_shapes import delimiter_of
from hcip_pipeline.tables.tabular import LINE, read_text_table

_FIRST_BYTES, _ROWS_AT_ONCE = 256 * 1024, 500_000
_CSV_LINE = re.compile(r"Line:\s*([0-9]+)")


@dataclass(frozen=True)
class ListColumns:
    """The selected columns of a list.

    Attributes:
        frame: the columns as text, stripped, empty cells null, in the file's order; and ``LINE``, the row of the file.
        columns: all names of the file's header, in lower case.
        rows: number of rows of the file.
    """

    frame: pl.DataFrame
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str


def read_list_columns(
    path: Path,
    needed: Sequence[str],
    wanted: Sequence[str] = (),
    within: Path | None = None,
    keep: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows,
) -> ListColumns:
    """Columns of a list by name, in any letter case.

    Args:
        needed: names in lower case; a list that lacks one is refused.
        wanted: names that are read if the list has them, and otherwise null.
        within: the folder that no link may lead out of.
        keep: selects the wanted rows of each part of the file; the others are counted but not kept in memory.

    Raises:
        TableRefusedError: the file cannot be read, is over a size limit, or lacks a column.
    """
    try:
        size = require_file(path, WIDE_LIST, within=within, links=False).st_size
        if _is_large(path, size):
            return _read_large(path, needed, wanted, keep)
    except NotReceivedError as error:
        _refuse(path, Problem(error.rule, error.message))
    text = read_text_table(path, within)
    _require_columns(path, text.header, needed)
    rows = keep(_named(text.frame, text.header, (*needed, *wanted)))
    return ListColumns(rows, text.header, text.frame.height, text.bytes, text.sha256)


def read_npis(path: Path, rows: pl.DataFrame, column: str = "npi") -> pl.DataFrame:
    """The rows with their NPIs as ten digits; null for anything else (``0000000000`` means unknown).

    No one here can correct a national list, so an NPI that cannot be read is not an error.

    Raises:
        TableRefusedError: a spreadsheet has lost the digits of NPIs (``1.9E+09``).
    """
    lost = rows.filter(pl.col(column).str.contains(LOST_DIGITS))
    if lost.height:
        refuse_cells(path, "DIGITS-LOST", column, lost, "the spreadsheet has lost digits of the NPI")
    digits = pl.col(column).str.replace_all(r"\s", "").str.replace(r"\.0+$", "").str.zfill(10)
    is_npi = digits.str.contains("^[0-9]{10}$") & (digits != "0" * 10)
    return rows.with_columns(pl.when(is_npi).then(digits).alias(column))


def refuse_cells(path: Path, rule: str, column: str, rows: pl.DataFrame, words: str) -> NoReturn:
    """Refuse a file for the cells of ``rows``, naming the first ones. Raises TableRefusedError."""
    lines = rows.get_column(LINE).head(LISTED_PER_RULE)
    raise TableRefusedError(path, [Problem(rule, words, line, column) for line in lines], Counter({rule: rows.height}))


def _is_large(path: Path, size: int) -> bool:
    """Whether the file is larger than a table that people maintain; lists compress to a tenth or less."""
    name = path.name.lower()
    return (name.endswith(".csv") and size > TABLE.bytes) or (name.endswith(".csv.gz") and size > TABLE.bytes // 40)


def _named(frame: pl.DataFrame, header: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    given = [pl.col(n) if n in header else pl.lit(None, dtype=pl.String).alias(n) for n in dict.fromkeys(names)]
    return frame.select(*given, LINE)


def _read_large(
    path: Path, needed: Sequence[str], wanted: Sequence[str], keep: Callable[[pl.DataFrame], pl.DataFrame]
) -> ListColumns:
    header, sign = _header(path)
    _require_columns(path, header, needed)
    own = [name for name in dict.fromkeys((*needed, *wanted)) if name in header]
    cells = ", ".join(f"nullif(trim(c{header.index(name)}), '') as \"{name}\"" for name in own)
    kept, rows = [], 0
    try:
        with duckdb.connect() as connection:
            found = connection.sql(f"select {cells} from {_scan(path, header, sign)} limit {WIDE_LIST.rows + 1}")
            for batch in found.to_arrow_reader(_ROWS_AT_ONCE):
                part = pl.DataFrame(batch)
                lines = pl.int_range(rows + 2, rows + part.height + 2, dtype=pl.Int64)
                kept.append(keep(_named(part.with_columns(lines.alias(LINE)), header, (*needed, *wanted))))
                rows += part.height
    except duckdb.Error as error:
        _refuse(path, _unreadable(error))
    if rows > WIDE_LIST.rows:
        _refuse(path, Problem("FILE-TOO-LARGE", f"the file has more than {WIDE_LIST.rows:,} rows"))
    no_rows = pl.DataFrame(schema={**dict.fromkeys((*needed, *wanted), pl.String), LINE: pl.Int64})
    sha256 = sha256_of(path, WIDE_LIST, links=False)
    return ListColumns(pl.concat([keep(no_rows), *kept]), header, rows, path.stat().st_size, sha256)


def _scan(path: Path, header: Sequence[str], sign: str) -> str:
    """SQL that reads the file with columns ``c0``, ``c1`` … and without guessing anything."""
    name = "'" + str(path).replace("'", "''") + "'"
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(header)))
    packed = "gzip" if path.name.lower().endswith(".gz") else "none"
    return (
        f"read_csv({name}, delim = '{sign}', quote = '\"', escape = '\"', header = true, auto_detect = false, "
        f"compression = '{packed}', columns = {{{columns}}})"
    )


def _header(path: Path) -> tuple[tuple[str, ...], str]:
    """Names of the header in lower case, and the delimiter."""
    is_packed = path.name.lower().endswith(".gz")
    with open_file(path, WIDE_LIST, links=False) as stream:
        try:
            first = (gzip.GzipFile(fileobj=stream) if is_packed else stream).read(_FIRST_BYTES)
        except (OSError, EOFError, zlib.error):
            _refuse(path, Problem("FILE-UNREADABLE", "the file cannot be unpacked: it is truncated or encrypted"))
    text = first.removeprefix(b"\xef\xbb\xbf")
    sign = delimiter_of(text)
    cells = next(csv.reader(io.StringIO(text.decode("utf-8", "replace")), delimiter=sign), [])
    header = tuple(cell.strip().lower() for cell in cells)
    if len(header) > TABLE.columns:
        _refuse(path, Problem("FILE-TOO-LARGE", f"the header has more than {TABLE.columns:,} columns", 1))
    repeated = sorted(name for name, times in Counter(header).items() if times > 1)
    if repeated:
        _refuse(path, Problem("COLUMN-REPEATED", f"the header repeats: {', '.join(repeated[:5])}", 1))
    return header, sign


def _require_columns(path: Path, header: Sequence[str], needed: Sequence[str]) -> None:
    problems = []
    for name in needed:
        if name not in header:
            close = difflib.get_close_matches(name, header, n=1, cutoff=0.8)
            like = f"; is '{close[0][:60]}' meant?" if close else ""
            problems.append(Problem("COLUMN-MISSING", f"the column '{name}' is missing{like}", 1, name))
    if problems:
        raise TableRefusedError(path, problems, tally(problems))


def _unreadable(error: duckdb.Error) -> Problem:
    line = _CSV_LINE.search(str(error))
    if line is None:
        return Problem("FILE-UNREADABLE", "the file cannot be read as UTF-8 CSV")
    row = int(line[1])
    return Problem("ROW-RAGGED", "the row cannot be read as UTF-8 CSV with as many cells as the header", row)


def _refuse(path: Path, problem: Problem) -> NoReturn:
    raise TableRefusedError(path, [problem], tally([problem]))
