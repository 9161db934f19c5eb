"""Cost of a case by each method, its components, and their savings (methodology §2, §10), by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.scenario import HOSPITAL, Case, Norm, Scenario, Settled, npi, table

pytestmark = pytest.mark.slow

D = Decimal
NOW, LAST_OF_RATE_YEAR, FIRST_OF_NEXT = dt.date(2025, 3, 1), dt.date(2025, 6, 30), dt.date(2025, 7, 1)
BEFORE = dt.date(2024, 3, 1)
#: routine, drugs, supplies, implants (a narrower range within supplies), no rate center, and the total of the bill
CHARGES = (("0120", 10_000), ("0250", 1_000), ("0270", 2_000), ("0278", 500), ("0999", 300), ("0001", 13_800))
CASES = [
    Case(npi(1), "12345.67", NOW, charges=CHARGES),
    Case(npi(2), 0, LAST_OF_RATE_YEAR, charges=(("0120", 600), ("0120", 400))),
    Case(npi(2), 0, FIRST_OF_NEXT, charges=(("0120", 1_000),)),
    Case(npi(1), "15000.00", BEFORE, charges=(("0120", 11_000), ("0250", 1_000), ("0270", 3_000))),
]


def scenario(method: str) -> Scenario:
    norm = Norm(5_000, 20_000, 100, supply_drug_weight=1)
    made = Scenario(CASES, policy={"cost_method": method, "exclusions": []}, norms=[norm])
    made.sources["rate_centers"] = table(
        "rate_centers",
        [
            {"rate_center": name, "component": component}
            for name, component in (("NUR", "core"), ("CDS", "supply_drug"), ("MSS", "supply_drug"), ("IMP", "core"))
        ],
    )
    made.sources["revenue_codes"] = table(
        "revenue_codes",
        [
            {"revenue_code_from": low, "revenue_code_to": high, "rate_center": center}
            for low, high, center in (
                ("0100", "0199", "NUR"), ("0250", "0259", "CDS"), ("0270", "0279", "MSS"), ("0278", "0278", "IMP"),
            )
        ],
    )  # fmt: skip
    rates = {"labor_market": D(1), "ime": D("0.1"), "dsh": D("0.05")}
    for year in (2024, 2025):
        own = {"hospital_ccn": HOSPITAL, "rate_year": year}
        made.amend("cost_factors", **own, rate_center="ALL", markup=D("1.25"), cost_to_charge=D("0.6"), **rates)
        made.amend("cost_factors", **own, rate_center="CDS", markup=D("1.6"), cost_to_charge=D("0.5"), **rates)
    own = {"hospital_ccn": HOSPITAL, "rate_year": 2026}
    return made.amend("cost_factors", **own, rate_center="ALL", markup=D(2), cost_to_charge=D("0.3"), **rates)


@pytest.fixture(scope="module")
def markup() -> Settled:
    return scenario("markup").compute()


@pytest.fixture(scope="module")
def rcc() -> Settled:
    return scenario("rcc").compute()


def by_rate_center(settled: Settled) -> dict[str, Decimal]:
    rows = settled.rows("select * from int_rate_center_costs where account_no = 'A00001'")
    return {row["rate_center"]: row["cost"] for row in rows}


def components(settled: Settled, account: str) -> tuple[Decimal, ...]:
    row = settled.row(f"select * from int_case_costs where account_no = '{account}'")
    return row["core_cost"], row["supply_drug_cost"], row["total_cost"]


def test_markup(markup: Settled) -> None:
    """1 ÷ (1.25 × 1.1 × 1.05) = .69264069, and .54112554 for drugs, which have their own row."""
    assert by_rate_center(markup) == {
        "NUR": D("6926.41"),
        "CDS": D("541.13"),
        "MSS": D("1385.28"),
        "IMP": D("346.32"),
        "UNMAPPED": D("207.79"),
    }
    assert components(markup, "A00001") == (D("7480.52"), D("1926.41"), D("9406.93"))


def test_rcc(rcc: Settled) -> None:
    """.6 ÷ (1.1 × 1.05) = .51948052, and .43290043 for drugs."""
    assert by_rate_center(rcc) == {
        "NUR": D("5194.81"),
        "CDS": D("432.90"),
        "MSS": D("1038.96"),
        "IMP": D("259.74"),
        "UNMAPPED": D("155.84"),
    }
    assert components(rcc, "A00001") == (D("5610.39"), D("1471.86"), D("7082.25"))


def test_reported() -> None:
    """12,345.67 ÷ (1.1 × 1.05), by the factor .86580087; the charges are not used."""
    assert components(scenario("reported").compute(), "A00001") == (D("10688.89"), D("0.00"), D("10688.89"))


def test_the_rate_year_ends_in_june(markup: Settled, rcc: Settled) -> None:
    assert [components(markup, account)[2] for account in ("A00002", "A00003")] == [D("692.64"), D("432.90")]
    assert [components(rcc, account)[2] for account in ("A00002", "A00003")] == [D("519.48"), D("259.74")]


def test_savings_of_the_two_components() -> None:
    """Half of core, all of supplies and drugs: one case in each window."""
    made = scenario("markup")
    made.cases = [CASES[0], CASES[3]]
    saved = made.compute().row("select * from savings where scope = 'all'")
    assert saved["baseline_adjusted_core_cost"] == D("7619.0500")
    assert saved["internal_savings_core"] == D("69.27")  # (7,619.05 − 7,480.52) × .5 = 69.265
    assert saved["internal_savings_supply_drug"] == D("692.64")  # 2,077.92 + 541.13 − 1,926.41
    assert saved["internal_savings"] == D("761.91")
