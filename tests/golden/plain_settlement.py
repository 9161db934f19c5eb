"""A settlement in plain Python: methodology §6 to §8 and §10 computed again, from the page, with ``fractions``.

Belongs here: norms, incentives and savings, in the methodology's order and words, slow and simple on purpose. Does not
belong here: anything imported from the pipeline, or learned from its SQL; this is an independent opinion. If the page
leaves a choice, a comment marked [choice] states which one is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from tests.golden.plain_cases import (
    Case,
    Cell,
    Row,
    Tables,
    by,
    clamp,
    exact,
    outliers,
    percentile,
    read_cases,
    rounded,
    summed,
    trend,
    windows,
)
from tests.golden.plain_waterfall import distribution_limit, waterfall

METHODS = ("physician_percentile", "case_percentile", "mean_below_threshold")


@dataclass
class Norm:
    bpn: Fraction
    p75: Any  #: None: nothing can be paid from the norm
    ceiling: Any
    mpi: Fraction
    cost_weight: Fraction
    los_weight: Fraction
    core_weight: Fraction
    supply_drug_weight: Fraction
    facts: dict[str, Fraction | int] = field(default_factory=dict)


@dataclass
class Settlement:
    """Everything computed; keys are those of the released tables without the period."""

    norms: dict[tuple[str, Cell], Norm]
    excluded: dict[tuple[str, str, str], tuple[int, Fraction]]
    cases: dict[tuple[str, str], dict[str, Any]]
    improvement: dict[tuple[str, str, str], dict[str, Any]]
    incentives: dict[tuple[str, str], dict[str, Any]]
    savings: dict[tuple[str, str], dict[str, Any]]
    limits: dict[str, dict[str, Any]]


# --- §6 ---------------------------------------------------------------------------------------------------------------


def norm_tables(counted: Sequence[Case], policy: Row) -> dict[tuple[str, Cell], Norm]:
    """All three methods, in base-year dollars."""
    cells = dict(by(counted, lambda case: case.cell))
    quantiles = [exact(policy[f"{name}_percentile"]) for name in ("best_practice", "ceiling", "improvement")]
    bounds: dict[str, dict[Cell, list[Any]]] = {method: {} for method in METHODS}
    physicians: dict[Cell, int] = {}
    for cell, cases in cells.items():
        own = by([case for case in cases if case.npi], lambda case: case.npi)
        means = [
            rounded(sum(case.cost for case in group) / len(group), 4)
            for _, group in own
            if len(group) >= policy["min_cases_per_physician"]
        ]
        physicians[cell] = len(means)
        if len(cases) < policy["min_cases_per_cell"]:
            continue
        costs = [case.cost for case in cases]
        # [choice] Waiving "the physician minimum" waives both: cases per physician, and physicians per cell.
        bounds["case_percentile"][cell] = [rounded(percentile(costs, q), 2) for q in quantiles]
        if len(means) >= policy["min_physicians_per_cell"]:
            of_physicians = [rounded(percentile(means, q), 2) for q in quantiles]
            low = [cost for cost in costs if cost <= percentile(costs, quantiles[0])]
            bounds["physician_percentile"][cell] = of_physicians
            # [choice] Only the BPN is read differently: minimums and the other percentiles remain the physicians'.
            bounds["mean_below_threshold"][cell] = [rounded(Fraction(sum(low), len(low)), 2), *of_physicians[1:]]
        elif not any(case.npi for case in counted):
            low = [cost for cost in costs if cost <= percentile(costs, quantiles[0])]
            bounds["mean_below_threshold"][cell] = [rounded(Fraction(sum(low), len(low)), 2), None, None]
    norms = {}
    for method, found in bounds.items():
        mixed = [case for cell in found for case in cells[cell]]
        overall = mean_facts(mixed) if mixed else {}
        for cell, (bpn, p75, ceiling) in found.items():
            cases, own_means = cells[cell], mean_facts(cells[cell])
            variance = sum(max(Fraction(0), case.cost - bpn) for case in cases)
            available = rounded(exact(policy["incentive_rate"]) * variance, 2)
            weights = {k: rounded(own_means[k] / overall[k], 8) if overall[k] else Fraction(0) for k in overall}
            norms[method, cell] = Norm(
                bpn,
                p75,
                ceiling,
                rounded(available / len(cases), 2),
                weights["cost"],
                weights["los"],
                weights["core"],
                weights["supply_drug"],
                {
                    "cases": len(cases),
                    "physicians": physicians[cell],
                    "best_practice_variance": variance,
                    "total_available_incentive": available,
                    "mean_cost": own_means["cost"],
                    "mean_los": own_means["los"],
                },
            )
    return norms


def mean_facts(cases: Sequence[Case]) -> dict[str, Fraction]:
    sums = {
        "cost": sum(case.cost for case in cases),
        "los": Fraction(sum(case.days for case in cases)),
        "core": sum(case.core for case in cases),
        "supply_drug": sum(case.supply_drug for case in cases),
    }
    return {name: rounded(Fraction(total) / len(cases), 4) for name, total in sums.items()}


def read_norms(rows: Iterable[Row]) -> dict[tuple[str, Cell], Norm]:
    """Read a frozen table."""
    return {
        (row["norm_method"], (row["apr_drg"], row["severity_of_illness"])): Norm(
            exact(row["best_practice_norm"]),
            exact(row["p75_cost"]),
            exact(row["improvement_ceiling_cost"]),
            exact(row["maximum_physician_incentive"]),
            exact(row["cost_weight"]),
            exact(row["los_weight"]),
            exact(row["core_weight"]),
            exact(row["supply_drug_weight"]),
        )
        for row in rows
    }


def in_force(norms: Mapping[tuple[str, Cell], Norm], policy: Row, rate: Fraction) -> dict[Cell, Norm]:
    """Norms by the policy's method, in the performance year's dollars; weights are unchanged."""
    return {
        cell: replace(
            norm,
            bpn=rounded(norm.bpn * rate, 2),
            p75=rounded(norm.p75 * rate, 2),
            ceiling=rounded(norm.ceiling * rate, 2),
            mpi=rounded(norm.mpi * rate, 2),
        )
        for (method, cell), norm in norms.items()
        if method == policy["norm_method"] and norm.p75 is not None
    }


# --- §7 ---------------------------------------------------------------------------------------------------------------


def performance(
    case: Case, norm: Norm, own: Row, policy: Row, means: Mapping[tuple[str, Cell], Fraction]
) -> dict[str, Any]:
    mpi = norm.mpi
    if own["mpi_floor"] is not None:
        mpi = max(mpi, exact(own["mpi_floor"]))
    if own["mpi_ceiling"] is not None:
        mpi = min(mpi, exact(own["mpi_ceiling"]))
    mpi_improvement = rounded(mpi * exact(own["improvement_share"]), 2)
    if norm.p75 <= norm.bpn:
        fraction = Fraction(case.cost <= norm.bpn)
    else:
        fraction = rounded(clamp((norm.p75 - case.cost) / (norm.p75 - norm.bpn), Fraction(0), Fraction(1)), 8)
    exponent = exact(policy["performance_exponent"])
    if exponent.denominator == 1:
        curve = rounded(Fraction(fraction**exponent.numerator), 8)
    else:
        curve = rounded(Fraction(float(fraction) ** float(exponent)), 8)
    gated = policy["performance_gate"] == "cell_mean" and means[case.npi or "", case.cell] > norm.p75
    return {
        "npi": case.npi,
        "stream": case.stream,
        "cost": case.cost,
        "best_practice_norm": norm.bpn,
        "p75_cost": norm.p75,
        "improvement_ceiling_cost": norm.ceiling,
        "mpi_improvement": mpi_improvement,
        "mpi_performance": mpi - mpi_improvement,
        "performance_fraction": fraction,
        "performance_incentive": Fraction(0) if gated else rounded((mpi - mpi_improvement) * curve, 2),
    }


# --- §8 ---------------------------------------------------------------------------------------------------------------


def adjusted(cases: Sequence[Case], norms: Mapping[Cell, Norm]) -> tuple[Fraction, Fraction]:
    """Adjusted cost and adjusted days."""
    cost = summed(case.cost for case in cases) / summed(norms[case.cell].cost_weight for case in cases)
    days = Fraction(sum(case.days for case in cases)) / summed(norms[case.cell].los_weight for case in cases)
    return rounded(cost, 4), rounded(days, 4)


def improvement(
    stream: str,
    now: Sequence[Case],
    before: Sequence[Case],
    norms: Mapping[Cell, Norm],
    policy: Row,
    mpi: Fraction,
    rate: Fraction,
    per_diem: Fraction,
) -> dict[str, Any]:
    cost, days = adjusted(now, norms)
    result: dict[str, Any] = {"cases": len(now), "baseline_cases": len(before), "adjusted_cost": cost}
    result |= {"adjusted_los": days, "mpi_improvement": mpi, "has_baseline": True, "improvement_incentive": Fraction(0)}
    if before:
        cost_before, days_before = adjusted(before, norms)
        result |= {"baseline_adjusted_cost": cost_before, "baseline_adjusted_los": days_before}
    if len(before) < policy["min_baseline_cases"]:
        return result | {"has_baseline": False}
    if stream == "surgical":
        gaps = summed(norms[case.cell].ceiling - norms[case.cell].bpn for case in now)
        spread = rounded(gaps / summed(norms[case.cell].cost_weight for case in now), 4)
        if spread <= 0:
            return result
        fraction = rounded(clamp((cost_before * rate - cost) / spread, Fraction(0), Fraction(1)), 8)
        return result | {"improvement_fraction": fraction, "improvement_incentive": rounded(fraction * mpi, 2)}
    earned = max(Fraction(0), days_before - days) * per_diem
    if policy["medical_improvement_cap"] == "mpi":
        earned = min(earned, mpi)
    return result | {"improvement_incentive": rounded(earned, 2)}


# --- §10 --------------------------------------------------------------------------------------------------------------


def hospital_savings(
    now: Sequence[Case], before: Sequence[Case], norms: Mapping[Cell, Norm], policy: Row, trends: Mapping[str, Fraction]
) -> dict[str, Any]:
    variable = exact(policy["variable_cost_factor"])
    gap = summed(case.cost for case in now) - summed(norms[case.cell].bpn for case in now)
    result: dict[str, Any] = {"cases": len(now), "potential_savings": rounded(gap * variable, 2)}
    for component, factor in (("core", variable), ("supply_drug", Fraction(1))):
        (cost, weight), (cost_before, weight_before) = (component_total(w, component, norms) for w in (now, before))
        saved = Fraction(0)
        # [choice] Without a baseline, or without weights, no saving of the component can be measured.
        if weight and weight_before:
            less = rounded(cost_before / weight_before, 4) * trends[component] - rounded(cost / weight, 4)
            saved = rounded(less * weight * factor, 2)
        result[f"internal_savings_{component}"] = saved
    result["internal_savings"] = result["internal_savings_core"] + result["internal_savings_supply_drug"]
    return result


def component_total(cases: Sequence[Case], component: str, norms: Mapping[Cell, Norm]) -> tuple[Fraction, Fraction]:
    """Cost and weight of one component."""
    weight = summed(getattr(norms[case.cell], f"{component}_weight") for case in cases)
    return summed(getattr(case, component) for case in cases), weight


def elected(own: Row, policy: Row) -> Row:
    """§13: a hospital's elections override the policy; a bound may be absent, and a cap may only be lowered."""
    chosen = {key: value for key, value in own.items() if key.startswith("mpi_") or value is not None}
    cap = min(exact(policy["physician_cap_percent"]), exact(chosen.get("physician_cap_percent", 100)))
    return dict(policy) | chosen | {"physician_cap_percent": cap}


