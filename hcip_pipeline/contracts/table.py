"""Columns and tables, and their types in each engine."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hcip_pipeline.contracts.disclosure import Disclosure

if TYPE_CHECKING:
    import polars as pl

    PolarsType = pl.DataType | type[pl.DataType]

ColumnType = Literal["text", "date", "integer", "money", "mean", "ratio", "square", "boolean"]

#: type -> (DuckDB type, Frictionless type, description)
TYPES: dict[ColumnType, tuple[str, str, str]] = {
    "text": ("varchar", "string", "text; leading zeros matter"),
    "date": ("date", "date", "YYYY-MM-DD"),
    "integer": ("bigint", "integer", "whole number"),
    "money": ("decimal(18,2)", "number", "US dollars, two decimals"),
    "mean": ("decimal(18,4)", "number", "mean of dollars or days, four decimals"),
    "ratio": ("decimal(18,8)", "number", "ratio, weight or fraction, eight decimals"),
    "square": ("decimal(38,16)", "number", "sum of squares of ratios, sixteen decimals"),
    "boolean": ("boolean", "boolean", "true or false"),
}


#: type -> the least and greatest number accepted from a file: anything beyond is a typing error. Within these limits,
#: the sums of a whole state fit into every column.
LIMITS: dict[ColumnType, tuple[str, str]] = {
    "integer": ("-1000000000000", "1000000000000"),
    "money": ("-100000000000", "100000000000"),
    "mean": ("-100000000000", "100000000000"),
    "ratio": ("-1000000", "1000000"),
}


@functools.cache  # polars is imported only when a type is needed; names and meanings do not need it
def _polars_types() -> dict[ColumnType, PolarsType]:
    import polars as pl

    return {
        "text": pl.String,
        "date": pl.Date,
        "integer": pl.Int64,
        "money": pl.Decimal(18, 2),
        "mean": pl.Decimal(18, 4),
        "ratio": pl.Decimal(18, 8),
        "square": pl.Decimal(38, 16),
        "boolean": pl.Boolean,
    }


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        nullable: cells may be empty.
        optional: may be absent from a received file.
        is_words: text for people, in any script; any other text is a code, and codes are ASCII.
        bounds: the least and greatest number accepted, if they differ from those of the type.
        disclosure: what the column reveals about small counts, if its table leaves the program.
    """

    name: str
    type: ColumnType
    meaning: str
    key: bool = False
    nullable: bool = False
    optional: bool = False
    allowed: tuple[str, ...] = ()
    max_length: int | None = None
    is_words: bool = False
    bounds: tuple[str, str] | None = None
    disclosure: Disclosure | None = None

    @property
    def limits(self) -> tuple[str, str] | None:
        """The least and greatest number accepted from a file."""
        return self.bounds or LIMITS.get(self.type)

    @property
    def sql_type(self) -> str:
        """The type in SQL."""
        return TYPES[self.type][0]

    @property
    def polars_type(self) -> PolarsType:
        """The type in Polars."""
        return _polars_types()[self.type]


@dataclass(frozen=True)
class Table:
    """One table: its grain and its columns in order."""

    name: str
    grain: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> dict[str, PolarsType]:
        """Column -> Polars type, in order: the schema of the table as a frame."""
        return {column.name: column.polars_type for column in self.columns}

    @functools.cached_property
    def key(self) -> tuple[str, ...]:
        """Names of the key's columns."""
        return tuple(column.name for column in self.columns if column.key)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    def empty_select(self) -> str:
        """SQL for the table without rows, for an optional input that is absent."""
        cells = ", ".join(f"cast(null as {column.sql_type}) as {column.name}" for column in self.columns)
        return f"select {cells} where false"
