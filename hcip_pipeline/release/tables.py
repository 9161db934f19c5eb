"""Writing one table as CSV and Parquet: the same rows give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.release.private_files import make_private
from hcip_pipeline.release.spreadsheets import neutralized
from hcip_pipeline.release.synthetic_mark import COLUMN, marked_frame


@dataclass(frozen=True)
class WrittenFile:
    """One file of a release, as its manifest lists it."""

    path: Path
    table: Table
    rows: int
    bytes: int
    sha256: str
    totals: dict[str, str]
    #: text columns with empty text in some row
    blank: frozenset[str] = frozenset()


def write_csv(frame: pl.DataFrame, path: Path, *, is_synthetic: bool = False) -> None:
    """Write RFC 4180: UTF-8, CRLF, a header, quotes where needed; money and ratios with all their decimal places.

    Args:
        is_synthetic: add the column that marks invented data.
    """
    frame = marked_frame(frame) if is_synthetic else frame
    neutralized(frame).write_csv(path, line_terminator="\r\n", quote_style="necessary")


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write Parquet in one thread, with one row group per million rows, so that the bytes depend only on the rows."""
    pq.write_table(frame.to_arrow(), path, compression="zstd", row_group_size=1_000_000, store_schema=False)


def write_table(
    frame: pl.DataFrame, table: Table, folder: Path, name: str, *, is_synthetic: bool = False
) -> list[WrittenFile]:
    """Write ``frame`` as ``name.csv`` and ``name.parquet``, in the contract's columns, ordered by its key.

    Args:
        is_synthetic: add the column that marks invented data.
    """
    ordered = frame.lazy().select(table.names).sort(table.key).collect()
    if is_synthetic:
        table, ordered = replace(table, columns=(*table.columns, COLUMN)), marked_frame(ordered)
    totals = {c.name: f"{ordered[c.name].sum() or 0:.2f}" for c in table.columns if c.type == "money"}
    blank = frozenset(c.name for c in table.columns if c.type == "text" and (ordered[c.name] == "").any())
    written = []
    for suffix, write in (("csv", write_csv), ("parquet", write_parquet)):
        path = folder / f"{name}.{suffix}"
        write(ordered, path)
        make_private(path)
        sha256 = file_sha256(path)
        written.append(WrittenFile(path, table, ordered.height, path.stat().st_size, sha256, totals, blank))
    return written
