"""Program files (inputs.md, "Program files"): what committees, the regulator and CMS report for a period."""

from hcip_pipeline.contracts.table import Column, Table

_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True, max_length=6)
_NPI = Column("npi", "text", "NPI; the care partner", key=True, max_length=10)

CARE_PARTNERS = Table(
    "care_partners",
    "one row per care partner of a hospital: the certified list",
    (
        _CCN,
        _NPI,
        Column("name", "text", "name", is_words=True),
        Column("tin", "text", "tax identification number; payments go to it", nullable=True),
        Column("specialty", "text", "specialty", nullable=True, is_words=True),
        Column("participation_start", "date", "first day of participation"),
        Column("participation_end", "date", "last day of participation; empty while it lasts", nullable=True),
        Column("arrangement_signed", "date", "day the care partner arrangement was signed", nullable=True),
        Column("screening_status", "text", "result of the screening", allowed=("cleared", "failed", "pending")),
        Column("certified_on", "date", "day of certification", nullable=True),
    ),
)
CONDITION_RESULTS = Table(
    "condition_results",
    "one row per care partner and condition of payment",
    (
        _CCN,
        _NPI,
        Column("condition_id", "text", "condition of payment; as the hospital's protocol names it", key=True),
        Column("met", "text", "condition met", nullable=True, allowed=("Y", "N")),
        Column("source", "text", "who reported it", nullable=True, is_words=True),
        Column("reported_on", "date", "day of the report", nullable=True),
    ),
)
INTERVENTION_ACTIVITY = Table(
    "intervention_activity",
    "one row per care partner and intervention",
    (
        _CCN,
        _NPI,
        Column("intervention_id", "text", "intervention of the catalog", key=True),
        Column("activities", "integer", "approved activities performed"),
        Column("reported_on", "date", "day of the report", nullable=True),
    ),
)
REDESIGN_RESULTS = Table(
    "redesign_results",
    "one row per hospital, intervention and quarter: results of the intervention, as its committee tracks them",
    (
        _CCN,
        Column("intervention_id", "text", "intervention of the catalog", key=True),
        Column("quarter", "text", "calendar quarter; of the result, such as 2025Q1", key=True, max_length=6),
        Column("measured", "text", "what was counted", nullable=True, is_words=True),
        Column("numerator", "integer", "events; how often it was done, or how many patients had it"),
        Column("denominator", "integer", "denominator; empty for a plain count", nullable=True),
        Column("reported_on", "date", "day of the report", nullable=True),
    ),
)
COMMITTEE_ADJUSTMENTS = Table(
    "committee_adjustments",
    "one row per reduction by the oversight committee",
    (
        _CCN,
        _NPI,
        Column("adjustment_amount", "money", "reduction in dollars, zero or negative"),
        Column("reason", "text", "reason", is_words=True),
        Column("approved_by", "text", "who approved it", is_words=True),
        Column("approved_on", "date", "day of approval"),
    ),
)
PFS_CAP_NOTICES = Table(
    "pfs_cap_notices",
    "one row per care partner and calendar year",
    (
        _CCN,
        _NPI,
        Column("calendar_year", "integer", "calendar year", key=True, bounds=("2000", "2200")),
        Column("approved_amount", "money", "Medicare approved amounts under the Physician Fee Schedule"),
        Column("notice_date", "date", "day of the notice"),
    ),
)
POOL_NOTICES = Table(
    "pool_notices",
    "one row per hospital",
    (
        _CCN,
        Column("incentive_pool", "money", "the most the hospital may distribute"),
        Column("contested", "text", "the hospital contests the notice", allowed=("Y", "N")),
        Column("notice_date", "date", "day of the notice"),
    ),
)
OTHER_PROGRAM_AMOUNTS = Table(
    "other_program_amounts",
    "one row per hospital, program and kind",
    (
        _CCN,
        Column("program", "text", "other program", key=True, is_words=True),
        Column("kind", "text", "kind of apportionment", key=True, allowed=("incentive", "intervention")),
        Column("amount", "money", "amount apportioned to it"),
    ),
)
PAYMENTS = Table(
    "payments",
    "one row per payment the hospital made",
    (
        _CCN,
        _NPI,
        Column("paid_amount", "money", "amount paid"),
        Column("paid_on", "date", "day of payment"),
        Column("reference", "text", "the payer's reference", key=True),
        Column("name", "text", "name; of the care partner, on the form", nullable=True, optional=True, is_words=True),
        Column("tin", "text", "tax identification number; on the form", nullable=True, optional=True),
        Column("payable_amount", "money", "amount payable; on the form", nullable=True, optional=True),
    ),
)
COMMITTEE_MEETINGS = Table(
    "committee_meetings",
    "one row per meeting of an oversight committee",
    (
        _CCN,
        Column("met_on", "date", "day of the meeting", key=True),
        Column("members_present", "integer", "members present"),
        Column("physicians_present", "integer", "physicians among the members present"),
    ),
)
PROGRAM_CORRECTIONS = Table(
    "program_corrections",
    "one row per hospital: the correct first performance period if its protocols disagree (methodology §15)",
    (
        _CCN,
        Column(
            "first_performance_period", "text", "the hospital's first performance period; as corrected", max_length=6
        ),
        Column("reason", "text", "reason"),
        Column("approved_by", "text", "who approved it"),
        Column("approved_on", "date", "day of approval"),
    ),
)
SCREENING_CLEARANCES = Table(
    "screening_clearances",
    "one row per care partner and list: the list's records with a similar name were found to be another person's",
    (
        _CCN,
        _NPI,
        Column("source", "text", "list of the records: OIG", key=True),
        Column("cleared_by", "text", "who cleared it", is_words=True),
        Column("cleared_on", "date", "day of the clearance"),
        Column("reason", "text", "reason", is_words=True),
    ),
)

#: Tables that later periods read, too: sums to date, payments to be audited, corrections that stay in force.
READ_LATER = ("other_program_amounts", "payments", "program_corrections")

TABLES = {
    table.name: table
    for table in (
        CARE_PARTNERS, CONDITION_RESULTS, INTERVENTION_ACTIVITY, REDESIGN_RESULTS, COMMITTEE_ADJUSTMENTS,
        PFS_CAP_NOTICES, POOL_NOTICES, OTHER_PROGRAM_AMOUNTS, PAYMENTS, COMMITTEE_MEETINGS, PROGRAM_CORRECTIONS,
        SCREENING_CLEARANCES,
    )
}  # fmt: skip
