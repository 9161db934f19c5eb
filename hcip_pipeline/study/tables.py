"""The tables of a study that a release does not have."""

from hcip_pipeline.contracts.table import Column, Table

_HOSPITAL = (
    Column("hospital_ccn", "text", "CMS certification number (New York data: facility id; Texas: THCIC_ID)", key=True),
    Column("hospital_name", "text", "hospital name", nullable=True),
)
_PHYSICIAN = Column(
    "npi",
    "text",
    "NPI of the responsible physician (New York data: license number; Texas: the publisher's code)",
    key=True,
)

_OPPORTUNITY = (
    Column("cases", "integer", "counted cases in cells with a norm"),
    Column("cost", "money", "Σ cost of these cases"),
    Column("best_practice_cost", "money", "Σ best practice norm of their cells"),
    Column("cost_above_best_practice", "money", "cost − best_practice_cost"),
    Column("potential_savings", "money", "cost_above_best_practice × variable_cost_factor (methodology §10)"),
    Column("best_practice_variance", "money", "Σ max(0, cost − best practice norm)"),
    Column("available_incentive", "money", "best_practice_variance × incentive_rate"),
)

OPPORTUNITY_BY_HOSPITAL = Table(
    "opportunity_by_hospital",
    "one row per hospital with counted cases in cells with a norm, by the policy's norm method",
    (*_HOSPITAL, Column("physicians", "integer", "responsible physicians of these cases"), *_OPPORTUNITY),
)

OPPORTUNITY_BY_PHYSICIAN = Table(
    "opportunity_by_physician",
    "one row per responsible physician, over every hospital, by the policy's norm method",
    (_PHYSICIAN, Column("hospitals", "integer", "hospitals of these cases"), *_OPPORTUNITY),
)

_AGAINST_STATE = (
    Column("cost", "money", "cost of the counted cases in cells with a norm"),
    Column("benchmarked_cost", "money", "of this, in cells where other hospitals have enough cases for a comparison"),
    Column("statewide_cost", "money", "cost of these cases at the statewide means of their cells"),
    Column("difference_from_statewide", "money", "benchmarked_cost − statewide_cost"),
    Column(
        "potential_savings",
        "money",
        "max(0, difference_from_statewide) × variable_cost_factor (methodology §10)",
    ),
)

OPPORTUNITY_BY_COST_CENTER = Table(
    "opportunity_by_cost_center",
    "one row per hospital and rate center, from charge lines; empty if the source has none",
    (
        *_HOSPITAL,
        Column("rate_center", "text", "rate center (a cost center of the rate-setting system)", key=True),
        Column("rate_center_name", "text", "name of the rate center"),
        Column("component", "text", "cost component", allowed=("core", "supply_drug")),
        Column("cases_charged", "integer", "cases with a charge in the rate center"),
        *_AGAINST_STATE,
    ),
)

PERFORMANCE_INCENTIVES = Table(
    "performance_incentives",
    "one row per hospital and responsible physician: the performance incentive they would earn; nothing is payable",
    (
        *_HOSPITAL,
        _PHYSICIAN,
        Column("medical_cases", "integer", "counted medical cases in cells with a norm"),
        Column("surgical_cases", "integer", "counted surgical cases in cells with a norm"),
        Column("gated_cases", "integer", "of these, in cells where the physician's own mean is above p75_cost"),
        Column("case_mix_index", "ratio", "Σ cost_weight ÷ cases"),
        Column("performance_incentive", "money", "Σ of the cases' performance incentives (methodology §7)"),
    ),
)

EXCLUDED_CASES = Table(
    "exclusions",
    "one row per exclusion reason (the first that applies; cases with NO_NORM count but earn nothing)",
    (
        Column("exclusion_reason", "text", "reason (methodology §3), or NO_NORM", key=True),
        Column("cases", "integer", "cases"),
        Column("cost", "money", "their total cost"),
    ),
)
