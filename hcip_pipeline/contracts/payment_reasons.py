"""Reason codes of payments: every code of ``incentives.reasons`` (methodology §8 and §9), declared once.

Checks, alerts, the audit, the explanation of a payment, reports and the data dictionary read this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from hcip_pipeline.rules.protocols import LATE_CONDITIONS


@dataclass(frozen=True)
class PaymentReason:
    """A reason for the amount or status of a payment.

    Args:
        code: as in ``incentives.reasons``.
        step: the step of the waterfall that gives it: ``calculated``, ``conditions``, ``standing``, ``committee``,
            ``pfs_cap``, ``distribution_limit`` or ``hold``; ``change`` for inputs that differ from earlier periods'.
        auditor: the meaning, as a clause that follows "because".
        label: the meaning in a few words, for a table cell.
        physician: one sentence to the care partner.
        way_out: who can change it and how, in one sentence; may be empty.
        is_idle: a hold on a payment of zero, of which nothing can be held.
    """

    code: str
    step: str
    auditor: str
    label: str
    physician: str
    way_out: str = ""
    is_idle: bool = False

    @property
    def is_hold(self) -> bool:
        """Whether the amount is held rather than reduced."""
        return self.step == "hold"

    @property
    def cell(self) -> str:
        """The label for a table cell, with holds marked."""
        return f"{self._holding}: {self.label}" if self.is_hold else self.label

    @property
    def clause(self) -> str:
        """The auditor's meaning, with holds marked."""
        return f"{self._holding}: {self.auditor}" if self.is_hold else self.auditor

    @property
    def sentence(self) -> str:
        """The sentence to the care partner; if there is nothing to hold, what would happen to an amount."""
        return f"{_ANY}{self.physician.removeprefix(_THE)}" if self.is_idle else self.physician

    @property
    def advice(self) -> str:
        """The way out as a clause, for a table cell."""
        return f"{self.way_out[:1].lower()}{self.way_out[1:].removesuffix('.')}"

    @property
    def _holding(self) -> str:
        return "would be held" if self.is_idle else "held"


#: the beginning of every hold's sentence, and its replacement if the amount is zero
_THE, _ANY = "The amount is held", "Any amount would be held"

STEPS = ("calculated", "conditions", "standing", "committee", "pfs_cap", "distribution_limit", "change", "hold")

