"""From calculated to final incentive (methodology §9), care partner by care partner and step by step.

Belongs here: steps 1 to 5, and step 7 once the hospital's limit is known. Does not belong here: the limit (``limits``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .earlier import LATER_PERIOD_PAID
from .exact import CENTS, ONE, RATIO, ZERO, quotient, rounded
from .hospital import Hospital
from .improvement import Improvement, Stream
from .measures import Measured, check_measures, outcome
from .report import Findings
from .tables import Row
from .terms import Terms


@dataclass
class Partner:
    """A care partner's amounts after each step of the waterfall, and the reasons that apply."""

    row: Row
    calculated: Decimal = ZERO
    after_conditions: Decimal = ZERO
    after_standing: Decimal = ZERO
    after_committee: Decimal = ZERO
    after_cap: Decimal = ZERO
    reasons: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)


def check_steps(
    hospital: Hospital,
    performance: Mapping[int, Decimal],
    improvement: Mapping[Stream, Improvement],
    earlier: Mapping[str, Decimal] | None,
    terms: Terms,
    findings: Findings,
) -> dict[str, Partner]:
    """Steps 1 to 5.

    Args:
        performance: line of a case -> performance incentive.
        earlier: NPI -> final incentive of the calendar year's earlier period; None if unknown.

    Returns:
        NPI -> the care partner after step 5.
    """
    cases: dict[str, list[Row]] = {}
    for case in hospital.cases:
        cases.setdefault(case["npi"], []).append(case)
    measured = check_measures(hospital, findings)
    conditions: dict[str, list[Row]] = {}
    for condition in hospital.conditions:
        conditions.setdefault(condition["npi"], []).append(condition)
    _check_same_conditions(hospital, conditions, findings)
    partners = {}
    for row in hospital.incentives:
        npi = row["npi"]
        inputs = hospital.inputs.get(npi)
        if inputs is None:
            continue  # reported by check_elections
        partner = partners[npi] = Partner(row)
        _calculated(partner, cases.get(npi, []), performance, improvement, findings)
        _conditions(partner, conditions.get(npi, []), measured, terms, findings)
        _standing(partner, inputs, hospital, findings)
        _committee(partner, inputs, findings)
        _fee_schedule_cap(partner, inputs, None if earlier is None else earlier.get(npi, ZERO), findings)
        if partner.calculated:
            partner.changes = hospital.programs.changes.get(hospital.ccn, [])
        _holds(partner, inputs, hospital)
    return partners


def _calculated(
    partner: Partner,
    cases: list[Row],
    performance: Mapping[int, Decimal],
    improvement: Mapping[Stream, Improvement],
    findings: Findings,
) -> None:
    npi = partner.row["npi"]
    by_performance = sum((performance[case.line] for case in cases), ZERO)
    nothing = Improvement(ZERO, True)
    medical = improvement.get((npi, "medical"), nothing)
    surgical = improvement.get((npi, "surgical"), nothing)
    partner.calculated = by_performance + medical.incentive + surgical.incentive
    findings.compare(
        "calculated",
        partner.row,
        {
            "medical_cases": sum(case["stream"] == "medical" for case in cases),
            "surgical_cases": sum(case["stream"] == "surgical" for case in cases),
            "case_mix_index": quotient(sum((case["cost_weight"] for case in cases), ZERO), len(cases), RATIO),
            "performance_incentive": by_performance,
            "improvement_incentive_medical": medical.incentive,
            "improvement_incentive_surgical": surgical.incentive,
            "calculated_incentive": partner.calculated,
        },
    )
    if not cases:
        partner.reasons.append("NO_CASES")
    elif not partner.calculated:
        partner.reasons.append("NOTHING_EARNED")
    if not (medical.has_baseline and surgical.has_baseline):
        partner.reasons.append("NO_BASELINE")


