"""A small state, settled and released once a test session: three hospitals in which every rule has something to do.

Hospital A is in its second program year: elections, conditions of uneven weights, the cumulative limit. B is in its
first: a pool notice that is too small for everybody. C has no protocol, and contests its notice. Earlier periods are
releases too, hand-made with what the next period reads of them.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from hcip_pipeline.contracts import marts, program, protocol
from hcip_pipeline.contracts.catalogue import LAKE_SOURCES
from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.home import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.policy.model import Elections
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.renderers import RENDERERS
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.release.documents import Renderer
from hcip_pipeline.release.manifest import manifest, write_manifest
from hcip_pipeline.release.tables import write_table
from hcip_pipeline.settlement.earlier_releases import earlier_release_files
from hcip_pipeline.settlement.norm_tables import norm_spec
from hcip_pipeline.warehouse.build import BuildResult, NodeResult, fingerprints
from hcip_pipeline.warehouse.spec import BuildSpec
from tests import settlement_models
from tests.scenario import Case, Scenario, npi, table
from tests.shared_state import built_once

PERIOD = PerformancePeriod(2025, 2)
A, B, C = "210001", "210002", "210003"
D = Decimal

POLICY = """\
version: released-state
base_year: 2023
min_cases_per_cell: 18
improvement_percentile: 0.8
performance_exponent: 1
"""

_CELLS = (("301", "3", 18_000, 4), ("302", "2", 31_000, 6), ("139", "3", 7_400, 5), ("140", "2", 5_200, 4))
#: physician -> hospitals; physician 9 is nobody's care partner
_WORK = {1: (A,), 2: (A, B), 3: (A,), 4: (B,), 5: (B,), 6: (B,), 7: (C,), 8: (C,), 9: (A,)}
#: physician -> place among the nine by cost
_RANK = {1: 2, 2: 5, 3: 7, 4: 3, 5: 4, 6: 6, 7: 1, 8: 8, 9: 9}
#: names that a spreadsheet would run, and one that would turn round what follows it on a page
NAMES = {1: "=SUM(A1), MD", 2: "\u202eד״ר כהן, MD", 4: "\u3000＝SUM(B1), MD"}
_PARTNERS = [(ccn, number) for number, hospitals in _WORK.items() for ccn in hospitals if number != 9]
_WINDOWS = {
    "base_year": (dt.date(2023, 5, 1), D("1.00")),
    "baseline": (dt.date(2024, 8, 1), D("1.06")),
    "performance": (dt.date(2025, 8, 1), D("1.05")),
}


def _cases() -> list[Case]:
    """Costs and days differ by physician, and fall from the baseline to the performance period."""
    chance = random.Random(20250701)
    cases = []
    for window, (day, level) in _WINDOWS.items():
        for number, hospitals in _WORK.items():
            if (window == "baseline" and number == 8) or (window == "performance" and number == 6):
                continue
            own = D("0.84") + _RANK[number] * D("0.04")
            if (window, number) == ("performance", 3):
                own *= D("1.08")  # above P75 on the whole, below it in some cases
            for cell, (apr_drg, severity, cost, days) in enumerate(_CELLS):
                for case in range(
                    3 + (number + cell) % 2 + (number == 2) * 2 + (window == "performance" and cell == 1)
                ):
                    exact = D(cost) * level * own * D(chance.randrange(90, 112)) / 100
                    charge = exact.quantize(D("0.01")) + D(chance.randrange(100)) / 100
                    supplies = (charge * chance.randrange(20, 27) / 100).quantize(D("0.01"))
                    cases.append(
                        Case(
                            npi(number),
                            charge,
                            day + dt.timedelta(days=chance.randrange(60)),
                            apr_drg,
                            severity,
                            max(1, days + chance.randrange(3) - (1 if window == "performance" else 0)),
                            hospitals[case % len(hospitals)],
                            charges=(("0120", charge - supplies), ("0270", supplies)),
                        )
                    )
            # Neither of them counts: the one died, the other's cell has no norm.
            died = Case(npi(number), "9100.10", day, "301", "3", 2, hospitals[0], "20", charges=(("0120", "9100.10"),))
            cases += [died, replace(died, apr_drg="950", severity="4", disposition="01")]
    return cases


def _rows(names: str, *rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def _program() -> dict[str, pl.DataFrame]:
    """What committees, the regulator and CMS said of the period."""
    partners = [
        {
            "hospital_ccn": ccn,
            "npi": npi(number),
            "name": NAMES.get(number, f"Physician {number}"),
            "participation_start": dt.date(2025, 8, 15) if (ccn, number) == (B, 2) else dt.date(2024, 1, 1),
            "participation_end": dt.date(2025, 12, 31) if number == 3 else None,
            "arrangement_signed": dt.date(2023, 12, 1),
            "screening_status": "failed" if number == 8 else "cleared",
        }
        for ccn, number in _PARTNERS
    ]
    conditions = _rows(
        "hospital_ccn condition_id description weight_percent",
        *((A, f"A{n}", f"Condition {n}", D(weight)) for n, weight in ((1, "33.34"), (2, "33.33"), (3, "33.33"))),
        *((B, f"B{n}", f"Condition {n}", D(weight)) for n, weight in ((1, 25), (2, 25), (3, 10), (4, 40))),
    )
    unmet = {(A, 2, "A3"): None, (A, 3, "A2"): "N", (B, 4, "B2"): "N"}
    results = [
        {"hospital_ccn": ccn, "npi": npi(number), "condition_id": row["condition_id"], "met": met}
        for ccn, number in _PARTNERS
        for row in conditions
        if row["hospital_ccn"] == ccn and (met := unmet.get((ccn, number, row["condition_id"]), "Y")) is not None
    ]
    protocols = _rows(
        "hospital_ccn protocol_year version sha256 approved_on first_performance_period weight_total_percent"
        " has_locked_conditions",
        (A, 2025, 1, "a" * 64, dt.date(2025, 6, 30), "2024H1", D(100), True),
        (B, 2025, 1, "b" * 64, dt.date(2025, 6, 1), "2025H1", D(100), True),
    )
    return {
        "care_partners": table("care_partners", partners),
        "protocols": table("protocols", protocols),
        "programs": table(
            "programs",
            _rows(
                "hospital_ccn accepted_first_period first_performance_period program_year is_first_period_changed"
                " terms",
                (A, "2024H1", "2024H1", 2, False, "{}"),
                (B, "2025H1", "2025H1", 1, False, "{}"),
            ),
        ),
        "conditions": table("conditions", conditions),
        "condition_results": table("condition_results", results),
        "protocol_interventions": table(
            "protocol_interventions",
            _rows("hospital_ccn intervention_id is_included", *((ccn, "patient_flow", True) for ccn in (A, B, C))),
        ),
        "intervention_activity": table(
            "intervention_activity",
            _rows(
                "hospital_ccn npi intervention_id activities",
                *((ccn, npi(number), "patient_flow", 3) for ccn, number in _PARTNERS),
            ),
        ),
        "committee_adjustments": table(
            "committee_adjustments", _rows("hospital_ccn npi adjustment_amount", (A, npi(3), D("-50.25")))
        ),
        "pfs_cap_notices": table(
            "pfs_cap_notices",
            _rows(
                "hospital_ccn npi calendar_year approved_amount",
                (A, npi(1), 2025, D("42160.77")),
                (A, npi(2), 2025, D("60000.00")),
                (A, npi(3), 2025, D("9000.01")),
                (B, npi(2), 2025, D("60000.00")),
                (B, npi(4), 2025, D("1345.67")),
                (C, npi(7), 2025, D("50000.00")),
                (C, npi(8), 2025, D("50000.00")),
            ),
        ),
        "pool_notices": table(
            "pool_notices",
            _rows("hospital_ccn incentive_pool contested", (B, D("917.17"), "N"), (C, D("9000.00"), "Y")),
        ),
        "other_program_amounts": table(
            "other_program_amounts", _rows("hospital_ccn program kind amount", (A, "CCIP", "incentive", D("9175.01")))
        ),
    }


#: (period, hospital, physician) -> final incentive; (period, hospital, scope) -> internal savings
_EARLIER_INCENTIVES = {
    ("2024H1", A, 1): D("610.10"), ("2024H2", A, 1): D("700.00"), ("2025H1", A, 1): D("812.34"),
    ("2024H2", A, 3): D("1.01"), ("2025H1", A, 3): D("99.99"), ("2025H1", B, 4): D("30.03"),
    ("2024H2", B, 4): D("11.11"),
}  # fmt: skip
_EARLIER_SAVINGS = {
    ("2024H1", A, "participating"): D("-900.50"), ("2024H1", A, "all"): D("-1900.00"),
    ("2024H2", A, "participating"): D("2100.75"), ("2024H2", A, "all"): D("3100.00"),
    ("2025H1", A, "participating"): D("1800.25"), ("2025H1", A, "all"): D("2800.00"),
    ("2025H1", B, "participating"): D("400.00"), ("2025H1", B, "all"): D("500.00"),
}  # fmt: skip
#: hospital -> when its program began; what other programs took before
_STARTS = {A: "2024H1", B: "2025H1"}
_EARLIER_OTHER_PROGRAMS = [("2025H1", A, "CCIP", "incentive", D("250.00"))]


def _frame(declared: Table, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a released table: what is not given is zero, or nothing."""
    zero = {"money": D(0), "integer": 0, "text": "", "ratio": D(0), "mean": D(0), "boolean": False}
    plain = {c.name: None if c.nullable else zero[c.type] for c in declared.columns}
    schema = {column.name: column.polars_type for column in declared.columns}
    return pl.DataFrame([plain | row for row in rows], schema=schema, orient="row")


