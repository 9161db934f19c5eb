"""The columns of every release table, in the order of outputs.md ("A release").

Belongs here: payments and savings, and the list of all marts by folder. Does not belong here: the marts of other
subjects, each in a module of its own.
"""

from hcip_pipeline.contracts import quality
from hcip_pipeline.contracts.cms import CLAIMS_REPORT, POST_ACUTE
from hcip_pipeline.contracts.conservation import (
    CONSERVATION,
    EXCLUSIONS,
    OTHER_PROGRAMS,
    PROGRAM_CHANGES,
    PROGRAMS,
    YEAR_CAPS,
)
from hcip_pipeline.contracts.norms import NORM_CASES, NORM_PHYSICIANS, NORMS, PHYSICIAN_CELLS, RATES
from hcip_pipeline.contracts.opportunity import CARE_REDESIGN_TABLES, OPPORTUNITY_TABLES, PARTICIPATION
from hcip_pipeline.contracts.screening import ATTENDING_SCREENING
from hcip_pipeline.contracts.table import Column, Table

_PERIOD = Column("period", "text", "performance period; or name of the study", key=True)
_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)

#: a care partner's case, and its cell
_CASE = (
    _CCN,
    Column("account_no", "text", "the hospital's own account number", key=True),
    _PERIOD,
    Column("npi", "text", "NPI; the responsible physician"),
    Column("stream", "text", "medical or surgical", allowed=("medical", "surgical")),
    Column("apr_drg", "text", "APR-DRG"),
    Column("severity_of_illness", "text", "APR severity of illness"),
    Column("length_of_stay", "integer", "days from admission to discharge, at least 1"),
)

INCENTIVES = Table(
    "incentives",
    "one row per care partner of a hospital",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI; the care partner (a license number in a study of New York data)", key=True),
        Column("name", "text", "name; of the care partner", nullable=True),
        Column("medical_cases", "integer", "counted medical cases in cells with a norm"),
        Column("surgical_cases", "integer", "counted surgical cases in cells with a norm"),
        Column("case_mix_index", "ratio", "Σ cost_weight ÷ cases; empty without cases", nullable=True),
        Column("performance_incentive", "money", "performance incentive; Σ over cases (methodology §7)"),
        Column(
            "improvement_incentive_medical", "money", "improvement incentive of the medical stream (methodology §8)"
        ),
        Column(
            "improvement_incentive_surgical", "money", "improvement incentive of the surgical stream (methodology §8)"
        ),
        Column("calculated_incentive", "money", "performance + improvement"),
        Column(
            "conditions_met_weight", "ratio", "weight of the conditions met; empty without conditions", nullable=True
        ),
        Column("conditions_adjustment", "money", "reduction for conditions of payment not met; methodology §9"),
        Column("standing_adjustment", "money", "reduction for lack of standing"),
        Column("committee_adjustment", "money", "the oversight committee's reduction"),
        Column(
            "pfs_cap_amount",
            "money",
            "amount that the fee-schedule cap leaves; empty if the approved amount is not known",
            nullable=True,
        ),
        Column("pfs_cap_adjustment", "money", "reduction to stay within the fee-schedule cap"),
        Column("distribution_limit_adjustment", "money", "reduction to stay within the hospital's distribution limit"),
        Column("final_incentive", "money", "final incentive; payable if the status is PAYABLE"),
        Column("status", "text", "status of the payment", allowed=("PAYABLE", "HELD", "ZERO")),
        Column("reasons", "text", "why it was reduced, held or zero, separated by |", nullable=True),
    ),
)

CONDITIONS = Table(
    "conditions",
    "one row per care partner and condition of payment",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI; the care partner", key=True),
        Column("condition_id", "text", "condition of payment; as the hospital's protocol names it", key=True),
        Column("description", "text", "what is required"),
        Column("weight", "ratio", "weight of the condition; a hospital's weights total 1"),
        Column("met", "text", "condition met; empty without a result", nullable=True, allowed=("Y", "N")),
        Column("is_missing", "boolean", "neither measured nor reported: counts as not met"),
        Column("source", "text", "where the result comes from", nullable=True, allowed=("MEASURED", "REPORTED")),
        Column(
            "reported",
            "text",
            "the reported result; a measured value takes precedence",
            nullable=True,
            allowed=("Y", "N"),
        ),
        Column("computed_measure", "text", "measure by which it is evaluated (methodology §12)", nullable=True),
        Column("measured_level", "text", "level of the measure", nullable=True, allowed=("hospital", "physician")),
        Column("measured_value", "ratio", "the measure in the performance period; empty without data", nullable=True),
        Column(
            "threshold_operator",
            "text",
            "how the measure must compare with the threshold",
            nullable=True,
            allowed=("below", "at most", "at least", "above"),
        ),
        Column("threshold_value", "ratio", "the threshold; a share is a fraction of 1", nullable=True),
        Column("weighted_amount", "money", "calculated incentive × weight if met"),
    ),
)