def _conditions(partner: Partner, conditions: list[Row], measured: Measured, terms: Terms, findings: Findings) -> None:
    calculated = partner.calculated
    weight = earned = ZERO
    total = sum((condition["weight"] for condition in conditions), ZERO)
    for condition in conditions:
        is_met = condition["met"] == "Y"
        amount = rounded(calculated * condition["weight"], CENTS) if is_met else ZERO
        findings.compare("conditions", condition, {"is_missing": condition["met"] == "", "weighted_amount": amount})
        findings.compare("conditions", condition, outcome(condition, measured))
        findings.require("conditions", condition, "met", condition["met"] in ("Y", "N", ""), "Y, N or nothing")
        weight += condition["weight"] if is_met else ZERO
        earned += amount
    is_every_one_met = all(condition["met"] == "Y" for condition in conditions)
    if not is_every_one_met and terms.condition_failure == "lose_all":
        partner.after_conditions = ZERO
    elif not conditions or (is_every_one_met and total == ONE):
        partner.after_conditions = calculated  # rounding the parts separately must not cost a cent
    else:
        partner.after_conditions = min(calculated, earned)
    findings.compare(
        "conditions",
        partner.row,
        {
            "conditions_met_weight": weight if conditions else None,
            "conditions_adjustment": partner.after_conditions - calculated,
        },
    )
    if partner.after_conditions < calculated and not is_every_one_met:
        partner.reasons.append("CONDITIONS_NOT_MET")
    if partner.after_conditions < calculated and total < ONE:
        partner.reasons.append("WEIGHTS_NOT_100")
    if any(condition["met"] == "" for condition in conditions):
        partner.reasons.append("CONDITION_RESULTS_MISSING")


def _check_same_conditions(hospital: Hospital, conditions: Mapping[str, list[Row]], findings: Findings) -> None:
    """Check that every care partner has the hospital's conditions, and that locked ones add up to 100%."""
    path = hospital.conditions.path
    required = {_requirement(row) for row in hospital.conditions}
    for npi, inputs in hospital.inputs.items():
        own = {_requirement(row) for row in conditions.get(npi, [])}
        findings.fact("conditions", path, "conditions", sorted(required), sorted(own), key=f"{hospital.ccn} {npi}")
        if inputs["has_locked_conditions"]:
            total = sum((each[1] for each in own), ZERO)
            findings.fact("conditions", path, "total weight", ONE, total, key=f"{hospital.ccn} {npi}")
    others = sorted(conditions.keys() - hospital.inputs.keys())
    findings.fact("conditions", path, "conditions of physicians who are not care partners", [], others)


def _requirement(row: Row) -> tuple[str, Decimal, str, str, str, str, Decimal]:
    """What a condition requires; a missing threshold is zero, so that requirements can be sorted."""
    texts = (row["description"], row["computed_measure"], row["measured_level"], row["threshold_operator"])
    return (row["condition_id"], row["weight"], *texts, row["threshold_value"] or ZERO)


def _standing(partner: Partner, inputs: Row, hospital: Hospital, findings: Findings) -> None:
    start, end = inputs["participation_start"], inputs["participation_end"]
    reasons = []
    if (start is not None and start > hospital.start) or (end is not None and end < hospital.end):
        reasons.append("NOT_LISTED_WHOLE_PERIOD")
    if inputs["screening_status"] == "failed":
        reasons.append("SCREENING_FAILED")
    if inputs["is_excluded"]:
        reasons.append("EXCLUDED_INDIVIDUAL")
    if inputs["arrangement_signed"] is None or inputs["arrangement_signed"] > hospital.start:
        reasons.append("ARRANGEMENT_SIGNED_LATE")
    if not inputs["approved_activities"]:
        reasons.append("NO_APPROVED_ACTIVITY")
    partner.after_standing = ZERO if reasons else partner.after_conditions
    adjustment = partner.after_standing - partner.after_conditions
    findings.compare("standing", partner.row, {"standing_adjustment": adjustment})
    partner.reasons += reasons


