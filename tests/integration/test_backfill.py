"""Backfills: parallel for independent partitions, in order for half-years, reproducible, and resumable."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.assets.runs import RunOptions
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.operations.backfill import backfill, partitions_between
from hcip_pipeline.publishing.writer import releases_of
from tests.settled_home import PERIOD, SettledHome, digest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("rendered_builds")]


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("2025Q1", "2025-04", "not the same kind of partition"),
        ("2025H2", "2025H1", "is before 2025H2"),
        ("2025Q1", "2035Q5", "is not a quarter"),
        ("2025H1", "2055H1", "outside the program's calendar"),
    ],
)
def test_an_invalid_range_is_a_usage_error(first: str, last: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        partitions_between(first, last)


def test_a_range_includes_both_ends() -> None:
    assert [str(key) for key in partitions_between("2024Q3", "2025Q1")] == ["2024Q3", "2024Q4", "2025Q1"]
    assert [str(key) for key in partitions_between("2024H2", "2025H1")] == ["2024H2", "2025H1"]


def test_parallel_quarters_give_the_same_lake(settled_home: SettledHome, tmp_path: Path) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox", has_history=True)
    report = backfill(home, "2025Q1", "2025Q3", RunOptions(processes=2))
    assert report.ok and report.ingested == ["2025Q1", "2025Q2"] and report.absent == ["2025Q3"]
    for table in ("discharges", "charges", "receipts"):
        for quarter in report.ingested:
            assert digest(home.lake_hospital(table, quarter)) == digest(settled_home.home.lake_hospital(table, quarter))


def test_a_failed_half_year_stops_later_ones_and_is_resumed(settled_home: SettledHome, tmp_path: Path) -> None:
    home = settled_home.copy(tmp_path / "home", "inbox", "lake", "releases", has_history=True)
    settled_home.copy_base_year(home.root)
    before = digest(home.releases)
    care_partners = home.inbox / "program" / str(PERIOD) / "care_partners.csv"
    kept = tmp_path / "care_partners.csv"
    shutil.move(care_partners, kept)
    shutil.rmtree(home.lake_program(PERIOD))

    report = backfill(home, "2025H1", "2026H1", RunOptions(processes=1))
    assert list(report.failed) == ["2025H1"] and report.failed["2025H1"].rule == "CARE-PARTNERS-MISSING"
    assert report.not_started == ["2025H2", "2026H1"] and not report.releases
    assert digest(home.releases) == before

    shutil.copyfile(kept, care_partners)
    resumed = backfill(home, "2025H1", "2026H1", resume=True)
    assert set(resumed.done_before) == {f"2024Q{n}" for n in range(1, 5)} | {"2025Q1", "2025Q2", "2025-05"}
    assert [(release.period, release.name, release.is_new) for release in resumed.releases] == [("2025H1", "r1", False)]
    assert [path.name for path in releases_of(home, PERIOD)] == ["r1"], "without changes there is no new release"
    assert resumed.failed["2025H2"].rule == "PERIOD-MISSING" and resumed.not_started == ["2026H1"]
    assert digest(home.releases / str(PERIOD)) == digest(settled_home.home.releases / str(PERIOD))


def test_nothing_to_resume_is_reported(tmp_path: Path) -> None:
    with pytest.raises(HcipError, match=r"no backfill 2025Q1\.\.2025Q2 to resume"):
        backfill(Home(tmp_path), "2025Q1", "2025Q2", resume=True)


@pytest.mark.parametrize(
    ("earlier", "message"), [("fails", "2024H2 of the same backfill was not released"), ("runs", "")]
)
def test_a_backfill_from_the_ui_settles_in_order(
    settled_home: SettledHome, tmp_path: Path, earlier: str, message: str
) -> None:
    home = settled_home.copy(tmp_path / "home")
    definitions = build_defs(resources={"home": HomeResource(path=str(home.root))})
    tags = {"dagster/backfill": "b1"}
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
        run = instance.create_run_for_job(
            definitions.resolve_job_def("program_intake"),
            tags=tags | {"dagster/partition": "2024H2"},
            status=dg.DagsterRunStatus.STARTED,
        )
        if earlier == "fails":
            instance.report_run_failed(run)
        patch.setattr("hcip_pipeline.assets.partition_work._SECONDS", 0)
        patch.setattr("hcip_pipeline.assets.partition_work._TRIES", 2)
        result = definitions.resolve_job_def("program_intake").execute_in_process(
            instance=instance, partition_key=str(PERIOD), tags=tags, raise_on_error=False
        )
    assert not result.success
    if message:
        failure = next(event for event in result.all_events if event.is_step_failure)
        assert message in str(failure.step_failure_data.error)
    else:
        assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 2
    assert not releases_of(home, PERIOD)
