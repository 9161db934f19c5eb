"""Which cases count, their physicians, and the norms they set (methodology §3 to §6), by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hcip_pipeline.contracts import marts
from hcip_pipeline.policy.model import EXCLUSION_REASONS
from hcip_pipeline.release.tables import write_csv
from hcip_pipeline.release.verification.norms import Rates, check_norms
from hcip_pipeline.release.verification.report import Findings
from hcip_pipeline.release.verification.shapes import SHAPES
from hcip_pipeline.release.verification.tables import read_csv
from hcip_pipeline.release.verification.terms import Terms
from tests.scenario import Case, Norm, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
DAY, BASE = dt.date(2025, 2, 1), dt.date(2023, 8, 1)
P = [npi(number) for number in range(20)]
INVALID = P[0][:-1] + str((int(P[0][-1]) + 5) % 10)
SPECIALTY = "210090"
TRANSFERS = ("02", "05", "43", "66", "82", "85", "88", "94")
MDC = {"640": "15", "750": "19", "775": "20", "560": "14", "860": "23"}

#: reason -> a case excluded for it; with the other reasons that apply, in the methodology's order
OUT: dict[str, list[Case]] = {
    "NON_ACUTE_HOSPITAL": [Case(P[1], 900, DAY, hospital=SPECIALTY)],
    "NEWBORN": [Case(P[1], 900, DAY, "640", disposition="02")],
    "PSYCHIATRIC": [Case(P[1], 900, DAY, "750")],
    "SUBSTANCE_USE": [Case(P[1], 900, DAY, "775")],
    "NORMAL_DELIVERY": [Case(P[1], 900, DAY, "560")],
    "REHABILITATION": [Case(P[1], 900, DAY, "860")],
    "UNGROUPABLE": [Case(P[1], 900, DAY, code) for code in ("955", "956", None)],
    "DIED": [Case(P[1], 0, DAY, disposition="20", operating="")],
    "LEFT_AGAINST_ADVICE": [Case(P[1], 900, DAY, disposition="07")],
    "TRANSFERRED_OUT": [Case(P[1], 900, DAY, disposition=d) for d in TRANSFERS],
    "HOSPICE": [Case(P[1], 900, DAY, disposition=d) for d in ("50", "51")],
    "STILL_PATIENT": [Case(P[1], 900, DAY, disposition="30")],
    "NON_POSITIVE_COST": [Case(P[1], 0, DAY)],
    "NO_RESPONSIBLE_PHYSICIAN": [
        Case(P[1], 900, DAY, operating=""),
        Case(P[1], 900, DAY, operating=INVALID),
        Case(P[1], 900, DAY, "139", attending=INVALID),
    ],
    # Eleven at 10,000 and one ten times that: 3.17 standard deviations away. With eleven cases in all, 3.02.
    "COST_OUTLIER": [Case(P[1], 100_000, DAY, "320"), Case(P[1], 100, DAY, "321")],
}
COUNTED = [
    *(Case(P[2], 10_000, DAY, "320") for _ in range(11)),
    *(Case(P[2], 10_000, DAY, "321") for _ in range(10)),
    # Among ten cases, none can be three standard deviations away.
    *(Case(P[2], 10_000, DAY, "322") for _ in range(9)),
    Case(P[2], 1_000_000, DAY, "322"),
    *(Case(P[2], 900, DAY, disposition=d) for d in ("01", "03", "06", "62", "63", "65", "70")),
    Case(P[2], 900, DAY, "139", attending=P[3], operating=INVALID),
    Case(P[2], 900, DAY, attending=INVALID, operating=P[4]),
]


def scenario(**policy: Any) -> Scenario:
    cases = [case for cases in OUT.values() for case in cases] + COUNTED
    norms = [Norm(10_000, 20_000, 100, code) for code in ("320", "321", "322", "301")]
    made = Scenario(cases, policy={"exclusions": list(EXCLUSION_REASONS)} | policy, mdc=MDC, norms=norms)
    return made.amend("hospitals", ccn=SPECIALTY, acute="N")


@pytest.fixture(scope="module")
def settled() -> Settled:
    return scenario().compute()


def excluded(settled: Settled) -> dict[str, int]:
    rows = settled.rows(
        "select exclusion_reason, count(*) as cases from int_windowed_cases"
        " where window_name = 'performance' and not is_counted group by all"
    )
    return {row["exclusion_reason"]: row["cases"] for row in rows}


def test_every_reason_excludes_its_cases_and_no_other(settled: Settled) -> None:
    assert excluded(settled) == {reason: len(cases) for reason, cases in OUT.items()}
    (counted,) = settled.rows("select count(*) as cases from int_counted_cases")
    assert counted["cases"] == len(COUNTED)


def test_a_case_carries_every_reason_in_order(settled: Settled) -> None:
    rows = settled.rows("select exclusion_reasons from int_windowed_cases where len(exclusion_reasons) > 1")
    assert sorted(tuple(row["exclusion_reasons"]) for row in rows) == [
        ("DIED", "NON_POSITIVE_COST", "NO_RESPONSIBLE_PHYSICIAN"),
        ("NEWBORN", "TRANSFERRED_OUT"),
        ("UNGROUPABLE", "NO_RESPONSIBLE_PHYSICIAN"),
    ]


def test_a_counted_case_without_a_norm_is_reported(settled: Settled) -> None:
    row = settled.row("select sum(cases) as cases from exclusions where exclusion_reason = 'NO_NORM'")
    assert row["cases"] == 1  # the medical case
    assert not settled.rows("select * from incentive_cases where apr_drg = '139'")


def test_the_policy_turns_off_reasons_and_tails() -> None:
    kept = [reason for reason in EXCLUSION_REASONS if reason not in ("HOSPICE", "DIED", "SUBSTANCE_USE")]
    found = excluded(scenario(exclusions=kept, outlier_tails="high").compute())
    assert not found.keys() & {"HOSPICE", "DIED", "SUBSTANCE_USE"}
    assert found["COST_OUTLIER"] == 1  # the low one counts
    # The patient who died had neither a cost nor a physician: the next reason takes its place.
    assert found["NON_POSITIVE_COST"] == len(OUT["NON_POSITIVE_COST"]) + 1


def test_attending_for_medical_and_operating_for_surgical_cases(settled: Settled) -> None:
    counted = settled.rows("select npi, apr_drg from int_counted_cases where apr_drg in ('139', '301')")
    assert {(row["npi"], row["apr_drg"]) for row in counted} == {(P[3], "139"), (P[4], "301"), (P[2], "301")}


def test_the_attending_physician_substitutes_by_policy() -> None:
    found = excluded(scenario(surgical_fallback="attending").compute())
    # Two surgical cases are the attending's now; the medical one has no valid attending physician, the dead no cost.
    assert found["NO_RESPONSIBLE_PHYSICIAN"] == 1


# --- norms ------------------------------------------------------------------------------------------------------------

BIG, FEW_CASES, FEW_PHYSICIANS, TWO_HOSPITALS = "301", "302", "303", "304"


def base_year(costs: dict[str, list[int]], code: str, hospital: str = "210001") -> list[Case]:
    return [Case(physician, cost, BASE, code, hospital=hospital) for physician, own in costs.items() for cost in own]


@pytest.fixture(scope="module")
def norms() -> dict[tuple[str, str], dict[str, Any]]:
    # Physician means 10, 20, 30, 40, 50 (thousand); a sixth with one case counts as a case, but not as a physician.
    big = {P[n]: [10_000 * n - 1_000, 10_000 * n + 1_000] for n in range(1, 6)} | {P[6]: [90_000]}
    cases = base_year(big, BIG)
    cases += base_year({P[n]: [20_000] * 2 for n in range(1, 6)}, FEW_CASES)
    cases += base_year({P[n]: [20_000] * 4 for n in range(1, 5)}, FEW_PHYSICIANS)
    # Someone who works at two hospitals is one physician: P1's mean is 15,000.
    cases += base_year({P[n]: [9_000, 11_000] for n in range(2, 6)}, TWO_HOSPITALS)
    cases += base_year({P[1]: [10_000]}, TWO_HOSPITALS) + base_year({P[1]: [20_000]}, TWO_HOSPITALS, "210002")
    cases += base_year({P[7]: [10_000]}, TWO_HOSPITALS)
    made = Scenario(cases, policy={"min_cases_per_cell": 11})
    spec = made.with_norms(made.spec())
    frame: Any = spec.sources["frozen_norms"]
    return {(row["norm_method"], row["apr_drg"]): row for row in frame.to_dicts()}


def test_minimums_of_cases_and_physicians(norms: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert {code for method, code in norms if method == "physician_percentile"} == {BIG, TWO_HOSPITALS}
    assert {code for method, code in norms if method == "mean_below_threshold"} == {BIG, TWO_HOSPITALS}
    assert {code for method, code in norms if method == "case_percentile"} == {BIG, TWO_HOSPITALS, FEW_PHYSICIANS}


def test_percentiles_of_physician_means(norms: dict[tuple[str, str], dict[str, Any]]) -> None:
    norm = norms["physician_percentile", BIG]
    assert (norm["cases"], norm["physicians"]) == (11, 5)
    assert (norm["best_practice_norm"], norm["p75_cost"]) == (D("20000.00"), D("40000.00"))
    # 1,000 + 9,000 + 11,000 + 19,000 + 21,000 + 29,000 + 31,000 + 70,000 over the norm
    assert norm["best_practice_variance"] == D("191000.00")
    assert norm["total_available_incentive"] == D("19100.00")
    assert norm["maximum_physician_incentive"] == D("1736.36")


def test_other_readings_of_the_norm(norms: dict[tuple[str, str], dict[str, Any]]) -> None:
    cases, below = norms["case_percentile", BIG], norms["mean_below_threshold", BIG]
    # 9 11 19 21 29 31 39 41 49 51 90: the 25th percentile is halfway between the third and the fourth.
    assert (cases["best_practice_norm"], cases["p75_cost"]) == (D("20000.00"), D("45000.00"))
    assert below["best_practice_norm"] == D("13000.00")  # mean of 9, 11 and 19
    assert below["p75_cost"] == D("40000.00")


def norm_differences(settled: Settled, folder: Path) -> list[str]:
    """Verification rules that the norm table breaks, when it is recomputed from a release."""

    def released(name: str) -> Any:
        contract = marts.TABLES[name]
        key = ", ".join(contract.key)
        frame = settled.connection.sql(f"select {', '.join(contract.names)} from {name} order by {key}").pl()
        write_csv(frame, folder / f"{name}.csv")
        shape = next(shape for shape in SHAPES.values() if shape.name == name)
        return read_csv(folder / f"{name}.csv", name, shape)

    terms = Terms("", 2023, norm_method="mean_below_threshold", min_cases_per_cell=12)
    rates, findings = Rates({("base_year", "total"): D(1)}, {}), Findings()
    check_norms(SimpleNamespace(table=released), terms, rates, findings)  # type: ignore[arg-type]
    return [each.rule for each in findings.listed]


@pytest.mark.parametrize(
    ("named", "methods"),
    [((), {"case_percentile", "mean_below_threshold"}), ((P[1],), {"case_percentile"})],
    ids=["nobody is named", "one is named, too few for a norm"],
)
def test_without_identified_physicians_there_is_no_p75_and_nothing_is_paid(
    named: tuple[str, ...], methods: set[str], tmp_path: Path
) -> None:
    cases = [Case(P[1], cost, BASE, BIG, operating="", attending="") for cost in range(1_000, 13_000, 1_000)]
    cases += [Case(physician, 6_500, BASE, BIG) for physician in named]
    cases += [Case(P[1], 1_000, DAY, BIG)] * 3
    policy = {"min_cases_per_cell": 12, "exclusions": [], "norm_method": "mean_below_threshold"}
    settled = Scenario(cases, policy=policy).compute()
    found = {row["norm_method"]: row for row in settled.rows("select * from norms")}
    assert found.keys() == methods
    assert settled.rows("select * from int_norms_in_force") == settled.rows("select * from incentive_cases") == []
    assert {row["calculated_incentive"] for row in settled.rows("select * from incentives")} == {D("0.00")}
    assert norm_differences(settled, tmp_path) == []
    if not named:
        settled.connection.execute("update norms set p75_cost = 1 where norm_method = 'mean_below_threshold'")
        assert norm_differences(settled, tmp_path) == ["norm_percentiles"]
        norm = found["mean_below_threshold"]
        # 1 to 12 thousand: the 25th percentile is 3,750
        assert (norm["best_practice_norm"], norm["p75_cost"], norm["improvement_ceiling_cost"]) == (
            D(2_000),
            None,
            None,
        )
        assert (norm["cases"], norm["physicians"], norm["best_practice_variance"]) == (12, 0, D("55000.00"))


def test_a_physician_of_two_hospitals_is_one(norms: dict[tuple[str, str], dict[str, Any]]) -> None:
    norm = norms["physician_percentile", TWO_HOSPITALS]
    assert norm["physicians"] == 5
    assert (norm["best_practice_norm"], norm["p75_cost"]) == (D("10000.00"), D("10000.00"))


def test_weights_are_of_cells_with_a_norm(norms: dict[tuple[str, str], dict[str, Any]]) -> None:
    big, flat = norms["physician_percentile", BIG], norms["physician_percentile", TWO_HOSPITALS]
    assert (big["mean_cost"], flat["mean_cost"]) == (D("35454.5455"), D("10909.0909"))
    # 390,000 and 120,000 over 22 cases: 23,181.8182
    assert (big["cost_weight"], flat["cost_weight"]) == (D("1.52941177"), D("0.47058823"))


# --- trend ------------------------------------------------------------------------------------------------------------


def test_norms_are_trended_before_the_bounds_and_the_baseline_is_trended_too() -> None:
    cases = [Case(P[1], 11_000, DAY), Case(P[2], 11_000, DAY, "302")]
    cases += [Case(P[1], 11_000, dt.date(2024, 2, 1)) for _ in range(5)]
    made = Scenario(
        cases,
        policy={"improvement_share": "0.5"},
        norms=[Norm(10_000, "20000.05", 95), Norm(10_000, 20_000, 2_800, "302")],
    )
    for year, index in ((2023, "1.00"), (2024, "1.05"), (2025, "1.10")):
        made.amend("cost_index", calendar_year=year, component="total", index_value=D(index))
    settled = made.compute()
    low = settled.row("select * from incentive_cases where apr_drg = '301'")
    assert (low["best_practice_norm"], low["p75_cost"]) == (D("11000.00"), D("22000.06"))
    # 95.00 × 1.1 = 104.50, above the floor of 100; 2,800.00 × 1.1 = 3,080.00, cut to 3,000.
    assert low["mpi_improvement"] + low["mpi_performance"] == D("104.50")
    high = settled.row("select * from incentive_cases where apr_drg = '302'")
    assert high["mpi_improvement"] + high["mpi_performance"] == D("3000.00")
    assert (low["cost"], low["performance_fraction"]) == (D("11000.00"), D("1.00000000"))
    improved = settled.row(f"select * from improvement where npi = '{P[1]}'")
    assert (improved["trend"], improved["baseline_adjusted_cost"]) == (D("1.04761905"), D("11000.0000"))
    # 11,000 × 1.04761905 − 11,000 = 523.80955, of a spread of 11,000.06
    assert improved["improvement_fraction"] == D("0.04761879")