def _committee(partner: Partner, inputs: Row, findings: Findings) -> None:
    adjustment = inputs["committee_adjustment_amount"]
    findings.require("committee", inputs, "committee_adjustment_amount", adjustment <= 0, "zero or a reduction")
    partner.after_committee = max(ZERO, partner.after_standing + min(adjustment, ZERO))
    reduction = partner.after_committee - partner.after_standing
    findings.compare("committee", partner.row, {"committee_adjustment": reduction})
    if reduction:
        partner.reasons.append("COMMITTEE_ADJUSTMENT")


def _fee_schedule_cap(partner: Partner, inputs: Row, earlier: Decimal | None, findings: Findings) -> None:
    """Step 5, with ``earlier`` from the earlier period's own release; None: as this release states it."""
    taken = inputs["earlier_period_incentive"] if earlier is None else earlier
    findings.compare("fee_schedule_cap", inputs, {"earlier_period_incentive": taken})
    approved = inputs["pfs_approved_amount"]
    known = inputs["pfs_source"] in ("NOTICE", "CLAIMS")
    condition = "NOTICE or CLAIMS if there is an approved amount, else another source"
    findings.require("fee_schedule_cap", inputs, "pfs_source", known == (approved is not None), condition)
    in_doubt = inputs["pfs_amount_in_doubt"]
    within = in_doubt is None if inputs["pfs_source"] != "CLAIMS" else in_doubt is not None and in_doubt <= approved
    condition = "at most the approved amount if it is from claims, else nothing"
    findings.require("fee_schedule_cap", inputs, "pfs_amount_in_doubt", within, condition)
    cap = None
    partner.after_cap = partner.after_committee
    if approved is not None:
        percent = inputs["physician_cap_percent"] or ZERO
        cap = max(ZERO, (quotient(approved * percent, 100, CENTS) or ZERO) - taken)
        partner.after_cap = min(partner.after_committee, cap)
    reduction = partner.after_cap - partner.after_committee
    findings.compare("fee_schedule_cap", partner.row, {"pfs_cap_amount": cap, "pfs_cap_adjustment": reduction})
    if reduction:
        partner.reasons.append("PFS_CAP")


def _holds(partner: Partner, inputs: Row, hospital: Hospital) -> None:
    has_protocol = hospital.ccn in hospital.programs.protocols and inputs["protocol_approved_on"] is not None
    if not has_protocol or inputs["program_year"] is None:
        partner.holds.append("NO_PROTOCOL")
    elif not inputs["has_locked_conditions"]:
        partner.holds.append("CONDITIONS_NOT_LOCKED")
    if hospital.ccn in hospital.programs.changed:
        partner.holds.append("FIRST_PERIOD_CHANGED")
    if inputs["screening_status"] not in ("cleared", "failed"):
        partner.holds.append("SCREENING_NOT_CLEARED")
    partner.holds += hospital.held.get(inputs["npi"], [])
    if inputs["pfs_approved_amount"] is None:
        partner.holds.append("HELD_NO_PFS_CAP")


def check_final(
    partners: Mapping[str, Partner],
    final: Mapping[str, Decimal],
    is_contested: bool,
    waiting: Collection[str],
    findings: Findings,
) -> None:
    """Step 7.

    Args:
        final: NPI -> incentive after the distribution limit.
        waiting: NPIs whose payments wait for the year's later half-year (``year_caps``).
    """
    for npi, partner in partners.items():
        amount = final[npi]
        reasons = list(partner.reasons)
        if amount < partner.after_cap:
            reasons.append("DISTRIBUTION_LIMIT")
        holds = [*partner.holds, *(["POOL_CONTESTED"] if is_contested else [])]
        if npi in waiting and not holds:
            holds.append(LATER_PERIOD_PAID)
        status = "ZERO" if amount == 0 else "HELD" if holds else "PAYABLE"
        reduction = {"distribution_limit_adjustment": amount - partner.after_cap}
        findings.compare("distribution_limit", partner.row, reduction)
        findings.compare(
            "final",
            partner.row,
            {"final_incentive": amount, "status": status, "reasons": "|".join([*reasons, *partner.changes, *holds])},
        )
