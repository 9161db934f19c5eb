"""Released files: RFC 4180, formulas neutralized, the same bytes for the same rows."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.release.tables import write_table

TABLE = Table(
    "payees",
    "one row per payee",
    (
        Column("npi", "text", "identifier", key=True),
        Column("name", "text", "name", nullable=True),
        Column("amount", "money", "amount"),
        Column("share", "ratio", "share", nullable=True),
    ),
)
NAMES = ["Doe, Jane", 'The "Doc"', "=HYPERLINK(1)", "+1", "-2", "@cmd", "Zoë\nMüller", None, "\ttab", "\n=1+1"]


def frame(order: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "npi": [f"00{i}" for i in order],
            "name": [NAMES[i] for i in order],
            "amount": [Decimal(i) - Decimal("4.5") for i in order],
            "share": [None if i == 3 else Decimal("0.5") for i in order],
        },
        schema=TABLE.schema,
    )


def write(folder: Path, order: list[int]) -> tuple[bytes, bytes]:
    folder.mkdir()
    csv_file, parquet_file = write_table(frame(order), TABLE, folder, "payees")
    return csv_file.path.read_bytes(), parquet_file.path.read_bytes()


def test_rows_are_ordered_and_bytes_the_same(tmp_path: Path) -> None:
    assert write(tmp_path / "a", list(range(10))) == write(tmp_path / "b", [4, 8, 0, 2, 1, 9, 7, 3, 6, 5])


def test_any_csv_reader_reads_the_file(tmp_path: Path) -> None:
    content, _ = write(tmp_path / "a", list(range(10)))
    assert content.endswith(b"\r\n")
    rows = list(csv.DictReader(content.decode("utf-8").splitlines(keepends=True)))
    assert [row["npi"] for row in rows] == [f"00{i}" for i in range(10)]
    assert rows[0]["name"] == "Doe, Jane"
    assert rows[1]["name"] == 'The "Doc"'
    assert rows[0]["amount"] == "-4.50"
    assert rows[0]["share"] == "0.50000000"
    assert rows[3]["share"] == ""


@pytest.mark.parametrize("index", [2, 3, 4, 5, 8, 9])
def test_formulas_are_neutralized(tmp_path: Path, index: int) -> None:
    content, _ = write(tmp_path / "a", list(range(10)))
    rows = list(csv.DictReader(content.decode("utf-8").splitlines(keepends=True)))
    assert rows[index]["name"] == "'" + str(NAMES[index])


def test_parquet_keeps_text_and_types(tmp_path: Path) -> None:
    write(tmp_path / "a", list(range(10)))
    table = pq.read_table(tmp_path / "a" / "payees.parquet")
    assert table["name"].to_pylist() == NAMES
    assert str(table.schema.field("amount").type) == "decimal128(18, 2)"


def test_totals_are_exact(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    written, _ = write_table(frame(list(range(10))), TABLE, tmp_path / "a", "payees")
    assert written.totals == {"amount": "0.00"}
    assert written.rows == 10
