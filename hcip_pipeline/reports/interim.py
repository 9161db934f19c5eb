"""The report of a quarter between two releases: cost by level compared with the norms, and measures; no payments.

Belongs here: the content of its pages. Does not belong here: computing a quarter (``study.interim``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import Row
from hcip_pipeline.reports.levels import ServiceLine, compared, others_by_line, over_norm, service_lines
from hcip_pipeline.reports.pages import page
from hcip_pipeline.reports.quarters import QuarterRow, measures_by_quarter


@dataclass(frozen=True)
class InterimTables:
    """A quarter's tables by name, for all hospitals, and the hospitals' names by CCN."""

    frames: Mapping[str, pl.DataFrame]
    names: Mapping[str, str]
    _rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)

    @property
    def hospitals(self) -> tuple[str, ...]:
        """CCNs of hospitals with cases in cells with a norm."""
        return tuple(self.frames["opportunity"]["hospital_ccn"].unique().sort())

    def of_hospital(self, table: str, ccn: str) -> list[Row]:
        """The hospital's rows, in the table's order."""
        if (table, ccn) not in self._rows:
            own = self.frames[table].filter(pl.col("hospital_ccn") == ccn)
            self._rows[table, ccn] = own.to_dicts()
        return self._rows[table, ccn]


@dataclass(frozen=True)
class Levels:
    """A hospital's quarter by level of cost."""

    institution: Row | None
    lines: tuple[ServiceLine, ...]
    cost_centers: tuple[Row, ...]
    partners: tuple[Row, ...]
    others: tuple[Row, ...]
    measure_quarters: tuple[str, ...]
    measures: tuple[QuarterRow, ...]
    span_name: str = "quarter"


def levels(tables: InterimTables, ccn: str) -> Levels:
    """The content of a hospital's page."""
    opportunity, centers = tables.of_hospital("opportunity", ccn), tables.of_hospital("cost_centers", ccn)
    physicians = tables.of_hospital("physicians", ccn)
    comparison: dict[str, list[Row]] = defaultdict(list)
    for row in tables.of_hospital("physician_comparison", ccn):
        comparison[row["npi"]].append(row)
    partners = [row | {"norm_ratio": over_norm(comparison[row["npi"]])} for row in physicians if row["is_care_partner"]]
    quarters, measures = measures_by_quarter(tables.of_hospital("measure_quarters", ccn), [])
    return Levels(
        next((row for row in opportunity if row["level"] == "institution"), None),
        service_lines(opportunity, centers),
        compared(row for row in centers if row["service_line"] == "ALL"),
        tuple(sorted(partners, key=lambda row: (-row["potential_savings"], row["npi"]))),
        others_by_line(physicians),
        quarters,
        measures,
    )


def interim_page(
    tables: InterimTables, ccn: str, quarter: Quarter, policy: Policy, statements: tuple[str, ...]
) -> bytes:
    """A hospital's page."""
    return page(
        "interim.html.j2",
        title=f"Interim report {quarter}: {tables.names.get(ccn, ccn)}",
        name=tables.names.get(ccn, ccn),
        ccn=ccn,
        period=quarter,
        sheet=f"Interim report {quarter}, not payable",
        before=quarter.year_before(),
        span=f"{words.day(quarter.start)} – {words.day(quarter.end)}",
        policy=policy,
        statements=statements,
        levels=levels(tables, ccn),
    )


def interim_index(tables: InterimTables, quarter: Quarter, policy: Policy, statements: tuple[str, ...]) -> bytes:
    """The page that links all hospitals' pages."""
    rows = []
    for ccn in tables.hospitals:
        institution = next(row for row in tables.of_hospital("opportunity", ccn) if row["level"] == "institution")
        rows.append({"ccn": ccn, "name": tables.names.get(ccn, ccn), "institution": institution})
    return page(
        "interim_index.html.j2",
        title=f"Interim reports {quarter}",
        period=quarter,
        sheet=f"Interim report {quarter}, not payable",
        policy=policy,
        statements=statements,
        rows=rows,
    )
