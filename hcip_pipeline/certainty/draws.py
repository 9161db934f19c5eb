"""Calculated incentives for many draws of a release's cases: shuffled among care partners, and sampled again.

A draw follows from ``md5(hospital|account|replicate)``: its first 64 bits put cases in order, its first 48 bits are a
uniform number. It is the same on every machine, for any number of threads; only whole numbers are summed.

Belongs here: drawing, and sums of drawn cases. Does not belong here: the formulas (``incentives``), and tables of the
results (``ranges``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from math import factorial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from hcip_pipeline.certainty.cases import Integers, ReleasedCases, SumsByNumber, WindowCases
from hcip_pipeline.certainty.incentives import improvement, is_gated
from hcip_pipeline.messages import Progress
from hcip_pipeline.policy.model import Policy

Hashes = npt.NDArray[np.uint64]

#: draws between two progress messages
_REPORTED = 20
#: draws whose hashes one query computes: for a small state, planning queries is most of the time
_AT_ONCE = 10


@dataclass(frozen=True)
class Draws:
    """The calculated incentive of each care partner in cents: one row per replicate, one column per care partner."""

    shuffled: Integers
    resampled: Integers


def draw(
    cases: ReleasedCases,
    policy: Policy,
    replicates: int,
    *,
    threads: int | None = None,
    progress: Progress = lambda _: None,
) -> Draws:
    """Reassign the cases, and sample them again, ``replicates`` times each.

    Shuffled: within window, hospital, cell and stream the n-th case by hash goes to the care partner who has the n-th
    by account, so each keeps the number of cases in each such group. Resampled: each case counts as often as a Poisson
    variable of mean 1; cases at hospitals where the physician is not a care partner are unchanged.
    """
    settle = _Settlement(cases, policy)
    shuffled: list[Integers] = []
    resampled: list[Integers] = []
    for number, (now, before) in enumerate(case_hashes(cases, replicates, threads)):
        shuffled.append(settle.with_cases(_by_hash(cases.now, now), _by_hash(cases.before, before)))
        resampled.append(settle.with_copies(copies_of(now), copies_of(before)))
        if (number + 1) % _REPORTED == 0:
            progress(f"draw {number + 1} of {replicates}")
    return Draws(np.stack(shuffled), np.stack(resampled))


def as_released(cases: ReleasedCases, policy: Policy) -> Integers:
    """Calculated incentives of the cases as released, in cents; equal to those in the release."""
    own = [np.arange(len(window.slot)) for window in (cases.now, cases.before)]
    return _Settlement(cases, policy).with_cases(*own)


def case_hashes(cases: ReleasedCases, replicates: int, threads: int | None) -> Iterator[tuple[Hashes, Hashes]]:
    """For each replicate, the first 64 bits of each case's hash, in the performance period and in the baseline."""
    windows = (cases.now, cases.before)
    with duckdb.connect(config={"threads": threads} if threads else {}) as connection:
        for place, window in enumerate(windows):
            connection.register(f"names_{place}", window.names.to_arrow())
        for first in range(0, replicates, _AT_ONCE):
            drawn = range(first, min(first + _AT_ONCE, replicates))
            columns = ", ".join(f"md5_number_upper(name || '{replicate}') as draw_{replicate}" for replicate in drawn)
            found = [
                connection.execute(f"select {columns} from names_{place}").fetchnumpy() for place in range(len(windows))
            ]
            for replicate in drawn:
                now, before = (_in_order(bits.pop(f"draw_{replicate}")) for bits in found)
                yield now, before


def _in_order(bits: npt.NDArray[Any]) -> Hashes:
    """The digest's first eight bytes as a big-endian number; DuckDB reads them as they are in memory."""
    return np.ascontiguousarray(bits.astype(np.uint64)).view(">u8").astype(np.uint64)


def _by_hash(window: WindowCases, bits: Hashes) -> Integers:
    """The case that each place of the window receives: by group, then hash, then account."""
    return np.lexsort((bits, window.group))


