"""Reading the tables of a release as text, exactly.

Belongs here: a CSV file as typed rows, and a Parquet file's columns to check against it. Does not belong here: what the
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
    """Whether a spreadsheet would run a text cell; in CSV files an apostrophe comes before it."""
    bare = text.lstrip("'")
    if bare[:1] in ("\t", "\r", "\n"):
        return True
    first = next((sign for sign in bare if not unicodedata.category(sign).startswith(_SKIPPED)), "")
    return first in _FORMULA_SIGNS


def neutralized(text: str) -> str:
    """As a CSV file of a release writes a text cell."""
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
    """A file is not the table it should be: ``what`` was expected of ``row`` (None: the whole file)."""

    def __init__(self, what: str, found: str, row: int | None = None) -> None:
        super().__init__(what)
        self.what, self.found, self.row = what, found, row


class Row:
    """One row: ``row["cost"]`` is the cell, typed; an empty cell is None, in a text column an empty text."""

    __slots__ = ("cells", "line", "table")

    def __init__(self, table: Table, line: int, cells: tuple[Any, ...]) -> None:
        self.table = table
        self.line = line
        self.cells = cells

    def __getitem__(self, column: str) -> Any:
        return self.cells[self.table.positions[column]]

    def key(self) -> tuple[Any, ...]:
        """Values of the row's key."""
        return tuple(self[column] for column in self.table.shape.key)

    @property
    def label(self) -> str:
        """Which row, for a reader: its key without the patient's account number."""
        shown = [column for column in self.table.shape.key if column not in ("account_no", "period")]
        if "npi" not in shown and "npi" in self.table.positions:
            shown.append("npi")
        return " ".join(str(self[column]) for column in shown)


@dataclass
class Table:
    """One CSV file, read."""

    shape: Shape
    path: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    #: the columns as they are in the file, and typed, as long as the file is being checked
    raw: list[Sequence[str]] = field(default_factory=list)
    typed: list[Sequence[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.positions = {column: position for position, column in enumerate(self.columns)}

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def keys(self) -> list[tuple[Any, ...]]:
        """The key of each row, as long as the file is being checked."""
        if not self.shape.key:
            return [()] * len(self.rows)
        return list(zip(*(self.typed[self.positions[column]] for column in self.shape.key), strict=True))


def read_csv(file: Path, path: str, shape: Shape) -> Table:
    """A CSV file as a table of ``shape``; columns that the shape does not know are text.

    Raises:
        UnreadableTableError: not UTF-8, not CSV, a column missing, a cell that is not of its type.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableTableError("a CSV file in UTF-8", type(error).__name__) from error
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
            raise UnreadableTableError(f"{column}: a value of type {type_}", "another text", line) from None


def read_parquet(file: Path) -> pa.Table:
    """A Parquet file.

    Raises:
        UnreadableTableError: it is not a Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(file.read_bytes())) as opened:  # a path would be resolved by Arrow
            return opened.read(use_threads=False)  # threads cost more than most of these files take
    except (pa.ArrowException, OSError) as error:
        raise UnreadableTableError("a Parquet file", type(error).__name__) from error


def differing_columns(table: Table, twin: pa.Table) -> Iterator[tuple[int, str]]:
    """Line and column of every cell in which a Parquet file differs from the CSV file next to it."""
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
    """Whether the CSV file's texts are exactly what the Parquet file holds; False also where Arrow cannot decide."""
    import pyarrow as pa

    stated, held = [], []
    try:
        for column in twin.column_names:
            cells, values = table.raw[table.positions[column]], twin.column(column)
            if table.shape.types.get(column, "text") == "text":
                stated.append(pa.array(cells, pa.string()))
                held.append(values.fill_null("") if values.null_count else values)
            else:
                stated.append(pa.array([cell or None for cell in cells], pa.string()))
                held.append(values)
        expected = pa.table(held, schema=twin.schema)
        return bool(pa.table(stated, names=twin.column_names).cast(twin.schema).equals(expected))
    except (pa.ArrowException, ValueError):
        return False
