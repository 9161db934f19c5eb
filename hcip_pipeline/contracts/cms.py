"""CMS claim and claim line feed (inputs.md, "CMS monthly files"): record layouts, lake tables and derived tables.

Belongs here: what the eleven files hold, by byte, and the columns of the tables made from them. Does not belong here:
reading (``intake.cclf``) and the rules of final action (``dbt_project/models/intermediate/claims``).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hcip_pipeline.contracts.cclf_layout import FIELDS, RECORD_LENGTHS, TITLES
from hcip_pipeline.contracts.table import Column, ColumnType, Table

#: type in the layout -> type of the column
_COLUMN_TYPES: dict[str, ColumnType] = {
    "text": "text",
    "date": "date",
    "integer": "integer",
    "money": "money",
    "quantity": "mean",  # four decimals
}


@dataclass(frozen=True)
class Field:
    """One field of a record: ``offset`` and ``width`` in bytes."""

    name: str
    offset: int
    width: int
    kind: str
    meaning: str

    @property
    def end(self) -> int:
        return self.offset + self.width

    @property
    def column(self) -> Column:
        return Column(self.name, _COLUMN_TYPES[self.kind], self.meaning, nullable=True)

    @property
    def polars_type(self) -> pl.DataType | type[pl.DataType]:
        return self.column.polars_type


@dataclass(frozen=True)
class Layout:
    """The record of one file, in all its generations."""

    file: str
    title: str
    record_lengths: tuple[int, ...]
    fields: tuple[Field, ...]

    def fields_within(self, record_length: int) -> tuple[Field, ...]:
        """The fields a record of that many bytes holds: layouts are only ever extended at the end."""
        return tuple(field for field in self.fields if field.end <= record_length)


LAYOUTS: dict[str, Layout] = {
    file: Layout(
        file,
        TITLES[file],
        RECORD_LENGTHS[file],
        tuple(Field(name, first - 1, last - first + 1, kind, meaning) for name, first, last, kind, meaning in fields),
    )
    for file, fields in FIELDS.items()
}

#: What intake adds so that any dollar can be traced to the line of the file it came from.
LINEAGE = (
    Column("source_archive", "text", "archive it came from, by name"),
    Column("source_file", "text", "file name within the archive"),
    Column("source_row", "integer", "record of that file, from 1"),
    Column("file_date", "date", "date in the name of the file"),
    Column("delivery_month", "text", "month of the inbox it was delivered in, YYYY-MM"),
    Column("is_run_out", "boolean", "delivered in a run-out file"),
)

#: source('lake', name) of the dbt project -> its columns
TABLES: dict[str, Table] = {
    file: Table(
        file,
        f"one row a record of CCLF{file[-1].upper()}, {layout.title}",
        (*(f.column for f in layout.fields), *LINEAGE),
    )
    for file, layout in LAYOUTS.items()
}
