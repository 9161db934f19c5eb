"""The data that reports read: tables of a release by hospital, and those of earlier periods.

Belongs here: reading each table once and splitting it by hospital and care partner. Does not belong here: computing a
figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.documents import Draft
from hcip_pipeline.release.earlier_half_years import unsettled_half_years
from hcip_pipeline.release.reading import ReleaseFiles

Row = dict[str, Any]
T = TypeVar("T")


class Tables:
    """The tables of one release, each read once, as rows by hospital."""

    def __init__(self, files: ReleaseFiles) -> None:
        self._files = files
        self._by_hospital: dict[str, dict[str, list[Row]]] = {}
        self._by_partner: dict[tuple[str, str], dict[str, list[Row]]] = {}
        self._has: dict[str, bool] = {}

    @property
    def period(self) -> PerformancePeriod:
        """Half-year of the tables."""
        return self._files.period

    def has(self, table: str) -> bool:
        """Whether the release has the table."""
        if table not in self._has:
            self._has[table] = self._files.has(table)
        return self._has[table]

    def frame(self, table: str) -> pl.DataFrame:
        """A table of the release, all hospitals."""
        return self._files.table(table)

    def of_hospital(self, table: str, ccn: str) -> list[Row]:
        """The hospital's rows, in the table's order."""
        if table not in self._by_hospital:
            found: dict[str, list[Row]] = defaultdict(list)
            for row in self.frame(table).iter_rows(named=True):
                found[row["hospital_ccn"]].append(row)
            self._by_hospital[table] = found
        return self._by_hospital[table].get(ccn, [])

    def of_partner(self, table: str, ccn: str, npi: str) -> list[Row]:
        """A care partner's rows at the hospital, in the table's order."""
        if (table, ccn) not in self._by_partner:
            found: dict[str, list[Row]] = defaultdict(list)
            for row in self.of_hospital(table, ccn):
                found[row["npi"]].append(row)
            self._by_partner[table, ccn] = found
        return self._by_partner[table, ccn].get(npi, [])


class ReportSource:
    """A release that is being written, and the newest release of each earlier period."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.current = Tables(draft.files)
        self.period = draft.period
        self.policy = draft.policy.policy
        self._once: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[ReportSource], T]) -> T:
        """The result of ``make`` for the whole release, computed once for all hospitals' pages.

        Args:
            name: a unique name for the result.
        """
        if name not in self._once:
            self._once[name] = make(self)
        made: T = self._once[name]
        return made

    @property
    def release(self) -> str:
        """``r1``."""
        return f"r{self.draft.number}"

    @property
    def hospitals(self) -> tuple[str, ...]:
        """CCNs of the hospitals that receive their own files."""
        return self.draft.hospitals

    @cached_property
    def earlier(self) -> tuple[Tables, ...]:
        """Tables of the newest release of each earlier period, oldest period first."""
        return tuple(Tables(files) for files in self.draft.earlier)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """CCN -> name of the hospital."""
        return {row["hospital_ccn"]: row["hospital_name"] for row in self.participation.values()}

    @cached_property
    def participation(self) -> Mapping[str, Row]:
        """CCN -> the hospital's row of ``participation``."""
        return {row["hospital_ccn"]: row for row in self.current.frame("participation").iter_rows(named=True)}

    @cached_property
    def gated(self) -> frozenset[tuple[str, str, str]]:
        """NPI, APR-DRG and severity of cells in which a physician's own mean is above P75 (methodology §7)."""
        if self.policy.performance_gate != "cell_mean":
            return frozenset()
        above = self.current.frame("physician_cells").filter(pl.col("mean_cost") > pl.col("p75_cost"))
        return frozenset(above.select("npi", "apr_drg", "severity_of_illness").iter_rows())

    @cached_property
    def unsettled(self) -> Mapping[str, tuple[str, ...]]:
        """CCN -> earlier half-years of the hospital's program without a release; their savings count as zero."""
        return unsettled_half_years(self.draft)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """APR-DRG -> its short label."""
        pairs = (
            self.current.frame("opportunity").select("apr_drg", "label").drop_nulls().unique().sort("apr_drg", "label")
        )
        return dict(pairs.iter_rows())
