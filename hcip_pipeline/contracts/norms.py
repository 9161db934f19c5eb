"""The marts of norms (methodology §6): cells, the physicians and cases behind them, and the rates a period used."""

from hcip_pipeline.contracts.table import Column, Table

_PERIOD = Column("period", "text", "performance period; or name of the study", key=True)
_APR_DRG = Column("apr_drg", "text", "APR-DRG", key=True)
_SEVERITY = Column("severity_of_illness", "text", "APR severity of illness", key=True)

NORMS = Table(
    "norms",
    "one row per norm method and cell with a norm, in base-year dollars",
    (
        Column("base_year", "integer", "calendar year whose statewide data set the norms", key=True),
        Column("norm_method", "text", "reading of the norm (methodology §6)", key=True),
        _APR_DRG,
        _SEVERITY,
        Column("cases", "integer", "cases; counted, of the cell"),
        Column("physicians", "integer", "physicians; with enough cases in the cell"),
        Column("best_practice_norm", "money", "best practice norm of the cell; the 25th percentile cost"),
        Column(
            "p75_cost",
            "money",
            "75th percentile cost of the cell; empty if nothing can be paid from the norm",
            nullable=True,
        ),
        Column(
            "improvement_ceiling_cost", "money", "percentile X cost of the cell; empty if p75_cost is", nullable=True
        ),
        Column("mean_cost", "mean", "mean cost; over the counted cases"),
        Column("mean_los", "mean", "mean length of stay over the counted cases"),
        Column("best_practice_variance", "money", "Σ max(0, cost − best practice norm)"),
        Column("total_available_incentive", "money", "share of the variance that may be paid"),
        Column("maximum_physician_incentive", "money", "total available incentive ÷ cases, before a hospital's bounds"),
        Column("cost_weight", "ratio", "cost weight of the cell; mean cost ÷ overall mean cost"),
        Column("los_weight", "ratio", "length-of-stay weight of the cell; mean days ÷ overall mean days"),
        Column("core_weight", "ratio", "core weight; mean core cost ÷ overall mean core cost", nullable=True),
        Column("supply_drug_weight", "ratio", "supply and drug weight; mean cost ÷ overall mean", nullable=True),
    ),
)

NORM_PHYSICIANS = Table(
    "norm_physicians",
    "one row per physician mean behind a norm, without the physician; base-year dollars",
    (
        Column("base_year", "integer", "calendar year whose statewide data set the norms", key=True),
        _APR_DRG,
        _SEVERITY,
        Column("physician_number", "integer", "1 is the lowest mean of the cell", key=True),
        Column("physician_mean_cost", "mean", "mean cost of one physician's cases in the cell"),
    ),
)

NORM_CASES = Table(
    "norm_cases",
    "one row per base-year case behind a norm, without the physician; base-year dollars",
    (
        Column("base_year", "integer", "calendar year whose statewide data set the norms", key=True),
        _APR_DRG,
        _SEVERITY,
        Column("case_number", "integer", "1 is the lowest cost of the cell", key=True),
        Column("cost", "money", "cost; of the case"),
        Column("core_cost", "money", "core cost; of the case"),
        Column("supply_drug_cost", "money", "cost of supplies and drugs; of the case"),
        Column("length_of_stay", "integer", "days from admission to discharge, at least 1"),
    ),
)

PHYSICIAN_CELLS = Table(
    "physician_cells",
    "one row per care partner and cell: the mean that the performance gate tested, over all hospitals (methodology §7)",
    (
        _PERIOD,
        Column("npi", "text", "NPI; the care partner", key=True),
        _APR_DRG,
        _SEVERITY,
        Column("cases", "integer", "cases; counted, of the performance period"),
        Column("cost", "money", "cost; Σ over these cases"),
        Column("mean_cost", "mean", "mean cost"),
        Column("p75_cost", "money", "75th percentile cost of the cell"),
    ),
)

RATES = Table(
    "rates",
    "one row per rate the settlement used",
    (
        _PERIOD,
        Column("rate", "text", "kind of rate", key=True, allowed=("trend", "cost_index", "per_diem")),
        Column(
            "subject",
            "text",
            "window:component of a trend, year:component of a cost index, severity of a per diem",
            key=True,
        ),
        Column("rate_value", "ratio", "its value"),
    ),
)
