"""Hand-made states for tests: a few cases with their costs, computed by the real models.

A scenario sets only the values it is about; everything else has a plain default (one grouper version, one known
hospital per CCN used, reported cost with a factor of 1, no trend). ``in_order`` adds everything needed for payment in
full: a protocol, one condition that everybody met, an approved activity, an ample fee-schedule notice. ``amend`` and
``drop`` change single rows.

``settle`` runs a dbt build, as a release needs it; ``compute`` runs the same SQL in memory, several times as fast.
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

from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.periods import PerformancePeriod, Window
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.settlement.norm_tables import NORM_MODELS, norm_frames, norm_spec
from hcip_pipeline.warehouse.build import BuildResult, build
from hcip_pipeline.warehouse.spec import BuildSpec
from tests import settlement_models

HOSPITAL = "210001"
GROUPER = "41"
CONDITION = "quality"
INTERVENTION = "rounds"
YEARS = range(2020, 2030)

Row = dict[str, Any]
Money = Decimal | str | int


def npi(number: int) -> str:
    """A valid NPI: nine digits and their Luhn check digit over 80840 + NPI."""
    body = f"1{number:08d}"
    digits = [int(digit) for digit in reversed("80840" + body)]
    total = sum(sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
    return body + str(-total % 10)


@dataclass(frozen=True)
class Case:
    """One discharge; ``physician`` is both attending and operating unless these are given (blank: nobody).

    ``charges`` are charge lines (revenue code, charge); ``cost`` is the reported cost.
    """

    physician: str
    cost: Money
    day: dt.date
    apr_drg: str | None = "301"
    severity: str = "3"
    days: int = 3
    hospital: str = HOSPITAL
    disposition: str = "01"
    attending: str | None = None
    operating: str | None = None
    charges: tuple[tuple[str, Money], ...] = ()


@dataclass(frozen=True)
class Norm:
    """A cell of the frozen norm table, in base-year dollars; the same by every method unless one is named."""

    best_practice_norm: Money
    p75_cost: Money
    maximum_physician_incentive: Money
    apr_drg: str = "301"
    severity: str = "3"
    improvement_ceiling_cost: Money | None = None
    cost_weight: Money = 1
    los_weight: Money = 1
    core_weight: Money = 1
    supply_drug_weight: Money = 0
    norm_method: str = "physician_percentile"

    def row(self, base_year: int) -> Row:
        given = {name: Decimal(value) for name, value in vars(self).items() if name.endswith(("_norm", "_weight"))}
        unused = dict.fromkeys(
            ("cases", "physicians", "mean_cost", "mean_los", "best_practice_variance", "total_available_incentive"), 1
        )
        ceiling = self.p75_cost if self.improvement_ceiling_cost is None else self.improvement_ceiling_cost
        return {
            "base_year": base_year,
            "norm_method": self.norm_method,
            "apr_drg": self.apr_drg,
            "severity_of_illness": self.severity,
            **unused,
            **given,
            "p75_cost": Decimal(self.p75_cost),
            "improvement_ceiling_cost": Decimal(ceiling),
            "maximum_physician_incentive": Decimal(self.maximum_physician_incentive),
        }


def table(name: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a lake table; columns that are not given are null."""
    declared = LAKE_SOURCES[name]
    schema = declared.schema
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema, orient="row")


def discharges(cases: Iterable[Case]) -> pl.DataFrame:
    rows = []
    for number, case in enumerate(cases, start=1):
        charged = sum((Decimal(charge) for _, charge in case.charges), Decimal(0))
        rows.append(
            {
                "hospital_ccn": case.hospital,
                "account_no": f"A{number:05d}",
                "admit_date": case.day - dt.timedelta(days=case.days),
                "discharge_date": case.day,
                "discharge_year": case.day.year,
                "length_of_stay": case.days,
                "discharge_disposition": case.disposition,
                "attending_npi": case.physician if case.attending is None else case.attending or None,
                "operating_npi": case.physician if case.operating is None else case.operating or None,
                "identifier_type": "NPI",
                "grouper_version": GROUPER,
                "apr_drg": case.apr_drg,
                "severity_of_illness": case.severity,
                "total_charges": charged if case.charges else Decimal(case.cost),
                "reported_cost": Decimal(case.cost),
                "submission": "scenario",
                "source_file": "discharges.csv",
                "source_row": number + 1,
            }
        )
    return table("discharges", rows)


def charge_lines(cases: Iterable[Case]) -> pl.DataFrame:
    rows = [
        {
            "hospital_ccn": case.hospital,
            "account_no": f"A{number:05d}",
            "revenue_code": code,
            "service_date": case.day,
            "charge": Decimal(charge),
        }
        for number, case in enumerate(cases, start=1)
        for code, charge in case.charges
    ]
    return table("charges", rows)


