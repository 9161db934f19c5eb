"""Cases and cents are conserved (methodology §3): every stage balances and passes on what the next one receives.

Belongs here: the ledger against itself, the exclusions, the cases and the payments. Does not belong here: why a case is
excluded, which only the discharges show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .exact import ZERO
from .hospital import Hospital
from .norms import NormTable
from .package import Package
from .report import Findings
from .tables import Row
from .terms import Terms
from .waterfall import Partner

_INTAKE, _CHARGES, _COSTS, _EXCLUSIONS, _NORMS = "1 intake", "2 charges", "3 costs", "4 exclusions", "5 norms"
_PARTNERS, _PERFORMANCE, _WATERFALL = "6 care partners", "7 performance incentive", "8 waterfall"

#: the stage after, and the stage before, in the same window
_NEXT = {_COSTS: _EXCLUSIONS, _EXCLUSIONS: _NORMS}
_BEFORE = {after: before for before, after in _NEXT.items()} | {_PARTNERS: _NORMS}
_NO_NORM = "NO_NORM"


@dataclass(frozen=True)
class Ledger:
    """(stage, window, hospital) -> its row."""

    path: str
    rows: Mapping[tuple[str, str, str], Row]

    def row(self, stage: str, window: str, ccn: str) -> Row | None:
        """One row of the ledger; None if there is none."""
        return self.rows.get((stage, window, ccn))


def check_ledger(package: Package, terms: Terms, findings: Findings) -> Ledger:
    """Check that every stage balances, excludes what ``exclusions`` lists and receives what the previous one kept."""
    table = package.table("conservation")
    ledger = Ledger(table.path, {(row["stage"], row["window_name"], row["hospital_ccn"]): row for row in table})
    excluded = _exclusions(package, terms, findings)
    for (stage, window, ccn), row in ledger.rows.items():
        balance = {"cases_in": row["cases_kept"] + row["cases_excluded"]}
        findings.compare("conservation", row, {**balance, "amount_in": row["amount_kept"] + row["amount_excluded"]})
        if stage in _NEXT:
            _check_next(ledger, row, _NEXT[stage], findings)
        elif stage == _NORMS and window == "performance":
            _check_next(ledger, row, _PARTNERS, findings)
        for earlier in _stages_before(row, terms):
            condition = f"a row before it, of {' '.join(earlier)}"
            findings.require("conservation", row, "stage", earlier in ledger.rows, condition)
        if stage in (_EXCLUSIONS, _NORMS):
            cases, cost = excluded.pop((stage, window, ccn), (0, ZERO))
            findings.compare("conservation", row, {"cases_excluded": cases, "amount_excluded": cost})
    for (stage, window, ccn), (cases, _) in excluded.items():
        expected = f"a row with {cases} excluded case{'' if cases == 1 else 's'}"
        findings.differ("conservation", table.path, "", expected, "none", key=f"{stage} {window} {ccn}")
    return ledger


def _stages_before(row: Row, terms: Terms) -> list[tuple[str, str, str]]:
    """The rows that a row's cases come from; intake and charges have two windows, the base year and everything else."""
    stage, window, ccn = row["stage"], row["window_name"], row["hospital_ccn"]
    if stage in _BEFORE:
        return [(_BEFORE[stage], window, ccn)]
    received = [_INTAKE] if terms.cost_method == "reported" else [_INTAKE, _CHARGES]
    return [(each, "base_year" if window == "base_year" else "all", ccn) for each in received if stage == _COSTS]


def _exclusions(package: Package, terms: Terms, findings: Findings) -> dict[tuple[str, str, str], tuple[int, Decimal]]:
    sums: dict[tuple[str, str, str], tuple[int, Decimal]] = {}
    for row in package.table("exclusions"):
        reason = row["exclusion_reason"]
        findings.require(
            "conservation", row, "exclusion_reason", reason in (*terms.exclusions, _NO_NORM), "a reason of the policy"
        )
        key = (_NORMS if reason == _NO_NORM else _EXCLUSIONS, row["window_name"], row["hospital_ccn"])
        cases, cost = sums.get(key, (0, ZERO))
        sums[key] = (cases + row["cases"], cost + row["cost"])
    return sums


def _check_next(ledger: Ledger, row: Row, stage: str, findings: Findings) -> None:
    after = ledger.row(stage, row["window_name"], row["hospital_ccn"])
    if after is not None:
        findings.compare("conservation", after, {"cases_in": row["cases_kept"], "amount_in": row["amount_kept"]})
    elif row["cases_kept"]:
        findings.differ("conservation", ledger.path, "", f"a row of stage {stage} after it", "none", key=row.label)


def check_base_year(norms: NormTable, ledger: Ledger, findings: Findings) -> None:
    """Check that the base year's cases with a norm are those that the norm table was made from."""
    kept = [row for (stage, window, _), row in ledger.rows.items() if (stage, window) == (_NORMS, "base_year")]
    fact = findings.fact
    fact("conservation", ledger.path, "base-year cases", norms.cases, sum(row["cases_kept"] for row in kept))
    fact("conservation", ledger.path, "base-year cost", norms.cost, sum((row["amount_kept"] for row in kept), ZERO))


def check_hospital_ledger(
    hospital: Hospital,
    partners: Mapping[str, Partner],
    performance: Mapping[int, Decimal],
    final: Mapping[str, Decimal],
    everyone: Row | None,
    ledger: Ledger,
    findings: Findings,
) -> None:
    """Check a hospital's stages from the cases with a norm to the payments."""
    cases, ccn = hospital.cases.rows, hospital.ccn
    cost = sum((case["cost"] for case in cases), ZERO)
    earned = sum(performance.values(), ZERO)
    calculated = sum((partner.calculated for partner in partners.values()), ZERO)
    number, paid = len(cases), sum(final.values(), ZERO)
    stages: Sequence[tuple[str, bool, dict[str, object]]] = (
        (_PARTNERS, bool(cases), {"cases_kept": number, "amount_kept": cost}),
        (
            _PERFORMANCE,
            bool(cases),
            {"cases_in": number, "cases_kept": number, "amount_in": earned, "amount_kept": earned},
        ),
        (
            _WATERFALL,
            bool(partners),
            {
                "cases_in": number,
                "cases_kept": number,
                "amount_in": calculated,
                "amount_kept": paid,
                "amount_excluded": calculated - paid,
            },
        ),
    )
    for stage, is_needed, expected in stages:
        row = ledger.row(stage, "performance", ccn)
        if row is not None:
            findings.compare("conservation", row, expected)
        elif is_needed:
            findings.differ("conservation", ledger.path, "", f"a row of stage {stage}", "none", key=ccn)
    for window, own in (("performance", cases), ("baseline", hospital.baseline.rows)):
        kept = ledger.row(_NORMS, window, ccn)
        number = kept["cases_kept"] if kept else 0
        bound = len(own) if len(own) <= number else f"at most {number}"
        name = "cases of care partners"
        findings.fact("conservation", ledger.path, name, bound, len(own), key=f"{ccn} {window}")
        if everyone is not None:
            column = "cases" if window == "performance" else "baseline_cases"
            findings.compare("conservation", everyone, {column: number})
            if window == "performance" and kept:
                findings.compare("conservation", everyone, {"actual_cost": kept["amount_kept"]})
