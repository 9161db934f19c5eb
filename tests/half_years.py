"""A small state over several half-years: real files in an inbox, the real intake and models, real releases.

Belongs here: making the state, editing its files, settling and releasing a half-year in memory. Does not belong here:
the expected figures (``tests.golden.plain_periods``), and any assertion.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import openpyxl
import polars as pl
import yaml

from hcip_pipeline.contracts import marts, program, protocol, survey
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.period_intake import ingest_period
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.settlement.earlier_releases import earlier_frames, earlier_release_files
from hcip_pipeline.settlement.norm_tables import norm_spec
from hcip_pipeline.settlement.period import elections_in_force, windows_of
from hcip_pipeline.settlement.program_changes import ProgramTables, program_changes
from hcip_pipeline.settlement.restatement import restatement
from hcip_pipeline.warehouse.build import BuildResult, NodeResult, fingerprints
from hcip_pipeline.warehouse.spec import BuildSpec
from tests import settlement_models
from tests.released_state import write_lake
from tests.scenario import Case, Scenario, Settled, npi

EXAMPLE = Path(__file__).parents[1] / "docs" / "protocol_example.yaml"
POLICY = """\
version: half-years
base_year: 2022
cost_method: reported
min_baseline_cases: 2
min_cases_per_cell: 10
physician_cap_percent: 20
require_complete: none
certainty_replicates: 20
"""
A, B, C, D = "210043", "210044", "210048", "210049"
#: when the programs of A and B begin; C has care partners and no protocol, D a protocol and no care partners
FIRST = {A: "2024H1", B: "2024H2", D: "2024H1"}
PARTNERS = [(A, npi(1)), (A, npi(2)), (A, npi(3)), (B, npi(2)), (B, npi(4)), (C, npi(5)), (C, npi(6))]
CONDITIONS = {"complications": "25", "records": "25", "accounting": "10", "charts": "40"}
HALVES = ("2024H1", "2024H2", "2025H1", "2025H2")
Row = dict[str, str]


def days_of(period: str) -> tuple[dt.date, dt.date]:
    parsed = PerformancePeriod.parse(period)
    return parsed.start, parsed.end


def drawn_cases(rng: Random) -> list[Case]:
    """Cases of the base year 2022, and of 2023 to 2025; cost falls over the years, and the least at B."""
    cases = []
    for ccn, physician in PARTNERS:
        skill = rng.uniform(0.75, 1.2)
        for year in (2022, 2023, 2024, 2025):
            for half in (1, 2):
                for _ in range(rng.randint(3, 5)):
                    day = dt.date(year, 6 * half - 5, 1) + dt.timedelta(days=rng.randrange(180))
                    surgical = rng.random() < 0.6
                    trend = 1 - (year - 2022) * (0.08 if ccn != B else 0.03)
                    cost = Decimal(int((15_000 if surgical else 7_500) * skill * trend * rng.uniform(0.85, 1.15) * 100))
                    cell = ("301", "3") if surgical else ("139", "2")
                    days = rng.randint(2, 6)
                    cases.append(Case(physician, cost.scaleb(-2), day, *cell, days=days, hospital=ccn))
    return cases


@dataclass
class HalfYears:
    """The state: its home, its cases, and the fee-schedule amounts that claims would give.

    Args:
        has_reports: releases include the tables behind the reports; otherwise these are empty.
    """

    home: Home
    cases: list[Case]
    estimates: list[tuple[str, str, int, Decimal]] = field(default_factory=list)
    norms: dict[str, pl.DataFrame] = field(default_factory=dict)
    has_reports: bool = True

    @classmethod
    def make(cls, root: Path, seed: int, has_reports: bool = True) -> HalfYears:
        rng = Random(seed)
        made = cls(Home(root), drawn_cases(rng), has_reports=has_reports)
        made.home.inbox.mkdir(parents=True)
        made.home.policy.write_text(POLICY, encoding="utf-8")
        for ccn, first in FIRST.items():
            made.edit_protocol(ccn, lambda content, ccn=ccn, first=first: _own(content, ccn, first))
        for period in HALVES:
            made._write_program(period, rng)
        return made

    def copy(self, root: Path) -> HalfYears:
        shutil.copytree(self.home.root, root, ignore=shutil.ignore_patterns("build"))
        return replace(self, home=Home(root), cases=list(self.cases), estimates=list(self.estimates))

    # --- files that hospitals and committees supply

    def protocol(self, ccn: str, year: int = 2024) -> Path:
        return self.home.inbox / "protocols" / ccn / f"{year}.yaml"

    def edit_protocol(self, ccn: str, change: Callable[[dict[str, Any]], None], year: int = 2024) -> None:
        """Change a protocol; for a year without one, start from the previous year's or the example."""
        path = self.protocol(ccn, year)
        before = [self.protocol(ccn, each) for each in range(year, 2022, -1)]
        source = next((each for each in before if each.exists()), EXAMPLE)
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
        change(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def rows(self, period: str, table: str) -> list[Row]:
        path = self.home.inbox / "program" / period / f"{table}.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def write(self, period: str, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        path = self.home.inbox / "program" / period / f"{table}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, program.TABLES[table].names, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(rows)

    def correct(self, period: str, ccn: str, first: str) -> None:
        """File an approved correction of a first performance period."""
        row = {"hospital_ccn": ccn, "first_performance_period": first, "reason": "clerical error"}
        self.write(period, "program_corrections", [row | {"approved_by": "office", "approved_on": "2025-01-02"}])

    def survey(self, period: str, ccn: str, met: Iterable[Row], performed: Iterable[Row]) -> None:
        """File a hospital's completed survey: rows of ``condition_results`` and of ``intervention_activity``."""
        book = openpyxl.Workbook()
        cover = book.active
        assert cover is not None
        cover.title = survey.COVER
        for cell, value in ((survey.HOSPITAL_CELL, ccn), (survey.PERIOD_CELL, period)):
            cover[cell] = value
        cover[survey.VERSION_CELL] = survey.VERSION
        for form, rows in ((survey.CONDITIONS, met), (survey.ACTIVITIES, performed)):
            sheet = book.create_sheet(form.name)
            for at, title in enumerate(form.titles, start=1):
                sheet.cell(survey.HEAD_ROW, at, title)
            for line, row in enumerate(rows, start=survey.HEAD_ROW + 1):
                for at, column in enumerate(form.columns, start=1):
                    value = row.get(column.field) if column.field else None
                    sheet.cell(line, at, int(value) if column.field == "activities" and value else value)
        book.save(self.home.inbox / "program" / period / survey.form_name(ccn, period))

    def _write_program(self, period: str, rng: Random) -> None:
        each = [{"hospital_ccn": ccn, "npi": physician} for ccn, physician in PARTNERS]
        lasting = {"participation_start": "2023-01-01", "arrangement_signed": "2023-01-01"}
        self.write(
            period,
            "care_partners",
            [
                row | lasting | {"name": row["npi"], "tin": "520000000"}
                | {"screening_status": "pending" if rng.random() < 0.1 else "cleared"}
                for row in each
            ],
        )  # fmt: skip
        self.write(
            period,
            "condition_results",
            [
                row | {"condition_id": condition, "met": "N" if rng.random() < 0.15 else "Y"}
                for row in each
                if row["hospital_ccn"] != C
                for condition in CONDITIONS
            ],
        )
        self.write(
            period,
            "intervention_activity",
            [row | {"intervention_id": "patient_flow", "activities": 3} for row in each if row != each[-1]],
        )
        self.write(
            period,
            "committee_adjustments",
            [
                row
                | {"adjustment_amount": -rng.randint(1, 40), "reason": "late", "approved_by": "chair"}
                | {"approved_on": "2024-06-01"}
                for row in each
                if rng.random() < 0.2
            ],
        )
        self.write(
            period,
            "other_program_amounts",
            [
                {
                    "hospital_ccn": ccn,
                    "program": "episodes",
                    "kind": "incentive",
                    "amount": f"{rng.randint(0, 9000)}.37",
                }
                for ccn in (A, B, D)
            ],
        )
        self.write(
            period,
            "pfs_cap_notices",
            [
                row | {"calendar_year": period[:4], "approved_amount": f"{_amount(row['npi'], period)}.55"}
                | {"notice_date": "2024-08-01"}
                for row in each
                if row["npi"] != npi(4) or period.endswith("H2")
            ],
        )  # fmt: skip
        pool = {"hospital_ccn": A, "incentive_pool": rng.randint(1500, 2500), "notice_date": "2024-08-01"}
        self.write(period, "pool_notices", [pool | {"contested": "Y" if period == "2024H2" else "N"}])

    # --- settling

    def quarters(self, period: str) -> list[tuple[str, Quarter, str]]:
        """Hospital, quarter and sha256 of the submissions of a half-year."""
        found: dict[tuple[str, str], list[str]] = {}
        start, end = days_of(period)
        for case in self.cases:
            if start <= case.day <= end:
                quarter = f"{case.day.year}Q{(case.day.month + 2) // 3}"
                found.setdefault((case.hospital, quarter), []).append(repr(case))
        digests = {key: hashlib.sha256("".join(cases).encode()).hexdigest() for key, cases in sorted(found.items())}
        return [(ccn, Quarter.parse(quarter), digest) for (ccn, quarter), digest in digests.items()]

    def spec(self, period: str, replaced: Sequence[tuple[str, str, str]] = ()) -> BuildSpec:
        """Ingest the half-year's files; returns the specification of its build.

        Args:
            replaced: submissions of the baseline that the ledger shows as replaced (``settlement.baseline_changes``).
        """
        parsed, policy = PerformancePeriod.parse(period), load_policy(self.home.policy).policy
        write_lake_reference(self.home.inbox, self.home.lake_reference)
        ingest_period(self.home, parsed, policy)
        lake = self.home.lake_program(parsed)
        given = {name: pl.read_parquet(lake / f"{name}.parquet") for name in program.TABLES | protocol.TABLES}
        made = Scenario(self.cases, period=period, base_year=policy.base_year).spec()
        earlier = earlier_frames(self.home, parsed)
        baseline = self.quarters(f"{parsed.year - 1}H{parsed.half}")
        amounts = earlier["earlier_other_program_amounts"]
        listed = given["care_partners"], given["excluded_in_period"]
        tables = ProgramTables(given["programs"], given["protocols"], amounts, *listed)
        changes = program_changes(self.home, parsed, tables, baseline, replaced)
        hospitals = made.sources["hospitals"]
        assert isinstance(hospitals, pl.DataFrame)
        elections = elections_in_force(hospitals.select("ccn"), given["protocols"], policy)
        return BuildSpec(
            name=period,
            kind="period",
            windows=windows_of(parsed, policy),
            policy=policy,
            elections=elections,
            sources=dict(made.sources) | given | earlier | {"program_changes": changes} | self._norms(made, policy),
        )

    def _norms(self, made: BuildSpec, policy: Policy) -> dict[str, pl.DataFrame]:
        """The norm table, frozen when it is first made."""
        if not self.norms:
            self.norms.update(settlement_models.frozen_norms(norm_spec(replace(made, policy=policy)), 1))
        return self.norms

    def settle(self, period: str) -> Settled:
        """The half-year's figures, without a release."""
        return Settled(settlement_models.run(self.spec(period), estimates=self.estimates))

    def release(self, period: str, spec: BuildSpec | None = None) -> Path:
        """Settle a half-year and release it; ``spec`` is the specification of its build, if already made."""
        spec = spec or self.spec(period)
        folder = self.home.root / "build" / period
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        file = folder / "hcip.duckdb"
        reports = settlement_models.REPORTS if self.has_reports else ()
        left_out = {"claims", *settlement_models.REPORTS} - set(reports)  # claims have tests of their own
        empty = {table.name: table for area in left_out for table in marts.MARTS[area]}
        needed = [f"marts.{name}" for name in marts.TABLES.keys() - empty.keys()]
        needed += ["intermediate.int_case_windows", "intermediate.int_cases"]
        with settlement_models.run(spec, estimates=self.estimates, also=reports) as connection:
            settlement_models.store(connection, file, needed, empty.values())
        write_lake(spec, file)
        with duckdb.connect(file) as connection:
            connection.register("changes", pl.DataFrame(spec.sources["program_changes"]).to_arrow())
            connection.execute("create table lake.program_changes as from changes")
        passed = (NodeResult("model.hcip.settlement", "success", 0, 0, ""),)
        built = BuildResult(spec, file, passed, fingerprints(file))
        parsed = PerformancePeriod.parse(period)
        inputs: list[dict[str, Any]] = [
            {"file": f"hospital/{quarter}/{ccn}/discharges.csv", "sha256": digest, "rows": 1}
            for own in (period, f"{parsed.year - 1}H{parsed.half}")
            for ccn, quarter, digest in self.quarters(own)
        ]
        inputs += earlier_release_files(self.home, parsed)
        policy = load_policy(self.home.policy)
        changed = restatement(self.home, parsed, policy, built).frame
        content = Content(policy, inputs, restatement=changed, certainty={}, renderers={}, must_verify=False)
        return write_release(self.home, parsed, built, content).folder


def _amount(physician: str, period: str) -> int:
    """Medicare approved amounts of the year; the notice of the second half has a higher amount."""
    return 1500 + 700 * (int(physician[-2]) % 4) + (400 if period.endswith("H2") else 0)


def _own(content: dict[str, Any], ccn: str, first: str) -> None:
    content["hospital"]["ccn"] = ccn
    content["first_performance_period"] = first
    content["approved_on"] = dt.date(2023, 12, 12)
    content["conditions_of_payment"] = [
        {"id": name, "description": name, "measure": f"share of {name}", "threshold": "90%", "weight": int(weight)}
        | {"interventions": ["patient_flow"]}
        for name, weight in CONDITIONS.items()
    ]
    content["elections"] = {"mpi_floor": 100, "mpi_ceiling": 3000, "physician_cap_percent": 25}
