"""`hcip run --engine spark`: every mart has the same rows as on DuckDB, and the release the same bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal

import dagster as dg
import duckdb
import pytest

pytest.importorskip("pyspark", reason="Spark has an environment of its own: make spark")

from hcip_pipeline.cli import main
from hcip_pipeline.contracts import marts
from hcip_pipeline.home.folders import Home
from hcip_pipeline.release.manifest import FILE_NAME
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.settlement.recognition import outlook
from hcip_pipeline.synthetic import demo_state
from tests.spark.both_engines import PERIOD, Both, settle_on_both
from tests.ui.browsing import interface

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The first half-year of ``hcip demo`` on both engines; Spark's builds pass the project's checks, too."""
    home = Home(tmp_path_factory.mktemp("demo") / "home")
    demo_state(home.inbox, seed=2025)
    yield settle_on_both(home)


@pytest.mark.parametrize("name", sorted(marts.TABLES))
def test_a_mart_has_the_same_rows_on_both_engines(both: Both, name: str) -> None:
    assert both.duckdb.build.result.fingerprints[name] == both.spark.build.result.fingerprints[name]


def test_the_norm_table_is_the_same(both: Both) -> None:
    ours, sparks = (_norms(settled.home) for settled in (both.duckdb, both.spark))
    assert ours == sparks
    assert len(ours) == 6


def test_the_release_has_the_same_bytes_except_for_the_name_of_the_engine(both: Both) -> None:
    ours, sparks = both.duckdb.files(), both.spark.files()
    assert ours.keys() == sparks.keys()
    assert [path for path in ours if ours[path] != sparks[path]] == [FILE_NAME]
    named = json.loads(sparks[FILE_NAME])
    assert named.pop("engine") == "spark"
    assert list(named.items()) == list(json.loads(ours[FILE_NAME]).items())


def test_the_release_verifies(both: Both) -> None:
    assert verify_release(both.spark.release.folder).ok


def test_a_period_is_recognized_as_unchanged_on_either_engine(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    home = both.spark.home
    for engine in ("spark", "duckdb"):
        main(["run", str(PERIOD), "--home", str(home.root), "--engine", engine, "--json"])
        facts = json.loads(capsys.readouterr().out)
        assert (facts["release"], facts["is_new"]) == ("r1", False)
    assert outlook(home, PERIOD).unchanged == both.spark.release.folder


def test_a_release_made_on_spark_is_reproduced_on_duckdb(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", str(PERIOD), "--home", str(both.spark.home.root), "--engine", "duckdb"])
    assert ended.value.code == 0, capsys.readouterr()


def test_diff_finds_no_difference_between_the_releases(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["diff", str(both.duckdb.release.folder), str(both.spark.release.folder), "--json"])
    compared = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0 and not compared["payments"] and not compared["savings"]


def test_a_run_that_the_ui_launches_with_the_tag_is_computed_on_spark(both: Both) -> None:
    """The half-year that DuckDB released, settled again from the UI: Spark finds nothing that has changed."""
    home = both.duckdb.home
    with interface(home) as running:
        launched = running.query(_LAUNCH)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run, status = launched["run"]["runId"], ""
        end = time.monotonic() + _PATIENCE
        while status not in ("SUCCESS", "FAILURE", "CANCELED") and time.monotonic() < end:
            time.sleep(1)
            status = running.query(f'{{runOrError(runId:"{run}"){{... on Run{{status}}}}}}')["runOrError"]["status"]
        with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
            failures = instance.all_logs(run, of_type=dg.DagsterEventType.STEP_FAILURE)
            assert status == "SUCCESS", [entry.dagster_event for entry in failures]
            (event,) = (
                entry.asset_materialization
                for entry in instance.all_logs(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
                if entry.asset_materialization and entry.asset_materialization.asset_key == dg.AssetKey("release")
            )
    reported = {name: value.value for name, value in event.metadata.items()}
    assert (reported["engine"], reported["release"], reported["new"]) == ("spark", "r1", False)


_PATIENCE = 900
_LAUNCH = """mutation{launchRun(executionParams:{
  selector:{repositoryName:"__repository__", repositoryLocationName:"hcip", jobName:"settlement"}, mode:"default",
  runConfigData:"{}", executionMetadata:{tags:[
    {key:"dagster/partition", value:"2025H1"}, {key:"hcip/engine", value:"spark"}]}
}){__typename ... on LaunchRunSuccess{run{runId}} ... on PythonError{message}}}"""


def test_a_study_has_the_same_files_on_both_engines(both: Both) -> None:
    home = both.duckdb.home
    files: list[dict[str, bytes]] = []
    for engine in ("duckdb", "spark"):
        main(["study", "--from", "2025-01-01", "--to", "2025-06-30", "--home", str(home.root), "--engine", engine])
        (folder,) = home.studies.iterdir()
        files.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert files[0] == files[1] and len(files[0]) > 3


def test_a_simulation_computes_next_to_a_build_of_spark(both: Both, capsys: pytest.CaptureFixture[str]) -> None:
    """The models that a scenario changes run on this machine and read Spark's files."""
    reported = []
    for settled in (both.duckdb, both.spark):
        scenarios = settled.home.root / "scenarios.yaml"
        scenarios.write_text(
            "{steep: {performance_exponent: 2}, by cases: {norm_method: case_percentile}}\n", encoding="utf-8"
        )
        main(["simulate", str(PERIOD), str(scenarios), "--home", str(settled.home.root), "--json"])
        reported.append(json.loads(capsys.readouterr().out))
        del reported[-1]["files"]
    assert reported[0] == reported[1]


def test_every_reduction_of_the_waterfall_applies(both: Both) -> None:
    """Comparing rows that are all zero would show nothing."""
    with duckdb.connect(both.spark.build.result.file, read_only=True) as connection:
        paid = connection.sql("select * from marts.incentives").pl()
    assert set(paid["status"]) == {"PAYABLE", "HELD", "ZERO"}
    assert paid["final_incentive"].sum() > Decimal(1000)
    reduced = ("conditions_adjustment", "standing_adjustment", "committee_adjustment", "pfs_cap_adjustment")
    for step in (*reduced, "distribution_limit_adjustment"):
        assert paid[step].min() < 0, f"no payment is reduced by {step}"


def _norms(home: Home) -> dict[str, bytes]:
    (folder,) = (path for path in (home.lake / "norms").iterdir() if path.is_dir())
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
