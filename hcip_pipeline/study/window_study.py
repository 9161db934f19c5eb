"""A study of any range of dates, on the hospital submissions in the lake (methodology §1, "study window").

Belongs here: the study's submissions, policy and statements. Does not belong here: ingesting submissions
(``intake.hospital``).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Window
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.settlement.period import lake_sources
from hcip_pipeline.study.plan import STATEMENTS, StudyInput, StudyPlan, check_name
from hcip_pipeline.study.result import Progress, StudyResult, carry_out
from hcip_pipeline.warehouse.spec import BuildSpec


def run_window_study(
    home: Home,
    start: dt.date,
    end: dt.date,
    policy: Policy | None = None,
    progress: Progress | None = None,
    *,
    name: str | None = None,
) -> StudyResult:
    """Compute norms by all three methods, opportunity and performance incentives on the submissions in the lake.

    Args:
        start, end: first and last day of discharge; the window is its own base year, in dollars of the last day's year.
        policy: None for the policy's defaults. The window replaces its base year.
        progress: called with each step as it is done.
        name: name of the study; ``<start>_<end>`` if None.

    Raises:
        HcipError: the lake has no accepted submission or no reference table for the window, or a rate is missing.
        UsageError: the window ends before it starts, or the name is not valid as a folder name.
    """
    name = check_name(f"{start}_{end}" if name is None else name)
    if end < start:
        raise UsageError(f"the window ends on {end}, before it starts on {start}", fix="swap the two dates")
    return carry_out(home, _plan(home, name, start, end, policy), progress)


def _plan(home: Home, name: str, start: dt.date, end: dt.date, policy: Policy | None) -> StudyPlan:
    performance = Window(start, end, "performance")
    in_force = [receipt for quarter in performance.quarters for receipt in receipts(home, quarter) if receipt.in_force]
    if not in_force:
        quarters = ", ".join(str(quarter) for quarter in performance.quarters)
        raise HcipError(
            f"the lake has no hospital data for {start} to {end}",
            file=home.inbox / "hospital",
            rule="WINDOW-MISSING",
            fix=f"put the submissions for {quarters} into inbox/hospital and run `hcip ingest`",
        )
    sources = lake_sources(home, [performance])
    hospitals = pl.read_parquet(home.lake_reference / "hospitals.parquet")
    chosen = policy or Policy(version="defaults", base_year=end.year)
    spec = BuildSpec(
        name=name,
        kind="study",
        windows=(performance, Window(start, end, "base_year")),
        policy=Policy.model_validate(chosen.model_dump() | {"base_year": end.year}),
        elections={ccn: Elections() for ccn in hospitals["ccn"]},
        sources=sources,
    )
    missing = _hospitals_without_every_quarter(performance, in_force)
    return StudyPlan(
        title=f"Discharges from {start} to {end}",
        spec=spec,
        statements=(*STATEMENTS, "no hospital's elections are applied", *missing),
        inputs=tuple(_inputs(in_force)),
    )


def _hospitals_without_every_quarter(window: Window, in_force: list[SubmissionReceipt]) -> list[str]:
    """Statements about missing quarters, which do not stop a study."""
    have = {(receipt.ccn, receipt.quarter) for receipt in in_force}
    quarters = [str(quarter) for quarter in window.quarters]
    lacking = {
        ccn: [quarter for quarter in quarters if (ccn, quarter) not in have] for ccn in sorted({ccn for ccn, _ in have})
    }
    return [f"no accepted data from {ccn}: {', '.join(absent)}" for ccn, absent in lacking.items() if absent]


def _inputs(in_force: list[SubmissionReceipt]) -> list[StudyInput]:
    """The files of discharges and charges, ordered by name."""
    inputs = [
        StudyInput(
            f"hospital/{receipt.submission}/{file.name}",
            file.sha256,
            int(file.rows.read),
            int(file.rows.accepted),
            int(file.rows.quarantined + file.rows.superseded),
        )
        for receipt in in_force
        for file in receipt.files
        if file.table
    ]
    return sorted(inputs, key=lambda each: each.file)
