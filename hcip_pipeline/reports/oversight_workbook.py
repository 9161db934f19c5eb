"""The committee's report as a workbook: the figures of its page, for sorting and calculating.

Belongs here: the columns of each sheet. Does not belong here: the figures (``oversight``).
"""

from __future__ import annotations

from hcip_pipeline.reports import words
from hcip_pipeline.reports.certainty_sheets import certainty_sheets
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.meeting import Meeting
from hcip_pipeline.reports.meeting_sheets import meeting_sheets
from hcip_pipeline.reports.oversight import Committee
from hcip_pipeline.reports.workbook import Book, Column, book

_LEVEL = (
    Column("service_line", "Service line", "text", 24),
    Column("apr_drg", "APR-DRG", "text", 10),
    Column("severity_of_illness", "SOI", "text", 6),
    Column("label", "Description", "text", 34),
    Column("cases", "Cases", "count", 9),
    Column("physicians", "Physicians", "count", 10),
    Column("cost", "Cost", "money", 16),
    Column("mean_cost", "Mean cost", "money", 13),
    Column("case_mix_index", "Case-mix index", "number", 10),
    Column("adjusted_cost", "Adjusted cost per case", "money", 14),
    Column("adjusted_los", "Adjusted days per case", "number", 11),
    Column("statewide_cost", "Same cases at the statewide mean", "money", 16),
    Column("difference_from_statewide", "Difference from the state", "money", 16),
    Column("cost_ratio", "Cost as a share of the state's", "percent", 12),
    Column("adjusted_cost_change", "Change from the baseline", "percent", 12),
    Column("best_practice_cost", "At best practice", "money", 16),
    Column("potential_savings", "To best practice, variable part", "money", 15),
)
_CENTER = (
    Column("rate_center", "Rate center", "text", 11),
    Column("rate_center_name", "Name", "text", 30),
    Column("rate_center_group", "Group", "text", 22),
    Column("service_line", "Service line", "text", 24),
    Column("cases", "Cases", "count", 9),
    Column("cases_charged", "Cases charged", "count", 10),
    Column("cost", "Cost", "money", 16),
    Column("adjusted_cost", "Adjusted cost per case", "money", 14),
    Column("benchmarked_cost", "Cost of compared cases", "money", 16),
    Column("statewide_cost", "Same cases at the statewide mean", "money", 16),
    Column("difference_from_statewide", "Difference from the state", "money", 16),
    Column("cost_ratio", "Cost as a share of the state's", "percent", 12),
    Column("adjusted_cost_change", "Change from the baseline", "percent", 12),
)
_HISTORY = (
    Column("period", "Period", "text", 10),
    Column("cases", "Cases", "count", 9),
    Column("potential_savings", "Savings pool", "money", 16),
    Column("internal_savings", "Saved, all physicians", "money", 16),
    Column("participating_savings", "Saved, care partners", "money", 16),
    Column("calculated_incentive", "Incentives calculated", "money", 15),
    Column("final_incentive", "Final", "money", 14),
    Column("payable", "Payable", "money", 14),
)
_CONDITIONS = (
    Column("condition_id", "Condition", "text", 18),
    Column("description", "Condition of payment", "wrapped", 40),
    Column("measure_words", "Measure", "wrapped", 34),
    Column("threshold", "Threshold", "text", 16),
    Column("hospital_value", "Hospital's result", "text", 12),
    Column("weight", "Weight", "percent", 9),
    Column("care_partners", "Care partners", "count", 9),
    Column("met", "Met", "count", 8),
    Column("not_met", "Not met", "count", 8),
    Column("missing", "Missing", "count", 8),
    Column("weighted_amount", "Worth", "money", 14),
)
_MEASURED = (
    Column("condition_id", "Condition", "text", 18),
    Column("description", "Condition of payment", "wrapped", 40),
    Column("measure_words", "Measure", "wrapped", 34),
    Column("npi", "NPI", "text", 13),
    Column("name", "Care partner", "text", 26),
    Column("value", "Measured", "text", 12),
    Column("threshold", "Threshold", "text", 16),
    Column("met", "Met", "text", 8),
)
_INTERVENTIONS = (
    Column("intervention_id", "Intervention", "text", 28),
    Column("category_name", "Category", "text", 26),
    Column("wording", "Description", "wrapped", 50),
    Column("is_included", "Carried out", "text", 10),
    Column("is_existing_strategy", "Existing strategy", "text", 10),
    Column("is_condition_of_payment", "Condition of payment", "text", 11),
    Column("non_cash_resources", "Non-cash resources", "wrapped", 30),
    Column("care_partners_reporting", "Care partners reporting", "count", 11),
    Column("activities", "Activities", "count", 10),
)
_PHYSICIANS = (
    Column("specialty", "Specialty", "text", 24),
    Column("npi", "NPI", "text", 13),
    Column("name", "Care partner", "text", 26),
    Column("main_service_line", "Main service line", "text", 22),
    Column("cases", "Cases", "count", 8),
    Column("case_mix_index", "Case-mix index", "number", 10),
    Column("cost", "Cost", "money", 16),
    Column("adjusted_cost", "Adjusted cost per case", "money", 14),
    Column("adjusted_los", "Adjusted days per case", "number", 11),
    Column("cost_ratio", "Cost as a share of the state's, this half-year", "percent", 13),
    Column("norm_ratio", "Cost as a share of the norm's", "percent", 12),
    Column("potential_savings", "To best practice, variable part", "money", 15),
)
_OTHERS = (
    Column("service_line", "Service line of most cases", "text", 26),
    Column("physicians", "Physicians", "count", 10),
    Column("cases", "Cases", "count", 8),
    Column("cost", "Cost", "money", 16),
    Column("cost_ratio", "Cost as a share of the state's", "percent", 12),
    Column("potential_savings", "To best practice, variable part", "money", 15),
)
_PAYMENTS = (
    Column("npi", "NPI", "text", 13),
    Column("name", "Care partner", "text", 26),
    Column("medical_cases", "Medical cases", "count", 9),
    Column("surgical_cases", "Surgical cases", "count", 9),
    Column("performance_incentive", "Performance", "money", 13),
    Column("improvement_incentive_medical", "Improvement, medical", "money", 13),
    Column("improvement_incentive_surgical", "Improvement, surgical", "money", 13),
    Column("calculated_incentive", "Calculated", "money", 13),
    Column("conditions_adjustment", "Conditions of payment", "money", 13),
    Column("standing_adjustment", "Standing", "money", 13),
    Column("committee_adjustment", "Committee", "money", 13),
    Column("pfs_cap_adjustment", "Fee-schedule cap", "money", 13),
    Column("distribution_limit_adjustment", "Distribution limit", "money", 13),
    Column("final_incentive", "Final", "money", 13),
    Column("status_words", "Status", "text", 11),
    Column("why_words", "Why", "wrapped", 50),
    Column("sign_words", "Warning signs", "wrapped", 50),
)
_QUALITY = (
    Column("measure_label", "Measure", "wrapped", 46),
    Column("unit_words", "Unit", "text", 10),
    Column("baseline_value", "Baseline", "number", 11),
    Column("value", "Now", "number", 11),
    Column("change", "Change", "percent", 10),
    Column("target_value", "Target", "number", 11),
    Column("is_on_track", "On track", "text", 10),
)
_UNITS = {"per_1000": "per 1,000", "share": "share"}
_SIGNS = (
    Column("who", "Who", "text", 26),
    Column("sign_words", "Sign", "wrapped", 40),
    Column("observed", "Observed", "count", 10),
    Column("cases", "Of discharges", "count", 10),
    Column("expected_by_past", "Expected from own past", "number", 12),
    Column("expected_as_state", "Expected from the state", "number", 12),
)
_MISSING = (
    Column("npi", "NPI", "text", 13),
    Column("name", "Who", "text", 26),
    Column("subject", "Subject", "text", 26),
    Column("missing", "What is missing", "wrapped", 46),
    Column("consequence", "What it means", "wrapped", 36),
    Column("what_to_do", "What to do", "wrapped", 46),
)


