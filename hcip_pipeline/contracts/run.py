"""What the warehouse seam adds to the lake for one build: its windows, the elections in force, and what was received."""

from hcip_pipeline.contracts.table import Column, Table

WINDOWS = Table(
    "windows",
    "one row a window of the build",
    (
        Column("window_name", "text", "performance, baseline or base_year", key=True),
        Column("start_date", "date", "first day"),
        Column("end_date", "date", "last day"),
        Column("calendar_year", "integer", "year whose dollars the window's costs are in"),
    ),
)

ELECTIONS = Table(
    "elections",
    "one row a hospital: the policy as it holds there",
    (
        Column("hospital_ccn", "text", "CMS certification number", key=True),
        Column("mpi_floor", "money", "least maximum physician incentive per case; empty = none", nullable=True),
        Column("mpi_ceiling", "money", "greatest maximum physician incentive per case; empty = none", nullable=True),
        Column("improvement_share", "ratio", "share of the maximum physician incentive that rewards improvement"),
        Column("physician_cap_percent", "ratio", "cap in percent of Physician Fee Schedule approved amounts"),
    ),
)

RECEIPTS = Table(
    "receipts",
    "one row a hospital and quarter: discharges of the submission in force, from its receipt",
    (
        Column("hospital_ccn", "text", "CMS certification number", key=True),
        Column("quarter", "text", "quarter of the submission", key=True),
        Column("rows_read", "integer", "discharge rows read"),
        Column("rows_excluded", "integer", "discharge rows quarantined or superseded"),
        Column("amount_read", "money", "total charges of the rows read"),
        Column("amount_excluded", "money", "total charges of the rows quarantined or superseded"),
    ),
)