# --- everything -------------------------------------------------------------------------------------------------------


def settle(tables: Tables, policy: Row, elections: Mapping[str, Row], period: str) -> Settlement:
    """Settle a period; ``elections``: hospital -> its protocol's elections, if any."""
    elections = {ccn: elected(elections.get(ccn, {}), policy) for ccn in {row["ccn"] for row in tables["hospitals"]}}
    spans, year = windows(period, policy), int(period[:4])
    cases = read_cases(tables, policy)
    counted: dict[str, list[Case]] = {}
    excluded: dict[tuple[str, str, str], tuple[int, Fraction]] = defaultdict(lambda: (0, Fraction(0)))

    def exclude(window: str, case: Case, reason: str) -> None:
        number, cost = excluded[window, case.ccn, reason]
        excluded[window, case.ccn, reason] = number + 1, cost + case.cost

    for window, (start, end) in spans.items():
        here = [case for case in cases if start <= case.day <= end]
        left = [case for case in here if not case.reasons]
        out = outliers(left, policy)
        counted[window] = [case for case in left if id(case) not in out]
        for case in here:
            if case.reasons or id(case) in out:
                exclude(window, case, case.reasons[0] if case.reasons else "COST_OUTLIER")
    frozen = tables.get("frozen_norms")
    tabled = read_norms(frozen) if frozen else norm_tables(counted["base_year"], policy)
    norms = in_force(tabled, policy, trend(tables, policy["base_year"], year, "total"))
    normed: dict[str, list[Case]] = {}
    for window, those in counted.items():
        normed[window] = [case for case in those if case.cell in norms]
        for case in those:
            if case.cell not in norms:
                exclude(window, case, "NO_NORM")
    own_costs = by([c for c in normed["performance"] if c.npi], lambda case: (case.npi, case.cell))
    means = {key: rounded(summed(c.cost for c in group) / len(group), 4) for key, group in own_costs}
    partners = list(tables["care_partners"])
    listed = {(row["hospital_ccn"], row["npi"]) for row in partners}
    result = Settlement(tabled, dict(excluded), {}, {}, {}, {}, {})
    for case in normed["performance"]:
        if (case.ccn, case.npi) in listed:
            result.cases[case.ccn, case.account] = performance(
                case, norms[case.cell], elections[case.ccn], policy, means
            )
    trends = {c: trend(tables, spans["baseline"][1].year, year, c) for c in ("total", "core", "supply_drug")}
    per_diem = {row["severity"]: exact(row["amount"]) for row in tables["per_diem"] if row["year"] == year}
    earned = {}
    for key in listed:
        earned[key] = calculated(key, normed, norms, policy, trends["total"], per_diem, result)
    for scope in ("all", "participating"):
        inside = {
            window: [case for case in those if scope == "all" or (case.ccn, case.npi) in listed]
            for window, those in normed.items()
        }
        for ccn, now in by(inside["performance"], lambda case: case.ccn):
            before = [case for case in inside["baseline"] if case.ccn == ccn]
            result.savings[ccn, scope] = hospital_savings(now, before, norms, policy, trends)
    for ccn, members in by(partners, lambda row: row["hospital_ccn"]):
        limit = distribution_limit(ccn, result.savings.get((ccn, policy["limit_scope"])), tables, policy, period)
        result.limits[ccn] = limit
        own_earned = {npi: row for (hospital, npi), row in earned.items() if hospital == ccn}
        rows = waterfall(members, own_earned, limit, elections[ccn], tables, policy, spans["performance"])
        result.incentives |= {(ccn, npi): row for npi, row in rows.items()}
    return result


