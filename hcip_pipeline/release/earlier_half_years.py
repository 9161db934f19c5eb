"""Earlier half-years of a hospital's program that have no release: their savings and payments count as zero.

Belongs here: finding them, and the one sentence about them. Does not belong here: how a distribution limit uses savings
to date (methodology §10).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.documents import Draft


def unsettled(
    programs: Iterable[Mapping[str, str | None]], period: PerformancePeriod, released: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Hospital -> half-years between its first performance period and ``period`` without a release, in order.

    Args:
        programs: rows with ``hospital_ccn`` and ``first_performance_period``.
        released: half-years with a release.
    """
    found = {}
    for row in programs:
        missing = []
        each = PerformancePeriod.parse(row["first_performance_period"]) if row["first_performance_period"] else period
        while each < period:
            if str(each) not in released:
                missing.append(str(each))
            each = each.next()
        if missing:
            found[str(row["hospital_ccn"])] = tuple(missing)
    return found


def unsettled_half_years(draft: Draft) -> dict[str, tuple[str, ...]]:
    """The same for a release that is being written."""
    released = {str(release.period) for release in draft.earlier}
    return unsettled(draft.table("programs").sort("hospital_ccn").iter_rows(named=True), draft.period, released)


def savings_missing(periods: Sequence[str]) -> str:
    """``2024H1 and 2024H2 have no release, so their savings and payments count as zero``."""
    *others, last = periods
    names = f"{', '.join(others)} and {last}" if others else last
    has, their = ("have", "their") if others else ("has", "its")
    return f"{names} {has} no release, so {their} savings and payments count as zero"
