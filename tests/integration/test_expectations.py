"""Expectation suites for stakeholders, on valid and invalid files: failures are counted, and no cell is quoted."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.checks.expectations import suites
from hcip_pipeline.checks.expectations.page import expectations_page
from hcip_pipeline.checks.expectations.running import validate_quarter, validate_release
from hcip_pipeline.checks.expectations.validation import SuiteResult, validate
from hcip_pipeline.contracts import audit, marts
from hcip_pipeline.contracts.hospital import DATA_QUALITY, LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import files_in_force, ingest_quarter
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from tests.intake_submissions import CCN, POLICY, QUARTER, Draft, reference
from tests.settled_home import SettledHome

pytestmark = pytest.mark.slow
PERIOD = PerformancePeriod(2025, 1)
ALL = (*suites.of_submissions(QUARTER, 1), *suites.of_release(PERIOD, 10))
RELEASED = [suite.table for suite in suites.of_release(PERIOD, 10)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    Draft().send(home)
    ingest_quarter(home, QUARTER, POLICY, reference=reference())
    return home


@pytest.fixture(scope="module")
def faulty(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, SuiteResult]:
    """The accepted discharges with one fault of every kind, and invented tables of a release."""
    folder = tmp_path_factory.mktemp("faulty")
    discharges = pl.read_parquet(files_in_force(home, "discharges", QUARTER))
    first = pl.int_range(pl.len()) == 0
    changed = discharges.with_columns(
        pl.when(first)
        .then(pl.col("discharge_date") + timedelta(days=400))
        .otherwise("discharge_date")
        .alias("discharge_date"),
        pl.when(first).then(pl.lit("x")).otherwise("identifier_type").alias("identifier_type"),
        pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise("patient_id").alias("patient_id"),
        pl.when(first).then(pl.lit("SECRET")).otherwise("attending_npi").alias("attending_npi"),
    )
    pl.concat([changed, changed.tail(1)]).write_parquet(folder / "discharges.parquet")
    schema = marts.CONSERVATION.schema
    row = ("2025H1", "counted", "performance", CCN, 10, 8, 1, Decimal(0), Decimal(0), Decimal(0))
    pl.DataFrame([row], schema=schema, orient="row").write_parquet(folder / "conservation.parquet")
    quality = DATA_QUALITY.schema
    rows = [{"quarter": "2025Q1", "hospital_ccn": CCN, "table": "t", "rule": "r", "column": "c", "severity": "WARN",
             "rows": 4, "description": "d", "fix": "f"}]  # fmt: skip
    pl.DataFrame(rows, schema=quality).write_parquet(folder / "data_quality.parquet")
    found = validate(ALL, {path.stem: [path] for path in folder.glob("*.parquet")})
    return {result.suite.table: result for result in found}


def not_met(result: SuiteResult) -> dict[str, int | None]:
    return {outcome.statement: outcome.unexpected for outcome in result.failed}


def test_valid_files_meet_every_expectation(home: Home) -> None:
    validated = validate_quarter(home, QUARTER)
    assert [(result.suite.table, result.rows, not_met(result)) for result in validated.results] == [
        ("discharges", 120, {}),
        ("charges", 360, {}),
    ]
    assert "as expected" in validated.page.read_text(encoding="utf-8")


def test_each_fault_is_counted_under_the_expectation_it_breaks(faulty: dict[str, SuiteResult]) -> None:
    assert not_met(faulty["discharges"]) == {
        "Every discharge is in 2025Q1": 1,
        "identifier_type is one of NPI, LICENSE": 1,
        "At least 98% of discharges have the statewide patient id": 10,
        "No two rows share hospital_ccn and account_no": 2,
    }  # one NPI in a hundred and twenty may be wrong
    assert not_met(faulty["conservation"]) == {"Cases received equal cases kept plus cases excluded": 1}
    assert not_met(faulty["data_quality"]) == {"No count of 1 to 10 rows is shown": 1}


def test_a_missing_file_meets_no_expectation(faulty: dict[str, SuiteResult]) -> None:
    assert faulty["norms"].rows is None and not faulty["norms"].met
    assert all(result.rows is None for result in validate(ALL, {}))


def test_every_expectation_can_be_evaluated(faulty: dict[str, SuiteResult], tmp_path: Path) -> None:
    """On an empty table with the contract's columns, only 'at least one row' and counts can fail."""
    contracts = {"discharges": LAKE_DISCHARGES, "charges": LAKE_CHARGES, "data_quality": DATA_QUALITY, **marts.TABLES}
    contracts["norms"] = audit.PUBLIC_NORMS
    files = {}
    for suite in ALL:
        schema = contracts[suite.table].schema
        files[suite.table] = [tmp_path / f"{suite.table}.parquet"]
        pl.DataFrame(schema=schema).write_parquet(files[suite.table][0])
    for result in validate(ALL, files):
        allowed = {
            "There is at least one row",
            *(o.statement for o in result.failed if o.statement.startswith("There are at least as many hospitals")),
        }
        assert set(not_met(result)) <= allowed, result.suite.table


def test_the_page_shows_expectations_and_counts_but_no_cell(faulty: dict[str, SuiteResult]) -> None:
    page = expectations_page("<Release>", "Files.", list(faulty.values()))
    assert "SECRET" not in page and "A10000" not in page and "<script" not in page and "://" not in page
    assert "&lt;Release&gt;" in page and "Cases received equal cases kept plus cases excluded" in page
    assert "There is no file to examine" in page


def test_a_dagster_check_reports_counts_only(home: Home) -> None:
    job = build_defs(resources={"home": HomeResource(path=str(home.root))}).resolve_job_def("check_quarter")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, partition_key=str(QUARTER))
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert set(checks) == {"discharges_as_expected", "charges_as_expected"}
    found = checks["discharges_as_expected"]
    assert found.passed and found.metadata["rows"].value == 120 and found.metadata["not met"].value == {}


def test_the_suites_are_those_that_dagster_shows() -> None:
    graph = build_defs().resolve_asset_graph()
    for key, of in (
        ("quarter_page", suites.of_submissions(QUARTER, 1)),
        ("release_page", suites.of_release(PERIOD, 10)),
    ):
        shown = {check.name for check in graph.asset_check_keys if check.asset_key == dg.AssetKey(key)}
        assert shown == {f"{suite.table}_as_expected" for suite in of}


def test_a_release_of_a_synthetic_state_meets_every_expectation(settled_home: SettledHome, tmp_path: Path) -> None:
    """Every table of such a release has the column SYNTHETIC besides those of the data dictionary."""
    home = settled_home.copy(tmp_path / "home", "inbox", "releases")
    validated = validate_release(home, PERIOD, load_policy(home.policy).policy)
    assert {result.suite.table: not_met(result) for result in validated.results} == {table: {} for table in RELEASED}


def test_the_command_reports_what_is_not_met(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        cli.main(["expectations", str(QUARTER), "--home", str(home.root), "--json"])
    assert done.value.code in (0, None)
    (reported,) = json.loads(capsys.readouterr().out)
    assert reported["met"] and reported["tables"][0]["rows"] == 120
    with pytest.raises(SystemExit) as done:
        cli.main(["expectations", "2024Q1", "--home", str(home.root)])
    assert done.value.code == 1
    assert "no file" in capsys.readouterr().out
