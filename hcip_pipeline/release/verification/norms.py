"""Norms and trends (methodology §2, §6), from the base year's physician means and cases.

Belongs here: the norm table by all three methods, and its norms in the performance year's dollars. Does not belong
here: a hospital's cases against it (``cases``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .exact import CENTS, MEAN, RATIO, ZERO, percentile, quotient, rounded
from .package import Package
from .report import Findings
from .tables import Row
from .terms import Terms

Cell = tuple[str, str]

METHODS = ("physician_percentile", "case_percentile", "mean_below_threshold")


@dataclass(frozen=True)
class Norm:
    """A cell's norm in the performance year's dollars, with its weights."""

    best_practice_norm: Decimal
    p75_cost: Decimal
    improvement_ceiling_cost: Decimal
    maximum_physician_incentive: Decimal
    cost_weight: Decimal
    los_weight: Decimal
    core_weight: Decimal
    supply_drug_weight: Decimal


@dataclass(frozen=True)
class NormTable:
    """The policy's norms in the performance year's dollars, with the number and cost of the base-year cases used."""

    in_force: Mapping[Cell, Norm]
    cases: int
    cost: Decimal


@dataclass(frozen=True)
class Rates:
    """Rates in force.

    Attributes:
        trend: (window, component) -> factor to the performance year's dollars.
        per_diem: severity -> dollars per day.
    """

    trend: Mapping[tuple[str, str], Decimal]
    per_diem: Mapping[str, Decimal]


def cell_of(row: Row) -> Cell:
    """APR-DRG and severity of a row."""
    return row["apr_drg"], row["severity_of_illness"]


def check_rates(package: Package, terms: Terms, findings: Findings) -> Rates:
    """Check trends against the cost indices in the release."""
    table = package.table("rates")
    stated = {(row["rate"], row["subject"]): row for row in table}
    years = {"performance": package.year, "baseline": package.year - 1, "base_year": terms.base_year}
    trend: dict[tuple[str, str], Decimal] = {}
    for window, year in years.items():
        for component in ("core", "supply_drug", "total"):
            own = stated.get(("cost_index", f"{year}:{component}"))
            now = stated.get(("cost_index", f"{package.year}:{component}"))
            factor = Decimal(1) if year == package.year else None
            if factor is None and own and now:
                factor = quotient(now["rate_value"], own["rate_value"], RATIO)
            row = stated.get(("trend", f"{window}:{component}"))
            if factor is None or row is None:
                findings.differ(
                    "trends", table.path, "rate", "a trend and its cost indices", "", key=f"{window} {component}"
                )
                factor = row["rate_value"] if row else Decimal(1)
            else:
                findings.compare("trends", row, {"rate_value": factor})
            trend[window, component] = factor
    per_diem = {
        subject.removeprefix("severity:"): row["rate_value"]
        for (rate, subject), row in stated.items()
        if rate == "per_diem"
    }
    return Rates(trend, per_diem)


@dataclass(frozen=True)
class _CellCases:
    """A cell's base-year cases."""

    costs: list[Decimal]
    core: Decimal
    supply_drug: Decimal
    days: int

    @property
    def cost(self) -> Decimal:
        return sum(self.costs, ZERO)


def check_norms(package: Package, terms: Terms, rates: Rates, findings: Findings) -> NormTable:
    """Recompute the norm table."""
    table = package.table("norms")
    means = _physician_means(package, terms, findings)
    cases = _cases(package, terms, findings)
    physicians: dict[Cell, int] = {}
    stated: dict[str, dict[Cell, Row]] = {method: {} for method in METHODS}
    for row in table:
        known = row["norm_method"] in stated and row["base_year"] == terms.base_year
        findings.require("norm_cells", row, "norm_method", known, "a method of §6 and the policy's base year")
        stated.setdefault(row["norm_method"], {})[cell_of(row)] = row
        number = physicians.setdefault(cell_of(row), row["physicians"])
        findings.compare("norm_cells", row, {"physicians": number})
        with_cases = row["physicians"] * terms.min_cases_per_physician <= row["cases"]
        least = terms.min_cases_per_physician
        condition = f"no more than can have {least} of the {row['cases']} cases each"
        findings.require("norm_cells", row, "physicians", with_cases, condition)

    enough = {cell for cell, own in cases.items() if len(own.costs) >= terms.min_cases_per_cell}
    by_physician = {cell for cell in enough if physicians.get(cell, 0) >= terms.min_physicians_per_cell}
    # If no cell has identified physicians, the release may have only a best practice norm, and that in every cell.
    is_without_physicians = not any(physicians.values()) and bool(stated["mean_below_threshold"])
    below = enough if is_without_physicians else by_physician
    should = {"case_percentile": enough, "physician_percentile": by_physician, "mean_below_threshold": below}
    findings.fact("norm_cells", table.path, "cells with base-year cases", sorted(cases), sorted(enough))
    findings.fact("norm_cells", table.path, "cells with physician means", sorted(by_physician), sorted(means))
    in_force: dict[Cell, Norm] = {}
    for method in METHODS:
        found = stated[method]
        findings.fact("norm_cells", table.path, "cells with a norm", sorted(should[method]), sorted(found), key=method)
        with_norm = {cell: cases[cell] for cell in sorted(should[method] & found.keys())}
        overall = _overall(with_norm.values())
        for cell, own in with_norm.items():
            if method != "case_percentile" and cell not in means and cell in by_physician:
                continue
            for mean in means.get(cell, []):
                within = own.costs[0] <= mean <= own.costs[-1]
                findings.require("norm_cells", found[cell], "physicians", within, "means within the cell's costs")
            figures = _norm(method, own, means.get(cell, []), overall, terms)
            count = {"physicians": len(means[cell])} if cell in means else {}
            _compare(found[cell], {**figures, "cases": len(own.costs), **count}, findings)
            if method == terms.norm_method and figures["p75_cost"] is not None:
                in_force[cell] = _brought_forward(figures, rates.trend["base_year", "total"])
    used = [cases[cell] for cell in in_force]
    return NormTable(in_force, sum(len(cell.costs) for cell in used), sum((cell.cost for cell in used), ZERO))