def _release_earlier(home: Home, policy: PolicyFile, period: str) -> None:
    """A release that holds no more than what later periods read of it."""
    folder = home.releases / period / "r1"
    files = []
    for ccn in (A, B):
        rows = [
            {"hospital_ccn": ccn, "period": period, "npi": npi(number), "final_incentive": amount, "status": "PAYABLE"}
            for (own, hospital, number), amount in _EARLIER_INCENTIVES.items()
            if (own, hospital) == (period, ccn)
        ]
        (folder / "incentives").mkdir(parents=True, exist_ok=True)
        name = f"HCIP_{ccn}_incentives_{period}_r1"
        files += write_table(_frame(marts.INCENTIVES, rows), marts.INCENTIVES, folder / "incentives", name)
    rows = [
        {"hospital_ccn": ccn, "period": period, "scope": scope, "internal_savings": amount}
        for (own, ccn, scope), amount in _EARLIER_SAVINGS.items()
        if own == period
    ]
    (folder / "savings").mkdir()
    name = f"HCIP_STATE_savings_{period}_r1"
    files += write_table(_frame(marts.SAVINGS, rows), marts.SAVINGS, folder / "savings", name)
    (folder / "audit").mkdir()
    for declared, rows in (
        (
            marts.PROGRAMS,
            [
                {
                    "hospital_ccn": ccn,
                    "period": period,
                    "first_performance_period": first,
                    "accepted_first_period": first,
                    "protocol_terms": "{}",
                    "protocol_approved_on": dt.date(2023, 12, 1),
                }
                for ccn, first in _STARTS.items()
                if period >= first
            ],
        ),
        (
            marts.OTHER_PROGRAMS,
            [
                {"hospital_ccn": ccn, "period": period, "reported_period": own, "program": other, "kind": kind}
                | {"amount": amount}
                for own, ccn, other, kind, amount in _EARLIER_OTHER_PROGRAMS
                if own <= period
            ],
        ),
    ):
        name = f"HCIP_STATE_{declared.name}_{period}_r1"
        files += write_table(_frame(declared, rows), declared, folder / "audit", name)
    older = replace(policy, text=policy.text + "# of its time\n", sha256="0" * 64)
    inputs = earlier_release_files(home, PerformancePeriod.parse(period))
    write_manifest(manifest(f"{period}_r1", folder, files, older, inputs, ("41",), None), folder)


