"""The calendar (methodology §1)."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter, Window, rate_year

DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


@pytest.mark.parametrize(
    ("key", "start", "end", "due"),
    [("2025H1", "2025-01-01", "2025-06-30", "2025-10-01"), ("2025H2", "2025-07-01", "2025-12-31", "2026-04-01")],
)
def test_a_half_year_has_its_dates_quarters_and_months(key: str, start: str, end: str, due: str) -> None:
    period = PerformancePeriod.parse(key)
    assert (str(period.start), str(period.end), str(period.run_date)) == (start, end, due)
    assert len(period.quarters) == 2
    assert len(period.months) == 6
    assert str(period) == key


@pytest.mark.parametrize("key", ["2025H3", "2025H0", "25H1", "2025", "2025Q1", "2025h1", " 2025H1", ""])
def test_what_is_not_a_period_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="is not a performance period"):
        PerformancePeriod.parse(key)


@pytest.mark.parametrize("key", ["2025Q5", "2025Q0", "2025-13", "2025H1"])
def test_neither_quarter_nor_month(key: str) -> None:
    with pytest.raises(UsageError):
        Quarter.parse(key)
    with pytest.raises(UsageError):
        Month.parse(key)


def test_baseline_is_the_same_half_or_all_of_the_previous_year() -> None:
    period = PerformancePeriod.parse("2025H2")
    assert period.baseline("same_half") == Window(dt.date(2024, 7, 1), dt.date(2024, 12, 31), "baseline")
    assert period.baseline("full_year") == Window(dt.date(2024, 1, 1), dt.date(2024, 12, 31), "baseline")


@given(DAYS)
def test_quarters_tile_the_calendar(day: dt.date) -> None:
    quarter = Quarter.of(day)
    assert quarter.start <= day <= quarter.end
    assert quarter.end + dt.timedelta(days=1) == quarter.next().start
    assert Quarter.parse(str(quarter)) == quarter


@given(DAYS, DAYS)
def test_a_window_names_each_quarter_it_overlaps(one: dt.date, other: dt.date) -> None:
    window = Window(min(one, other), max(one, other), "performance")
    quarters = window.quarters
    assert quarters[0].start <= window.start
    assert window.end <= quarters[-1].end
    assert all(before.next() == after for before, after in itertools.pairwise(quarters))


@pytest.mark.parametrize(
    ("day", "year"), [("2024-06-30", 2024), ("2024-07-01", 2025), ("2025-01-01", 2025), ("2025-12-31", 2026)]
)
def test_a_rate_year_is_named_for_the_year_it_ends_in(day: str, year: int) -> None:
    assert rate_year(dt.date.fromisoformat(day)) == year