def _physician_means(package: Package, terms: Terms, findings: Findings) -> dict[Cell, list[Decimal]]:
    means: dict[Cell, list[Decimal]] = {}
    for row in package.table("norm_physicians"):
        own = means.setdefault(cell_of(row), [])
        own.append(row["physician_mean_cost"])
        findings.compare("norm_cells", row, {"physician_number": len(own), "base_year": terms.base_year})
        in_order = own == sorted(own)
        findings.require("norm_cells", row, "physician_mean_cost", in_order, "at least the previous row's mean")
    return means


def _cases(package: Package, terms: Terms, findings: Findings) -> dict[Cell, _CellCases]:
    rows: dict[Cell, list[Row]] = {}
    for row in package.table("norm_cases"):
        own = rows.setdefault(cell_of(row), [])
        own.append(row)
        parts = row["core_cost"] + row["supply_drug_cost"]
        findings.compare("norm_cells", row, {"case_number": len(own), "base_year": terms.base_year, "cost": parts})
        in_order = len(own) < 2 or own[-2]["cost"] <= row["cost"]
        findings.require("norm_cells", row, "cost", in_order, "at least the previous row's cost")
    return {
        cell: _CellCases(
            [row["cost"] for row in own],
            sum((row["core_cost"] for row in own), ZERO),
            sum((row["supply_drug_cost"] for row in own), ZERO),
            sum(row["length_of_stay"] for row in own),
        )
        for cell, own in rows.items()
    }


def _overall(cells: Iterable[_CellCases]) -> dict[str, Decimal]:
    """The means over all counted cases in cells with a norm (4 places)."""
    every = list(cells)
    number = sum(len(cell.costs) for cell in every)
    sums = {
        "cost_weight": sum((cell.cost for cell in every), ZERO),
        "los_weight": Decimal(sum(cell.days for cell in every)),
        "core_weight": sum((cell.core for cell in every), ZERO),
        "supply_drug_weight": sum((cell.supply_drug for cell in every), ZERO),
    }
    return {weight: quotient(total, number, MEAN) or ZERO for weight, total in sums.items()}


def _norm(
    method: str, cell: _CellCases, means: list[Decimal], overall: Mapping[str, Decimal], terms: Terms
) -> dict[str, Any]:
    number = len(cell.costs)
    basis = cell.costs if method == "case_percentile" else sorted(means)

    def of_basis(share: Decimal) -> Decimal | None:
        return rounded(percentile(basis, share), CENTS) if basis else None

    best_practice = of_basis(terms.best_practice_percentile) or ZERO
    if method == "mean_below_threshold":
        threshold = percentile(cell.costs, terms.best_practice_percentile)
        below = [cost for cost in cell.costs if cost <= threshold]
        best_practice = quotient(sum(below, ZERO), len(below), CENTS) or ZERO
    variance = sum((max(ZERO, cost - best_practice) for cost in cell.costs), ZERO)
    available = rounded(variance * terms.incentive_rate, CENTS)
    sums = {
        "cost_weight": cell.cost,
        "los_weight": Decimal(cell.days),
        "core_weight": cell.core,
        "supply_drug_weight": cell.supply_drug,
    }
    mean = {weight: quotient(total, number, MEAN) or ZERO for weight, total in sums.items()}
    weights = {weight: quotient(mean[weight], overall[weight], RATIO) or ZERO for weight in sums}
    return {
        "best_practice_norm": best_practice,
        "p75_cost": of_basis(terms.ceiling_percentile),
        "improvement_ceiling_cost": of_basis(terms.improvement_percentile),
        "mean_cost": mean["cost_weight"],
        "mean_los": mean["los_weight"],
        "best_practice_variance": variance,
        "total_available_incentive": available,
        "maximum_physician_incentive": quotient(available, number, CENTS) or ZERO,
        **weights,
    }


_RULE_OF = {
    "best_practice_norm": "norm_percentiles",
    "p75_cost": "norm_percentiles",
    "improvement_ceiling_cost": "norm_percentiles",
    "cost_weight": "norm_weights",
    "los_weight": "norm_weights",
    "core_weight": "norm_weights",
    "supply_drug_weight": "norm_weights",
    "cases": "norm_cells",
    "physicians": "norm_cells",
}


def _compare(row: Row, figures: Mapping[str, Any], findings: Findings) -> None:
    by_rule: dict[str, dict[str, Any]] = {}
    for column, value in figures.items():
        by_rule.setdefault(_RULE_OF.get(column, "norm_incentives"), {})[column] = value
    for rule, expected in by_rule.items():
        findings.compare(rule, row, expected)


def _brought_forward(figures: Mapping[str, Any], trend: Decimal) -> Norm:
    def now(column: str) -> Decimal:
        amount: Decimal = figures[column]
        return rounded(amount * trend, CENTS)

    return Norm(
        now("best_practice_norm"),
        now("p75_cost"),
        now("improvement_ceiling_cost"),
        now("maximum_physician_incentive"),
        figures["cost_weight"],
        figures["los_weight"],
        figures["core_weight"],
        figures["supply_drug_weight"],
    )
