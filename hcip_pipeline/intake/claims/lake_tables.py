"""Writing the lake's claim tables: one Parquet file per table and delivery; the same rows give the same bytes.

Belongs here: code that all shapes of claim files share. Does not belong here: reading any of them (``cclf``, ``bcda``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hcip_pipeline.contracts.cms import TABLES

#: Rows per row group.
ROW_GROUP = 120_000


@cache
def table_schema(table: str) -> pa.Schema:
    """The Arrow schema of a claim table."""
    return pl.DataFrame(schema=TABLES[table].schema).to_arrow().schema


@contextmanager
def table_file(folder: Path, table: str) -> Iterator[pq.ParquetWriter]:
    """A table's file in a folder, open for writing; without rows it becomes an empty table."""
    path, schema = folder / f"{table}.parquet", table_schema(table)
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False) as writer:
        yield writer


class RowGroups:
    """Gathers rows and writes them in row groups of one size.

    Args:
        writer: of a table's file.
    """

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._gathered: list[pa.Table] = []
        self._rows = 0
        self.written = 0

    def add(self, rows: pa.Table) -> None:
        """Add rows, which must have the table's schema."""
        while self._rows + rows.num_rows >= ROW_GROUP:
            self._gathered.append(rows.slice(0, ROW_GROUP - self._rows))
            rows = rows.slice(ROW_GROUP - self._rows)
            self.finish()
        if rows.num_rows:
            self._gathered.append(rows)
            self._rows += rows.num_rows

    def finish(self) -> None:
        """Write the remaining rows."""
        if self._gathered:
            group = pa.concat_tables(self._gathered)
            self._writer.write_table(group)
            self.written += group.num_rows
        self._gathered, self._rows = [], 0


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """A scratch folder on the lake's file system, so that finished files can be renamed into place.

    Args:
        parent: a folder of the lake, created if it does not exist; None for the system's temporary folder.
    """
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".claims-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
