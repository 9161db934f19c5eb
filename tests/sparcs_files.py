"""Small invented files in the layout of the public New York discharges."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.table import Table

#: One invented discharge, by the names of the published 2016 file.
ROW = {
    "Health Service Area": "Western NY",
    "Hospital County": "Erie",
    "Operating Certificate Number": "1400000",
    "Facility Id": "214",
    "Facility Name": "Lakeside Hospital",
    "Age Group": "50 to 69",
    "Zip Code - 3 digits": "142",
    "Gender": "F",
    "Race": "White",
    "Ethnicity": "Not Span/Hispanic",
    "Length of Stay": "3",
    "Type of Admission": "Elective",
    "Patient Disposition": "Home or Self Care",
    "Discharge Year": "2016",
    "CCS Diagnosis Code": "203",
    "CCS Procedure Description": "HIP REPLACEMENT,TOT/PRT",
    "APR DRG Code": "301",
    "APR DRG Description": "HIP JOINT REPLACEMENT",
    "APR MDC Code": "8",
    "APR MDC Description": "Musculoskeletal System",
    "APR Severity of Illness Code": "2",
    "APR Severity of Illness Description": "Moderate",
    "APR Risk of Mortality": "Minor",
    "APR Medical Surgical Description": "Surgical",
    "Payment Typology 1": "Medicare",
    "Attending Provider License Number": "200001",
    "Operating Provider License Number": "200002",
    "Abortion Edit Indicator": "N",
    "Total Charges": "41000.50",
    "Total Costs": "20500.25",
}


def row(**changes: str) -> dict[str, str]:
    """The invented discharge with some cells changed; keys as ``Total_Costs``."""
    names = {name.replace(" ", "_").replace("-", ""): name for name in ROW}
    return ROW | {names[key]: value for key, value in changes.items()}


def write(file: Path, rows: list[dict[str, str]], names: Mapping[str, str | None] | None = None) -> Path:
    """A CSV of ``rows`` whose columns are renamed by ``names``; None leaves a column out."""
    renamed = {old: (names or {}).get(old, old) for old in ROW}
    kept = {old: new for old, new in renamed.items() if new is not None}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(kept.values())
    writer.writerows([each[old] for old in kept] for each in rows)
    content = text.getvalue().encode()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


def quarantined(folder: Path) -> list[tuple[int, str, str, str]]:
    return table(folder, "quarantine").select("row", "column", "rule", "value").rows()


def assert_follows(frame: pl.DataFrame, contract: Table) -> None:
    assert tuple(frame.columns) == contract.names
    assert frame.dtypes == [column.polars_type for column in contract.columns]
    for column in contract.columns:
        if not column.nullable:
            assert frame[column.name].null_count() == 0, column.name
