"""The certainty of released payments (methodology §14): columns. No payment depends on any of these tables.

Belongs here: columns, and what those that leave the program reveal about small counts. Does not belong here: how they
are computed (``certainty``).
"""

from dataclasses import replace

from hcip_pipeline.contracts import marts
from hcip_pipeline.contracts.disclosure import Reveals, declared
from hcip_pipeline.contracts.table import Column, Table

STREAMS = ("medical", "surgical")
#: measure of a physician's figure: cost or days, each relative to the state's mean for the case's cell
MEASURES = ("cost", "days")
#: other readings of "responsible physician" (methodology §14.3), and of the base year's grouping (§14.6)
READINGS = ("attending", "operating", "undisputed", "bridge")

_PERIOD = Column("period", "text", "performance period", key=True)
_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)
_CCN_OR_STATE = Column("hospital_ccn", "text", "CMS certification number of the hospital; or STATE", key=True)
_NPI = Column("npi", "text", "NPI; the care partner", key=True)
_STREAM = Column("stream", "text", "medical or surgical", key=True, allowed=STREAMS)
_READING = Column("reading", "text", "other reading of the responsible physician", key=True, allowed=READINGS)
_CALCULATED = Column("calculated_incentive", "money", "performance + improvement; as released")
_CHANCE = (
    Column("chance_mean", "money", "calculated incentive expected from chance alone: mean of all shuffles"),
    Column("chance_low", "money", "5th percentile of the shuffles"),
    Column("chance_high", "money", "95th percentile of the shuffles"),
)

PAYMENT_RANGES = Table(
    "payment_ranges",
    "one row per care partner: how far the calculated incentive could have varied, and what chance alone would give",
    (
        _CCN,
        _PERIOD,
        _NPI,
        _CALCULATED,
        Column("interval_low", "money", "5th percentile over resamples of the care partner's cases, with fixed norms"),
        Column("interval_high", "money", "95th percentile over resamples of the care partner's cases"),
        *_CHANCE,
        Column("is_above_chance", "boolean", "the calculated incentive is above chance_high"),
    ),
)

RELIABILITY = Table(
    "reliability",
    "one row per care partner, stream and measure: the share of the figure's variance that is the physician's own",
    (
        _CCN,
        _PERIOD,
        _NPI,
        _STREAM,
        Column("measure", "text", "cost or days, relative to the state", key=True, allowed=MEASURES),
        Column("cases", "integer", "cases; counted, at the hospital, in cells with a norm"),
        Column("variance_between", "ratio", "the state's variance between physicians"),
        Column("variance_within", "ratio", "the state's variance between cases of one physician"),
        Column("reliability", "ratio", "between ÷ (between + within ÷ cases), 4 places"),
        Column(
            "cases_needed",
            "integer",
            "cases needed for a reliability of 0.7; empty if no number is enough",
            nullable=True,
        ),
        Column("is_comparable", "boolean", "reaches the policy's min_reliability; empty without one", nullable=True),
    ),
)

ATTRIBUTION = Table(
    "attribution",
    "one row per care partner and other reading of the responsible physician",
    (
        _CCN,
        _PERIOD,
        _READING,
        _NPI,
        Column("cases", "integer", "cases; counted, in cells with a norm, as released"),
        Column("cases_gained", "integer", "cases; the care partner's only under the reading"),
        Column("cases_lost", "integer", "cases; the care partner's only as released"),
        Column(
            "cases_then", "integer", "cases; under the reading: those as released, plus those gained, less those lost"
        ),
        _CALCULATED,
        Column("calculated_then", "money", "calculated incentive under the reading; with recomputed norms"),
    ),
)

PHYSICIAN_FIGURES = Table(
    "physician_figures",
    "one row per responsible physician and stream with counted cases in cells with a norm: the basis of reliability",
    (
        _PERIOD,
        _STREAM,
        Column("physician_number", "integer", "in order of NPI", key=True),
        Column("cases", "integer", "cases; counted, of the performance period, at any hospital"),
        Column("cost_sum", "ratio", "Σ x, x = cost ÷ (cost_weight × the state's Σ cost ÷ Σ cost_weight), 8 places"),
        Column("cost_squares", "square", "Σ x²"),
        Column("days_sum", "ratio", "Σ x, x = days ÷ (los_weight × the state's Σ days ÷ Σ los_weight), 8 places"),
        Column("days_squares", "square", "Σ x²"),
    ),
)

_WINDOW = Column("window_name", "text", "performance, baseline or base_year", key=True)
GROUPER_CASES = Table(
    "grouper_cases",
    "one row per window and grouper version: cases, and those whose APR-DRG is unknown to a version of the base year "
    "or the period",
    (
        _PERIOD,
        _WINDOW,
        Column("grouper_version", "text", "APR-DRG grouper version; the one that grouped the cases", key=True),
        Column("cases", "integer", "cases; with an APR-DRG"),
        Column(
            "cases_unknown",
            "integer",
            "of these, with an APR-DRG unknown to a version of the other side: the period, or the base year",
        ),
        Column("cases_bridged", "integer", "cases; regrouped in grouper_bridge.csv"),
        Column("cases_in_another_cell", "integer", "of these, with another APR-DRG or severity after regrouping"),
    ),
)

