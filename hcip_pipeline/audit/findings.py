"""The findings of the audit: one row per finding, with severity, amount and what to do.

Belongs here: applying the rules of the audit. Does not belong here: the rules (``finding_rules``), how payments are
matched (``payments``), and the page (``report``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from hcip_pipeline.audit.finding_rules import RULES
from hcip_pipeline.audit.groupers import grouper_findings
from hcip_pipeline.audit.screening import screening_findings
from hcip_pipeline.contracts import audit
from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS, parse_holds
from hcip_pipeline.dollars import dollars
from hcip_pipeline.release.derived import DerivedTable
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.earlier_half_years import savings_missing, unsettled_half_years
from hcip_pipeline.release.notes import NoteRule
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.rests_on import RULE as RESTS_ON_SUPERSEDED
from hcip_pipeline.release.rests_on import Named, named_releases
from hcip_pipeline.reports.words import plural
from hcip_pipeline.rules.catalog import current_id
from hcip_pipeline.rules.protocols import OF_COMMITTEE

_PAYMENT_RULES = {
    "NOT_PAYABLE": (
        "PAYMENT_NOT_PAYABLE",
        "{paid} was paid for {period} to a care partner to whom nothing is payable under {release}",
    ),
    "OVERPAID": (
        "PAYMENT_OVER",
        "{paid} was paid for {period}, {difference} more than the {payable} payable under {release}",
    ),
    "UNDERPAID": (
        "PAYMENT_UNDER",
        "{paid} was paid for {period}, {difference} less than the {payable} payable under {release}",
    ),
    "MISSING": ("PAYMENT_MISSING", "no payment is reported for {period}; {payable} is payable under {release}"),
}

#: the rule id as ``_with_rule_id`` appends it
_RULE_AT_END = re.compile(r" \[[A-Z0-9_-]+\]$")


@dataclass(frozen=True)
class _Found:
    rule: str
    finding: str
    ccn: str | None = None
    npi: str | None = None
    amount: Decimal | None = None
    what_to_do: str = ""
    severity: str = ""
    period: str = ""  # half-year of the file to send; empty: the release's
    first: str = ""  # earliest half-year to settle again


@dataclass(frozen=True)
class UnreportedPayments:
    """A half-year for which a hospital has not reported any payment; ``payable_amount`` in dollars."""

    hospital_ccn: str
    period: str
    care_partners: int
    payable_amount: Decimal

    @property
    def finding(self) -> str:
        """Text of the finding."""
        return (
            f"{dollars(self.payable_amount)} is payable for {self.period} to "
            f"{plural(self.care_partners, 'care partner')}; the hospital has not reported any payment yet"
        )

    @property
    def what_to_do(self) -> str:
        """What the hospital should do."""
        return RULES["PAYMENTS_NOT_REPORTED"].what_to_do.replace("{period}", self.period)


def unreported_payments(reconciled: pl.DataFrame) -> list[UnreportedPayments]:
    """The half-years without reported payments, ordered by hospital and half-year.

    Args:
        reconciled: rows of ``payment_reconciliation``.
    """
    waiting = reconciled.filter(pl.col("verdict") == "NOT_YET_REPORTED")
    return [
        UnreportedPayments(str(ccn), str(period), rows.height, Decimal(rows["payable_amount"].sum()))
        for (ccn, period), rows in sorted(waiting.group_by("hospital_ccn", "paid_period"))
    ]


def held_payment(amount: Decimal, reasons: str | None) -> str:
    """Text for a held amount with every reason for the hold; ``reasons`` as in ``incentives``."""
    return f"{dollars(amount)} is held: {'; '.join(hold.auditor for hold in parse_holds(reasons))}"


def _with_rule_id(finding: str, rule: str) -> str:
    """A finding followed by the id of the protocol rule that is broken, for auditors."""
    return f"{finding} [{rule}]"


def without_rule_id(finding: str) -> str:
    """A finding as committees read it: without the rule id at its end, if it has one."""
    return _RULE_AT_END.sub("", finding)


def finding_tables(draft: Draft) -> Iterable[DerivedTable]:
    """The table ``audit_findings``; ids are numbered within rule and hospital, in the order of care partners."""
    numbers: dict[tuple[str, str | None], int] = {}
    rows = []
    for found in (finding for find in _FINDERS for finding in find(draft)):
        group = (found.rule, found.ccn)
        numbers[group] = numbers.get(group, 0) + 1
        rule = RULES[found.rule]
        rows.append(
            (
                str(draft.period),
                f"{found.rule}-{found.ccn or 'STATE'}-{numbers[group]:03d}",
                found.rule,
                found.severity or rule.severity,
                found.ccn,
                found.npi,
                found.amount,
                found.finding,
                found.what_to_do
                or rule.what_to_do.replace("{period}", found.period or str(draft.period)).replace(
                    "{first}", found.first
                ),
            )
        )
    schema: dict[str, Any] = audit.AUDIT_FINDINGS.schema
    yield DerivedTable("audit", audit.AUDIT_FINDINGS, pl.DataFrame(rows, schema=schema, orient="row"))


def _payments(draft: Draft) -> Iterator[_Found]:
    reconciled = draft.table("payment_reconciliation")
    for row in reconciled.iter_rows(named=True):
        if row["verdict"] in _PAYMENT_RULES:
            rule, template = _PAYMENT_RULES[row["verdict"]]
            text = template.format(
                paid=dollars(row["paid_amount"]),
                payable=dollars(row["payable_amount"]),
                difference=dollars(abs(row["difference"])),
                period=row["paid_period"],
                release=row["released_as"],
            )
            yield _Found(rule, text, row["hospital_ccn"], row["npi"], abs(row["difference"]), period=row["paid_period"])
    for each in unreported_payments(reconciled):
        yield _Found(
            "PAYMENTS_NOT_REPORTED", each.finding, each.hospital_ccn, None, each.payable_amount, period=each.period
        )


def _adjustments(draft: Draft) -> Iterator[_Found]:
    key = ["hospital_ccn", "npi", "restated_period"]
    paid = draft.table("payment_reconciliation").filter(pl.col("verdict") == "AS_RELEASED", pl.col("payments") > 0)
    by_payment = (
        draft.table("prior_period_adjustments")
        .join(paid, left_on=key, right_on=["hospital_ccn", "npi", "paid_period"], how="anti")  # paid as restated
        .group_by(key)
        .agg(pl.col("adjustment_amount").sum(), pl.col("cause").unique().sort(), pl.col("restated_release").max())
    )
    for row in by_payment.sort(key).iter_rows(named=True):
        if row["adjustment_amount"]:
            direction = "additional payment" if row["adjustment_amount"] > 0 else "recovery"
            causes = ", ".join(cause.replace("_", " ") for cause in row["cause"])
            text = f"{direction} of {dollars(abs(row['adjustment_amount']))} for {row['restated_period']} ({causes})"
            yield _Found(
                "PRIOR_PERIOD_ADJUSTMENT", text, row["hospital_ccn"], row["npi"], abs(row["adjustment_amount"])
            )


def _unexplained(draft: Draft) -> Iterator[_Found]:
    rows = draft.table("restatement").filter(pl.col("cause").is_in(["undetermined", "program_version"]))
    for (cause,), part in sorted(rows.group_by("cause")):
        total = Decimal(part["payable_difference"].abs().sum())
        text = f"{plural(part.height, 'payment')} changed since the previous release, by {dollars(total)} in total, "
        text += "although no input changed: " + (
            "the program changed" if cause == "program_version" else "no cause was found"
        )
        yield _Found("RESTATEMENT_UNEXPLAINED", text, amount=total)


def _limits(draft: Draft) -> Iterator[_Found]:
    rows = draft.table("incentives").sort("hospital_ccn", "npi")
    for row in rows.filter(pl.col("pfs_cap_adjustment") < 0).iter_rows(named=True):
        reduced = dollars(-row["pfs_cap_adjustment"])
        text = f"the fee-schedule cap of {dollars(row['pfs_cap_amount'])} reduced the amount by {reduced}"
        yield _Found("CAP_BOUND", text, row["hospital_ccn"], row["npi"], -row["pfs_cap_adjustment"])
    yield from _years_over_cap(draft)
    yield from _caps_in_doubt(draft)
    unsettled = unsettled_half_years(draft)
    for ccn, periods in sorted(unsettled.items()):
        yield _Found("SAVINGS_MISSING", savings_missing(periods), ccn, first=periods[0])
    bound = draft.table("distribution_limits").sort("hospital_ccn")
    for row in bound.iter_rows(named=True):
        reduced_by = row["incentives_before_limit"] - row["incentives_after_limit"]
        if reduced_by > 0:
            pool, earned = row["incentive_pool"], row["cumulative_limit"]
            by_notice = pool is not None and row["distribution_limit"] == pool and (earned is None or pool <= earned)
            source = "the pool notice" if by_notice else "savings to date less earlier payments"
            text = f"the distribution limit of {dollars(row['distribution_limit'])} ({source}) reduced the payments by "
            text += dollars(reduced_by)
            if periods := unsettled.get(row["hospital_ccn"], ()):
                text += f"; {savings_missing(periods)}"
            yield _Found("LIMIT_BOUND", text, row["hospital_ccn"], None, reduced_by)


def _years_over_cap(draft: Draft) -> Iterator[_Found]:
    """Physicians for whom both half-years together make more payable than the year's cap allows, with the excess."""
    for row in (
        draft.table("year_caps").filter(pl.col("over_cap") > 0).sort("hospital_ccn", "npi").iter_rows(named=True)
    ):
        by_notice = row["pfs_source"] == "NOTICE"
        text = (
            f"{dollars(row['earlier_payable'] + row['later_payable'])} is payable for {draft.period.year} under the "
            f"releases of both half-years, {dollars(row['over_cap'])} more than the year's fee-schedule cap of "
            f"{dollars(row['year_cap'])} ({'from the notice' if by_notice else 'estimated from claims'})"
        )
        severity = "" if by_notice else "medium"
        yield _Found("YEAR_OVER_CAP", text, row["hospital_ccn"], row["npi"], row["over_cap"], severity=severity)


