"""The marts that account for a period: what was left out, the ledger, the programs that take part, and yearly caps."""

from hcip_pipeline.contracts.table import Column, Table

_PERIOD = Column("period", "text", "performance period; or name of the study", key=True)
_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)

EXCLUSIONS = Table(
    "exclusions",
    "one row per window, hospital and exclusion reason (the first that applies; NO_NORM cases count but earn nothing)",
    (
        _PERIOD,
        Column("window_name", "text", "performance, baseline or base_year", key=True),
        _CCN,
        Column("exclusion_reason", "text", "reason (methodology §3), or NO_NORM", key=True),
        Column("cases", "integer", "cases"),
        Column("cost", "money", "cost; Σ over these cases"),
    ),
)

CONSERVATION = Table(
    "conservation",
    "one row per stage, window and hospital: in = kept + excluded, in cases and in cents",
    (
        _PERIOD,
        Column("stage", "text", "stage of the pipeline, in order", key=True),
        Column(
            "window_name",
            "text",
            "performance, baseline or base_year; all if the stage precedes windows",
            key=True,
        ),
        _CCN,
        Column("cases_in", "integer", "cases that entered"),
        Column("cases_kept", "integer", "cases kept"),
        Column("cases_excluded", "integer", "cases excluded"),
        Column("amount_in", "money", "dollars that entered (charges at intake, then cost, then incentive)"),
        Column("amount_kept", "money", "dollars kept"),
        Column("amount_excluded", "money", "dollars excluded"),
    ),
)

PROGRAMS = Table(
    "programs",
    "one row per hospital with cases, care partners, a protocol or a program (methodology §15)",
    (
        _CCN,
        _PERIOD,
        Column("first_performance_period", "text", "the hospital's first performance period", nullable=True),
        Column("program_year", "integer", "program year of the hospital", nullable=True),
        Column(
            "accepted_first_period",
            "text",
            "first performance period named in the first accepted protocol; empty if none was accepted",
            nullable=True,
        ),
        Column(
            "other_first_periods", "text", "other first periods named in later protocols, separated by |", nullable=True
        ),
        Column(
            "corrected_first_period", "text", "first performance period given by an approved correction", nullable=True
        ),
        Column(
            "correction_filed_in", "text", "period of the program folder that contains the correction", nullable=True
        ),
        Column("is_first_period_changed", "boolean", "protocols disagree on the first period, and nothing settles it"),
        Column("protocol_year", "integer", "year of the protocol file; of the protocol in force", nullable=True),
        Column("protocol_version", "integer", "its version, numbered from 1 as received", nullable=True),
        Column("protocol_sha256", "text", "sha256 of its file", nullable=True),
        Column("protocol_approved_on", "date", "day the protocol was approved", nullable=True),
        Column("has_locked_conditions", "boolean", "weights total 100% and were approved before the period"),
        Column("protocol_terms", "text", "its terms that move payments, as JSON", nullable=True),
        Column("care_partners", "integer", "care partners; on the certified list"),
    ),
)

OTHER_PROGRAMS = Table(
    "other_programs",
    "one row per hospital, reported period, program and kind: amounts of other programs, as known now",
    (
        _CCN,
        _PERIOD,
        Column("reported_period", "text", "performance period that the amount was reported for", key=True),
        Column("program", "text", "other program", key=True),
        Column("kind", "text", "kind of apportionment", key=True, allowed=("incentive", "intervention")),
        Column("amount", "money", "amount apportioned to it"),
    ),
)

PROGRAM_CHANGES = Table(
    "program_changes",
    "one row per hospital and kind of change since an earlier period was released that may move its payments",
    (
        _CCN,
        _PERIOD,
        Column("reason", "text", "kind of change: a reason code of payments", key=True),
        Column("detail", "text", "description of the change"),
    ),
)

YEAR_CAPS = Table(
    "year_caps",
    "one row per physician of a hospital, care partner or not, who was paid for the calendar year's earlier half-year, "
    "or whose payment waits for the later one: what the fee-schedule cap of the year leaves (methodology §9, step 5)",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI; the physician", key=True),
        Column("earlier_payable", "money", "payable final incentive of the year's earlier period"),
        Column("later_payable", "money", "payable final incentive of the year's later period, as last released"),
        Column("pfs_source", "text", "notice or claims", nullable=True, allowed=("NOTICE", "CLAIMS")),
        Column("pfs_approved_amount", "money", "Medicare approved amounts of the year", nullable=True),
        Column("physician_cap_percent", "ratio", "cap in percent of fee-schedule approved amounts", nullable=True),
        Column("later_year_cap", "money", "cap of the year according to the later period's release", nullable=True),
        Column("year_cap", "money", "fee-schedule cap of the whole year; the greater of the two", nullable=True),
        Column("over_cap", "money", "payable incentives of the year's other half-years above it", nullable=True),
    ),
)
