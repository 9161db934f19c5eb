"""The incentive of each case (methodology §6 split, §7).

Belongs here: from a cell's norm to a case's performance incentive. Does not belong here: sums over cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .exact import CENTS, MEAN, ONE, RATIO, ZERO, clamp, power, quotient, rounded
from .hospital import Hospital
from .norms import Cell, Norm, cell_of
from .package import Package
from .report import Findings
from .tables import Row
from .terms import Terms

#: NPI and cell -> cases and cost of the performance period
CellTotals = dict[tuple[str, Cell], tuple[int, Decimal]]


def gated_cells(
    package: Package, norms: Mapping[Cell, Norm], terms: Terms, findings: Findings
) -> tuple[dict[tuple[str, Cell], Row], set[tuple[str, Cell]]]:
    """Physicians' cells as released, and those with a mean above P75, which earn no performance incentive (§7)."""
    cells: dict[tuple[str, Cell], Row] = {}
    gated = set()
    for row in package.table("physician_cells"):
        cell = cell_of(row)
        cells[row["npi"], cell] = row
        mean = quotient(row["cost"], row["cases"], MEAN)
        norm = norms.get(cell)
        findings.compare("gate", row, {"mean_cost": mean, "p75_cost": norm.p75_cost if norm else "no norm"})
        if terms.performance_gate == "cell_mean" and mean is not None and norm and mean > norm.p75_cost:
            gated.add((row["npi"], cell))
    return cells, gated


def check_own_cells(cells: dict[tuple[str, Cell], Row], own: CellTotals, findings: Findings) -> None:
    """Check that a physician's mean covers at least the cases in the release; it is taken over all hospitals."""
    for (npi, cell), (cases, cost) in sorted(own.items()):
        row = cells.get((npi, cell))
        if row is None:
            file = next(iter(cells.values())).table.path if cells else "audit/"
            expected = "a row for the cell of a care partner's cases"
            findings.differ("gate", file, "", expected, "none", key=f"{npi} {' '.join(cell)}")
            continue
        others, other_cost = row["cases"] - cases, row["cost"] - cost
        holds = others > 0 < other_cost or (others == 0 and other_cost == ZERO)
        number = f"{cases} case{'' if cases == 1 else 's'}"
        condition = f"at least {cost}, the cost of {number} at the program's hospitals"
        findings.require("gate", row, "cost", holds, condition)


def check_cases(
    hospital: Hospital, norms: Mapping[Cell, Norm], gated: set[tuple[str, Cell]], terms: Terms, findings: Findings
) -> dict[int, Decimal]:
    """Check every case of the hospital's care partners.

    Returns:
        Line -> performance incentive, as computed here.
    """
    earned: dict[int, Decimal] = {}
    partners = {row["npi"] for row in hospital.incentives}
    for row in hospital.cases:
        norm = norms.get(cell_of(row))
        earned[row.line] = ZERO
        findings.require("case_norms", row, "npi", row["npi"] in partners, "a care partner of the hospital")
        findings.require("case_norms", row, "length_of_stay", row["length_of_stay"] >= 1, "at least 1")
        if norm is None:
            _report_cell(row, findings)
            continue
        findings.compare(
            "case_norms",
            row,
            {
                "best_practice_norm": norm.best_practice_norm,
                "p75_cost": norm.p75_cost,
                "improvement_ceiling_cost": norm.improvement_ceiling_cost,
                "cost_weight": norm.cost_weight,
                "los_weight": norm.los_weight,
            },
        )
        improvement, performance = _split(norm.maximum_physician_incentive, hospital.inputs.get(row["npi"]))
        findings.compare("case_split", row, {"mpi_improvement": improvement, "mpi_performance": performance})
        fraction = _fraction(row["cost"], norm)
        is_gated = (row["npi"], cell_of(row)) in gated
        curve = power(fraction, terms.performance_exponent)
        earned[row.line] = ZERO if is_gated else rounded(performance * curve, CENTS)
        findings.compare(
            "performance", row, {"performance_fraction": fraction, "performance_incentive": earned[row.line]}
        )
    return earned


def check_baseline(hospital: Hospital, norms: Mapping[Cell, Norm], findings: Findings) -> None:
    """Check that every baseline case has the weights of its cell; its cost is in its own year's dollars."""
    partners = {row["npi"] for row in hospital.incentives}
    for row in hospital.baseline:
        norm = norms.get(cell_of(row))
        findings.require("case_norms", row, "npi", row["npi"] in partners, "a care partner of the hospital")
        if norm is None:
            _report_cell(row, findings)
        else:
            findings.compare("case_norms", row, {"cost_weight": norm.cost_weight, "los_weight": norm.los_weight})


def _report_cell(row: Row, findings: Findings) -> None:
    findings.differ("case_norms", row.table.path, "cell", "one with a norm", " ".join(cell_of(row)), row=row.line)


def _split(maximum: Decimal, elected: Row | None) -> tuple[Decimal, Decimal]:
    """``mpi_improvement`` and ``mpi_performance`` within the hospital's bounds (§6)."""
    if elected is None:
        return ZERO, ZERO
    if elected["mpi_floor"] is not None:
        maximum = max(maximum, elected["mpi_floor"])
    if elected["mpi_ceiling"] is not None:
        maximum = min(maximum, elected["mpi_ceiling"])
    improvement = rounded(maximum * (elected["improvement_share"] or ZERO), CENTS)
    return improvement, maximum - improvement


def _fraction(cost: Decimal, norm: Norm) -> Decimal:
    spread = norm.p75_cost - norm.best_practice_norm
    if spread <= 0:
        return ONE if cost <= norm.best_practice_norm else ZERO
    return quotient(clamp(norm.p75_cost - cost, ZERO, spread), spread, RATIO) or ZERO
