"""Draws of cases: the same everywhere, and consistent with the known skill of invented physicians."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from random import Random

import numpy as np
import polars as pl
import pytest

from hcip_pipeline.certainty.cases import ReleasedCases, released_cases
from hcip_pipeline.certainty.draws import as_released, case_hashes, copies_of, draw, poisson_bounds
from hcip_pipeline.certainty.incentives import improvement
from hcip_pipeline.certainty.ranges import mean, percentile, range_tables
from hcip_pipeline.policy.model import Policy
from tests.invented_release import BEST, P75, release_tables

pytestmark = pytest.mark.slow

SEEDS = int(os.environ.get("HCIP_CERTAINTY_SEEDS", "10"))
POLICY = Policy(version="test", base_year=2024)
DRAWS = 100


def cases_of(tables: Mapping[str, pl.DataFrame], policy: Policy = POLICY) -> ReleasedCases:
    return released_cases(tables.__getitem__, policy)


def alike(rng: Random, _: int) -> float:
    return rng.uniform(7_000, 15_000)


def skilled(rng: Random, number: int) -> float:
    """Half of the physicians are cheaper than the others."""
    return rng.uniform(7_000, 15_000) - (3_000 if number % 2 else -3_000)


def test_hashes_are_md5_of_case_and_replicate() -> None:
    cases = cases_of(release_tables(3, lambda _: 4, alike, 1, baseline=alike))
    for replicate, (now, before) in enumerate(case_hashes(cases, 3, None)):
        for bits, window in ((now, cases.now), (before, cases.before)):
            names = [f"{name}{replicate}".encode() for name in window.names["name"]]
            assert bits.tolist() == [int.from_bytes(hashlib.md5(name).digest()[:8], "big") for name in names]


def test_draws_do_not_depend_on_the_order_of_rows_or_on_threads() -> None:
    tables = release_tables(6, lambda rng: rng.randint(3, 9), alike, 2, baseline=alike)
    mixed = {name: frame.sample(fraction=1, shuffle=True, seed=5) for name, frame in tables.items()}
    one = draw(cases_of(tables), POLICY, 20, threads=1)
    other = draw(cases_of(mixed), POLICY, 20, threads=3)
    assert np.array_equal(one.shuffled, other.shuffled) and np.array_equal(one.resampled, other.resampled)


@pytest.mark.slow
def test_identical_physicians_are_inside_the_chance_range_and_skilled_ones_above_it() -> None:
    inside = above = 0
    for seed in range(SEEDS):
        for cost in (alike, skilled):
            tables = release_tables(12, lambda rng: rng.randint(6, 20), cost, seed, baseline=alike)
            cases = cases_of(tables)
            own = int(as_released(cases, POLICY).sum())
            totals = np.sort(draw(cases, POLICY, DRAWS).shuffled.sum(axis=1)[:, None], axis=0)
            low, high = int(percentile(totals, 1)[0]), int(percentile(totals, 19)[0])
            inside += cost is alike and low <= own <= high
            above += cost is skilled and own > high
    assert inside >= 0.9 * SEEDS - 1
    assert above >= 0.9 * SEEDS


def test_intervals_cover_the_truth() -> None:
    """The number of cases is random too, so the true value is its mean times the mean of a case."""
    policy = POLICY.model_copy(update={"performance_gate": "none"})
    width = float(P75 - BEST)
    # cost is uniform from 7,000 to 15,000: all below 8,000, none above 12,000, a straight line between
    truth = 40 * 100 * 100 * (1_000 + width / 2) / 8_000
    tables = release_tables(300, lambda rng: poisson(rng, 40), alike, 3)
    resampled = np.sort(draw(cases_of(tables, policy), policy, DRAWS).resampled, axis=0)
    low, high = percentile(resampled, 1), percentile(resampled, 19)
    assert 0.85 <= ((low <= truth) & (truth <= high)).mean() <= 0.95


def poisson(rng: Random, rate: float) -> int:
    number, left = 0, rng.expovariate(rate)
    while left < 1:
        number, left = number + 1, left + rng.expovariate(rate)
    return number


def test_a_case_counts_once_on_average() -> None:
    cases = cases_of(release_tables(5, lambda _: 40, alike, 4, baseline=alike))
    copies = [copies_of(now) for now, _ in case_hashes(cases, 50, None)]
    assert np.mean(copies) == pytest.approx(1, abs=0.03)
    assert np.mean(np.array(copies) == 0) == pytest.approx(0.3679, abs=0.02)


def test_the_bounds_of_the_poisson_variable() -> None:
    bounds = poisson_bounds()
    assert bounds[:3] == (367879441171, 735758882343, 919698602929)
    assert sum(10**12 - bound for bound in bounds) / 10**12 == pytest.approx(1, abs=1e-9)


def test_percentiles_and_means_are_rounded_once() -> None:
    assert percentile(np.arange(0, 2_100, 100)[:, None], 1).tolist() == [100]
    assert percentile(np.array([[0], [1]]), 10).tolist() == [1]  # half a cent, away from zero
    assert mean(np.array([[1, 0], [2, 1]])).tolist() == [2, 1]


def slots(**sums: int) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """One care partner with the same sums in medicine and in surgery."""
    return {name: np.array([value, value], np.int64) for name, value in sums.items()}


def test_improvement_as_in_the_worked_example() -> None:
    """Methodology §8: R3 in surgery, M3 in medicine."""
    now = slots(cases=2, cost=3_600_000, length_of_stay=0, cost_weight=2 * 10**8, los_weight=2 * 10**8,
                mpi_improvement=48_666, wide=1_200_000, per_diem=0)  # fmt: skip
    before = slots(cases=5, cost=11_040_000, length_of_stay=26, cost_weight=575_000_000, los_weight=520_000_000)
    assert improvement(now, before, 10**8, POLICY)[1] == 9_733
    medical = now | slots(length_of_stay=22, los_weight=500_000_000, per_diem=14_600, mpi_improvement=24_266)
    assert improvement(medical, before, 10**8, POLICY)[0] == 8_760
    few = before | slots(cases=4)
    assert improvement(now, few, 10**8, POLICY).tolist() == [0, 0]


def test_a_hospital_without_care_partners_has_no_rows() -> None:
    tables = {name: frame.clear() for name, frame in release_tables(2, lambda _: 2, alike, 1).items()}
    found = range_tables(tables.__getitem__, POLICY, "2025H1", replicates=20)
    assert found["payment_ranges"].is_empty()
    assert found["certainty_hospitals"]["calculated_incentive"].to_list() == [0]
