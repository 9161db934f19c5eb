"""A study of a SPARCS file in plain Python: every figure recomputed without the pipeline.

Belongs here: methodology §3, §5, §6 and §7, implemented from the page with ``csv`` and ``fractions``, for
cost_method = reported, every factor 1, one year that is its own base year, and the policy's defaults. Does not belong
here: anything imported from the pipeline. It is slow and simple on purpose, as an independent check.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

Cell = tuple[str, str]

BEST_PRACTICE, CEILING = Fraction(1, 4), Fraction(3, 4)
OUTLIER_SD = 3
MIN_CASES_PER_PHYSICIAN, MIN_PHYSICIANS_PER_CELL, MIN_CASES_PER_CELL = 2, 5, 20
INCENTIVE_RATE = Fraction(1, 10)
MPI_FLOOR, MPI_CEILING = Fraction(100), Fraction(3000)
IMPROVEMENT_SHARE = Fraction("0.66666667")
VARIABLE_COST_FACTOR = Fraction(1, 2)

DIED, LEFT_AGAINST_ADVICE, TRANSFERRED_OUT = "DIED", "LEFT_AGAINST_ADVICE", "TRANSFERRED_OUT"
EXCLUDED_BY_DISPOSITION = {
    "Expired": DIED,
    "Left Against Medical Advice": LEFT_AGAINST_ADVICE,
    "Short-term Hospital": TRANSFERRED_OUT,
    "Cancer Center or Children's Hospital": TRANSFERRED_OUT,
    "Federal Health Care Facility": TRANSFERRED_OUT,
    "Critical Access Hospital": TRANSFERRED_OUT,
}


@dataclass(frozen=True)
class Case:
    line: int
    hospital: str
    physician: str
    apr_drg: str
    severity: str
    disposition: str
    days: int
    cost: Fraction

    @property
    def cell(self) -> Cell:
        return self.apr_drg, self.severity


@dataclass(frozen=True)
class Norm:
    """A cell's norm by one method; money as exact fractions already rounded to the scale of the methodology."""

    cases: int
    physicians: int
    best_practice_norm: Fraction
    p75_cost: Fraction
    improvement_ceiling_cost: Fraction
    mean_cost: Fraction
    mean_los: Fraction
    best_practice_variance: Fraction
    total_available_incentive: Fraction
    maximum_physician_incentive: Fraction
    cost_weight: Fraction
    los_weight: Fraction


@dataclass(frozen=True)
class Opportunity:
    cases: int
    cost: Fraction
    best_practice_cost: Fraction
    potential_savings: Fraction
    best_practice_variance: Fraction
    available_incentive: Fraction


@dataclass(frozen=True)
class PlainStudy:
    exclusions: Counter[str]
    counted: list[Case]
    norms: dict[str, dict[Cell, Norm]]
    incentives: dict[tuple[str, str], Fraction]
    case_incentives: dict[int, tuple[Fraction, Fraction]]
    by_hospital: dict[str, Opportunity]
    by_physician: dict[str, Opportunity]


def rounded(value: Fraction, places: int) -> Fraction:
    """Round half away from zero."""
    units = abs(value) * 10**places
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**places)


def money(value: Fraction, places: int = 2) -> Decimal:
    """Convert a fraction with ``places`` decimals to an equal decimal."""
    units = value * 10**places
    assert units.denominator == 1
    return Decimal(units.numerator).scaleb(-places)