IMPROVEMENT = Table(
    "improvement",
    "one row per care partner and stream with cases: the improvement incentive and its two averages (methodology §8)",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI; the care partner", key=True),
        Column("stream", "text", "medical or surgical", key=True, allowed=("medical", "surgical")),
        Column("cases", "integer", "cases; of the performance period"),
        Column("adjusted_cost", "mean", "cost ÷ Σ cost_weight", nullable=True),
        Column("adjusted_los", "mean", "days ÷ Σ los_weight", nullable=True),
        Column("baseline_cases", "integer", "cases of the baseline window"),
        Column("baseline_adjusted_cost", "mean", "cost ÷ Σ cost_weight of the baseline; in its dollars", nullable=True),
        Column("baseline_adjusted_los", "mean", "days ÷ Σ los_weight of the baseline", nullable=True),
        Column("trend", "ratio", "factor from the baseline year's dollars to the performance year's"),
        Column("mpi_improvement", "money", "maximum physician incentive, improvement part; Σ over cases"),
        Column("spread", "mean", "Σ (improvement_ceiling_cost − best_practice_norm) ÷ Σ cost_weight", nullable=True),
        Column("per_diem", "money", "Σ per diem of the medical cases", nullable=True),
        Column("improvement_fraction", "ratio", "surgical: share of the spread that was saved", nullable=True),
        Column("days_saved", "mean", "medical: adjusted days saved per case", nullable=True),
        Column("has_baseline", "boolean", "enough baseline cases"),
        Column("improvement_incentive", "money", "improvement incentive; of the stream"),
    ),
)

BASELINE_CASES = Table(
    "baseline_cases",
    "one row per counted case of a care partner in the baseline window, in its own dollars",
    (
        *_CASE,
        Column("cost", "money", "cost; of the case"),
        Column("cost_weight", "ratio", "cost weight of the cell"),
        Column("los_weight", "ratio", "length-of-stay weight of the cell"),
    ),
)

PAYMENT_INPUTS = Table(
    "payment_inputs",
    "one row per care partner: the waterfall's inputs from committees, the regulator and CMS",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI; the care partner", key=True),
        Column("participation_start", "date", "first day of participation", nullable=True),
        Column("participation_end", "date", "last day of participation", nullable=True),
        Column("arrangement_signed", "date", "day the care partner arrangement was signed", nullable=True),
        Column("screening_status", "text", "result of the screening", nullable=True),
        Column("is_excluded", "boolean", "on an exclusion list in the period"),
        Column("approved_activities", "integer", "approved activities performed"),
        Column("committee_adjustment_amount", "money", "the committee's reduction as filed"),
        Column("pfs_source", "text", "notice or claims", nullable=True, allowed=("NOTICE", "CLAIMS")),
        Column("pfs_approved_amount", "money", "Medicare approved amounts of the year", nullable=True),
        Column("pfs_amount_in_doubt", "money", "of these, on final claims that may be counted twice", nullable=True),
        Column("physician_cap_percent", "ratio", "cap in percent of fee-schedule approved amounts", nullable=True),
        Column("earlier_period_incentive", "money", "payable final incentive of the year's earlier period"),
        Column("mpi_floor", "money", "lowest maximum physician incentive per case", nullable=True),
        Column("mpi_ceiling", "money", "highest maximum physician incentive per case", nullable=True),
        Column("improvement_share", "ratio", "share of the maximum physician incentive for improvement", nullable=True),
        Column("protocol_approved_on", "date", "day the protocol was approved", nullable=True),
        Column("first_performance_period", "text", "the hospital's first performance period", nullable=True),
        Column("program_year", "integer", "program year of the hospital", nullable=True),
        Column("has_locked_conditions", "boolean", "weights total 100% and were approved before the period"),
    ),
)

PAYMENT_LIST = Table(
    "payment_list",
    "one row per care partner with a payable incentive: what the hospital pays, and to whom",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI; of the care partner", key=True),
        Column("name", "text", "name; of the care partner", nullable=True),
        Column("tin", "text", "tax identification number; the payment goes to it", nullable=True),
        Column("payable_amount", "money", "amount payable; the final incentive"),
    ),
)

