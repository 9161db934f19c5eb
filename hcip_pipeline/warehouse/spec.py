"""The specification of a build: its name, windows, policy and inputs. A value; nothing is read here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import polars as pl

from hcip_pipeline.contracts import run
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import Window
from hcip_pipeline.policy.model import Elections, Policy

#: a lake table's Parquet files in force, or a frame
Source = Sequence[Path] | pl.DataFrame


@dataclass(frozen=True)
class BuildSpec:
    """One build: a performance period, or a study of any window.

    Args:
        name: ``2025H1``, or the study's name.
        kind: a period reads the frozen norm table of its base year, which a build of kind ``norms`` makes. A study
            makes its own norms and pays no one: every responsible physician counts as a care partner.
        windows: performance and baseline (period), base_year (norms), performance and base_year (study).
        policy: the region's policy.
        elections: hospital CCN -> elections of its protocol, for every hospital that may be paid.
        sources: lake table -> its Parquet files in force, or a frame; an absent table is empty.
    """

    name: str
    kind: Literal["period", "study", "norms"]
    windows: tuple[Window, ...]
    policy: Policy
    elections: Mapping[str, Elections] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.sources) - set(LAKE_SOURCES)
        if unknown:
            raise ValueError(f"not tables of the lake: {', '.join(sorted(unknown))}")

    @property
    def dollars_year(self) -> int:
        """The year of the build's dollars: the performance window's, or else the base year."""
        years = [window.calendar_year for window in self.windows if window.name == "performance"]
        return years[0] if years else self.policy.base_year

    def dbt_vars(self) -> dict[str, Any]:
        """``run`` and ``policy`` as dbt variables: plain JSON, numbers as exact text."""
        policy = json.loads(self.policy.model_dump_json())
        sd = Fraction(self.policy.outlier_sd)
        policy |= {"outlier_sd_numerator": sd.numerator, "outlier_sd_denominator": sd.denominator}
        return {
            "run": {
                "name": self.name,
                "kind": self.kind,
                "year": self.dollars_year,
                "base_year": self.policy.base_year,
            },
            "policy": policy,
        }

    def windows_frame(self) -> pl.DataFrame:
        """The build's windows as the lake table ``windows``."""
        rows = [(w.name, w.start, w.end, w.calendar_year) for w in self.windows]
        return _frame(run.WINDOWS, rows)

    def elections_frame(self) -> pl.DataFrame:
        """One row per hospital, with the policy's values for everything that it did not elect."""
        rows = []
        for ccn, elections in sorted(self.elections.items()):
            policy = elections.over(self.policy)
            rows.append(
                (ccn, policy.mpi_floor, policy.mpi_ceiling, policy.improvement_share, policy.physician_cap_percent)
            )
        return _frame(run.ELECTIONS, rows)


def _frame(table: Table, rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    schema = table.schema
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def check_cost_index(cost_index: pl.DataFrame, windows: Sequence[Window], where: str) -> None:
    """Refuse a build whose trends (methodology §2) could not be computed.

    Raises:
        HcipError: the year of a window's dollars has no index for a component.
    """
    years = {window.calendar_year for window in windows}
    if len(years) < 2:
        return  # dollars of a single year need no trend
    known = set(cost_index.select("calendar_year", "component").rows())
    missing = [f"{y} {c}" for y in sorted(years) for c in ("core", "supply_drug", "total") if (y, c) not in known]
    if missing:
        raise HcipError(
            f"cost_index has no row for {', '.join(missing)}",
            file=where,
            rule="COST-INDEX-MISSING",
            fix="add the rows to inbox/reference/cost_index.csv",
        )
