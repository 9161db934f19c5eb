"""Opportunity by level, physicians, and care redesign: the release tables behind the reports.

Belongs here: columns of the tables that committees and physicians look at besides the payment. Does not belong here:
tables that a payment is computed from (``marts``).
"""

from hcip_pipeline.contracts.protocol import COMMITTEE_MEMBER
from hcip_pipeline.contracts.table import Column, Table

_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)
_PERIOD = Column("period", "text", "performance period", key=True)
_NPI = Column("npi", "text", "NPI; the care partner", key=True)

#: the same words for the same quantity in every table
_BENCHMARK = (
    Column(
        "benchmarked_cases", "integer", "cases in cells in which other hospitals have enough cases for a comparison"
    ),
    Column("benchmarked_cost", "money", "Σ cost of these cases"),
    Column(
        "statewide_cost",
        "mean",
        "cost of the same cases at the statewide mean of their cells in the period; empty without any",
        nullable=True,
    ),
    Column("difference_from_statewide", "mean", "benchmarked_cost − statewide_cost", nullable=True),
    Column("cost_ratio", "ratio", "benchmarked_cost ÷ statewide_cost; 1 is the statewide mean", nullable=True),
)

_BASELINE_ADJUSTED_COST = Column(
    "baseline_adjusted_cost",
    "mean",
    "cost ÷ Σ cost_weight of the baseline; in the performance year's dollars",
    nullable=True,
)

OPPORTUNITY = Table(
    "opportunity",
    "one row per hospital, level (institution, service line, APR-DRG, cell) and item: counted cases in cells with a "
    "norm, in the performance year's dollars",
    (
        _CCN,
        _PERIOD,
        Column("level", "text", "level", key=True, allowed=("institution", "service_line", "apr_drg", "cell")),
        Column("service_line", "text", "service line; ALL above that level", key=True),
        Column("apr_drg", "text", "APR-DRG; ALL above that level", key=True),
        Column("severity_of_illness", "text", "APR severity of illness; ALL above that level", key=True),
        Column("label", "text", "short label; of the APR-DRG", nullable=True),
        Column("cases", "integer", "cases"),
        Column("physicians", "integer", "physicians; responsible for these cases"),
        Column("days", "integer", "days; Σ over these stays"),
        Column("cost", "money", "cost; Σ over these cases"),
        Column("mean_cost", "mean", "mean cost; cost ÷ cases"),
        Column("case_mix_index", "ratio", "Σ cost_weight ÷ cases"),
        Column("adjusted_cost", "mean", "cost ÷ Σ cost_weight", nullable=True),
        Column("adjusted_los", "mean", "days ÷ Σ los_weight", nullable=True),
        Column("best_practice_cost", "money", "Σ best practice norm"),
        Column("cost_above_best_practice", "money", "Σ max(0, cost − best practice norm)"),
        Column(
            "potential_savings", "money", "potential savings; (Σ cost − Σ best practice norm) × variable cost factor"
        ),
        *_BENCHMARK,
        Column("statewide_days", "mean", "days of these cases at the statewide mean of their cells", nullable=True),
        Column("baseline_cases", "integer", "cases of the baseline window"),
        _BASELINE_ADJUSTED_COST,
        Column("adjusted_cost_change", "ratio", "adjusted_cost ÷ baseline_adjusted_cost − 1", nullable=True),
    ),
)

COST_CENTERS = Table(
    "cost_centers",
    "one row per hospital, rate center and service line (ALL for the institution): cost of counted cases in cells "
    "with a norm, in the performance year's dollars",
    (
        _CCN,
        _PERIOD,
        Column("rate_center", "text", "rate center", key=True),
        Column("service_line", "text", "service line; ALL for the institution", key=True),
        Column("rate_center_name", "text", "name of the rate center"),
        Column("rate_center_group", "text", "group of the rate center", nullable=True),
        Column("component", "text", "cost component", allowed=("core", "supply_drug")),
        Column("cases", "integer", "cases; of the hospital in the service line"),
        Column("cases_charged", "integer", "of these, with a charge in the rate center"),
        Column("cost", "money", "cost; Σ in the rate center"),
        Column("adjusted_cost", "mean", "cost ÷ Σ cost_weight; of all cases", nullable=True),
        *_BENCHMARK,
        Column("baseline_cost", "money", "Σ cost in the rate center in the baseline, in its dollars"),
        _BASELINE_ADJUSTED_COST,
        Column("adjusted_cost_change", "ratio", "adjusted_cost ÷ baseline_adjusted_cost − 1", nullable=True),
    ),
)