@dataclass
class Scenario:
    """The inputs of a build.

    Args:
        norms: a hand-made frozen norm table; without it, the table is computed from the base year's cases.
        medical: APR-DRGs of the medical stream; all others are surgical.
        mdc: APR-DRG -> MDC, if it is not 08.
        estimates: (hospital, NPI, year, amount) of the fee schedule as claims would give it; ``compute`` only.
        sources: whole tables of the lake that replace the defaults.
    """

    cases: list[Case]
    policy: dict[str, Any] = field(default_factory=dict)
    elections: dict[str, Elections] = field(default_factory=dict)
    period: str = "2025H1"
    base_year: int = 2023
    medical: tuple[str, ...] = ("139",)
    mdc: dict[str, str] = field(default_factory=dict)
    norms: list[Norm] | None = None
    in_order: bool = False
    estimates: list[tuple[str, str, int, Decimal]] = field(default_factory=list)
    sources: dict[str, Any] = field(default_factory=dict)
    kind: str = "period"
    windows: tuple[Window, ...] | None = None
    changes: list[tuple[str, Row, Row | None]] = field(default_factory=list)

    def amend(self, name: str, **values: Any) -> Scenario:
        """Set columns in every row that matches the given key columns; a row is added if none matches."""
        key = {column: value for column, value in values.items() if column in LAKE_SOURCES[name].key}
        self.changes.append((name, key, values))
        return self

    def drop(self, name: str, **where: Any) -> Scenario:
        """Remove every row that matches the given columns."""
        self.changes.append((name, where, None))
        return self

    def spec(self) -> BuildSpec:
        period = PerformancePeriod.parse(self.period)
        policy = Policy.model_validate(
            {"version": "scenario", "base_year": self.base_year, "cost_method": "reported"} | self.policy
        )
        hospitals = self._hospitals()
        rows = self._rows()
        for name, where, values in (change for change in self.changes if change[0] != "programs"):
            rows[name] = list(_changed(rows.get(name, []), where, values))
        rows["programs"] = [_program(row, period) for row in rows.get("protocols", [])]
        for name, where, values in (change for change in self.changes if change[0] == "programs"):
            rows[name] = list(_changed(rows[name], where, values))
        frames: dict[str, Any] = {name: table(name, given) for name, given in rows.items()}
        frames |= {"discharges": discharges(self.cases), "charges": charge_lines(self.cases)}
        return BuildSpec(
            name=self.period,
            kind=self.kind,  # type: ignore[arg-type]
            windows=self.windows or (period.window, period.baseline(policy.baseline_window)),
            policy=policy,
            elections={ccn: Elections() for ccn in hospitals} | self.elections,
            sources=frames | self.sources,
        )

    def settle(self, folder: Path, threads: int = 1) -> Settled:
        """Build the norm table, then the period, with dbt; a study makes its own norms."""
        return Settled(duckdb.connect(self.build(folder, threads).file, read_only=True))

    def build(self, folder: Path, threads: int = 1) -> BuildResult:
        spec = self.spec()
        if spec.kind == "period" and self.norms is None:
            made = build(norm_spec(spec), folder / "norms", threads=threads, select=NORM_MODELS)
            spec = replace(spec, sources=dict(spec.sources) | norm_frames(made))
        return build(spec, folder / "period", threads=threads)

    def compute(self, threads: int = 1) -> Settled:
        """Run the same models over the same tables, in memory and without dbt."""
        return Settled(settlement_models.run(self.with_norms(self.spec(), threads), threads, self.estimates))

    def with_norms(self, spec: BuildSpec, threads: int = 1) -> BuildSpec:
        """``spec`` with the frozen norm table of its base year, made in memory."""
        if spec.kind != "period" or self.norms is not None:
            return spec
        return replace(spec, sources=dict(spec.sources) | settlement_models.frozen_norms(norm_spec(spec), threads))

    def _hospitals(self) -> list[str]:
        return sorted({case.hospital for case in self.cases} | {HOSPITAL})

    def _rows(self) -> dict[str, list[Row]]:
        """The default rows of every table except those of the cases."""
        hospitals = self._hospitals()
        codes = sorted({case.apr_drg for case in self.cases if case.apr_drg is not None})
        received = discharges(self.cases).group_by("hospital_ccn").agg(pl.len(), pl.col("total_charges").sum())
        partners = sorted({(case.hospital, case.physician) for case in self.cases})
        rows: dict[str, list[Row]] = {
            "receipts": [
                {"hospital_ccn": c, "quarter": "all", "rows_read": n, "rows_excluded": 0}
                | {"amount_read": amount, "amount_excluded": Decimal(0)}
                for c, n, amount in received.iter_rows()
            ],
            "hospitals": [{"ccn": c, "name": f"Hospital {c}", "acute": "Y"} for c in hospitals],
            "apr_drg": [
                {"grouper_version": GROUPER, "apr_drg": code, "label": code, "mdc": self.mdc.get(code, "08")}
                | {"type": "M" if code in self.medical else "P", "service_line": "Orthopedics"}
                for code in codes
            ],
            "cost_factors": [
                {"hospital_ccn": ccn, "rate_center": "ALL", "rate_year": year, "ime": Decimal(0), "dsh": Decimal(0)}
                | dict.fromkeys(("markup", "cost_to_charge", "labor_market"), Decimal(1))
                for ccn in hospitals
                for year in YEARS
            ],
            "cost_index": [
                {"calendar_year": year, "component": component, "index_value": Decimal(1)}
                for year in YEARS
                for component in ("core", "supply_drug", "total")
            ],
            "per_diem": [
                {"year": y, "severity": severity, "amount": Decimal(73)} for y in YEARS for severity in "1234"
            ],
            "care_partners": [
                {"hospital_ccn": ccn, "npi": physician, "name": f"Physician {physician}", "screening_status": "cleared"}
                | {"participation_start": dt.date(2020, 1, 1), "arrangement_signed": dt.date(2019, 12, 1)}
                for ccn, physician in partners
            ],
        }
        if self.norms is not None:
            rows["frozen_norms"] = [norm.row(self.base_year) for norm in self.norms]
        return rows | (self._in_order(hospitals, partners) if self.in_order else {})

    def _in_order(self, hospitals: list[str], partners: list[tuple[str, str]]) -> dict[str, list[Row]]:
        """The rows needed for payment in full."""
        period = PerformancePeriod.parse(self.period)
        each = [{"hospital_ccn": ccn, "npi": physician} for ccn, physician in partners]
        condition = {"condition_id": CONDITION, "description": "quality", "weight_percent": Decimal(100)}
        protocol = {
            "protocol_year": period.year,
            "approved_on": period.start - dt.timedelta(days=30),
            "first_performance_period": self.period,
            "program_year": 1,
            "weight_total_percent": Decimal(100),
            "has_locked_conditions": True,
        }
        return {
            "protocols": [{"hospital_ccn": ccn} | protocol for ccn in hospitals],
            "conditions": [{"hospital_ccn": ccn} | condition for ccn in hospitals],
            "protocol_interventions": [
                {"hospital_ccn": ccn, "intervention_id": INTERVENTION, "is_included": True} for ccn in hospitals
            ],
            "condition_results": [row | {"condition_id": CONDITION, "met": "Y"} for row in each],
            "intervention_activity": [row | {"intervention_id": INTERVENTION, "activities": 1} for row in each],
            "pfs_cap_notices": [
                row | {"calendar_year": year, "approved_amount": Decimal(1_000_000)}
                for row in each
                for year in (period.year - 1, period.year)
            ],
        }


