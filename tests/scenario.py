"""Hand-made states for tests: a few cases with their costs, built through the real models.

A scenario states only what it is about; everything else has a plain default (one grouper version, one known hospital per
CCN used, reported cost with a factor of 1, no trend).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.contracts.catalogue import LAKE_SOURCES
from hcip_pipeline.periods import PerformancePeriod, Window
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.settlement.norm_tables import NORM_MODELS, norm_frames, norm_spec
from hcip_pipeline.warehouse.build import build
from hcip_pipeline.warehouse.spec import BuildSpec

HOSPITAL = "210001"
GROUPER = "41"


def npi(number: int) -> str:
    """A valid NPI: nine digits and their Luhn check digit over 80840 + NPI."""
    body = f"1{number:08d}"
    digits = [int(digit) for digit in reversed("80840" + body)]
    total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
    return body + str(-total % 10)


@dataclass(frozen=True)
class Case:
    """One discharge; ``physician`` is both attending and operating unless they are given apart."""

    physician: str
    cost: Decimal | str | int
    day: dt.date
    apr_drg: str = "301"
    severity: str = "3"
    days: int = 3
    hospital: str = HOSPITAL
    disposition: str = "01"
    attending: str | None = None
    operating: str | None = None


def table(name: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a lake table; columns that are not given are null."""
    declared = LAKE_SOURCES[name]
    schema = {column.name: column.polars_type for column in declared.columns}
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema, orient="row")


def discharges(cases: Iterable[Case]) -> pl.DataFrame:
    rows = []
    for number, case in enumerate(cases, start=1):
        rows.append(
            {
                "hospital_ccn": case.hospital,
                "account_no": f"A{number:05d}",
                "admit_date": case.day - dt.timedelta(days=case.days),
                "discharge_date": case.day,
                "discharge_year": case.day.year,
                "length_of_stay": case.days,
                "discharge_disposition": case.disposition,
                "attending_npi": case.attending if case.attending is not None else case.physician,
                "operating_npi": case.operating if case.operating is not None else case.physician,
                "identifier_type": "NPI",
                "grouper_version": GROUPER,
                "apr_drg": case.apr_drg,
                "severity_of_illness": case.severity,
                "total_charges": Decimal(case.cost),
                "reported_cost": Decimal(case.cost),
                "submission": "scenario",
                "source_file": "discharges.csv",
                "source_row": number + 1,
            }
        )
    return table("discharges", rows)


@dataclass
class Scenario:
    """What a build is given; ``settle`` runs it."""

    cases: list[Case]
    policy: dict[str, Any] = field(default_factory=dict)
    elections: dict[str, Elections] = field(default_factory=dict)
    period: str = "2025H1"
    base_year: int = 2023
    medical: tuple[str, ...] = ("139",)
    sources: dict[str, Any] = field(default_factory=dict)
    kind: str = "period"
    windows: tuple[Window, ...] | None = None

    def spec(self) -> BuildSpec:
        period = PerformancePeriod.parse(self.period)
        policy = Policy.model_validate(
            {"version": "scenario", "base_year": self.base_year, "cost_method": "reported"} | self.policy
        )
        hospitals = sorted({case.hospital for case in self.cases} | {HOSPITAL})
        codes = sorted({case.apr_drg for case in self.cases})
        frame = discharges(self.cases)
        received = [
            {
                "hospital_ccn": ccn,
                "quarter": "all",
                "rows_read": frame.filter(pl.col("hospital_ccn") == ccn).height,
                "rows_excluded": 0,
                "amount_read": frame.filter(pl.col("hospital_ccn") == ccn)["total_charges"].sum(),
                "amount_excluded": Decimal(0),
            }
            for ccn in sorted({case.hospital for case in self.cases})
        ]
        partners = sorted({(case.hospital, case.physician) for case in self.cases})
        defaults: dict[str, Any] = {
            "discharges": frame,
            "receipts": table("receipts", received),
            "hospitals": table("hospitals", [{"ccn": c, "name": f"Hospital {c}", "acute": "Y"} for c in hospitals]),
            "apr_drg": table(
                "apr_drg",
                [
                    {
                        "grouper_version": GROUPER,
                        "apr_drg": code,
                        "label": code,
                        "mdc": "08",
                        "type": "M" if code in self.medical else "P",
                        "service_line": "Orthopedics",
                    }
                    for code in codes
                ],
            ),
            "cost_factors": table(
                "cost_factors",
                [
                    {
                        "hospital_ccn": ccn,
                        "rate_center": "ALL",
                        "rate_year": year,
                        "markup": Decimal(1),
                        "cost_to_charge": Decimal(1),
                        "labor_market": Decimal(1),
                        "ime": Decimal(0),
                        "dsh": Decimal(0),
                    }
                    for ccn in hospitals
                    for year in range(2020, 2030)
                ],
            ),
            "cost_index": table(
                "cost_index",
                [
                    {"calendar_year": year, "component": component, "index_value": Decimal(1)}
                    for year in range(2020, 2030)
                    for component in ("core", "supply_drug", "total")
                ],
            ),
            "per_diem": table(
                "per_diem",
                [
                    {"year": year, "severity": severity, "amount": Decimal(73)}
                    for year in range(2020, 2030)
                    for severity in "1234"
                ],
            ),
            "care_partners": table(
                "care_partners",
                [
                    {
                        "hospital_ccn": ccn,
                        "npi": physician,
                        "name": f"Physician {physician}",
                        "participation_start": dt.date(2020, 1, 1),
                        "arrangement_signed": dt.date(2019, 12, 1),
                        "screening_status": "cleared",
                    }
                    for ccn, physician in partners
                ],
            ),
        }
        windows = self.windows or (period.window, period.baseline(policy.baseline_window))
        return BuildSpec(
            name=self.period,
            kind=self.kind,  # type: ignore[arg-type]
            windows=windows,
            policy=policy,
            elections={ccn: Elections() for ccn in hospitals} | self.elections,
            sources=defaults | self.sources,
        )

    def settle(self, folder: Path, threads: int = 1) -> Settled:
        """Make the norm table, then the period; a study makes its own norms."""
        spec = self.spec()
        if spec.kind == "period":
            norms = build(norm_spec(spec), folder / "norms", threads=threads, select=NORM_MODELS)
            spec = replace(spec, sources=dict(spec.sources) | norm_frames(norms))
        return Settled(build(spec, folder / "period", threads=threads).file)


@dataclass
class Settled:
    """The tables of a finished build."""

    file: Path

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(self.file, read_only=True) as connection:
            connection.execute("set search_path = 'marts,intermediate,staging,lake'")
            relation = connection.execute(sql)
            names = [column[0] for column in relation.description]
            return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