PHYSICIANS = Table(
    "physicians",
    "one row per care partner, and, without a name, one per responsible physician outside the program",
    (
        _CCN,
        _PERIOD,
        Column("physician_number", "integer", "care partners by NPI, then the others by descending cost", key=True),
        Column("is_care_partner", "boolean", "on the hospital's certified list"),
        Column("npi", "text", "NPI; empty for a physician who is not a care partner", nullable=True),
        Column("name", "text", "name; empty for a physician who is not a care partner", nullable=True),
        Column("specialty", "text", "specialty; of a care partner, as certified", nullable=True),
        Column("has_tin", "boolean", "the certified list has a TIN for the care partner"),
        Column("main_service_line", "text", "service line of most of the cases", nullable=True),
        Column("cases", "integer", "cases; counted, in cells with a norm"),
        Column("medical_cases", "integer", "counted medical cases in cells with a norm"),
        Column("surgical_cases", "integer", "counted surgical cases in cells with a norm"),
        Column("days", "integer", "days; Σ over these stays"),
        Column("cost", "money", "cost; Σ over these cases"),
        Column("case_mix_index", "ratio", "Σ cost_weight ÷ cases", nullable=True),
        Column("adjusted_cost", "mean", "cost ÷ Σ cost_weight", nullable=True),
        Column("adjusted_los", "mean", "days ÷ Σ los_weight", nullable=True),
        Column("best_practice_cost", "money", "Σ best practice norm"),
        Column(
            "potential_savings", "money", "potential savings; (Σ cost − Σ best practice norm) × variable cost factor"
        ),
        *_BENCHMARK,
    ),
)

PHYSICIAN_COMPARISON = Table(
    "physician_comparison",
    "one row per care partner and stream (and both together): compared with the care partner's own baseline and the "
    "statewide norm of the same mix of cases, in the performance year's dollars",
    (
        _CCN,
        _PERIOD,
        _NPI,
        Column("stream", "text", "medical or surgical; or all", key=True, allowed=("all", "medical", "surgical")),
        Column("cases", "integer", "cases; of the performance period"),
        Column("cost", "money", "cost; Σ over these cases"),
        Column("days", "integer", "days; Σ over these stays"),
        Column("case_mix_index", "ratio", "Σ cost_weight ÷ cases"),
        Column("adjusted_cost", "mean", "cost ÷ Σ cost_weight", nullable=True),
        Column("adjusted_cost_low", "mean", "low end of its 95% interval; empty under two cases", nullable=True),
        Column("adjusted_cost_high", "mean", "high end of its 95% interval", nullable=True),
        Column("best_practice_adjusted_cost", "mean", "Σ best practice norm ÷ Σ cost_weight", nullable=True),
        Column("p75_adjusted_cost", "mean", "Σ 75th percentile cost ÷ Σ cost_weight", nullable=True),
        Column("norm_adjusted_cost", "mean", "Σ mean cost of the norm's cells ÷ Σ cost_weight", nullable=True),
        Column("adjusted_los", "mean", "days ÷ Σ los_weight", nullable=True),
        Column("adjusted_los_low", "mean", "low end of its 95% interval; empty under two cases", nullable=True),
        Column("adjusted_los_high", "mean", "high end of its 95% interval", nullable=True),
        Column("norm_adjusted_los", "mean", "Σ mean days of the norm's cells ÷ Σ los_weight", nullable=True),
        Column("baseline_cases", "integer", "cases of the baseline window"),
        _BASELINE_ADJUSTED_COST,
        Column("baseline_adjusted_los", "mean", "days ÷ Σ los_weight of the baseline", nullable=True),
    ),
)

CONDITION_MEASURES = Table(
    "condition_measures",
    "one row per hospital and condition of payment: what it requires, and its results",
    (
        _CCN,
        _PERIOD,
        Column("condition_id", "text", "condition of payment; as the hospital's protocol names it", key=True),
        Column("description", "text", "what is required"),
        Column("measure", "text", "how it is measured", nullable=True),
        Column("threshold", "text", "what must be reached", nullable=True),
        Column("weight", "ratio", "weight of the condition"),
        Column("intervention_ids", "text", "interventions it depends on, separated by |", nullable=True),
        Column("care_partners", "integer", "care partners; those it applies to"),
        Column("met", "integer", "care partners who met it"),
        Column("not_met", "integer", "care partners who did not"),
        Column("missing", "integer", "care partners with neither a measured nor a reported result, counted as not met"),
        Column("weighted_amount", "money", "calculated incentive × weight if met; Σ over care partners"),
    ),
)

INTERVENTIONS = Table(
    "interventions",
    "one row per hospital and care redesign intervention that its protocol names",
    (
        _CCN,
        _PERIOD,
        Column("intervention_id", "text", "intervention of the catalog", key=True),
        Column("category", "text", "one of the seven categories", nullable=True),
        Column("wording", "text", "the intervention in words", nullable=True),
        Column("is_included", "boolean", "the hospital carries it out"),
        Column("is_existing_strategy", "boolean", "an existing strategy of the hospital"),
        Column("is_condition_of_payment", "boolean", "it is used as a condition of payment"),
        Column("non_cash_resources", "text", "non-cash resources that the care partner receives for it", nullable=True),
        Column("care_partners_reporting", "integer", "care partners with a reported activity"),
        Column("activities", "integer", "approved activities performed; Σ over care partners"),
    ),
)

