"""The worked examples of methodology §8 and §9 and the protocol's own example, to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from hcip_pipeline.policy.model import Elections
from tests.scenario import Case, Norm, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
NOW, BEFORE = dt.date(2025, 3, 1), dt.date(2024, 3, 1)
R3, M3, CABG = npi(3), npi(103), npi(165)
SURGERY, MEDICINE, PROTOCOL, POOL = "210001", "210002", "210003", "210004"

#: the cells of the worked examples; the second of each pair only sets the case mix of the baseline
NORMS = [
    Norm(16_000, 22_000, 365, "301", "3"),
    Norm(16_000, 22_000, 365, "302", "3", cost_weight="1.3"),
    Norm(7_000, 10_000, 182, "139", "3", los_weight="1.25"),
    Norm(7_000, 10_000, 182, "140", "3", los_weight="1.04"),
    Norm(21_077, 40_962, 1_500, "165", "3"),
    Norm("1500000.00", 2_500_000, 100, "170", "1"),
]


@pytest.fixture(scope="module")
def settled() -> Settled:
    cases = [Case(R3, cost, NOW) for cost in (17_000, 19_000)]
    # Mean 22,080 over three cases of weight 1 and three of weight 1.3: index 1.15.
    cases += [Case(R3, cost, BEFORE, code) for code in ("301", "302") for cost in (20_080, 22_080, 24_080)]
    # Days 5 and 6 at weight 1.25 each: 4.4 adjusted. Baseline: 26 days in five cases of weight 1.04.
    cases += [Case(M3, cost, NOW, "139", days=days, hospital=MEDICINE) for cost, days in ((7_600, 5), (8_400, 6))]
    cases += [Case(M3, 8_000, BEFORE, "140", days=days, hospital=MEDICINE) for days in (4, 5, 5, 6, 6)]
    cases += [Case(CABG, cost, day, "165", hospital=PROTOCOL) for cost, day in ((25_054, NOW), (29_031, BEFORE))]
    cases += [Case(CABG, 29_031, BEFORE, "165", hospital=PROTOCOL) for _ in range(4)]
    cases += [Case(npi(170), 2_000_000, NOW, "170", "1", hospital=POOL) for _ in range(40)]
    scenario = Scenario(
        cases,
        medical=("139", "140"),
        norms=NORMS,
        in_order=True,
        elections={ccn: Elections(mpi_floor=None, mpi_ceiling=None) for ccn in (SURGERY, MEDICINE)},
    )
    for number, (weight, met) in enumerate([(25, "Y"), (25, "N"), (10, "Y"), (40, "Y")], start=1):
        for hospital, physician in ((PROTOCOL, CABG), (SURGERY, R3)):
            key = {"hospital_ccn": hospital, "condition_id": f"activity {number}"}
            scenario.amend("conditions", **key, description="as in the example", weight_percent=D(weight))
            scenario.amend("condition_results", **key, npi=physician, met=met)
    for hospital in (PROTOCOL, SURGERY):
        scenario.drop("conditions", hospital_ccn=hospital, condition_id="quality")
    scenario.amend("pfs_cap_notices", hospital_ccn=SURGERY, npi=R3, calendar_year=2025, approved_amount=D(700))
    return scenario.compute()


def improvement(settled: Settled, physician: str) -> dict[str, Any]:
    return settled.row(f"select * from improvement where npi = '{physician}'")


def test_surgical_improvement(settled: Settled) -> None:
    row = improvement(settled, R3)
    assert (row["stream"], row["cases"], row["baseline_cases"]) == ("surgical", 2, 6)
    assert row["baseline_adjusted_cost"] == D("19200.0000")
    assert row["adjusted_cost"] == D("18000.0000")
    assert row["spread"] == D("6000.0000")
    assert row["improvement_fraction"] == D("0.20000000")
    assert row["mpi_improvement"] == D("486.66")
    assert row["improvement_incentive"] == D("97.33")


def test_medical_improvement(settled: Settled) -> None:
    row = improvement(settled, M3)
    assert (row["stream"], row["cases"], row["baseline_cases"]) == ("medical", 2, 5)
    assert row["baseline_adjusted_los"] == D("5.0000")
    assert row["adjusted_los"] == D("4.4000")
    assert row["per_diem"] == D("146.00")
    assert row["mpi_improvement"] == D("242.66")
    assert row["improvement_incentive"] == D("87.60")
    paid = settled.partner(M3, MEDICINE)
    assert (paid["performance_incentive"], paid["improvement_incentive_medical"]) == (D("80.90"), D("87.60"))
    assert paid["final_incentive"] == D("168.50")


def test_waterfall_of_the_surgical_example(settled: Settled) -> None:
    paid = settled.partner(R3)
    assert paid["calculated_incentive"] == D("259.56")
    assert paid["conditions_met_weight"] == D("0.75000000")
    assert paid["calculated_incentive"] + paid["conditions_adjustment"] == D("194.67")
    assert (paid["pfs_cap_amount"], paid["pfs_cap_adjustment"]) == (D("175.00"), D("-19.67"))
    assert paid["final_incentive"] == D("175.00")
    assert (paid["status"], paid["reasons"]) == ("PAYABLE", "CONDITIONS_NOT_MET|PFS_CAP")
    weighted = settled.rows(f"select weighted_amount from conditions where npi = '{R3}' order by condition_id")
    assert [row["weighted_amount"] for row in weighted] == [D("64.89"), D("0.00"), D("25.96"), D("103.82")]


def test_protocols_own_example(settled: Settled) -> None:
    """APR-DRG 165, severity 3, one case: 20% of 1,000 and 80% of 500, then 75% of the conditions by weight."""
    case = settled.row(f"select * from incentive_cases where npi = '{CABG}'")
    assert (case["mpi_improvement"], case["mpi_performance"]) == (D("1000.00"), D("500.00"))
    assert (case["performance_fraction"], case["performance_incentive"]) == (D("0.80000000"), D("400.00"))
    row = improvement(settled, CABG)
    assert row["baseline_adjusted_cost"] - row["adjusted_cost"] == D("3977.0000")
    assert row["spread"] == D("19885.0000")
    assert (row["improvement_fraction"], row["improvement_incentive"]) == (D("0.20000000"), D("200.00"))
    weighted = settled.rows(f"select weighted_amount from conditions where npi = '{CABG}' order by condition_id")
    assert [row["weighted_amount"] for row in weighted] == [D("150.00"), D("0.00"), D("60.00"), D("240.00")]
    paid = settled.partner(CABG, PROTOCOL)
    assert (paid["calculated_incentive"], paid["final_incentive"]) == (D("600.00"), D("450.00"))


def test_protocols_own_hospital_pool(settled: Settled) -> None:
    pool = settled.row(f"select * from savings where hospital_ccn = '{POOL}' and scope = 'all'")
    assert (pool["actual_cost"], pool["best_practice_cost"]) == (D("80000000.00"), D("60000000.00"))
    assert pool["potential_savings"] == D("10000000.00")
