"""Amounts that cross periods: earlier periods' released figures and other programs' amounts (methodology §9)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import polars as pl

from hcip_pipeline.contracts import program, run
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.program.receipts import receipt_in_force
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.earlier_half_years import savings_missing, unsettled
from hcip_pipeline.release.manifest import FILE_NAME as MANIFEST
from hcip_pipeline.release.manifest import manifest_sha256
from hcip_pipeline.release.notes import Note, NoteRule
from hcip_pipeline.release.reading import (
    ReleaseFiles,
    counted_payments,
    released_frame,
    released_periods,
    releases_of,
)


def earlier_frames(home: Home, period: PerformancePeriod) -> dict[str, pl.DataFrame]:
    """Final incentives, internal savings and other programs' amounts of every earlier period, and later payments.

    The models leave out amounts from before a hospital's program if their rule does; the yearly cap does not (§9, step
    5).

    Returns:
        The lake tables ``earlier_incentives`` and ``earlier_savings``, from the newest release of each earlier period,
        ``earlier_other_program_amounts``, ``earlier_payments`` and ``later_payments``.
    """
    incentives, savings, others = [], [], []
    for earlier in _periods_before(home, period):
        releases = releases_of(home, earlier)
        if releases:
            incentives.append(counted_payments(released_frame(releases[-1], "incentives")))
            savings.append(released_frame(releases[-1], "savings"))
        amounts = home.lake_program(earlier) / "other_program_amounts.parquet"
        if amounts.exists():
            others.append(pl.read_parquet(amounts).with_columns(pl.lit(str(earlier)).alias("period")))
    every = {
        table.name: _together(frames, table)
        for table, frames in (
            (run.EARLIER_INCENTIVES, incentives),
            (run.EARLIER_SAVINGS, savings),
            (run.EARLIER_OTHER_PROGRAM_AMOUNTS, others),
        )
    }
    return every | {
        run.EARLIER_PAYMENTS.name: _earlier_payments(home, period),
        run.LATER_PAYMENTS.name: later_payments(home, period),
    }


def later_payments(home: Home, period: PerformancePeriod) -> pl.DataFrame:
    """Payable amounts of the year's later periods, from their newest releases, as ``contracts.run.LATER_PAYMENTS``."""
    rows: list[tuple[object, ...]] = []
    for later in (each for each in released_periods(home) if each > period and each.year == period.year):
        release = ReleaseFiles.at(releases_of(home, later)[-1])
        payable = release.table("incentives").filter(pl.col("status") == "PAYABLE")
        for row in payable.join(release.table("payment_inputs"), on=["hospital_ccn", "npi"]).iter_rows(named=True):
            amount, percent = row["pfs_approved_amount"], row["physician_cap_percent"] or Decimal(0)
            cap = None if amount is None else (amount * percent / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
            rows.append((row["hospital_ccn"], str(later), row["npi"], row["final_incentive"], cap))
    schema = run.LATER_PAYMENTS.schema
    return pl.DataFrame(rows, schema=schema, orient="row").sort(run.LATER_PAYMENTS.key)


def _earlier_payments(home: Home, period: PerformancePeriod) -> pl.DataFrame:
    """Every payment reported for an earlier period, to anyone; the audit checks whether it was due."""
    reported = [
        pl.read_parquet(path).with_columns(pl.lit(str(earlier)).alias("period"))
        for earlier in _periods_before(home, period)
        if (path := home.lake_program(earlier) / "payments.parquet").exists()
    ]
    schema = run.EARLIER_PAYMENTS.schema
    empty = pl.DataFrame(schema=schema)
    together = pl.concat([empty, *(frame.select(empty.columns) for frame in reported)], how="vertical_relaxed")
    return together.sort(run.EARLIER_PAYMENTS.key)


def earlier_program_files(home: Home, period: PerformancePeriod) -> list[dict[str, object]]:
    """The files of earlier periods' program folders that a period reads, as inputs of its release."""
    return [
        {"file": f"program/{earlier}/{receipt['file']}", "sha256": receipt["sha256"], "rows": receipt["rows"]}
        for earlier in _periods_before(home, period)
        for table in program.READ_LATER
        if (receipt := receipt_in_force(table, home.lake_program(earlier)))
    ]


def earlier_release_files(home: Home, period: PerformancePeriod) -> list[dict[str, object]]:
    """The manifests of the earlier releases that a period is built from, as inputs of its own release."""
    newest = {earlier: releases_of(home, earlier) for earlier in _periods_before(home, period)}
    return [
        {
            "file": f"releases/{earlier}/{releases[-1].name}/{MANIFEST}",
            "sha256": manifest_sha256(releases[-1]),
            "rows": released_frame(releases[-1], "incentives").height,
        }
        for earlier, releases in newest.items()
        if releases
    ]


def unreleased_periods(home: Home, period: PerformancePeriod, programs: pl.DataFrame) -> list[Note]:
    """A note for each hospital with earlier program periods that this home has not released."""
    released = {str(earlier) for earlier in _periods_before(home, period) if releases_of(home, earlier)}
    found = unsettled(programs.sort("hospital_ccn").iter_rows(named=True), period, released)
    return [Note(savings_missing(periods), NoteRule.SAVINGS_MISSING, ccn) for ccn, periods in found.items()]


def _periods_before(home: Home, period: PerformancePeriod) -> list[PerformancePeriod]:
    names = {path.name for path in home.releases.glob("*H[12]")}
    names |= {path.name.removeprefix("period=") for path in (home.lake / "program").glob("period=*H[12]")}
    return [earlier for name in sorted(names) if (earlier := PerformancePeriod.parse(name)) < period]


def _together(frames: list[pl.DataFrame], table: Table) -> pl.DataFrame:
    empty = pl.DataFrame(schema=table.schema)
    return pl.concat([empty, *(frame.select(table.names) for frame in frames)], how="vertical_relaxed").sort(table.key)