def poisson_bounds() -> tuple[int, ...]:
    """P(X ≤ k) of a Poisson variable of mean 1 for k = 0, 1, …, in units of 10⁻¹², until it is 1."""
    with localcontext(prec=40):
        base, total, bounds = Decimal(-1).exp(), Decimal(0), []
        for k in range(20):
            total += base / factorial(k)
            bound = int((total * 10**12).quantize(Decimal(1)))
            if bound >= 10**12:
                break
            bounds.append(bound)
    return tuple(bounds)


#: the least 48-bit number that, as 12 decimals, reaches each bound
_STEPS = np.array([-(-(bound << 48) // 10**12) for bound in poisson_bounds()], np.uint64)


def copies_of(bits: Hashes) -> Integers:
    """How often each case counts: a Poisson variable of mean 1 by inversion of the hash."""
    return np.searchsorted(_STEPS, bits >> np.uint64(16), side="right").astype(np.int64)


class _Settlement:
    """Step 1 of the waterfall (methodology §9) from sums of drawn cases."""

    def __init__(self, cases: ReleasedCases, policy: Policy) -> None:
        self._cases, self._policy = cases, policy
        self._seats, self._gates = SumsByNumber(cases.seat), SumsByNumber(cases.seat_gate)
        self._ones = [np.ones(len(window.slot), np.int64) for window in (cases.now, cases.before)]
        self._own = [self._sums(cases.now, self._ones[0]), self._sums(cases.before, self._ones[1])]
        self._seat_cases = self._seats.of(self._ones[0])

    def with_cases(self, now: Integers, before: Integers) -> Integers:
        """Calculated incentives in cents if place n of each window has case ``now[n]`` or ``before[n]``.

        Places keep their weights and pools: a case only changes hands within its hospital, cell and stream.
        """
        sums = []
        for window, order, own in zip((self._cases.now, self._cases.before), (now, before), self._own, strict=True):
            moved = {name: window.by_slot.of(window.amounts[name][order]) for name in ("cost", "length_of_stay")}
            sums.append({**own, **{name: window.spread(sum_) for name, sum_ in moved.items()}})
        amounts = self._cases.now.amounts
        performance = self._performance(
            self._seats.of(amounts["earned"][now]), self._seat_cases, self._seats.of(amounts["cost"][now])
        )
        return self._together(performance, sums[0], sums[1])

    def with_copies(self, now: Integers, before: Integers) -> Integers:
        """Calculated incentives in cents if each case counts as often as ``now`` and ``before`` state."""
        amounts = self._cases.now.amounts
        performance = self._performance(
            self._seats.of(amounts["earned"] * now), self._seats.of(now), self._seats.of(amounts["cost"] * now)
        )
        return self._together(performance, self._sums(self._cases.now, now), self._sums(self._cases.before, before))

    def _sums(self, window: WindowCases, copies: Integers) -> dict[str, Integers]:
        found = {"cases": window.spread(window.by_slot.of(copies))}
        for name, amounts in window.amounts.items():
            if name != "earned":
                found[name] = window.spread(window.by_slot.of(amounts * copies))
        return found

    def _performance(self, earned: Integers, cases: Integers, cents: Integers) -> Integers:
        """Performance incentives by care partner, from sums by care partner and cell."""
        gated = is_gated(
            self._cases.gate_cases + self._gates.of(cases),
            self._cases.gate_cents + self._gates.of(cents),
            self._cases.gate_p75,
            self._policy,
        )
        whole = np.zeros(len(self._cases.partners), np.int64)
        owned = np.where(gated[self._cases.seat_gate], 0, earned)
        np.add.at(whole, self._cases.seat_partner, owned)
        return whole

    def _together(self, performance: Integers, now: dict[str, Integers], before: dict[str, Integers]) -> Integers:
        streams = improvement(now, before, self._cases.trend, self._policy)
        return performance + streams[0::2] + streams[1::2]
