"""The plain computation on the methodology's worked example, to validate it as an independent check."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.real_data import plain_norms
from tests.real_data.plain_norms import Case

COSTS = {"R1": (13_000, 15_000), "R2": (15_500, 16_500), "R3": (17_000, 19_000), "R4": (20_000, 24_000)}
COSTS["R5"] = (25_000, 27_000)


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    monkeypatch.setattr(plain_norms, "MIN_CASES_PER_CELL", 10)
    flat = [(physician, cost) for physician, costs in COSTS.items() for cost in costs]
    return [
        Case(line, "A", physician, "301", "3", "Home or Self Care", 3, Fraction(cost))
        for line, (physician, cost) in enumerate(flat, start=2)
    ]


@pytest.mark.parametrize(
    ("method", "best_practice_norm", "p75_cost"),
    [
        ("physician_percentile", 16_000, 22_000),
        ("case_percentile", 15_750, 23_000),
        ("mean_below_threshold", 14_500, 22_000),
    ],
)
def test_norms(cases: list[Case], method: str, best_practice_norm: int, p75_cost: int) -> None:
    norm = plain_norms.norms_by(method, cases)["301", "3"]
    assert (norm.best_practice_norm, norm.p75_cost) == (best_practice_norm, p75_cost)


def test_performance_incentives(cases: list[Case]) -> None:
    norms = plain_norms.norms_by("physician_percentile", cases)
    norm = norms["301", "3"]
    assert norm.best_practice_variance == 36_500
    assert norm.maximum_physician_incentive == 365
    earned = plain_norms.performance_incentives(cases, norms)
    assert earned[6] == (Fraction("0.83333333"), Fraction("101.39"))
    by_physician = dict.fromkeys(COSTS, Fraction(0))
    for case in cases:
        by_physician[case.physician] += earned[case.line][1]
    assert by_physician == {
        "R1": Fraction("243.34"),
        "R2": Fraction("233.20"),
        "R3": Fraction("162.23"),
        "R4": Fraction("40.56"),
        "R5": 0,
    }
