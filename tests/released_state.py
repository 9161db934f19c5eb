"""A small state, settled and released once per test session: three hospitals for which every rule has an effect.

Hospital A is in its second program year, with elections, conditions of uneven weights and the cumulative limit. B is in
its first, with a pool notice that is too small for everybody. C has no protocol, and contests its notice. Earlier
periods are releases too, hand-made with the tables that the next period reads.
"""

from __future__ import annotations

import datetime as dt
import functools
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from hcip_pipeline.contracts import marts, program, protocol
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile, load_policy
from hcip_pipeline.policy.model import Elections
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.renderers import RENDERERS
from hcip_pipeline.publishing.writer import write_release
from hcip_pipeline.release.documents import Renderer
from hcip_pipeline.release.manifest import Origin, manifest, write_manifest
from hcip_pipeline.release.tables import write_table
from hcip_pipeline.settlement.earlier_releases import earlier_release_files
from hcip_pipeline.settlement.norm_tables import norm_spec
from hcip_pipeline.warehouse.build import BuildResult, NodeResult, fingerprints
from hcip_pipeline.warehouse.spec import BuildSpec
from tests import settlement_models
from tests.released_inputs import (
    EARLIER_INCENTIVES,
    EARLIER_OTHER_PROGRAMS,
    EARLIER_SAVINGS,
    NAMES,
    PERIOD,
    PROGRAM_STARTS,
    A,
    B,
    C,
    D,
    cases,
    earlier_sources,
    program_sources,
    reference_sources,
)
from tests.scenario import Scenario, npi
from tests.shared_state import built_once

__all__ = ["NAMES", "PERIOD", "A", "B", "C"]

POLICY = """\
version: released-state
base_year: 2023
min_cases_per_cell: 18
improvement_percentile: 0.8
performance_exponent: 1
"""


def _frame(declared: Table, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a released table; missing columns are zero or null."""
    zero = {"money": D(0), "integer": 0, "text": "", "ratio": D(0), "mean": D(0), "boolean": False}
    plain = {c.name: None if c.nullable else zero[c.type] for c in declared.columns}
    schema = declared.schema
    return pl.DataFrame([plain | row for row in rows], schema=schema, orient="row")


def _release_earlier(home: Home, policy: PolicyFile, period: str) -> None:
    """A release with only the tables that later periods read."""
    folder = home.releases / period / "r1"
    files = []
    for ccn in (A, B):
        rows = [
            {"hospital_ccn": ccn, "period": period, "npi": npi(number), "final_incentive": amount, "status": "PAYABLE"}
            for (own, hospital, number), amount in EARLIER_INCENTIVES.items()
            if (own, hospital) == (period, ccn)
        ]
        (folder / "incentives").mkdir(parents=True, exist_ok=True)
        name = f"HCIP_{ccn}_incentives_{period}_r1"
        files += write_table(_frame(marts.INCENTIVES, rows), marts.INCENTIVES, folder / "incentives", name)
    rows = [
        {"hospital_ccn": ccn, "period": period, "scope": scope, "internal_savings": amount}
        for (own, ccn, scope), amount in EARLIER_SAVINGS.items()
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
                for ccn, first in PROGRAM_STARTS.items()
                if period >= first
            ],
        ),
        (
            marts.OTHER_PROGRAMS,
            [
                {"hospital_ccn": ccn, "period": period, "reported_period": own, "program": other, "kind": kind}
                | {"amount": amount}
                for own, ccn, other, kind, amount in EARLIER_OTHER_PROGRAMS
                if own <= period
            ],
        ),
    ):
        name = f"HCIP_STATE_{declared.name}_{period}_r1"
        files += write_table(_frame(declared, rows), declared, folder / "audit", name)
    older = replace(policy, text=policy.text + "# of its time\n", sha256="0" * 64)
    inputs = earlier_release_files(home, PerformancePeriod.parse(period))
    write_manifest(manifest(Origin(f"{period}_r1", older, inputs, ("41",), None), folder, files), folder)


#: fee-schedule amounts as claims would give them
ESTIMATES = [(B, npi(5), 2025, D("31234.56")), (B, npi(4), 2025, D("99999.99"))]


@dataclass(frozen=True)
class State:
    """The state before it is settled: its home with earlier periods' releases and policy, and its build."""

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
    """The state that :func:`_make` wrote into ``folder``."""
    home = Home(folder / "home")
    policy = load_policy(home.policy)
    elected = Elections(mpi_floor=D(150), mpi_ceiling=D(900), improvement_share=D("0.6"), physician_cap_percent=D(20))
    scenario = Scenario(
        cases(),
        elections={A: elected},
        period=str(PERIOD),
        medical=("139", "140"),
        sources={**program_sources(), **earlier_sources(), **reference_sources()},
    )
    return State(home, policy, replace(scenario.spec(), policy=policy.policy))


def _make(folder: Path) -> None:
    """Make the state's home: earlier periods' releases, norm table, the build of the period, and its release."""
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
    """The norm table as the models compute it now."""
    return settlement_models.frozen_norms(norm_spec(of.spec))


def write_lake(spec: BuildSpec, file: Path) -> None:
    """Write the program files' tables into a build's file, where a release reads them."""
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
    """The inputs that the release lists."""
    inputs: list[dict[str, Any]] = [{"file": "hospital/2025Q3/210001/discharges.csv", "sha256": "0" * 64, "rows": 1}]
    return inputs + earlier_release_files(home, PERIOD)


def compute(of: State, norms: dict[str, pl.DataFrame], folder: Path) -> BuildResult:
    """Compute the period in memory and write it into ``folder`` as a build would."""
    spec = replace(of.spec, sources=dict(of.spec.sources) | norms)
    folder.mkdir(parents=True)
    file = folder / "hcip.duckdb"
    of_claims = {table.name: table for table in marts.MARTS["claims"]}  # claims have tests of their own
    needed = [f"marts.{name}" for name in marts.TABLES.keys() - of_claims.keys()]
    needed += ["intermediate.int_case_windows", "intermediate.int_cases"]
    needed += ["intermediate.int_counted_cases", "intermediate.int_norms_in_force"]
    with settlement_models.run(spec, estimates=ESTIMATES, also=settlement_models.REPORTS) as connection:
        settlement_models.store(connection, file, needed, of_claims.values())
    write_lake(spec, file)
    passed = (NodeResult("model.hcip.settlement", "success", 0, 0, ""),)
    return BuildResult(spec, file, passed, fingerprints(file))


@pytest.fixture(scope="session")
def unreleased(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> State:
    """The state before it is settled; its home nevertheless has the release (``fresh_home`` has not)."""
    return _state(built_once(tmp_path_factory, worker_id, "released_state", _make))


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of the state's release, ``releases/2025H2/r1``. Do not change it: copy ``releases`` instead."""
    folder = built_once(tmp_path_factory, worker_id, "released_state", _make)
    return _state(folder).home.releases / str(PERIOD) / "r1"


@pytest.fixture(scope="session")
def build_of_released(released: Path, unreleased: State) -> BuildResult:
    """The build from which ``released`` was written. Do not change it."""
    file = released.parents[3] / "build" / "hcip.duckdb"
    passed = (NodeResult("model.hcip.settlement", "success", 0, 0, ""),)
    return BuildResult(unreleased.spec, file, passed, fingerprints(file))


@pytest.fixture
def fresh_home(unreleased: State, tmp_path: Path) -> Home:
    """A home like the state's before its release: earlier periods' releases and the policy."""
    home = Home(tmp_path / "home")
    shutil.copytree(unreleased.home.root, home.root, ignore=shutil.ignore_patterns("2025H2"))
    return home