SAVINGS = Table(
    "savings",
    "one row per hospital and scope (methodology §10), in the performance year's dollars",
    (
        _CCN,
        _PERIOD,
        Column("scope", "text", "all physicians, or participating ones", key=True, allowed=("all", "participating")),
        Column("cases", "integer", "cases; counted, in cells with a norm"),
        Column("actual_cost", "money", "Σ cost"),
        Column("best_practice_cost", "money", "Σ best practice norm"),
        Column(
            "potential_savings", "money", "potential savings; (Σ cost − Σ best practice norm) × variable cost factor"
        ),
        Column("core_cost", "money", "core cost; Σ over cases"),
        Column("supply_drug_cost", "money", "cost of supplies and drugs; Σ over cases"),
        Column("baseline_cases", "integer", "cases of the baseline window"),
        Column("baseline_core_cost", "money", "Σ core cost of the baseline, in its dollars", nullable=True),
        Column("baseline_supply_drug_cost", "money", "the same for supplies and drugs", nullable=True),
        Column("baseline_core_weight", "ratio", "Σ core weight of the baseline", nullable=True),
        Column("baseline_supply_drug_weight", "ratio", "the same for supplies and drugs", nullable=True),
        Column("baseline_adjusted_core_cost", "mean", "baseline core cost ÷ Σ core weight", nullable=True),
        Column("baseline_adjusted_supply_drug_cost", "mean", "the same for supplies and drugs", nullable=True),
        Column("core_trend", "ratio", "trend of the core component", nullable=True),
        Column("supply_drug_trend", "ratio", "trend of the supply and drug component", nullable=True),
        Column("adjusted_core_cost", "mean", "core cost ÷ Σ core weight", nullable=True),
        Column("adjusted_supply_drug_cost", "mean", "the same for supplies and drugs", nullable=True),
        Column("core_weight", "ratio", "core weight; Σ over cases"),
        Column("supply_drug_weight", "ratio", "supply and drug weight; Σ over cases"),
        Column("internal_savings_core", "money", "internal savings of the core component"),
        Column("internal_savings_supply_drug", "money", "internal savings of supplies and drugs"),
        Column("internal_savings", "money", "internal savings; core plus supplies and drugs, may be negative"),
        Column("internal_savings_to_date", "money", "internal savings to date; with the hospital's earlier periods"),
    ),
)

DISTRIBUTION_LIMITS = Table(
    "distribution_limits",
    "one row per hospital with care partners (methodology §9, step 6)",
    (
        _CCN,
        _PERIOD,
        Column("program_year", "integer", "program year of the hospital", nullable=True),
        Column("internal_savings_to_date", "money", "internal savings to date; in the policy's scope"),
        Column("earlier_incentives", "money", "Σ payable final incentives of earlier periods"),
        Column("other_program_amounts_to_date", "money", "Σ amounts apportioned to other programs to date"),
        Column("cumulative_limit", "money", "amount that these leave; empty in program year one", nullable=True),
        Column("incentive_pool", "money", "the most the hospital may distribute; by an official notice", nullable=True),
        Column("is_contested", "boolean", "the notice is contested"),
        Column("distribution_limit", "money", "the smaller of the two; empty without a limit", nullable=True),
        Column("incentives_before_limit", "money", "Σ incentives before this step"),
        Column("incentives_after_limit", "money", "Σ final incentives"),
    ),
)

INCENTIVE_CASES = Table(
    "incentive_cases",
    "one row per counted case of a care partner in a cell with a norm: everything the incentive was "
    "computed from, in the performance year's dollars",
    (
        *_CASE,
        Column("cost", "money", "cost; of the case (methodology §2)"),
        Column("best_practice_norm", "money", "best practice norm of the cell"),
        Column("p75_cost", "money", "75th percentile cost of the cell"),
        Column("improvement_ceiling_cost", "money", "percentile X cost of the cell; for improvement"),
        Column("cost_weight", "ratio", "cost weight of the cell"),
        Column("los_weight", "ratio", "length-of-stay weight of the cell"),
        Column("mpi_improvement", "money", "maximum physician incentive, improvement part"),
        Column("mpi_performance", "money", "maximum physician incentive, performance part"),
        Column("performance_fraction", "ratio", "clamp((p75_cost − cost) ÷ (p75_cost − best_practice_norm), 0, 1)"),
        Column(
            "performance_incentive",
            "money",
            "performance incentive; mpi_performance × fraction ^ exponent, 0 above the gate",
        ),
    ),
)

#: dbt folder of the marts -> its tables
MARTS = {
    "norms": (NORMS, NORM_PHYSICIANS),
    "incentives": (INCENTIVES, INCENTIVE_CASES, CONDITIONS, IMPROVEMENT, BASELINE_CASES, PAYMENT_INPUTS, PAYMENT_LIST),
    "savings": (SAVINGS, DISTRIBUTION_LIMITS),
    "audit": (
        EXCLUSIONS,
        CONSERVATION,
        PHYSICIAN_CELLS,
        RATES,
        NORM_CASES,
        PARTICIPATION,
        PROGRAMS,
        OTHER_PROGRAMS,
        PROGRAM_CHANGES,
        YEAR_CAPS,
    ),
    "opportunity": OPPORTUNITY_TABLES,
    "care_redesign": CARE_REDESIGN_TABLES,
    "quality": quality.TABLES,
    "claims": (POST_ACUTE, CLAIMS_REPORT),
    "screening": (ATTENDING_SCREENING,),
}
TABLES = {table.name: table for tables in MARTS.values() for table in tables}
