"""What program files must satisfy beyond their contract (inputs.md, "Program files").

Belongs here: rules for one row, by itself and against the hospitals, the catalog and the protocols (a negative
payment is one that the hospital took back, which breaks no rule). Does not belong here: what the figures mean for a
payment, which the waterfall decides (methodology §9).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import polars as pl

from hcip_pipeline.contracts.patterns import TIN
from hcip_pipeline.contracts.screening import CLEARED_SOURCES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.interventions import CATALOG
from hcip_pipeline.tables.contract_columns import RowRule

_PLAUSIBLE = (dt.date(1900, 1, 1), dt.date(2200, 12, 31))


def _negative(column: str) -> RowRule:
    return RowRule("AMOUNT-NEGATIVE", column, pl.col(column) < 0, f"{column} is below zero")


_ROW_RULES: dict[str, tuple[RowRule, ...]] = {
    "care_partners": (
        RowRule(
            "DATE-ORDER",
            "participation_end",
            pl.col("participation_end") < pl.col("participation_start"),
            "the participation ends before it starts",
        ),
        RowRule(
            "TIN-NOT-NINE-DIGITS",
            "tin",
            ~pl.col("tin").str.contains(TIN),
            "the TIN does not have nine digits",
        ),
    ),
    "intervention_activity": (
        RowRule("NUMBER-OUT-OF-RANGE", "activities", pl.col("activities") < 0, "activities is below zero"),
        RowRule(
            "INTERVENTION-UNKNOWN",
            "intervention_id",
            ~pl.col("intervention_id").is_in(list(CATALOG)),
            "the intervention is not in the catalog",
        ),
    ),
    "payments": (
        RowRule(
            "PAID-OVER-PAYABLE",
            "paid_amount",
            pl.col("paid_amount") > pl.col("payable_amount"),
            "more was paid than the form states as payable",
        ),
        RowRule(
            "PAID-UNDER-PAYABLE",
            "paid_amount",
            pl.col("paid_amount") < pl.col("payable_amount"),
            "less was paid than the form states as payable",
        ),
    ),
    "redesign_results": (
        RowRule(
            "INTERVENTION-UNKNOWN",
            "intervention_id",
            ~pl.col("intervention_id").is_in(list(CATALOG)),
            "the intervention is not in the catalog",
        ),
        RowRule("NUMBER-OUT-OF-RANGE", "numerator", pl.col("numerator") < 0, "numerator is below zero"),
        RowRule("NUMBER-OUT-OF-RANGE", "denominator", pl.col("denominator") < 1, "denominator is below one"),
        RowRule(
            "PARTS-EXCEED-TOTAL",
            "numerator",
            pl.col("numerator") > pl.col("denominator"),
            "the numerator is larger than the denominator",
        ),
    ),
    "committee_adjustments": (
        RowRule(
            "ADJUSTMENT-INCREASE",
            "adjustment_amount",
            pl.col("adjustment_amount") > 0,
            "the adjustment increases a payment, but may only reduce it",
        ),
    ),
    "pfs_cap_notices": (_negative("approved_amount"),),
    "pool_notices": (_negative("incentive_pool"),),
    "other_program_amounts": (_negative("amount"),),
    "program_corrections": (
        RowRule(
            "PERIOD-UNKNOWN",
            "first_performance_period",
            ~pl.col("first_performance_period").str.contains(r"^[0-9]{4}H[12]$"),
            "first_performance_period is not a performance period",
        ),
    ),
    "screening_clearances": (
        RowRule(
            "SOURCE-UNKNOWN",
            "source",
            ~pl.col("source").str.to_uppercase().is_in(CLEARED_SOURCES),
            "the source is not a list that is compared by name (OIG)",
        ),
    ),
    "committee_meetings": (
        RowRule("NUMBER-OUT-OF-RANGE", "members_present", pl.col("members_present") < 1, "no member was present"),
        RowRule(
            "NUMBER-OUT-OF-RANGE",
            "physicians_present",
            pl.col("physicians_present") < 0,
            "physicians_present is below zero",
        ),
        RowRule(
            "PARTS-EXCEED-TOTAL",
            "physicians_present",
            pl.col("physicians_present") > pl.col("members_present"),
            "more physicians than members were present",
        ),
    ),
}


def program_rules(
    table: Table,
    period: PerformancePeriod,
    hospitals: Collection[str],
    conditions: Collection[tuple[str, str]] | None = None,
) -> tuple[RowRule, ...]:
    """The rules of one program file.

    Args:
        table: the file's contract.
        period: the period whose folder it is in.
        hospitals: the known CCNs.
        conditions: pairs of CCN and condition id of the protocols in force; None if they are not known.
    """
    ccn = pl.col("hospital_ccn")
    rules = [
        RowRule("CCN-UNKNOWN", "hospital_ccn", ~ccn.is_in(sorted(hospitals)), "the hospital is not known"),
        *_ROW_RULES.get(table.name, ()),
    ]
    for column in table.columns:
        # An open end is often written 9999-12-31.
        last = dt.date(9999, 12, 31) if column.name == "participation_end" else _PLAUSIBLE[1]
        if column.type == "date":
            outside = ~pl.col(column.name).is_between(_PLAUSIBLE[0], last)
            rules.append(RowRule("DATE-IMPLAUSIBLE", column.name, outside, f"{column.name} is before 1900 or too late"))
    if table.name == "committee_meetings":
        outside = ~pl.col("met_on").is_between(period.start, period.end)
        rules.append(RowRule("DATE-OUTSIDE-PERIOD", "met_on", outside, f"the meeting was not held in {period}"))
    if table.name == "redesign_results":
        outside = ~pl.col("quarter").is_in([str(quarter) for quarter in period.quarters])
        rules.append(RowRule("QUARTER-OUTSIDE-PERIOD", "quarter", outside, f"the quarter is not in {period}"))
    if table.name == "condition_results" and conditions is not None:
        # The hospitals without a protocol are reported elsewhere, once each.
        with_protocol = ccn.is_in(sorted({hospital for hospital, _ in conditions}))
        known = (ccn + "\0" + pl.col("condition_id")).is_in(sorted(f"{h}\0{c}" for h, c in conditions))
        message = "the condition is not one of the hospital's protocol"
        rules.append(RowRule("CONDITION-UNKNOWN", "condition_id", with_protocol & ~known, message))
    return tuple(rules)
