"""Caps and limits after earlier periods, and savings to date (methodology §9, §10), by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.scenario import Case, Norm, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
NOW, BEFORE, OTHER_HALF = dt.date(2025, 9, 1), dt.date(2024, 12, 31), dt.date(2024, 6, 30)
A, B = npi(1), npi(2)
LIMITED, NEGATIVE, RECOVERED, POOL_TOO, YEAR_ONE, NO_BASELINE, SCOPED = (str(ccn) for ccn in range(210201, 210208))
CAPPED, USED_UP, OTHER_YEAR, OTHER_HOSPITAL = (str(ccn) for ccn in range(210211, 210215))


def two_cases(ccn: str, before: int | None, physician: str = A) -> list[Case]:
    """Two cases at 15,000 that earn 50.00 each, and two in the baseline."""
    cases = [Case(physician, 15_000, NOW, hospital=ccn) for _ in range(2)]
    return cases + [Case(physician, before, BEFORE, hospital=ccn) for _ in range(2) if before]


def scenario(**policy: str) -> Scenario:
    cases = [
        *two_cases(LIMITED, 15_100),
        *two_cases(NEGATIVE, 14_900),
        *two_cases(RECOVERED, 14_900),
        *two_cases(POOL_TOO, 15_100),
        *two_cases(YEAR_ONE, 14_900),
        *two_cases(NO_BASELINE, None),
        Case(A, 1_000, OTHER_HALF, hospital=NO_BASELINE),
        *two_cases(SCOPED, 15_050),
        *two_cases(SCOPED, 15_500, B),
        *(case for ccn in (CAPPED, USED_UP, OTHER_YEAR, OTHER_HOSPITAL) for case in two_cases(ccn, 15_000)),
    ]
    made = Scenario(
        cases,
        policy={"exclusions": ["NO_RESPONSIBLE_PHYSICIAN"], "improvement_share": 0} | policy,
        norms=[Norm(10_000, 20_000, 100)],
        in_order=True,
        period="2025H2",
    )
    for ccn in (LIMITED, NEGATIVE, RECOVERED, POOL_TOO, NO_BASELINE, SCOPED):
        made.amend("protocols", hospital_ccn=ccn, program_year=2)
    for ccn in (LIMITED, POOL_TOO):
        for scope in ("participating", "all"):
            made.amend("earlier_savings", hospital_ccn=ccn, period="2024H2", scope=scope, internal_savings=D(130))
            made.amend("earlier_savings", hospital_ccn=ccn, period="2025H1", scope=scope, internal_savings=D(-50))
        for period, physician, amount in (("2024H2", B, 25), ("2025H1", A, 35)):
            key = {"hospital_ccn": ccn, "period": period, "npi": physician}
            made.amend("earlier_incentives", **key, final_incentive=D(amount))
        key = {"hospital_ccn": ccn, "program": "episodes"}
        made.amend("other_program_amounts", **key, kind="incentive", amount=D(30))
        made.amend("earlier_other_program_amounts", **key, period="2025H1", kind="intervention", amount=D(15))
    made.amend("pool_notices", hospital_ccn=POOL_TOO, incentive_pool=D("20.00"), contested="N")
    key = {"hospital_ccn": RECOVERED, "period": "2025H1", "scope": "participating"}
    made.amend("earlier_savings", **key, internal_savings=D("160.01"))
    made.drop("care_partners", hospital_ccn=SCOPED, npi=B)
    for ccn, period, paid in ((CAPPED, "2025H1", "80.00"), (USED_UP, "2025H1", "100.01"), (OTHER_YEAR, "2024H2", "80")):
        made.amend("pfs_cap_notices", hospital_ccn=ccn, npi=A, calendar_year=2025, approved_amount=D(400))
        made.amend("earlier_incentives", hospital_ccn=ccn, period=period, npi=A, final_incentive=D(paid))
    made.amend("pfs_cap_notices", hospital_ccn=OTHER_HOSPITAL, npi=A, calendar_year=2025, approved_amount=D(400))
    return made


@pytest.fixture(scope="module")
def settled() -> Settled:
    return scenario().compute()


def final(settled: Settled, hospital: str) -> tuple[Decimal, str]:
    row = settled.partner(A, hospital)
    return row["final_incentive"], row["status"]


def limit(settled: Settled, hospital: str) -> tuple[Decimal | None, ...]:
    row = settled.row(f"select * from distribution_limits where hospital_ccn = '{hospital}'")
    return tuple(row[c] for c in ("internal_savings_to_date", "cumulative_limit", "distribution_limit"))


def test_the_cumulative_limit_of_program_year_two(settled: Settled) -> None:
    # (15,100 − 15,000) × 2 cases × .5, and 80.00 of earlier periods; less 60.00 paid and 45.00 for other programs.
    assert limit(settled, LIMITED) == (D("180.00"), D("75.00"), D("75.00"))
    assert final(settled, LIMITED) == (D("75.00"), "PAYABLE")
    assert settled.partner(A, LIMITED)["distribution_limit_adjustment"] == D("-25.00")
    saved = settled.row(f"select * from savings where hospital_ccn = '{LIMITED}' and scope = 'participating'")
    assert (saved["internal_savings"], saved["internal_savings_to_date"]) == (D("100.00"), D("180.00"))
    assert saved["potential_savings"] == D("5000.00")


def test_negative_savings_leave_nothing_to_distribute(settled: Settled) -> None:
    assert limit(settled, NEGATIVE) == (D("-100.00"), D("0.00"), D("0.00"))
    assert final(settled, NEGATIVE) == (D("0.00"), "ZERO")


def test_negative_savings_count_against_earlier_ones(settled: Settled) -> None:
    assert limit(settled, RECOVERED) == (D("60.01"), D("60.01"), D("60.01"))
    assert final(settled, RECOVERED) == (D("60.01"), "PAYABLE")


def test_the_smaller_of_pool_and_cumulative_limit(settled: Settled) -> None:
    assert limit(settled, POOL_TOO) == (D("180.00"), D("75.00"), D("20.00"))
    assert final(settled, POOL_TOO) == (D("20.00"), "PAYABLE")


def test_program_year_one_lasts_two_periods(settled: Settled) -> None:
    assert limit(settled, YEAR_ONE) == (D("-100.00"), None, None)
    assert final(settled, YEAR_ONE) == (D("100.00"), "PAYABLE")


def test_without_a_baseline_nothing_was_saved(settled: Settled) -> None:
    assert limit(settled, NO_BASELINE) == (D("0.00"), D("0.00"), D("0.00"))
    assert final(settled, NO_BASELINE) == (D("0.00"), "ZERO")


def test_the_limit_has_a_scope(settled: Settled) -> None:
    assert limit(settled, SCOPED) == (D("50.00"), D("50.00"), D("50.00"))
    # All four cases: (15,275 − 15,000) × 4 × .5
    assert limit(scenario(limit_scope="all").compute(), SCOPED) == (D("550.00"), D("550.00"), D("550.00"))


def test_the_cap_covers_the_calendar_year(settled: Settled) -> None:
    assert settled.partner(A, CAPPED)["pfs_cap_amount"] == D("20.00")
    assert final(settled, CAPPED) == (D("20.00"), "PAYABLE")
    assert settled.partner(A, USED_UP)["pfs_cap_amount"] == D("0.00")
    assert final(settled, USED_UP) == (D("0.00"), "ZERO")
    for hospital in (OTHER_YEAR, OTHER_HOSPITAL):
        assert settled.partner(A, hospital)["pfs_cap_amount"] == D("100.00")
        assert final(settled, hospital) == (D("100.00"), "PAYABLE")
