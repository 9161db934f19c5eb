"""Writing files so that the same state gives the same bytes.

Belongs here: formats. Does not belong here: the content of the files.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.synthetic.x12_files import write_bills

FileFormat = Literal["csv", "csv.gz", "parquet", "x12"]
FILE_FORMATS: tuple[str, ...] = get_args(FileFormat)


def write_submission(
    folder: Path, tables: Mapping[str, pl.DataFrame], file_format: FileFormat, prepared_at: str
) -> Decimal:
    """Write a hospital submission: each table in the format, and ``control_totals.json``. Returns the total charges."""
    folder.mkdir(parents=True)
    if file_format == "x12":
        write_bills(folder, tables, prepared_at)
    for name, frame in tables.items() if file_format != "x12" else ():
        path = folder / f"{name}.{file_format}"
        if file_format == "parquet":
            frame.write_parquet(path, compression="zstd", statistics=False)
        else:
            path.write_bytes(as_csv(frame, compressed=file_format == "csv.gz"))
    total = Decimal(tables["discharges"].get_column("total_charges").sum() or 0)
    write_control_totals(folder, len(tables["discharges"]), len(tables["charges"]), total, prepared_at)
    return total


def write_control_totals(folder: Path, discharges: int, charge_lines: int, total: Decimal, prepared_at: str) -> None:
    """Write ``control_totals.json`` (inputs.md)."""
    content = {
        "discharges": discharges,
        "charge_lines": charge_lines,
        "total_charges": f"{total:.2f}",
        "prepared_at": prepared_at,
    }
    (folder / "control_totals.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def as_csv(frame: pl.DataFrame, *, compressed: bool = False) -> bytes:
    """The frame as CSV: RFC 4180, UTF-8, LF; gzip without a file name or time."""
    text = io.BytesIO()
    frame.write_csv(text)
    return gzip.compress(text.getvalue(), compresslevel=5, mtime=0) if compressed else text.getvalue()


def write_csv(path: Path, frame: pl.DataFrame) -> None:
    """Write a CSV file, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_csv(frame))


def write_contract(folder: Path, table: Table, frame: pl.DataFrame) -> None:
    """Write ``<table>.csv`` with the contract's columns in their order, sorted by key; nothing if there are no rows."""
    if not frame.is_empty():
        names = [column.name for column in table.columns if column.name in frame.columns or not column.optional]
        write_csv(folder / f"{table.name}.csv", frame.select(names).sort(list(table.key) or names))


def write_text(path: Path, lines: Sequence[str]) -> None:
    """Write lines to a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