def oversight_workbook(source: ReportSource, content: Committee, meeting: Meeting) -> bytes:
    """The committee's workbook: its meeting first, then the figures of its report."""
    hospital = content.hospital
    title = f"{hospital['hospital_name']}, {words.half(str(source.period))}"
    with book(title, "HCIP oversight committee", is_synthetic=source.draft.is_synthetic) as (made, stream):
        _summary(made, source, content)
        meeting_sheets(made, meeting)
        made.table("Savings", "Savings pool and its history", _HISTORY, content.history)
        lines = [line.row for line in content.lines]
        total = [content.institution | {"service_line": "Institution"}] if content.institution else []
        made.table("Service lines", "Opportunity by service line", _LEVEL, [*lines, *total])
        made.table(
            "APR-DRGs",
            "Opportunity by APR-DRG and severity of illness",
            _LEVEL,
            [row for line in content.lines for apr_drg, cells in line.apr_drgs for row in (apr_drg, *cells)],
            "A row with SOI ALL is a whole APR-DRG; the rows under it are its severities.",
        )
        made.table("Cost centers", "Opportunity by cost center", _CENTER, content.cost_centers)
        made.table(
            "Cost centers by line",
            "Cost centers that differ most from the state, by service line",
            _CENTER,
            [row for line in content.lines for row in line.cost_centers],
        )
        made.table("Conditions", "Conditions of payment and results", _CONDITIONS, content.conditions)
        if content.measured:
            heading = "Results measured for each care partner, with thresholds"
            made.table("Measured results", heading, _MEASURED, content.measured)
        made.table("Interventions", "Care redesign interventions", _INTERVENTIONS, content.interventions)
        made.table(
            "Physicians",
            "Care partners by specialty",
            _PHYSICIANS,
            [row | {"specialty": group.specialty} for group in content.specialties for row in group.members],
        )
        made.table("Other physicians", "Physicians who do not participate, without names", _OTHERS, content.others)
        made.table("Payments", "From calculated to final", _PAYMENTS, [_payment(row) for row in content.payments])
        certainty_sheets(made, source, hospital["hospital_ccn"])
        if content.quality:
            made.table("Quality", "Quality scorecard", _QUALITY, [_measure(row) for row in content.quality])
        if content.signs:
            signs = [row | {"sign_words": words.SIGNS[row["sign"]]} for row in content.signs]
            heading = "Warning signs to review before payment; nothing was deducted because of them"
            made.table("Warning signs", heading, _SIGNS, signs)
        made.table(
            "Missing information",
            "Missing information, for the Program Coordinator",
            _MISSING,
            [vars(item) for item in content.missing],
        )
    return stream.getvalue()


