"""Assets materialized on a home: what its Dagster instance shows afterward, and how errors reach the caller."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.execution import ingest, settle
from hcip_pipeline.assets.instance import instance_folder
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.assets.runs import RunOptions, runs_on
from hcip_pipeline.checks.expectations import suites
from hcip_pipeline.definitions import defs
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.publishing.writer import releases_of
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.settlement.recognition import outlook, save_inbox_contents
from hcip_pipeline.warehouse.build import FILE_NAME, BuildStoppedError, NodeResult, fingerprints
from tests.rendered_builds import RenderedEngine
from tests.settled_home import PERIOD, SettledHome, digest, materialize_release

pytestmark = pytest.mark.slow


@pytest.fixture
def editable(settled_home: SettledHome, tmp_path: Path) -> Home:
    """The same home, not yet released, that a test may change."""
    return settled_home.copy(tmp_path / "home")


@pytest.fixture
def editable_with_history(settled_home: SettledHome, tmp_path: Path) -> Home:
    """The same home, including its history of runs."""
    return settled_home.copy(tmp_path / "home", has_history=True)


def test_every_asset_of_the_graph_was_materialized_for_its_partition(settled_home: SettledHome) -> None:
    with settled_home.instance() as instance:
        for key in defs.resolve_job_def("settlement").asset_layer.selected_asset_keys:
            event = instance.get_latest_materialization_event(key)
            assert event is not None and event.asset_materialization is not None, key
            is_of_a_period = defs.resolve_asset_graph().get(key).is_partitioned
            assert event.asset_materialization.partition == ("2025H1" if is_of_a_period else None), key
        quarters = instance.get_materialized_partitions(dg.AssetKey("submissions"))
    assert quarters == {"2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2"}


def test_every_check_ran_and_passed(settled_home: SettledHome) -> None:
    others = {"cms_claim_files", "quarter_page", "release_page"}  # these have jobs of their own
    checks = {key for key in defs.resolve_asset_graph().asset_check_keys if key.asset_key.path[0] not in others}
    with settled_home.instance() as instance:
        records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    outcomes = {key.name: records[key].status.value if key in records else "did not run" for key in checks}
    # The synthetic hospitals' committees have gaps to find, some payments are held, and there are no CMS files.
    warnings = {"protocols_accepted", "nothing_is_missing", "nothing_is_held"}
    assert {name: outcome for name, outcome in outcomes.items() if outcome != "SUCCEEDED"}.keys() <= warnings


def test_row_counts_are_those_of_the_warehouse(settled_home: SettledHome) -> None:
    file = settled_home.home.warehouse / "2025H1" / FILE_NAME
    with duckdb.connect(file, read_only=True) as connection, settled_home.instance() as instance:
        tables = ("marts.incentives", "marts.norms", "intermediate.int_cases", "staging.stg_discharges")
        for table, asset in zip(tables, ("incentives", "norms", "cases", "discharges"), strict=True):
            row = connection.execute(f"select count(*) from {table}").fetchone()
            event = instance.get_latest_materialization_event(dg.AssetKey(asset))
            assert event is not None and event.asset_materialization is not None and row is not None
            assert event.asset_materialization.metadata["dagster/partition_row_count"].value == row[0], table


def test_intake_accounts_for_every_row(settled_home: SettledHome) -> None:
    with settled_home.instance() as instance:
        records = instance.fetch_materializations(dg.AssetKey("submissions"), limit=100).records
    assert {record.partition_key for record in records} == {f"2024Q{n}" for n in range(1, 5)} | {"2025Q1", "2025Q2"}
    for record in records:
        assert record.asset_materialization is not None
        recorded: dict[str, Any] = {n: value.value for n, value in record.asset_materialization.metadata.items()}
        for table in ("discharges", "charges"):
            outcomes = sum(recorded[f"{table} {outcome}"] for outcome in ("accepted", "quarantined", "superseded"))
            assert recorded[f"{table} read"] == outcomes > 0
        assert recorded["submissions"] == 2 and recorded["files"] == 6


def test_no_patient_is_in_the_event_log(settled_home: SettledHome) -> None:
    """Metadata, checks and logs have counts and rule ids, but no account number, patient id or birth date."""
    files = (settled_home.home.inbox / "hospital").rglob("discharges.csv")
    rows = pl.concat([pl.read_csv(file, infer_schema=False) for file in files])
    private = {value for name in ("account_no", "patient_id") for value in rows[name].unique() if value}
    assert len(private) > 500
    with settled_home.instance() as instance:
        entries = [entry for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    logged = "\n".join(dg.serialize_value(entry) for entry in entries)
    assert len(logged) > 10_000
    words = set(re.findall(r"\w+", re.sub(r"\d+\.\d+", "", logged)))  # the digits of a duration may equal a number
    assert not private & words


def test_other_users_of_the_machine_cannot_read_a_runs_files(settled_home: SettledHome) -> None:
    """Not even if the process was not started by ``hcip``, as in this test."""
    home = settled_home.home
    written = [path for folder in (home.lake, home.warehouse, home.releases) for path in [folder, *folder.rglob("*")]]
    assert [path for path in written if path.stat().st_mode & 0o027] == []


def test_progress_is_reported_in_the_users_terms(settled_home: SettledHome) -> None:
    assert any(message.startswith("2024Q1/") for message in settled_home.messages)
    assert any("building the norms of 2024: 1 of " in message for message in settled_home.messages)
    assert settled_home.messages[-1] == "2025H1: writing the release"


def test_an_error_reaches_the_caller_as_it_was_raised(editable: Home) -> None:
    policy = editable.root / "other_policy.yaml"
    policy.write_text("version: other\nbase_year: 2019\n", encoding="utf-8")
    with runs_on(editable, RunOptions(policy)) as runs:
        with pytest.raises(HcipError) as raised:
            runs.run("settlement", PERIOD)
        assert raised.value.rule == "BASE-YEAR-MISSING"
        assert runs.instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.FAILURE
    assert not releases_of(editable, PERIOD)


def test_a_policy_that_cannot_be_read_starts_no_run(editable: Home) -> None:
    with pytest.raises(HcipError, match=r"no_such_policy\.yaml"):
        settle(editable, PERIOD, editable.root / "no_such_policy.yaml")
    with dg.DagsterInstance.from_config(str(editable.dagster)) as instance:
        assert not instance.get_runs(limit=1)


def _evaluations(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[dg.AssetCheckEvaluation]:
    entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return [entry.get_dagster_event().asset_check_evaluation_data for entry in entries]


def test_a_release_without_its_build_is_refused(editable: Home) -> None:
    with pytest.raises(HcipError, match="run the job settlement for 2025H1") as raised:
        materialize_release(editable)
    assert raised.value.rule == "RELEASE-GATE" and "no finished build" in raised.value.message
    assert not releases_of(editable, PERIOD)


def test_a_build_on_disk_is_released_while_its_inputs_are_unchanged(settled_home: SettledHome, tmp_path: Path) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "warehouse")
    materialize_release(home)
    (made,) = releases_of(home, PERIOD)
    assert digest(made) == digest(settled_home.release.folder)

    policy = home.inbox / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.unlink()
    policy.write_text(text + "\n# a comment\n", encoding="utf-8")
    with pytest.raises(HcipError, match="changed since it was built: the policy"):
        materialize_release(home)
    policy.write_text(text, encoding="utf-8")

    file = home.lake_program(PERIOD) / "care_partners.parquet"
    frame = pl.read_parquet(file)
    file.unlink()
    frame.head(frame.height - 1).write_parquet(file)
    with pytest.raises(HcipError, match=r"changed since it was built: .*table care_partners"):
        materialize_release(home)
    assert releases_of(home, PERIOD) == [made]


def test_a_run_of_the_ui_is_recognized_by_the_next_command(settled_home: SettledHome, tmp_path: Path) -> None:
    """By what the run recorded before its intake and at its end, unless the lake lacks files of the inbox."""
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "warehouse", "releases")
    policy = load_policy(home.policy)
    shutil.rmtree(home.warehouse / "last_runs")
    save_inbox_contents(home, PERIOD, policy)
    materialize_release(home)
    assert outlook(home, PERIOD).unchanged == home.releases / "2025H1" / "r1"

    shutil.rmtree(home.warehouse / "last_runs")
    first = next((home.inbox / "hospital" / "2025Q1").iterdir())
    shutil.copytree(first, first.with_name(f"{first.name}.r2"))
    save_inbox_contents(home, PERIOD, policy)
    materialize_release(home)
    assert outlook(home, PERIOD).reasons == ("there is no record of an earlier run",)


def test_a_later_half_year_shows_that_it_became_stale(settled_home: SettledHome, tmp_path: Path) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "warehouse", "releases", has_history=True)
    later = home.releases / "2026H1" / "r1"
    later.mkdir(parents=True)
    (later / "datapackage.json").write_text('{"inputs": []}', encoding="utf-8")
    materialize_release(home)
    key = dg.AssetCheckKey(dg.AssetKey("release"), "rests_on_current_releases")
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        found = instance.event_log_storage.get_asset_check_partition_info([key])
        outcomes = {each.partition_key: each.latest_execution_status.value for each in found}
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    assert outcomes == {"2025H1": "SUCCEEDED", "2026H1": "FAILED"}
    evaluations = [each.event.get_dagster_event().asset_check_evaluation_data for each in history]
    (evaluation,) = [each for each in evaluations if each.partition == "2026H1"]
    assert evaluation.description == "2026H1 r1 was made before 2025H1 had a release; now it has r1"
    assert "hcip run 2025H1 --onward" in str(evaluation.metadata["what to do"].value)
    assert (evaluation.blocking, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_table_that_changed_after_its_checks_is_not_released(settled_home: SettledHome, tmp_path: Path) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox", "lake")
    shutil.copytree(settled_home.home.warehouse, home.warehouse)
    with duckdb.connect(home.warehouse / str(PERIOD) / FILE_NAME) as connection:
        connection.execute("update marts.savings set potential_savings = potential_savings + 1")
    with pytest.raises(HcipError, match="tables changed since its checks: savings"):
        materialize_release(home)


def test_a_half_year_without_data_leaves_no_run(editable: Home) -> None:
    with pytest.raises(HcipError) as raised:
        settle(editable, PERIOD.next().next())
    assert raised.value.rule == "PERIOD-MISSING"
    with dg.DagsterInstance.from_config(str(editable.dagster)) as instance:
        assert not instance.get_runs(limit=1)


def test_the_ui_finds_runs_of_the_command_line(settled_home: SettledHome) -> None:
    with settled_home.instance() as instance:
        for record in instance.get_run_records():
            run = record.dagster_run
            assert run.remote_job_origin is not None
            assert run.remote_job_origin.repository_origin.get_label() == "__repository__@hcip"
            shown = {name: value for name, value in run.tags.items() if not name.startswith(".")}
            assert shown["command"] == "hcip run 2025H1"
            assert not [name for name in shown if "process" in name or "machine" in name]
        intake = instance.get_runs(dg.RunsFilter(job_name="hospital_intake"))
    assert len(intake) == 1  # six quarters


def test_a_later_partition_does_not_hide_a_refusal(editable_with_history: Home) -> None:
    shutil.rmtree(editable_with_history.lake)
    refused = next((editable_with_history.inbox / "hospital" / "2025Q1").iterdir())
    (refused / "discharges.csv").unlink()
    ingest(editable_with_history, ["2025Q1"])
    assert ingest(editable_with_history, ["2024Q4"]).ok
    key = dg.AssetCheckKey(dg.AssetKey("submissions"), "submissions_accepted")
    with dg.DagsterInstance.from_config(str(editable_with_history.dagster)) as instance:
        found = instance.event_log_storage.get_asset_check_partition_info([key])
        outcomes = {each.partition_key: each.latest_execution_status.value for each in found}
        assert outcomes == {"2025Q1": "FAILED", "2024Q4": "SUCCEEDED"}
        assert instance.get_materialized_partitions(key.asset_key) == {"2024Q4"}


def test_a_month_without_an_archive_fails_by_name(editable_with_history: Home) -> None:
    report = ingest(editable_with_history, ["2024-06"])
    assert str(report.problems["2024-06"]).split(": ", 1)[1].startswith("no archive for 2024-06 in the inbox")
    with dg.DagsterInstance.from_config(str(editable_with_history.dagster)) as instance:
        assert "2024-06" not in instance.get_materialized_partitions(dg.AssetKey("cms_claim_files"))
        assert instance.get_runs(limit=1)[0].status is dg.DagsterRunStatus.FAILURE


def test_a_half_year_settles_with_one_process_per_step(settled_home: SettledHome, tmp_path: Path) -> None:
    """Assets exchange data on disk, so Dagster's multiprocess executor makes the same release.

    The build is computed without dbt, which other tests show to give the same result.
    """
    home = settled_home.copy(tmp_path / "home", has_history=True)
    job = dg.build_reconstructable_job(__name__, settlement_with_one_process_per_step.__name__, (str(home.root),))
    with dg.DagsterInstance.from_config(str(instance_folder(home))) as instance:
        assert dg.execute_job(job, instance, tags={"dagster/partition": "2025H1"}).success
    (made,) = releases_of(home, PERIOD)
    assert digest(made) == digest(settled_home.release.folder)
    files = [each.warehouse / str(PERIOD) / FILE_NAME for each in (home, settled_home.home)]
    assert fingerprints(files[0]) == fingerprints(files[1])


def settlement_with_one_process_per_step(home: str) -> dg.JobDefinition:
    """The settlement job. Its processes start with modules imported, which would take longer than most steps.

    The home is an argument because the processes are forked from a server that another test may have started, with
    that test's environment.
    """
    imported = {"forkserver": {"preload_modules": ["tests.preloaded", __name__]}}
    processes = {"max_concurrent": 2, "start_method": imported}
    definitions = build_defs(
        executor=dg.multiprocess_executor.configured(processes),
        resources={"home": HomeResource(path=home, threads=4), "engine": RenderedEngine()},
    )
    return definitions.resolve_job_def("settlement")


def test_a_failed_check_is_shown_and_a_check_that_did_not_run_did_not_pass(
    editable: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated = "incentives: 1 repeated key (hospital_ccn, period, npi)"
    nodes = (
        NodeResult("test.hcip.nothing_exceeds_a_limit", "fail", 0.1, 3, ""),
        NodeResult("test.hcip.keys_of_marts_incentives", "fail", 0.1, 1, repeated),
        NodeResult("test.hcip.keys_of_marts_savings", "error", 0.1, 0, "Conversion Error: 'A1234' is no number"),
    )

    def stop(*_args: object, **_named: object) -> None:
        raise BuildStoppedError(nodes, "the build stopped", file=editable.warehouse, rule="nothing_exceeds_a_limit")

    monkeypatch.setattr("hcip_pipeline.settlement.period.build_period", stop)
    with runs_on(editable) as runs:
        with pytest.raises(BuildStoppedError, match="the build stopped"):
            runs.run("settlement", PERIOD)
        found = _evaluations(runs.instance, runs.instance.get_runs(limit=1)[0])
    outcomes = {
        check.check_name: (check.passed, check.metadata["outcome"].value)
        for check in found
        if "outcome" in check.metadata
    }
    assert outcomes["nothing_exceeds_a_limit"] == (False, "fail")
    (shown,) = [check.metadata for check in found if "repeated keys" in check.metadata]
    assert shown["repeated keys"].value == repeated
    assert outcomes["keys_of_marts_savings"] == (False, "error")  # the engine's message may quote a patient's data
    assert not [check.check_name for check in found if "A1234" in str(check.metadata)]
    assert outcomes["every_amount_has_a_cost"] == (False, "did not run")
    assert {passed for passed, _ in outcomes.values()} == {False}
    assert not releases_of(editable, PERIOD)


def test_ingest_accepts_everything_in_the_inbox_that_is_valid(editable_with_history: Home) -> None:
    shutil.rmtree(editable_with_history.lake)
    refused = next((editable_with_history.inbox / "hospital" / "2025Q1").iterdir())
    (refused / "discharges.csv").unlink()
    report = ingest(editable_with_history)
    assert set(report.submissions) == {"2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2"}
    assert "2025H1" in report.periods
    assert report.unknown_folders == ("hospital/2025Q9",)
    assert [r.ccn for r in report.submissions["2025Q1"] if r.status == "refused"] == [refused.name]
    assert not report.ok and list(report.problems) == ["2025Q1"] and report.problems["2025Q1"].rule == "F-MISSING"
    shown = report.as_dict()
    assert shown["hospital"]["2025Q1"][0]["status"] in ("accepted", "refused")
    with dg.DagsterInstance.from_config(str(editable_with_history.dagster)) as instance:
        runs = instance.get_runs()
        (quarters,) = [run for run in runs if run.job_name == "hospital_intake"]
        assert quarters.status is dg.DagsterRunStatus.FAILURE  # with the refused quarter; the others are accepted
        assert {run.status for run in runs if run != quarters} == {dg.DagsterRunStatus.SUCCESS}
        ingested = instance.get_materialized_partitions(dg.AssetKey("submissions"))
        assert ingested == set(report.submissions) - {"2025Q1"}
        outcome = {c.check_name: c for c in _evaluations(instance, quarters) if c.partition == "2025Q1"}
    assert outcome["rows_reconcile"].passed
    assert not outcome["submissions_accepted"].passed
    assert outcome["submissions_accepted"].metadata["rules"].value == {"F-MISSING": 1}


def test_the_release_suites_expect_the_columns_of_a_release(settled_home: SettledHome) -> None:
    release = ReleaseFiles.at(settled_home.release.folder)
    for suite in suites.of_release(PERIOD, 10):
        (expected,) = [e.arguments["column_set"] for e in suite.expectations if "column_set" in e.arguments]
        for path in release.paths(suite.table):
            assert set(pl.read_parquet_schema(path)) - {"SYNTHETIC"} == set(expected), path.name


def test_interrupting_a_run_raises_keyboard_interrupt(settled_home: SettledHome, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(settled_home.home.inbox, home.inbox, copy_function=os.link)
    with runs_on(home, RunOptions(progress=lambda _: os.kill(os.getpid(), signal.SIGINT))) as runs:
        with pytest.raises(KeyboardInterrupt):
            runs.run("hospital_intake", Quarter.parse("2025Q1"))
        assert runs.instance.get_runs(limit=1)[0].is_finished
    assert not list(home.lake.rglob("*.json"))


def test_ingest_of_one_partition_ingests_no_other(editable: Home) -> None:
    report = ingest(editable, ["2025Q2"])
    assert set(report.submissions) == {"2025Q2"} and not report.periods and not report.archives


@pytest.mark.parametrize("key", ["2025Q5", "2025H3", "yesterday"])
def test_ingest_of_an_invalid_partition_is_a_usage_error(tmp_path: Path, key: str) -> None:
    with pytest.raises(UsageError):
        ingest(Home(tmp_path), [key])
    assert not list(tmp_path.iterdir())


def test_a_home_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "dagster").write_text("a file where the folder should be")
    with pytest.raises(HcipError, match="is not writable"):
        ingest(Home(tmp_path), ["2025Q1"])


def test_dagster_finds_the_definitions_valid(tmp_path: Path) -> None:
    checkout = Path(__file__).parents[2]
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(checkout / "workspace.yaml")]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"DAGSTER_HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "All code locations passed validation" in done.stdout + done.stderr