def _earlier_sources() -> dict[str, pl.DataFrame]:
    return {
        "earlier_incentives": table(
            "earlier_incentives",
            [
                {"hospital_ccn": ccn, "period": period, "npi": npi(number), "final_incentive": amount}
                for (period, ccn, number), amount in _EARLIER_INCENTIVES.items()
            ],
        ),
        "earlier_savings": table(
            "earlier_savings",
            [
                {"hospital_ccn": ccn, "period": period, "scope": scope, "internal_savings": amount}
                for (period, ccn, scope), amount in _EARLIER_SAVINGS.items()
            ],
        ),
        "earlier_other_program_amounts": table(
            "earlier_other_program_amounts",
            _rows("period hospital_ccn program kind amount", *_EARLIER_OTHER_PROGRAMS),
        ),
        "earlier_payments": table(
            "earlier_payments",
            _rows(
                "period hospital_ccn npi paid_amount paid_on reference",
                ("2025H1", A, npi(1), D("800.00"), dt.date(2025, 11, 1), "a"),
                ("2025H1", A, npi(1), D("12.34"), dt.date(2025, 11, 2), "b"),
                ("2025H1", A, npi(3), D("90.00"), dt.date(2025, 11, 1), "a"),
                ("2025H1", A, npi(2), D("5.00"), dt.date(2025, 11, 1), "a"),
                ("2024H2", B, npi(4), D("40.00"), dt.date(2025, 5, 1), "a"),
            ),
        ),
        "protocol_findings": table(
            "protocol_findings",
            _rows(
                "hospital_ccn protocol_year finding_id subject severity message fix",
                (
                    A,
                    2025,
                    "COMMITTEE-NO-CMO",
                    "CMO",
                    "ERROR",
                    "no member of the oversight committee is the CMO",
                    "name",
                ),
            ),
        ),
        "protocol_committee": table(
            "protocol_committee",
            _rows(
                "hospital_ccn member credentials represents role is_physician",
                (A, "<script>alert(1)</script>", "MD", "physician", "CEO", True),
                (A, "Ann Example", "MBA", "hospital|consumer", "CFO", False),
            ),
        ),
        "committee_meetings": table(
            "committee_meetings",
            _rows(
                "hospital_ccn met_on members_present physicians_present",
                (A, dt.date(2025, 9, 3), 7, 4),
                (A, dt.date(2025, 12, 3), 6, 2),
            ),
        ),
    }


