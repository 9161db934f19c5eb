"""The build of a performance period, from what lies in the lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts import program, protocol, reference, run
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.ingest import files_in_force, receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import PerformancePeriod, Quarter, Window, base_year_window
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.settlement.completeness import check_complete
from hcip_pipeline.warehouse.spec import BuildSpec, Source, check_cost_index


@dataclass(frozen=True)
class PeriodInputs:
    """A period's build, the files it comes from, and what is missing without stopping it."""

    spec: BuildSpec
    inputs: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


def windows_of(period: PerformancePeriod, policy: Policy) -> tuple[Window, ...]:
    """Performance, baseline and base year (methodology §1)."""
    return (period.window, period.baseline(policy.baseline_window), base_year_window(policy.base_year))


def quarters_of(windows: Sequence[Window]) -> list[Quarter]:
    """Every quarter that one of the windows needs, in order."""
    return sorted({quarter for window in windows for quarter in window.quarters})


def period_inputs(home: Home, period: PerformancePeriod, policy: PolicyFile) -> PeriodInputs:
    """Assemble the build of ``period`` from the lake.

    Raises:
        HcipError: the base year or the period has no data, a hospital's data are missing and the policy's
            ``require_complete`` asks for them, or a rate that the build needs is missing.
    """
    windows = windows_of(period, policy.policy)
    taken_in = [receipt for quarter in quarters_of(windows) for receipt in receipts(home, quarter)]
    in_force = [receipt for receipt in taken_in if receipt.in_force]
    sources = lake_sources(home, quarters_of(windows), in_force)
    sources |= _program_sources(home, period)
    hospitals = pl.read_parquet(home.lake_reference / "hospitals.parquet")
    notes = check_complete(home, period, policy.policy, in_force, hospitals)
    cost_index = pl.read_parquet(home.lake_reference / "cost_index.parquet")
    check_cost_index(cost_index, windows, str(home.inbox / "reference" / "cost_index.csv"))
    protocols = pl.read_parquet(home.lake_program(period) / "protocols.parquet")
    spec = BuildSpec(
        name=str(period),
        kind="period",
        windows=windows,
        policy=policy.policy,
        elections=elections_in_force(hospitals, protocols),
        sources=sources,
    )
    return PeriodInputs(spec, tuple(_input_files(home, period, in_force)), tuple(notes))


def lake_sources(home: Home, quarters: Sequence[Quarter], in_force: Sequence[SubmissionReceipt]) -> dict[str, Source]:
    """Hospital and reference tables of a build over ``quarters``."""
    sources: dict[str, Source] = {
        table: [path for quarter in quarters for path in files_in_force(home, table, quarter)]
        for table in ("discharges", "charges")
    }
    sources["receipts"] = _receipts_frame(in_force)
    for name in reference.TABLES:
        sources[name] = _files(home.lake_reference / f"{name}.parquet", reference.TABLES[name])
    return sources


def _program_sources(home: Home, period: PerformancePeriod) -> dict[str, Source]:
    folder = home.lake_program(period)
    tables = program.TABLES | protocol.TABLES
    return {name: _files(folder / f"{name}.parquet", table) for name, table in tables.items()}


def _files(path: Path, table: Table) -> list[Path]:
    if not path.exists():
        raise HcipError(
            f"the table {table.name} has not been taken in", file=path, fix="run `hcip ingest` for this partition first"
        )
    return [path]


def _receipts_frame(in_force: Sequence[SubmissionReceipt]) -> pl.DataFrame:
    """Discharges of each submission in force, as its receipt accounts for them."""
    rows: list[tuple[object, ...]] = []
    for receipt in in_force:
        file = receipt.file("discharges")
        if file is None:
            continue
        excluded = file.rows.quarantined + file.rows.superseded
        dollars = file.dollars.quarantined + file.dollars.superseded
        rows.append(
            (
                receipt.ccn,
                receipt.quarter,
                int(file.rows.read),
                int(excluded),
                Decimal(file.dollars.read),
                Decimal(dollars),
            )
        )
    schema = {column.name: column.polars_type for column in run.RECEIPTS.columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def elections_in_force(hospitals: pl.DataFrame, protocols: pl.DataFrame) -> dict[str, Elections]:
    """Hospital -> what its protocol elects; a hospital without one elects nothing."""
    elections = {ccn: Elections() for ccn in hospitals["ccn"]}
    for row in protocols.iter_rows(named=True):
        elections[row["hospital_ccn"]] = Elections(
            **{name: row[name] for name in ("mpi_floor", "mpi_ceiling", "improvement_share", "physician_cap_percent")}
        )
    return elections


def _input_files(home: Home, period: PerformancePeriod, in_force: Sequence[SubmissionReceipt]) -> list[dict[str, Any]]:
    """Every file the release came from, with its hash and rows."""
    files = [
        {"file": f"hospital/{receipt.submission}/{file.name}", "sha256": file.sha256, "rows": int(file.rows.read)}
        for receipt in in_force
        for file in receipt.files
    ]
    return sorted(files, key=lambda item: str(item["file"]))
