"""Tables that the warehouse adds to the lake for one build: its windows, the elections in force, what was received."""

from hcip_pipeline.contracts import marts, program, quality
from hcip_pipeline.contracts.table import Column, Table

WINDOWS = Table(
    "windows",
    "one row per window of the build",
    (
        Column("window_name", "text", "performance, baseline or base_year", key=True),
        Column("start_date", "date", "first day"),
        Column("end_date", "date", "last day"),
        Column("calendar_year", "integer", "calendar year; the window's costs are in its dollars"),
    ),
)

ELECTIONS = Table(
    "elections",
    "one row per hospital: the policy's values in force there",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True),
        Column("mpi_floor", "money", "lowest maximum physician incentive per case; empty for none", nullable=True),
        Column("mpi_ceiling", "money", "highest maximum physician incentive per case; empty for none", nullable=True),
        Column("improvement_share", "ratio", "share of the maximum physician incentive for improvement"),
        Column("physician_cap_percent", "ratio", "cap in percent of fee-schedule approved amounts"),
    ),
)

RECEIPTS = Table(
    "receipts",
    "one row per hospital and quarter: discharges of the submission in force, from its receipt",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True),
        Column("quarter", "text", "calendar quarter; of the submission", key=True),
        Column("rows_read", "integer", "rows read; discharges"),
        Column("rows_excluded", "integer", "discharge rows quarantined or superseded"),
        Column("amount_read", "money", "total charges of the rows read"),
        Column("amount_excluded", "money", "dollars excluded; total charges of the rows quarantined or superseded"),
    ),
)

EARLIER_INCENTIVES = Table(
    "earlier_incentives",
    "one row per care partner and earlier period, in the program or before it: final incentives, as last released, "
    "that are payable, or held only until a later half-year of the same calendar year is settled again",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True),
        Column("period", "text", "performance period", key=True),
        Column("npi", "text", "NPI; the care partner", key=True),
        Column("final_incentive", "money", "final incentive"),
    ),
)

LATER_PAYMENTS = Table(
    "later_payments",
    "one row per care partner and later period of the same calendar year: payable final incentives as last released",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True),
        Column("period", "text", "performance period", key=True),
        Column("npi", "text", "NPI; the care partner", key=True),
        Column("final_incentive", "money", "final incentive"),
        Column("year_cap", "money", "fee-schedule cap of the whole year; according to that release", nullable=True),
    ),
)

EARLIER_SAVINGS = Table(
    "earlier_savings",
    "one row per hospital, earlier period and scope: internal savings as last released",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True),
        Column("period", "text", "performance period", key=True),
        Column("scope", "text", "all physicians, or participating ones", key=True, allowed=("all", "participating")),
        Column("internal_savings", "money", "internal savings"),
    ),
)

EARLIER_OTHER_PROGRAM_AMOUNTS = Table(
    "earlier_other_program_amounts",
    "one row per hospital, earlier period, program and kind",
    (Column("period", "text", "performance period", key=True), *program.OTHER_PROGRAM_AMOUNTS.columns),
)

EARLIER_PAYMENTS = Table(
    "earlier_payments",
    "one row per payment reported for an earlier period",
    (
        Column("period", "text", "performance period", key=True),
        *(column for column in program.PAYMENTS.columns if not column.optional),
    ),
)


PROGRAM_CHANGES = Table(
    "program_changes",
    "one row per hospital and kind of change since an earlier period was released that may move its payments",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True),
        Column("reason", "text", "kind of change: a reason code of payments", key=True),
        Column("detail", "text", "description of the change"),
    ),
)


def _without_period(table: Table, name: str) -> Table:
    return Table(
        name, f"{table.grain}; of the base year, frozen", tuple(c for c in table.columns if c.name != "period")
    )


#: the norm table of the base year, computed once per policy version, with its own ledger
FROZEN = {
    "frozen_norms": Table("frozen_norms", marts.NORMS.grain, marts.NORMS.columns),
    "frozen_norm_physicians": Table(
        "frozen_norm_physicians", marts.NORM_PHYSICIANS.grain, marts.NORM_PHYSICIANS.columns
    ),
    "frozen_norm_cases": Table("frozen_norm_cases", marts.NORM_CASES.grain, marts.NORM_CASES.columns),
    "frozen_exclusions": _without_period(marts.EXCLUSIONS, "frozen_exclusions"),
    "frozen_conservation": _without_period(marts.CONSERVATION, "frozen_conservation"),
    "frozen_quality_cells": Table("frozen_quality_cells", quality.QUALITY_CELLS.grain, quality.QUALITY_CELLS.columns),
}

TABLES = {
    table.name: table
    for table in (
        WINDOWS,
        ELECTIONS,
        RECEIPTS,
        EARLIER_INCENTIVES,
        EARLIER_SAVINGS,
        EARLIER_OTHER_PROGRAM_AMOUNTS,
        EARLIER_PAYMENTS,
        LATER_PAYMENTS,
        PROGRAM_CHANGES,
        *FROZEN.values(),
    )
}