def _measure(row: Row) -> Row:
    return row | {"unit_words": _UNITS.get(row["unit"], row["unit"])}


def _payment(row: Row) -> Row:
    return row | {
        "status_words": words.STATUSES[row["status"]],
        "sign_words": ". ".join(sign["text"] for sign in row["signs"]),
    }


def _summary(made: Book, source: ReportSource, content: Committee) -> None:
    hospital, limit = content.hospital, content.limit
    all_physicians = content.savings.get("all")
    sheet = made.sheet("Summary", hospital["hospital_name"], f"{words.span(source.period)}, release {source.release}")
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 20)
    facts: list[tuple[str, object, str]] = [
        ("Program year", hospital["program_year"], "count"),
        ("Care partners", hospital["care_partners"], "count"),
        ("Cases in cells with a norm", hospital["cases_with_norm"], "count"),
        ("Of these, cases of care partners", hospital["care_partner_cases"], "count"),
        ("Savings pool", all_physicians and all_physicians["potential_savings"], "money"),
        (
            "Saved compared with the baseline, all physicians",
            all_physicians and all_physicians["internal_savings"],
            "money",
        ),
        ("Incentives calculated", content.totals["calculated_incentive"], "money"),
        ("Final", content.totals["final_incentive"], "money"),
        ("Payable", content.totals["PAYABLE"], "money"),
        ("Payable to care partners with open warning signs", content.totals["payable_with_signs"], "money"),
        ("Held", content.totals["HELD"], "money"),
        ("Distribution limit", limit and limit["distribution_limit"], "money"),
        *(
            (("The limit is provisional", content.savings_missing, "text"),)
            if limit and content.savings_missing
            else ()
        ),
        ("Saved to date, as defined by the policy", limit and limit["internal_savings_to_date"], "money"),
        ("Payable for earlier periods", limit and limit["earlier_incentives"], "money"),
        ("Pieces of information missing", len(content.missing), "count"),
    ]
    for line, (name, value, kind) in enumerate(facts, start=3):
        made.text(sheet, line, 0, name, "text")
        made.cell(sheet, line, 1, value, kind)  # type: ignore[arg-type]