def _references() -> dict[str, pl.DataFrame]:
    index = {
        "core": ("98.2", "101.7", "104.9"),
        "supply_drug": ("91.5", "97.3", "108.8"),
        "total": ("96.4", "100.6", "105.7"),
    }
    factors = [
        (ccn, "ALL", year, D(markup), D("0.98"), D("0.02"), D("0.03"))
        for ccn, markup in ((A, "1.31"), (B, "1.27"), (C, "1.4"))
        for year in range(2023, 2027)
    ]
    return {
        "cost_index": table(
            "cost_index",
            [
                {"calendar_year": 2023 + offset, "component": component, "index_value": D(value)}
                for component, values in index.items()
                for offset, value in enumerate(values)
            ],
        ),
        "cost_factors": table(
            "cost_factors", _rows("hospital_ccn rate_center rate_year markup labor_market ime dsh", *factors)
        ),
        "rate_centers": table(
            "rate_centers",
            _rows(
                "rate_center name group component",
                ("MSG", "Medical surgical", "Room", "core"),
                ("MSS", "Supplies", "Supplies", "supply_drug"),
            ),
        ),
        "revenue_codes": table(
            "revenue_codes",
            _rows("revenue_code_from revenue_code_to rate_center", ("0120", "0129", "MSG"), ("0270", "0279", "MSS")),
        ),
        "per_diem": table(
            "per_diem",
            _rows("year severity amount", *((2025, severity, D("66.20") + 10 * int(severity)) for severity in "1234")),
        ),
    }


#: the fee schedule as claims would have it
ESTIMATES = [(B, npi(5), 2025, D("31234.56")), (B, npi(4), 2025, D("99999.99"))]


@dataclass(frozen=True)
class State:
    """The state before it is settled: its home with earlier periods' releases and its policy, and what is built."""

    home: Home
    policy: PolicyFile
    spec: BuildSpec

    @functools.cached_property
    def norms(self) -> dict[str, pl.DataFrame]:
        """The frozen norm table of the base year."""
        return {
            path.stem: pl.read_parquet(path) for path in sorted((self.home.root.parent / "norms").glob("*.parquet"))
        }


@functools.cache
def _state(folder: Path) -> State:
    """What :func:`_make` left below ``folder``."""
    home = Home(folder / "home")
    policy = load_policy(home.policy)
    elected = Elections(mpi_floor=D(150), mpi_ceiling=D(900), improvement_share=D("0.6"), physician_cap_percent=D(20))
    scenario = Scenario(
        _cases(),
        elections={A: elected},
        period=str(PERIOD),
        medical=("139", "140"),
        sources={**_program(), **_earlier_sources(), **_references()},
    )
    return State(home, policy, replace(scenario.spec(), policy=policy.policy))


def _make(folder: Path) -> None:
    """The state's home with earlier periods' releases, its norm table, the build of its period, and its release."""
    home = Home(folder / "home")
    home.inbox.mkdir(parents=True)
    home.policy.write_text(POLICY, encoding="utf-8")
    for name in ("2024H1", "2024H2", "2025H1"):
        _release_earlier(home, load_policy(home.policy), name)
    own = _state(folder)
    (folder / "norms").mkdir()
    for name, frame in norms_of(own).items():
        frame.write_parquet(folder / "norms" / f"{name}.parquet")
    release(own, own.norms, home, folder / "build")