_TABLE = (
    PaymentReason(
        "NO_CASES",
        "calculated",
        "there was no counted case in a cell with a norm",
        "no cases",
        "None of your discharges in the period counts toward an incentive.",
    ),
    PaymentReason(
        "NOTHING_EARNED",
        "calculated",
        "the cases earned nothing, for performance or for improvement",
        "nothing earned",
        "Your cases earned nothing for performance and nothing for improvement; the steps below explain why.",
    ),
    PaymentReason(
        "NO_BASELINE",
        "calculated",
        "there were too few baseline cases to measure improvement in one or both streams",
        "too few baseline cases",
        "You had too few medical or surgical cases in the baseline to measure improvement; those cases earn no "
        "improvement incentive.",
    ),
    PaymentReason(
        "CONDITIONS_NOT_MET",
        "conditions",
        "a condition of payment was not met",
        "conditions not met",
        "Conditions of payment that were not met reduced the amount.",
    ),
    PaymentReason(
        "WEIGHTS_NOT_100",
        "conditions",
        "the weights of the conditions of payment total less than 100%, and the rest is not earned",
        "weights below 100%",
        "The weights of the conditions of payment total less than 100%, and the rest is not earned.",
    ),
    PaymentReason(
        "CONDITION_RESULTS_MISSING",
        "conditions",
        "no result was reported for a condition of payment, which counts as not met",
        "condition results missing",
        "A condition without a reported result counts as not met.",
        "The Program Coordinator reports the result on the survey form or in condition_results.csv; the period is then "
        "restated.",
    ),
    PaymentReason(
        "NOT_LISTED_WHOLE_PERIOD",
        "standing",
        "not on the certified care-partner list for the whole period",
        "not on the list for the whole period",
        "You were not on the certified list for the whole period.",
    ),
    PaymentReason(
        "SCREENING_FAILED",
        "standing",
        "the screening failed",
        "screening failed",
        "The screening of care partners did not clear you.",
    ),
    PaymentReason(
        "EXCLUDED_INDIVIDUAL",
        "standing",
        "on an exclusion list during the period",
        "on an exclusion list",
        "You were on an exclusion list during the period.",
    ),
    PaymentReason(
        "ARRANGEMENT_SIGNED_LATE",
        "standing",
        "the arrangement was not signed by the first day of the period",
        "arrangement signed late",
        "The care partner arrangement was not signed by the first day of the period.",
    ),
    PaymentReason(
        "NO_APPROVED_ACTIVITY",
        "standing",
        "no approved activity was performed",
        "no approved activity",
        "None of your approved care redesign activities were reported.",
        "The Program Coordinator reports the activities on the survey form or in intervention_activity.csv; the period "
        "is then restated.",
    ),
    PaymentReason(
        "COMMITTEE_ADJUSTMENT",
        "committee",
        "the oversight committee reduced the amount",
        "committee's reduction",
        "The oversight committee reduced the amount.",
    ),
    PaymentReason(
        "PFS_CAP",
        "pfs_cap",
        "the Physician Fee Schedule cap was reached",
        "fee-schedule cap",
        "The cap on incentives, a share of your Medicare fee-schedule amounts, was reached.",
    ),
    PaymentReason(
        "DISTRIBUTION_LIMIT",
        "distribution_limit",
        "the hospital's distribution limit was reached",
        "hospital's distribution limit",
        "The hospital's limit was reached, and every amount was reduced by the same share.",
    ),
    PaymentReason(
        "BASELINE_REPLACED",
        "change",
        "data for the baseline were resubmitted since the previous half-year was released, and no release shows the "
        "earlier data",
        "baseline replaced",
        "Your hospital has resubmitted data for the baseline since the previous half-year was settled.",
    ),
    PaymentReason(
        "BASELINE_RESUBMITTED",
        "change",
        "data for the baseline were resubmitted after a release counted them",
        "baseline resubmitted",
        "Your hospital has resubmitted data for the baseline since they were first released.",
    ),
    PaymentReason(
        "EARLIER_PERIOD_RESTATED",
        "change",
        "an earlier period was restated, and its payments and savings count here",
        "earlier period restated",
        "An earlier half-year was restated, which can change the amount available for this one.",
    ),
    PaymentReason(
        "EXCLUSIONS_CHANGED",
        "change",
        "a care partner of the hospital was added to or removed from an exclusion list since the previous half-year "
        "was released",
        "exclusions changed",
        "A care partner of your hospital was added to or removed from an exclusion list since the previous half-year "
        "was settled.",
    ),
    PaymentReason(
        "FIRST_PERIOD_CORRECTED",
        "change",
        "an approved correction changed the hospital's first performance period since the previous half-year was "
        "released",
        "first period corrected",
        "The start of your hospital's program was corrected.",
    ),
    PaymentReason(
        "OTHER_PROGRAMS_CHANGED",
        "change",
        "amounts of other programs for earlier periods changed since the previous half-year was released",
        "other programs' amounts changed",
        "The amounts that went to other programs in earlier half-years were corrected.",
    ),
    PaymentReason(
        "PROTOCOL_CHANGED",
        "change",
        "the terms or the approval of the hospital's protocol changed since the previous half-year was released",
        "protocol changed",
        "Your hospital's protocol, or its approval, changed since the previous half-year was settled.",
    ),
    PaymentReason(
        "NO_PROTOCOL",
        "hold",
        "the hospital has no approved implementation protocol in force",
        "no approved protocol",
        "The amount is held because the hospital has no approved implementation protocol for the period.",
        "The hospital files its approved protocol (protocols/<CCN>/<year>.yaml); the period is then restated.",
    ),
    PaymentReason(
        "CONDITIONS_NOT_LOCKED",
        "hold",
        "the conditions of payment were not approved before the period began, or their weights do not total 100%",
        "conditions not approved in time",
        "The amount is held because the conditions of payment were not approved before the period began, or their "
        "weights do not total 100%.",
        f"{LATE_CONDITIONS[0].upper()}{LATE_CONDITIONS[1:]}.",
    ),
    PaymentReason(
        "FIRST_PERIOD_CHANGED",
        "hold",
        "the hospital's protocols name different first performance periods",
        "first period changed",
        "The amount is held because your hospital's protocols disagree on when its program began.",
        "The hospital files an approved correction of its first performance period; the period is then restated.",
    ),
    PaymentReason(
        "SCREENING_NOT_CLEARED",
        "hold",
        "the screening is not cleared yet",
        "screening not finished",
        "The amount is held because your screening is not finished.",
        "The Program Coordinator reports the screening result in care_partners.csv; the period is then restated.",
    ),
    PaymentReason(
        "NPI_NOT_AN_INDIVIDUAL",
        "hold",
        "the NPI belongs to an organization, according to NPPES",
        "an organization's NPI",
        "The amount is held because the NPI on the list of care partners belongs to an organization.",
        "The hospital reports the care partner's individual NPI in care_partners.csv, or sends a newer NPPES file.",
    ),
    PaymentReason(
        "NPI_DEACTIVATED",
        "hold",
        "the NPI is deactivated, according to NPPES",
        "deactivated NPI",
        "The amount is held because your NPI is deactivated.",
        "The care partner has the NPI reactivated, and the administrator ingests a newer NPPES file.",
    ),
    PaymentReason(
        "HELD_NO_PFS_CAP",
        "hold",
        "the fee-schedule amount is in neither a cap notice nor Medicare claims",
        "no fee-schedule amount",
        "The amount is held because the cap cannot be determined: no Medicare fee-schedule amount is known yet.",
        "The hospital asks CMS for the cap notice (pfs_cap_notices.csv); claims of the year also settle it.",
    ),
    PaymentReason(
        "POOL_CONTESTED",
        "hold",
        "the hospital contests its pool notice",
        "pool notice contested",
        "The amount is held while the hospital contests its pool notice.",
        "The hospital and CMS settle the notice; the period is then restated.",
    ),
    PaymentReason(
        "LATER_PERIOD_PAID",
        "hold",
        "the later half-year was released first and used what remained of the year's fee-schedule cap",
        "cap used by the later half-year",
        "The amount is held because the second half of the year was settled first and used the rest of the year's cap.",
        "The administrator settles the later half-year again, then this one (`hcip run PERIOD --onward`).",
    ),
)

#: code -> its entry, in the order of the waterfall
PAYMENT_REASONS = {reason.code: reason for reason in _TABLE}


def parse_reasons(codes: str | None, final: Decimal | None = None) -> Iterator[PaymentReason]:
    """The entries for a ``reasons`` cell, in its order.

    Args:
        codes: codes separated by ``|``; may be empty or None.
        final: the final incentive; if it is zero, holds are idle.

    Raises:
        KeyError: a code that is not declared.
    """
    for code in (codes or "").split("|"):
        if code:
            reason = PAYMENT_REASONS[code]
            yield replace(reason, is_idle=True) if reason.is_hold and final == 0 else reason


def parse_holds(codes: str | None) -> list[PaymentReason]:
    """The holds of a ``reasons`` cell, in its order."""
    return [reason for reason in parse_reasons(codes) if reason.is_hold]
