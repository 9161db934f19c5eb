"""What leaves the pipeline: the columns of every release table, in the order of outputs.md ("A release")."""

from hcip_pipeline.contracts.cms import CLAIMS_REPORT, POST_ACUTE
from hcip_pipeline.contracts.table import Column, Table

_PERIOD = Column("period", "text", "performance period, or name of the study", key=True)
_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)
_APR_DRG = Column("apr_drg", "text", "APR-DRG", key=True)
_SEVERITY = Column("severity_of_illness", "text", "APR severity of illness", key=True)

INCENTIVES = Table(
    "incentives",
    "one row a care partner of a hospital",
    (
        _CCN,
        _PERIOD,
        Column("npi", "text", "NPI of the care partner (a licence number in a study of New York data)", key=True),
        Column("name", "text", "name of the care partner", nullable=True),
        Column("medical_cases", "integer", "counted medical cases in cells with a norm"),
        Column("surgical_cases", "integer", "counted surgical cases in cells with a norm"),
        Column("case_mix_index", "ratio", "Σ cost_weight ÷ cases; empty without cases", nullable=True),
        Column("performance_incentive", "money", "Σ of the cases' performance incentives (methodology §7)"),
    ),
)

INCENTIVE_CASES = Table(
    "incentive_cases",
    "one row a counted case of a care partner in a cell with a norm: everything the incentive used, in the "
    "performance year's dollars",
    (
        _CCN,
        Column("account_no", "text", "the hospital's own account number", key=True),
        _PERIOD,
        Column("npi", "text", "NPI of the responsible physician"),
        Column("stream", "text", "medical or surgical", allowed=("medical", "surgical")),
        Column("apr_drg", "text", "APR-DRG"),
        Column("severity_of_illness", "text", "APR severity of illness"),
        Column("length_of_stay", "integer", "days, at least 1"),
        Column("cost", "money", "total cost of the case (methodology §2)"),
        Column("best_practice_norm", "money", "best practice norm of the cell"),
        Column("p75_cost", "money", "75th percentile cost of the cell"),
        Column("improvement_ceiling_cost", "money", "percentile X of the cell, for improvement"),
        Column("cost_weight", "ratio", "cost weight of the cell"),
        Column("los_weight", "ratio", "length-of-stay weight of the cell"),
        Column("mpi_improvement", "money", "maximum physician incentive, improvement part"),
        Column("mpi_performance", "money", "maximum physician incentive, performance part"),
        Column("performance_fraction", "ratio", "clamp((p75_cost − cost) ÷ (p75_cost − best_practice_norm), 0, 1)"),
        Column("performance_incentive", "money", "mpi_performance × fraction ^ exponent; 0 above the gate"),
    ),
)

NORMS = Table(
    "norms",
    "one row a norm method and cell with a norm, in base-year dollars",
    (
        Column("base_year", "integer", "calendar year whose statewide data set the norms", key=True),
        Column("norm_method", "text", "reading of the norm (methodology §6)", key=True),
        _APR_DRG,
        _SEVERITY,
        Column("cases", "integer", "counted cases of the cell"),
        Column("physicians", "integer", "physicians with enough cases in the cell"),
        Column("best_practice_norm", "money", "25th percentile cost"),
        Column("p75_cost", "money", "75th percentile cost"),
        Column("improvement_ceiling_cost", "money", "percentile X cost"),
        Column("mean_cost", "mean", "mean cost over the counted cases"),
        Column("mean_los", "mean", "mean length of stay over the counted cases"),
        Column("best_practice_variance", "money", "Σ max(0, cost − best practice norm)"),
        Column("total_available_incentive", "money", "share of the variance that may be paid"),
        Column("maximum_physician_incentive", "money", "total available incentive ÷ cases, before a hospital's bounds"),
        Column("cost_weight", "ratio", "mean cost ÷ overall mean cost"),
        Column("los_weight", "ratio", "mean days ÷ overall mean days"),
        Column("core_weight", "ratio", "mean core cost ÷ overall mean core cost", nullable=True),
        Column("supply_drug_weight", "ratio", "mean supply and drug cost ÷ overall mean", nullable=True),
    ),
)

EXCLUSIONS = Table(
    "exclusions",
    "one row a window, hospital and exclusion reason (the first that applies; NO_NORM counts but earns nothing)",
    (
        _PERIOD,
        Column("window_name", "text", "performance, baseline or base_year", key=True),
        _CCN,
        Column("exclusion_reason", "text", "reason (methodology §3), or NO_NORM", key=True),
        Column("cases", "integer", "cases"),
        Column("cost", "money", "their total cost"),
    ),
)

CONSERVATION = Table(
    "conservation",
    "one row a stage, window and hospital: in = kept + excluded, in cases and in cents",
    (
        _PERIOD,
        Column("stage", "text", "stage of the pipeline, in order", key=True),
        Column("window_name", "text", "window, or all where the stage comes before windows", key=True),
        _CCN,
        Column("cases_in", "integer", "cases that entered"),
        Column("cases_kept", "integer", "cases that went on"),
        Column("cases_excluded", "integer", "cases that stayed behind"),
        Column("amount_in", "money", "dollars that entered (charges at intake, then cost, then incentive)"),
        Column("amount_kept", "money", "dollars that went on"),
        Column("amount_excluded", "money", "dollars that stayed behind"),
    ),
)

#: dbt folder of the marts -> its tables
MARTS = {
    "norms": (NORMS,),
    "incentives": (INCENTIVES, INCENTIVE_CASES),
    "audit": (EXCLUSIONS, CONSERVATION),
    "claims": (POST_ACUTE, CLAIMS_REPORT),
}
TABLES = {table.name: table for tables in MARTS.values() for table in tables}
