"""The fee-schedule cap of a calendar year over both its half-years, in any order of settlement (§9, §15)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.dollars import dollars
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.reading import ReleaseFiles, releases_of, waits_for_later
from hcip_pipeline.settlement.status import period_status, status_lines
from tests.golden.test_half_years import Both
from tests.half_years import HALVES, HalfYears

pytestmark = pytest.mark.slow

FIRST, SECOND = "2025H1", "2025H2"
SEED = 5


def newest(state: HalfYears, period: str) -> ReleaseFiles | None:
    folders = releases_of(state.home, PerformancePeriod.parse(period))
    return ReleaseFiles.at(folders[-1]) if folders else None


def check_the_cap(state: HalfYears) -> None:
    """The payable total of the year's newest releases is within the greatest cap known to one of them."""
    paid: dict[tuple[str, str], Decimal] = {}
    caps: dict[tuple[str, str], Decimal] = {}
    for release in filter(None, (newest(state, FIRST), newest(state, SECOND))):
        rows = release.table("incentives").join(release.table("payment_inputs"), on=["hospital_ccn", "npi"])
        for row in rows.filter(pl.col("status") == "PAYABLE").iter_rows(named=True):
            key = row["hospital_ccn"], row["npi"]
            paid[key] = paid.get(key, Decimal(0)) + row["final_incentive"]
            cap = row["pfs_approved_amount"] * row["physician_cap_percent"] / 100
            caps[key] = max(caps.get(key, Decimal(0)), round(cap, 2))
    assert paid and all(paid[key] <= caps[key] for key in paid), paid


def figures(state: HalfYears) -> list[pl.DataFrame]:
    found = (newest(state, period) for period in (FIRST, SECOND))
    return [release.table("incentives").drop("reasons") for release in found if release is not None]


def waiting(release: ReleaseFiles) -> set[tuple[str, str]]:
    """Payments that are held only because of the later half-year."""
    held = release.table("incentives").filter(pl.col("reasons").str.contains("LATER_PERIOD_PAID"))
    assert set(held["status"]) <= {"HELD"}
    alone = [[PAYMENT_REASONS[code].is_hold for code in codes.split("|")].count(True) == 1 for codes in held["reasons"]]
    assert waits_for_later(release.folder) == any(alone)
    return set(held.filter(alone).select("hospital_ccn", "npi").rows()) if alone else set()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> HalfYears:
    """A state whose caps bind, and whose second notice of the year has a larger amount."""
    state = HalfYears.make(tmp_path_factory.mktemp("cap") / "home", SEED, has_reports=False)
    for period, amount in ((FIRST, "900.55"), (SECOND, "1000.55")):
        notices = [row | {"approved_amount": amount} for row in state.rows(period, "pfs_cap_notices")]
        state.write(period, "pfs_cap_notices", notices)
    for period in HALVES:
        state.write(period, "other_program_amounts", [])  # the cap is the only limit
    return state


@pytest.fixture(scope="module")
def in_order(made: HalfYears, tmp_path_factory: pytest.TempPathFactory) -> HalfYears:
    state = made.copy(tmp_path_factory.mktemp("in-order") / "home")
    for period in (FIRST, SECOND):
        state.release(period)
        check_the_cap(state)
    return state


def test_the_second_half_settled_first(made: HalfYears, in_order: HalfYears, tmp_path: Path) -> None:
    """It uses the whole cap; the first half is held, the second leaves its part, and both end as in order."""
    both = Both(made.copy(tmp_path / "home"))
    both.release(SECOND)
    held = waiting(both.release(FIRST))
    assert held
    check_the_cap(both.state)
    for period in (SECOND, FIRST, SECOND):
        both.release(period)
        check_the_cap(both.state)
    first = newest(both.state, FIRST)
    assert first is not None and not waiting(first)
    for mine, theirs in zip(figures(both.state), figures(in_order), strict=True):
        assert mine.equals(theirs)


def test_a_later_release_does_not_require_settling_the_first_half_again(in_order: HalfYears, tmp_path: Path) -> None:
    """The first half-year has the same result, whether or not the second one has been released."""
    state = in_order.copy(tmp_path / "home")
    state.release(FIRST)
    assert [folder.name for folder in releases_of(state.home, PerformancePeriod.parse(FIRST))] == ["r1"]


def test_a_first_half_restated_upward(in_order: HalfYears, tmp_path: Path) -> None:
    """Amounts that the second half has used by then are not paid again; nothing is held if the cap leaves room."""
    state = in_order.copy(tmp_path / "home")
    before = newest(state, FIRST)
    assert before is not None
    rows = state.rows(FIRST, "committee_adjustments")
    assert rows
    state.write(FIRST, "committee_adjustments", [])
    state.write(FIRST, "condition_results", [row | {"met": "Y"} for row in state.rows(FIRST, "condition_results")])
    again = ReleaseFiles.at(state.release(FIRST))
    check_the_cap(state)
    both = before.table("incentives").join(again.table("incentives"), on=["hospital_ccn", "npi"], suffix="_now")
    risen = both.filter(pl.col("final_incentive_now") > pl.col("final_incentive"))
    assert risen.height
    assert waiting(again) <= set(risen.select("hospital_ccn", "npi").rows())
    state.release(SECOND)
    check_the_cap(state)


def test_a_cap_lowered_after_the_first_half_was_paid(in_order: HalfYears, tmp_path: Path) -> None:
    """The excess is reported with the paid amount and the current cap, even for a former care partner."""
    state = in_order.copy(tmp_path / "home")
    first = newest(state, FIRST)
    assert first is not None
    payable = first.table("incentives").filter(pl.col("status") == "PAYABLE").sort("final_incentive")
    paid = {(row["hospital_ccn"], row["npi"]): row["final_incentive"] for row in payable.iter_rows(named=True)}
    kept, dropped = sorted(paid, key=lambda key: paid[key])[-2:]
    lowered = [
        row | {"approved_amount": "100.00"} if (row["hospital_ccn"], row["npi"]) in (kept, dropped) else row
        for row in state.rows(SECOND, "pfs_cap_notices")
    ]
    state.write(SECOND, "pfs_cap_notices", lowered)
    partners = state.rows(SECOND, "care_partners")
    state.write(SECOND, "care_partners", [row for row in partners if (row["hospital_ccn"], row["npi"]) != dropped])
    second = ReleaseFiles.at(state.release(SECOND))
    found = second.table("audit_findings").filter(rule="YEAR_OVER_CAP")
    assert set(found.select("hospital_ccn", "npi").rows()) == {kept, dropped}
    for row in found.iter_rows(named=True):
        before, cap = paid[row["hospital_ccn"], row["npi"]], Decimal("20.00")
        assert row["amount"] == before - cap and row["severity"] == "high"
        assert dollars(before) in row["finding"] and dollars(cap) in row["finding"] and "2025" in row["finding"]
        assert "recover" in row["what_to_do"]
    reported = period_status(state.home, PerformancePeriod.parse(SECOND), dt.date(2026, 4, 1))
    assert {(each.hospital_ccn, each.npi): each.over_cap for each in reported.over_cap} == {
        (row["hospital_ccn"], row["npi"]): str(row["amount"]) for row in found.iter_rows(named=True)
    }
    assert sum("over the cap of 2025" in line for line in status_lines(reported)) == 2
    assert kept in set(
        second.table("incentives").filter(final_incentive=Decimal(0)).select("hospital_ccn", "npi").rows()
    )