def norms_of(of: State) -> dict[str, pl.DataFrame]:
    """The norm table as the models make it now."""
    return settlement_models.frozen_norms(norm_spec(of.spec))


def write_lake(spec: BuildSpec, file: Path) -> None:
    """What a build's file holds of program files, as a release reads it."""
    names = [*program.TABLES, *protocol.TABLES, *RATES, "earlier_payments"]
    with duckdb.connect(file) as connection:
        connection.begin()
        connection.execute("create schema lake")
        for name in names:
            source = spec.sources.get(name)
            assert source is None or isinstance(source, pl.DataFrame)
            if source is None:
                connection.execute(f'create table lake."{name}" as {LAKE_SOURCES[name].empty_select()}')
            else:
                connection.register("incoming", source.to_arrow())
                empty = LAKE_SOURCES[name].empty_select()
                connection.execute(f'create table lake."{name}" as {empty} union all by name from incoming')
        connection.commit()


def release(
    of: State,
    norms: dict[str, pl.DataFrame],
    home: Home,
    folder: Path,
    renderers: Mapping[str, Renderer] = RENDERERS,
) -> Path:
    """Compute the period in memory and write a release of it into ``home``."""
    built = compute(of, norms, folder)
    content = Content(of.policy, inputs_of(home), renderers=renderers, must_verify=False)
    return write_release(home, PERIOD, built, content).folder


def inputs_of(home: Home) -> list[dict[str, Any]]:
    """What the state says it was made from."""
    inputs: list[dict[str, Any]] = [{"file": "hospital/2025Q3/210001/discharges.csv", "sha256": "0" * 64, "rows": 1}]
    return inputs + earlier_release_files(home, PERIOD)


def compute(of: State, norms: dict[str, pl.DataFrame], folder: Path) -> BuildResult:
    """Compute the period in memory and put it into ``folder`` as a build would."""
    spec = replace(of.spec, sources=dict(of.spec.sources) | norms)
    folder.mkdir(parents=True)
    file = folder / "hcip.duckdb"
    of_claims = {table.name: table for table in marts.MARTS["claims"]}  # claims have tests of their own
    needed = [f"marts.{name}" for name in marts.TABLES.keys() - of_claims.keys()]
    needed += ["intermediate.int_case_windows", "intermediate.int_cases"]
    needed += ["intermediate.int_counted_cases", "intermediate.int_norms_in_force"]
    with settlement_models.run(spec, estimates=ESTIMATES, also=settlement_models.REPORTS) as connection:
        connection.execute(f"attach '{file}' as built")
        connection.begin()  # one commit, not one a table
        connection.execute("create schema built.marts; create schema built.intermediate")
        for name in needed:
            connection.execute(f"create table built.{name} as from memory.{name}")
        for name, contract in of_claims.items():
            connection.execute(f"create table built.marts.{name} as {contract.empty_select()}")
        connection.commit()
    write_lake(spec, file)
    passed = (NodeResult("model.hcip.settlement", "success", 0, 0, ""),)
    return BuildResult(spec, file, passed, fingerprints(file))


@pytest.fixture(scope="session")
def unreleased(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> State:
    """The state before it is settled; in its home lies the release all the same (``fresh_home`` is without)."""
    return _state(built_once(tmp_path_factory, worker_id, "released_state", _make))


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the state's release, ``releases/2025H2/r1``. Not to be changed: copy ``releases`` to spoil it."""
    folder = built_once(tmp_path_factory, worker_id, "released_state", _make)
    return _state(folder).home.releases / str(PERIOD) / "r1"


@pytest.fixture(scope="session")
def build_of_released(released: Path, unreleased: State) -> BuildResult:
    """The build that ``released`` was written from. Not to be changed."""
    file = released.parents[3] / "build" / "hcip.duckdb"
    passed = (NodeResult("model.hcip.settlement", "success", 0, 0, ""),)
    return BuildResult(unreleased.spec, file, passed, fingerprints(file))


@pytest.fixture
def fresh_home(unreleased: State, tmp_path: Path) -> Home:
    """A home like the state's before its release: earlier periods' releases and the policy."""
    home = Home(tmp_path / "home")
    shutil.copytree(unreleased.home.root, home.root, ignore=shutil.ignore_patterns("2025H2"))
    return home
