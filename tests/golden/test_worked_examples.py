"""The worked examples of methodology §6–7, to the cent, through the real models."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcip_pipeline.policy.model import Elections
from hcip_pipeline.warehouse.build import COMPILED, BuildResult, BuildStoppedError, build
from hcip_pipeline.warehouse.project import manifest_path
from hcip_pipeline.warehouse.rendering import Renderer, checks, models, with_catalogs
from tests.scenario import HOSPITAL, Case, Scenario, Settled, npi

pytestmark = pytest.mark.slow

D = Decimal
SURGEONS = {
    1: (13_000, 15_000),
    2: (15_500, 16_500),
    3: (17_000, 19_000),
    4: (20_000, 24_000),
    5: (25_000, 27_000),
}
HOSPITALISTS = {
    1: (5_500, 6_500),
    2: (6_800, 7_200),
    3: (7_600, 8_400),
    4: (9_000, 11_000),
    5: (11_500, 12_500),
}
#: The examples lower the cell minimum to 10 cases and set no bounds on the maximum physician incentive.
POLICY = {"min_cases_per_cell": 10}
UNBOUNDED = {HOSPITAL: Elections(mpi_floor=None, mpi_ceiling=None)}


def _cases(costs: dict[int, tuple[int, int]], apr_drg: str) -> list[Case]:
    return [
        Case(npi(number), cost, day, apr_drg=apr_drg)
        for day in (dt.date(2023, 3, 1), dt.date(2025, 3, 1))
        for number, pair in costs.items()
        for cost in pair
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    """The surgical example by dbt, as a run builds it."""
    scenario = Scenario(_cases(SURGEONS, "301"), policy=POLICY, elections=UNBOUNDED)
    return scenario.build(tmp_path_factory.mktemp("surgical"))


@pytest.fixture(scope="module")
def surgical(built: BuildResult) -> Settled:
    return Settled(duckdb.connect(built.file, read_only=True))


@pytest.fixture(scope="module")
def medical() -> Settled:
    """The medical example by the same models in memory."""
    return Scenario(_cases(HOSPITALISTS, "139"), policy=POLICY, elections=UNBOUNDED).compute()


def test_surgical_norms_by_all_three_methods(surgical: Settled) -> None:
    norms = {row["norm_method"]: row for row in surgical.rows("select * from norms")}
    physician = norms["physician_percentile"]
    assert physician["best_practice_norm"] == D("16000.00")
    assert physician["p75_cost"] == D("22000.00")
    assert physician["improvement_ceiling_cost"] == D("22000.00")
    assert physician["best_practice_variance"] == D("36500.00")
    assert physician["total_available_incentive"] == D("3650.00")
    assert physician["maximum_physician_incentive"] == D("365.00")
    assert physician["mean_cost"] == D("19200.0000")
    assert physician["cost_weight"] == D("1.00000000")
    assert (physician["cases"], physician["physicians"]) == (10, 5)
    assert norms["case_percentile"]["best_practice_norm"] == D("15750.00")
    assert norms["case_percentile"]["p75_cost"] == D("23000.00")
    assert norms["mean_below_threshold"]["best_practice_norm"] == D("14500.00")


def test_surgical_split_and_fractions(surgical: Settled) -> None:
    cases = surgical.rows(f"select * from incentive_cases where npi = '{npi(3)}' order by cost")
    assert {case["mpi_improvement"] for case in cases} == {D("243.33")}
    assert {case["mpi_performance"] for case in cases} == {D("121.67")}
    assert [case["performance_fraction"] for case in cases] == [D("0.83333333"), D("0.50000000")]
    assert [case["performance_incentive"] for case in cases] == [D("101.39"), D("60.84")]
    assert {case["stream"] for case in cases} == {"surgical"}


def test_surgical_performance_incentives(surgical: Settled) -> None:
    paid = {row["npi"]: row["performance_incentive"] for row in surgical.rows("select * from incentives")}
    assert paid == {
        npi(1): D("243.34"),
        npi(2): D("233.20"),
        npi(3): D("162.23"),
        npi(4): D("40.56"),  # mean 22,000, not above P75
        npi(5): D("0.00"),
    }


def test_medical_example(medical: Settled) -> None:
    (norm,) = medical.rows("select * from norms where norm_method = 'physician_percentile'")
    assert (norm["best_practice_norm"], norm["p75_cost"]) == (D("7000.00"), D("10000.00"))
    assert norm["best_practice_variance"] == D("18200.00")
    assert norm["maximum_physician_incentive"] == D("182.00")
    cases = medical.rows(f"select * from incentive_cases where npi = '{npi(3)}' order by cost")
    assert {(case["mpi_improvement"], case["mpi_performance"]) for case in cases} == {(D("121.33"), D("60.67"))}
    assert [case["performance_fraction"] for case in cases] == [D("0.80000000"), D("0.53333333")]
    assert [case["performance_incentive"] for case in cases] == [D("48.54"), D("32.36")]
    (paid,) = medical.rows(f"select * from incentives where npi = '{npi(3)}'")
    assert paid["performance_incentive"] == D("80.90")
    assert (paid["medical_cases"], paid["surgical_cases"]) == (2, 0)


def test_ledger_balances(surgical: Settled) -> None:
    ledger = surgical.rows("select * from conservation")
    assert {row["stage"] for row in ledger} >= {"1 intake", "3 costs", "4 exclusions", "5 norms", "6 care partners"}
    for row in ledger:
        assert row["cases_in"] == row["cases_kept"] + row["cases_excluded"]
        assert row["amount_in"] == row["amount_kept"] + row["amount_excluded"]


def test_stock_materializations_build_the_same_rows(
    built: BuildResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCIP_STOCK", "1")
    stock = Scenario(_cases(SURGEONS, "301"), policy=POLICY, elections=UNBOUNDED).build(tmp_path / "stock")
    assert built.fingerprints == stock.fingerprints and built.fingerprints
    kinds = {node["config"]["materialized"] for node in json.loads(manifest_path().read_bytes())["nodes"].values()}
    assert not {kind for kind in kinds if kind.startswith("fresh")}


def test_a_repeated_key_is_reported_with_its_table(built: BuildResult, tmp_path: Path) -> None:
    rates = {name: table for name, table in built.spec.sources.items() if isinstance(table, pl.DataFrame)}
    twice = {name: pl.concat([rates[name], rates[name]]) for name in ("hospitals", "apr_drg")}
    spec = replace(built.spec, sources={**built.spec.sources, **twice})
    stated = "the check keys_of_staging_reference found 2 rows that break it (stg_apr_drgs: 1 repeated key "
    with pytest.raises(BuildStoppedError) as stopped:
        build(spec, tmp_path, select="staging.reference")
    assert f"{stated}(grouper_version, apr_drg); stg_hospitals: 1 repeated key (hospital_ccn))" in str(stopped.value)


def test_every_model_and_check_is_rendered_as_dbt_compiles_it(built: BuildResult) -> None:
    """The SQL that simulations, what-if and these tests run without dbt is identical to dbt's."""
    renderer = Renderer(built.spec.dbt_vars())
    compiled = {path.stem: path for path in (built.file.parent / COMPILED).glob("compiled/hcip/**/*.sql")}
    for names, render in ((models(), renderer.model), (checks(), renderer.check)):
        assert names.keys() <= compiled.keys()
        for name in names:
            sql = with_catalogs(render(name), lambda _schema, _table: built.file.stem)
            assert sql.strip() == compiled[name].read_text(encoding="utf-8").strip(), name


def test_the_models_in_memory_make_the_tables_of_dbt(built: BuildResult) -> None:
    settled = Scenario(_cases(SURGEONS, "301"), policy=POLICY, elections=UNBOUNDED).compute()
    made = [row["table_name"] for row in settled.rows("from duckdb_tables() where schema_name = 'marts'")]
    assert {"incentives", "incentive_cases", "norms", "savings", "conservation"} <= set(made)
    for name in made:
        row = settled.row(f'select count(*) as rows, coalesce(sum(hash(each)), 0) as sum from marts."{name}" as each')
        assert f"{row['rows']}:{row['sum']}" == built.fingerprints[name], name
