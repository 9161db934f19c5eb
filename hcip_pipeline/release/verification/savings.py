"""Potential and internal savings (methodology §10).

Belongs here: a hospital's savings by scope and component, from the sums over its cases in the release. Does not belong
here: the limit that they set (``limits``).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .earlier import Earlier
from .exact import CENTS, MEAN, ONE, ZERO, quotient, rounded
from .hospital import Hospital
from .norms import Cell, Norm, Rates, cell_of
from .report import Findings
from .tables import Row
from .terms import Terms

_COMPONENTS = ("core", "supply_drug")


def check_savings(
    row: Row, first_period: str, rates: Rates, earlier: Earlier, terms: Terms, findings: Findings
) -> Decimal:
    """Check the savings of one hospital and scope.

    Args:
        first_period: the hospital's first performance period; empty without a protocol.

    Returns:
        Internal savings to date.
    """
    above = row["actual_cost"] - row["best_practice_cost"]
    expected: dict[str, Any] = {
        "potential_savings": rounded(above * terms.variable_cost_factor, CENTS),
        "actual_cost": row["core_cost"] + row["supply_drug_cost"],
    }
    total = ZERO
    for component in _COMPONENTS:
        now = quotient(row[f"{component}_cost"], row[f"{component}_weight"], MEAN)
        before = _adjusted(row[f"baseline_{component}_cost"], row[f"baseline_{component}_weight"])
        trend = rates.trend["baseline", component]
        factor = terms.variable_cost_factor if component == "core" else ONE
        saved = ZERO
        if now is not None and before is not None:
            saved = rounded((before * trend - now) * row[f"{component}_weight"] * factor, CENTS)
        total += saved
        expected |= {
            f"adjusted_{component}_cost": now,
            f"baseline_adjusted_{component}_cost": before,
            f"{component}_trend": trend,
            f"internal_savings_{component}": saved,
        }
    expected["internal_savings"] = total
    to_date: Decimal = row["internal_savings_to_date"]
    if not earlier.missing(first_period):
        to_date = total + earlier.saved(row["hospital_ccn"], first_period, row["scope"])
        expected["internal_savings_to_date"] = to_date
    findings.compare("savings", row, expected)
    return to_date


def check_participating(hospital: Hospital, row: Row | None, norms: Mapping[Cell, Norm], findings: Findings) -> None:
    """Check that the participating scope's sums are those of the care partners' cases."""
    cases, baseline = hospital.cases, hospital.baseline
    if row is None:
        path = "savings/"
        findings.fact("savings", path, "rows of care partners' cases", 0, len(cases.rows), key=hospital.ccn)
        return
    expected: dict[str, Any] = {
        "cases": len(cases.rows),
        "actual_cost": sum((case["cost"] for case in cases), ZERO),
        "best_practice_cost": sum((case["best_practice_norm"] for case in cases), ZERO),
        "baseline_cases": len(baseline.rows),
    }
    for component in _COMPONENTS:
        weights = {cell: getattr(norm, f"{component}_weight") for cell, norm in norms.items()}
        expected[f"{component}_weight"] = sum((weights.get(cell_of(case), ZERO) for case in cases), ZERO)
        before = sum((weights.get(cell_of(case), ZERO) for case in baseline), ZERO)
        expected[f"baseline_{component}_weight"] = before if baseline.rows else None
    findings.compare("savings", row, expected)
    if baseline.rows:
        cost = sum((case["cost"] for case in baseline), ZERO)
        stated = (row["baseline_core_cost"] or ZERO) + (row["baseline_supply_drug_cost"] or ZERO)
        findings.fact("savings", row.table.path, "baseline cost", cost, stated, key=row.label)


def check_scopes(everyone: Row | None, participating: Row | None, findings: Findings) -> None:
    """Check that no sum of care partners exceeds that of all physicians."""
    if participating is None:
        return
    if everyone is None:
        ccn, path = participating["hospital_ccn"], participating.table.path
        findings.differ("savings", path, "", "a row of scope all", "none", key=ccn)
        return
    for column in ("cases", "actual_cost", "best_practice_cost", "core_cost", "supply_drug_cost", "baseline_cases"):
        holds = everyone[column] >= participating[column]
        findings.require("savings", everyone, column, holds, f"at least the care partners' {participating[column]}")


def _adjusted(cost: Decimal | None, weight: Decimal | None) -> Decimal | None:
    return None if cost is None or weight is None else quotient(cost, weight, MEAN)
