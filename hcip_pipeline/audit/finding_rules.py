"""The rules of the audit of a payment cycle: the severity of each kind of finding, and what to do about it.

Belongs here: the rules. Does not belong here: how findings are made (``findings``), and rules for received files
(``rules``).
"""

from __future__ import annotations

from dataclasses import dataclass

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS


@dataclass(frozen=True)
class FindingRule:
    """One thing the audit looks for."""

    severity: str
    what_to_do: str


RULES = {
    "PAYMENT_NOT_PAYABLE": FindingRule("high", "recover the payment, or have the committee show why it was due"),
    "PAYMENT_OVER": FindingRule("high", "recover the excess or deduct it from the next payment"),
    "PAYMENT_UNDER": FindingRule("medium", "pay the difference with the next cycle"),
    "PAYMENT_MISSING": FindingRule("medium", "pay, or report the payment in program/{period}/payments.csv"),
    "PAYMENTS_NOT_REPORTED": FindingRule("low", "report payments in program/{period}/payments.csv once they are made"),
    "PRIOR_PERIOD_ADJUSTMENT": FindingRule(
        "high",
        "if the earlier amount was paid, settle the adjustment together with this cycle's payments; if it was not, pay "
        "the restated amount, which includes the adjustment",
    ),
    "RESTATEMENT_UNEXPLAINED": FindingRule(
        "high", "find out what changed before anything is paid; `hcip diff` lists the changes"
    ),
    "CAP_BOUND": FindingRule(
        "low", "nothing: the reduction is final, unless the cap is an estimate, which an official notice replaces"
    ),
    "YEAR_OVER_CAP": FindingRule(
        "high", "recover the excess, or file the official amount that covers it (pfs_cap_notices.csv)"
    ),
    "CAP_IN_DOUBT": FindingRule(
        "low", "ask CMS for the official amount (pfs_cap_notices.csv): it replaces the estimate"
    ),
    "LIMIT_BOUND": FindingRule("medium", "review the limit: all amounts were reduced in proportion to stay within it"),
    "PAYMENT_HELD": FindingRule(
        "medium", "resolve the reason for the hold; the next release of the period then makes the amount payable"
    ),
    "CONDITIONS_NOT_LOCKED": FindingRule("high", PAYMENT_REASONS["CONDITIONS_NOT_LOCKED"].advice),
    "CONDITION_RESULTS_MISSING": FindingRule("medium", PAYMENT_REASONS["CONDITION_RESULTS_MISSING"].advice),
    "COMMITTEE": FindingRule(
        "medium", "change the committee's membership to what the participation agreement requires"
    ),
    "PROGRAM_CHANGED": FindingRule(
        "medium",
        "check that the change is correct before anything is paid; the payments it may affect list it as a reason",
    ),
    "PROTOCOL": FindingRule("medium", "correct the implementation protocol"),
    "RESTS_ON_SUPERSEDED": FindingRule(
        "medium", "settle the later periods again, in order: `hcip run PERIOD --onward`"
    ),
    "EXCLUSION_NAME_MATCH": FindingRule(
        "medium",
        "ask whether it is the same person: if not, report it in screening_clearances.csv; if so, enter failed in "
        "care_partners.csv",
    ),
    "EXCLUSION_CLEARED": FindingRule("low", "nothing: keep the evidence that it is another person"),
    "EXCLUSION_WAIVED": FindingRule("low", "nothing: check that the waiver covers the services"),
    "CLEARANCE_UNUSED": FindingRule(
        "low", "correct the row in program/{period}/screening_clearances.csv, or remove it"
    ),
    "NOT_ON_ORDER_AND_REFERRING": FindingRule(
        "low", "have the care partner enroll, or correct the NPI in care_partners.csv"
    ),
    "ATTENDING_NPI": FindingRule(
        "low", "inform the hospital: an attending physician must have an active NPI of an individual"
    ),
    "LIST_STALE": FindingRule("medium", "put the newest list into inbox/reference/ and run the period again"),
    "LIST_UNDATED": FindingRule("low", "enter the date of the list in inbox/reference/list_dates.csv"),
    "GROUPER_VERSIONS": FindingRule(
        "medium",
        "have the cases of the base year and the baseline regrouped and put them into "
        "inbox/reference/grouper_bridge.csv",
    ),
    "SAVINGS_MISSING": FindingRule(
        "medium", "settle these half-years, then the later ones again, in order: `hcip run {first} --onward`"
    ),
    "DATA_MISSING": FindingRule("medium", "obtain what is missing; the next release of the period will include it"),
    "BASELINE_REPLACED": FindingRule(
        "medium", "compare the two submissions, and ask the hospital why it resubmitted the quarter"
    ),
    "RESTATEMENT_DUE": FindingRule(
        "medium", "restate the earlier half-year, then settle the later ones again, in order"
    ),
}
