"""Where a case came from: the file and line of each of its rows, as recorded in the lake.

Belongs here: lineage of cases by account number. Does not belong here: what a case earned. Account numbers do not
leave this module.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import HospitalTable, lake_path
from hcip_pipeline.periods import Quarter


@dataclass(frozen=True)
class CaseSource:
    """The lines that contain a case, in files below the inbox; a file's header is line 1.

    Attributes:
        charge_lines: number of rows in the charges file that belong to this stay.
        first_charge_row, last_charge_row: the first and the last of these rows.
    """

    file: str
    row: int
    discharge_date: dt.date | None
    charge_file: str
    charge_lines: int
    first_charge_row: int | None
    last_charge_row: int | None

    def __str__(self) -> str:
        where = f"{self.file}, row {self.row:,}"
        if not self.charge_lines:
            return where
        name = self.charge_file.rsplit("/", 1)[-1]
        if self.charge_lines == 1:
            return f"{where}; one charge line in {name}, row {self.first_charge_row:,}"
        rows = f"rows {self.first_charge_row:,} to {self.last_charge_row:,}"
        return f"{where}; {self.charge_lines:,} charge lines in {name}, {rows}"


def case_sources(
    home: Home, ccn: str, accounts: Collection[str], quarters: Iterable[Quarter], inputs: Iterable[str]
) -> dict[str, CaseSource]:
    """Account number -> its source, for the cases that are still in the lake.

    Args:
        accounts: account numbers of the hospital ``ccn``.
        quarters: the quarters in which the cases were discharged.
        inputs: the files that the release was made from, as its manifest names them; versions sent later are ignored.
    """
    submissions = _submissions(ccn, {str(quarter): quarter for quarter in quarters}, inputs)
    discharges = _rows_of(home, "discharges", submissions, accounts, {"discharge_date": pl.Date})
    charges = (
        _rows_of(home, "charges", submissions, accounts, {})
        .group_by("account_no", "submission")
        .agg(
            pl.col("file").first().alias("charge_file"),
            pl.len().alias("charge_lines"),
            pl.col("source_row").min().alias("first_charge_row"),
            pl.col("source_row").max().alias("last_charge_row"),
        )
    )
    joined = discharges.join(charges, on=["account_no", "submission"], how="left").sort("submission", "account_no")
    return {
        row["account_no"]: CaseSource(
            row["file"],
            row["source_row"],
            row["discharge_date"],
            row["charge_file"] or "",
            row["charge_lines"] or 0,
            row["first_charge_row"],
            row["last_charge_row"],
        )
        for row in joined.iter_rows(named=True)
    }


def _submissions(ccn: str, quarters: Mapping[str, Quarter], inputs: Iterable[str]) -> list[tuple[Quarter, str]]:
    """(quarter, name in the lake) of the hospital's submissions: ``hospital/<quarter>/<ccn>[.r<n>]/<file>``.

    If the release read several versions of a quarter (frozen norms may come from an older one), the newest counts.
    """
    newest: dict[str, tuple[int, str]] = {}
    for file in inputs:
        parts = file.split("/")
        if len(parts) == 4 and parts[0] == "hospital" and parts[1] in quarters and parts[2].split(".")[0] == ccn:
            version = int(parts[2].partition(".r")[2] or 1)
            newest[parts[1]] = max(newest.get(parts[1], (0, "")), (version, f"{ccn}.r{version}"))
    return [(quarters[quarter], name) for quarter, (_, name) in sorted(newest.items())]


def _rows_of(
    home: Home,
    table: HospitalTable,
    submissions: Iterable[tuple[Quarter, str]],
    accounts: Collection[str],
    more: dict[str, type[pl.DataType]],
) -> pl.DataFrame:
    """The rows with these account numbers: account_no, submission, file, source_row and the columns of ``more``."""
    schema: dict[str, Any] = {
        "account_no": pl.String,
        "submission": pl.String,
        "file": pl.String,
        "source_row": pl.Int64,
        **more,
    }
    paths = [path for quarter, name in submissions if (path := lake_path(home, table, quarter, name)).is_file()]
    if not paths:
        return pl.DataFrame(schema=schema)
    return (
        pl.scan_parquet(paths)
        .filter(pl.col("account_no").is_in(sorted(accounts)))
        .select(
            "account_no",
            "submission",
            pl.format("hospital/{}/{}", "submission", "source_file").alias("file"),
            "source_row",
            *more,
        )
        .collect()
    )
