"""Writing the lake's tables of claims: one Parquet file a table and delivery, the same rows giving the same bytes.

Belongs here: what every shape of claim file needs alike. Does not belong here: reading any (``cclf``, ``bcda``).
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

#: Rows of a row group.
ROW_GROUP = 120_000


@cache
def table_schema(table: str) -> pa.Schema:
    """The Arrow schema of a table of claims."""
    return pl.DataFrame(schema=TABLES[table].schema).to_arrow().schema


@contextmanager
def table_file(folder: Path, table: str) -> Iterator[pq.ParquetWriter]:
    """A table's file in a folder, open for writing; closed without rows it is an empty table."""
    path, schema = folder / f"{table}.parquet", table_schema(table)
    with pq.ParquetWriter(path, schema, compression="zstd", write_statistics=False) as writer:
        yield writer


class RowGroups:
    """Gathers rows as they come, and writes them in row groups of one size.

    Args:
        writer: of a table's file.
    """

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._gathered: list[pa.Table] = []
        self._rows = 0
        self.written = 0

    def add(self, rows: pa.Table) -> None:
        """Take rows in the table's schema."""
        while self._rows + rows.num_rows >= ROW_GROUP:
            self._gathered.append(rows.slice(0, ROW_GROUP - self._rows))
            rows = rows.slice(ROW_GROUP - self._rows)
            self.finish()
        if rows.num_rows:
            self._gathered.append(rows)
            self._rows += rows.num_rows

    def finish(self) -> None:
        """Write what is left."""
        if self._gathered:
            group = pa.concat_tables(self._gathered)
            self._writer.write_table(group)
            self.written += group.num_rows
        self._gathered, self._rows = [], 0


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """A scratch folder on the lake's own file system, so that what is ready can be renamed into place.

    Args:
        parent: a folder of the lake, made if it is not there; None for the system's own place.
    """
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".claims-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
