"""Incentives from sums of cases (methodology §7 gate, §8), for many draws at once, in whole numbers.

Every quotient is a ratio of integers, rounded once, half away from zero, as the models compute it; Python's integers
are used where 64 bits are too few.

Belongs here: the formulas over sums. Does not belong here: which cases are summed (``draws``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hcip_pipeline.certainty.cases import Integers
from hcip_pipeline.policy.model import Policy

#: column -> sums by care partner and stream; a first axis runs over the draws if they differ between draws
SlotSums = Mapping[str, Integers]

_MEDICAL, _SURGICAL = (Ellipsis, slice(0, None, 2)), (Ellipsis, slice(1, None, 2))


def is_gated(cases: Integers, cents: Integers, p75: Integers, policy: Policy) -> Any:
    """Whether a physician's mean cost in a cell (4 places) is above its P75 (cents)."""
    if policy.performance_gate == "none":
        return np.zeros(np.broadcast(cases, cents).shape, bool)
    return (200 * cents + cases) // np.maximum(2 * cases, 1) > 100 * p75


def improvement(now: SlotSums, before: SlotSums, trend: int, policy: Policy) -> Integers:
    """The improvement incentive of each care partner and stream, in cents.

    Args:
        now: ``cases``, ``cost``, ``length_of_stay``, ``cost_weight``, ``los_weight``, ``mpi_improvement``, ``wide``
            (Σ improvement_ceiling_cost − best_practice_norm) and ``per_diem``.
        before: the first five, of the baseline.
        trend: trend of the baseline's dollars, in units of 10⁻⁸.
    """
    shape = np.broadcast(*now.values(), *before.values()).shape
    earned = np.zeros(shape, np.int64)
    can_earn = (now["cases"] > 0) & (before["cases"] >= policy.min_baseline_cases)
    at = _SURGICAL
    weight = now["cost_weight"][at]
    spread = _quotient(_wide(np.maximum(now["wide"][at], 0)) * 10**10, weight)
    adjusted = _quotient(_wide(now["cost"][at]) * 10**10, weight)
    baseline = _quotient(_wide(before["cost"][at]) * 10**10, before["cost_weight"][at])
    saved = np.maximum(np.minimum(baseline * trend - adjusted * 10**8, spread * 10**8), 0)
    fraction = _quotient(saved * 10**8, spread * 10**8)
    surgical = _quotient(_wide(now["mpi_improvement"][at]) * fraction, 10**8)
    earned[at] = np.where(can_earn[at], surgical, 0)
    at = _MEDICAL
    adjusted = _quotient(_wide(now["length_of_stay"][at]) * 10**12, now["los_weight"][at])
    baseline = _quotient(_wide(before["length_of_stay"][at]) * 10**12, before["los_weight"][at])
    medical = _quotient(_wide(now["per_diem"][at]) * np.maximum(baseline - adjusted, 0), 10**4)
    if policy.medical_improvement_cap == "mpi":
        medical = np.minimum(medical, _wide(now["mpi_improvement"][at]))
    earned[at] = np.where(can_earn[at], medical, 0)
    return earned


def _wide(values: Integers) -> Any:
    """The values as integers of any size."""
    return values.astype(object)


def _quotient(numerator: Any, denominator: Any) -> Any:
    """numerator ÷ denominator, both at least 0, rounded half up; 0 if the denominator is 0."""
    known = np.asarray(denominator).astype(object)
    divisor = np.where(known == 0, 1, known)
    return np.where(known == 0, 0, (2 * numerator + divisor) // (2 * divisor))
