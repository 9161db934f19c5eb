"""The calendar of the program (methodology §1): half-years, quarters, months, rate years. Pure; reads no clock."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from hcip_pipeline.errors import UsageError


@dataclass(frozen=True, order=True)
class Quarter:
    """A calendar quarter, the cadence of hospital submissions. Key: ``2025Q1``."""

    year: int
    number: int

    @classmethod
    def parse(cls, key: str) -> Quarter:
        """Parse ``2025Q1``. Raises UsageError if it is not a quarter."""
        match = re.fullmatch(r"([0-9]{4})Q([1-4])", key)
        if not match:
            raise UsageError(f"'{key}' is not a quarter", fix="write a quarter as 2025Q1 (Q1 to Q4)")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> Quarter:
        """The quarter of a day."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def start(self) -> dt.date:
        """First day."""
        return dt.date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> dt.date:
        """Last day."""
        return self.next().start - dt.timedelta(days=1)

    def next(self) -> Quarter:
        """The following quarter."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    def year_before(self) -> Quarter:
        """The same quarter of the previous year."""
        return Quarter(self.year - 1, self.number)

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month, the cadence of CMS files. Key: ``2025-04``."""

    year: int
    number: int

    @classmethod
    def parse(cls, key: str) -> Month:
        """Parse ``2025-03``. Raises UsageError if it is not a month."""
        match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", key)
        if not match:
            raise UsageError(f"'{key}' is not a month", fix="write a month as 2025-04")
        return cls(int(match[1]), int(match[2]))

    @property
    def start(self) -> dt.date:
        """First day."""
        return dt.date(self.year, self.number, 1)

    @property
    def end(self) -> dt.date:
        """Last day."""
        return self.next().start - dt.timedelta(days=1)

    def next(self) -> Month:
        """The following month."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}"


@dataclass(frozen=True, order=True)
class Window:
    """A range of discharge dates, both ends included; amounts are in dollars of ``calendar_year``."""

    start: dt.date
    end: dt.date
    name: str

    @property
    def calendar_year(self) -> int:
        """The year in whose dollars the window's amounts are."""
        return self.end.year

    @property
    def quarters(self) -> list[Quarter]:
        """Every quarter that overlaps the window, in order."""
        quarters = [Quarter.of(self.start)]
        while quarters[-1] < Quarter.of(self.end):
            quarters.append(quarters[-1].next())
        return quarters


@dataclass(frozen=True, order=True)
class PerformancePeriod:
    """A half-year, the period of results, reports and payments. Key: ``2025H1``."""

    year: int
    half: int

    @classmethod
    def parse(cls, key: str) -> PerformancePeriod:
        """Parse ``2025H1``. Raises UsageError if it is not a half-year."""
        match = re.fullmatch(r"([0-9]{4})H([12])", key)
        if not match:
            raise UsageError(
                f"'{key}' is not a performance period",
                fix="write 2025H1 (January to June) or 2025H2 (July to December)",
            )
        return cls(int(match[1]), int(match[2]))

    @property
    def start(self) -> dt.date:
        """First day."""
        return dt.date(self.year, 1 if self.half == 1 else 7, 1)

    @property
    def end(self) -> dt.date:
        """Last day."""
        return dt.date(self.year, 6, 30) if self.half == 1 else dt.date(self.year, 12, 31)

    @property
    def window(self) -> Window:
        """The performance window."""
        return Window(self.start, self.end, "performance")

    @property
    def quarters(self) -> list[Quarter]:
        """Its two quarters."""
        return self.window.quarters

    @property
    def months(self) -> list[Month]:
        """Its six months."""
        first = self.start.month
        return [Month(self.year, month) for month in range(first, first + 6)]

    def baseline(self, baseline_window: str) -> Window:
        """The "Prior Year" of the improvement incentive: the same half of the previous year, or all of that year."""
        if baseline_window == "full_year":
            return Window(dt.date(self.year - 1, 1, 1), dt.date(self.year - 1, 12, 31), "baseline")
        before = PerformancePeriod(self.year - 1, self.half)
        return Window(before.start, before.end, "baseline")

    @property
    def run_date(self) -> dt.date:
        """The day the period is due: all quarterly data have arrived and CMS claims have matured for 90 days."""
        return dt.date(self.year, 10, 1) if self.half == 1 else dt.date(self.year + 1, 4, 1)

    def next(self) -> PerformancePeriod:
        """The following half-year."""
        return PerformancePeriod(self.year + self.half // 2, self.half % 2 + 1)

    def __str__(self) -> str:
        return f"{self.year}H{self.half}"


def base_year_window(base_year: int) -> Window:
    """The calendar year whose statewide data set the norms."""
    return Window(dt.date(base_year, 1, 1), dt.date(base_year, 12, 31), "base_year")


def rate_year(day: dt.date) -> int:
    """The regulator's year, July to June, named for the year it ends in (methodology §2)."""
    return day.year + (day.month >= 7)