def _program(protocol: Row, period: PerformancePeriod) -> Row:
    """A hospital's program by its protocol; a later program year means the second half of that year."""
    year = protocol.get("program_year")
    steps = 0 if year in (None, 1) else 2 * year - 1
    halves = 2 * period.year + period.half - 1 - steps
    first = f"{halves // 2}H{halves % 2 + 1}" if steps or not year else protocol["first_performance_period"]
    return {
        "hospital_ccn": protocol["hospital_ccn"],
        "accepted_first_period": first,
        "first_performance_period": first,
        "program_year": year,
        "is_first_period_changed": False,
    }


def _changed(rows: list[Row], where: Row, values: Row | None) -> Iterable[Row]:
    def agrees(row: Row) -> bool:
        return all(row.get(column) == value for column, value in where.items())

    for row in rows:
        if not agrees(row):
            yield row
        elif values is not None:
            yield row | values
    if values is not None and not any(agrees(row) for row in rows):
        yield values


@dataclass
class Settled:
    """The tables of a finished build."""

    connection: duckdb.DuckDBPyConnection

    def __post_init__(self) -> None:
        self.connection.execute("set search_path = 'marts,intermediate,staging,lake'")

    def rows(self, sql: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(self, sql: str) -> dict[str, Any]:
        (row,) = self.rows(sql)
        return row

    def partner(self, physician: str, hospital: str = HOSPITAL) -> dict[str, Any]:
        """One care partner's row of the waterfall."""
        return self.row(f"select * from incentives where npi = '{physician}' and hospital_ccn = '{hospital}'")