def percentile(values: Iterable[Fraction], share: Fraction) -> Fraction:
    """Hyndman–Fan type 7, exact."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    below = position.numerator // position.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def mean(values: Iterable[Fraction]) -> Fraction:
    listed = list(values)
    return sum(listed, Fraction(0)) / len(listed)


def grouped(cases: Iterable[Case], key: Callable[[Case], object]) -> dict:  # type: ignore[type-arg]
    groups = defaultdict(list)
    for case in cases:
        groups[key(case)].append(case)
    return groups


def read_cases(file: Path) -> list[Case]:
    """Read surgical discharges only, as in the file of hip replacements: the operating physician is responsible."""
    cases = []
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            assert row["apr_medical_surgical_description"] == "Surgical"
            assert row["apr_mdc_code"] not in ("15", "19")
            assert row["apr_drg_code"] not in ("560", "860", "955", "956", "")
            assert row["operating_provider_license_number"].strip("0 ")
            cases.append(
                Case(
                    line=line,
                    hospital=row["facility_id"],
                    physician=row["operating_provider_license_number"],
                    apr_drg=row["apr_drg_code"],
                    severity=row["apr_severity_of_illness_code"],
                    disposition=row["patient_disposition"],
                    days=max(1, int(Decimal(row["length_of_stay"]))),
                    cost=Fraction(row["total_costs"]),
                )
            )
    return cases


def rule_exclusion(case: Case) -> str | None:
    """§3, the rules that can apply to elective surgery with a physician in an acute hospital."""
    by_disposition = EXCLUDED_BY_DISPOSITION.get(case.disposition)
    return by_disposition or ("NON_POSITIVE_COST" if case.cost <= 0 else None)


def outliers(cases: list[Case]) -> set[int]:
    """§5, in integers of cents."""
    found = set()
    for cell in grouped(cases, lambda case: case.cell).values():
        cents = {case.line: int(case.cost * 100) for case in cell}
        n, s, q = len(cents), sum(cents.values()), sum(c * c for c in cents.values())
        found |= {line for line, c in cents.items() if (n * c - s) ** 2 * (n - 1) > OUTLIER_SD**2 * n * (n * q - s * s)}
    return found


def physician_means(cases: list[Case]) -> dict[str, Fraction]:
    by_physician = grouped(cases, lambda case: case.physician)
    return {
        physician: rounded(mean(case.cost for case in own), 4)
        for physician, own in by_physician.items()
        if len(own) >= MIN_CASES_PER_PHYSICIAN
    }


def norms_by(method: str, counted: list[Case]) -> dict[Cell, Norm]:
    """§6 for one of the three methods."""
    percentiles: dict[Cell, tuple[int, Fraction, Fraction]] = {}
    cells = grouped(counted, lambda case: case.cell)
    for cell, cases in cells.items():
        means, costs = physician_means(cases), [case.cost for case in cases]
        if len(cases) < MIN_CASES_PER_CELL:
            continue
        if method != "case_percentile" and len(means) < MIN_PHYSICIANS_PER_CELL:
            continue
        over = costs if method == "case_percentile" else list(means.values())
        bpn, p75 = rounded(percentile(over, BEST_PRACTICE), 2), rounded(percentile(over, CEILING), 2)
        if method == "mean_below_threshold":
            threshold = percentile(costs, BEST_PRACTICE)
            bpn = rounded(mean(cost for cost in costs if cost <= threshold), 2)
        percentiles[cell] = (len(means), bpn, p75)
    with_norm = [case for case in counted if case.cell in percentiles]
    overall_cost = rounded(mean(case.cost for case in with_norm), 4)
    overall_days = rounded(mean(Fraction(case.days) for case in with_norm), 4)
    norms = {}
    for cell, (physicians, bpn, p75) in percentiles.items():
        cases = cells[cell]
        mean_cost = rounded(mean(case.cost for case in cases), 4)
        mean_los = rounded(mean(Fraction(case.days) for case in cases), 4)
        variance = sum((max(Fraction(0), case.cost - bpn) for case in cases), Fraction(0))
        available = rounded(variance * INCENTIVE_RATE, 2)
        norms[cell] = Norm(
            cases=len(cases),
            physicians=physicians,
            best_practice_norm=bpn,
            p75_cost=p75,
            improvement_ceiling_cost=p75,  # the policy's default percentile X is the 75th too
            mean_cost=mean_cost,
            mean_los=mean_los,
            best_practice_variance=variance,
            total_available_incentive=available,
            maximum_physician_incentive=rounded(available / len(cases), 2),
            cost_weight=rounded(mean_cost / overall_cost, 8),
            los_weight=rounded(mean_los / overall_days, 8),
        )
    return norms


def performance_incentives(counted: list[Case], norms: dict[Cell, Norm]) -> dict[int, tuple[Fraction, Fraction]]:
    """§7: line of the file -> (fraction, incentive), for every case with a norm."""
    own_means = {
        key: rounded(mean(case.cost for case in own), 4)
        for key, own in grouped(counted, lambda case: (case.physician, case.cell)).items()
    }
    earned = {}
    for case in counted:
        norm = norms.get(case.cell)
        if norm is None:
            continue
        mpi = min(max(norm.maximum_physician_incentive, MPI_FLOOR), MPI_CEILING)
        mpi_performance = mpi - rounded(mpi * IMPROVEMENT_SHARE, 2)
        spread = norm.p75_cost - norm.best_practice_norm
        if spread <= 0:
            fraction = Fraction(case.cost <= norm.best_practice_norm)
        else:
            fraction = rounded(min(max((norm.p75_cost - case.cost) / spread, Fraction(0)), Fraction(1)), 8)
        gated = own_means[case.physician, case.cell] > norm.p75_cost
        earned[case.line] = fraction, Fraction(0) if gated else rounded(mpi_performance * fraction, 2)
    return earned


def opportunity(cases: list[Case], norms: dict[Cell, Norm]) -> Opportunity:
    cost = sum((case.cost for case in cases), Fraction(0))
    best = sum((norms[case.cell].best_practice_norm for case in cases), Fraction(0))
    variance = sum((max(Fraction(0), case.cost - norms[case.cell].best_practice_norm) for case in cases), Fraction(0))
    return Opportunity(
        cases=len(cases),
        cost=cost,
        best_practice_cost=best,
        potential_savings=rounded((cost - best) * VARIABLE_COST_FACTOR, 2),
        best_practice_variance=variance,
        available_incentive=rounded(variance * INCENTIVE_RATE, 2),
    )


def compute(file: Path) -> PlainStudy:
    """The whole study of one file."""
    cases = read_cases(file)
    exclusions = Counter(reason for case in cases if (reason := rule_exclusion(case)))
    remaining = [case for case in cases if rule_exclusion(case) is None]
    far_out = outliers(remaining)
    exclusions["COST_OUTLIER"] = len(far_out)
    counted = [case for case in remaining if case.line not in far_out]
    methods = ("physician_percentile", "case_percentile", "mean_below_threshold")
    norms = {method: norms_by(method, counted) for method in methods}
    in_force = norms["physician_percentile"]
    earned = performance_incentives(counted, in_force)
    with_norm = [case for case in counted if case.cell in in_force]
    incentives: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for case in with_norm:
        incentives[case.hospital, case.physician] += earned[case.line][1]
    return PlainStudy(
        exclusions=exclusions,
        counted=counted,
        norms=norms,
        incentives=dict(incentives),
        case_incentives=earned,
        by_hospital={
            key: opportunity(own, in_force) for key, own in grouped(with_norm, lambda case: case.hospital).items()
        },
        by_physician={
            key: opportunity(own, in_force) for key, own in grouped(with_norm, lambda case: case.physician).items()
        },
    )
