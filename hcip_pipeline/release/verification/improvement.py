"""The improvement incentive (methodology §8): each stream against the care partner's own baseline.

Belongs here: averages of both windows, and the incentive that follows. Does not belong here: the waterfall.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from .exact import CENTS, MEAN, RATIO, ZERO, clamp, quotient, rounded
from .hospital import Hospital
from .norms import Rates
from .report import Findings
from .tables import Row
from .terms import Terms


@dataclass
class _Sums:
    """Sums over a stream's cases in one window."""

    cases: int = 0
    cost: Decimal = ZERO
    days: int = 0
    cost_weight: Decimal = ZERO
    los_weight: Decimal = ZERO
    rows: list[Row] = field(default_factory=list)

    @property
    def adjusted_cost(self) -> Decimal | None:
        return quotient(self.cost, self.cost_weight, MEAN)

    @property
    def adjusted_los(self) -> Decimal | None:
        return quotient(self.days, self.los_weight, MEAN)


@dataclass(frozen=True)
class Improvement:
    """The improvement incentive of one stream of a care partner."""

    incentive: Decimal
    has_baseline: bool


Stream = tuple[str, str]


def check_improvement(hospital: Hospital, rates: Rates, terms: Terms, findings: Findings) -> dict[Stream, Improvement]:
    """Check every stream with cases in the performance period.

    Returns:
        (NPI, stream) -> improvement incentive, as computed here.
    """
    now, before = _streams(hospital.cases), _streams(hospital.baseline)
    released = {(row["npi"], row["stream"]): row for row in hospital.improvement}
    path = hospital.improvement.path
    findings.fact("averages", path, "streams with cases", sorted(now), sorted(released), key=hospital.ccn)
    trend = rates.trend["baseline", "total"]
    earned = {}
    for stream, sums in sorted(now.items()):
        baseline = before.get(stream, _Sums())
        pool = sum((row["mpi_improvement"] for row in sums.rows), ZERO)
        wide = sum((row["improvement_ceiling_cost"] - row["best_practice_norm"] for row in sums.rows), ZERO)
        spread = quotient(wide, sums.cost_weight, MEAN)
        is_medical = stream[1] == "medical"
        per_diem = _per_diem(sums, rates) if is_medical else None
        has_baseline = baseline.cases >= terms.min_baseline_cases
        fraction = days_saved = None
        if is_medical:
            days_saved = _days_saved(sums, baseline) if has_baseline else ZERO
            incentive = rounded(days_saved * (per_diem or ZERO), CENTS)
            if terms.medical_improvement_cap == "mpi":
                incentive = min(incentive, pool)
        else:
            fraction = _fraction(sums, baseline, trend, spread) if has_baseline else ZERO
            incentive = rounded(fraction * pool, CENTS)
        earned[stream] = Improvement(incentive, has_baseline)
        if stream not in released:
            continue
        findings.compare(
            "averages",
            released[stream],
            {
                "cases": sums.cases,
                "adjusted_cost": sums.adjusted_cost,
                "adjusted_los": sums.adjusted_los,
                "baseline_cases": baseline.cases,
                "baseline_adjusted_cost": baseline.adjusted_cost,
                "baseline_adjusted_los": baseline.adjusted_los,
                "trend": trend,
                "mpi_improvement": pool,
                "spread": spread,
                "per_diem": per_diem,
                "has_baseline": has_baseline,
            },
        )
        figures = {"improvement_fraction": fraction, "days_saved": days_saved, "improvement_incentive": incentive}
        findings.compare("improvement", released[stream], figures)
    return earned


def _streams(rows: Iterable[Row]) -> dict[Stream, _Sums]:
    streams: dict[Stream, _Sums] = {}
    for row in rows:
        sums = streams.setdefault((row["npi"], row["stream"]), _Sums())
        sums.cases += 1
        sums.cost += row["cost"]
        sums.days += row["length_of_stay"]
        sums.cost_weight += row["cost_weight"]
        sums.los_weight += row["los_weight"]
        sums.rows.append(row)
    return streams


def _per_diem(now: _Sums, rates: Rates) -> Decimal:
    """A severity without a rate counts as zero; it shows as a difference from the released sum."""
    return sum((rates.per_diem.get(row["severity_of_illness"], ZERO) for row in now.rows), ZERO)


def _days_saved(now: _Sums, baseline: _Sums) -> Decimal:
    return max(ZERO, (baseline.adjusted_los or ZERO) - (now.adjusted_los or ZERO))


def _fraction(now: _Sums, baseline: _Sums, trend: Decimal, spread: Decimal | None) -> Decimal:
    if not spread or spread < 0:
        return ZERO
    saved = (baseline.adjusted_cost or ZERO) * trend - (now.adjusted_cost or ZERO)
    return quotient(clamp(saved, ZERO, spread), spread, RATIO) or ZERO