GROUPER_CELLS = Table(
    "grouper_cells",
    "one row per cell with a norm, with or without the grouper bridge: both norms, in base-year dollars",
    (
        _PERIOD,
        Column("apr_drg", "text", "APR-DRG", key=True),
        Column("severity_of_illness", "text", "APR severity of illness", key=True),
        *(
            replace(
                marts.NORMS[name], name=f"{name}{end}", meaning=f"{marts.NORMS[name].meaning}{words}", nullable=True
            )
            for end, words in (("", ""), ("_bridged", ", with the bridge"))
            for name in ("cases", "mean_cost", "best_practice_norm", "p75_cost", "maximum_physician_incentive")
        ),
    ),
)

_LABEL = "identifies the row"
_PAYMENTS = "a sum of payments, each between zero and a maximum per case: no number of cases follows from it"
_PARTNERS = "counts care partners, who are listed one by one in regulator/incentives"

CERTAINTY_HOSPITALS = declared(
    Table(
        "certainty_hospitals",
        "one row per hospital with care partners, and the state: calculated incentives, and those by chance alone",
        (
            _CCN_OR_STATE,
            _PERIOD,
            Column("care_partners", "integer", "care partners"),
            Column("above_chance", "integer", "care partners above their own chance_high"),
            _CALCULATED,
            *_CHANCE,
            Column("difference", "money", "calculated_incentive − chance_mean"),
        ),
    ),
    harmless={
        _LABEL: ("hospital_ccn", "period"),
        _PARTNERS: ("care_partners", "above_chance"),
        _PAYMENTS: ("calculated_incentive", "chance_mean", "chance_low", "chance_high", "difference"),
    },
)

_COMPONENTS = ("cost_between", "cost_within", "cost_cases_needed", "days_between", "days_within", "days_cases_needed")

CERTAINTY_STREAMS = declared(
    Table(
        "certainty_streams",
        "one row per stream: how much physicians differ, and the cases of one physician",
        (
            _PERIOD,
            _STREAM,
            Column(
                "cases", "integer", "cases; counted, of responsible physicians, in cells with a norm", nullable=True
            ),
            Column("physicians", "integer", "physicians; responsible ones", nullable=True),
            Column("cost_between", "ratio", "variance of cost between physicians", nullable=True),
            Column("cost_within", "ratio", "variance of cost between cases of one physician", nullable=True),
            Column("cost_cases_needed", "integer", "cases needed for a reliability of 0.7 of cost", nullable=True),
            Column("days_between", "ratio", "variance of days between physicians", nullable=True),
            Column("days_within", "ratio", "variance of days between cases of one physician", nullable=True),
            Column("days_cases_needed", "integer", "cases needed for a reliability of 0.7 of days", nullable=True),
            Column("suppressed", "text", "columns emptied because of a small count, separated by |", nullable=True),
        ),
    ),
    counts=("cases",),
    reveals={"physicians": Reveals(("cases",))},
    harmless={
        _LABEL: ("period", "stream", "suppressed"),
        "spread of ratios over the physicians of the state, whose sums stay in the program": _COMPONENTS,
    },
)

CERTAINTY_READINGS = declared(
    Table(
        "certainty_readings",
        "one row per other reading of the responsible physician, for each hospital and for the state",
        (
            _CCN_OR_STATE,
            _PERIOD,
            _READING,
            Column("care_partners", "integer", "care partners"),
            _CALCULATED,
            Column("calculated_then", "money", "calculated incentive under the reading"),
            Column("dollars_moved", "money", "Σ of the absolute changes in care partners' calculated incentives"),
            Column("rank_correlation", "ratio", "Kendall's tau-b of the two rankings, 4 places", nullable=True),
            Column("now_unpaid", "integer", "care partners whose calculated incentive is zero only under the reading"),
            Column("now_paid", "integer", "care partners whose calculated incentive is zero only as released"),
            Column("other_quartile", "integer", "care partners in another quartile of the ranking"),
        ),
    ),
    harmless={
        _LABEL: ("hospital_ccn", "period", "reading"),
        _PARTNERS: ("care_partners", "now_unpaid", "now_paid", "other_quartile"),
        _PAYMENTS: ("calculated_incentive", "calculated_then", "dollars_moved"),
        "compares two rankings of care partners, who are listed one by one": ("rank_correlation",),
    },
)

#: tables by folder of a release
TABLES: dict[str, tuple[Table, ...]] = {
    "certainty": (PAYMENT_RANGES, RELIABILITY, ATTRIBUTION),
    "audit": (PHYSICIAN_FIGURES, GROUPER_CASES, GROUPER_CELLS),
    "regulator": (CERTAINTY_HOSPITALS, CERTAINTY_STREAMS, CERTAINTY_READINGS),
}
