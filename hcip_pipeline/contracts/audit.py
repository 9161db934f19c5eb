"""What the audit of a payment cycle adds to a release, and what the regulator receives (outputs.md, "Restatement").

Belongs here: columns. Does not belong here: how they are filled (``audit``, ``settlement.restatement``).
"""

from dataclasses import replace

from hcip_pipeline.contracts import marts, screening
from hcip_pipeline.contracts.disclosure import Reveals, declared
from hcip_pipeline.contracts.table import Column, Table

CAUSES = (
    "discharges",
    "cms_adjustments",
    "reference_rates",
    "policy",
    "attribution",
    "program_files",
    "earlier_releases",
    "program_version",
    "undetermined",
)

_SUPPRESSED = Column("suppressed", "text", "columns emptied because of a small count, separated by |", nullable=True)
_PERIOD = Column("period", "text", "performance period; that of the release", key=True)
_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)
_NPI = Column("npi", "text", "NPI; the care partner", key=True)
_CAUSE = Column("cause", "text", "what changed since the previous release", key=True, allowed=CAUSES)

RESTATEMENT = Table(
    "restatement",
    "one row per payment and cause: what changed since the previous release; causes add up to the difference, to the "
    "cent",
    (
        _PERIOD,
        Column("superseded_release", "text", "the previous release, such as r1", key=True),
        _CCN,
        _NPI,
        _CAUSE,
        Column("final_difference", "money", "change in the final incentive"),
        Column(
            "payable_difference",
            "money",
            "change in the payable amount: the final incentive if the status is PAYABLE, else 0",
        ),
    ),
)

PRIOR_PERIOD_ADJUSTMENTS = Table(
    "prior_period_adjustments",
    "one row per payment of an earlier period, restatement and cause: what this cycle's payments should correct",
    (
        _PERIOD,
        Column("restated_period", "text", "the earlier period", key=True),
        Column("restated_release", "text", "the release that changed it, such as r2", key=True),
        _CCN,
        _NPI,
        _CAUSE,
        Column("adjustment_amount", "money", "to be paid in addition; if negative, to be recovered"),
    ),
)

PAYMENT_RECONCILIATION = Table(
    "payment_reconciliation",
    "one row per payment of this or an earlier period, released or reported",
    (
        _PERIOD,
        Column("paid_period", "text", "the period that was paid for", key=True),
        Column("released_as", "text", "newest release of that period, such as r1"),
        _CCN,
        _NPI,
        Column("status", "text", "status in the release; empty for a physician who is not in it", nullable=True),
        Column("payable_amount", "money", "amount payable; the final incentive if the status is PAYABLE, else 0"),
        Column("paid_amount", "money", "amount paid; Σ of the payments reported"),
        Column("payments", "integer", "number of payments reported"),
        Column("difference", "money", "paid less payable"),
        Column(
            "verdict",
            "text",
            "result of the comparison",
            allowed=("AS_RELEASED", "UNDERPAID", "OVERPAID", "MISSING", "NOT_PAYABLE", "NOT_YET_REPORTED"),
        ),
    ),
)

SEVERITIES = ("high", "medium", "low")

AUDIT_FINDINGS = Table(
    "audit_findings",
    "one row per finding of this cycle's audit",
    (
        _PERIOD,
        Column("finding_id", "text", "rule, hospital and number: stable as long as inputs are the same", key=True),
        Column("rule", "text", "rule of the audit"),
        Column("severity", "text", "how urgent it is", allowed=SEVERITIES),
        Column(
            "hospital_ccn", "text", "CMS certification number of the hospital; empty for the whole state", nullable=True
        ),
        Column("npi", "text", "NPI; the care partner it concerns", nullable=True),
        Column("amount", "money", "dollars at stake; empty if there are none", nullable=True),
        Column("finding", "text", "what was found"),
        Column("what_to_do", "text", "what to do about it"),
    ),
)

SCREENING = Table(
    "screening",
    screening.SCREENING.grain,
    (screening.SCREENING.columns[0], _PERIOD, *screening.SCREENING.columns[1:]),
)

SCREENED_LISTS = Table("screened_lists", screening.SCREENED_LISTS.grain, (_PERIOD, *screening.SCREENED_LISTS.columns))

_LABEL = "identifies the row"
_PAYMENT = "a payment depends on costs and conditions, between zero and a maximum per case: no count follows from it"

_REGULATOR_INCENTIVES = Table(
    "incentives",
    "one row per care partner of a hospital: calculated, adjustments, final (for the All-Payer team and the HSCRC)",
    (
        _CCN,
        _PERIOD,
        _NPI,
        Column("name", "text", "name; of the care partner", nullable=True),
        Column("performance_incentive", "money", "performance incentive"),
        Column("improvement_incentive", "money", "improvement incentive; of both streams"),
        Column("calculated_incentive", "money", "performance + improvement"),
        Column("conditions_adjustment", "money", "reduction for conditions of payment not met"),
        Column("standing_adjustment", "money", "reduction for lack of standing"),
        Column("committee_adjustment", "money", "the oversight committee's reduction"),
        Column("pfs_cap_adjustment", "money", "reduction to stay within the fee-schedule cap"),
        Column("distribution_limit_adjustment", "money", "reduction to stay within the hospital's distribution limit"),
        Column("final_incentive", "money", "final incentive"),
        Column("status", "text", "status of the payment", allowed=("PAYABLE", "HELD", "ZERO")),
        Column("reasons", "text", "why it was reduced, held or zero, separated by |", nullable=True),
    ),
)

