"""What a column and a table are, and how their types read in each engine."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    PolarsType = pl.DataType | type[pl.DataType]

ColumnType = Literal["text", "date", "integer", "money", "mean", "ratio", "boolean"]

#: type -> (DuckDB type, Frictionless type, what it is in words)
TYPES: dict[ColumnType, tuple[str, str, str]] = {
    "text": ("varchar", "string", "text; leading zeros matter"),
    "date": ("date", "date", "YYYY-MM-DD"),
    "integer": ("bigint", "integer", "whole number"),
    "money": ("decimal(18,2)", "number", "US dollars, two decimals"),
    "mean": ("decimal(18,4)", "number", "mean of dollars or days, four decimals"),
    "ratio": ("decimal(18,8)", "number", "ratio, weight or fraction, eight decimals"),
    "boolean": ("boolean", "boolean", "true or false"),
}


@functools.cache  # polars is imported when a type is asked for: names and meanings are wanted without it
def _polars_types() -> dict[ColumnType, PolarsType]:
    import polars as pl

    return {
        "text": pl.String,
        "date": pl.Date,
        "integer": pl.Int64,
        "money": pl.Decimal(18, 2),
        "mean": pl.Decimal(18, 4),
        "ratio": pl.Decimal(18, 8),
        "boolean": pl.Boolean,
    }


@dataclass(frozen=True)
class Column:
    """One column: ``nullable`` cells may be empty; an ``optional`` column may be absent from a file that comes in."""

    name: str
    type: ColumnType
    meaning: str
    key: bool = False
    nullable: bool = False
    optional: bool = False
    allowed: tuple[str, ...] = ()
    max_length: int | None = None

    @property
    def sql_type(self) -> str:
        return TYPES[self.type][0]

    @property
    def polars_type(self) -> PolarsType:
        return _polars_types()[self.type]


@dataclass(frozen=True)
class Table:
    """One table: its grain in words and its columns in order."""

    name: str
    grain: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.key)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    def empty_select(self) -> str:
        """SQL for the table with no rows, for an input that is absent and may be."""
        cells = ", ".join(f"cast(null as {column.sql_type}) as {column.name}" for column in self.columns)
        return f"select {cells} where false"
