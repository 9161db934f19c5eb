"""Missing information of a hospital's period, for its Program Coordinator: one list for page, workbook and CSV.

Belongs here: the gaps in reported information, their consequences, and what to do about them. Does not belong here:
problems in submitted data (the data quality pages list them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields

import polars as pl

from hcip_pipeline.audit.screening import record_in_words
from hcip_pipeline.contracts import screening
from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.release.earlier_half_years import savings_missing
from hcip_pipeline.release.spreadsheets import neutralized
from hcip_pipeline.reports.figures import ReportSource, Row


@dataclass(frozen=True)
class MissingItem:
    """One gap; ``npi`` is empty if it concerns the hospital."""

    hospital_ccn: str
    period: str
    item: str
    npi: str
    name: str
    subject: str
    missing: str
    consequence: str
    what_to_do: str


_NOTHING_TO_HOLD = "nothing is payable; any amount would be held"
_RESULTS = PAYMENT_REASONS["CONDITION_RESULTS_MISSING"].advice


def missing_items(source: ReportSource, ccn: str) -> list[MissingItem]:
    """Every gap of the hospital, the hospital's own first, then by care partner."""
    return [
        MissingItem(ccn, str(source.period), *rest) for rest in (*_of_hospital(source, ccn), *_of_partners(source, ccn))
    ]


def missing_csv(items: list[MissingItem]) -> bytes:
    """``missing_information.csv``; only a header if nothing is missing."""
    schema = {field.name: pl.String for field in fields(MissingItem)}
    frame = neutralized(pl.DataFrame([astuple(item) for item in items], schema=schema, orient="row"))
    return frame.write_csv(line_terminator="\r\n", quote_style="necessary").encode()


_Gap = tuple[str, str, str, str, str, str, str]


def _of_hospital(source: ReportSource, ccn: str) -> Iterator[_Gap]:
    hospital = source.participation[ccn]

    def gap(item: str, subject: str, missing: str, consequence: str, what_to_do: str) -> _Gap:
        return item, "", "", subject, missing, consequence, what_to_do

    if not hospital["has_protocol"] and hospital["care_partners"]:
        yield gap(
            "PROTOCOL",
            "implementation protocol",
            "no implementation protocol is in force for the period",
            "every payment is held",
            PAYMENT_REASONS["NO_PROTOCOL"].advice,
        )
    if hospital["has_protocol"] and not hospital["meetings_reported"]:
        yield gap(
            "MEETINGS",
            "oversight committee",
            "no meetings were reported; the committee meets "
            f"{hospital['meeting_frequency'] or 'as stated in its protocol'}",
            "there is no evidence of the oversight that the protocol requires",
            "report the meetings in committee_meetings.csv",
        )
    if periods := source.unsettled.get(ccn):
        yield gap(
            "EARLIER_HALF_YEARS",
            "savings of earlier half-years",
            savings_missing(periods),
            "the distribution limit is provisional",
            "the administrator settles these half-years, then the later ones again",
        )
    for finding in source.current.of_hospital("protocol_findings", ccn):
        yield gap(
            "PROTOCOL_FINDING",
            finding["subject"] or finding["finding_id"],
            finding["message"],
            "the protocol breaks a rule of the program" if finding["severity"] == "ERROR" else "needs review",
            finding["fix"],
        )
    for measure in source.current.of_hospital("condition_measures", ccn):
        if measure["missing"] and measure["missing"] == measure["care_partners"]:
            yield gap(
                "CONDITION_RESULTS",
                measure["condition_id"],
                f"no care partner has a result for: {measure['description']}",
                "the condition counts as not met for all",
                _RESULTS,
            )


def _of_partners(source: ReportSource, ccn: str) -> Iterator[_Gap]:
    current = source.current
    for person in current.of_hospital("physicians", ccn):
        if not person["is_care_partner"]:
            continue
        npi = person["npi"]
        (incentive,) = current.of_partner("incentives", ccn, npi)
        (inputs,) = current.of_partner("payment_inputs", ccn, npi)
        for gap in _of_partner(source, ccn, person, incentive, inputs):
            yield gap[0], npi, person["name"] or "", *gap[1:]


def _of_partner(
    source: ReportSource, ccn: str, person: Row, incentive: Row, inputs: Row
) -> Iterator[tuple[str, str, str, str, str]]:
    earns = incentive["calculated_incentive"] > 0
    codes = (incentive["reasons"] or "").split("|")
    for condition in source.current.of_partner("conditions", ccn, person["npi"]):
        if condition["is_missing"]:
            yield (
                "CONDITION_RESULT",
                condition["condition_id"],
                f"no result for: {condition['description']}",
                "counts as not met" if earns else "counts as not met; nothing was earned",
                _RESULTS,
            )
    if "NO_APPROVED_ACTIVITY" in codes:
        yield (
            "ACTIVITY",
            "approved activities",
            "no approved activity was reported",
            "nothing is paid without approved activities",
            PAYMENT_REASONS["NO_APPROVED_ACTIVITY"].advice,
        )
    if inputs["screening_status"] == "pending":
        yield (
            "SCREENING",
            "screening",
            "the screening is still pending",
            "the payment is held until it is cleared" if incentive["final_incentive"] else _NOTHING_TO_HOLD,
            PAYMENT_REASONS["SCREENING_NOT_CLEARED"].advice,
        )
    yield from _screening(source, ccn, incentive)
    if inputs["arrangement_signed"] is None:
        yield (
            "ARRANGEMENT",
            "care partner arrangement",
            "no signature date was reported",
            "nothing is paid without an arrangement signed by the first day of the period",
            "report the date in care_partners.csv",
        )
    if "HELD_NO_PFS_CAP" in codes and incentive["final_incentive"]:
        yield (
            "FEE_SCHEDULE",
            "Medicare fee-schedule amount",
            "neither a cap notice nor the year's claims provide an amount",
            "the payment is held",
            PAYMENT_REASONS["HELD_NO_PFS_CAP"].advice,
        )
    if not person["has_tin"]:
        yield (
            "TIN",
            "tax identification number",
            "the list of care partners does not identify the recipient of the payment",
            "the payment cannot be made",
            "report the number in care_partners.csv",
        )
    if not person["specialty"]:
        yield (
            "SPECIALTY",
            "specialty",
            "no specialty was reported",
            "the committee's report cannot group the physician by specialty",
            "report it in care_partners.csv",
        )


def _screening(source: ReportSource, ccn: str, incentive: Row) -> Iterator[tuple[str, str, str, str, str]]:
    """Findings about the care partner on national lists, and what to do about them."""
    if not source.current.has("screening"):
        return
    for row in source.current.of_partner("screening", ccn, incentive["npi"]):
        if row["effect"] == screening.QUESTION:
            yield (
                screening.NAME_MATCH,
                "exclusion list",
                f"is this the same person? {record_in_words(row)} has a similar name and no NPI",
                "nothing is held; an excluded individual may not be paid",
                f"if not, report it in program/{source.period}/screening_clearances.csv; if so, enter failed in "
                "care_partners.csv",
            )
        elif row["effect"] == screening.HOLD:
            reason = PAYMENT_REASONS[row["reason"]]
            since = f" since {row['listed_on']}" if row["listed_on"] else ""
            held = "the payment is held" if incentive["final_incentive"] else _NOTHING_TO_HOLD
            yield row["reason"], "NPI", f"{reason.auditor}{since}", held, reason.advice