REGULATOR_INCENTIVES = declared(
    _REGULATOR_INCENTIVES,
    harmless={
        _LABEL: ("hospital_ccn", "period", "npi", "name", "status", "reasons"),
        _PAYMENT: tuple(column.name for column in _REGULATOR_INCENTIVES.columns if column.type == "money"),
    },
)

_REGULATOR_SAVINGS = Table(
    "savings",
    "one row per hospital and scope: internal cost savings (for the All-Payer team and the HSCRC); small counts hidden",
    (
        _CCN,
        _PERIOD,
        Column("scope", "text", "all physicians, or participating ones", key=True, allowed=("all", "participating")),
        Column("cases", "integer", "cases; counted, in cells with a norm, empty if hidden", nullable=True),
        Column("baseline_cases", "integer", "cases of the baseline window; empty if hidden", nullable=True),
        Column("actual_cost", "money", "Σ cost; empty if a count in the same row is hidden", nullable=True),
        Column(
            "best_practice_cost",
            "money",
            "Σ best practice norm; empty if a count in the same row is hidden",
            nullable=True,
        ),
        Column(
            "potential_savings", "money", "potential savings; empty if a count in the same row is hidden", nullable=True
        ),
        Column("internal_savings_core", "money", "internal savings of the core component"),
        Column("internal_savings_supply_drug", "money", "internal savings of supplies and drugs"),
        Column("internal_savings", "money", "internal savings; core plus supplies and drugs, may be negative"),
        Column("internal_savings_to_date", "money", "internal savings to date; with the hospital's earlier periods"),
        _SUPPRESSED,
    ),
)

REGULATOR_SAVINGS = declared(
    _REGULATOR_SAVINGS,
    counts=("cases", "baseline_cases"),
    # norms and mean costs are published: each sum of dollars would give the number of cases away
    reveals=dict.fromkeys(("actual_cost", "best_practice_cost", "potential_savings"), Reveals(("cases",))),
    harmless={
        _LABEL: ("hospital_ccn", "period", "scope", "suppressed"),
        "differences of two windows' adjusted costs, neither of which is in the table": (
            "internal_savings_core",
            "internal_savings_supply_drug",
            "internal_savings",
            "internal_savings_to_date",
        ),
    },
)

#: columns hidden with a count of cases: with the rest of the table, each would reveal it. The variance is ten times
#: the incentive that is divided by cases, every physician has a minimum number of cases, and the weights are means over
#: all cells, from which a single unknown count can be solved.
NORM_DEPENDENTS = (
    "physicians",
    "best_practice_variance",
    "total_available_incentive",
    "mean_cost",
    "mean_los",
    "cost_weight",
    "los_weight",
    "core_weight",
    "supply_drug_weight",
)
_HIDDEN = ("cases", *NORM_DEPENDENTS)

PUBLIC_NORMS = declared(
    Table(
        "norms",
        f"{marts.NORMS.grain}; of a small cell, counts and what would reveal them are hidden",
        (*(replace(c, nullable=c.nullable or c.name in _HIDDEN) for c in marts.NORMS.columns), _SUPPRESSED),
    ),
    counts=("cases",),
    reveals=dict.fromkeys(NORM_DEPENDENTS, Reveals(("cases",))),
    harmless={
        _LABEL: (*marts.NORMS.key, "suppressed"),
        "a percentile of costs": ("best_practice_norm", "p75_cost", "improvement_ceiling_cost"),
        "a share of the variance per case; the variance is hidden with the cases": ("maximum_physician_incentive",),
    },
)


def _to_the_cent(column: Column) -> Column:
    """A mean to the cent fits any number of cases; further digits would reveal the number."""
    if column.name != "physician_mean_cost":
        return column
    return replace(column, type="money", meaning=f"{column.meaning}; to the cent")


PUBLIC_NORM_PHYSICIANS = declared(
    Table(
        "norm_physicians",
        f"{marts.NORM_PHYSICIANS.grain}; none of small cells",
        tuple(map(_to_the_cent, marts.NORM_PHYSICIANS.columns)),
    ),
    harmless={
        _LABEL: marts.NORM_PHYSICIANS.key,
        "to the cent, which fits any number of cases": ("physician_mean_cost",),
    },
)

#: tables of a release that are not marts, by the folder they are in
TABLES: dict[str, tuple[Table, ...]] = {
    "audit": (RESTATEMENT, PRIOR_PERIOD_ADJUSTMENTS, PAYMENT_RECONCILIATION, AUDIT_FINDINGS, SCREENING, SCREENED_LISTS),
    "regulator": (REGULATOR_INCENTIVES, REGULATOR_SAVINGS),
    "norms": (PUBLIC_NORMS, PUBLIC_NORM_PHYSICIANS),
}
