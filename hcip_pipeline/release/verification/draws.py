"""Chance ranges and intervals (methodology §14), with each draw repeated from the release's cases.

A case's draw is the MD5 hash of ``hospital|account|replicate``: its first eight bytes put the cases of a group in
order, its first six are a uniform number.

Belongs here: drawing cases, and the incentives of the drawn cases. Does not belong here: figures that need no draws
(``certainty``).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from math import factorial

from .cases import CellTotals
from .exact import CENTS, MEAN, RATIO, ZERO, clamp, percentile, power, quotient, rounded
from .hospital import Hospital
from .norms import Rates
from .package import Package
from .report import Findings
from .tables import Row
from .terms import Terms

_STATE = "STATE"
_LOW, _HIGH = Decimal("0.05"), Decimal("0.95")
#: hospital, NPI and cell: a case's place, which a shuffle may give another case
Seat = tuple[str, str, tuple[str, str]]


@dataclass(frozen=True)
class _CaseValue:
    """The values that a case contributes to the care partner who has it."""

    name: bytes
    seat: Seat
    stream: str
    cost: Decimal
    days: int
    earned: Decimal
    per_diem: Decimal
    pool: Decimal
    wide: Decimal
    cost_weight: Decimal
    los_weight: Decimal


@dataclass
class Sums:
    """Sums over the cases of one care partner and stream in one window."""

    cases: int = 0
    cost: Decimal = ZERO
    days: int = 0
    cost_weight: Decimal = ZERO
    los_weight: Decimal = ZERO
    pool: Decimal = ZERO
    wide: Decimal = ZERO
    per_diem: Decimal = ZERO

    def add(self, place: _CaseValue, case: _CaseValue, copies: int = 1) -> None:
        """Add the cost and days of ``case`` with the weights and pools of ``place``."""
        self.cases += copies
        self.cost += case.cost * copies
        self.days += case.days * copies
        self.cost_weight += place.cost_weight * copies
        self.los_weight += place.los_weight * copies
        self.pool += place.pool * copies
        self.wide += place.wide * copies
        self.per_diem += place.per_diem * copies


@dataclass
class DrawnCases:
    """The cases of every hospital, collected while the release is checked."""

    terms: Terms
    rates: Rates
    now: dict[tuple[str, ...], list[_CaseValue]] = field(default_factory=lambda: defaultdict(list))
    before: dict[tuple[str, ...], list[_CaseValue]] = field(default_factory=lambda: defaultdict(list))
    p75: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def collect(self, hospital: Hospital) -> None:
        """Add the hospital's cases."""
        partners = {row["npi"] for row in hospital.incentives}
        for window, rows in ((self.now, hospital.cases), (self.before, hospital.baseline)):
            for row in sorted(rows, key=lambda each: each["account_no"]):
                if row["npi"] in partners:
                    case = self._case(row, window is self.now)
                    window[row["hospital_ccn"], *case.seat[2], row["stream"]].append(case)

    def _case(self, row: Row, is_now: bool) -> _CaseValue:
        cell = (row["apr_drg"], row["severity_of_illness"])
        earned = per_diem = pool = wide = ZERO
        if is_now:
            self.p75[cell] = row["p75_cost"]
            curve = power(row["performance_fraction"], self.terms.performance_exponent)
            earned = row["performance_incentive"] or rounded(row["mpi_performance"] * curve, CENTS)
            pool, wide = row["mpi_improvement"], row["improvement_ceiling_cost"] - row["best_practice_norm"]
            if row["stream"] == "medical":
                per_diem = self.rates.per_diem.get(cell[1], ZERO)
        return _CaseValue(
            f"{row['hospital_ccn']}|{row['account_no']}|".encode(),
            (row["hospital_ccn"], row["npi"], cell),
            row["stream"],
            row["cost"],
            row["length_of_stay"],
            earned,
            per_diem,
            pool,
            wide,
            row["cost_weight"],
            row["los_weight"],
        )

    def check(
        self, package: Package, cells: Mapping[tuple[str, tuple[str, str]], Row], most: int, findings: Findings
    ) -> None:
        """Repeat the draws of as many hospitals as ``most`` draws of a case allow.

        Args:
            cells: a physician's cases and cost in each cell over all hospitals, as released.
        """
        replicates = self.terms.certainty_replicates
        ranges = {
            ccn: table for ccn in package.hospitals if (table := package.optional("certainty", "payment_ranges", ccn))
        }
        if not most or not ranges:
            return
        chosen, left = [], most
        for ccn in sorted(ranges, key=lambda each: hashlib.md5(f"{package.name}{each}".encode()).digest()):
            needed = sum(map(len, self._needed(ccn))) * replicates
            if needed <= left:
                chosen.append(ccn)
                left -= needed
        if len(chosen) < len(ranges):
            findings.notes.append(
                f"chance ranges and intervals of {len(ranges) - len(chosen)} of {len(ranges)} hospitals: too many draws"
            )
        state: dict[int, Decimal] = defaultdict(lambda: ZERO)
        whole = {row["hospital_ccn"]: row for row in package.optional("regulator", "certainty_hospitals") or ()}
        for ccn in chosen:
            own = self._drawn(ccn, cells)
            sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
            for row in ranges[ccn]:
                shuffled, resampled = own.get(row["npi"], ([ZERO] * replicates, [ZERO] * replicates))
                expected = {
                    "interval_low": _percentile(resampled, _LOW),
                    "interval_high": _percentile(resampled, _HIGH),
                }
                findings.compare("draws", row, _chance(shuffled) | expected)
                for replicate, amount in enumerate(shuffled):
                    sums[replicate] += amount
                    state[replicate] += amount
            if ccn in whole:
                findings.compare("draws", whole[ccn], _chance(list(sums.values())))
        if len(chosen) == len(ranges) and _STATE in whole:
            findings.compare("draws", whole[_STATE], _chance(list(state.values())))

    def _needed(self, ccn: str) -> Iterator[list[_CaseValue]]:
        for window in (self.now, self.before):
            yield from (cases for group, cases in window.items() if group[0] == ccn)

    def _drawn(
        self, ccn: str, cells: Mapping[tuple[str, tuple[str, str]], Row]
    ) -> dict[str, tuple[list[Decimal], list[Decimal]]]:
        """NPI -> calculated incentives of the shuffles, and of the samples, for a hospital's care partners."""
        own = [group for group in self.now if group[0] == ccn]
        npis = {case.seat[1] for group in own for case in self.now[group]}
        own_cells = {group[1:] for group in own}
        others = [
            group
            for group in self.now
            if group[0] != ccn and group[1:] in own_cells and any(case.seat[1] in npis for case in self.now[group])
        ]
        now = [self.now[group] for group in (*own, *others)]
        before = [cases for group, cases in self.before.items() if group[0] == ccn]
        fixed = self._other_cases(cells, now, npis)
        drawn: dict[str, tuple[list[Decimal], list[Decimal]]] = {}
        partners = {case.seat[1] for cases in (*now[: len(own)], *before) for case in cases}
        for replicate in range(self.terms.certainty_replicates):
            hashes = {
                id(cases): [hashlib.md5(case.name + b"%d" % replicate).digest() for case in cases]
                for cases in (*now, *before)
            }
            for kind, draw in ((0, _shuffled), (1, _resampled)):
                given = {id(cases): draw(cases, hashes[id(cases)]) for cases in (*now, *before)}
                earned = self._settled(ccn, now, before, fixed, given)
                for npi in partners:
                    drawn.setdefault(npi, ([], []))[kind].append(earned.get(npi, ZERO))
        return drawn

    def _other_cases(
        self, cells: Mapping[tuple[str, tuple[str, str]], Row], now: Sequence[Sequence[_CaseValue]], npis: set[str]
    ) -> CellTotals:
        """The number and cost of these physicians' cases that are not drawn."""
        totals: CellTotals = {}
        for cases in now:
            for case in cases:
                _, npi, cell = case.seat
                if npi in npis:
                    row = cells.get((npi, cell))
                    start = (row["cases"], row["cost"]) if row else (0, ZERO)
                    number, cost = totals.get((npi, cell), start)
                    totals[npi, cell] = (number - 1, cost - case.cost)
        return totals

    def _settled(
        self,
        ccn: str,
        now: Sequence[Sequence[_CaseValue]],
        before: Sequence[Sequence[_CaseValue]],
        fixed: CellTotals,
        given: Mapping[int, Sequence[tuple[_CaseValue, int]]],
    ) -> dict[str, Decimal]:
        """NPI -> calculated incentive of the hospital's care partners.

        Args:
            given: for each place, the case that was drawn for it and the number of its copies.
        """
        streams: tuple[dict[tuple[str, str], Sums], dict[tuple[str, str], Sums]] = (
            defaultdict(Sums),
            defaultdict(Sums),
        )
        gates = dict(fixed)
        seats: dict[tuple[str, tuple[str, str]], Decimal] = defaultdict(lambda: ZERO)
        for window, groups in enumerate((now, before)):
            for places in groups:
                for place, (case, copies) in zip(places, given[id(places)], strict=True):
                    owner, npi, cell = place.seat
                    if window == 0 and (npi, cell) in gates:
                        number, cost = gates[npi, cell]
                        gates[npi, cell] = (number + copies, cost + case.cost * copies)
                    if owner == ccn:
                        streams[window][npi, place.stream].add(place, case, copies)
                        if window == 0:
                            seats[npi, cell] += case.earned * copies
        earned: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for (npi, cell), amount in seats.items():
            number, cost = gates[npi, cell]
            mean = quotient(cost, number, MEAN) or ZERO
            if self.terms.performance_gate != "cell_mean" or mean <= self.p75[cell]:
                earned[npi] += amount
        for (npi, stream), sums in streams[0].items():
            baseline = streams[1].get((npi, stream), Sums())
            if sums.cases and baseline.cases >= self.terms.min_baseline_cases:
                earned[npi] += self._improvement(stream, sums, baseline)
        return earned

    def _improvement(self, stream: str, now: Sums, before: Sums) -> Decimal:
        if stream == "medical":
            own, past = quotient(now.days, now.los_weight, MEAN), quotient(before.days, before.los_weight, MEAN)
            incentive = rounded(now.per_diem * max(ZERO, (past or ZERO) - (own or ZERO)), CENTS)
            return min(incentive, now.pool) if self.terms.medical_improvement_cap == "mpi" else incentive
        own, past = quotient(now.cost, now.cost_weight, MEAN), quotient(before.cost, before.cost_weight, MEAN)
        spread = quotient(now.wide, now.cost_weight, MEAN) or ZERO
        if spread <= 0:
            return ZERO
        saved = (past or ZERO) * self.rates.trend["baseline", "total"] - (own or ZERO)
        return rounded((quotient(clamp(saved, ZERO, spread), spread, RATIO) or ZERO) * now.pool, CENTS)


