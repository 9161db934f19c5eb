"""Variance components and reliability of physicians whose variances are known."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from hcip_pipeline.certainty.reliability import components

UNIT = 10**6


def sums_of(groups: dict[str, list[float]]) -> dict[str, tuple[int, int, int]]:
    whole = {name: [round(value * UNIT) for value in own] for name, own in groups.items()}
    return {name: (len(own), sum(own), sum(x * x for x in own)) for name, own in whole.items()}


def simulated(between: float, within: float, seed: int) -> dict[str, list[float]]:
    rng = Random(seed)
    groups = {}
    for number in range(2_000):
        own = rng.gauss(1, between**0.5)
        groups[f"p{number}"] = [rng.gauss(own, within**0.5) for _ in range(rng.randint(5, 60))]
    return groups


@pytest.mark.parametrize(("between", "within"), [(0.04, 0.15), (0.25, 0.10)])
def test_known_variances_are_found(between: float, within: float) -> None:
    found = components(sums_of(simulated(between, within, seed=1)))
    assert float(found.between / UNIT**2) == pytest.approx(between, rel=0.05)
    assert float(found.within / UNIT**2) == pytest.approx(within, rel=0.05)
    assert found.physicians == 2_000


def test_without_any_difference_the_variance_between_is_zero() -> None:
    found = components({"a": (3, 30, 300), "b": (2, 20, 200)})
    assert (found.between, found.reliability(5), found.cases_needed()) == (0, 0, None)


def test_physicians_with_equal_means_have_no_variance_between_them() -> None:
    found = components(dict.fromkeys("abcd", (10, 50, 500)))  # means equal, cases not: MS_between < MS_within
    assert found.within > 0 == found.between


def test_components_equal_a_computation_by_hand() -> None:
    # Cases 1, 3 and 5, 7: SS within 2 + 2, SS between 4·(2 − 4)²; n₀ = 2; MS between 16, MS within 2.
    found = components({"a": (2, 4, 10), "b": (2, 12, 74)})
    assert (found.within, found.between) == (2, 7)
    assert found.reliability(2) == Fraction(7, 8)
    assert found.cases_needed() == 1


@pytest.mark.parametrize("sums", [{}, {"a": (5, 5, 5)}, {"a": (1, 1, 1), "b": (1, 2, 4)}])
def test_a_variance_that_cannot_be_estimated_is_zero(sums: dict[str, tuple[int, int, int]]) -> None:
    assert components(sums).between == 0