def calculated(
    key: tuple[str, str],
    normed: Mapping[str, Sequence[Case]],
    norms: Mapping[Cell, Norm],
    policy: Row,
    rate: Fraction,
    per_diem: Mapping[str, Fraction],
    result: Settlement,
) -> dict[str, Any]:
    """Step 1 for one care partner of a hospital."""
    now, before = ([c for c in normed[w] if (c.ccn, c.npi) == key] for w in ("performance", "baseline"))
    own = [result.cases[case.ccn, case.account] for case in now]
    row: dict[str, Any] = {"reasons": set() if now else {"NO_CASES"}}
    row["performance_incentive"] = summed(case["performance_incentive"] for case in own)
    for stream in ("medical", "surgical"):
        cases = [case for case in now if case.stream == stream]
        row[f"{stream}_cases"] = len(cases)
        row[f"improvement_incentive_{stream}"] = Fraction(0)
        if cases:
            mpi = summed(case["mpi_improvement"] for case in own if case["stream"] == stream)
            days_worth = summed(per_diem[case.cell[1]] for case in cases)
            past = [case for case in before if case.stream == stream]
            found = improvement(stream, cases, past, norms, policy, mpi, rate, days_worth)
            result.improvement[(*key, stream)] = found
            row[f"improvement_incentive_{stream}"] = found["improvement_incentive"]
            row["reasons"] |= set() if found["has_baseline"] else {"NO_BASELINE"}
    parts = ("performance_incentive", "improvement_incentive_medical", "improvement_incentive_surgical")
    row["calculated_incentive"] = summed(row[part] for part in parts)
    row["reasons"] |= {"NOTHING_EARNED"} if now and not row["calculated_incentive"] else set()
    weights = [norms[case.cell].cost_weight for case in now]
    row["case_mix_index"] = rounded(sum(weights, Fraction(0)) / len(weights), 8) if weights else None
    return row
