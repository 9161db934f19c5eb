"""Edge cases of the performance and the improvement incentive (methodology §6 to §8), by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from hcip_pipeline.policy.model import Elections
from tests.scenario import Case, Norm, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
NOW, BEFORE, OTHER_HALF = dt.date(2025, 6, 30), dt.date(2024, 1, 1), dt.date(2024, 7, 1)
HERE, THERE, ELECTS = "210001", "210002", "210003"
HIP, FLAT, SMALL, LARGE, NO_SPREAD, MEDICAL = "301", "311", "312", "313", "314", "139"
NORMS = [
    Norm(16_000, 22_000, 365, HIP),
    Norm(10_000, 10_000, 300, FLAT),
    Norm(10_000, 20_000, 50, SMALL),
    Norm(10_000, 20_000, 5_000, LARGE),
    Norm(10_000, 20_000, 300, NO_SPREAD, improvement_ceiling_cost=10_000),
    Norm(7_000, 10_000, 182, MEDICAL),
]
#: one physician per edge case
FLAT_AT, FLAT_ABOVE, AT_NORM, AT_P75, GATE_EQUAL, GATE_ABOVE, GATE_ELSEWHERE = (npi(n) for n in range(1, 8))
FOUR, FIVE, SPREADLESS, FAR_BETTER, WORSE, LONGER, FAR_SHORTER, MIXED, TWO_PLACES, YEAR = (
    npi(n) for n in range(11, 21)
)
FLOORED, CEILED, UNBOUNDED, LOWERED = (npi(n) for n in range(31, 35))


def surgical(physician: str, now: list[Any], before: list[Any], hospital: str = HERE, code: str = HIP) -> list[Case]:
    both = [(cost, NOW) for cost in now] + [(cost, BEFORE) for cost in before]
    return [Case(physician, cost, day, code, hospital=hospital) for cost, day in both]


def medical(physician: str, now: list[int], before: list[int]) -> list[Case]:
    both = [(days, NOW) for days in now] + [(days, BEFORE) for days in before]
    return [Case(physician, 10_000, day, MEDICAL, days=days) for days, day in both]


CASES = [
    Case(FLAT_AT, "10000.00", NOW, FLAT),
    Case(FLAT_ABOVE, "10000.01", NOW, FLAT),
    Case(AT_NORM, "16000.00", NOW),
    Case(AT_P75, "22000.00", NOW),
    *(Case(GATE_EQUAL, cost, NOW) for cost in ("16000.00", "28000.00")),
    *(Case(GATE_ABOVE, cost, NOW) for cost in ("16000.00", "28000.01")),
    Case(GATE_ELSEWHERE, 16_000, NOW),
    Case(GATE_ELSEWHERE, 29_000, NOW, hospital=THERE),
    *surgical(FOUR, [18_000], [20_000] * 4),
    *surgical(FIVE, [18_000], [20_000] * 5),
    *surgical(SPREADLESS, [18_000], [20_000] * 5, code=NO_SPREAD),
    *surgical(FAR_BETTER, [18_000], [80_000] * 5),
    *surgical(WORSE, [18_000], [17_999] * 5),
    *medical(LONGER, [5], [4] * 5),
    *medical(FAR_SHORTER, [2], [9] * 5),
    *surgical(MIXED, [18_000], [19_200] * 5),
    *medical(MIXED, [4], [5] * 5),
    *surgical(TWO_PLACES, [18_000], [19_200] * 5),
    *surgical(TWO_PLACES, [18_000], [18_600] * 5, hospital=THERE),
    *surgical(YEAR, [18_000], [19_200] * 3),
    *(Case(YEAR, 21_600, OTHER_HALF) for _ in range(3)),
    Case(FLOORED, 10_000, NOW, SMALL),
    Case(CEILED, 10_000, NOW, LARGE),
    Case(UNBOUNDED, 10_000, NOW, LARGE, hospital=ELECTS),
    Case(LOWERED, 10_000, NOW, SMALL, hospital=ELECTS),
]


def scenario(**policy: Any) -> Scenario:
    # Outliers are judged statewide: one edge's cases must not affect another's.
    exclusions = {"exclusions": ["NO_RESPONSIBLE_PHYSICIAN"]}
    return Scenario(
        CASES,
        policy=exclusions | policy,
        norms=NORMS,
        in_order=True,
        elections={ELECTS: Elections(mpi_floor=None, mpi_ceiling=None, improvement_share=D("0.5"))},
    )


@pytest.fixture(scope="module")
def settled() -> Settled:
    return scenario().compute()


def performance(settled: Settled, physician: str, hospital: str = HERE) -> list[Any]:
    where = f"npi = '{physician}' and hospital_ccn = '{hospital}'"
    return [
        (row["performance_fraction"], row["performance_incentive"])
        for row in settled.rows(f"select * from incentive_cases where {where} order by cost")
    ]


def improvement(settled: Settled, physician: str, stream: str = "surgical", hospital: str = HERE) -> dict[str, Any]:
    where = f"npi = '{physician}' and stream = '{stream}' and hospital_ccn = '{hospital}'"
    return settled.row(f"select * from improvement where {where}")


ALL, NOTHING = D("1.00000000"), D("0.00000000")


def test_if_p75_equals_the_norm_a_case_earns_all_or_nothing(settled: Settled) -> None:
    assert performance(settled, FLAT_AT) == [(ALL, D("100.00"))]
    assert performance(settled, FLAT_ABOVE) == [(NOTHING, D("0.00"))]


def test_a_case_at_the_norm_earns_all_and_one_at_p75_nothing(settled: Settled) -> None:
    assert performance(settled, AT_NORM) == [(ALL, D("121.67"))]
    assert performance(settled, AT_P75) == [(NOTHING, D("0.00"))]
    assert settled.partner(AT_P75)["reasons"] == "NOTHING_EARNED|NO_BASELINE"


def test_the_gate_closes_above_p75_and_not_at_it(settled: Settled) -> None:
    assert performance(settled, GATE_EQUAL) == [(ALL, D("121.67")), (NOTHING, D("0.00"))]
    assert performance(settled, GATE_ABOVE) == [(ALL, D("0.00")), (NOTHING, D("0.00"))]


def test_the_gate_looks_at_every_hospital(settled: Settled) -> None:
    assert performance(settled, GATE_ELSEWHERE) == [(ALL, D("0.00"))]
    cell = settled.row(f"select * from physician_cells where npi = '{GATE_ELSEWHERE}'")
    assert (cell["cases"], cell["mean_cost"]) == (2, D("22500.0000"))


def test_no_gate_by_policy() -> None:
    settled = scenario(performance_gate="none", performance_exponent="2").compute()
    assert performance(settled, GATE_ABOVE) == [(ALL, D("121.67")), (NOTHING, D("0.00"))]
    # (22,000 − 18,000) ÷ 6,000 = .66666667; squared .44444445 (16 places rounded once); × 121.67 = 54.0755…
    assert performance(settled, FOUR) == [(D("0.66666667"), D("54.08"))]


def test_bounds_of_the_maximum_physician_incentive(settled: Settled) -> None:
    rows = {
        row["npi"]: (row["mpi_improvement"], row["mpi_performance"])
        for row in settled.rows("select * from incentive_cases")
    }
    assert rows[FLOORED] == (D("66.67"), D("33.33"))
    assert rows[CEILED] == (D("2000.00"), D("1000.00"))
    assert rows[UNBOUNDED] == (D("2500.00"), D("2500.00"))
    assert rows[LOWERED] == (D("25.00"), D("25.00"))


def test_five_baseline_cases_are_enough_and_four_are_not(settled: Settled) -> None:
    four, five = improvement(settled, FOUR), improvement(settled, FIVE)
    assert (four["has_baseline"], four["baseline_cases"], four["improvement_incentive"]) == (False, 4, D("0.00"))
    assert "NO_BASELINE" in settled.partner(FOUR)["reasons"]
    # 2,000 ÷ 6,000 of 243.33
    assert (five["improvement_fraction"], five["improvement_incentive"]) == (D("0.33333333"), D("81.11"))
    assert settled.partner(FIVE)["reasons"] == ""


def test_no_spread_no_improvement(settled: Settled) -> None:
    row = improvement(settled, SPREADLESS)
    assert (row["spread"], row["improvement_incentive"]) == (D("0.0000"), D("0.00"))


def test_improvement_is_between_nothing_and_the_maximum(settled: Settled) -> None:
    assert improvement(settled, FAR_BETTER)["improvement_fraction"] == ALL
    assert improvement(settled, FAR_BETTER)["improvement_incentive"] == D("243.33")
    assert improvement(settled, WORSE)["improvement_fraction"] == NOTHING
    assert improvement(settled, WORSE)["improvement_incentive"] == D("0.00")
    assert improvement(settled, LONGER, "medical")["days_saved"] == D("0.0000")
    assert improvement(settled, LONGER, "medical")["improvement_incentive"] == D("0.00")


def test_medical_improvement_is_capped_unless_the_policy_lifts_the_cap(settled: Settled) -> None:
    # Seven days at 73.00; the cell's MPI of 182.00 leaves 121.33 for improvement.
    assert improvement(settled, FAR_SHORTER, "medical")["improvement_incentive"] == D("121.33")
    uncapped = scenario(medical_improvement_cap="none").compute()
    assert improvement(uncapped, FAR_SHORTER, "medical")["improvement_incentive"] == D("511.00")


def test_streams_do_not_mix(settled: Settled) -> None:
    assert improvement(settled, MIXED)["improvement_incentive"] == D("48.67")  # a fifth of 243.33
    assert improvement(settled, MIXED, "medical")["improvement_incentive"] == D("73.00")  # a day
    row = settled.partner(MIXED)
    assert (row["medical_cases"], row["surgical_cases"]) == (1, 1)
    assert (row["improvement_incentive_medical"], row["improvement_incentive_surgical"]) == (D("73.00"), D("48.67"))
    # Performance: two thirds of 121.67; the medical case costs 10,000, P75.
    assert row["calculated_incentive"] == D("73.00") + D("48.67") + D("81.11")


def test_improvement_is_per_hospital(settled: Settled) -> None:
    assert improvement(settled, TWO_PLACES)["improvement_fraction"] == D("0.20000000")
    assert improvement(settled, TWO_PLACES, hospital=THERE)["improvement_fraction"] == D("0.10000000")
    here, there = settled.partner(TWO_PLACES), settled.partner(TWO_PLACES, THERE)
    assert here["improvement_incentive_surgical"] == D("48.67")
    assert there["improvement_incentive_surgical"] == D("24.33")


def test_both_baseline_windows(settled: Settled) -> None:
    half = improvement(settled, YEAR)
    assert (half["baseline_cases"], half["has_baseline"]) == (3, False)
    year = improvement(scenario(baseline_window="full_year").compute(), YEAR)
    assert (year["baseline_cases"], year["baseline_adjusted_cost"]) == (6, D("20400.0000"))
    assert year["improvement_fraction"] == D("0.40000000")
    assert year["improvement_incentive"] == D("97.33")