def _caps_in_doubt(draft: Draft) -> Iterator[_Found]:
    """Caps that rest on claims that may count twice, with and without them; the amount is what a payment would lose."""
    inputs = draft.table("payment_inputs").filter(pl.col("pfs_amount_in_doubt") > 0)
    capped = draft.table("incentives").select("hospital_ccn", "npi", "pfs_cap_amount", "final_incentive")
    for row in inputs.join(capped, on=["hospital_ccn", "npi"]).sort("hospital_ccn", "npi").iter_rows(named=True):
        without = cap_of(row["pfs_approved_amount"] - row["pfs_amount_in_doubt"], row)
        over = max(row["final_incentive"] - without, Decimal(0))
        text = (
            f"the fee-schedule cap of {dollars(row['pfs_cap_amount'])} counts {dollars(row['pfs_amount_in_doubt'])} "
            "from final claims that share a key with another claim or lack a cancellation; without them it is "
            f"{dollars(without)}" + (f", {dollars(over)} less than the incentive" if over else "")
        )
        severity = "medium" if over else ""
        yield _Found("CAP_IN_DOUBT", text, row["hospital_ccn"], row["npi"], over, severity=severity)


def cap_of(approved: Decimal, inputs: Mapping[str, Any]) -> Decimal:
    """The fee-schedule cap (methodology §9, step 5) for another approved amount.

    Args:
        approved: the approved amount to use, in dollars.
        inputs: the care partner's row of ``payment_inputs``.
    """
    whole = (approved * (inputs["physician_cap_percent"] or 0) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return max(whole - inputs["earlier_period_incentive"], Decimal("0.00"))


def _holds(draft: Draft) -> Iterator[_Found]:
    held = draft.table("incentives").filter(pl.col("status") == "HELD").sort("hospital_ccn", "npi")
    for row in held.iter_rows(named=True):
        text = held_payment(row["final_incentive"], row["reasons"])
        yield _Found("PAYMENT_HELD", text, row["hospital_ccn"], row["npi"], row["final_incentive"])


def _conditions(draft: Draft) -> Iterator[_Found]:
    calculated = draft.table("incentives").group_by("hospital_ccn").agg(pl.col("calculated_incentive").sum())
    amounts = dict(calculated.iter_rows())
    for row in draft.lake("protocols").sort("hospital_ccn").iter_rows(named=True):
        if not row["has_locked_conditions"]:
            total = f"{row['weight_total_percent'].normalize():f}%"
            approved = f"approved on {row['approved_on']}" if row["approved_on"] else "not approved"
            text = (
                f"conditions of payment total {total} and were {approved}; {draft.period} began on {draft.period.start}"
            )
            yield _Found("CONDITIONS_NOT_LOCKED", text, row["hospital_ccn"], None, amounts.get(row["hospital_ccn"]))
    missing = (
        draft.table("conditions")
        .filter("is_missing")
        .group_by("hospital_ccn")
        .agg(pl.len(), pl.col("npi").n_unique().alias("partners"))
    )
    for ccn, results, partners in missing.sort("hospital_ccn").iter_rows():
        text = f"{plural(results, 'condition result')} of {plural(partners, 'care partner')} "
        text += "is not reported and counts as not met" if results == 1 else "are not reported and count as not met"
        yield _Found("CONDITION_RESULTS_MISSING", text, ccn)


def _protocols(draft: Draft) -> Iterator[_Found]:
    for row in draft.lake("protocol_findings").sort("hospital_ccn", "finding_id", "subject").iter_rows(named=True):
        of_committee = current_id(row["finding_id"]) in OF_COMMITTEE
        severity = "medium" if row["severity"] == "ERROR" else "low"
        yield _Found(
            "COMMITTEE" if of_committee else "PROTOCOL",
            _with_rule_id(row["message"], row["finding_id"]),
            row["hospital_ccn"],
            what_to_do=row["fix"],
            severity=severity,
        )


#: changes in the data that improvement is measured from, as opposed to changes in the program
_BASELINE_REASONS = frozenset({"BASELINE_REPLACED", "BASELINE_RESUBMITTED"})


def _changes(draft: Draft) -> Iterator[_Found]:
    for row in draft.table("program_changes").sort("hospital_ccn", "reason").iter_rows(named=True):
        text = f"{PAYMENT_REASONS[row['reason']].auditor}: {row['detail']}"
        rule = "BASELINE_REPLACED" if row["reason"] in _BASELINE_REASONS else "PROGRAM_CHANGED"
        yield _Found(rule, text, row["hospital_ccn"])


def _screening(draft: Draft) -> Iterator[_Found]:
    for rule, text, ccn, npi, amount in screening_findings(draft):
        yield _Found(rule, text, ccn, npi, amount)


def _groupers(draft: Draft) -> Iterator[_Found]:
    for text, severity in grouper_findings(draft.certainty):
        yield _Found("GROUPER_VERSIONS", text, severity=severity)


def _notes(draft: Draft) -> Iterator[_Found]:
    for note in draft.notes:
        if note.rule != NoteRule.SAVINGS_MISSING:  # reported by _limits, with the half-year to begin with
            yield _Found(note.rule, note.text, note.hospital_ccn)


def _superseded(draft: Draft) -> Iterator[_Found]:
    """Releases that rest on a superseded release.

    These are later periods' releases that rest on this period's previous release, the previous release itself, and
    earlier periods' releases that this one rests on.
    """
    again = f"settle it again: `hcip run {draft.period} --onward`"
    for named in draft.later:
        text = f"{named} was made before {draft.period} r{draft.number}: its caps and limits use superseded figures"
        yield _Found(RESTS_ON_SUPERSEDED, text, what_to_do=again)
    read = {named.period: named for named in named_releases(draft.inputs)}
    if draft.superseded:
        previous = draft.superseded[-1]
        for named in _outdated(previous, read):
            newer = read[named.period].release
            text = f"{draft.period} r{previous.number} rested on {named}, which was superseded by {newer}"
            advice = "pay according to this release; `hcip diff` lists what changed"
            yield _Found(RESTS_ON_SUPERSEDED, text, what_to_do=advice, severity="low")
    for earlier in draft.earlier:
        for named in _outdated(earlier, read):
            text = f"{earlier.period} r{earlier.number}, which this release rests on, rests on the superseded {named}"
            yield _Found(RESTS_ON_SUPERSEDED, text, what_to_do=f"`hcip run {earlier.period} --onward`")


def _outdated(release: ReleaseFiles, read: Mapping[str, Named]) -> list[Named]:
    """Releases that ``release`` read although ``read`` has a different one of the same period."""
    named = named_releases(release.manifest.get("inputs", ()))
    return [each for each in named if each.period in read and read[each.period] != each]


_FINDERS = (
    _payments, _adjustments, _unexplained, _limits, _holds, _conditions, _protocols, _changes, _screening, _superseded,
    _groupers, _notes,
)  # fmt: skip
