"""The decisions that an oversight committee has to make, by amount, from payments and the audit's findings.

Belongs here: grouping findings into items, and their titles. Does not belong here: the findings themselves
(``audit.findings``), and any amount that is not in a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hcip_pipeline.audit.findings import UnreportedPayments, without_rule_id
from hcip_pipeline.contracts.payment_reasons import parse_holds
from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import Row

#: rule of the audit -> its title on an agenda; other rules need no decision by the committee
TITLES = {
    "PAYMENT_NOT_PAYABLE": "Paid although nothing is payable",
    "PAYMENT_OVER": "Paid more than is payable",
    "PAYMENT_UNDER": "Paid less than is payable",
    "PAYMENT_MISSING": "Payable but not reported as paid",
    "PAYMENTS_NOT_REPORTED": "Payments not reported yet",
    "PRIOR_PERIOD_ADJUSTMENT": "Adjustment of an earlier half-year",
    "YEAR_OVER_CAP": "Payable amounts above the year's fee-schedule cap",
    "CAP_IN_DOUBT": "Uncertain fee-schedule cap",
    "LIMIT_BOUND": "Amounts reduced to the distribution limit",
    "CONDITION_RESULTS_MISSING": "Condition results not reported",
    "COMMITTEE": "The committee's membership or meetings",
    "PROGRAM_CHANGED": "The program's terms changed",
    "PROTOCOL": "The implementation protocol",
    "EXCLUSION_NAME_MATCH": "A name on an exclusion list",
    "EXCLUSION_WAIVED": "Exclusion waived for the hospital's state",
    "BASELINE_REPLACED": "Baseline data resubmitted",
    "RESTATEMENT_DUE": "Restatement of an earlier half-year",
}
#: rules about which the committee decides nothing, or for which the agenda has an item of its own
NOT_ON_AGENDA = frozenset(
    {
        "PAYMENT_HELD", "CONDITIONS_NOT_LOCKED", "CAP_BOUND", "RESTATEMENT_UNEXPLAINED", "RESTS_ON_SUPERSEDED",
        "EXCLUSION_CLEARED", "CLEARANCE_UNUSED",
        "NOT_ON_ORDER_AND_REFERRING", "ATTENDING_NPI", "LIST_STALE", "LIST_UNDATED", "DATA_MISSING",
        "GROUPER_VERSIONS", "SAVINGS_MISSING",
    }
)  # fmt: skip
_NOT_REPORTED = "PAYMENTS_NOT_REPORTED"


@dataclass(frozen=True)
class Item:
    """One decision; ``amount`` is None if no dollars depend on it, ``care_partners`` if it concerns no one by name."""

    title: str
    subject: str
    care_partners: int | None
    amount: Decimal | None
    what_to_do: str


def agenda(
    payments: Sequence[Row],
    findings: Iterable[Row],
    unreported: Iterable[UnreportedPayments],
    signs: Mapping[str, list[Row]],
) -> list[Item]:
    """The items, the largest amount first.

    Args:
        payments: rows of ``incentives``.
        findings: the hospital's rows of ``audit_findings``.
        unreported: earlier half-years of the hospital without reported payments.
        signs: NPI -> open warning signs.
    """
    items = [*_to_pay(payments, signs), *_holds(payments), *_unreported(unreported), *_found(findings)]
    return sorted(items, key=lambda item: (item.amount is None, -(item.amount or 0), item.title, item.subject))


def _to_pay(payments: Sequence[Row], signs: Mapping[str, list[Row]]) -> Iterable[Item]:
    payable = [row for row in payments if row["status"] == "PAYABLE"]
    if payable:
        yield Item(
            "Approve the payments",
            f"{words.plural(len(payable), 'payable amount')}, listed below",
            len(payable),
            _sum(payable),
            "approve, or reduce amounts in committee_adjustments.csv; no amount may be raised",
        )
    signed = [row for row in payable if row["npi"] in signs]
    if signed:
        yield Item(
            "Review warning signs before paying",
            "; ".join(row["name"] or row["npi"] for row in signed),
            len(signed),
            _sum(signed),
            "review the cases (guardrail_cases in the folder committee/); then pay, or reduce amounts in "
            "committee_adjustments.csv",
        )


def _holds(payments: Sequence[Row]) -> Iterable[Item]:
    """Held amounts, one item per set of reasons."""
    groups: dict[str, list[Row]] = {}
    for row in payments:
        if row["status"] == "HELD":
            groups.setdefault("|".join(hold.code for hold in parse_holds(row["reasons"])), []).append(row)
    for codes, rows in sorted(groups.items()):
        holds = parse_holds(codes)
        yield Item(
            "Resolve held payments",
            "; ".join(hold.label for hold in holds),
            len(rows),
            _sum(rows),
            " ".join(dict.fromkeys(hold.way_out for hold in holds)),
        )


def _unreported(half_years: Iterable[UnreportedPayments]) -> Iterable[Item]:
    """Unreported payments of earlier half-years; the meeting itself decides about those of this half-year."""
    for each in half_years:
        yield Item(TITLES[_NOT_REPORTED], each.finding, None, each.payable_amount, each.what_to_do)


def _found(findings: Iterable[Row]) -> Iterable[Item]:
    """The other findings that need a decision, one item per rule and remedy; a single finding keeps its own wording."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in findings:
        if row["rule"] in TITLES and row["rule"] != _NOT_REPORTED:
            groups.setdefault((row["rule"], row["what_to_do"]), []).append(row)
    for (rule, what_to_do), rows in sorted(groups.items()):
        amounts = [row["amount"] for row in rows if row["amount"] is not None]
        single = without_rule_id(rows[0]["finding"])
        yield Item(
            TITLES[rule],
            single if len(rows) == 1 else f"{len(rows):,} findings of the audit report",
            len({row["npi"] for row in rows if row["npi"]}) or None,
            sum(amounts, Decimal("0.00")) if amounts else None,
            what_to_do,
        )


def _sum(rows: Iterable[Row]) -> Decimal:
    return sum((row["final_incentive"] for row in rows), Decimal("0.00"))
