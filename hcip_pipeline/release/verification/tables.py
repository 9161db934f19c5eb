"""Reads the tables of a release exactly, from text.

Belongs here: a CSV file as typed rows, and the Parquet file's columns compared with it. Does not belong here: what the
manifest states about them (``package``), and any figure.
"""

from __future__ import annotations

import csv
import datetime as dt
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .shapes import Shape

if TYPE_CHECKING:
    import pyarrow as pa

_FORMULA_SIGNS = frozenset("=+-@＝＋－＠﹦﹢﹣﹫")
_SKIPPED = ("Z", "Cc", "Cf")  # Unicode categories: blanks, controls, invisible characters


def runs_in_a_spreadsheet(text: str) -> bool:
    """Whether a spreadsheet would run a text cell as a formula; CSV files put an apostrophe before such a cell."""
    bare = text.lstrip("'")
    if bare[:1] in ("\t", "\r", "\n"):
        return True
    first = next((sign for sign in bare if not unicodedata.category(sign).startswith(_SKIPPED)), "")
    return first in _FORMULA_SIGNS


def neutralized(text: str) -> str:
    """A text cell as a release's CSV file writes it."""
    return "'" + text if runs_in_a_spreadsheet(text) else text


def _text(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and runs_in_a_spreadsheet(cell[1:]) else cell


def _boolean(cell: str) -> bool:
    return {"true": True, "false": False}[cell]


_NUMBER: Callable[[str], Any] = Decimal
_READERS: dict[str, Callable[[str], Any]] = {
    "money": _NUMBER,
    "mean": _NUMBER,
    "ratio": _NUMBER,
    "number": _NUMBER,
    "integer": int,
    "boolean": _boolean,
    "date": dt.date.fromisoformat,
}


class UnreadableTableError(Exception):
    """A file is not the expected table: ``expected`` is missing from ``row`` (None: from the whole file)."""

    def __init__(self, expected: str, found: str, row: int | None = None) -> None:
        super().__init__(expected)
        self.expected, self.found, self.row = expected, found, row


class Row:
    """One row: ``row["cost"]`` is the typed cell. An empty cell is None, or an empty string in a text column."""

    __slots__ = ("cells", "line", "table")

    def __init__(self, table: Table, line: int, cells: tuple[Any, ...]) -> None:
        self.table = table
        self.line = line
        self.cells = cells

    def __getitem__(self, column: str) -> Any:
        return self.cells[self.table.positions[column]]

    def key(self) -> tuple[Any, ...]:
        """The values of the row's key."""
        return tuple(self[column] for column in self.table.shape.key)

    @property
    def label(self) -> str:
        """The row's key for readers, without the patient's account number."""
        shown = [column for column in self.table.shape.key if column not in ("account_no", "period")]
        if "npi" not in shown and "npi" in self.table.positions:
            shown.append("npi")
        return " ".join(str(self[column]) for column in shown)


@dataclass
class Table:
    """A CSV file that has been read."""

    shape: Shape
    path: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    #: the columns as text and typed, kept only while the file is checked
    raw: list[Sequence[str]] = field(default_factory=list)
    typed: list[Sequence[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.positions = {column: position for position, column in enumerate(self.columns)}

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def keys(self) -> list[tuple[Any, ...]]:
        """The key of each row; available only while the file is checked."""
        if not self.shape.key:
            return [()] * len(self.rows)
        return list(zip(*(self.typed[self.positions[column]] for column in self.shape.key), strict=True))


def read_csv(file: Path, path: str, shape: Shape) -> Table:
    """A CSV file as a table of ``shape``; columns that are not in the shape are text.

    Raises:
        UnreadableTableError: it is not CSV in UTF-8, lacks a column, or has a cell that is not of its column's type.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        found = "malformed CSV" if isinstance(error, csv.Error) else "bytes that are not UTF-8"
        raise UnreadableTableError("a CSV file in UTF-8", found) from error
    columns = tuple(lines[0]) if lines else ()
    missing = [column for column in shape.types if column not in columns]
    if missing or len(set(columns)) != len(columns):
        raise UnreadableTableError(f"the columns {', '.join(shape.types)}", ", ".join(columns) or "no header")
    readers = [_READERS.get(shape.types.get(column, "text"), _text) for column in columns]
    table = Table(shape, path, columns)
    try:
        table.raw = list(zip(*lines[1:], strict=True)) or [()] * len(columns)
        table.typed = [_column(read, cells) for read, cells in zip(readers, table.raw, strict=True)]
    except (ValueError, ArithmeticError, KeyError):
        for line, cells in enumerate(lines[1:], start=2):
            if len(cells) != len(columns):
                raise UnreadableTableError(f"{len(columns)} cells", f"{len(cells)} cells", line) from None
            _check_cells(columns, readers, cells, line, shape)
        raise
    table.rows = [Row(table, line, cells) for line, cells in enumerate(zip(*table.typed, strict=True), start=2)]
    return table


def _column(read: Callable[[str], Any], cells: Sequence[str]) -> Sequence[Any]:
    if read is _text:
        return [_text(cell) for cell in cells] if "'" in "".join(cells) else cells
    return [read(cell) if cell else None for cell in cells]


def _check_cells(
    columns: Sequence[str], readers: Sequence[Callable[[str], Any]], cells: Sequence[str], line: int, shape: Shape
) -> None:
    """Raise UnreadableTableError for the first cell of a row that is not of its column's type."""
    for column, read, cell in zip(columns, readers, cells, strict=True):
        try:
            if cell or read is _text:
                read(cell)
        except (ValueError, ArithmeticError, KeyError):
            type_ = shape.types.get(column, "text")
            raise UnreadableTableError(f"a value of type {type_} in {column}", "other text", line) from None


def read_parquet(file: Path) -> pa.Table:
    """The table in a Parquet file.

    Raises:
        UnreadableTableError: it is not a Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(file.read_bytes())) as opened:  # a path would be resolved by Arrow
            return opened.read(use_threads=False)  # for most of these files threads cost more time than they save
    except (pa.ArrowException, OSError) as error:
        raise UnreadableTableError("a Parquet file", f"a file that cannot be read ({type(error).__name__})") from error


def differing_columns(table: Table, twin: pa.Table) -> Iterator[tuple[int, str]]:
    """The line and column of every cell in which a Parquet file differs from the CSV file next to it."""
    if _is_equal(table, twin):
        return
    for column in twin.column_names:
        position = table.positions[column]
        is_text = table.shape.types.get(column, "text") == "text"
        cells = table.raw[position] if is_text else table.typed[position]
        for row, cell, value in zip(table.rows, cells, twin.column(column).to_pylist(), strict=True):
            if cell != (neutralized(value or "") if is_text else value):
                yield row.line, column


def _is_equal(table: Table, twin: pa.Table) -> bool:
    """Whether the CSV file's text is exactly the Parquet file's content; False also if Arrow cannot decide."""
    import pyarrow as pa

    csv_columns, twin_columns = [], []
    try:
        for column in twin.column_names:
            cells, values = table.raw[table.positions[column]], twin.column(column)
            if table.shape.types.get(column, "text") == "text":
                csv_columns.append(pa.array(cells, pa.string()))
                twin_columns.append(values.fill_null("") if values.null_count else values)
            else:
                csv_columns.append(pa.array([cell or None for cell in cells], pa.string()))
                twin_columns.append(values)
        expected = pa.table(twin_columns, schema=twin.schema)
        return bool(pa.table(csv_columns, names=twin.column_names).cast(twin.schema).equals(expected))
    except (pa.ArrowException, ValueError):
        return False