def _shuffled(cases: Sequence[_CaseValue], hashes: Sequence[bytes]) -> Sequence[tuple[_CaseValue, int]]:
    order = sorted(range(len(cases)), key=lambda place: hashes[place][:8])
    return [(cases[place], 1) for place in order]


def _poisson_steps() -> list[int]:
    """For k = 0, 1, …, the least 48-bit number that, as 12 decimals, reaches P(X ≤ k) of a Poisson variable, mean 1."""
    context, total, steps = Context(prec=40), Decimal(0), []
    for k in range(20):
        total = context.add(total, context.divide(context.exp(Decimal(-1)), Decimal(factorial(k))))
        bound = int(context.multiply(total, Decimal(10**12)).quantize(Decimal(1), context=context))
        if bound >= 10**12:
            break
        steps.append(-(-(bound * 2**48) // 10**12))
    return steps


_STEPS = _poisson_steps()


def _resampled(cases: Sequence[_CaseValue], hashes: Sequence[bytes]) -> Sequence[tuple[_CaseValue, int]]:
    return [
        (case, bisect_right(_STEPS, int.from_bytes(digest[:6], "big")))
        for case, digest in zip(cases, hashes, strict=True)
    ]


def _percentile(amounts: Sequence[Decimal], share: Decimal) -> Decimal:
    return rounded(percentile(sorted(amounts), share), CENTS)


def _chance(amounts: Sequence[Decimal]) -> dict[str, Decimal | None]:
    return {
        "chance_mean": quotient(sum(amounts, ZERO), len(amounts), CENTS),
        "chance_low": _percentile(amounts, _LOW),
        "chance_high": _percentile(amounts, _HIGH),
    }