INTERVENTION_QUARTERS = Table(
    "intervention_quarters",
    "one row per hospital, care redesign intervention and quarter with a reported result",
    (
        _CCN,
        _PERIOD,
        Column("intervention_id", "text", "intervention of the catalog", key=True),
        Column("quarter", "text", "calendar quarter; of the result, such as 2025Q1", key=True),
        Column("measured", "text", "what was counted", nullable=True),
        Column("numerator", "integer", "events; how often it was done, or how many patients had it"),
        Column("denominator", "integer", "denominator; empty for a plain count", nullable=True),
        Column("share", "ratio", "numerator ÷ denominator", nullable=True),
        Column("is_included", "boolean", "the hospital carries it out; by its protocol"),
    ),
)

MEASURE_QUARTERS = Table(
    "measure_quarters",
    "one row per hospital, quarter and measure that conditions of payment may name, computed from discharges",
    (
        _CCN,
        _PERIOD,
        Column(
            "window_name",
            "text",
            "performance, baseline or base_year; here the first two",
            key=True,
            allowed=("performance", "baseline"),
        ),
        Column("quarter", "text", "calendar quarter; of the discharges, such as 2025Q1", key=True),
        Column("measure", "text", "measure (methodology §12)", key=True),
        Column("numerator", "integer", "events"),
        Column("denominator", "integer", "denominator; discharges"),
        Column("value", "ratio", "the measure; in the quarter, empty without data", nullable=True),
    ),
)

COMMITTEE_ROSTER = Table(
    "committee_roster",
    "one row per hospital and member of its oversight committee, as named in the protocol in force",
    (
        _CCN,
        _PERIOD,
        *COMMITTEE_MEMBER,
    ),
)

MEETINGS_HELD = Table(
    "meetings_held",
    "one row per oversight committee meeting reported for the period",
    (
        _CCN,
        _PERIOD,
        Column("met_on", "date", "day of the meeting", key=True),
        Column("quarter", "text", "calendar quarter; of the meeting, such as 2025Q1"),
        Column("members_present", "integer", "members present"),
        Column("physicians_present", "integer", "physicians among the members present"),
        Column("members", "integer", "members that the protocol names"),
        Column("physicians", "integer", "physicians; among these members"),
    ),
)

CARE_PARTNER_ACTIVITIES = Table(
    "care_partner_activities",
    "one row per care partner and intervention with reported activities",
    (
        _CCN,
        _PERIOD,
        _NPI,
        Column("intervention_id", "text", "intervention of the catalog", key=True),
        Column("activities", "integer", "approved activities performed; as reported"),
        Column("is_approved", "boolean", "the hospital carries it out; by its protocol"),
    ),
)

PROTOCOL_FINDINGS = Table(
    "protocol_findings",
    "one row per hospital and rule of the program that its protocol breaks",
    (
        _CCN,
        _PERIOD,
        Column("finding_id", "text", "rule that is broken", key=True),
        Column("subject", "text", "condition, intervention or key it concerns; may be blank", key=True),
        Column("severity", "text", "severity", allowed=("ERROR", "WARN")),
        Column("message", "text", "what is wrong"),
        Column("fix", "text", "what to do"),
    ),
)

PARTICIPATION = Table(
    "participation",
    "one row per hospital with data or care partners in the period",
    (
        _CCN,
        _PERIOD,
        Column("hospital_name", "text", "name of the hospital"),
        Column("system_name", "text", "health system", nullable=True),
        Column("has_protocol", "boolean", "an implementation protocol is in force"),
        Column("legal_name", "text", "legal name of the hospital", nullable=True),
        Column("first_performance_period", "text", "the hospital's first performance period", nullable=True),
        Column("program_year", "integer", "program year of the hospital", nullable=True),
        Column("meeting_frequency", "text", "how often the oversight committee must meet", nullable=True),
        Column("meetings_reported", "integer", "meetings reported within the period", nullable=True),
        Column("care_partners", "integer", "care partners; on the certified list"),
        Column("quarters_received", "integer", "quarters of the period with an accepted submission"),
        Column("discharges_read", "integer", "discharges of these submissions"),
        Column("discharges_set_aside", "integer", "of these, quarantined or superseded"),
        Column("discharges", "integer", "discharges; of the performance period"),
        Column("counted_cases", "integer", "counted cases"),
        Column("cases_with_norm", "integer", "of these, in cells with a norm"),
        Column("care_partner_cases", "integer", "of these, cases of care partners"),
    ),
)

OPPORTUNITY_TABLES = (OPPORTUNITY, COST_CENTERS, PHYSICIANS, PHYSICIAN_COMPARISON)
CARE_REDESIGN_TABLES = (
    CONDITION_MEASURES,
    INTERVENTIONS,
    CARE_PARTNER_ACTIVITIES,
    PROTOCOL_FINDINGS,
    INTERVENTION_QUARTERS,
    MEASURE_QUARTERS,
    COMMITTEE_ROSTER,
    MEETINGS_HELD,
)
